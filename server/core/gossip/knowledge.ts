import type { Checksums } from "../reconciliation/checksum-tree.ts";
import { VectorChecksums } from "./checksums.ts";
import { type Column, columnOf } from "./column.ts";
import { everybodyBut, type MemberSet } from "./member-set.ts";
import { VersionVector } from "./version-vector.ts";

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
  readonly #members: number;
  /** What this agent has delivered, and its checksums. */
  readonly #have: VersionVector;
  readonly #checksums: VectorChecksums;
  readonly #everywhere: VersionVector;
  /** By origin, the last delivered last: how many of it each member is known to have. */
  readonly #columns = new Map<number, Column>();
  /** Origins of which this agent has more than everybody is known to have, and that have no column: those of an earlier life. */
  #bare: number;
  /** undefined: nobody lacks anything. */
  #lacking: Uint16Array | undefined;
  #complete: number;
  /** Something was heard since it was last looked what everybody has. */
  #stale = false;
  #rises = 0;

  constructor(members: number, self: number, have: VersionVector) {
    this.self = self;
    this.#members = members;
    this.#have = have.copy();
    this.#checksums = new VectorChecksums(this.#have);
    this.#everywhere = new VersionVector(members);
    this.#bare = have.entries().length;
    this.#complete = members;
    if (this.#bare > 0) for (let member = 0; member < members; member++) this.#lacks(member, this.#bare);
    this.#stale = this.#bare > 0;
  }

  get have(): VersionVector {
    return this.#have;
  }

  /** Of `have`. */
  get checksums(): Checksums {
    return this.#checksums;
  }

  /** How many are known to have all that this agent has, itself included. */
  get complete(): number {
    return this.#complete;
  }

  isComplete(member: number): boolean {
    return this.#lacking === undefined || this.#lacking[member] === 0;
  }

  /** Others that are, by place. */
  completeOthers(): number[] {
    const complete: number[] = [];
    for (let member = 0; member < this.#members; member++)
      if (member !== this.self && this.isComplete(member)) complete.push(member);
    return complete;
  }

  /** How many of an origin's a member is known to have. */
  seqOf(member: number, origin: number): number {
    if (member === this.self) return this.#have.get(origin);
    return this.#columns.get(origin)?.of(member) ?? this.#everywhere.get(origin);
  }

  /** How many of an origin's everybody is known to have, this agent among them. */
  leastOf(origin: number): number {
    const column = this.#columns.get(origin);
    return column === undefined ? this.#everywhere.get(origin) : Math.min(this.#have.get(origin), column.least());
  }

  /** All that a member is known to have is here. */
  covers(member: number): boolean {
    for (const [origin, column] of this.#columns) if (column.of(member) > this.#have.get(origin)) return false;
    return true;
  }

  /** What another member is known to have. */
  rowOf(member: number): VersionVector {
    const row = this.#everywhere.copy();
    for (const [origin, column] of this.#columns) row.set(origin, column.of(member));
    return row;
  }

  /** Origins of which not everybody is known to have as much as this agent, as far as is known since the start: the last delivered first, so many at most. */
  unsettled(most: number): number[] {
    return [...this.#columns.keys()].slice(-most).reverse();
  }

  /** This agent has one more of an origin's. */
  delivered(origin: number): void {
    const column = this.#columnOf(origin);
    const seq = this.#have.get(origin) + 1;
    this.#have.set(origin, seq);
    this.#checksums.changed(origin, seq - 1);
    column.having(seq - 1, (member) => this.#lacks(member, 1));
    this.#columns.delete(origin);
    this.#columns.set(origin, column);
    this.#stale = true;
  }

  /** It has all that a state has, at least. */
  installed(have: VersionVector): void {
    for (const [origin, seq] of have.entries()) while (this.#have.get(origin) < seq) this.delivered(origin);
  }

  /** A member has so many of an origin's. */
  heard(member: number, origin: number, seq: number): void {
    if (member === this.self) return;
    const before = this.seqOf(member, origin);
    if (seq <= before) return;
    this.#columnOf(origin).raiseOne(member, seq);
    this.#stale = true;
    const have = this.#have.get(origin);
    if (before < have && seq >= have) this.#lacks(member, -1);
  }

  heardAll(member: number, have: VersionVector): void {
    have.visit((origin, seq) => this.heard(member, origin, seq));
  }

  /** A member has as many of each origin's from `from` up to `to` as this agent, but of some so many as is said. */
  heardSame(member: number, but = NONE, from = 0, to = this.#members): void {
    for (const [origin, seq] of but) this.heard(member, origin, seq);
    if (this.isComplete(member)) return;
    const same = (origin: number): void => {
      if (origin >= from && origin < to && !but.has(origin)) this.heard(member, origin, this.#have.get(origin));
    };
    if (this.#bare === 0) for (const origin of this.#columns.keys()) same(origin);
    else this.#have.visit(same, from, to);
  }

  /** Each of these others has so many of an origin's. */
  heardOfMany(members: MemberSet, origin: number, seq: number): void {
    if (seq <= this.#everywhere.get(origin) || !members.some((word) => word !== 0)) return;
    const have = this.#have.get(origin);
    this.#columnOf(origin).raise(members, seq, (member, before) => {
      this.#stale = true;
      if (before < have && seq >= have) this.#lacks(member, -1);
    });
  }

  /** Each of these others has as many of each origin's as this agent, but of some so many as is said: as `heardSame` of each. */
  manyHeardSame(members: MemberSet, but = NONE): void {
    for (const [origin, seq] of but) this.heardOfMany(members, origin, seq);
    if (this.#lacking === undefined) return;
    const origins = this.#bare === 0 ? [...this.#columns.keys()] : this.#have.entries().map(([origin]) => origin);
    for (const origin of origins) if (!but.has(origin)) this.heardOfMany(members, origin, this.#have.get(origin));
  }

  /** Somebody knows that everybody has so many of an origin's. */
  heardEverywhere(origin: number, said: number): void {
    const have = this.#have.get(origin);
    const seq = Math.min(said, have);
    if (seq <= this.#everywhere.get(origin)) return;
    this.heardOfMany(everybodyBut(this.#members, this.self), origin, seq);
    this.#stale = true;
  }

  /** What everybody is known to have: stable operations are those up to it. Changes as more is heard. */
  everywhere(): VersionVector {
    if (!this.#stale) return this.#everywhere;
    this.#stale = false;
    for (const [origin, column] of this.#columns) {
      const have = this.#have.get(origin);
      const least = Math.min(have, column.least());
      if (least > this.#everywhere.get(origin)) {
        this.#everywhere.set(origin, least);
        this.#rises++;
      }
      if (least === Math.max(have, column.most())) this.#columns.delete(origin);
    }
    return this.#everywhere;
  }

  /** How often that has risen. */
  get rises(): number {
    this.everywhere();
    return this.#rises;
  }

  /** What a majority is known to have, the same majority all of it, and all of `least` besides; this agent is one of them. undefined: there is no such majority. */
  atMajority(least: VersionVector): VersionVector | undefined {
    const needed = Math.floor(this.#members / 2);
    // What there is no column of all others are known to have as much of.
    const alike = this.#have.entries().filter(([origin]) => !this.#columns.has(origin));
    const lacked = least
      .entries()
      .some(([origin, seq]) => !this.#columns.has(origin) && this.#everywhere.get(origin) < seq);
    const others: { readonly member: number; readonly sum: number }[] = [];
    for (let member = 0; member < this.#members && !lacked; member++) {
      if (member === this.self) continue;
      let sum = 0;
      let covers = true;
      for (const [origin, column] of this.#columns) {
        const seq = column.of(member);
        covers &&= seq >= least.get(origin);
        sum += Math.min(seq, this.#have.get(origin));
      }
      if (covers) others.push({ member, sum });
    }
    if (others.length < needed) return undefined;
    const majority = others.sort((a, b) => b.sum - a.sum || a.member - b.member).slice(0, needed);
    const line = this.#have.copy();
    if (needed > 0) for (const [origin, seq] of alike) line.set(origin, Math.min(seq, this.#everywhere.get(origin)));
    for (const [origin, column] of this.#columns)
      for (const { member } of majority) line.set(origin, Math.min(line.get(origin), column.of(member)));
    return line;
  }

  #columnOf(origin: number): Column {
    const known = this.#columns.get(origin);
    if (known !== undefined) return known;
    const everywhere = this.#everywhere.get(origin);
    if (everywhere < this.#have.get(origin)) this.#bare--;
    const column = columnOf(this.#members, this.self, everywhere);
    this.#columns.set(origin, column);
    return column;
  }

  #lacks(member: number, change: number): void {
    if (member === this.self) return;
    this.#lacking ??= new Uint16Array(this.#members);
    const before = this.#lacking[member] as number;
    this.#lacking[member] = before + change;
    if (before === 0) this.#complete--;
    else if (before + change === 0) this.#complete++;
    if (this.#complete === this.#members) this.#lacking = undefined;
  }
}
