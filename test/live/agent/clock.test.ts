import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { LiveClock } from "../../../server/live/agent/clock.ts";

class Sources {
  monotonic = 5_000;
  wall = 1_700_000_000_000;
  readonly clock = new LiveClock({ monotonicMs: () => this.monotonic, wallMs: () => Math.floor(this.wall) });

  pass(ms: number, wallMs = ms): number {
    this.monotonic += ms;
    this.wall += wallMs;
    return this.clock.now();
  }
}

describe("an agent's clock", () => {
  it("runs with the monotonic clock and keeps to the wall clock", () => {
    const sources = new Sources();
    for (let step = 0; step < 10_000; step++) sources.pass(7.3);
    assert.ok(Math.abs(sources.clock.now() - sources.wall) < 3);
  });

  it("jumps forward with the wall clock, as after a sleep of the machine", () => {
    const sources = new Sources();
    sources.pass(1_500, 3_600_000);
    assert.ok(Math.abs(sources.clock.now() - sources.wall) < 3);
  });

  it("goes on, a little slower, when the wall clock is set back, until it has caught up", () => {
    const sources = new Sources();
    const before = sources.pass(1_500, -100);
    let now = before;
    let seconds = 0;
    while (now - sources.wall > 3 && seconds < 1_000) {
      const next = sources.pass(1_000);
      assert.ok(next - now >= 985 && next - now <= 1_001, String(next - now));
      now = next;
      seconds++;
    }
    assert.ok(seconds > 100 && seconds < 250, `${seconds} s for 1.6 s at 1 %`);
  });

  it("is off by what faults add, and never runs backwards when they are healed", () => {
    const sources = new Sources();
    const began = sources.clock.now();
    sources.clock.trouble([{ id: "f1/0", skewMs: 400, driftPpm: 0 }]);
    assert.ok(Math.abs(sources.clock.now() - began - 400) < 1e-6);
    sources.clock.trouble([]);
    assert.ok(Math.abs(sources.pass(399) - began - 400) < 1e-6, "it stands still");
    assert.ok(Math.abs(sources.pass(11) - began - 410) < 1);
    sources.clock.trouble([{ id: "f2/0", skewMs: -200, driftPpm: 0 }]);
    assert.ok(Math.abs(sources.pass(199) - began - 410) < 1, "it stands still");
    assert.ok(Math.abs(sources.pass(11) - began - 420) < 1);
  });

  it("drifts from when a fault began, also when others come and go, and knows when it will show a time", () => {
    const sources = new Sources();
    const began = sources.clock.now();
    const fast = { id: "f1/0", skewMs: 0, driftPpm: 500_000 };
    sources.clock.trouble([fast]);
    assert.ok(Math.abs(sources.clock.msUntil(began + 150) - 100) < 1e-6);
    sources.pass(100);
    sources.clock.trouble([fast, { id: "f2/0", skewMs: 10, driftPpm: -250_000 }]);
    assert.ok(Math.abs(sources.clock.now() - began - 160) < 1e-6);
    assert.ok(Math.abs(sources.clock.msUntil(began + 285) - 100) < 1e-6);
    assert.ok(Math.abs(sources.pass(100) - began - 285) < 1e-6);
    assert.equal(sources.clock.msUntil(began), 0);
  });

  it("is half as fast at the least, however many faults slow it down", () => {
    const sources = new Sources();
    const began = sources.clock.now();
    sources.clock.trouble([0, 1, 2].map((at) => ({ id: `f3/${at}`, skewMs: 0, driftPpm: -500_000 })));
    assert.ok(Math.abs(sources.clock.msUntil(began + 100) - 200) < 1e-6);
    assert.ok(Math.abs(sources.pass(200) - began - 100) < 1e-6);
  });

  it("never runs backwards, whatever the wall clock does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.integer({ min: -1e7, max: 1e7 }))),
        (all) => {
          const sources = new Sources();
          let before = sources.clock.now();
          for (const [ms, wallMs] of all) {
            const now = sources.pass(ms, wallMs);
            assert.ok(now >= before);
            before = now;
          }
        },
      ),
    );
  });

  it("finds where between two whole ms of the wall clock it began: two processes agree to some microseconds", () => {
    const begun = (fraction: number, originMs: number): number => {
      let trueMs = 1_700_000_000_000 + fraction;
      const clock = new LiveClock({
        // Each look takes a while; each process has its own origin.
        monotonicMs: () => {
          trueMs += 0.0007;
          return trueMs - originMs;
        },
        wallMs: () => {
          trueMs += 0.0007;
          return Math.floor(trueMs);
        },
      });
      return clock.now() - trueMs;
    };
    for (const [fraction, originMs] of [
      [0.01, 5],
      [0.5, 1.7e12],
      [0.99, 0.3],
    ] as const)
      assert.ok(Math.abs(begun(fraction, originMs)) < 0.005, String(begun(fraction, originMs)));
  });
});
