import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { Timeline } from "../../../server/coordinator/timeline/timeline.ts";
import type { TopologyView } from "../../../webview/topology/topology-view.ts";
import { hearingText, rumoursOf, rumourText, spreadAt } from "../../../webview/topology/wave.ts";
import { countPixels } from "../harness/pixels.ts";
import { type ToldOfSpread, toldOfSpread } from "../harness/spread-events.ts";
import { gossipSwarm, makeSwarm } from "../harness/swarm-data.ts";
import { openTopology, settled } from "../harness/topology-page.ts";
import { WebviewHarness, type WebviewPage } from "../harness/webview-page.ts";

const SIZE = 12;
const CANVAS = ".picture canvas";
const PURPLE = "#b180d7";

/** Far agents hear later: their frames take longer. */
const latencyMs = (from: string, to: string): number => 1 + 3 * Math.abs(Number(from.slice(1)) - Number(to.slice(1)));

describe("a write that spreads by gossip", () => {
  let told: ToldOfSpread;

  before(() => {
    told = toldOfSpread(SIZE, "a3", "mesh", latencyMs);
  });

  const heardEvents = (): readonly TimelineEvent[] => told.events.filter(({ kind }) => kind === "rumourHeard");

  it("is told as its agents told it: who heard of it, when, from whom, in their order", () => {
    const [rumour, ...others] = rumoursOf(told.events);
    assert.ok(rumour !== undefined && others.length === 0);
    assert.deepEqual([rumour.origin, rumour.seq, rumour.heard[0]?.agent], ["a3", 1, "a3"]);
    const issuedAtMs = told.events.find(({ kind }) => kind === "issued")!.hlc.wallMs;
    assert.deepEqual(
      rumour.heard.slice(1),
      heardEvents().map(({ agent, hlc, fields }) => ({
        agent,
        afterMs: hlc.wallMs - issuedAtMs,
        from: fields.from,
        hops: fields.hops,
      })),
    );
    assert.ok(rumour.heard.length > SIZE / 2, "most hear of it by rumour");
    assert.ok(rumour.everywhereAfterMs !== null && rumour.everywhereAfterMs >= rumour.heard.at(-1)!.afterMs);
  });

  it("counts nobody who did not tell of it, and is everywhere only once an agent knows so", () => {
    const last = heardEvents().at(-1)!;
    const cut = told.events.filter((event) => event.kind !== "converged" && event !== last);
    const [rumour] = rumoursOf(cut);
    assert.ok(rumour?.heard.every(({ agent }) => agent !== last.agent));
    assert.equal(rumour?.everywhereAfterMs, null);
    const other = told.events.map((event) =>
      event.kind === "rumourHeard" ? { ...event, fields: { ...event.fields, origin: "a9" } } : event,
    );
    assert.equal(rumoursOf(other)[0]?.heard.length, 1, "rumours of another's write are not its own");
  });

  it("lights up one agent after the other: at each moment those that had heard of it until then", () => {
    const rumour = rumoursOf(told.events)[0]!;
    const order = rumour.heard.map(({ agent }) => agent);
    let before = 0;
    for (let share = 0; share <= 1.001; share += 0.05) {
      const spread = spreadAt(rumour, share);
      assert.deepEqual([...spread.order.keys()], order.slice(0, spread.order.size));
      assert.ok(spread.order.size >= before);
      assert.equal(spread.ways.length, spread.order.size - 1);
      before = spread.order.size;
    }
    assert.equal(spreadAt(rumour, 0).order.size, 1, "first its origin alone");
    assert.equal(spreadAt(rumour, 1).order.size, order.length);
  });

  it("is said in words", () => {
    const first = { agent: "a3", afterMs: 0, from: "", hops: 0 };
    const second = { agent: "a1", afterMs: 21, from: "a3", hops: 1 };
    const rumour = { origin: "a3", seq: 4, issuedAtMs: 0, heard: [first, second], everywhereAfterMs: 240 };
    assert.equal(
      rumourText(rumour, 5),
      "Write 4 of a3: 2 of 5 have heard of it after 21 ms; known to be everywhere after 240 ms",
    );
    assert.equal(
      rumourText({ ...rumour, heard: [first], everywhereAfterMs: null }, 5),
      "Write 4 of a3: nobody else has heard of it yet",
    );
    assert.deepEqual([hearingText(first), hearingText(second)], ["issued here", "21 ms, 1 hop, from a3"]);
  });
});

describe("the topology of a swarm by gossip", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "gossip-wave-"));
  let harness: WebviewHarness;
  let view: WebviewPage;
  let told: ToldOfSpread;
  let timeline: Timeline;
  let askedAtMs: number[] = [];
  let answering = 0;
  let mostAtOnce = 0;

  before(async () => {
    told = toldOfSpread(SIZE, "a3", "mesh", latencyMs);
    timeline = new Timeline("swarm-1", {
      folder: join(folder, "timeline"),
      chunksInMemory: 24,
      onProblem: (message) => assert.fail(message),
    });
    timeline.add(told.events);
    harness = await WebviewHarness.start();
  });
  afterEach(async () => {
    assert.deepEqual(view.errors, []);
    await view.close();
  });
  after(async () => {
    await harness.stop();
    await timeline.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function swarmOf(): SwarmView {
    const peers = gossipSwarm();
    const { agents, links } = makeSwarm({ agents: SIZE, leader: null });
    const summary = `${SIZE}/${SIZE} agents, converged`;
    return {
      ...peers,
      links,
      health: { ...peers.health, summary, agentsAlive: SIZE, agentsTotal: SIZE },
      agents: agents.map(({ id, pid, cpu }) => ({ ...peers.agents[0]!, id, pid, cpu })),
    };
  }

  async function show(swarm: SwarmView, width = 1280, reduced = false): Promise<void> {
    const answer = async (request: { method: string; params: unknown }): Promise<unknown> => {
      askedAtMs.push(performance.now());
      answering++;
      mostAtOnce = Math.max(mostAtOnce, answering);
      const window = request.method === "timeline" ? await timeline.window(request.params as never) : null;
      answering--;
      return window;
    };
    view = await openTopology(harness, swarm, { width, answer });
    if (reduced) await view.page.emulateMedia({ reducedMotion: "reduce" });
  }

  const grow = (): Promise<void> =>
    view.send({ type: "timelineGrew", swarm: "swarm-1", stored: told.events.length, lastMs: told.lastMs });

  const lit = (): Promise<number> =>
    view.page.evaluate(() => document.querySelector<TopologyView>("am-topology")?.wave?.spread.order.size ?? 0);

  const heardCount = (): number => rumoursOf(told.events)[0]!.heard.length;

  it("lights up who has heard of the newest write, one after the other, with the way it went, and says it in words", async () => {
    await show(swarmOf());
    assert.ok((await countPixels(view, CANVAS, PURPLE)) < 10, "nothing spreads yet");
    assert.equal(await view.page.locator(".spread").count(), 0);
    await grow();
    await view.page.locator(".spread").waitFor();
    const counts: number[] = [];
    while ((await lit()) < heardCount()) counts.push(await countPixels(view, CANVAS, PURPLE));
    const all = await countPixels(view, CANVAS, PURPLE);
    assert.ok(counts.length > 2 && counts[0]! < all / 2, `few are lit first: ${counts.join()}, then ${all}`);
    assert.deepEqual(
      counts.filter((count, i) => count < (counts[i - 1] ?? 0) * 0.8),
      [],
      "who is lit stays lit",
    );
    const words = await view.page.locator(".spread").innerText();
    assert.match(words, new RegExp(`^Write 1 of a3: ${heardCount()} of ${SIZE} have heard of it after \\d+ ms`));
    assert.match(words, /known to be everywhere after \d+/);
    for (const theme of ["light", "highContrast", "dark"] as const) {
      await view.setTheme(theme);
      await view.screenshot(`topology-wave-${theme}`);
    }
    assert.match(await view.page.locator(".legend").innerText(), /has heard of the newest write.*way its rumour went/s);
    await view.page.getByTitle("Table", { exact: true }).click();
    const table = await view.page.locator("am-table.agents").innerText();
    assert.match(table, /Newest write/);
    assert.match(table, /a3\s[^\n]*issued here/);
    assert.match(table, /\d+ ms, \d hops?, from a\d+/);
  });

  it("shows the end at once to who asked for less motion", async () => {
    await show(swarmOf(), 300, true);
    await grow();
    await view.page.locator(".spread").waitFor();
    assert.equal(await lit(), heardCount());
    await settled(view);
    assert.deepEqual(await view.clipped(".spread, .bar *"), []);
    await view.screenshot("topology-wave-narrow-dark");
  });

  it("asks for few kinds of events, once at a time, and of other swarms for none", async () => {
    askedAtMs = [];
    mostAtOnce = 0;
    await show(swarmOf());
    const startedMs = performance.now();
    for (let i = 0; i < 50; i++) await grow();
    await view.page.locator(".spread").waitFor();
    const asked = view.messages.filter((message) => message.type === "request");
    const most = 3 + (performance.now() - startedMs) / 400;
    assert.ok(asked.length <= most, `${asked.length} questions for 50 pieces of news, at most ${most}`);
    assert.equal(mostAtOnce, 1);
    assert.equal(askedAtMs.length, asked.length);
    for (const message of asked) {
      assert.equal(message.type === "request" && message.method, "timeline");
      const hidden = (message.params as { hiddenKinds: readonly string[] }).hiddenKinds;
      assert.ok(hidden.includes("receive") && hidden.includes("committed") && !hidden.includes("rumourHeard"));
    }
    await view.close();
    await show(makeSwarm({ agents: 5 }));
    await grow();
    await view.frames(10);
    assert.deepEqual(
      view.messages.filter((message) => message.type === "request"),
      [],
    );
  });
});
