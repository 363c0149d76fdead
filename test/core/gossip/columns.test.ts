import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { entryChecksum, VectorChecksums } from "../../../server/core/gossip/checksums.ts";
import { type Column, columnOf, LevelledColumn, ListedColumn } from "../../../server/core/gossip/column.ts";
import { Knowledge } from "../../../server/core/gossip/knowledge.ts";
import { everybodyBut, includes, type MemberSet, setOf } from "../../../server/core/gossip/member-set.ts";
import { Roll } from "../../../server/core/gossip/roll.ts";
import { VersionVector } from "../../../server/core/gossip/version-vector.ts";
import { ChecksumTree, sameChecksum } from "../../../server/core/reconciliation/checksum-tree.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

describe("a version vector of which most is nothing", () => {
  const vector = fc.array(fc.oneof(fc.constant(0), fc.nat(9)), { minLength: 1, maxLength: 100 });

  it("says what an array of all would say", () => {
    fc.assert(
      fc.property(vector, vector, fc.infiniteStream(fc.nat(99)), (one, more, places) => {
        const size = one.length;
        const other = upTo(size).map((at) => more[at] ?? 0);
        const [sparse, second] = [VersionVector.of(one), new VersionVector(size)];
        // In any order of members.
        for (const member of [...upTo(size), ...upTo(size)].map(() => (places.next().value as number) % size))
          second.set(member, other[member] as number);
        for (const member of upTo(size)) second.set(member, other[member] as number);
        assert.deepEqual(sparse.listed(), one);
        assert.deepEqual(second.listed(), other);
        assert.deepEqual(
          [...second.entries()],
          other.flatMap((seq, member) => (seq > 0 ? [[member, seq]] : [])),
        );
        const [from, to] = [size >> 2, size >> 1];
        assert.deepEqual(
          [...second.entries(from, to)],
          other.flatMap((seq, member) => (seq > 0 && member >= from && member < to ? [[member, seq]] : [])),
        );
        assert.equal(
          sparse.covers(second),
          one.every((seq, member) => seq >= (other[member] as number)),
        );
        assert.deepEqual(
          sparse.least(second).listed(),
          one.map((seq, member) => Math.min(seq, other[member] as number)),
        );
        const copy = sparse.copy();
        copy.set(0, 99);
        assert.deepEqual(sparse.listed(), one);
      }),
    );
  });

  it("says so, too, when there come to be more of them, few or many", () => {
    const grown = fc.record({
      size: fc.integer({ min: 1, max: 70 }),
      by: fc.nat(70),
      sets: fc.array(fc.tuple(fc.nat(139), fc.nat(9))),
    });
    fc.assert(
      fc.property(grown, ({ size, by, sets }) => {
        const array = upTo(size + by).map(() => 0);
        const [growing, given] = [new VersionVector(size), new VersionVector(size)];
        for (const [at, seq] of sets) {
          if (at >= array.length) continue;
          // One is told that there are more, the other finds out.
          if (at >= size) growing.grow(size + by);
          growing.set(at, seq);
          given.set(at, seq);
          array[at] = seq;
        }
        growing.grow(size + by);
        given.grow(size + by);
        for (const vector of [growing, given, growing.copy()]) assert.deepEqual(vector.listed(), array);
        const before = VersionVector.of(array.slice(0, size));
        assert.ok(growing.covers(before));
        before.raise(growing);
        assert.deepEqual([before.listed(), growing.least(before).listed()], [array, array]);
      }),
      { numRuns: 300 },
    );
  });

  it("has the checksums that a tree of all has, of every range", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.array(fc.tuple(fc.nat(599), fc.nat(5))), (size, entries) => {
        const vector = new VersionVector(size);
        const [sums, tree] = [new VectorChecksums(vector), new ChecksumTree(size)];
        for (const [place, seq] of entries) {
          const member = place % size;
          const before = vector.get(member);
          vector.set(member, seq);
          sums.changed(member, before);
          tree.change(member, entryChecksum(member, before), entryChecksum(member, seq));
        }
        assert.equal(sums.height, tree.height);
        for (let level = 1; level <= tree.height + 1; level++)
          for (const index of upTo(4)) {
            const range = { level, index };
            assert.ok(sameChecksum(sums.of(range), tree.of(range)), `level ${level}, range ${index}`);
          }
        assert.ok(sameChecksum(sums.total, new VectorChecksums(vector).total));
      }),
      { numRuns: 50 },
    );
  });
});

/** What is done to a column: some members, and how many they have now. */
const steps = (size: number) =>
  fc.array(fc.tuple(fc.array(fc.nat(size - 1), { maxLength: 2 * size }), fc.nat(6)), { maxLength: 12 });

/** Both do the same, and say the same of it. @throws AssertionError otherwise */
function assertAlike(make: (members: number, about: MemberSet, seq: number) => Column): void {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 70 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1), steps(size))),
      ([size, self, all]) => {
        const [listed, made] = [
          new ListedColumn(size, everybodyBut(size, self), 1),
          make(size, everybodyBut(size, self), 1),
        ];
        for (const [members, seq] of all) {
          const others = members.filter((member) => member !== self);
          const [first] = others;
          if (others.length === 1 && first !== undefined) for (const one of [listed, made]) one.raiseOne(first, seq);
          const raised = [listed, made].map((one) => {
            const told: [number, number][] = [];
            one.raise(setOf(size, others), seq, (member, before) => told.push([member, before]));
            return told.sort(([a], [b]) => a - b);
          });
          assert.deepEqual(raised[1], raised[0]);
          for (const member of upTo(size)) if (member !== self) assert.equal(made.of(member), listed.of(member));
          assert.deepEqual([made.least(), made.most()], [listed.least(), listed.most()]);
          const having: [number[], number[]] = [[], []];
          listed.having(seq, (member) => having[0].push(member));
          made.having(seq, (member) => having[1].push(member));
          assert.deepEqual(having[1], having[0]);
        }
      },
    ),
    { numRuns: 200 },
  );
}

describe("what each member is known to have of an origin", () => {
  it("is kept as a set for each number as it is as a list of all", () =>
    assertAlike((...made) => new LevelledColumn(...made)));

  it("so that one which does not clear a bit, or counts itself, is noticed", () => {
    class KeepsWhereTheyWere extends LevelledColumn {
      override raise(): void {}
    }
    assert.throws(() => assertAlike((...made) => new KeepsWhereTheyWere(...made)));
    assert.throws(() =>
      assertAlike((members, _, seq) => new LevelledColumn(members, setOf(members, upTo(members)), seq)),
    );
  });

  it("is about more of them, or fewer, in the same way", () => {
    const member = fc.nat(39);
    const change = fc.oneof(
      fc.record({ type: fc.constant("raise" as const), members: fc.array(member), seq: fc.nat(6) }),
      fc.record({ type: fc.constant("one" as const), member, seq: fc.nat(6) }),
      fc.record({ type: fc.constant("add" as const), member, seq: fc.nat(6) }),
      fc.record({ type: fc.constant("remove" as const), member }),
      fc.record({ type: fc.constant("grow" as const), by: fc.nat(40) }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let size = 40;
        const about = setOf(size, [1, 2, 33]);
        const columns = [new ListedColumn(size, about, 1), new LevelledColumn(size, about.slice(), 1)];
        const known = new Map([1, 2, 33].map((place) => [place, 1]));
        for (const one of changes) {
          if (one.type === "raise") {
            for (const column of columns) column.raise(setOf(size, one.members), one.seq, () => {});
            for (const [place, seq] of known) if (one.members.includes(place)) known.set(place, Math.max(seq, one.seq));
          } else if (one.type === "one") {
            for (const column of columns) column.raiseOne(one.member, one.seq);
            const seq = known.get(one.member);
            if (seq !== undefined) known.set(one.member, Math.max(seq, one.seq));
          } else if (one.type === "add") {
            if (known.has(one.member)) continue;
            for (const column of columns) column.add(one.member, one.seq);
            known.set(one.member, one.seq);
          } else if (one.type === "remove") {
            for (const column of columns) column.remove(one.member);
            known.delete(one.member);
          } else {
            size += one.by;
            for (const column of columns) column.grow(size);
          }
          const seqs = [...known.values()];
          for (const column of columns) {
            for (const [place, seq] of known) assert.equal(column.of(place), seq);
            assert.deepEqual([column.least(), column.most()], [Math.min(...seqs), Math.max(...seqs)]);
            const having: number[] = [];
            column.having(3, (place) => having.push(place));
            assert.deepEqual(
              having.toSorted((a, b) => a - b),
              [...known].flatMap(([place, seq]) => (seq === 3 ? [place] : [])).toSorted((a, b) => a - b),
            );
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is a list among few, and sets among many, of which a few take a bit for each member", () => {
    assert.ok(columnOf(256, everybodyBut(256, 0), 0) instanceof ListedColumn);
    assert.ok(columnOf(257, everybodyBut(257, 0), 0) instanceof LevelledColumn);
    const others = everybodyBut(70, 33);
    assert.deepEqual(
      upTo(70).filter((place) => !includes(others, place)),
      [33],
    );
  });
});

describe("what an agent knows of the others", () => {
  /** Of each origin so many are delivered here, one after the other; and others are heard of, alone or many at once. */
  const heard = fc.record({ member: fc.nat(299), origin: fc.nat(3), seq: fc.nat(6) });
  const step = fc.oneof(
    fc.record({ type: fc.constant("delivered" as const), origin: fc.nat(3) }),
    fc.record({ type: fc.constant("heard" as const), of: heard }),
    fc.record({ type: fc.constant("same" as const), members: fc.array(fc.nat(299), { maxLength: 300 }) }),
    fc.record({ type: fc.constant("everywhere" as const), origin: fc.nat(3), seq: fc.nat(6) }),
    fc.record({ type: fc.constant("look" as const) }),
  );

  it("is what a table of all members and origins says, among 300 as among 3", () => {
    fc.assert(
      fc.property(fc.constantFrom(3, 300), fc.array(step, { maxLength: 30 }), (size, all) => {
        const self = 1;
        const knowledge = new Knowledge(Roll.of(upTo(size).map(String)), self, new VersionVector(size));
        const have = upTo(size).map(() => 0);
        const table = upTo(size).map(() => new Map<number, number>());
        const of = (member: number, origin: number): number =>
          (member === self ? have[origin] : table[member]?.get(origin)) ?? 0;
        const raise = (member: number, origin: number, seq: number): void => {
          if (member !== self && seq > of(member, origin)) table[member]?.set(origin, seq);
        };
        for (const one of all) {
          if (one.type === "delivered") {
            const origin = one.origin % size;
            have[origin] = of(self, origin) + 1;
            knowledge.delivered(origin);
          } else if (one.type === "heard") {
            const [member, origin] = [one.of.member % size, one.of.origin % size];
            raise(member, origin, one.of.seq);
            knowledge.heard(member, origin, one.of.seq);
          } else if (one.type === "same") {
            const members = one.members.map((member) => member % size).filter((member) => member !== self);
            for (const member of members) for (const origin of upTo(4)) raise(member, origin, have[origin] ?? 0);
            knowledge.manyHeardSame(setOf(size, members));
          } else if (one.type === "everywhere") {
            const origin = one.origin % size;
            for (const member of upTo(size)) raise(member, origin, Math.min(one.seq, have[origin] ?? 0));
            knowledge.heardEverywhere(origin, one.seq);
          } else knowledge.everywhere();
          const complete = upTo(size).filter((member) => upTo(4).every((o) => of(member, o) >= (have[o] ?? 0)));
          assert.equal(knowledge.complete, complete.length);
          assert.deepEqual(
            knowledge.completeOthers(),
            complete.filter((member) => member !== self),
          );
          for (const origin of upTo(Math.min(size, 4)))
            assert.equal(knowledge.leastOf(origin), Math.min(...upTo(size).map((member) => of(member, origin))));
        }
        for (const member of upTo(size))
          for (const origin of upTo(Math.min(size, 4)))
            assert.equal(knowledge.seqOf(member, origin), of(member, origin));
      }),
      { numRuns: 60 },
    );
  });
});
