import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import type { AgentId, Configuration } from "../consensus.ts";
import { placesIn } from "../places.ts";
import { compareText } from "../text.ts";
import { configurationOf } from "./config.ts";
import { MAX_MEMBERS } from "./limits.ts";
import { include, type MemberSet, noMembers } from "./member-set.ts";

/** Who came and who went, by place: what operations have made of the founders. Sets that only grow, so that the order in which two hear of changes makes no difference. */
export interface Changes {
  /** Rising. */
  readonly added: readonly number[];
  /** Rising, with the greatest stamp of an operation that removes it. */
  readonly removed: readonly { readonly place: number; readonly stamp: number }[];
}

/** One of them, as an operation has it. */
export interface Change {
  readonly kind: "add" | "remove";
  readonly place: number;
}

export function encodeChange({ kind, place }: Change): Uint8Array {
  const writer = new ByteWriter(4);
  writer.boolean(kind === "remove");
  writer.varint(place);
  return writer.finish();
}

/** @throws MalformedBytes */
export function decodeChange(data: Uint8Array): Change {
  const reader = new ByteReader(data);
  const kind = reader.boolean() ? "remove" : "add";
  const place = reader.count(MAX_MEMBERS - 1);
  reader.end();
  return { kind, place };
}

export function writeChanges(writer: ByteWriter, { added, removed }: Changes): void {
  writer.varint(added.length);
  for (const place of added) writer.varint(place);
  writer.varint(removed.length);
  for (const { place, stamp } of removed) {
    writer.varint(place);
    writer.varint(stamp);
  }
}

/** @throws MalformedBytes */
export function readChanges(reader: ByteReader): Changes {
  const rising = (last: number): number => {
    const place = reader.count(MAX_MEMBERS - 1);
    if (place <= last) throw new MalformedBytes("those who came and went are told in the order of their places");
    return place;
  };
  const added: number[] = [];
  for (let left = reader.count(MAX_MEMBERS); left > 0; left--) added.push(rising(added.at(-1) ?? -1));
  const removed: Changes["removed"][number][] = [];
  for (let left = reader.count(MAX_MEMBERS); left > 0; left--)
    removed.push({ place: rising(removed.at(-1)?.place ?? -1), stamp: reader.varint() });
  return { added, removed };
}

export const UNCHANGED: Changes = { added: [], removed: [] };

/**
 * The list that places are of, and who of it counts: whose having something is waited for before it is dropped, and who must come to the same. Immutable; what follows from it is worked out once.
 *
 * The list only grows: the founders, sorted, then those who came later, in the order of the swarm's roster. One that an agent has is a beginning of one that another has.
 *
 * Who counts is a two-phase set (Shapiro et al. 2011, §3.3.2): the founders and those who were added, without those who were removed. One that was removed does not come back. Two who know nothing of each
 * other could remove everybody between them; then the one who was removed last, by its stamp, counts on.
 */
export class Roll {
  readonly ids: readonly AgentId[];
  readonly founders: number;
  readonly changes: Changes;
  /** How many count. */
  readonly count: number;
  /** Tells lists of another length, and other changes, apart; 0: all are founders, and nobody came or went. */
  readonly view: number;
  readonly #placeById: ReadonlyMap<AgentId, number>;
  readonly #added: ReadonlySet<number>;
  readonly #removed: ReadonlyMap<number, number>;
  /** Counts although it was removed; undefined: nobody. */
  readonly #last: number | undefined;
  #counted: Uint16Array | undefined;
  #present: Uint16Array | undefined;
  #configuration: Configuration | undefined;
  /** What changes led to: of a simulated swarm all agents have the same, as long as any of them has it. */
  readonly #next = new Map<string, WeakRef<Roll>>();

  private constructor(ids: readonly AgentId[], founders: number, changes: Changes) {
    this.ids = ids;
    this.#placeById = placesIn(ids);
    this.founders = founders;
    this.changes = changes;
    this.#added = new Set(changes.added);
    this.#removed = new Map(changes.removed.map(({ place, stamp }) => [place, stamp]));
    const came = (place: number): boolean => place < founders || this.#added.has(place);
    const here = founders + changes.added.filter((place) => place >= founders).length;
    const gone = changes.removed.filter(({ place }) => came(place));
    const everybodyWent = gone.length === here && here > 0;
    this.#last = everybodyWent ? gone.reduce((last, one) => (one.stamp >= last.stamp ? one : last)).place : undefined;
    this.count = here - gone.length + (everybodyWent ? 1 : 0);
    this.view = viewOf(ids.length, founders, changes);
  }

  /** As a swarm begins. One for a list, which is not to change. */
  static of(sortedFounders: readonly AgentId[]): Roll {
    const known = FOUNDED.get(sortedFounders);
    if (known !== undefined) return known;
    const made = new Roll(sortedFounders, sortedFounders.length, UNCHANGED);
    FOUNDED.set(sortedFounders, made);
    return made;
  }

  /** Those who came after the founders. */
  get later(): readonly AgentId[] {
    return this.ids.slice(this.founders);
  }

  get unchanged(): boolean {
    return this.view === 0;
  }

  /** Voters are those who count, sorted by id. */
  get configuration(): Configuration {
    this.#configuration ??= this.#configured();
    return this.#configuration;
  }

  placeOf(id: AgentId): number | undefined {
    return this.#placeById.get(id);
  }

  counts(place: number): boolean {
    if (this.#removed.has(place)) return place === this.#last;
    return place < this.founders || this.#added.has(place);
  }

  /** It was removed, whether or not it ever counted. */
  isGone(place: number): boolean {
    return this.#removed.has(place) && place !== this.#last;
  }

  /** Those who count, by place, rising. */
  get counted(): Uint16Array {
    this.#counted ??= Uint16Array.from(this.#places()).filter((place) => this.counts(place));
    return this.#counted;
  }

  /** Those who were not removed, whether or not they count yet, by place, rising. */
  get present(): Uint16Array {
    this.#present ??= Uint16Array.from(this.#places()).filter((place) => !this.isGone(place));
    return this.#present;
  }

  /** Those who count, but one. */
  others(self: number): MemberSet {
    const set = noMembers(this.ids.length);
    for (const place of this.counted) if (place !== self) include(set, place);
    return set;
  }

  /** @param later all that came after the founders. @returns this one, unless there are more of them. @throws RangeError unless they begin with those that are known */
  grown(later: readonly AgentId[]): Roll {
    const { ids, founders } = this;
    if (ids.slice(founders).some((id, at) => later[at] !== id))
      throw new RangeError(`gossip: the members that came later, ${later.join(", ")}, do not begin with those known`);
    const more = later.slice(ids.length - founders);
    if (more.length === 0) return this;
    return this.#to(JSON.stringify(more), () => new Roll([...ids, ...more], founders, this.changes));
  }

  added(place: number): Roll {
    const { ids, founders, changes } = this;
    if (place < founders || this.#added.has(place)) return this;
    const added = [...changes.added, place].sort((one, other) => one - other);
    return this.#to(`+${place}`, () => new Roll(ids, founders, { ...changes, added }));
  }

  removed(place: number, stamp: number): Roll {
    const { ids, founders, changes } = this;
    if ((this.#removed.get(place) ?? 0) >= stamp) return this;
    const others = changes.removed.filter((one) => one.place !== place);
    const removed = [...others, { place, stamp }].sort((one, other) => one.place - other.place);
    return this.#to(`-${place} ${stamp}`, () => new Roll(ids, founders, { ...changes, removed }));
  }

  /** What an operation makes of it. */
  with({ kind, place }: Change, stamp: number): Roll {
    return kind === "add" ? this.added(place) : this.removed(place, stamp);
  }

  /** With these changes besides. */
  changed({ added, removed }: Changes): Roll {
    let roll: Roll = this;
    for (const place of added) roll = roll.added(place);
    for (const { place, stamp } of removed) roll = roll.removed(place, stamp);
    return roll;
  }

  #to(step: string, make: () => Roll): Roll {
    const known = this.#next.get(step)?.deref();
    if (known !== undefined) return known;
    const made = make();
    this.#next.set(step, new WeakRef(made));
    return made;
  }

  *#places(): Generator<number, void> {
    for (let place = 0; place < this.ids.length; place++) yield place;
  }

  #configured(): Configuration {
    if (this.unchanged) return configurationOf(this.ids);
    return configurationOf(Array.from(this.counted, (place) => this.ids[place] as AgentId).sort(compareText));
  }
}

const FOUNDED = new WeakMap<readonly AgentId[], Roll>();

/** FNV-1a of all that it is made of but the ids, which are those of one roster. */
function viewOf(length: number, founders: number, { added, removed }: Changes): number {
  if (length === founders && added.length + removed.length === 0) return 0;
  let hash = 0x811c9dc5;
  const mix = (number: number): void => {
    for (let rest = number, at = 0; at < 7; at++, rest = Math.floor(rest / 256))
      hash = Math.imul(hash ^ (rest & 0xff), 0x01000193);
  };
  for (const number of [length, added.length, ...added]) mix(number);
  for (const { place, stamp } of removed) for (const number of [place, stamp]) mix(number);
  return hash >>> 0 || 1;
}
