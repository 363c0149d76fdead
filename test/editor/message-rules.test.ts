// Rules on messages, from what is pointed at: a message of the rounds, a link of the topology.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { FrameLocator } from "playwright-core";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm, pointOf } from "./harness/swarm.ts";
import { chooseInMenu, menuChoices } from "./harness/views.ts";
import { briefly, patiently, until } from "./harness/waiting.ts";

interface Message {
  readonly id: string;
  readonly type: string;
  readonly from: string;
  readonly to: string;
}

/** What the page's own element can tell of what it shows. */
interface Rounds extends Element {
  readonly diagram:
    | {
        readonly span: { readonly fromMs: number; readonly toMs: number };
        readonly window: {
          readonly arrows: readonly { readonly fromMs: number; readonly fate: string; readonly message: Message }[];
        } | null;
        show(span: { readonly fromMs: number; readonly toMs: number }): void;
        thingAt(x: number, y: number): { readonly arrow?: { readonly message: Message } };
      }
    | undefined;
}

describe("message rules from what is pointed at", function () {
  this.timeout(120_000);
  let editor: Editor;
  let leader = "";
  let rounds: FrameLocator;
  let topology: FrameLocator;
  /** A heartbeat of the leader: what is dropped first. */
  let message: Omit<Message, "id">;
  let injectedAtMs = 0;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
    leader = await initFirstSwarm(editor);
    await showRounds();
    await rounds.locator("button.chip", { hasText: "Heartbeats" }).click();
  });
  after(async () => {
    await editor?.close();
  });

  const showRounds = async (): Promise<void> => {
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas.space-time").waitFor(patiently);
  };
  const showTopology = async (): Promise<void> => {
    await editor.runCommand("Agent Mesh: Open Topology");
    topology = await editor.webviewFrame("Topology", "editor");
    await topology.locator("canvas").first().waitFor(patiently);
  };
  const tool = (frame: FrameLocator, label: string) => frame.locator(`vscode-toolbar-button[label^="${label}"]`);

  /** Shows a stretch of time in which messages can be told apart. */
  const look = (fromMs: number, toMs: number) =>
    rounds
      .locator("am-rounds")
      .evaluate((view, span) => (view as unknown as Rounds).diagram?.show(span), { fromMs, toMs });

  /** The place of a message on the page that is as wanted, beside the marks. */
  const find = (wanted: { type: string; from?: string; to?: string; fate: string }, deadlineMs = 20_000) =>
    until(
      editor.page,
      `a ${wanted.type} of ${wanted.from ?? "anybody"} that is ${wanted.fate}`,
      () =>
        rounds.locator("am-rounds").evaluate((view, { type, from, to, fate }): { x: number; y: number } | undefined => {
          const { diagram } = view as unknown as Rounds;
          const canvas = view.querySelector("canvas.space-time");
          if (!diagram?.window || !canvas) return undefined;
          const { fromMs, toMs } = diagram.span;
          const wanted = diagram.window.arrows.filter(
            ({ message, ...arrow }) =>
              arrow.fate === fate &&
              message.type === type &&
              (from === undefined || message.from === from) &&
              (to === undefined || message.to === to),
          );
          for (const { message, ...arrow } of wanted) {
            const sentX = ((arrow.fromMs - fromMs) / (toMs - fromMs)) * canvas.clientWidth;
            if (sentX < 20 || sentX > canvas.clientWidth - 40) continue;
            // Beside the marks, which are in the way on the lanes.
            for (let y = 40; y < canvas.clientHeight - 10; y += 6) {
              for (let x = sentX - 4; x < sentX + 28; x += 2)
                if (diagram.thingAt(x, y).arrow?.message.id === message.id) return { x, y };
            }
          }
          return undefined;
        }, wanted),
      deadlineMs,
    );
  /** What the menu was told that it is about. Messages to several agents leave together: of them it is the one that is nearest. */
  const askedAbout = async (): Promise<Omit<Message, "id"> | undefined> => {
    const said = await rounds.locator("canvas.space-time").getAttribute("data-vscode-context", briefly);
    return JSON.parse(said ?? "null")?.message;
  };
  /** The picture takes in what is told late, so a message may have moved since it was found: then once more. */
  const onMessage = (wanted: Parameters<typeof find>[0], button: "left" | "right"): Promise<boolean> =>
    until(editor.page, `a click on a ${wanted.type}`, async () => {
      const nowMs = Date.now();
      await look(nowMs - 1500, nowMs - 500);
      const found = await find(wanted);
      await rounds.locator("canvas.space-time").click({ button, position: found });
      if (button === "left") return rounds.locator(".event-details").isVisible();
      await menuChoices(editor.page);
      const about = await askedAbout();
      if (about?.type === wanted.type && (wanted.from ?? about.from) === about.from) return true;
      await editor.page.keyboard.press("Escape");
      return false;
    });
  const onLink = async (a: string, b: string, button: "left" | "right"): Promise<void> => {
    const at = await until(editor.page, "the agents to be laid out", async () => {
      const [from, to] = await Promise.all([pointOf(topology, a), pointOf(topology, b)]).catch(() => []);
      return from && to && { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
    });
    await topology.locator(".picture").click({ button, position: at });
  };
  const ends = (a: string, b: string): readonly [string, string] => (a < b ? [a, b] : [b, a]);
  const noFault = () => editor.view("Faults").untilItems("no fault", (all) => all.length === 0);

  /** Answers what is asked, one after the other. */
  const answer = async (...choices: readonly (string | RegExp)[]): Promise<void> => {
    for (const choice of choices) await editor.quickInput.choose(choice);
  };

  it("a right-click on a message offers what can befall such messages; to drop them asks for the rest", async () => {
    await onMessage({ type: "heartbeat", from: leader, fate: "received" }, "right");
    const offered = await menuChoices(editor.page);
    for (const choice of ["Drop", "Delay", "Corrupt", "Duplicate"])
      assert.ok(offered.includes(`${choice} Such Messages…`), offered.join(", "));
    assert.ok(offered.includes("Inject Failure"), offered.join(", "));
    message = (await askedAbout()) as Message;
    await editor.screenshot("message-rules-1-menu");
    await chooseInMenu(editor.page, "Drop Such Messages…");
    assert.equal(await editor.quickInput.prompt(), "Inject Failure: which messages of type heartbeat?");
    await answer(`${leader} → ${message.to}`, "The first 2");
    await editor.quickInput.type("100");
    await answer("Until healed");
    injectedAtMs = Date.now();
    await editor.view("Faults").item(new RegExp(`first 2 heartbeat messages from ${leader} to ${message.to} dropped`));
  });

  it("what was dropped ends in a cross, and says so, with the rule that was on its way", async () => {
    const { from, to } = message;
    await look(injectedAtMs - 1000, injectedAtMs + 1000);
    await until(
      editor.page,
      "the lost heartbeat's story",
      async () => {
        const position = await find({ type: "heartbeat", from, to, fate: "lost" });
        await rounds.locator("canvas.space-time").click({ position });
        const words = await rounds.locator(".event-details").innerText(briefly);
        return /no receipt was recorded: lost[\s\S]*Fault then\s+The first 2 heartbeat messages/.test(words);
      },
      30_000,
    );
    await editor.screenshot("message-rules-2-dropped");
  });

  it("the topology marks the way of the link, tells it in words, and heals it on the link's card", async () => {
    const [a, b] = ends(message.from, message.to);
    await showTopology();
    await tool(topology, "Table").click();
    const row = topology.locator("am-table.links tbody tr", { hasText: `${a}–${b}` });
    await until(editor.page, "the way in words", async () =>
      (await row.innerText(briefly)).includes(`${message.from} → ${message.to}`),
    );
    await tool(topology, "Table").click();
    await onLink(a, b, "left");
    const card = topology.locator(".details");
    await until(editor.page, "the rule on the card", async () =>
      new RegExp(`${message.from} → ${message.to}\\s+The first 2 heartbeat`).test(await card.innerText(briefly)),
    );
    await editor.screenshot("message-rules-3-card");
    await card.getByRole("button", { name: "Heal", exact: true }).click();
    await noFault();
  });

  it("a rule for both ways of a link, from its menu, is two faults", async () => {
    const [a, b] = ends(message.from, message.to);
    await onLink(a, b, "right");
    await chooseInMenu(editor.page, "Inject Failure");
    await answer(/Delay messages/, "Every type", "Both directions");
    await editor.quickInput.type("40");
    await answer("All of them");
    await editor.quickInput.type("10");
    await answer("Until healed");
    for (const [from, to] of [
      [a, b],
      [b, a],
    ])
      await editor
        .view("Faults")
        .item(new RegExp(`Every message from ${from} to ${to} delayed by 40 ms with 10 % probability`));
    await editor.runCommand("Agent Mesh: Heal All");
    await noFault();
  });

  it("a link's card takes a rule for one way, by keyboard", async () => {
    const [a, b] = ends(message.from, message.to);
    await onLink(a, b, "left");
    const way = topology
      .getByRole("group", { name: "Message rule" })
      .locator("vscode-button", { hasText: `${b} → ${a}` });
    await way.focus();
    await editor.page.keyboard.press("Enter");
    assert.equal(await editor.quickInput.prompt(), `Inject Failure: what? (messages ${b} → ${a})`);
    await answer(/Duplicate messages/, "vote");
    await editor.quickInput.type("1");
    await answer("All of them");
    await editor.quickInput.type("100");
    await answer("3 seconds");
    await editor.view("Faults").item(new RegExp(`Every vote message from ${b} to ${a} sent twice`));
    await noFault();
  });

  it("a message's details take a rule, and so does its row in the table, by the context menu key", async () => {
    await showRounds();
    await onMessage({ type: "heartbeat", fate: "received" }, "left");
    const details = rounds.locator(".event-details");
    await details.locator("vscode-button", { hasText: "Delay…" }).click();
    await answer("From anybody to anybody");
    await editor.quickInput.type("30");
    await answer("All of them");
    await editor.quickInput.type("100");
    await answer("3 seconds");
    await editor.view("Faults").item(/Every heartbeat message delayed by 30 ms/);
    await noFault();
    await tool(rounds, "Table").click();
    const row = rounds.locator("am-table.events tbody tr[tabindex='0']");
    await row.focus();
    for (let i = 0; i < 40 && !/sent|received/.test(await row.innerText(briefly)); i++)
      await editor.page.keyboard.press("ArrowDown");
    await editor.page.keyboard.press("Shift+F10");
    const offered = await menuChoices(editor.page);
    assert.ok(offered.includes("Corrupt Such Messages…"), offered.join(", "));
    await chooseInMenu(editor.page, "Corrupt Such Messages…");
    await answer(/^From a\d, to anybody$/, "The first one");
    await editor.quickInput.type("100");
    await answer("3 seconds");
    await editor.view("Faults").item(/The first \w+ message from a\d damaged/);
    await noFault();
  });
});
