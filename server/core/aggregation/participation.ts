import { invariant } from "../invariant.ts";
import type { Random } from "../random.ts";
import { Hulls } from "./hulls.ts";
import {
  LEAST_VALUE,
  LINGER_ROUNDS,
  MAX_AWAITED,
  MAX_VALUE,
  maxRounds,
  PATIENCE_ROUNDS,
  PRECISION,
  ROUNDING,
} from "./limits.ts";
import { hasPlace, includesAll, noPlaces, type PlaceSet, sameSet, union, withPlace } from "./place-set.ts";
import { PushSum } from "./push-sum.ts";
import {
  type Acknowledgement,
  type AggregateMessage,
  type AggregateResult,
  type AggregateStart,
  EMPTY,
  hullOf,
  type Interval,
} from "./types.ts";

/** To a place in the list of participants. */
export interface Told {
  readonly to: number;
  readonly message: AggregateMessage;
}

/** What an agent that has heard of the result, or has given up, goes on to say. */
interface Outcome {
  readonly bound: Interval;
  readonly done: boolean;
  readonly atRound: number;
}

/**
 * One agent's part in one aggregate. A round is a question to one participant drawn at random, with half of the mass, and its answer; whoever owes an answer is asked again in every round. Who is left out
 * (`gone`) takes masses with it, so all the others begin anew without it, from their values: agents with the same set of them work on the same masses, and sets only grow.
 */
export class Participation {
  readonly start: AggregateStart;
  /** Place in the list of participants. */
  readonly self: number;
  readonly #random: Random;
  readonly #size: number;
  #gone: PlaceSet;
  /** undefined: not known yet; null: it has none. */
  #value: number | null | undefined;
  #masses: PushSum;
  #hulls: Hulls;
  #valued: PlaceSet;
  #extremes: Interval = EMPTY;
  /** By place, for how many rounds it has owed an answer. In the order in which they were asked. */
  readonly #awaited = new Map<number, number>();
  #round = 0;
  #outcome: Outcome | undefined;

  constructor(start: AggregateStart, self: number, random: Random) {
    this.start = start;
    this.self = self;
    this.#random = random;
    this.#size = start.participants.length;
    this.#gone = noPlaces(this.#size);
    this.#valued = this.#gone;
    this.#masses = new PushSum(this.#size, undefined);
    this.#hulls = new Hulls(this.#size, self, this.#gone, EMPTY);
  }

  /** It knows what the aggregate came to, or has given up. */
  get ended(): boolean {
    return this.#outcome !== undefined;
  }

  /** Nobody asks any more. */
  get over(): boolean {
    return this.#outcome !== undefined && this.#round - this.#outcome.atRound >= LINGER_ROUNDS;
  }

  get round(): number {
    return this.#round;
  }

  /** Its masses, for checkers. */
  get masses(): PushSum {
    return this.#masses;
  }

  get gone(): PlaceSet {
    return this.#gone;
  }

  get phase(): number {
    return this.#hulls.phase;
  }

  /** What this agent contributes; null: nothing, as it has no such value. What is no number, or too large, counts as none. Once. */
  contribute(value: number | null): void {
    invariant(this.#value === undefined, "aggregation: an agent contributes once");
    if (value === null || !(Math.abs(value) <= MAX_VALUE)) this.#value = null;
    else this.#value = Math.abs(value) < LEAST_VALUE ? 0 : value;
    this.#begin();
  }

  /** Somebody takes part no more: it failed, left, or began another life. */
  exclude(place: number): void {
    if (place === this.self || this.#outcome !== undefined || hasPlace(this.#gone, place)) return;
    this.#leaveOut(withPlace(this.#gone, place));
  }

  /** @returns the answer, where one was asked for and there is one. */
  heard(from: number, message: AggregateMessage): Told | undefined {
    if (message.done) {
      if (!hasPlace(message.gone, this.self)) this.#adopt(message);
      return undefined;
    }
    if (hasPlace(message.gone, from) || !hasPlace(message.heard, from)) return undefined;
    // It is to know that it is left out.
    if (hasPlace(this.#gone, from)) return message.asks && !this.ended ? this.#tell(from, false) : undefined;
    if (hasPlace(message.gone, this.self)) {
      // The others go on without it: what it would come to is of nobody else.
      this.#end(EMPTY, false);
      return undefined;
    }
    if (this.#outcome !== undefined) return this.#outcome.done && message.asks ? this.#tell(from, false) : undefined;
    if (this.#value === undefined) return undefined;
    const all = union(this.#gone, message.gone);
    if (!sameSet(all, this.#gone)) this.#leaveOut(all);
    const together = sameSet(message.gone, this.#gone);
    if (together && !this.#isPossible(message)) return undefined;
    const ack = together ? this.#merge(from, message) : undefined;
    this.#proceed();
    return message.asks ? this.#tell(from, false, ack) : undefined;
  }

  /** A round passes. */
  tick(): Told[] {
    this.#round++;
    if (this.#outcome !== undefined) return [];
    if (this.#round > maxRounds(this.#size)) {
      this.#end(this.#hulls.bound, false);
      return [];
    }
    if (this.#value === undefined) return [];
    let silent = this.#gone;
    for (const [place, rounds] of this.#awaited) {
      this.#awaited.set(place, rounds + 1);
      if (rounds + 1 >= PATIENCE_ROUNDS) silent = withPlace(silent, place);
    }
    if (silent !== this.#gone) this.#leaveOut(silent);
    this.#proceed();
    if (this.ended) return [];
    const to = this.#draw();
    if (to !== undefined) {
      this.#awaited.set(to, 0);
      // Who is about to enter the next phase sends nothing from before it.
      if (!this.#hulls.complete) this.#masses.send(to);
    }
    return Array.from(this.#awaited.keys(), (place) => this.#tell(place, true));
  }

  result(): AggregateResult {
    const { metric, participants } = this.start;
    const { bound, done } = this.#outcome ?? { bound: this.#hulls.bound, done: false };
    const { lo: min, hi: max } = this.#extremes;
    const known = bound.lo <= bound.hi;
    // All agents have the same bound, and so the same middle of it.
    const mean = known ? Math.min(max, Math.max(min, bound.lo + (bound.hi - bound.lo) / 2)) : this.#masses.ratio;
    const slack = min === max ? 0 : ROUNDING * Math.max(Math.abs(min), Math.abs(max));
    // From phase 1 on, and where the result is known, all who are not left out take part.
    const heardOf = done || this.#hulls.phase > 0 ? undefined : this.#hulls.heard;
    return {
      metric,
      converged: done,
      count: participants.filter((_, at) => hasPlace(this.#valued, at)).length,
      mean: mean ?? null,
      error: known ? (bound.hi - bound.lo) / 2 + slack : null,
      min: min <= max ? min : null,
      max: min <= max ? max : null,
      rounds: this.#round,
      contributors: participants.flatMap(({ place }, at) =>
        hasPlace(this.#gone, at) || (heardOf && !hasPlace(heardOf, at)) ? [] : [place],
      ),
    };
  }

  // --- inside ---

  /** From its value on, with whoever is not left out. */
  #begin(): void {
    const value = this.#value ?? undefined;
    const own = value === undefined ? EMPTY : { lo: value, hi: value };
    this.#masses = new PushSum(this.#size, value);
    this.#hulls = new Hulls(this.#size, this.self, this.#gone, own);
    this.#valued = value === undefined ? noPlaces(this.#size) : withPlace(noPlaces(this.#size), this.self);
    this.#extremes = own;
  }

  #leaveOut(gone: PlaceSet): void {
    invariant(includesAll(gone, this.#gone) && !hasPlace(gone, this.self), "aggregation: who is left out stays so");
    this.#gone = gone;
    for (const place of this.#awaited.keys()) if (hasPlace(gone, place)) this.#awaited.delete(place);
    if (this.#value !== undefined) this.#begin();
  }

  /** Of a message about the same masses: an honest agent can have said it. If not, nothing of it is taken. */
  #isPossible({ phase, parcel, heard, valued }: AggregateMessage): boolean {
    if (Math.abs(phase - this.#hulls.phase) > 1) return false;
    if (this.#hulls.contradicts(heard) || this.#hulls.contradicts(valued)) return false;
    if (parcel === undefined) return true;
    if (this.#masses.isTooMuch(parcel)) return false;
    const { lo, hi } = this.#hulls.bound;
    const ratio = parcel.sum / parcel.weight;
    const slack = ROUNDING * Math.max(Math.abs(lo), Math.abs(hi));
    return lo > hi || (ratio >= lo - slack && ratio <= hi + slack);
  }

  /** From somebody with the same set of those left out. @returns that its parcel was taken. */
  #merge(from: number, message: AggregateMessage): Acknowledgement | undefined {
    const { phase, heard, hull, bound, valued, extremes, parcel, ack } = message;
    this.#valued = union(this.#valued, valued);
    this.#extremes = hullOf(this.#extremes, extremes);
    this.#hulls.merge(phase, heard, hull, bound);
    const arrived = ack && this.#masses.acknowledged(from, ack.seq);
    if (ack && arrived) this.#hulls.took(ack.phase, arrived.sum / arrived.weight);
    // It lives; and owes nothing once its parcel is acknowledged.
    if (this.#awaited.has(from)) this.#awaited.set(from, 0);
    if (this.#masses.sentTo(from) === undefined) this.#awaited.delete(from);
    if (parcel === undefined) return undefined;
    this.#masses.take(from, parcel);
    return { seq: parcel.seq, phase: this.#hulls.phase };
  }

  /** Ends where the bound is narrow enough, and enters the next phase where it may. */
  #proceed(): void {
    if (!this.#hulls.complete) return;
    const { hull } = this.#hulls;
    if (isNarrow(hull)) this.#end(hull, true);
    else if (this.#masses.underWay === 0) this.#hulls.advance(this.#masses.ratio);
  }

  #adopt({ gone, bound, valued, extremes }: AggregateMessage): void {
    if (this.#outcome?.done) return;
    this.#gone = gone;
    this.#valued = valued;
    this.#extremes = extremes;
    this.#end(bound, true);
  }

  #end(bound: Interval, done: boolean): void {
    if (this.#outcome !== undefined && !done) return;
    this.#outcome = { bound, done, atRound: this.#outcome?.atRound ?? this.#round };
    this.#awaited.clear();
  }

  /** Any participant that owes no answer; undefined: there is none, or too many do. */
  #draw(): number | undefined {
    if (this.#awaited.size >= MAX_AWAITED) return undefined;
    const others: number[] = [];
    for (let place = 0; place < this.#size; place++)
      if (place !== this.self && !hasPlace(this.#gone, place) && !this.#awaited.has(place)) others.push(place);
    return others.length === 0 ? undefined : this.#random.pick(others);
  }

  #tell(to: number, asks: boolean, ack?: Acknowledgement): Told {
    const { start, self } = this;
    const outcome = this.#outcome;
    const parcel = asks ? this.#masses.sentTo(to) : undefined;
    const message: AggregateMessage = {
      start,
      incarnation: (start.participants[self] as { incarnation: number }).incarnation,
      asks,
      done: outcome !== undefined,
      gone: this.#gone,
      phase: this.#hulls.phase,
      heard: this.#hulls.heard,
      hull: this.#hulls.hull,
      valued: this.#valued,
      extremes: this.#extremes,
      bound: outcome?.bound ?? this.#hulls.bound,
      ...(parcel && { parcel }),
      ...(ack && { ack }),
    };
    return { to, message };
  }
}

/** Half of it is a small part of what is in its middle. Where there are no values there is nothing to be wrong about. */
function isNarrow({ lo, hi }: Interval): boolean {
  return lo >= hi || (hi - lo) / 2 <= PRECISION * Math.abs(lo + (hi - lo) / 2);
}
