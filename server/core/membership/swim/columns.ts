/**
 * What is kept of each member, by its place in the roster: arrays of numbers, not an object a member, as there is an entry for each member at each.
 */

export type Places = Uint16Array | Uint32Array;

/** Room for places of a roster of so many, and for one number more. */
export function placesArray(length: number, members: number): Places {
  return members < 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
}

/** One that is longer, with what is in this one. */
export function longer(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(length);
  grown.set(bytes);
  return grown;
}

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** What each kind of array holds, and the narrowest goes first. */
const WIDTHS: readonly { readonly most: number; readonly make: (length: number) => Numbers }[] = [
  { most: 2 ** 8 - 1, make: (length) => new Uint8Array(length) },
  { most: 2 ** 16 - 1, make: (length) => new Uint16Array(length) },
  { most: 2 ** 32 - 1, make: (length) => new Uint32Array(length) },
  { most: Number.MAX_SAFE_INTEGER, make: (length) => new Float64Array(length) },
];

/** Counters of members, 0 at first: whole numbers below 2^53, in as few bytes each as the largest of them needs. */
export class Counters {
  #values: Numbers = new Uint8Array(0);
  #width = 0;
  #most = 2 ** 8 - 1;

  get(place: number): number {
    return this.#values[place] as number;
  }

  set(place: number, value: number): void {
    if (value > this.#most) this.#widen(value);
    this.#values[place] = value;
  }

  grow(length: number): void {
    this.#move(length);
  }

  #widen(value: number): void {
    while (value > this.#most) this.#most = WIDTHS[++this.#width]?.most ?? Number.POSITIVE_INFINITY;
    this.#move(this.#values.length);
  }

  #move(length: number): void {
    const values = WIDTHS[this.#width]?.make(length) as Numbers;
    values.set(this.#values);
    this.#values = values;
  }
}
