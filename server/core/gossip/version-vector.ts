import type { Vector } from "./types.ts";

/**
 * A version vector (Parker et al. 1983) of which most is nothing: takes room only for members of whom there is an operation, however many members there are. Of ten thousand each keeps several of
 * the ten thousand, and mostly few of them write.
 */
export class VersionVector {
  /** Members. */
  readonly length: number;
  readonly #seqs = new Map<number, number>();
  /** Those that have an entry, rising. */
  readonly #members: number[] = [];

  constructor(length: number) {
    this.length = length;
  }

  static of(vector: Vector): VersionVector {
    const made = new VersionVector(vector.length);
    for (let member = 0; member < vector.length; member++) made.set(member, vector[member] as number);
    return made;
  }

  /** How many operations of a member. */
  get(member: number): number {
    return this.#seqs.get(member) ?? 0;
  }

  set(member: number, seq: number): void {
    const isNew = !this.#seqs.has(member);
    if (isNew && seq === 0) return;
    this.#seqs.set(member, seq);
    if (!isNew) return;
    const last = this.#members.at(-1);
    if (last === undefined || last < member) this.#members.push(member);
    else this.#members.splice(this.#from(member), 0, member);
  }

  /** Those of whom there is any, from the first up to the second, in order. The vector may change meanwhile, but for new entries. */
  *entries(first = 0, end = this.length): Generator<readonly [number, number], void> {
    for (let at = first === 0 ? 0 : this.#from(first); at < this.#members.length; at++) {
      const member = this.#members[at] as number;
      if (member >= end) return;
      const seq = this.get(member);
      if (seq > 0) yield [member, seq];
    }
  }

  /** As many of each as the other, or more. */
  covers(other: VersionVector): boolean {
    for (const member of other.#members) if (this.get(member) < other.get(member)) return false;
    return true;
  }

  /** How many operations it stands for. */
  get sum(): number {
    let sum = 0;
    for (const seq of this.#seqs.values()) sum += seq;
    return sum;
  }

  copy(): VersionVector {
    const made = new VersionVector(this.length);
    for (const member of this.#members) made.set(member, this.get(member));
    return made;
  }

  /** Of each the lesser of the two. */
  least(other: VersionVector): VersionVector {
    const made = new VersionVector(this.length);
    for (const member of this.#members) made.set(member, Math.min(this.get(member), other.get(member)));
    return made;
  }

  /** All of it, as messages and logs have it. */
  listed(): number[] {
    const listed = Array.from({ length: this.length }, () => 0);
    for (const [member, seq] of this.#seqs) listed[member] = seq;
    return listed;
  }

  /** Where the first that is not below this member is, or would be. */
  #from(member: number): number {
    let [low, high] = [0, this.#members.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#members[middle] as number) < member) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
