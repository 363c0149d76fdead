import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { PushSum } from "../../../server/core/aggregation/push-sum.ts";
import type { Parcel } from "../../../server/core/aggregation/types.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";

describe("push-sum of one agent", () => {
  it("parts with half of its mass, and keeps the ratio", () => {
    const masses = new PushSum(3, 7);
    deepEqual(masses.send(1), { seq: 1, sum: 3.5, weight: 0.5 });
    deepEqual([masses.mass, masses.ratio, masses.underWay], [{ sum: 3.5, weight: 0.5 }, 7, 1]);
  });

  it("has nothing to part with before it is given something, where it has no value", () => {
    const masses = new PushSum(3, undefined);
    deepEqual([masses.send(1), masses.ratio], [undefined, undefined]);
    masses.take(2, { seq: 1, sum: 3, weight: 0.5 });
    deepEqual([masses.send(1), masses.ratio], [{ seq: 1, sum: 1.5, weight: 0.25 }, 6]);
  });

  it("repeats a parcel until it is acknowledged, and has one to each at a time", () => {
    const masses = new PushSum(3, 8);
    const parcel = masses.send(1) as Parcel;
    equal(masses.sentTo(1), parcel);
    throws(() => masses.send(1), InvariantViolation);
    equal(masses.acknowledged(1, 7), undefined, "of another one");
    equal(masses.acknowledged(2, 1), undefined, "by another one");
    equal(masses.acknowledged(1, 1), parcel);
    equal(masses.acknowledged(1, 1), undefined, "once");
    equal(masses.underWay, 0);
    equal(masses.send(1)?.seq, 2);
  });

  it("takes a parcel once, however often and late it comes", () => {
    const masses = new PushSum(3, 0);
    const [first, second] = [
      { seq: 1, sum: 1, weight: 0.5 },
      { seq: 4, sum: 2, weight: 0.25 },
    ];
    deepEqual([masses.take(1, first), masses.take(1, first), masses.take(2, first)], [true, false, true]);
    deepEqual([masses.take(1, second), masses.take(1, first), masses.take(1, second)], [true, false, false]);
    deepEqual(masses.mass, { sum: 4, weight: 2.25 });
  });

  it("knows when a parcel is more than all there is", () => {
    const masses = new PushSum(3, 5);
    deepEqual(
      [2, 2.5].map((weight) => masses.isTooMuch({ seq: 1, sum: 0, weight })),
      [false, true],
    );
  });
});
