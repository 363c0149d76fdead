import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import {
  type Change,
  decodeChange,
  encodeChange,
  Roll,
  readChanges,
  writeChanges,
} from "../../../server/core/gossip/roll.ts";

const FOUNDERS = ["a", "b", "c"];
const LATER = ["z", "y", "x"];

type Stamped = Change & { readonly stamp: number };

const change: fc.Arbitrary<Stamped> = fc.record({
  kind: fc.constantFrom("add", "remove"),
  place: fc.nat(FOUNDERS.length + LATER.length - 1),
  stamp: fc.integer({ min: 1, max: 1000 }),
});

function rollOf(changes: readonly Stamped[]): Roll {
  return changes.reduce((roll, one) => roll.with(one, one.stamp), Roll.of(FOUNDERS).grown(LATER));
}

/** As the set is meant, of some changes. */
function countedBy(changes: readonly Stamped[]): number[] {
  const came = [0, 1, 2, 3, 4, 5].filter(
    (place) => place < FOUNDERS.length || changes.some((one) => one.kind === "add" && one.place === place),
  );
  const removedAt = (place: number): number =>
    Math.max(0, ...changes.filter((one) => one.kind === "remove" && one.place === place).map(({ stamp }) => stamp));
  const staying = came.filter((place) => removedAt(place) === 0);
  if (staying.length > 0) return staying;
  const latest = Math.max(...came.map(removedAt));
  return came.filter((place) => removedAt(place) === latest).slice(-1);
}

describe("who counts by gossip", () => {
  it("is the same in whatever order, and however often, changes come, and as a set of those who came less those who went", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (changes, draws) => {
        const roll = rollOf(changes);
        const ranks = new Map(changes.map((one) => [one, draws.next().value ?? 0]));
        const again = [...changes, ...changes].sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
        const other = rollOf(again);
        assert.deepEqual(other.changes, roll.changes);
        assert.equal(other.view, roll.view);
        assert.deepEqual([...roll.counted], countedBy(changes));
        assert.equal(roll.count, roll.counted.length);
        assert.deepEqual(
          roll.configuration.voters,
          countedBy(changes)
            .map((place) => [...FOUNDERS, ...LATER][place])
            .toSorted(),
        );
        assert.equal(Roll.of(FOUNDERS).grown(LATER).changed(roll.changes).view, roll.view);
      }),
      { numRuns: 500 },
    );
  });

  it("is told from what others know by its view, which is 0 as long as all are founders", () => {
    const founded = Roll.of(FOUNDERS);
    assert.equal(founded.view, 0);
    assert.equal(founded.grown([]), founded);
    const grown = founded.grown(LATER);
    const views = [founded, founded.grown(["z"]), grown, grown.added(3), grown.removed(0, 5), grown.removed(0, 6)];
    assert.equal(new Set(views.map(({ view }) => view)).size, views.length);
    assert.equal(grown.added(0), grown, "a founder counts already");
    assert.equal(grown.removed(0, 6).added(0).counts(0), false, "and does not come back");
  });

  it("has places that stay: a list that does not begin as the one that is known is refused", () => {
    const known = Roll.of(FOUNDERS).grown(["z"]);
    assert.deepEqual(known.grown(LATER).ids, ["a", "b", "c", "z", "y", "x"]);
    for (const later of [["y", "z"], [], ["y"]]) assert.throws(() => known.grown(later), RangeError);
  });

  it("is read again as it was written, and refuses what cannot be", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const writer = new ByteWriter();
        writeChanges(writer, rollOf(changes).changes);
        const bytes = writer.finish();
        assert.deepEqual(readChanges(new ByteReader(bytes)), rollOf(changes).changes);
        for (const { kind, place } of changes)
          assert.deepEqual(decodeChange(encodeChange({ kind, place })), { kind, place });
      }),
    );
    for (const bytes of [
      [2, 1, 1],
      [2, 2, 1],
      [1, 0, 2, 5, 1, 5, 1],
    ])
      assert.throws(() => readChanges(new ByteReader(Uint8Array.from(bytes))), MalformedBytes);
    for (const bytes of [[], [0], [2, 0], [0, 0, 0], [0, 0xff, 0xff, 0x7f]])
      assert.throws(() => decodeChange(Uint8Array.from(bytes)), MalformedBytes);
  });
});
