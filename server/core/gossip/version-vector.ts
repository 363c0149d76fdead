import type { Vector } from "./types.ts";

/** Among so few a number for each takes as little room as anything, and less time. */
const LISTED_MEMBERS = 64;

/**
 * A version vector (Parker et al. 1983) of which most is nothing: among many members it takes room only for those of whom there is an operation, however many there are. Of ten thousand each keeps several of
 * the ten thousand, and mostly few of them write.
 */
export class VersionVector {
  #length: number;
  /** Of few: of each. */
  #listed: number[] | undefined;
  /** Of many: of those that have an entry, ... */
  #seqs: Map<number, number>;
  /** ... and these, rising. */
  #members: number[];

  /** @param from what it begins with; absent: nothing of anybody */
  constructor(length: number, from?: Vector) {
    this.#length = length;
    const few = length <= LISTED_MEMBERS;
    this.#listed = few ? (from?.slice() ?? new Array<number>(length).fill(0)) : undefined;
    this.#seqs = few ? NO_SEQS : new Map();
    this.#members = few ? NO_MEMBERS : [];
    if (!few && from !== undefined) for (let at = 0; at < length; at++) this.set(at, from[at] as number);
  }

  static of(vector: Vector): VersionVector {
    return new VersionVector(vector.length, vector);
  }

  /** Members. */
  get length(): number {
    return this.#length;
  }

  /** There are so many members now, and nothing of the new ones yet. Of fewer than there are already nothing changes. */
  grow(length: number): void {
    if (length <= this.#length) return;
    const listed = this.#listed;
    this.#length = length;
    if (listed === undefined) return;
    if (length <= LISTED_MEMBERS) {
      while (listed.length < length) listed.push(0);
      return;
    }
    this.#listed = undefined;
    this.#seqs = new Map();
    this.#members = [];
    for (const [member, seq] of listed.entries()) this.set(member, seq);
  }

  /** How many operations of a member. */
  get(member: number): number {
    return (this.#listed === undefined ? this.#seqs.get(member) : this.#listed[member]) ?? 0;
  }

  set(member: number, seq: number): void {
    if (member >= this.#length) this.grow(member + 1);
    if (this.#listed !== undefined) {
      this.#listed[member] = seq;
      return;
    }
    const isNew = !this.#seqs.has(member);
    if (isNew && seq === 0) return;
    this.#seqs.set(member, seq);
    if (!isNew) return;
    const last = this.#members.at(-1);
    if (last === undefined || last < member) this.#members.push(member);
    else this.#members.splice(this.#from(member), 0, member);
  }

  /** Visits those of whom there is any, from the first up to the second, in order. What is visited may change meanwhile, but there are to be no new ones. */
  visit(visit: (member: number, seq: number) => void, first = 0, end = this.length): void {
    if (this.#listed !== undefined) {
      for (let member = first; member < end; member++) {
        const seq = this.#listed[member] as number;
        if (seq > 0) visit(member, seq);
      }
      return;
    }
    for (let at = first === 0 ? 0 : this.#from(first); at < this.#members.length; at++) {
      const member = this.#members[at] as number;
      if (member >= end) return;
      const seq = this.get(member);
      if (seq > 0) visit(member, seq);
    }
  }

  /** The same, as a list. */
  entries(first = 0, end = this.length): (readonly [number, number])[] {
    const entries: (readonly [number, number])[] = [];
    this.visit((member, seq) => entries.push([member, seq]), first, end);
    return entries;
  }

  /** As many of each as the other, or more. */
  covers(other: VersionVector): boolean {
    if (other.#listed !== undefined) {
      for (let member = 0; member < other.length; member++)
        if (this.get(member) < (other.#listed[member] as number)) return false;
      return true;
    }
    for (const member of other.#members) if (this.get(member) < other.get(member)) return false;
    return true;
  }

  copy(): VersionVector {
    const made = new VersionVector(this.length, this.#listed);
    for (const member of this.#members) made.set(member, this.get(member));
    return made;
  }

  /** Of each the greater of the two, also where the other is of more members. */
  raise(other: VersionVector): void {
    this.grow(other.length);
    other.visit((member, seq) => {
      if (seq > this.get(member)) this.set(member, seq);
    });
  }

  /** Of each the lesser of the two. */
  least(other: VersionVector): VersionVector {
    const made = new VersionVector(this.length);
    this.visit((member, seq) => made.set(member, Math.min(seq, other.get(member))));
    return made;
  }

  /** All of it, as messages and logs have it. */
  listed(): number[] {
    if (this.#listed !== undefined) return this.#listed.slice();
    const listed = new Array<number>(this.length).fill(0);
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

/** Of those that need none. */
const NO_SEQS = new Map<number, number>();
const NO_MEMBERS: number[] = [];
