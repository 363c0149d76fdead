import { type Checksum, ChecksumTree, checksumOf, NOTHING } from "../reconciliation/checksum-tree.ts";
import type { Vector } from "./types.ts";
import { covers, leastOf, sumOf } from "./vectors.ts";

const NONE: ReadonlyMap<number, number> = new Map();

/**
 * What each member is known to have, by what was last heard of it: its own digests, what it passed on, and what others know of it. Never more than it has on disk.
 *
 * Kept by origin, and only of those of which not everybody is known to have as much as anybody: where all is everywhere nothing is kept, however many members there are. Of the others each member is known
 * to have what everybody is known to have, and no more.
 *
 * Invariant: for each member, the number of origins of which it is not known to have as many as this agent itself.
 */
export class Knowledge {
  readonly self: number;
  /** What this agent has delivered, and its checksums. */
  readonly #have: number[];
  readonly #checksums: ChecksumTree;
  readonly #everywhere: number[];
  /** By origin, the last delivered last: how many of it each member is known to have. */
  readonly #columns = new Map<number, Float64Array>();
  /** Origins of which this agent has more than everybody is known to have, and that have no column: those of an earlier life. */
  #bare: number;
  readonly #lacking: number[];
  #complete: number;
  /** Something was heard since it was last looked what everybody has. */
  #stale = false;
  #rises = 0;

  constructor(members: number, self: number, have: Vector) {
    this.self = self;
    this.#have = have.slice();
    this.#checksums = new ChecksumTree(members);
    for (const [origin, seq] of have.entries()) this.#checksums.change(origin, NOTHING, entryChecksum(origin, seq));
    this.#everywhere = Array.from({ length: members }, () => 0);
    this.#bare = have.filter((seq) => seq > 0).length;
    this.#lacking = Array.from({ length: members }, (_, member) => (member === self ? 0 : this.#bare));
    this.#complete = this.#bare === 0 ? members : 1;
    this.#stale = this.#bare > 0;
  }

  get have(): Vector {
    return this.#have;
  }

  /** Of `have`. */
  get checksums(): ChecksumTree {
    return this.#checksums;
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
    for (let member = 0; member < this.#lacking.length; member++)
      if (member !== this.self && this.#lacking[member] === 0) complete.push(member);
    return complete;
  }

  /** How many of an origin's a member is known to have. */
  seqOf(member: number, origin: number): number {
    if (member === this.self) return this.#have[origin] as number;
    return this.#columns.get(origin)?.[member] ?? (this.#everywhere[origin] as number);
  }

  /** How many of an origin's everybody is known to have, this agent among them. */
  leastOf(origin: number): number {
    const column = this.#columns.get(origin);
    if (column === undefined) return this.#everywhere[origin] as number;
    let least = this.#have[origin] as number;
    for (let member = 0; member < column.length; member++)
      if (member !== this.self) least = Math.min(least, column[member] as number);
    return least;
  }

  /** All that a member is known to have is here. */
  covers(member: number): boolean {
    for (const [origin, column] of this.#columns)
      if ((column[member] as number) > (this.#have[origin] as number)) return false;
    return true;
  }

  rowOf(member: number): number[] {
    return this.#everywhere.map((_, origin) => this.seqOf(member, origin));
  }

  /** Origins of which not everybody is known to have as much as this agent, as far as is known since the start: the last delivered first, so many at most. */
  unsettled(most: number): number[] {
    return [...this.#columns.keys()].slice(-most).reverse();
  }

  /** This agent has one more of an origin's. */
  delivered(origin: number): void {
    const column = this.#columnOf(origin);
    const seq = (this.#have[origin] as number) + 1;
    this.#have[origin] = seq;
    this.#checksums.change(origin, entryChecksum(origin, seq - 1), entryChecksum(origin, seq));
    for (let member = 0; member < column.length; member++)
      if (member !== this.self && column[member] === seq - 1) this.#lacks(member, 1);
    this.#columns.delete(origin);
    this.#columns.set(origin, column);
    this.#stale = true;
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
    this.#columnOf(origin)[member] = seq;
    this.#stale = true;
    const have = this.#have[origin] as number;
    if (before < have && seq >= have) this.#lacks(member, -1);
  }

  heardAll(member: number, have: Vector): void {
    for (let origin = 0; origin < have.length; origin++) this.heard(member, origin, have[origin] as number);
  }

  /** A member has as many of each origin's from `from` up to `to` as this agent, but of some so many as is said. */
  heardSame(member: number, but = NONE, from = 0, to = this.#have.length): void {
    for (const [origin, seq] of but) this.heard(member, origin, seq);
    if (this.#lacking[member] === 0) return;
    const same = (origin: number): void => {
      if (origin >= from && origin < to && !but.has(origin)) this.heard(member, origin, this.#have[origin] as number);
    };
    if (this.#bare === 0) for (const origin of this.#columns.keys()) same(origin);
    else for (let origin = from; origin < to; origin++) same(origin);
  }

  /** Somebody knows that everybody has so many of an origin's. */
  heardEverywhere(origin: number, said: number): void {
    const have = this.#have[origin] as number;
    const seq = Math.min(said, have);
    if (seq <= (this.#everywhere[origin] as number)) return;
    const column = this.#columnOf(origin);
    for (let member = 0; member < column.length; member++) {
      const before = column[member] as number;
      if (before >= seq) continue;
      column[member] = seq;
      if (member !== this.self && before < have && seq >= have) this.#lacks(member, -1);
    }
    this.#stale = true;
  }

  /** What everybody is known to have: stable operations are those up to it. Changes as more is heard. */
  everywhere(): Vector {
    if (!this.#stale) return this.#everywhere;
    this.#stale = false;
    for (const [origin, column] of this.#columns) {
      const least = this.leastOf(origin);
      let most = this.#have[origin] as number;
      for (const seq of column) most = Math.max(most, seq);
      if (least > (this.#everywhere[origin] as number)) {
        this.#everywhere[origin] = least;
        this.#rises++;
      }
      if (least === most) this.#columns.delete(origin);
    }
    return this.#everywhere;
  }

  /** How often that has risen. */
  get rises(): number {
    this.everywhere();
    return this.#rises;
  }

  /** What a majority is known to have, the same majority all of it, and all of `least` besides; this agent is one of them. undefined: there is no such majority. */
  atMajority(least: Vector): Vector | undefined {
    const others = this.#lacking
      .flatMap((_, member) => (member === this.self ? [] : [{ row: this.rowOf(member), member }]))
      .filter(({ row }) => covers(row, least))
      .map((one) => ({ ...one, sum: sumOf(leastOf(one.row, this.#have)) }))
      .sort((a, b) => b.sum - a.sum || a.member - b.member);
    const needed = Math.floor(this.#lacking.length / 2);
    if (others.length < needed) return undefined;
    return others.slice(0, needed).reduce<Vector>((line, { row }) => leastOf(line, row), this.#have.slice());
  }

  #columnOf(origin: number): Float64Array {
    const known = this.#columns.get(origin);
    if (known !== undefined) return known;
    const everywhere = this.#everywhere[origin] as number;
    if (everywhere < (this.#have[origin] as number)) this.#bare--;
    const column = new Float64Array(this.#lacking.length).fill(everywhere);
    this.#columns.set(origin, column);
    return column;
  }

  #lacks(member: number, change: number): void {
    const before = this.#lacking[member] as number;
    this.#lacking[member] = before + change;
    if (before === 0) this.#complete--;
    else if (before + change === 0) this.#complete++;
  }
}

/** Of so many operations of a member. */
export function entryChecksum(origin: number, seq: number): Checksum {
  return seq === 0 ? NOTHING : checksumOf(origin, seq);
}
