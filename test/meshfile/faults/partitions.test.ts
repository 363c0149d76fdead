import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { PARTITION_SHAPES, type PartitionShape } from "../../../server/contract/faults.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { drawPartition, FEWEST_AGENTS, partitionOfSides } from "../../../server/meshfile/faults/partitions.ts";

const roster = (count: number) => Array.from({ length: count }, (_, at) => `a${at + 1}`);
const draw = (shape: PartitionShape, count: number, seed: number) =>
  drawPartition(shape, roster(count), seededRandom(seed));

/** Whom each agent hears and is heard by, itself among them. */
function seen(shape: PartitionShape, count: number, seed: number): string[][] {
  const cuts = new Set(draw(shape, count, seed).cuts.map(({ from, to }) => `${from}>${to}`));
  return roster(count).map((a) =>
    roster(count).filter((b) => a === b || !(cuts.has(`${a}>${b}`) || cuts.has(`${b}>${a}`))),
  );
}

const forAll = (shape: PartitionShape, check: (groups: string[][], count: number, seed: number) => void) =>
  fc.assert(
    fc.property(fc.integer({ min: FEWEST_AGENTS[shape], max: 21 }), fc.nat(), (count, seed) =>
      check(seen(shape, count, seed), count, seed),
    ),
  );
const sizes = (groups: string[][]) => [...new Set(groups.map((group) => group.join()))].map((g) => g.split(",").length);

describe("shapes of partitions", () => {
  it("halves: two sides that differ by one at most", () =>
    forAll("halves", (groups, count) =>
      assert.deepEqual(
        sizes(groups).sort((a, b) => a - b),
        [Math.floor(count / 2), Math.ceil(count / 2)],
      ),
    ));

  it("majority: the smallest majority, and the rest", () =>
    forAll("majority", (groups, count) => {
      const majority = Math.floor(count / 2) + 1;
      assert.deepEqual(
        sizes(groups).sort((a, b) => b - a),
        [majority, count - majority],
      );
    }));

  it("isolateOne: one sees itself, all others each other", () =>
    forAll("isolateOne", (groups, count) => {
      assert.equal(groups.filter((group) => group.length === 1).length, count === 2 ? 2 : 1);
      assert.equal(groups.filter((group) => group.length === count - 1).length, count === 2 ? 2 : count - 1);
    }));

  it("bridge: one sees everybody, and nobody else sees beyond its half", () =>
    forAll("bridge", (groups, count) => {
      const bridges = roster(count).filter((_, at) => groups[at]?.length === count);
      if (count === 3) return assert.equal(bridges.length, 1);
      assert.equal(bridges.length, 1);
      const halves = groups
        .filter(({ length }) => length < count)
        .map((group) => group.filter((a) => a !== bridges[0]));
      const found = sizes(halves);
      assert.equal(found.length, 2);
      assert.equal((found[0] as number) + (found[1] as number), count - 1);
      assert.ok(Math.abs((found[0] as number) - (found[1] as number)) <= 1);
    }));

  it("ring: each sees a majority that no other sees, and nobody sees all", () =>
    forAll("ring", (groups, count) => {
      for (const group of groups) {
        assert.ok(group.length > count / 2, `${group} is no majority of ${count}`);
        assert.ok(group.length < count);
      }
      assert.equal(new Set(groups.map((group) => group.join())).size, count);
    }));

  it("oneWay: one half is not heard by the other, and hears it", () =>
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 21 }), fc.nat(), (count, seed) => {
        const { cuts } = draw("oneWay", count, seed);
        const senders = new Set(cuts.map(({ from }) => from));
        assert.equal(senders.size, Math.floor(count / 2));
        assert.equal(cuts.length, senders.size * (count - senders.size));
        assert.ok(cuts.every(({ to }) => !senders.has(to)));
      }),
    ));

  it("random: cuts about half of the pairs, both ways", () => {
    const { cuts } = draw("random", 40, 1);
    const ways = new Set(cuts.map(({ from, to }) => `${from}>${to}`));
    assert.ok(cuts.every(({ from, to }) => ways.has(`${to}>${from}`)));
    assert.ok(Math.abs(cuts.length / (40 * 39) - 0.5) < 0.05);
  });

  for (const shape of PARTITION_SHAPES) {
    it(`${shape}: drawn anew by another seed, the same by the same, and refused for fewer than ${FEWEST_AGENTS[shape]}`, () => {
      assert.deepEqual(draw(shape, 7, 5), draw(shape, 7, 5));
      assert.ok(new Set(Array.from({ length: 20 }, (_, seed) => draw(shape, 7, seed).title)).size > 5);
      assert.throws(() => draw(shape, FEWEST_AGENTS[shape] - 1, 1), { reason: "tooFew" });
      assert.ok(draw(shape, FEWEST_AGENTS[shape], 2).title.length > 0);
    });
  }

  it("of named sides cuts every pair of different sides, both ways", () => {
    const { cuts, title } = partitionOfSides([["a1"], ["a2", "a3"]]);
    assert.equal(title, "a1 | a2, a3 partitioned");
    assert.deepEqual(
      cuts.map(({ from, to }) => `${from}>${to}`),
      ["a1>a2", "a1>a3", "a2>a1", "a3>a1"],
    );
  });
});
