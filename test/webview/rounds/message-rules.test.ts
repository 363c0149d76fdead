import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import type { ActiveFault } from "../../../server/contract/faults.ts";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import type { RoundsView } from "../../../webview/rounds/rounds-view.ts";
import { makeFault, makeSwarm } from "../harness/swarm-data.ts";
import { FakeTimeline } from "../harness/timeline-data.ts";
import { eventually, type WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const CANVAS = "canvas.space-time";
const SECTION = { swarm: "swarm-1", preventDefaultContextMenuItems: true };

describe("messages that are pointed at in the rounds view", function () {
  this.timeout(30_000);
  let view: WebviewPage;
  const harness = webviews(() => view);
  let five: FakeTimeline;

  before(() => {
    five = new FakeTimeline(5).run(12_000);
  });

  /** Opens the view and brings a moment to its middle. */
  async function show(
    atMs: number,
    spanMs: number,
    faults: readonly ActiveFault[] = [],
    width = 1400,
    untilMs = () => Number.POSITIVE_INFINITY,
  ): Promise<void> {
    view = await harness.open("rounds", {
      answer: (request) => {
        if (request.method === "timeline") return five.query(request.params, untilMs());
        if (request.method === "timelineEvent") return five.story(request.params.id);
        return null;
      },
      width,
      height: 800,
    });
    const swarm = makeSwarm({ agents: 5, faults });
    await view.send({ type: "snapshot", view: "rounds", swarm, swarms: [], trusted: true });
    await settled();
    await view.page.evaluate(
      ([middleMs, lengthMs]) => {
        const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
        diagram?.show({ fromMs: middleMs! - lengthMs! / 2, toMs: middleMs! + lengthMs! / 2 });
      },
      [atMs, spanMs],
    );
    await settled();
    await view.frames(3);
  }

  const settled = (): Promise<unknown> =>
    view.page.waitForFunction(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      return diagram?.window && !diagram.loading && diagram.window.fromMs <= diagram.span.fromMs + 1;
    });

  const election = (): TimelineEvent => {
    const led = five.events.filter((event) => event.kind === "becameLeader").at(-2);
    assert.ok(led !== undefined);
    return led;
  };

  /** A message that nobody ever received, though its receiver lived. */
  const lostAppend = (): TimelineEvent => {
    const arrived = new Set(five.events.filter(({ kind }) => kind === "receive").map(({ message }) => message?.id));
    const crashes = five.events.filter(({ kind }) => kind === "processEnded");
    const lost = five.events.find(
      ({ kind, message, hlc }) =>
        kind === "send" &&
        message?.type === "append" &&
        !arrived.has(message.id) &&
        !crashes.some((crash) => crash.agent === message.to && Math.abs(crash.hlc.wallMs - hlc.wallMs) < 1500),
    );
    assert.ok(lost?.message !== undefined && lost.hlc.wallMs < five.lastMs - 4000, "the timeline loses a message");
    return lost;
  };

  /** Where in the canvas something of a kind is, and which message. */
  async function find(kind: "arrow" | "event" | "none"): Promise<{ x: number; y: number; id: string }> {
    const found = await view.page.evaluate((wanted) => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const box = document.querySelector("canvas.space-time")?.getBoundingClientRect();
      if (!diagram || !box) return null;
      for (let y = 30; y < box.height - 10; y += 3) {
        for (let x = 40; x < box.width - 40; x += 3) {
          const hit = diagram.thingAt(x, y);
          if (hit.kind !== wanted) continue;
          const id = hit.kind === "arrow" ? hit.arrow.message.id : hit.kind === "event" ? hit.event.id : "";
          if (hit.kind !== "event" || hit.event.agent !== "coordinator") return { x, y, id };
        }
      }
      return null;
    }, kind);
    assert.ok(found !== null, `the diagram shows ${kind}`);
    return found;
  }

  it("are told to be lost once the timeline has gone on for long enough, also where the view stands still", async () => {
    const lost = lostAppend();
    const sentMs = lost.hlc.wallMs;
    const id = lost.message!.id;
    const fate = (): Promise<string | undefined> =>
      view.page.evaluate(
        (wanted) =>
          document
            .querySelector<RoundsView>("am-rounds")
            ?.diagram?.window?.arrows.find(({ message }) => message.id === wanted)?.fate,
        id,
      );
    let untilMs = sentMs + 500;
    await show(sentMs, 400, [], 1400, () => untilMs);
    assert.equal(await fate(), "open");
    // Beyond what may still be filled in, and not yet long enough.
    for (const laterMs of [2600, 4500]) {
      untilMs = sentMs + laterMs;
      const stored = five.events.filter(({ hlc }) => hlc.wallMs < untilMs).length;
      await view.send({ type: "timelineGrew", swarm: "swarm-1", stored, lastMs: untilMs });
      await settled();
    }
    await eventually(async () => (await fate()) === "lost");
  });

  const context = async (): Promise<unknown> =>
    JSON.parse((await view.page.locator(CANVAS).getAttribute("data-vscode-context")) ?? "null");
  const messageOf = (id: string) => {
    const message = five.story(id)?.event.message;
    assert.ok(message !== undefined);
    const { type, from, to } = message;
    return { type, from, to };
  };

  it("tell VS Code's context menu their type, sender and receiver; elsewhere it is about the agent or the swarm", async () => {
    await show(election().hlc.wallMs, 40);
    const arrow = await find("arrow");
    await view.page.locator(CANVAS).click({ button: "right", position: arrow });
    assert.deepEqual(await context(), { webviewSection: "message", ...SECTION, message: messageOf(arrow.id) });
    const mark = await find("event");
    await view.page.locator(CANVAS).click({ button: "right", position: mark });
    const agent = five.story(mark.id)?.event.agent;
    assert.deepEqual(await context(), { webviewSection: "agent", ...SECTION, agent, member: "voter" });
    const nothing = await find("none");
    await view.page.locator(CANVAS).click({ button: "right", position: nothing });
    assert.deepEqual(await context(), { webviewSection: "swarm", ...SECTION });
  });

  it("are reached by keyboard: comma and full stop choose one, and the context menu key is about it", async () => {
    await show(election().hlc.wallMs, 40);
    await view.page.locator(CANVAS).focus();
    let chosen = "";
    for (let i = 0; i < 20 && five.story(chosen)?.event.message === undefined; i++) {
      const before = chosen;
      await view.page.keyboard.press(".");
      await view.page.waitForFunction((id) => {
        const rounds = document.querySelector<RoundsView>("am-rounds");
        return rounds?.story != null && rounds.story.event.id !== id && rounds.story.event.id === rounds.selected;
      }, before);
      chosen = await view.page.evaluate(() => document.querySelector<RoundsView>("am-rounds")?.selected ?? "");
    }
    await view.page.keyboard.press("Shift+F10");
    assert.deepEqual(await context(), { webviewSection: "message", ...SECTION, message: messageOf(chosen) });
  });

  it("offer in their details to drop, delay, corrupt or duplicate such messages, or anything else", async () => {
    await show(election().hlc.wallMs, 40);
    const arrow = await find("arrow");
    await view.page.locator(CANVAS).click({ position: arrow });
    await view.page.locator(".event-details").waitFor();
    const message = messageOf(arrow.id);
    const buttons = view.page.locator('.event-details [role=group][aria-label^="Such messages"] vscode-button');
    const names = ["Drop…", "Delay…", "Corrupt…", "Duplicate…", "Inject Failure…"];
    assert.deepEqual(await buttons.allInnerTexts(), names);
    await view.screenshot("rounds-message-dark");
    for (let i = 0; i < names.length; i++) {
      await buttons.nth(i).focus();
      await view.page.keyboard.press("Enter");
    }
    const asked = view.messages.filter((one) => one.type === "command");
    const expected = [{ action: "drop" }, { action: "delay" }, { action: "corrupt" }, { action: "duplicate" }, {}];
    assert.deepEqual(
      asked.map(({ command, argument }) => [command, argument]),
      expected.map((more) => ["agentMesh.injectFailure", { swarm: "swarm-1", message: { ...message, ...more } }]),
    );
    const details = view.page.locator(".event-details");
    assert.match((await details.getAttribute("data-vscode-context")) ?? "", /"webviewSection":"message"/);
    await view.page.getByTitle("Close the details").click();
    await view.page.getByTitle("Table").click();
    const row = view.page.locator("am-table.events tbody tr", { hasText: "sent" }).first();
    const said = JSON.parse((await row.getAttribute("data-vscode-context")) ?? "null");
    const id = (await row.getAttribute("data-key")) ?? "";
    assert.deepEqual(said, { webviewSection: "message", ...SECTION, message: messageOf(id) });
  });

  it("end in a cross when they were dropped, and say so, with the rules that were on their way", async () => {
    const lost = lostAppend();
    const { from, to, id } = lost.message!;
    const rule = (name: string, types: readonly ["append"] | readonly ["vote"], sender: string): ActiveFault => ({
      ...makeFault(
        name,
        { kind: "message", match: { types, from: sender, to }, action: { action: "drop" } },
        [sender, to],
        `Every ${types} message from ${sender} to ${to} dropped`,
      ),
      sinceMs: lost.hlc.wallMs - 100,
    });
    const other = five.agents.find((agent) => agent !== from && agent !== to) ?? "";
    const faults = [rule("f1", ["append"], from), rule("f2", ["vote"], from), rule("f3", ["append"], other)];
    await show(lost.hlc.wallMs, 60, faults);
    const end = await view.page.evaluate((wanted) => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const canvas = document.querySelector<HTMLCanvasElement>("canvas.space-time");
      if (!diagram || !canvas) return null;
      const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      if (!copy) return null;
      copy.canvas.width = canvas.width;
      copy.canvas.height = canvas.height;
      copy.drawImage(canvas, 0, 0);
      const reds: { x: number; y: number }[] = [];
      let seen: { x: number; y: number } | null = null;
      for (let y = 30; y < canvas.clientHeight; y += 2) {
        for (let x = 0; x < canvas.clientWidth; x += 2) {
          const hit = diagram.thingAt(x, y);
          if (hit.kind !== "arrow" || hit.arrow.message.id !== wanted) continue;
          seen ??= { x, y };
          const [r = 0, g = 0, b = 0] = copy.getImageData(x, y, 1, 1).data;
          if (r > 200 && g < 110 && b < 110) reds.push({ x, y });
        }
      }
      return { seen, reds: reds.length };
    }, id);
    assert.ok(end?.seen != null, "the arrow is shown");
    assert.ok(end.reds >= 3, `a cross of ${end.reds} red points`);
    await view.page.locator(CANVAS).click({ position: end.seen });
    await view.page.locator(".event-details").waitFor();
    const words = await view.page.locator(".event-details").innerText();
    assert.match(words, /Passage\s+no receipt was recorded: lost/);
    assert.deepEqual(
      words.match(/Fault then\s+(.*)/g)?.map((line) => line.replace(/\s+/g, " ")),
      [`Fault then Every append message from ${from} to ${to} dropped`],
    );
    await view.screenshot("rounds-message-lost-dark");
  });

  it("say how long they took where they arrived, and no fault where none was on their way", async () => {
    const received = five.events.find(
      ({ kind, message, hlc }) => kind === "receive" && message?.type === "append" && hlc.wallMs > five.firstMs + 3000,
    );
    assert.ok(received !== undefined);
    await show(received.hlc.wallMs, 60);
    await view.send({ type: "reveal", event: received.id });
    await view.page.locator(".event-details").waitFor();
    const words = await view.page.locator(".event-details").innerText();
    assert.match(words, /Passage\s+arrived after [\d.]+ ms/);
    assert.doesNotMatch(words, /Fault then/);
  });

  it("fit into 300 pixels with all that they offer", async () => {
    await show(election().hlc.wallMs, 40, [], 300);
    const sent = five.events.find(({ kind, hlc }) => kind === "send" && hlc.wallMs >= election().hlc.wallMs);
    await view.send({ type: "reveal", event: sent?.id ?? "" });
    await view.page.locator(".event-details").waitFor();
    assert.deepEqual(await view.clipped(".event-details *"), []);
  });
});
