import type { AgentId } from "../../consensus.ts";
import { placesIn } from "../../places.ts";
import type { Random } from "../../random.ts";
import type { Standing } from "../freshness.ts";
import { MEMBER_STATES, type Member, type MemberState, type SwimNews } from "../types.ts";
import { Counters, longer } from "./columns.ts";
import { Suspicions } from "./suspicion.ts";

const ALIVE = MEMBER_STATES.indexOf("alive");
const SUSPECTED = MEMBER_STATES.indexOf("suspected");
const FAILED = MEMBER_STATES.indexOf("failed");

/** Of the byte kept of each member: its state, whether nothing has been heard of it, and whether the link to it was up and is not any more. */
const STATE = 0b11;
const UNHEARD = 0b100;
const LINK_CLOSED = 0b1000;

/** States, a bit each. */
const PRESENT_STATES = (1 << ALIVE) | (1 << SUSPECTED);
const FAILED_STATE = 1 << FAILED;

/**
 * How each member is seen, by its place in the roster, which only grows. In columns, and what only few have beside them: some 3 bytes a member.
 *
 * Invariant: a member has a suspicion exactly while it is suspected, and counts by state are those of the column.
 */
export class SwimRoll {
  readonly suspicions = new Suspicions();
  #ids: readonly AgentId[] = [];
  #places: ReadonlyMap<AgentId, number> = new Map();
  #seen = new Uint8Array(0);
  readonly #incarnations = new Counters();
  readonly #heartbeats = new Counters();
  readonly #counts = MEMBER_STATES.map(() => 0);
  /** When the first were admitted, ms; and of those that were admitted or changed their state later, when that was. */
  #startMs = 0;
  readonly #sinceMs = new Map<number, number>();
  readonly #verdicts = new Map<number, SwimNews>();

  get size(): number {
    return this.#ids.length;
  }

  /** How many are alive or suspected. */
  get present(): number {
    return (this.#counts[ALIVE] as number) + (this.#counts[SUSPECTED] as number);
  }

  /**
   * @param members what was known before, in the same order, and more. @returns the first of the places that are new.
   * @throws RangeError when it is anything else.
   */
  admit(members: readonly AgentId[], now: number): number {
    const known = this.#ids.length;
    if (this.#ids.some((id, place) => members[place] !== id))
      throw new RangeError("members are only added, behind those that are known");
    const places = placesIn(members);
    if (places.size !== members.length) throw new RangeError("two members have the same id");
    this.#ids = members;
    this.#places = places;
    this.#seen = longer(this.#seen, members.length).fill(ALIVE | UNHEARD, known);
    this.#incarnations.grow(members.length);
    this.#heartbeats.grow(members.length);
    this.#counts[ALIVE] = (this.#counts[ALIVE] as number) + members.length - known;
    if (known === 0) this.#startMs = now;
    else for (let place = known; place < members.length; place++) this.#sinceMs.set(place, now);
    return known;
  }

  placeOf(id: AgentId): number | undefined {
    return this.#places.get(id);
  }

  idOf(place: number): AgentId {
    return this.#ids[place] as AgentId;
  }

  stateOf(place: number): MemberState {
    return MEMBER_STATES[this.#stateAt(place)] as MemberState;
  }

  isAlive(place: number): boolean {
    return this.#stateAt(place) === ALIVE;
  }

  isPresent(place: number): boolean {
    return this.#stateAt(place) <= SUSPECTED;
  }

  incarnationOf(place: number): number {
    return this.#incarnations.get(place);
  }

  heartbeatOf(place: number): number {
    return this.#heartbeats.get(place);
  }

  standingOf(place: number): Standing {
    return {
      incarnation: this.#incarnations.get(place),
      heartbeat: this.#heartbeats.get(place),
      state: this.stateOf(place),
    };
  }

  isUnheard(place: number): boolean {
    return ((this.#seen[place] as number) & UNHEARD) !== 0;
  }

  /** It was heard of, with these counters. */
  heard(place: number, incarnation: number, heartbeat: number): void {
    this.#seen[place] = (this.#seen[place] as number) & ~UNHEARD;
    this.#incarnations.set(place, incarnation);
    this.#heartbeats.set(place, heartbeat);
  }

  isLinkClosed(place: number): boolean {
    return ((this.#seen[place] as number) & LINK_CLOSED) !== 0;
  }

  setLinkClosed(place: number, closed: boolean): void {
    const seen = this.#seen[place] as number;
    this.#seen[place] = closed ? seen | LINK_CLOSED : seen & ~LINK_CLOSED;
  }

  /** When its state was entered, ms. */
  sinceMsOf(place: number): number {
    return this.#sinceMs.get(place) ?? this.#startMs;
  }

  /** Ends a suspicion, if there is one. */
  enter(place: number, state: MemberState, now: number): void {
    const [before, after] = [this.#stateAt(place), MEMBER_STATES.indexOf(state)];
    this.suspicions.end(place);
    if (before === after) return;
    this.#sinceMs.set(place, now);
    this.#counts[before] = (this.#counts[before] as number) - 1;
    this.#counts[after] = (this.#counts[after] as number) + 1;
    this.#seen[place] = ((this.#seen[place] as number) & ~STATE) | after;
  }

  /** What others say of it and is not believed yet: it is to be told so itself. */
  challenge(place: number, verdict: SwimNews): void {
    this.#verdicts.set(place, verdict);
  }

  /** It is told now. */
  takeVerdict(place: number): SwimNews | undefined {
    if (this.#verdicts.size === 0) return undefined;
    const verdict = this.#verdicts.get(place);
    this.#verdicts.delete(place);
    return verdict;
  }

  /** A suspicion is put down to who confirmed it last, so that others hear of each. */
  newsOf(place: number): SwimNews {
    const id = this.idOf(place);
    const incarnation = this.#incarnations.get(place);
    const heartbeat = this.#heartbeats.get(place);
    const state = this.stateOf(place);
    const suspicion = this.suspicions.of(place);
    if (suspicion === undefined) return { id, incarnation, heartbeat, state };
    return { id, incarnation, heartbeat, state, by: this.idOf(suspicion.lastBy) };
  }

  memberAt(place: number): Member {
    const [incarnation, heartbeat] = [this.#incarnations.get(place), this.#heartbeats.get(place)];
    return { id: this.idOf(place), state: this.stateOf(place), incarnation, heartbeat, sinceMs: this.sinceMsOf(place) };
  }

  /** Places of those that are there but these two, in order. O(n). */
  aliveBut(one: number, other: number): number[] {
    const places: number[] = [];
    for (let place = 0; place < this.#seen.length; place++)
      if (this.#stateAt(place) === ALIVE && place !== one && place !== other) places.push(place);
    return places;
  }

  /**
   * Whom to compare all with, by place: one that is there, and one that is held failed, as a partition that is over may show in no other way.
   * @param self is there.
   */
  partners(random: Random, self: number): number[] {
    const [others, failed] = [this.present - 1, this.#counts[FAILED] as number];
    const partners: number[] = [];
    if (others > 0) partners.push(this.#nth(PRESENT_STATES, random.int(0, others - 1), self));
    if (failed > 0) partners.push(this.#nth(FAILED_STATE, random.int(0, failed - 1), self));
    return partners;
  }

  /** The place of that one, counted from 0, of those in some states, but one. */
  #nth(states: number, nth: number, but: number): number {
    let left = nth;
    for (let place = 0; place < this.#seen.length; place++)
      if ((states >>> this.#stateAt(place)) & 1 && place !== but && left-- === 0) return place;
    throw new RangeError(`fewer than ${nth + 1} members are in such a state`);
  }

  #stateAt(place: number): number {
    return (this.#seen[place] as number) & STATE;
  }
}

/**
 * Up to so many of them, drawn at random. Where trust is given, each is the more trusted of two that are drawn: enough to shun those that are trusted little,
 * without asking the most trusted always (Mitzenmacher 2001, "The power of two choices").
 */
export function drawn(
  random: Random,
  from: readonly number[],
  most: number,
  trust: ((place: number) => number) | undefined,
): number[] {
  const candidates = from.slice();
  const chosen: number[] = [];
  while (chosen.length < most && candidates.length > 0) {
    let at = random.int(0, candidates.length - 1);
    if (trust !== undefined) {
      const other = random.int(0, candidates.length - 1);
      if (trust(candidates[other] as number) > trust(candidates[at] as number)) at = other;
    }
    chosen.push(candidates[at] as number);
    candidates[at] = candidates.at(-1) as number;
    candidates.pop();
  }
  return chosen;
}
