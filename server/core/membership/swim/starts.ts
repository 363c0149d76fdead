import { longer } from "./columns.ts";

/**
 * News of starts that still has to be told: of members that are alive, in a life that is the same number for all of them, and have refuted nothing in it. Where a whole swarm starts that is most of what
 * there is to tell, and a bit says it: all of it fits a message, and no piece waits for its turn.
 *
 * Kept by how often it was told, as sets of bits: telling moves whole sets, and costs nothing for a piece.
 */
export class Starts {
  /** Bytes that have a bit for each member. */
  #length = 0;
  #life = 0;
  #size = 0;
  /** All, a bit each: bit `place mod 8`, lowest first, of byte `floor(place / 8)`. */
  #all = new Uint8Array(0);
  /** By how often they were told, those that came together; some of them may have been deleted since. */
  #told: (Uint8Array<ArrayBuffer> | undefined)[] = [];

  get size(): number {
    return this.#size;
  }

  /** The incarnation that they started in. */
  get life(): number {
    return this.#life;
  }

  /** There are so many members. */
  grow(members: number): void {
    this.#length = Math.ceil(members / 8);
    if (this.#size > 0) this.#all = longer(this.#all, this.#length);
  }

  /** @returns whether it is among them: with another life it is not, as long as there are any. */
  add(place: number, life: number): boolean {
    if (this.#size === 0) {
      this.#life = life;
      this.#all = new Uint8Array(this.#length);
      this.#told = [];
    } else if (life !== this.#life) {
      return false;
    }
    const [at, bit] = [place >>> 3, 1 << (place & 7)];
    const byte = this.#all[at] as number;
    if ((byte & bit) !== 0) return true;
    this.#all[at] = byte | bit;
    this.#size++;
    let untold = this.#told[0];
    if (untold === undefined || untold.length < this.#length) {
      untold = longer(untold ?? new Uint8Array(0), this.#length);
      this.#told[0] = untold;
    }
    untold[at] = (untold[at] as number) | bit;
    return true;
  }

  /** Something else is known of it: as this only grows fresher, it does not come here again in this life. */
  delete(place: number): void {
    const [at, bit] = [place >>> 3, 1 << (place & 7)];
    if (this.#size === 0 || ((this.#all[at] as number) & bit) === 0) return;
    this.#all[at] = (this.#all[at] as number) & ~bit;
    this.#size--;
  }

  /** In order. O(n / 8). */
  places(): number[] {
    return this.#size === 0 ? [] : placesOfBits(this.#all);
  }

  /** Places whose bit is set in these, and that are not known to have started in this life by being among those here. In order. */
  others(bits: Uint8Array, life: number): number[] {
    if (this.#size === 0 || life !== this.#life) return placesOfBits(bits);
    return placesOfBits(bits.map((byte, at) => byte & ~(this.#all[at] ?? 0)));
  }

  /** All of them, as bits that are the caller's. */
  bits(): Uint8Array {
    return this.#all.slice();
  }

  /** All were told once more, and those that were told so many times need not be told again. */
  tell(limit: number): void {
    this.#told.unshift(undefined);
    for (let over = this.#told.length - limit; over > 0; over--) this.#forget(this.#told.pop());
    if (this.#size === 0) this.#all = new Uint8Array(0);
  }

  #forget(old: Uint8Array | undefined): void {
    for (const [at, bits] of (old ?? []).entries()) {
      const over = (this.#all[at] as number) & bits;
      if (over === 0) continue;
      this.#all[at] = (this.#all[at] as number) & ~over;
      for (let left = over; left !== 0; left &= left - 1) this.#size--;
    }
  }
}

/** Those whose bit is set, in order. */
export function placesOfBits(bits: Uint8Array): number[] {
  const places: number[] = [];
  for (let at = 0; at < bits.length; at++)
    for (let left = bits[at] as number; left !== 0; left &= left - 1)
      places.push(at * 8 + 31 - Math.clz32(left & -left));
  return places;
}
