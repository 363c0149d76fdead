import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import {
  type Checksum,
  ChecksumTree,
  checksumOf,
  FANOUT,
  MAX_LEVEL,
  NOTHING,
  sameChecksum,
  withInstead,
} from "../../../server/core/reconciliation/checksum-tree.ts";
import {
  MAX_LEAVES,
  readChecksum,
  readLeaf,
  readSplits,
  writeChecksum,
  writeLeaf,
  writeSplits,
} from "../../../server/core/reconciliation/codec.ts";
import { compared, opened, placesOf, type Split } from "../../../server/core/reconciliation/comparison.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../codec-properties.ts";
import * as some from "./arbitraries.ts";

/** A list of numbers, 0 where there is no entry. */
class Subject {
  readonly entries: number[];
  readonly tree: ChecksumTree;

  constructor(entries: readonly number[]) {
    this.entries = entries.slice();
    this.tree = new ChecksumTree(entries.length);
    for (const place of entries.keys()) this.changed(place, 0);
  }

  put(place: number, entry: number): void {
    const before = this.entries[place] as number;
    this.entries[place] = entry;
    this.changed(place, before);
  }

  changed(place: number, before: number): void {
    const [was, is] = [before, this.entries[place] as number].map((entry) =>
      entry === 0 ? NOTHING : checksumOf(place, entry),
    );
    this.tree.change(place, was as Checksum, is as Checksum);
  }
}

/** Takes no notice of changes in the first half of its list. */
class Inattentive extends Subject {
  override changed(place: number, before: number): void {
    if (place >= this.entries.length / 2) super.changed(place, before);
  }
}

const splitCodec: Codec<readonly Split[]> = {
  encode: (splits) => {
    const writer = new ByteWriter();
    writeSplits(writer, splits);
    return writer.finish();
  },
  decode: (bytes) => {
    const reader = new ByteReader(bytes);
    const splits = readSplits(reader);
    reader.end();
    return splits;
  },
};

/** Two compare until only smallest ranges are left. Returns those, and what it took. */
function reconciled(one: Subject, other: Subject): { leaves: number[]; messages: number; bytes: number } {
  const found = { leaves: [] as number[], messages: 1, bytes: 9 };
  if (sameChecksum(one.tree.total, other.tree.total) && one.tree.height === other.tree.height) return found;
  const first = opened(other.tree, one.tree.height);
  found.leaves.push(...first.leaves);
  let splits = first.splits;
  for (let turn = 0; splits.length > 0; turn++) {
    found.messages++;
    found.bytes += splitCodec.encode(splits).length;
    const next = compared((turn % 2 === 0 ? one : other).tree, splits);
    found.leaves.push(...next.leaves);
    splits = [...next.splits];
  }
  return found;
}

function differing(one: Subject, other: Subject): number[] {
  const places = Array.from({ length: Math.max(one.entries.length, other.entries.length) }, (_, place) => place);
  const differ = places.filter((place) => (one.entries[place] ?? 0) !== (other.entries[place] ?? 0));
  return [...new Set(differ.map((place) => Math.floor(place / FANOUT)))];
}

const list = fc.array(fc.nat(3), { minLength: 1, maxLength: 700 });
const changes = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 });

function assertFinds(make: new (entries: readonly number[]) => Subject): void {
  fc.assert(
    fc.property(list, fc.nat(300), changes, (entries, more, changed) => {
      const one = new make(entries);
      // The other's list may be longer, as rosters grow at some before they do at others.
      const other = new make([...entries, ...new Array<number>(more).fill(1)]);
      for (const [place, entry] of changed) other.put(place % other.entries.length, entry);
      const { leaves } = reconciled(one, other);
      assert.deepEqual(
        leaves.toSorted((a, b) => a - b),
        differing(one, other),
      );
    }),
    { numRuns: 150, seed: 1 },
  );
}

describe("checksums of a list", () => {
  it("are the sums of those of its places, however it came to be", () => {
    fc.assert(
      fc.property(list, changes, fc.nat(600), (entries, changed, more) => {
        const subject = new Subject(entries);
        for (const [place, entry] of changed) subject.put(place % entries.length, entry);
        const fresh = new Subject(subject.entries);
        subject.tree.grow(entries.length + more);
        for (let level = 1; level <= MAX_LEVEL; level++)
          for (let index = 0; index < 3; index++)
            assert.deepEqual(subject.tree.of({ level, index }), fresh.tree.of({ level, index }));
        const place = entries.length - 1;
        const before = checksumOf(place, 7);
        subject.tree.change(place, NOTHING, before);
        const sum = withInstead(subject.tree.total, before, checksumOf(place, 8));
        subject.tree.change(place, before, checksumOf(place, 8));
        assert.deepEqual(sum, subject.tree.total);
      }),
      { numRuns: 60 },
    );
    assert.throws(() => new ChecksumTree(5).grow(4), RangeError);
  });

  it("mix all bits of an entry: no two of 200,000 alike, and one bit more changes about half of theirs", () => {
    const seen = new Set<bigint>();
    for (let place = 0; place < 200; place++)
      for (let seq = 1; seq <= 1000; seq++) {
        const { high, low } = checksumOf(place, seq);
        seen.add((BigInt(high) << 32n) | BigInt(low));
      }
    assert.equal(seen.size, 200_000);
    const bitsOf = (word: number): number => word.toString(2).replaceAll("0", "").length;
    let flipped = 0;
    for (let bit = 0; bit < 50; bit++) {
      const [one, other] = [checksumOf(3, 5, 2 ** bit), checksumOf(3, 5, 0)];
      flipped += bitsOf((one.high ^ other.high) >>> 0) + bitsOf((one.low ^ other.low) >>> 0);
    }
    assert.ok(Math.abs(flipped / 50 - 32) < 3, `${flipped / 50} of 64 bits`);
    // The order of what it is made of counts, too.
    assert.ok(!sameChecksum(checksumOf(1, 2, 3), checksumOf(1, 3, 2)));
  });

  it("lead to what differs and to nothing else, also where one list is longer; one that misses changes is shown", () => {
    assertFinds(Subject);
    assert.throws(() => assertFinds(Inattentive));
  });

  it("take one message where nothing differs, and few bytes for few differences among many", () => {
    const entries = Array.from({ length: 4000 }, (_, place) => place + 1);
    assert.deepEqual(reconciled(new Subject(entries), new Subject(entries)), { leaves: [], messages: 1, bytes: 9 });
    for (const count of [1, 4, 16]) {
      const other = new Subject(entries);
      for (let at = 0; at < count; at++) other.put(at * 240, 1_000_000 + at);
      const { leaves, messages, bytes } = reconciled(new Subject(entries), other);
      assert.equal(leaves.length, count);
      assert.equal(messages, 3);
      // At each level, for each that differs, the checksums of its parts.
      assert.ok(bytes <= 20 + count * 2 * (FANOUT * 8 + 8), `${bytes} bytes for ${count}`);
    }
  });

  it("have a binary form that gives them back, and refuses what is none", () => {
    assertRoundTrips(splitCodec, some.splits, 200);
    assertOnlyMalformed(splitCodec, some.splits);
    const parts = Array.from({ length: FANOUT }, () => NOTHING);
    const encoded = (...splits: Omit<Split, "parts">[]): Uint8Array =>
      splitCodec.encode(splits.map((split) => ({ ...split, parts })));
    for (const bad of [
      encoded({ level: 1, index: 0 }),
      encoded({ level: MAX_LEVEL + 1, index: 0 }),
      encoded({ level: MAX_LEVEL, index: 1 }),
      encoded({ level: 2, index: 3 }, { level: 2, index: 3 }),
      encoded({ level: 2, index: 3 }, { level: 3, index: 4 }),
    ])
      assert.throws(() => splitCodec.decode(bad), MalformedBytes);
    const writer = new ByteWriter();
    const checksum = checksumOf(1, 2);
    writeChecksum(writer, checksum);
    writeLeaf(writer, 5, 2);
    writeLeaf(writer, MAX_LEAVES, 5);
    const reader = new ByteReader(writer.finish());
    assert.deepEqual(readChecksum(reader), checksum);
    assert.equal(readLeaf(reader, 2), 5);
    assert.throws(() => readLeaf(reader, 5), MalformedBytes);
    assert.deepEqual(placesOf({ level: 1, index: 2 }, 40), [32, 40]);
  });
});
