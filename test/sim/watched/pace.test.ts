import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { briefText, paceText, simulatedText } from "../../../server/contract/simulated.ts";
import { Pace } from "../../../server/sim/watched/pace.ts";

/** A machine that gets so far in virtual time in each ms of real time, at most. */
function run(pace: Pace, fromMs: number, toMs: number, virtualMs: number, most: number): number {
  let virtual = virtualMs;
  for (let realMs = fromMs; realMs <= toMs; realMs += 10) {
    virtual = Math.min(pace.target(realMs), virtual + 10 * most);
    pace.came({ realMs, virtualMs: virtual });
  }
  return virtual;
}

function isAbout(reached: number | null, speed: number): boolean {
  return reached !== null && Math.abs(reached - speed) < speed / 30;
}

describe("the pace of virtual time", () => {
  it("is kept, times real time, and changed from where it is", () => {
    const pace = new Pace(1, 0);
    assert.equal(run(pace, 0, 3000, 0, 100), 3000);
    assert.ok(isAbout(pace.reached, 1));
    pace.set({ speed: 5 }, { realMs: 3000, virtualMs: 3000 });
    assert.ok(pace.reached === null, "too early to tell");
    assert.equal(run(pace, 3000, 5000, 3000, 100), 13_000);
    assert.ok(isAbout(pace.reached, 5));
  });

  it("stands still while it is paused, and does not make up for that", () => {
    const pace = new Pace(2, 0);
    assert.equal(run(pace, 0, 1000, 0, 100), 2000);
    pace.set({ paused: true }, { realMs: 1000, virtualMs: 2000 });
    assert.equal(pace.target(60_000), 2000);
    assert.equal(pace.isBehind({ realMs: 60_000, virtualMs: 2000 }, 1), false);
    pace.set({ paused: false }, { realMs: 60_000, virtualMs: 2000 });
    assert.equal(pace.target(60_500), 3000);
  });

  it("says what it really reaches where the machine does not keep it, and never races afterwards", () => {
    const pace = new Pace(10, 0);
    const virtual = run(pace, 0, 4000, 0, 3);
    assert.ok(isAbout(pace.reached, 3), `${pace.reached}`);
    assert.ok(pace.target(4000) - virtual <= 10 * 250 + 1, "what was missed is given up");
    assert.equal(pace.isBehind({ realMs: 4000, virtualMs: virtual }, 8), true);
  });

  it("has no bound where it is as fast as it goes", () => {
    const pace = new Pace(null, 0);
    assert.equal(pace.target(1), Number.POSITIVE_INFINITY);
    assert.equal(pace.isBehind({ realMs: 1, virtualMs: 1e9 }, 8), true);
  });

  it("is told in words, with the speed that is reached where it is another one", () => {
    const view = { seed: 7, virtualMs: 12_345, nowMs: 0, speed: 1, reached: 0.99, paused: false };
    assert.equal(simulatedText(view), "simulated, seed 7, 12.3 s of virtual time, at 1x real time");
    assert.equal(briefText(view), "12.3 s at 0.99x");
    assert.equal(briefText({ ...view, reached: null }), "12.3 s at 1x");
    assert.equal(briefText({ ...view, reached: 0.11 }), "12.3 s at 0.11x");
    assert.equal(briefText({ ...view, speed: null, reached: null }), "12.3 s");
    assert.equal(briefText({ ...view, paused: true }), "12.3 s, paused");
    assert.equal(paceText({ ...view, speed: 10, reached: 3.21 }), "at 3.2x real time (10x asked for)");
    assert.equal(paceText({ ...view, speed: null, reached: 34 }), "as fast as it goes: 34x real time");
    assert.equal(paceText({ ...view, speed: null, reached: null }), "as fast as it goes");
    assert.equal(paceText({ ...view, paused: true }), "paused");
    assert.match(simulatedText({ ...view, virtualMs: 125_400 }), /2 min 5 s of virtual time/);
  });
});
