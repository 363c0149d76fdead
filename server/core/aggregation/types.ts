import type { PlaceSet } from "./place-set.ts";

/** One aggregate of a swarm: the `number`-th that its initiator began in that life. `initiator`: place in the roster. */
export interface AggregateId {
  readonly initiator: number;
  readonly incarnation: number;
  /** From 1, rising. */
  readonly number: number;
}

/** One life of an agent: after a restart its contribution would count twice. */
export interface Participant {
  /** In the roster. */
  readonly place: number;
  readonly incarnation: number;
}

/** What everybody has to know to take part; it travels on every message. */
export interface AggregateStart {
  readonly id: AggregateId;
  /** The name of what is aggregated; at most MAX_METRIC_BYTES bytes. */
  readonly metric: string;
  /** Whose values are wanted, by rising places, the initiator among them. Sets below are of places in this list. */
  readonly participants: readonly Participant[];
}

/** All numbers from lo to hi; EMPTY: none. */
export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

/** A part of its sender's mass on its way. */
export interface Parcel {
  /** Of the sender's parcels; a receiver takes each once. */
  readonly seq: number;
  readonly sum: number;
  readonly weight: number;
}

/** A parcel arrived. `phase`: of whoever took it, by then or later. */
export interface Acknowledgement {
  readonly seq: number;
  readonly phase: number;
}

/** What two participants tell each other. */
export interface AggregateMessage {
  readonly start: AggregateStart;
  /** The sender's own life. */
  readonly incarnation: number;
  /** Wants an answer. */
  readonly asks: boolean;
  /** The sender knows the result: `bound` and `extremes` are it. */
  readonly done: boolean;
  /** Who is left out: agents that compare the same set work on the same masses. */
  readonly gone: PlaceSet;
  readonly phase: number;
  /** Who has entered this phase, as far as the sender has heard, and the hull of what those brought into it. */
  readonly heard: PlaceSet;
  readonly hull: Interval;
  /** Who has a value, and the least and the greatest: complete from phase 1 on. */
  readonly valued: PlaceSet;
  readonly extremes: Interval;
  /** The hull of the phase before, which is complete; EMPTY in phase 0. */
  readonly bound: Interval;
  readonly parcel?: Parcel;
  readonly ack?: Acknowledgement;
}

/** What an aggregate came to. */
export interface AggregateResult {
  readonly metric: string;
  /** The bound is as narrow as was asked for, and nobody is missing that was not left out. */
  readonly converged: boolean;
  /** How many values there are; exact where `converged`, else those that were heard of. */
  readonly count: number;
  /** null: there is no value. */
  readonly mean: number | null;
  /** The mean of the `count` values is within this of `mean`; null: nothing is certain. */
  readonly error: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Of this agent, from its joining to its knowing. */
  readonly rounds: number;
  /** Who took part, with a value or without, as places in the roster. */
  readonly contributors: readonly number[];
}

export const EMPTY: Interval = { lo: Number.POSITIVE_INFINITY, hi: Number.NEGATIVE_INFINITY };

export function hullOf(one: Interval, other: Interval): Interval {
  return { lo: Math.min(one.lo, other.lo), hi: Math.max(one.hi, other.hi) };
}
