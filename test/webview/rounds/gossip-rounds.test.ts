import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { Timeline } from "../../../server/coordinator/timeline/timeline.ts";
import type { RoundsView } from "../../../webview/rounds/rounds-view.ts";
import { type ToldByGossip, toldByGossip } from "../harness/gossip-events.ts";
import { countPixels } from "../harness/pixels.ts";
import { gossipSwarm } from "../harness/swarm-data.ts";
import { WebviewHarness, type WebviewPage } from "../harness/webview-page.ts";

const CANVAS = "canvas.space-time";
const DARK = { rumour: "#b180d7", delta: "#d18616", converged: "#89d185", leader: "#cca700" };

describe("the rounds of a swarm by gossip", function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), "gossip-rounds-"));
  let harness: WebviewHarness;
  let view: WebviewPage;
  let told: ToldByGossip;
  let timeline: Timeline;

  before(async () => {
    told = toldByGossip();
    timeline = new Timeline("swarm-1", {
      folder: join(folder, "timeline"),
      chunksInMemory: 24,
      onProblem: (message) => assert.fail(message),
    });
    timeline.add(told.events);
    harness = await WebviewHarness.start();
    view = await harness.open("rounds", {
      answer: async (request) => {
        if (request.method === "timeline") return timeline.window(request.params);
        if (request.method === "timelineEvent") return timeline.event(request.params.id);
        if (request.method === "timelineSearch") return timeline.search(request.params);
        return null;
      },
      width: 1400,
      height: 700,
    });
    await view.send({ type: "snapshot", view: "rounds", swarm: gossipSwarm(true), swarms: [], trusted: true });
    await shown();
  });
  afterEach(() => assert.deepEqual(view.errors, []));
  after(async () => {
    await view.close();
    await harness.stop();
    await timeline.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const shown = (): Promise<unknown> =>
    view.page.waitForFunction(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const window = diagram?.window;
      return diagram && window?.complete && !diagram.loading && window.fromMs <= diagram.span.fromMs + 1;
    });

  async function show(fromMs: number, toMs: number): Promise<void> {
    await view.page.evaluate((wanted) => document.querySelector<RoundsView>("am-rounds")?.diagram?.show(wanted), {
      fromMs,
      toMs,
    });
    await shown();
    await view.frames(2);
  }

  async function inThemes(name: string): Promise<void> {
    for (const theme of ["light", "highContrast", "dark"] as const) {
      await view.setTheme(theme);
      await view.screenshot(`rounds-gossip-${name}-${theme}`);
    }
  }

  const text = (selector: string): Promise<string> =>
    view.page.evaluate((wanted) => document.querySelector(wanted)?.textContent ?? "", selector);

  const seen = (what: keyof typeof DARK): Promise<number> => countPixels(view, CANVAS, DARK[what]);

  /** When the last agent knew that all have the first write. */
  const convergedMs = (): number =>
    Math.max(
      ...told.events
        .filter(({ kind, hlc }) => kind === "converged" && hlc.wallMs < told.cutMs)
        .map(({ hlc }) => hlc.wallMs),
    );

  it("draw a rumour's spread, from the agent that issued it to all others", async () => {
    await show(told.writtenMs - 2, told.writtenMs + 14);
    await inThemes("wave");
    assert.ok((await seen("rumour")) > 300);
    assert.equal(await seen("leader"), 0, "nobody leads");
  });

  it("draw what comes of it: all converge, each with a seal across its lane", async () => {
    await show(told.writtenMs - 10, convergedMs() + 20);
    assert.ok((await seen("converged")) > 500);
    await inThemes("converged");
  });

  it("draw a partition, and how anti-entropy makes up for it", async () => {
    await show(told.cutMs - 100, told.healedMs + 700);
    await inThemes("partition");
    const made = told.events.find(
      ({ kind, hlc }) => kind === "antiEntropy" && hlc.wallMs > told.healedMs,
    ) as TimelineEvent;
    await show(made.hlc.wallMs - 12, made.hlc.wallMs + 40);
    assert.ok((await seen("delta")) > 60);
    await view.page.click('.filters .chip:has-text("Digests")');
    await shown();
    await view.frames(2);
    await inThemes("anti-entropy");
    await view.page.click('.filters .chip:has-text("Digests")');
  });

  it("have neither terms nor leaders anywhere: bars, filters, search, lanes, legend and table", async () => {
    await show(told.writtenMs - 10, convergedMs() + 20);
    const lanes = await text(".lanes");
    assert.match(lanes, /a1.*agreement 0\.94\s*held for failed.*a3.*agreement 1/s);
    assert.deepEqual(await view.clipped(".lanes .state, .lanes .state span"), []);
    const legend = await text("ul.legend");
    for (const word of ["rumour", "digest", "delta", "state", "issued", "converged", "held back"])
      assert.ok(legend.includes(word), word);
    const search = await view.page.evaluate(() => {
      const box = document.querySelector(".search vscode-textfield");
      return `${box?.getAttribute("placeholder")} ${box?.getAttribute("title")}`;
    });
    assert.match(search, /rumour a3 Words that.*: *agent:a2 and kind:rumour|agent:a2 and kind:rumour/);
    await view.page.click('[aria-label="Table"]');
    await view.page.waitForSelector("am-table.events td");
    const table = await text("am-table.events");
    await view.screenshot("rounds-gossip-table-dark");
    await view.page.click('[aria-label="Table"]');
    for (const words of [lanes, legend, search, table, await text(".filters"), await text(".bar")])
      assert.doesNotMatch(words, /\bterm\b|\bTerm\b|leader|Leader|candidate|[Ee]lection|\bvote/, words);
  });

  it("tell an event's details without a term or a leader", async () => {
    const heard = told.events.find(({ kind, fields }) => kind === "rumourHeard" && fields.hops === 2) as TimelineEvent;
    for (const event of [heard, told.events.find(({ kind }) => kind === "committed") as TimelineEvent]) {
      await view.send({ type: "reveal", event: event.id });
      await view.page.waitForFunction(
        (id) => document.querySelector(".event-details")?.getAttribute("aria-label") === `Event ${id}`,
        event.id,
      );
      const details = await text(".event-details");
      assert.match(details, /Role\s*peer/);
      assert.doesNotMatch(details, /term|leader|none known/i);
    }
    await view.send({ type: "reveal", event: heard.id });
    await view.frames(3);
    await view.screenshot("rounds-gossip-details-dark");
  });
});
