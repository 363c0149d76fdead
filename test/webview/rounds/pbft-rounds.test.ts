import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import type { Mesh } from "../../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { Timeline } from "../../../server/coordinator/timeline/timeline.ts";
import { parseMesh } from "../../../server/meshfile/mesh-file.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import type { RoundsView } from "../../../webview/rounds/rounds-view.ts";
import { countPixels } from "../harness/pixels.ts";
import { pbftSwarm } from "../harness/swarm-data.ts";
import { WebviewHarness, type WebviewPage } from "../harness/webview-page.ts";

const CANVAS = "canvas.space-time";
const DARK = {
  primary: "#cca700",
  prePrepare: "#3794ff",
  prepare: "#d18616",
  commit: "#89d185",
  viewChange: "#b180d7",
};
const MESH = `agents: 4
consensus: pbft
faults:
  - { at: 2s, crash: leader, for: 2s }
expect: { liveness: off, recovery: off }
simulate: { seed: 1, for: 5s, clients: 1, operations: 60, chaos: false }
`;

/** What the agents of a simulated swarm told, whose primary was killed; and, at its end, that one holds proof of a lie. */
function toldEvents(): readonly TimelineEvent[] {
  const { mesh } = parseMesh(MESH, "pbft.mesh.yaml");
  const events: TimelineEvent[] = [];
  simulate(mesh as Mesh, 1, { onEvent: (event) => events.push(event) });
  const last = events.findLast(({ agent }) => agent === "a4") as TimelineEvent;
  events.push({
    ...last,
    id: last.id.replace(/\d+$/, (sequence) => String(Number(sequence) + 1)),
    hlc: { wallMs: last.hlc.wallMs + 5, counter: 0 },
    kind: "equivocation",
    fields: { culprit: "a3", kind: "prepare", view: 1, seq: 41, evidence: "00" },
  });
  return events.map(({ message, cause, ...event }) => ({
    ...event,
    ...(cause === undefined ? {} : { cause }),
    ...(message === undefined || event.kind === "equivocation" ? {} : { message }),
  }));
}

describe("the rounds of a PBFT swarm", function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), "pbft-rounds-"));
  let harness: WebviewHarness;
  let view: WebviewPage;
  let events: readonly TimelineEvent[];
  let timeline: Timeline;

  before(async () => {
    events = toldEvents();
    timeline = new Timeline("swarm-1", {
      folder: join(folder, "timeline"),
      chunksInMemory: 24,
      onProblem: (message) => assert.fail(message),
    });
    timeline.add(events);
    harness = await WebviewHarness.start();
    await show();
  });
  afterEach(() => assert.deepEqual(view.errors, []));
  after(async () => {
    await view.close();
    await harness.stop();
    await timeline.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  async function show(): Promise<void> {
    view = await harness.open("rounds", {
      answer: async (request) => {
        if (request.method === "timeline") return timeline.window(request.params);
        if (request.method === "timelineEvent") return timeline.event(request.params.id);
        return null;
      },
      width: 1400,
      height: 800,
    });
    await view.send({ type: "snapshot", view: "rounds", swarm: pbftSwarm(), swarms: [], trusted: true });
    await shown();
  }

  const shown = (): Promise<unknown> =>
    view.page.waitForFunction(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const window = diagram?.window;
      return diagram && window && !diagram.loading && window.fromMs <= diagram.span.fromMs + 1;
    });

  async function showAround(atMs: number, lengthMs: number): Promise<void> {
    const span = { fromMs: atMs - lengthMs / 2, toMs: atMs + lengthMs / 2 };
    await view.page.evaluate((wanted) => {
      document.querySelector<RoundsView>("am-rounds")?.diagram?.show(wanted);
    }, span);
    await shown();
    await view.frames(2);
  }

  const seen = (what: keyof typeof DARK): Promise<number> => countPixels(view, CANVAS, DARK[what]);
  const at = (found: TimelineEvent | undefined): number => (found as TimelineEvent).hlc.wallMs;

  it("draw the three phases of a decision, each told apart", async () => {
    await showAround(at(events.find(({ kind }) => kind === "prepared")), 30);
    await view.screenshot("rounds-pbft-phases-dark");
    for (const phase of ["prePrepare", "prepare", "commit", "primary"] as const)
      assert.ok((await seen(phase)) > 30, phase);
  });

  it("draw a view change with its bars, and the primary that follows", async () => {
    await showAround(at(events.find(({ kind }) => kind === "viewEntered")), 400);
    assert.ok((await seen("viewChange")) > 100);
    assert.ok((await seen("primary")) > 100);
    await view.screenshot("rounds-pbft-view-change-dark");
  });

  it("name things as PBFT does: bars, filters, lanes and the legend", async () => {
    const text = (selector: string): Promise<string> =>
      view.page.evaluate((wanted) => document.querySelector(wanted)?.textContent ?? "", selector);
    assert.match(await text(".lanes"), /a2.*primary.*a3.*backup, lies.*a4.*view change/s);
    const chips = await text(".filters");
    assert.match(chips, /View changes.*Prepares and commits/s);
    assert.doesNotMatch(chips, /Elections/);
    const legend = await text("ul.legend");
    for (const word of ["primary", "view change", "pre-prepare", "prepare", "commit", "proof of a lie"])
      assert.ok(legend.includes(word), word);
    assert.doesNotMatch(legend, /candidate|append|vote/);
  });

  it("tell of a lie in a sentence, with the mask on its mark", async () => {
    const lie = events.find(({ kind }) => kind === "equivocation") as TimelineEvent;
    await showAround(at(lie), 60);
    await view.send({ type: "reveal", event: lie.id });
    await view.page.waitForSelector(".event-details");
    const details = await view.page.evaluate(() => document.querySelector(".event-details")?.textContent ?? "");
    assert.match(details, /proof of a lie \(a3 signed two prepares for view 1, sequence 41\)/);
    assert.match(details, /Primary/);
    assert.match(details, /view \d/);
    await view.screenshot("rounds-pbft-lie-dark");
  });
});
