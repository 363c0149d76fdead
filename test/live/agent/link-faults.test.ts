import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import type { LinkRule } from "../../../server/contract/faults.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { LinkFaults } from "../../../server/live/agent/link-faults.ts";

const still: LinkRule = { faultId: "f", peer: "a2", direction: "out", drop: 0, delayMs: 0, jitterMs: 0, untilMs: null };

describe("the faults of links", () => {
  let now: number;
  let timers: { readonly atMs: number; readonly call: () => void }[];
  let faults: LinkFaults;
  let arrived: { readonly frame: number; readonly atMs: number }[];

  beforeEach(() => {
    now = 1_000_000;
    timers = [];
    arrived = [];
    faults = new LinkFaults(seededRandom("faults"), {
      now: () => now,
      after: (ms, call) => {
        const timer = { atMs: now + ms, call };
        timers.push(timer);
        return () => {
          timers = timers.filter((one) => one !== timer);
        };
      },
    });
  });

  const send = (frame: number, direction: "in" | "out" = "out", peer = "a2"): void =>
    faults.pass(direction, peer, Uint8Array.of(frame), (passed) =>
      arrived.push({ frame: passed[0] as number, atMs: now }),
    );
  const passTime = (toMs: number): void => {
    for (;;) {
      const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > toMs) break;
      timers = timers.filter((timer) => timer !== next);
      now = Math.max(now, next.atMs);
      next.call();
    }
    now = toMs;
  };
  const frames = (): number[] => arrived.map(({ frame }) => frame);

  it("leave links alone that no rule names", () => {
    faults.setRules([{ ...still, drop: 1 }]);
    send(1, "in");
    send(2, "out", "a3");
    assert.deepEqual(frames(), [1, 2]);
    assert.equal(faults.dropped("a3"), 0);
  });

  it("cut one direction silently, and count", () => {
    faults.setRules([{ ...still, drop: 1 }]);
    for (let frame = 0; frame < 5; frame++) send(frame);
    assert.deepEqual(frames(), []);
    assert.equal(faults.dropped("a2"), 5);
    faults.setRules([]);
    send(9);
    assert.deepEqual(frames(), [9]);
  });

  it("drop the share of frames that was asked for, the same ones for the same seed", () => {
    const run = (): number[] => {
      const again = new LinkFaults(seededRandom("again"), { now: () => now, after: () => () => {} });
      again.setRules([{ ...still, drop: 0.3 }]);
      const passed: number[] = [];
      for (let at = 0; at < 10_000; at++) again.pass("out", "a2", new Uint8Array(1), () => passed.push(at));
      return passed;
    };
    const passed = run();
    assert.ok(Math.abs(passed.length - 7_000) < 200, String(passed.length));
    assert.deepEqual(run(), passed);
  });

  it("delay by delay ± jitter and never let a frame overtake another", () => {
    faults.setRules([{ ...still, delayMs: 100, jitterMs: 80 }]);
    const sentAt = new Map<number, number>();
    for (let frame = 0; frame < 200; frame++) {
      sentAt.set(frame, now);
      send(frame);
      passTime(now + 1);
    }
    passTime(now + 1_000);
    assert.deepEqual(frames(), [...sentAt.keys()]);
    const delays = arrived.map(({ frame, atMs }) => atMs - (sentAt.get(frame) as number));
    assert.ok(
      Math.min(...delays) >= 20 && Math.max(...delays) <= 181,
      `${Math.min(...delays)}..${Math.max(...delays)}`,
    );
    assert.ok(new Set(delays.map(Math.round)).size > 5, "they differ");
  });

  it("let go of delayed frames at once, in order, when the delay is healed", () => {
    faults.setRules([{ ...still, delayMs: 60_000 }]);
    send(1);
    send(2);
    faults.setRules([]);
    send(3);
    assert.deepEqual(frames(), [1, 2, 3]);
    assert.deepEqual(timers, []);
  });

  it("end by themselves when their time has come, with what waits still in order", () => {
    faults.setRules([{ ...still, delayMs: 50, untilMs: now + 10 }]);
    send(1);
    passTime(now + 20);
    send(2);
    assert.deepEqual(frames(), []);
    passTime(now + 100);
    assert.deepEqual(frames(), [1, 2]);
    send(3);
    assert.deepEqual(frames(), [1, 2, 3]);
  });

  it("forget what waits on a link that went down", () => {
    faults.setRules([{ ...still, delayMs: 50 }]);
    send(1);
    faults.forget("a2");
    passTime(now + 1_000);
    assert.deepEqual(frames(), []);
    assert.deepEqual(timers, []);
  });

  it("hold a bounded number of frames", () => {
    faults.setRules([{ ...still, delayMs: 50 }]);
    for (let at = 0; at < 30_000; at++) send(0);
    assert.equal(faults.dropped("a2"), 10_000);
    passTime(now + 1_000);
    assert.equal(arrived.length, 20_000);
  });
});
