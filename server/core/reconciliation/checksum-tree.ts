/**
 * Two that keep the same list find out where it differs, without sending it: they compare checksums, first of all of it, then of the parts of what differs, down to some few places (Demers et al. 1987,
 * §1.3: "exchange checksums" before databases; a tree of them as Merkle 1987 has it, and as Meyer 2023, "Range-Based Set Reconciliation", compares ranges).
 *
 * Promised: what is the same costs one checksum, however long the list is; d places that differ among n cost O(d log n) bytes in O(log n) messages. Places that differ are found unless two checksums
 * are equal by accident: with 64 bits, and sums of mixed bits, once in 2^64 comparisons of lists that differ. Whoever uses it says all now and then (see `LISTED_PLACES`), so that not even that lasts. Against
 * somebody who looks for two lists with one checksum it promises nothing.
 *
 * The parts: this file (sums, kept as the list changes), comparison.ts (what differs), codec.ts (binary form). Who uses it: gossip's anti-entropy (places are members, and how many operations of each one has),
 * SWIM's comparisons (places are those of the roster, and how each member stands).
 */

/** Parts of a range, and places of the smallest ranges, which are listed instead. */
export const FANOUT = 16;
const FANOUT_BITS = 4;
/** A range of this level has as many places as a roster. */
export const MAX_LEVEL = 4;

/** 64 bits, in two halves. */
export interface Checksum {
  readonly high: number;
  readonly low: number;
}

/** Of a place without an entry, and of many of them. */
export const NOTHING: Checksum = { high: 0, low: 0 };

/** Checksums of a list, and of all of its ranges. */
export interface Checksums {
  /** The level of the smallest range that holds all places: at least 1. */
  readonly height: number;
  /** Of all places. */
  readonly total: Checksum;
  /** Of a range of level 1 or more; also of one larger than all of this list, as another's may be longer, and of one beyond it. */
  of(range: Range): Checksum;
}

/** Places from index * FANOUT^level on, so many: level 0 is one place, level 1 a smallest range. */
export interface Range {
  readonly level: number;
  readonly index: number;
}

/** Places of a range: FANOUT^level. */
export function sizeOf(level: number): number {
  return 1 << (FANOUT_BITS * level);
}

/** The level of the smallest range that holds so many places: at least 1. */
export function heightOf(places: number): number {
  let level = 1;
  while (sizeOf(level) < places) level++;
  return level;
}

export function sameChecksum(one: Checksum, other: Checksum): boolean {
  return one.high === other.high && one.low === other.low;
}

/** The sum of a list in which one place has another entry. */
export function withInstead(sum: Checksum, before: Checksum, instead: Checksum): Checksum {
  return { high: (sum.high - before.high + instead.high) >>> 0, low: (sum.low - before.low + instead.low) >>> 0 };
}

/** Of the entry at a place: whole numbers in [0, 2^53), which are told apart by their order, too. */
export function checksumOf(place: number, first: number, second = 0, third = 0): Checksum {
  let high = 0x9e3779b9;
  let low = 0x7f4a7c15;
  for (let at = 0; at < 4; at++) {
    const word = at === 0 ? place : at === 1 ? first : at === 2 ? second : third;
    const upper = Math.floor(word / 2 ** 32);
    high = stirred(high ^ word, 0xcc9e2d51) + low;
    low = stirred(low ^ upper ^ word, 0x1b873593) ^ high;
  }
  return { high: finished(high), low: finished(low ^ stirred(high, 0xe6546b64)) };
}

/** As MurmurHash3 (Appleby, public domain) treats a word, with its constants. */
function stirred(word: number, factor: number): number {
  const product = Math.imul(word, factor);
  return Math.imul((product << 15) | (product >>> 17), 0x85ebca6b);
}

/** Its finalizer of 32 bits. */
function finished(word: number): number {
  let bits = word;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/**
 * The checksums of a list, of all of its ranges: those of larger ones are sums of those of smaller ones, so that an entry that changes costs O(log n). The entries are not kept, as whoever has the list
 * can tell what an entry was: some half a byte a place.
 *
 * Invariant: each range's is the sum (mod 2^32, half by half) of those of its places.
 */
export class ChecksumTree implements Checksums {
  /** By level less 1: the halves of each range, one after the other. */
  #levels: Uint32Array[] = [];
  #places = 0;

  constructor(places: number) {
    this.grow(places);
  }

  get height(): number {
    return this.#levels.length;
  }

  get total(): Checksum {
    return this.of({ level: this.height, index: 0 });
  }

  /** There are more places. */
  grow(places: number): void {
    if (places < this.#places) throw new RangeError(`a list of ${this.#places} places does not shrink to ${places}`);
    this.#places = places;
    let ranges = Math.max(1, Math.ceil(places / FANOUT));
    const least = new Uint32Array(ranges * 2);
    least.set(this.#levels[0] ?? []);
    this.#levels = [least];
    for (let below: Uint32Array = least; ranges > 1; below = this.#levels.at(-1) as Uint32Array) {
      ranges = Math.ceil(ranges / FANOUT);
      const sums = new Uint32Array(ranges * 2);
      for (let at = 0; at < below.length; at++) {
        const slot = Math.floor(at / (2 * FANOUT)) * 2 + (at & 1);
        sums[slot] = (sums[slot] as number) + (below[at] as number);
      }
      this.#levels.push(sums);
    }
  }

  /** A place has another entry. @param before the checksum of the one it had, NOTHING where there was none */
  change(place: number, before: Checksum, instead: Checksum): void {
    let index = place;
    for (const sums of this.#levels) {
      index = Math.floor(index / FANOUT);
      // Arrays of 32 bits keep sums mod 2^32.
      sums[index * 2] = (sums[index * 2] as number) + instead.high - before.high;
      sums[index * 2 + 1] = (sums[index * 2 + 1] as number) + instead.low - before.low;
    }
  }

  of({ level, index }: Range): Checksum {
    if (level > this.height) return index === 0 ? this.total : NOTHING;
    const sums = this.#levels[level - 1] as Uint32Array;
    if (index * 2 >= sums.length) return NOTHING;
    return { high: sums[index * 2] as number, low: sums[index * 2 + 1] as number };
  }
}
