import { invariant } from "../invariant.ts";
import type { Parcel } from "./types.ts";

/** Something has the weight of one value at first, and its share of all values. */
export interface Mass {
  readonly sum: number;
  readonly weight: number;
}

/**
 * One agent's masses in push-sum (Kempe, Dobra and Gehrke 2003, §2, Protocol Push-Sum): a half leaves to somebody drawn, what comes is added, and sum / weight tends to the mean of all
 * values. Theirs is a network without loss. Here a half is a parcel that its sender repeats until it is acknowledged, and that its receiver takes once: so no mass is lost
 * or doubled while all live, whatever befalls messages. To one participant one parcel is on its way at a time; a later one has a greater number.
 */
export class PushSum {
  readonly #participants: number;
  readonly #sent = new Map<number, Parcel>();
  /** By sender, the number of the last parcel taken. */
  readonly #taken = new Map<number, number>();
  #sum: number;
  #weight: number;
  #seq = 0;

  /** @param value undefined: it has none, and passes on what it is given. */
  constructor(participants: number, value: number | undefined) {
    this.#participants = participants;
    this.#sum = value ?? 0;
    this.#weight = value === undefined ? 0 : 1;
  }

  /** What is here, without what is on its way. */
  get mass(): Mass {
    return { sum: this.#sum, weight: this.#weight };
  }

  /** What all values' mean is by what is here; undefined where there is nothing. */
  get ratio(): number | undefined {
    return this.#weight > 0 ? this.#sum / this.#weight : undefined;
  }

  /** Parcels that are not acknowledged. */
  get underWay(): number {
    return this.#sent.size;
  }

  /** The parcel to repeat; undefined: none is on its way to this participant. */
  sentTo(to: number): Parcel | undefined {
    return this.#sent.get(to);
  }

  /** Parts with a half. undefined: there is nothing to part with. */
  send(to: number): Parcel | undefined {
    invariant(!this.#sent.has(to), "push-sum: one parcel is on its way to a participant at a time");
    if (this.#weight === 0) return undefined;
    // Halving is exact: the two parts are the whole.
    this.#sum /= 2;
    this.#weight /= 2;
    const parcel = { seq: ++this.#seq, sum: this.#sum, weight: this.#weight };
    this.#sent.set(to, parcel);
    return parcel;
  }

  /** @returns the parcel that is known to have arrived by this; undefined: none is. */
  acknowledged(by: number, seq: number): Parcel | undefined {
    const parcel = this.#sent.get(by);
    if (parcel?.seq !== seq) return undefined;
    this.#sent.delete(by);
    return parcel;
  }

  /** Whether a participant's parcel is part of what is here, or went on from here. */
  hasTaken(from: number, seq: number): boolean {
    return seq <= (this.#taken.get(from) ?? 0);
  }

  /** @returns false where it was taken before. */
  take(from: number, { seq, sum, weight }: Parcel): boolean {
    if (this.hasTaken(from, seq)) return false;
    this.#taken.set(from, seq);
    this.#sum += sum;
    this.#weight += weight;
    invariant(this.#weight > 0 && Number.isFinite(this.#sum), "push-sum: what is added is something");
    return true;
  }

  /** Nobody can have more than all there is: whoever sent this says what is not so. */
  isTooMuch({ weight }: Parcel): boolean {
    return this.#weight + weight > this.#participants * (1 + 1e-9);
  }
}
