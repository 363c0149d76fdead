import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { EVENT_KINDS, MESSAGE_TYPES } from "../../../server/contract/timeline.ts";
import { GROUPS, groupOf, hiddenKinds } from "../../../webview/rounds/kinds.ts";
import { lanesHeight, layLanes, moveAgent } from "../../../webview/rounds/lanes.ts";
import { mergeTail, momentOf, placeWindow } from "../../../webview/rounds/placed.ts";
import { spanMs, tickLabel, ticks, xOf, zoom } from "../../../webview/rounds/time-axis.ts";
import { FakeTimeline } from "../harness/timeline-data.ts";

const timeline = new FakeTimeline(5).run(6000);
const whole = timeline.query({
  swarm: "swarm-1",
  fromMs: timeline.firstMs,
  toMs: timeline.lastMs + 1,
  maxEvents: 20_000,
  buckets: 100,
});

describe("a window of the timeline", () => {
  it("never puts an effect left of its cause, within one millisecond either", () => {
    const placed = placeWindow(whole, 100);
    let checked = 0;
    for (const event of placed.events) {
      const index = event.cause === undefined ? undefined : placed.indexById.get(event.cause);
      if (index === undefined || placed.events[index]!.agent === "coordinator") continue;
      assert.ok(momentOf(placed, event) >= placed.atMs[index]!, `${event.id} before ${event.cause}`);
      checked++;
    }
    assert.ok(checked > 4000, `${checked} checked`);
  });

  it("matches every receipt to its send, and calls lost only what was never received", () => {
    const placed = placeWindow(whole, 100);
    const sends = whole.events.filter((event) => event.kind === "send");
    const receipts = new Set(
      whole.events.filter((event) => event.kind === "receive").map((event) => event.message?.id),
    );
    assert.equal(placed.arrows.length, sends.length);
    for (const arrow of placed.arrows) assert.equal(arrow.fate === "received", receipts.has(arrow.message.id));
    assert.ok(placed.arrows.some((arrow) => arrow.fate === "lost"));
  });

  it("does not call a message lost that may still be on its way", () => {
    const placed = placeWindow(whole, 100);
    const newest = placed.arrows.filter((arrow) => whole.lastMs - arrow.fromMs < 1000 && arrow.toMs === null);
    assert.ok(newest.length > 0);
    assert.ok(newest.every((arrow) => arrow.fate === "open"));
  });

  it("followed piece by piece is the window asked for at once", () => {
    const fromMs = timeline.lastMs - 8000;
    const query = { swarm: "swarm-1", fromMs, toMs: timeline.lastMs + 1, maxEvents: 20_000, buckets: 100 };
    let followed = placeWindow(timeline.query(query, fromMs + 3000), 100);
    for (let untilMs = fromMs + 3200; untilMs < timeline.lastMs + 200; untilMs += 200) {
      const tail = timeline.query({ ...query, fromMs: followed.lastMs - 2000 }, Math.min(untilMs, timeline.lastMs));
      followed = placeWindow(mergeTail(followed, tail, fromMs), 100);
    }
    const direct = placeWindow(timeline.query(query), 100);
    assert.deepEqual(
      followed.events.map((event) => event.id),
      direct.events.map((event) => event.id),
    );
    const words = (bars: typeof direct.terms): readonly string[] =>
      bars.map((bar) => `${bar.agent} ${bar.role} ${bar.term} ${Math.max(bar.fromMs, fromMs)}`).sort();
    assert.deepEqual(words(followed.terms), words(direct.terms));
    assert.deepEqual(
      followed.landmarks.map((event) => event.id),
      direct.landmarks.map((event) => event.id),
    );
  });
});

describe("groups of events", () => {
  it("have every kind and message type in exactly one", () => {
    for (const kind of [...EVENT_KINDS, ...MESSAGE_TYPES]) {
      const isEnd = kind === "send" || kind === "receive";
      assert.equal(groupOf(kind) === undefined, isEnd, kind);
    }
    const all = hiddenKinds(GROUPS.map(({ id }) => id));
    assert.equal(new Set(all).size, all.length);
    assert.equal(all.length, EVENT_KINDS.length + MESSAGE_TYPES.length - 2);
  });
});

describe("the time axis", () => {
  const spans = fc
    .record({
      fromMs: fc.double({ min: 1.7e12, max: 1.8e12, noNaN: true }),
      lengthMs: fc.double({ min: 1, max: 1e8, noNaN: true }),
    })
    .map(({ fromMs, lengthMs }) => ({ fromMs, toMs: fromMs + lengthMs }));

  it("keeps the moment under the pointer while zooming, from hours to a millisecond", () => {
    fc.assert(
      fc.property(
        spans,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (span, share, factor) => {
          const anchorMs = span.fromMs + share * spanMs(span);
          const zoomed = zoom(span, factor, anchorMs);
          assert.ok(spanMs(zoomed) >= 0.99);
          assert.ok(Math.abs(xOf(zoomed, 1000, anchorMs) - xOf(span, 1000, anchorMs)) < 1);
        },
      ),
    );
  });

  it("labels at most as many moments as there is room for, each one differently", () => {
    fc.assert(
      fc.property(spans, (span) => {
        const { atMs, stepMs } = ticks(span, 1000, 100);
        assert.ok(atMs.length <= 11, `${atMs.length} labels`);
        if (spanMs(span) < 3_600_000 * 20) {
          assert.equal(new Set(atMs.map((ms) => tickLabel(ms, stepMs))).size, atMs.length);
        }
      }),
    );
  });
});

describe("lanes", () => {
  it("fill the room, fold, hide and keep the person's order", () => {
    const lanes = layLanes(["a1", "a2", "a10", "a3"], { order: ["a3"], hidden: ["a2"], folded: ["a1"] }, 200);
    assert.deepEqual(
      lanes.map((lane) => lane.agent),
      ["a3", "a1", "a10"],
    );
    assert.deepEqual(
      lanes.map((lane) => lane.folded),
      [false, true, false],
    );
    assert.ok(lanesHeight(lanes) <= 200);
    assert.deepEqual(moveAgent(["a1", "a2", "a3"], "a3", 0), ["a3", "a1", "a2"]);
  });
});
