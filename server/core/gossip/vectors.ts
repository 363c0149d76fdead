import { ByteWriter } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import type { Vector } from "./types.ts";

/** As many of each as the other, or more. */
export function covers(vector: Vector, other: Vector): boolean {
  for (let at = 0; at < other.length; at++) if ((vector[at] as number) < (other[at] as number)) return false;
  return true;
}

/** How many operations it stands for. */
export function sumOf(vector: Vector): number {
  let sum = 0;
  for (const seq of vector) sum += seq;
  return sum;
}

export function leastOf(one: Vector, other: Vector): number[] {
  return one.map((seq, at) => Math.min(seq, other[at] as number));
}

/** FNV-1a of the sorted members, 32 bits: for telling apart what was never meant for each other, not against anybody's intent. */
export function rosterOf(sortedMembers: readonly AgentId[]): number {
  const writer = new ByteWriter();
  for (const id of sortedMembers) writer.text(id);
  let hash = 0x811c9dc5;
  for (const byte of writer.view()) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * What each member is known to have, by what was last heard of it: its own digests, what it passed on, and what others know of it. Never more than it has on disk.
 *
 * Invariant: for each member, the number of origins of which it is not known to have as many as this agent itself.
 */
export class Knowledge {
  readonly self: number;
  /** What this agent has delivered. */
  readonly #have: number[];
  /** undefined: nothing was heard. */
  readonly #rows: (number[] | undefined)[];
  readonly #lacking: number[];
  readonly #everywhere: number[];
  #complete = 0;

  constructor(members: number, self: number, have: Vector) {
    this.self = self;
    this.#have = have.slice();
    this.#rows = Array.from({ length: members }, () => undefined);
    this.#everywhere = Array.from({ length: members }, () => 0);
    const lacking = have.filter((seq) => seq > 0).length;
    this.#lacking = Array.from({ length: members }, (_, member) => (member === self ? 0 : lacking));
    this.#complete = lacking === 0 ? members : 1;
  }

  get have(): Vector {
    return this.#have;
  }

  /** How many are known to have all that this agent has, itself included. */
  get complete(): number {
    return this.#complete;
  }

  isComplete(member: number): boolean {
    return this.#lacking[member] === 0;
  }

  /** Others that are, by place. */
  completeOthers(): number[] {
    const complete: number[] = [];
    for (let member = 0; member < this.#rows.length; member++)
      if (member !== this.self && this.#lacking[member] === 0) complete.push(member);
    return complete;
  }

  /** How many of an origin's a member is known to have. */
  seqOf(member: number, origin: number): number {
    if (member === this.self) return this.#have[origin] as number;
    return Math.max(this.#rows[member]?.[origin] ?? 0, this.#everywhere[origin] as number);
  }

  rowOf(member: number): number[] {
    return this.#everywhere.map((_, origin) => this.seqOf(member, origin));
  }

  /** This agent has one more of an origin's. */
  delivered(origin: number): void {
    const seq = (this.#have[origin] as number) + 1;
    this.#have[origin] = seq;
    for (let member = 0; member < this.#rows.length; member++)
      if (member !== this.self && this.seqOf(member, origin) === seq - 1) this.#lacks(member, 1);
  }

  /** It has all that a state has, at least. */
  installed(have: Vector): void {
    for (let origin = 0; origin < have.length; origin++)
      while ((this.#have[origin] as number) < (have[origin] as number)) this.delivered(origin);
  }

  /** A member has so many of an origin's. */
  heard(member: number, origin: number, seq: number): void {
    if (member === this.self) return;
    const before = this.seqOf(member, origin);
    if (seq <= before) return;
    let row = this.#rows[member];
    if (row === undefined) {
      row = this.#everywhere.slice();
      this.#rows[member] = row;
    }
    row[origin] = seq;
    const have = this.#have[origin] as number;
    if (before < have && seq >= have) this.#lacks(member, -1);
  }

  heardAll(member: number, have: Vector): void {
    for (let origin = 0; origin < have.length; origin++) this.heard(member, origin, have[origin] as number);
  }

  /** Somebody knows that everybody has as much. */
  heardEverywhere(everywhere: Vector): void {
    for (let origin = 0; origin < everywhere.length; origin++) {
      const seq = Math.min(everywhere[origin] as number, this.#have[origin] as number);
      if (seq <= (this.#everywhere[origin] as number)) continue;
      const have = this.#have[origin] as number;
      for (let member = 0; member < this.#rows.length; member++) {
        const before = this.seqOf(member, origin);
        if (member !== this.self && before < have && seq >= have) this.#lacks(member, -1);
      }
      this.#everywhere[origin] = seq;
    }
  }

  /** What everybody is known to have: stable operations are those up to it. */
  everywhere(): Vector {
    for (let origin = 0; origin < this.#have.length; origin++) {
      let least = this.#have[origin] as number;
      for (let member = 0; member < this.#rows.length && least > (this.#everywhere[origin] as number); member++)
        least = Math.min(least, this.seqOf(member, origin));
      this.#everywhere[origin] = least;
    }
    return this.#everywhere.slice();
  }

  /** What a majority is known to have, the same majority all of it, and all of `least` besides; this agent is one of them. undefined: there is no such majority. */
  atMajority(least: Vector): Vector | undefined {
    const others = this.#rows
      .flatMap((_, member) => (member === this.self ? [] : [{ row: this.rowOf(member), member }]))
      .filter(({ row }) => covers(row, least))
      .map((one) => ({ ...one, sum: sumOf(leastOf(one.row, this.#have)) }))
      .sort((a, b) => b.sum - a.sum || a.member - b.member);
    const needed = Math.floor(this.#rows.length / 2);
    if (others.length < needed) return undefined;
    return others.slice(0, needed).reduce<Vector>((line, { row }) => leastOf(line, row), this.#have.slice());
  }

  #lacks(member: number, change: number): void {
    const before = this.#lacking[member] as number;
    this.#lacking[member] = before + change;
    if (before === 0) this.#complete--;
    else if (before + change === 0) this.#complete++;
  }
}
