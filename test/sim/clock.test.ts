import { ok } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { EPOCH_MS, SimClock } from "../../server/sim/clock.ts";

describe("simulated clock", () => {
  it("rings at the first microsecond at which the asked time is shown, whatever the skew", () => {
    fc.assert(
      fc.property(fc.integer({ min: -500, max: 500 }), fc.double({ min: 0, max: 1e8, noNaN: true }), (skew, ms) => {
        const clock = new SimClock(skew);
        const at = EPOCH_MS + 1000 + ms;
        const whenUs = clock.whenUs(at);
        ok(Number.isInteger(whenUs));
        ok(clock.read(whenUs) >= at, "not early");
        ok(clock.read(whenUs - 2) < at, "not late");
      }),
    );
  });
});
