import assert from "node:assert/strict";
import { mock } from "node:test";
import { afterEach, beforeEach, describe, it } from "mocha";
import { LongTimer } from "../../../server/live/tasks/long-timer.ts";

const DAY_MS = 24 * 3600 * 1000;

/** In steps no longer than setTimeout takes: a timer set within a step counts from the step's end. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 2 ** 31 - 1) mock.timers.tick(Math.min(left, 2 ** 31 - 1));
}

describe("a timer of any length", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  for (const days of [1, 24.8, 25, 60, 366])
    it(`goes off after ${days} days, once, and not before`, () => {
      let calls = 0;
      new LongTimer().set(days * DAY_MS, () => calls++);
      pass(days * DAY_MS - 1);
      assert.equal(calls, 0);
      pass(1);
      assert.equal(calls, 1);
      pass(400 * DAY_MS);
      assert.equal(calls, 1);
    });

  it("does not go off when it was cleared, or set anew", () => {
    const timer = new LongTimer();
    let calls = "";
    timer.set(60 * DAY_MS, () => (calls += "a"));
    pass(30 * DAY_MS);
    timer.set(60 * DAY_MS, () => (calls += "b"));
    pass(59 * DAY_MS);
    assert.equal(calls, "");
    pass(2 * DAY_MS);
    assert.equal(calls, "b");
    timer.set(60 * DAY_MS, () => (calls += "c"));
    timer.clear();
    pass(90 * DAY_MS);
    assert.equal(calls, "b");
  });
});
