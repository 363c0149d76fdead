import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { seededRandom } from "../../server/core/random.ts";

describe("seeded randomness", () => {
  it("is this sequence, on every platform and in every version: recordings depend on it", () => {
    const random = seededRandom("agent mesh");
    assert.deepEqual([random.uint32(), random.uint32(), random.uint32()], [492772752, 911815557, 1906470435]);
  });

  it("is the same for the same seed, and another for another", () => {
    const draw = (seed: string | number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 20 }, () => random.uint32());
    };
    assert.deepEqual(draw("x"), draw("x"));
    assert.deepEqual(draw(7), draw("7"));
    const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => draw(seed)[0]));
    assert.ok(firsts.size >= 999);
  });

  it("forks by seed and label alone, however much was drawn", () => {
    const one = seededRandom("seed");
    const other = seededRandom("seed");
    for (let count = 0; count < 5; count++) other.uint32();
    assert.equal(one.fork("network").uint32(), other.fork("network").uint32());
    assert.notEqual(one.fork("network").uint32(), one.fork("disk").uint32());
  });

  it("draws floats in [0, 1) and integers within both ends, evenly", () => {
    const random = seededRandom("even");
    const counts = new Array<number>(6).fill(0);
    for (let count = 0; count < 60_000; count++) {
      const float = random.float();
      assert.ok(float >= 0 && float < 1);
      const drawn = random.int(2, 7);
      assert.ok(Number.isInteger(drawn) && drawn >= 2 && drawn <= 7);
      counts[drawn - 2] = (counts[drawn - 2] as number) + 1;
    }
    // Chi-square with 5 degrees of freedom: above 20.5 once in a thousand, and the seed is fixed.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    assert.ok(chiSquare < 20.5, `chi-square ${chiSquare}`);
  });

  it("hits a chance as often as it says, drawing once whatever it says", () => {
    const random = seededRandom("chance");
    let hits = 0;
    for (let count = 0; count < 10_000; count++) if (random.chance(0.3)) hits++;
    assert.ok(hits > 2850 && hits < 3150, `${hits}`);
    const one = seededRandom("once");
    const other = seededRandom("once");
    assert.equal(one.chance(0), false);
    assert.equal(other.chance(1), true);
    assert.equal(one.uint32(), other.uint32());
  });

  it("shuffles into a new order of the same things, each place equally likely", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.integer()), (seed, items) => {
        const before = items.slice();
        const shuffled = seededRandom(seed).shuffled(items);
        assert.deepEqual(items, before);
        assert.deepEqual(
          shuffled.toSorted((a, b) => a - b),
          items.toSorted((a, b) => a - b),
        );
      }),
    );
    const random = seededRandom("places");
    const first = [0, 0, 0];
    for (let count = 0; count < 9000; count++) {
      const [head] = random.shuffled([0, 1, 2]) as [number, number, number];
      first[head] = (first[head] as number) + 1;
    }
    for (const count of first) assert.ok(count > 2800 && count < 3200, first.join());
  });

  it("picks one of a list, and refuses to pick or draw from nothing", () => {
    const random = seededRandom("pick");
    const picked = new Set(Array.from({ length: 100 }, () => random.pick(["a", "b", "c"])));
    assert.deepEqual([...picked].toSorted(), ["a", "b", "c"]);
    assert.throws(() => random.pick([]), RangeError);
    assert.throws(() => random.int(2, 1), RangeError);
    assert.throws(() => random.int(Number.NaN, 1), RangeError);
  });
});
