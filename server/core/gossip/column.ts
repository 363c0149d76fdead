import { countOf, exclude, include, includes, type MemberSet, noMembers, visitWord, widened } from "./member-set.ts";

/** How many of one member's operations each of some others is known to have. It only rises. */
export interface Column {
  /** Only of those that it is about. */
  of(member: number): number;
  /** Whoever is known to have fewer is known to have so many now. @param raised is told of each of those, and how many it was known to have */
  raise(members: MemberSet, seq: number, raised: (member: number, before: number) => void): void;
  raiseOne(member: number, seq: number): void;
  /** The fewest and the most that any of them is known to have. */
  least(): number;
  most(): number;
  /** Those that are known to have so many, no more and no less. */
  having(seq: number, visit: (member: number) => void): void;
  /** It is about one more, which is known to have so many; or about one of them no more. */
  add(member: number, seq: number): void;
  remove(member: number): void;
  /** There are so many members now; it is about the same ones. */
  grow(members: number): void;
}

/** Among so few a number for each takes as little room as anything, and less time. */
const LISTED_MEMBERS = 256;

/** @param about whom, of so many members: taken over. @param seq that each is known to have */
export function columnOf(members: number, about: MemberSet, seq: number): Column {
  return members <= LISTED_MEMBERS ? new ListedColumn(members, about, seq) : new LevelledColumn(members, about, seq);
}

/** A number for each: none (NaN, which is neither less than any nor more) for those that it is not about. */
export class ListedColumn implements Column {
  #seqs: Float64Array;

  constructor(members: number, about: MemberSet, seq: number) {
    this.#seqs = new Float64Array(members).fill(Number.NaN);
    for (let member = 0; member < members; member++) if (includes(about, member)) this.#seqs[member] = seq;
  }

  of(member: number): number {
    return this.#seqs[member] as number;
  }

  raise(members: MemberSet, seq: number, raised: (member: number, before: number) => void): void {
    for (let member = 0; member < this.#seqs.length; member++) {
      const before = this.of(member);
      if (!(before < seq) || !includes(members, member)) continue;
      this.#seqs[member] = seq;
      raised(member, before);
    }
  }

  raiseOne(member: number, seq: number): void {
    if (this.of(member) < seq) this.#seqs[member] = seq;
  }

  least(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let member = 0; member < this.#seqs.length; member++) {
      const seq = this.#seqs[member] as number;
      if (seq < least) least = seq;
    }
    return least;
  }

  most(): number {
    let most = Number.NEGATIVE_INFINITY;
    for (let member = 0; member < this.#seqs.length; member++) {
      const seq = this.#seqs[member] as number;
      if (seq > most) most = seq;
    }
    return most;
  }

  having(seq: number, visit: (member: number) => void): void {
    for (let member = 0; member < this.#seqs.length; member++) if (this.#seqs[member] === seq) visit(member);
  }

  add(member: number, seq: number): void {
    this.#seqs[member] = seq;
  }

  remove(member: number): void {
    this.#seqs[member] = Number.NaN;
  }

  grow(members: number): void {
    const seqs = new Float64Array(members).fill(Number.NaN);
    seqs.set(this.#seqs);
    this.#seqs = seqs;
  }
}

/** Those that are known to have so many. */
interface Level {
  readonly seq: number;
  members: MemberSet;
  count: number;
}

/**
 * A set of members for each number that any of them is known to have: a bit a member instead of 64, while an operation spreads and each is known either to have it or not to. What many are
 * said to have at once takes as long as there are changes, and a step for each 32 members.
 */
export class LevelledColumn implements Column {
  #size: number;
  /** Rising; each member that it is about is in one of them, and none is empty. */
  #levels: Level[];

  constructor(members: number, about: MemberSet, seq: number) {
    this.#size = members;
    const count = countOf(about);
    this.#levels = count > 0 ? [{ seq, members: about, count }] : [];
  }

  of(member: number): number {
    // Most are known to have the newest.
    for (let at = this.#levels.length - 1; at > 0; at--) {
      const { seq, members } = this.#levels[at] as Level;
      if (includes(members, member)) return seq;
    }
    return this.least();
  }

  raise(members: MemberSet, seq: number, raised: (member: number, before: number) => void): void {
    for (const level of this.#levels) {
      if (level.seq >= seq) break;
      let to: Level | undefined;
      for (let word = 0; word < members.length; word++) {
        const rising = (members[word] as number) & (level.members[word] as number);
        if (rising === 0) continue;
        to ??= this.#level(seq);
        level.members[word] = (level.members[word] as number) & ~rising;
        to.members[word] = (to.members[word] as number) | rising;
        const [from, up] = [level, to];
        visitWord(rising, word, (member) => {
          from.count--;
          up.count++;
          raised(member, from.seq);
        });
      }
    }
    this.#levels = this.#levels.filter(({ count }) => count > 0);
  }

  raiseOne(member: number, seq: number): void {
    const from = this.#levels.find(({ members }) => includes(members, member));
    if (from === undefined || from.seq >= seq) return;
    const to = this.#level(seq);
    exclude(from.members, member);
    include(to.members, member);
    to.count++;
    if (--from.count === 0) this.#levels = this.#levels.filter((level) => level !== from);
  }

  least(): number {
    return this.#levels[0]?.seq ?? Number.POSITIVE_INFINITY;
  }

  most(): number {
    return this.#levels.at(-1)?.seq ?? Number.NEGATIVE_INFINITY;
  }

  having(seq: number, visit: (member: number) => void): void {
    const members = this.#levels.find((level) => level.seq === seq)?.members;
    if (members !== undefined) for (const [index, word] of members.entries()) visitWord(word, index, visit);
  }

  add(member: number, seq: number): void {
    const level = this.#level(seq);
    include(level.members, member);
    level.count++;
  }

  remove(member: number): void {
    const from = this.#levels.find(({ members }) => includes(members, member));
    if (from === undefined) return;
    exclude(from.members, member);
    if (--from.count === 0) this.#levels = this.#levels.filter((level) => level !== from);
  }

  grow(members: number): void {
    this.#size = members;
    for (const level of this.#levels) level.members = widened(level.members, members);
  }

  /** That of so many, which is empty where there was none. */
  #level(seq: number): Level {
    const at = this.#levels.findIndex((level) => level.seq >= seq);
    const known = this.#levels[at];
    if (known?.seq === seq) return known;
    const made: Level = { seq, members: noMembers(this.#size), count: 0 };
    const levels = this.#levels.slice();
    levels.splice(at === -1 ? levels.length : at, 0, made);
    this.#levels = levels;
    return made;
  }
}
