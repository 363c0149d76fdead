import type { Checksums } from "../reconciliation/checksum-tree.ts";
import { VectorChecksums } from "./checksums.ts";
import { type Column, columnOf } from "./column.ts";
import { countOf, everybodyBut, exclude, include, includes, type MemberSet, widened } from "./member-set.ts";
import type { Roll } from "./roll.ts";
import { VersionVector } from "./version-vector.ts";

const NONE: ReadonlyMap<number, number> = new Map();
const NOBODY: readonly number[] = [];

/**
 * What each member is known to have, by what was last heard of it: its own digests, what it passed on, and what others know of it. Never more than it has on disk.
 *
 * Of those who count it is kept by origin, and only of those of which not everybody is known to have as much as anybody: where all is everywhere nothing is kept, however many members there are. Of the others
 * each is known to have what everybody is known to have, and no more. Whoever does not count (not yet, or not any more) and has said what it has, has a row of its own; so has one that has come to count,
 * until it is known to have what everybody else is known to have. Nothing of that waits for it until then: it can be given a state.
 *
 * Invariant: for each member in columns, the number of origins of which it is not known to have as many as this agent itself.
 */
export class Knowledge {
  readonly self: number;
  #roll: Roll;
  /** Others of whom columns tell; undefined: all others. */
  #columned: MemberSet | undefined;
  /** How many they are. */
  #width: number;
  /** Of others, by place. */
  readonly #rows = new Map<number, VersionVector>();
  /** What this agent has delivered, and its checksums. */
  readonly #have: VersionVector;
  readonly #checksums: VectorChecksums;
  /** Of those in columns. */
  readonly #everywhere: VersionVector;
  /** By origin, the last delivered last: how many of it each member in columns is known to have. */
  readonly #columns = new Map<number, Column>();
  /** Origins of which this agent has more than everybody is known to have, and that have no column: those of an earlier life. */
  #bare: number;
  /** undefined: nobody lacks anything. */
  #lacking: Uint16Array | undefined;
  /** Of those in columns, how many lack nothing. */
  #completeOthers: number;
  /** Something was heard since it was last looked what everybody has. */
  #stale = false;
  #rises = 0;

  constructor(roll: Roll, self: number, have: VersionVector) {
    const members = roll.ids.length;
    this.self = self;
    this.#roll = roll;
    this.#columned = roll.unchanged ? undefined : roll.others(self);
    this.#width = this.#columned === undefined ? members - 1 : countOf(this.#columned);
    this.#have = have.copy();
    this.#have.grow(members);
    this.#checksums = new VectorChecksums(this.#have);
    this.#everywhere = new VersionVector(members);
    this.#bare = have.entries().length;
    this.#completeOthers = this.#width;
    if (this.#bare > 0)
      for (let member = 0; member < members; member++) if (this.#inColumns(member)) this.#lacks(member, this.#bare);
    this.#stale = this.#bare > 0;
  }

  get have(): VersionVector {
    return this.#have;
  }

  /** Of `have`. */
  get checksums(): Checksums {
    return this.#checksums;
  }

  /** How many of those who count are known to have all that this agent has, itself included. */
  get complete(): number {
    return this.#completeOthers + (this.#roll.counts(this.self) ? 1 : 0);
  }

  /** All who count are known to have all that this agent has. */
  get settled(): boolean {
    return this.complete === this.#roll.count;
  }

  isComplete(member: number): boolean {
    if (!this.#inColumns(member)) return this.#rows.get(member)?.covers(this.#have) === true;
    return this.#lacking === undefined || this.#lacking[member] === 0;
  }

  /** Others who count and are, by place. */
  completeOthers(): number[] {
    const complete: number[] = [];
    for (let member = 0; member < this.#members; member++)
      if (this.#inColumns(member) && this.isComplete(member)) complete.push(member);
    return complete;
  }

  /** How many of an origin's a member is known to have. */
  seqOf(member: number, origin: number): number {
    if (member === this.self) return this.#have.get(origin);
    if (!this.#inColumns(member)) return this.#rows.get(member)?.get(origin) ?? 0;
    return this.#columns.get(origin)?.of(member) ?? this.#everywhere.get(origin);
  }

  /** How many of an origin's all who count are known to have, this agent among them. */
  leastOf(origin: number): number {
    const column = this.#columns.get(origin);
    let least = column === undefined ? this.#everywhere.get(origin) : Math.min(this.#have.get(origin), column.least());
    for (const member of this.#newcomers()) least = Math.min(least, this.seqOf(member, origin));
    return least;
  }

  /** All that a member is known to have is here. */
  covers(member: number): boolean {
    if (!this.#inColumns(member)) return this.#have.covers(this.#rows.get(member) ?? new VersionVector(0));
    for (const [origin, column] of this.#columns) if (column.of(member) > this.#have.get(origin)) return false;
    return true;
  }

  /** What another member is known to have. */
  rowOf(member: number): VersionVector {
    if (!this.#inColumns(member)) return this.#rows.get(member)?.copy() ?? new VersionVector(this.#members);
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
    if (!this.#inColumns(member)) {
      this.#hear(member, origin, seq);
      return;
    }
    const before = this.seqOf(member, origin);
    if (seq <= before) return;
    this.#columnOf(origin).raiseOne(member, seq);
    this.#stale = true;
    const have = this.#have.get(origin);
    if (before < have && seq >= have) this.#lacks(member, -1);
  }

  heardAll(member: number, have: VersionVector): void {
    this.#listen(member);
    have.visit((origin, seq) => this.heard(member, origin, seq));
    this.#admit(member);
  }

  /** A member has as many of each origin's from `from` up to `to` as this agent, but of some so many as is said. */
  heardSame(member: number, but = NONE, from = 0, to = this.#members): void {
    this.#listen(member);
    for (const [origin, seq] of but) this.heard(member, origin, seq);
    if (this.isComplete(member)) {
      this.#admit(member);
      return;
    }
    const same = (origin: number): void => {
      if (origin >= from && origin < to && !but.has(origin)) this.heard(member, origin, this.#have.get(origin));
    };
    if (this.#bare === 0 && this.#inColumns(member)) for (const origin of this.#columns.keys()) same(origin);
    else this.#have.visit(same, from, to);
    this.#admit(member);
  }

  /** Each of these others has so many of an origin's. */
  heardOfMany(members: MemberSet, origin: number, seq: number): void {
    for (const member of this.#newcomers())
      if (includes(members, member)) {
        this.#hear(member, origin, seq);
        this.#admit(member);
      }
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
    const known = this.#bare === 0 && this.#newcomers().length === 0;
    if (known && this.#lacking === undefined) return;
    const origins = known ? [...this.#columns.keys()] : this.#have.entries().map(([origin]) => origin);
    for (const origin of origins) if (!but.has(origin)) this.heardOfMany(members, origin, this.#have.get(origin));
  }

  /** Somebody knows that all who count have so many of an origin's. */
  heardEverywhere(origin: number, said: number): void {
    const have = this.#have.get(origin);
    const seq = Math.min(said, have);
    if (seq <= this.#everywhere.get(origin)) return;
    this.heardOfMany(this.#others(), origin, seq);
    this.#stale = true;
  }

  /**
   * What everybody is known to have: stable operations are those up to it. Changes as more is heard. Of one that has come to count, and is not known to have it, nothing is waited for: `toldEverywhere` is
   * what all who count have.
   */
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

  /** What all who count are known to have, as others may be told. */
  toldEverywhere(): VersionVector {
    let told = this.everywhere();
    for (const member of this.#newcomers()) told = told.least(this.rowOf(member));
    return told;
  }

  /** How often `everywhere` has risen, or could have. */
  get rises(): number {
    this.everywhere();
    return this.#rises;
  }

  /**
   * What a majority of the founders is known to have, the same majority all of it, and all of `least` besides; this agent has it, too. undefined: there is no such majority. Of the founders, whoever came and
   * went: majorities of other members need have nobody in common.
   */
  atMajority(least: VersionVector): VersionVector | undefined {
    const { founders } = this.#roll;
    const isOne = this.self < founders && this.#roll.counts(this.self);
    const needed = Math.floor(founders / 2) + (isOne ? 0 : 1);
    // What there is no column of all others are known to have as much of.
    const alike = this.#have.entries().filter(([origin]) => !this.#columns.has(origin));
    const lacked = least
      .entries()
      .some(([origin, seq]) => !this.#columns.has(origin) && this.#everywhere.get(origin) < seq);
    const others: { readonly member: number; readonly sum: number }[] = [];
    for (let member = 0; member < founders && !lacked; member++) {
      if (!this.#inColumns(member)) continue;
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

  /** The list has grown, or others count. */
  recount(roll: Roll): void {
    const before = this.#members;
    const members = roll.ids.length;
    // Whoever is new is in no column.
    this.#columned ??= everybodyBut(before, this.self);
    if (members > before) this.#grow(members, this.#columned);
    this.#roll = roll;
    for (let member = 0; member < members; member++) {
      if (member === this.self || this.#inColumns(member) === roll.counts(member)) continue;
      if (roll.counts(member)) this.#admit(member);
      else this.#dismiss(member);
    }
    this.#stale = true;
    this.#rises++;
  }

  get #members(): number {
    return this.#have.length;
  }

  #inColumns(member: number): boolean {
    if (this.#columned !== undefined) return includes(this.#columned, member);
    return member !== this.self && member < this.#members;
  }

  /** Others who count. */
  #others(): MemberSet {
    return this.#roll.unchanged ? everybodyBut(this.#members, this.self) : this.#roll.others(this.self);
  }

  /** Those who count and are in no column yet. */
  #newcomers(): readonly number[] {
    if (this.#width + (this.#roll.counts(this.self) ? 1 : 0) === this.#roll.count) return NOBODY;
    return Array.from(this.#roll.counted).filter((member) => member !== this.self && !this.#inColumns(member));
  }

  #grow(members: number, columned: MemberSet): void {
    this.#have.grow(members);
    this.#everywhere.grow(members);
    this.#columned = widened(columned, members);
    for (const column of this.#columns.values()) column.grow(members);
    if (this.#lacking === undefined) return;
    const lacking = new Uint16Array(members);
    lacking.set(this.#lacking);
    this.#lacking = lacking;
  }

  /** One that is in no column says itself what it has. */
  #listen(member: number): void {
    if (member !== this.self && !this.#inColumns(member) && !this.#rows.has(member))
      this.#rows.set(member, new VersionVector(this.#members));
  }

  /** The same of one that is in no column; of one that was removed, only where it has said something itself. */
  #hear(member: number, origin: number, seq: number): void {
    if (!this.#roll.isGone(member)) this.#listen(member);
    const row = this.#rows.get(member);
    if (row !== undefined && seq > row.get(origin)) row.set(origin, seq);
  }

  /** Into the columns, if it counts and is known to have what everybody is known to have. */
  #admit(member: number): void {
    if (this.#columned === undefined || this.#inColumns(member) || !this.#roll.counts(member)) return;
    if (member === this.self) return;
    const row = this.#rows.get(member) ?? new VersionVector(this.#members);
    const everywhere = this.everywhere();
    if (!row.covers(everywhere)) return;
    this.#rows.delete(member);
    include(this.#columned, member);
    this.#width++;
    this.#completeOthers++;
    let lacked = this.#bare;
    for (const [origin, column] of this.#columns) {
      column.add(member, everywhere.get(origin));
      if (everywhere.get(origin) < this.#have.get(origin)) lacked++;
    }
    if (lacked > 0) this.#lacks(member, lacked);
    row.visit((origin, seq) => this.heard(member, origin, seq));
  }

  /** Out of the columns. */
  #dismiss(member: number): void {
    if (this.#columned === undefined) return;
    exclude(this.#columned, member);
    this.#width--;
    for (const column of this.#columns.values()) column.remove(member);
    if (this.#lacking === undefined || this.#lacking[member] === 0) this.#completeOthers--;
    else this.#lacking[member] = 0;
    if (this.#completeOthers === this.#width) this.#lacking = undefined;
  }

  #columnOf(origin: number): Column {
    const known = this.#columns.get(origin);
    if (known !== undefined) return known;
    const everywhere = this.#everywhere.get(origin);
    if (everywhere < this.#have.get(origin)) this.#bare--;
    const column = columnOf(this.#members, this.#columned?.slice() ?? this.#others(), everywhere);
    this.#columns.set(origin, column);
    return column;
  }

  #lacks(member: number, change: number): void {
    if (member === this.self) return;
    this.#lacking ??= new Uint16Array(this.#members);
    const before = this.#lacking[member] as number;
    this.#lacking[member] = before + change;
    if (before === 0) this.#completeOthers--;
    else if (before + change === 0) this.#completeOthers++;
    if (this.#completeOthers === this.#width) this.#lacking = undefined;
  }
}
