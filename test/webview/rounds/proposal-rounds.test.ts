import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import type { ProposalView } from "../../../server/contract/proposals.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import type { EventKind, Fields, TimelineEvent } from "../../../server/contract/timeline.ts";
import { Timeline } from "../../../server/coordinator/timeline/timeline.ts";
import type { RoundsView } from "../../../webview/rounds/rounds-view.ts";
import { countPixels } from "../harness/pixels.ts";
import { makeSwarm } from "../harness/swarm-data.ts";
import { FakeTimeline } from "../harness/timeline-data.ts";
import { WebviewHarness, type WebviewPage } from "../harness/webview-page.ts";

const CANVAS = "canvas.space-time";
const GREEN = "#89d185";
const VOTERS = ["a1", "a2", "a3", "a4", "a5"];

/** What the agents of a swarm tell of three proposals: one approved against a vote, one rejected, one expired. */
function proposalEvents(fromMs: number): readonly TimelineEvent[] {
  const events: TimelineEvent[] = [];
  const tell = (agent: string, atMs: number, kind: EventKind, fields: Fields): void => {
    const id = `${agent}.2:${events.length + 1}`;
    events.push({ id, agent, hlc: { wallMs: fromMs + atMs, counter: 0 }, kind, fields });
  };
  const everyone = (atMs: number, kind: EventKind, fields: Fields): void =>
    VOTERS.forEach((agent, i) => {
      tell(agent, atMs + 4 * i, kind, fields);
    });
  const submitted = (atMs: number, proposal: string, subject: string): void =>
    everyone(atMs, "proposalSubmitted", { proposal, subject, voters: VOTERS, needed: 4, untilMs: fromMs + atMs + 900 });
  const votes = (atMs: number, proposal: string, choices: readonly string[]): void =>
    choices.forEach((choice, i) => {
      const voter = VOTERS[i] as string;
      const reason = choice === "reject" ? "no tests" : "";
      tell(voter, atMs + 25 * i, "voteSigned", { proposal, choice, reason });
      everyone(atMs + 25 * i + 12, "committed", { term: 1, fromIndex: i });
      everyone(atMs + 25 * i + 12, "voteCast", { proposal, voter, choice, reason });
    });
  const decided = (atMs: number, proposal: string, state: string, approvals: number, rejections: number): void =>
    everyone(atMs, "proposalDecided", { proposal, state, approvals, rejections, needed: 4 });
  submitted(0, "p1", "deploy 1.4");
  votes(50, "p1", ["approve", "reject", "approve", "approve", "approve"]);
  decided(190, "p1", "approved", 4, 1);
  tell("a2", 240, "voteNotTaken", { proposal: "p1", voter: "a2", reason: "decided" });
  submitted(300, "p2", "deploy 1.5");
  votes(350, "p2", ["reject", "reject"]);
  decided(420, "p2", "rejected", 0, 2);
  submitted(480, "p3", "deploy 1.6");
  votes(540, "p3", ["approve"]);
  decided(640, "p3", "expired", 1, 0);
  return events.sort((a, b) => a.hlc.wallMs - b.hlc.wallMs);
}

describe("proposals in the rounds view, drawn", function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), "proposal-rounds-"));
  const background = new FakeTimeline(5).run(3000);
  const fromMs = background.firstMs + 600;
  const events = proposalEvents(fromMs);
  let harness: WebviewHarness;
  let view: WebviewPage;
  let timeline: Timeline;

  before(async () => {
    const told = [...background.events, ...events].sort((a, b) => a.hlc.wallMs - b.hlc.wallMs);
    timeline = new Timeline("swarm-1", {
      folder: join(folder, "timeline"),
      chunksInMemory: 24,
      onProblem: (message) => assert.fail(message),
    });
    timeline.add(told);
    harness = await WebviewHarness.start();
    view = await harness.open("rounds", {
      answer: async (request) => {
        if (request.method === "timeline") return timeline.window(request.params);
        if (request.method === "timelineEvent") return timeline.event(request.params.id);
        if (request.method === "timelineSearch") return timeline.search(request.params);
        return null;
      },
      width: 1400,
      height: 620,
    });
    await show([{ id: "p1" } as ProposalView]);
    await shown();
    await showSpan(-40, 760);
  });
  afterEach(() => assert.deepEqual(view.errors, []));
  after(async () => {
    await view.close();
    await harness.stop();
    await timeline.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  async function show(proposals: SwarmView["proposals"]): Promise<void> {
    const swarm: SwarmView = { ...makeSwarm({ agents: 5 }), ...(proposals && { proposals }) };
    await view.send({ type: "snapshot", view: "rounds", swarm, swarms: [], trusted: true });
  }

  const shown = (): Promise<unknown> =>
    view.page.waitForFunction(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const window = diagram?.window;
      return diagram && window?.complete && !diagram.loading && window.fromMs <= diagram.span.fromMs + 1;
    });

  async function showSpan(startMs: number, endMs: number): Promise<void> {
    await view.page.evaluate((wanted) => document.querySelector<RoundsView>("am-rounds")?.diagram?.show(wanted), {
      fromMs: fromMs + startMs,
      toMs: fromMs + endMs,
    });
    await shown();
    await view.frames(2);
  }

  const text = (selector: string): Promise<string> =>
    view.page.evaluate((wanted) => document.querySelector(wanted)?.textContent ?? "", selector);

  const press = (chip: string): Promise<void> => view.page.click(`.filters .chip:has-text("${chip}")`);

  it("are drawn in every theme, and gone when their group is switched off", async () => {
    for (const group of ["Heartbeats", "Appends", "Elections", "Votes", "Members", "Faults"]) await press(group);
    await shown();
    await view.frames(2);
    for (const theme of ["light", "highContrast", "dark"] as const) {
      await view.setTheme(theme);
      await view.screenshot(`rounds-proposals-${theme}`);
    }
    const drawn = await countPixels(view, CANVAS, GREEN);
    await press("Proposals");
    await shown();
    await view.frames(2);
    const without = await countPixels(view, CANVAS, GREEN);
    assert.ok(drawn - without > 300, `${drawn} with, ${without} without`);
    await press("Proposals");
    await shown();
  });

  it("can be pointed at where a vote is counted, beside the commit in the same moment: approvals above it, rejections below", async () => {
    const lines = async (choice: string): Promise<Readonly<Record<string, readonly number[]>>> => {
      const counted = events.find(({ kind, fields }) => kind === "voteCast" && fields.choice === choice);
      return view.page.evaluate(
        ({ atMs }) => {
          const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
          const box = document.querySelector("canvas.space-time")?.getBoundingClientRect();
          const found: Record<string, number[]> = {};
          if (!diagram || !box) return found;
          const x = (box.width * (atMs - diagram.span.fromMs)) / (diagram.span.toMs - diagram.span.fromMs);
          for (let y = 24; y < 24 + box.height / 6; y++) {
            const thing = diagram.thingAt(x, y);
            if (thing.kind === "event") found[thing.event.kind] = [...(found[thing.event.kind] ?? []), y];
          }
          return found;
        },
        { atMs: (counted as TimelineEvent).hlc.wallMs },
      );
    };
    const [above, below] = [await lines("approve"), await lines("reject")];
    assert.ok(Math.max(...(above.voteCast ?? [])) < Math.min(...(above.committed ?? [])), JSON.stringify(above));
    assert.ok(Math.min(...(below.voteCast ?? [])) > Math.max(...(below.committed ?? [])), JSON.stringify(below));
  });

  it("are found by their words, and say in the details who voted what and why", async () => {
    const vote = events.find(
      ({ kind, fields }) => kind === "voteSigned" && fields.choice === "reject",
    ) as TimelineEvent;
    await view.page.fill(".search vscode-textfield input", "kind:voteSigned tests p1");
    await view.page.press(".search vscode-textfield input", "Enter");
    await view.page.waitForSelector(".event-details");
    assert.match(await text(".search .status"), /^1 of 1$/);
    const details = await text(".event-details");
    assert.match(details, new RegExp(`${vote.agent}: vote signed \\(rejects p1: no tests\\)`));
    for (const fact of [/proposal\s*p1/, /choice\s*reject/, /reason\s*no tests/]) assert.match(details, fact);
    await view.send({ type: "reveal", event: (events[0] as TimelineEvent).id });
    await view.page.waitForFunction(() =>
      /deploy 1\.4/.test(document.querySelector(".event-details")?.textContent ?? ""),
    );
    assert.match(await text(".event-details"), /until\s*\d\d:\d\d:\d\d\.\d{3}/);
    await view.screenshot("rounds-proposals-details-dark");
  });

  it("are explained in the legend of a swarm that votes on some, and in no other's", async () => {
    const words = ["put to the vote", "signs: approve", "counts a rejection (below)", "vote not taken", "expired"];
    for (const word of words) assert.ok((await text("ul.legend")).includes(word), word);
    await show([]);
    await view.frames(2);
    for (const word of words) assert.ok(!(await text("ul.legend")).includes(word), word);
  });
});
