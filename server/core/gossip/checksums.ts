import {
  type Checksum,
  type Checksums,
  checksumOf,
  heightOf,
  NOTHING,
  type Range,
  withInstead,
} from "../reconciliation/checksum-tree.ts";
import { placesOf } from "../reconciliation/comparison.ts";
import type { VersionVector } from "./version-vector.ts";

/** Of so many operations of a member. */
export function entryChecksum(origin: number, seq: number): Checksum {
  return seq === 0 ? NOTHING : checksumOf(origin, seq);
}

/**
 * Of a version vector. What is asked for in every comparison, the sum of all, is kept; those of ranges are added up when two differ, as those that have written are mostly few of the members, and a sum for each
 * member would take more than all else that is kept of them.
 */
export class VectorChecksums implements Checksums {
  readonly #vector: VersionVector;
  #total: Checksum;

  constructor(vector: VersionVector) {
    this.#vector = vector;
    this.#total = this.#sum(0, vector.length);
  }

  get height(): number {
    return heightOf(this.#vector.length);
  }

  get total(): Checksum {
    return this.#total;
  }

  /** Of this member the vector had another number. */
  changed(member: number, before: number): void {
    const now = entryChecksum(member, this.#vector.get(member));
    this.#total = withInstead(this.#total, entryChecksum(member, before), now);
  }

  of(range: Range): Checksum {
    if (range.level >= this.height) return range.index === 0 ? this.#total : NOTHING;
    return this.#sum(...placesOf(range, this.#vector.length));
  }

  #sum(first: number, end: number): Checksum {
    let sum = NOTHING;
    const add = (member: number, seq: number): void => {
      sum = withInstead(sum, NOTHING, entryChecksum(member, seq));
    };
    this.#vector.visit(add, first, end);
    return sum;
  }
}
