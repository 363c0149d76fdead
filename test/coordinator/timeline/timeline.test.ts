import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, it } from "mocha";
import type { TermBar, TimelineEvent, TimelineQuery } from "../../../server/contract/timeline.ts";
import { decodeChunk, encodeChunk } from "../../../server/coordinator/timeline/chunk-codec.ts";
import { COORDINATOR_LANE, Timeline } from "../../../server/coordinator/timeline/timeline.ts";
import { asDelivered, SampleSwarm } from "./sample-events.ts";

describe("the timeline", () => {
  const folders: string[] = [];
  const timelines: Timeline[] = [];

  function timeline(chunksInMemory = 24): Timeline {
    const folder = join(mkdtempSync(join(tmpdir(), "timeline-")), "timeline");
    folders.push(join(folder, ".."));
    const made = new Timeline("s1", { folder, chunksInMemory, onProblem: (message) => assert.fail(message) });
    timelines.push(made);
    return made;
  }

  afterEach(async () => {
    for (const made of timelines.splice(0)) await made.dispose();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  it("answers every window as a plain list of all events would, whatever the order of arrival", async () => {
    const windows = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      from: fc.double({ min: -0.1, max: 1, noNaN: true }),
      length: fc.double({ min: 0.001, max: 1.2, noNaN: true }),
      maxEvents: fc.integer({ min: 0, max: 3000 }),
      buckets: fc.integer({ min: 1, max: 60 }),
      lanes: fc.option(fc.subarray(["a1", "a2", "a3", "a4", "a9"]), { nil: undefined }),
      hidden: fc.subarray(["heartbeat", "send", "appended", "becameCandidate"] as const),
    });
    await fc.assert(
      fc.asyncProperty(windows, async ({ seed, from, length, maxEvents, buckets, lanes, hidden }) => {
        const swarm = new SampleSwarm(4, seed);
        const events = swarm.events(6000);
        const subject = timeline(1);
        for (const batch of asDelivered(events, () => swarm.random())) subject.add(batch);
        await subject.settled();
        const [first, last] = [events[0]!.hlc.wallMs, events.at(-1)!.hlc.wallMs];
        const fromMs = Math.floor(first + from * (last - first));
        const toMs = fromMs + Math.max(1, Math.floor(length * (last - first)));
        const query: TimelineQuery = {
          swarm: "s1",
          fromMs,
          toMs,
          maxEvents,
          buckets,
          hiddenKinds: hidden,
          ...(lanes === undefined ? {} : { lanes }),
        };
        const window = subject.window(query);
        const plain = plainWindow(events, query);
        assert.equal(window.total, plain.total);
        assert.deepEqual(window.events, plain.events);
        assert.deepEqual(window.buckets, plain.buckets);
        assert.deepEqual(window.terms, plain.terms);
        assert.deepEqual(window.landmarks, plain.landmarks);
        assert.deepEqual([window.firstMs, window.lastMs, window.stored], [first, last, 6000]);
      }),
      { numRuns: 25 },
    );
  }).timeout(60_000);

  it("takes an event once, however often an agent repeats it", () => {
    const events = new SampleSwarm(3, 5).events(500);
    const subject = timeline();
    assert.equal(subject.add(events), 500);
    assert.equal(subject.add(events.slice(100)), 0);
    assert.equal(subject.stored, 500);
  });

  it("drops nothing when its older part is on disk, and removes that when disposed", async () => {
    const swarm = new SampleSwarm(5, 11);
    const events = swarm.events(40_000);
    const subject = timeline(2);
    const folder = join(folders.at(-1)!, "timeline");
    for (const batch of asDelivered(events, () => swarm.random())) {
      subject.add(batch);
      await subject.settled();
    }
    assert.ok(readdirSync(folder).length >= 6, "most chunks are on disk");
    const all = { swarm: "s1", fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, maxEvents: 40_000, buckets: 1 };
    assert.deepEqual(subject.window(all).events, events);
    await subject.dispose();
    assert.ok(!existsSync(folder));
  });

  it("takes an event that arrives long after its time into a part that is on disk", async () => {
    const swarm = new SampleSwarm(3, 17);
    const events = swarm.events(30_000);
    const late = events.filter((event) => event.agent === "a2");
    const subject = timeline(1);
    subject.add(events.filter((event) => event.agent !== "a2"));
    await subject.settled();
    subject.add(late);
    await subject.settled();
    const all = { swarm: "s1", fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, maxEvents: 30_000, buckets: 1 };
    assert.deepEqual(subject.window(all).events, events);
  });

  it("walks from an event up its causes and down to its effects", () => {
    const events = new SampleSwarm(4, 3).events(20_000);
    const subject = timeline(1);
    subject.add(events);
    const byId = new Map(events.map((event) => [event.id, event]));
    for (const event of events.filter((_, at) => at % 997 === 0)) {
      const answer = subject.event(event.id);
      const causes: TimelineEvent[] = [];
      for (let cause = event.cause; cause !== undefined; cause = byId.get(cause)!.cause) causes.push(byId.get(cause)!);
      assert.deepEqual(answer, { event, causes, effects: events.filter((other) => other.cause === event.id) });
    }
    assert.equal(subject.event("a1.7:1"), null);
    assert.equal(subject.event("nonsense"), null);
  });

  it("finds words and fields, newest first, and goes on where it stopped", async () => {
    const events = new SampleSwarm(4, 29).events(20_000);
    const subject = timeline(1);
    subject.add(events);
    const expected = events.filter((event) => event.kind === "becameLeader" && event.agent === "a2").reverse();
    assert.ok(expected.length > 5);
    const found: TimelineEvent[] = [];
    for (let complete = false, before: string | undefined; !complete; before = found.at(-1)?.id) {
      const part = await subject.search({
        swarm: "s1",
        text: "BecameLeader agent:a2",
        limit: 3,
        ...(before === undefined ? {} : { before }),
      });
      found.push(...part.events);
      complete = part.complete;
    }
    assert.deepEqual(found, expected);
    const one = await subject.search({ swarm: "s1", text: `kind:append from:a3 prevIndex:7`, limit: 1 });
    const newest = events.findLast((event) => event.message?.type === "append" && event.message.from === "a3");
    assert.deepEqual(one.events, [newest]);
    const none = await subject.search({ swarm: "s1", text: "no such word", limit: 5 });
    assert.deepEqual(none, { events: [], looked: 20_000, complete: true });
  });

  it("closes an agent's bar when its process ends, and opens another in its next life", () => {
    const subject = timeline();
    const state = { role: "follower", term: 2, leader: "", commit: 0, lastIndex: 0, applied: 0 } as const;
    const at = (wallMs: number) => ({ wallMs, counter: 0 });
    subject.add([
      { id: "a1.1:1", agent: "a1", hlc: at(10), kind: "started", fields: {}, state },
      { id: `${COORDINATOR_LANE}.1:1`, agent: "a1", hlc: at(50), kind: "processEnded", fields: {} },
      { id: "a1.1:2", agent: "a1", hlc: at(40), kind: "appended", fields: {}, state },
      { id: "a1.2:1", agent: "a1", hlc: at(70), kind: "started", fields: {}, state },
    ]);
    const { terms } = subject.window({ swarm: "s1", fromMs: 0, toMs: 100, maxEvents: 10, buckets: 1 });
    assert.deepEqual(terms, [
      { agent: "a1", fromMs: 10, toMs: 50, term: 2, role: "follower" },
      { agent: "a1", fromMs: 70, toMs: null, term: 2, role: "follower" },
    ]);
  });

  it("keeps landmarks one by one where everything else is counted, the newest 2,000 of them", () => {
    const events = new SampleSwarm(4, 31).events(100_000);
    const subject = timeline();
    subject.add(events);
    const window = subject.window({ swarm: "s1", fromMs: 0, toMs: 10_000_000, maxEvents: 10, buckets: 100 });
    const landmarks = events.filter((event) => event.kind === "becameCandidate" || event.kind === "becameLeader");
    assert.ok(landmarks.length > 2000);
    assert.deepEqual(window.landmarks, landmarks.slice(-2000));
  });

  it("answers a window of 100,000 events within 20 ms", async function () {
    this.timeout(30_000);
    const swarm = new SampleSwarm(12, 7);
    const events = swarm.events(100_000);
    const subject = timeline();
    for (const batch of asDelivered(events, () => swarm.random())) subject.add(batch);
    await subject.settled();
    const [fromMs, toMs] = [events[0]!.hlc.wallMs, events.at(-1)!.hlc.wallMs + 1];
    const buckets = median(() => subject.window({ swarm: "s1", fromMs, toMs, maxEvents: 2000, buckets: 800 }));
    const middle = fromMs + Math.floor((toMs - fromMs) / 2);
    const narrow = { swarm: "s1", fromMs: middle, toMs: middle + Math.floor((toMs - fromMs) / 50) };
    const exact = median(() => subject.window({ ...narrow, maxEvents: 20_000, buckets: 800 }));
    // Five times the promise: this machine may be busy with other tests.
    assert.ok(buckets < 100, `counting 100,000 events took ${buckets.toFixed(1)} ms`);
    assert.ok(exact < 100, `2,000 events took ${exact.toFixed(1)} ms`);
  });

  it("brings a chunk back from its bytes as it was", async () => {
    const events = new SampleSwarm(12, 13).events(4096);
    const bytes = await encodeChunk(events);
    assert.deepEqual(decodeChunk(bytes), events);
    assert.ok(bytes.length / events.length < 40, `${bytes.length / events.length} bytes an event`);
  });
});

function median(run: () => unknown): number {
  const times = Array.from({ length: 9 }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return times.sort((a, b) => a - b)[4]!;
}

/** The same answers from a sorted array, as simply as can be. */
function plainWindow(all: readonly TimelineEvent[], query: TimelineQuery) {
  const { fromMs, toMs, maxEvents, buckets } = query;
  const lanes = query.lanes ?? ["a1", "a2", "a3", "a4"];
  const hidden = new Set<string>(query.hiddenKinds ?? []);
  const nameOf = (event: TimelineEvent) => event.message?.type ?? event.kind;
  const inWindow = all.filter(({ hlc }) => hlc.wallMs >= fromMs && hlc.wallMs < toMs);
  const shown = inWindow.filter(
    (event) => lanes.includes(event.agent) && !hidden.has(event.kind) && !hidden.has(nameOf(event)),
  );
  const fits = shown.length <= maxEvents;
  const columns = new Map<string, { agent: string; column: number; count: number; kinds: Record<string, number> }>();
  for (const agent of lanes) {
    for (const event of shown.filter((one) => one.agent === agent)) {
      const column = Math.floor(((event.hlc.wallMs - fromMs) * buckets) / (toMs - fromMs));
      const bucket = columns.get(`${agent} ${column}`) ?? { agent, column, count: 0, kinds: {} };
      columns.set(`${agent} ${column}`, bucket);
      bucket.count++;
      bucket.kinds[nameOf(event)] = (bucket.kinds[nameOf(event)] ?? 0) + 1;
    }
  }
  const terms: TermBar[] = lanes.flatMap((agent) => {
    const bars: { agent: string; fromMs: number; toMs: number | null; term: number; role: TermBar["role"] }[] = [];
    for (const { hlc, state } of all.filter((event) => event.agent === agent)) {
      const last = bars.at(-1);
      if (last?.role === state!.role && last.term === state!.term) continue;
      if (last !== undefined) last.toMs = hlc.wallMs;
      bars.push({ agent, fromMs: hlc.wallMs, toMs: null, term: state!.term, role: state!.role });
    }
    return bars.filter((bar) => bar.fromMs < toMs && (bar.toMs === null || bar.toMs > fromMs));
  });
  return {
    total: shown.length,
    events: fits ? shown : [],
    buckets: fits ? [] : [...columns.values()],
    terms,
    landmarks: shown.filter(({ kind }) => kind === "becameCandidate" || kind === "becameLeader").slice(-2000),
  };
}
