import { invariant } from "../invariant.ts";
import { countPlaces, includesAll, noPlaces, type PlaceSet, union, withPlace } from "./place-set.ts";
import { EMPTY, hullOf, type Interval } from "./types.ts";

interface Heard {
  readonly from: PlaceSet;
  readonly hull: Interval;
}

/**
 * How far from the truth a mean can be, for certain. Adding masses gives a ratio between theirs, so that no ratio ever leaves the hull of those that there were, and the mean of all values, which is the
 * ratio of all masses together, is in it. Agents therefore go through phases: in each, they gather the hull of the ratios with which they entered it. Once one has heard of everybody, that
 * hull holds the mean, and the next phase begins with what push-sum has brought closer together meanwhile; phase 0 is entered with the values.
 *
 * For this no mass may pass unseen from before a phase into it: an agent enters only when all that it has sent is acknowledged, and brings with it, besides its own ratio, those of its parcels that were
 * taken by somebody who was ahead (it is the argument of a consistent cut: Chandy and Lamport 1985). So nobody is ever more than one phase ahead of another.
 */
export class Hulls {
  readonly #gone: PlaceSet;
  readonly #living: number;
  readonly #self: number;
  readonly #none: Heard;
  #phase = 0;
  #here: Heard;
  /** Of the next phase, from those that are ahead. */
  #ahead: Heard;
  /** Ratios that went ahead of this agent. */
  #carried: Interval = EMPTY;
  #bound: Interval = EMPTY;
  /** Somebody was heard to be in the next phase, so everybody has entered this one. */
  #over = false;

  /** @param own its value alone, or EMPTY. */
  constructor(participants: number, self: number, gone: PlaceSet, own: Interval) {
    this.#gone = gone;
    this.#living = participants - countPlaces(gone);
    this.#self = self;
    this.#none = { from: noPlaces(participants), hull: EMPTY };
    this.#here = joined(this.#none, self, own);
    this.#ahead = this.#none;
  }

  get phase(): number {
    return this.#phase;
  }

  get heard(): PlaceSet {
    return this.#here.from;
  }

  get hull(): Interval {
    return this.#here.hull;
  }

  /** Of the last phase that is complete; EMPTY: none is. */
  get bound(): Interval {
    return this.#bound;
  }

  /** All that live have entered this phase. */
  get complete(): boolean {
    return this.#over || this.gathered;
  }

  /** This agent has heard of all of them, and `hull` is whole. */
  get gathered(): boolean {
    return countPlaces(this.#here.from) === this.#living;
  }

  /** Of another's phase, which is this one or next to it. @param bound of the phase before that. */
  merge(phase: number, heard: PlaceSet, hull: Interval, bound: Interval): void {
    if (phase === this.#phase) this.#here = merged(this.#here, heard, hull);
    else if (phase === this.#phase + 1) {
      this.#ahead = merged(this.#ahead, heard, hull);
      this.#over = true;
      this.#here = { ...this.#here, hull: bound };
    }
    invariant(countPlaces(this.#here.from) <= this.#living, "aggregation: only who takes part is heard of");
  }

  /** A parcel was taken by somebody in this phase. */
  took(phase: number, ratio: number): void {
    if (phase > this.#phase) this.#carried = hullOf(this.#carried, { lo: ratio, hi: ratio });
  }

  /** Enters the next phase. Only when this one is complete and nothing of this agent's is on its way. @param ratio undefined: it has no mass. */
  advance(ratio: number | undefined): void {
    invariant(this.complete, "aggregation: a phase ends when all have entered it");
    this.#bound = this.#here.hull;
    const own = ratio === undefined ? EMPTY : { lo: ratio, hi: ratio };
    this.#here = joined(this.#ahead, this.#self, hullOf(own, this.#carried));
    this.#ahead = this.#none;
    this.#carried = EMPTY;
    this.#over = false;
    this.#phase++;
  }

  /** Whether another's news is of somebody who is left out here: such a message is not to be believed. */
  contradicts(heard: PlaceSet): boolean {
    return heard.some((bits, at) => (bits & (this.#gone[at] as number)) !== 0);
  }
}

function merged(known: Heard, from: PlaceSet, hull: Interval): Heard {
  if (includesAll(known.from, from)) return known;
  return { from: union(known.from, from), hull: hullOf(known.hull, hull) };
}

function joined(known: Heard, self: number, own: Interval): Heard {
  return { from: withPlace(known.from, self), hull: hullOf(known.hull, own) };
}
