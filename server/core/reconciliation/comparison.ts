import { type Checksum, type Checksums, FANOUT, type Range, sameChecksum, sizeOf } from "./checksum-tree.ts";

/**
 * Among as few all is listed at once: that is no longer than checksums, and saves the questions. Of more, the first of so many comparisons as there are others lists all, too, which adds an entry to each on
 * average: where two different lists had one checksum, they would be taken for equal until one of them changes, and so at most until then.
 */
export const LISTED_PLACES = FANOUT;

/** A range of level 2 or more, by the checksums of its parts. */
export interface Split extends Range {
  /** FANOUT of them. */
  readonly parts: readonly Checksum[];
}

/** What comes of another's checksums beside one's own. */
export interface Compared {
  readonly same: readonly Range[];
  /** Differs, and is to be compared part by part. */
  readonly splits: readonly Split[];
  /** Smallest ranges that differ, by index: to be listed. */
  readonly leaves: readonly number[];
}

/** The places of a range: from the first up to, and without, the second. */
export function placesOf({ level, index }: Range, places: number): readonly [number, number] {
  const size = sizeOf(level);
  return [Math.min(index * size, places), Math.min((index + 1) * size, places)];
}

export function splitOf(tree: Checksums, { level, index }: Range): Split {
  const parts = Array.from({ length: FANOUT }, (_, part) =>
    tree.of({ level: level - 1, index: index * FANOUT + part }),
  );
  return { level, index, parts };
}

/** What to answer to a checksum of all that is another than one's own. @param level of the range that it is of */
export function opened(tree: Checksums, level: number): Pick<Compared, "splits" | "leaves"> {
  const most = Math.max(level, tree.height);
  return most === 1 ? { splits: [], leaves: [0] } : { splits: [splitOf(tree, { level: most, index: 0 })], leaves: [] };
}

export function compared(tree: Checksums, theirs: readonly Split[]): Compared {
  const same: Range[] = [];
  const splits: Split[] = [];
  const leaves: number[] = [];
  for (const { level, index, parts } of theirs)
    for (const [at, checksum] of parts.entries()) {
      const part = { level: level - 1, index: index * FANOUT + at };
      if (sameChecksum(tree.of(part), checksum)) same.push(part);
      else if (part.level === 1) leaves.push(part.index);
      else splits.push(splitOf(tree, part));
    }
  return { same, splits, leaves };
}
