/** How many of one member's operations each member is known to have, but for this agent itself. It only rises. */
export interface Column {
  of(member: number): number;
  raise(member: number, seq: number): void;
  /** Whoever is known to have fewer is known to have so many now. */
  raiseAll(seq: number): void;
  /** The fewest and the most that any of them is known to have. */
  least(): number;
  most(): number;
  /** Those that are known to have so many, no more and no less. */
  having(seq: number): Iterable<number>;
}

/** Among so few a number for each takes as little room as anything, and less time. */
const LISTED_MEMBERS = 256;

/** @param seq that each is known to have */
export function columnOf(members: number, self: number, seq: number): Column {
  return members <= LISTED_MEMBERS ? new ListedColumn(members, self, seq) : new LevelledColumn(members, self, seq);
}

/** A number for each. */
export class ListedColumn implements Column {
  readonly #self: number;
  readonly #seqs: Float64Array;

  constructor(members: number, self: number, seq: number) {
    this.#self = self;
    this.#seqs = new Float64Array(members).fill(seq);
  }

  of(member: number): number {
    return this.#seqs[member] as number;
  }

  raise(member: number, seq: number): void {
    this.#seqs[member] = Math.max(this.of(member), seq);
  }

  raiseAll(seq: number): void {
    for (let member = 0; member < this.#seqs.length; member++) this.raise(member, seq);
  }

  least(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let member = 0; member < this.#seqs.length; member++)
      if (member !== this.#self) least = Math.min(least, this.of(member));
    return least;
  }

  most(): number {
    let most = Number.NEGATIVE_INFINITY;
    for (let member = 0; member < this.#seqs.length; member++)
      if (member !== this.#self) most = Math.max(most, this.of(member));
    return most;
  }

  having(seq: number): number[] {
    const having: number[] = [];
    for (let member = 0; member < this.#seqs.length; member++)
      if (member !== this.#self && this.#seqs[member] === seq) having.push(member);
    return having;
  }
}

/** Members that are known to have so many: a bit for each. */
interface Level {
  readonly seq: number;
  readonly bits: Uint32Array;
  count: number;
}

/**
 * One set of members for each number that any of them is known to have, but for the lowest: a bit a member instead of 64, while an operation spreads and each is known either to have it or not to.
 */
export class LevelledColumn implements Column {
  readonly #members: number;
  readonly #self: number;
  /** Whoever is in no level has so many. */
  #floor: number;
  /** Rising; a member is in one of them, or in none. */
  #levels: Level[] = [];
  /** How many are in none. */
  #below: number;

  constructor(members: number, self: number, seq: number) {
    this.#members = members;
    this.#self = self;
    this.#floor = seq;
    this.#below = members - 1;
  }

  of(member: number): number {
    // Most are known to have the newest.
    for (let at = this.#levels.length - 1; at >= 0; at--) {
      const level = this.#levels[at] as Level;
      if (holds(level, member)) return level.seq;
    }
    return this.#floor;
  }

  raise(member: number, seq: number): void {
    const before = this.of(member);
    if (seq <= before || member === this.#self) return;
    if (before === this.#floor) this.#below--;
    else this.#leave(this.#levels.find((level) => level.seq === before) as Level, member);
    const level = this.#level(seq);
    level.bits[member >> 5] = (level.bits[member >> 5] as number) | (1 << (member & 31));
    level.count++;
  }

  raiseAll(seq: number): void {
    if (seq <= this.#floor) return;
    for (const { seq: reached, count } of this.#levels) if (reached <= seq) this.#below += count;
    this.#levels = this.#levels.filter((level) => level.seq > seq);
    this.#floor = seq;
  }

  least(): number {
    return this.#below > 0 ? this.#floor : (this.#levels[0]?.seq ?? Number.POSITIVE_INFINITY);
  }

  most(): number {
    return this.#levels.at(-1)?.seq ?? (this.#below > 0 ? this.#floor : Number.NEGATIVE_INFINITY);
  }

  *having(seq: number): Generator<number, void> {
    const level = this.#levels.find((one) => one.seq === seq);
    if (level === undefined && (seq !== this.#floor || this.#below === 0)) return;
    for (let member = 0; member < this.#members; member++)
      if (member !== this.#self && (level === undefined ? this.of(member) === seq : holds(level, member))) yield member;
  }

  #leave(level: Level, member: number): void {
    level.bits[member >> 5] = (level.bits[member >> 5] as number) & ~(1 << (member & 31));
    if (--level.count === 0) this.#levels = this.#levels.filter((one) => one !== level);
  }

  #level(seq: number): Level {
    const at = this.#levels.findIndex((level) => level.seq >= seq);
    const known = this.#levels[at];
    if (known?.seq === seq) return known;
    const made: Level = { seq, bits: new Uint32Array(Math.ceil(this.#members / 32)), count: 0 };
    this.#levels.splice(at === -1 ? this.#levels.length : at, 0, made);
    return made;
  }
}

function holds({ bits }: Level, member: number): boolean {
  return (((bits[member >> 5] as number) >>> (member & 31)) & 1) === 1;
}
