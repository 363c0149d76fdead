import type { Random } from "../../random.ts";
import { type Places, placesArray } from "./columns.ts";

/**
 * Whom to probe next: everybody once in each round, in an order drawn anew for each (SWIM, §4.3: a member that fails is probed within 2n - 1 periods by each
 * other one, instead of only probably). Whoever is new is put at a random place of what is left of the round.
 */
export class ProbeOrder {
  readonly #random: Random;
  #order: Places = new Uint16Array(0);
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Places from the first up to, and without, the end are new. O(m log m) for m that are left of the round and new. */
  admit(first: number, end: number): void {
    const left = this.#order.subarray(this.#at);
    const order = placesArray(this.#order.length + end - first, end);
    order.set(this.#order.subarray(0, this.#at));
    // Each is put before some of those that are there: where it is in the end shows when those after it are set aside, the last of them first.
    const before = new Float64Array(end - first);
    for (let at = 0; at < before.length; at++) before[at] = this.#random.int(0, left.length + at);
    const free = new FreeSlots(left.length + before.length);
    for (let at = before.length - 1; at >= 0; at--) order[this.#at + free.take(before[at] as number)] = first + at;
    for (const place of left) order[this.#at + free.take(0)] = place;
    this.#order = order;
  }

  /** @returns undefined when nobody is worth it. */
  next(worthIt: (place: number) => boolean): number | undefined {
    // The rest of this round, and at most all of the next.
    for (let rounds = 0; rounds < 2; rounds++) {
      while (this.#at < this.#order.length) {
        const place = this.#order[this.#at++] as number;
        if (worthIt(place)) return place;
      }
      this.#shuffle();
      this.#at = 0;
    }
    return undefined;
  }

  /** Fisher–Yates, in place. */
  #shuffle(): void {
    const order = this.#order;
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.#random.int(0, last);
      const held = order[last] as number;
      order[last] = order[other] as number;
      order[other] = held;
    }
  }
}

/** Slots of a row that are free, by how many free ones are before them: a tree of sums (Fenwick 1994, "A new data structure for cumulative frequency tables"). O(log n) each. */
class FreeSlots {
  /** At i from 1: how many are free of the last (i & -i) slots up to it. */
  readonly #sums: Int32Array;
  readonly #half: number;

  constructor(atLeast: number) {
    // The next power of two.
    const size = 1 << (32 - Math.clz32(Math.max(2, atLeast) - 1));
    this.#half = size >> 1;
    this.#sums = new Int32Array(size);
    for (let at = 1; at < size; at++) this.#sums[at] = at & -at;
  }

  /** @returns the slot that so many free ones are before, which is not free any more. */
  take(before: number): number {
    const sums = this.#sums;
    let left = before;
    let slot = 0;
    for (let step = this.#half; step > 0; step >>= 1) {
      const free = sums[slot + step] as number;
      // All bits where it is beyond those that this sum is of, else none: what no processor can foresee is no branch.
      const beyond = (free - left - 1) >> 31;
      sums[slot + step] = free - 1 - beyond;
      slot += step & beyond;
      left -= free & beyond;
    }
    return slot;
  }
}
