import { type ByteReader, type ByteWriter, MalformedBytes } from "../bytes.ts";
import { type Checksum, FANOUT, MAX_LEVEL, NOTHING, sameChecksum, sizeOf } from "./checksum-tree.ts";
import type { Split } from "./comparison.ts";

/** Ranges of level 2 that a roster has. */
export const MAX_SPLITS = sizeOf(MAX_LEVEL - 2);
/** Smallest ranges that a roster has. */
export const MAX_LEAVES = sizeOf(MAX_LEVEL - 1);

/** 8 bytes, little endian, the lower half first. */
export function writeChecksum(writer: ByteWriter, { high, low }: Checksum): void {
  for (const half of [low, high]) for (let shift = 0; shift < 32; shift += 8) writer.byte((half >>> shift) & 0xff);
}

/** @throws MalformedBytes */
export function readChecksum(reader: ByteReader): Checksum {
  const half = (): number => {
    let bits = 0;
    for (let shift = 0; shift < 32; shift += 8) bits |= reader.byte() << shift;
    return bits >>> 0;
  };
  const low = half();
  return { high: half(), low };
}

/** count, then of each: level, index, a bit for each part that has anything, the checksums of those. Of one level, by rising index. */
export function writeSplits(writer: ByteWriter, splits: readonly Split[]): void {
  writer.varint(splits.length);
  for (const { level, index, parts } of splits) {
    writer.byte(level);
    writer.varint(index);
    let bits = 0;
    for (const [at, checksum] of parts.entries()) if (!sameChecksum(checksum, NOTHING)) bits |= 1 << at;
    writer.byte(bits & 0xff);
    writer.byte(bits >>> 8);
    for (const [at, checksum] of parts.entries()) if ((bits >>> at) & 1) writeChecksum(writer, checksum);
  }
}

/** @throws MalformedBytes */
export function readSplits(reader: ByteReader): Split[] {
  const splits: Split[] = [];
  let last: Split | undefined;
  for (let left = reader.count(MAX_SPLITS); left > 0; left--) {
    const level = reader.byte();
    if (level < 2 || level > MAX_LEVEL) throw new MalformedBytes(`no range of level ${level} has checksums of parts`);
    const index = reader.count(sizeOf(MAX_LEVEL - level) - 1);
    if (last !== undefined && (level !== last.level || index <= last.index))
      throw new MalformedBytes("ranges are of one level, and named once, in order");
    const bits = reader.byte() | (reader.byte() << 8);
    const parts = Array.from({ length: FANOUT }, (_, at) => ((bits >>> at) & 1 ? readChecksum(reader) : NOTHING));
    last = { level, index, parts };
    splits.push(last);
  }
  return splits;
}

/** The index of a smallest range, as the step from the one before. */
export function writeLeaf(writer: ByteWriter, index: number, last: number): void {
  writer.varint(index - last - 1);
}

/** @param last the one before, -1 before the first. @throws MalformedBytes */
export function readLeaf(reader: ByteReader, last: number): number {
  const index = last + 1 + reader.count(MAX_LEAVES);
  if (index >= MAX_LEAVES) throw new MalformedBytes(`no roster has a smallest range ${index}`);
  return index;
}
