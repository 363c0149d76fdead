/**
 * Seeded randomness for cores and worlds. sfc32 (Chris Doty-Humphrey, PractRand), seeded through an FNV-1a hash of the seed's text
 * and 12 warm-up rounds. Same seed, same sequence, on every platform. Not for secrets.
 */
export interface Random {
  /** An integer in [0, 2^32). */
  uint32(): number;
  /** A number in [0, 1) with 32 random bits. */
  float(): number;
  /** An integer in [min, max], both inclusive. @throws RangeError when max < min. */
  int(min: number, max: number): number;
  /** True with the given probability in [0, 1]. Draws once, whatever the probability. */
  chance(probability: number): boolean;
  /** One element of a non-empty list. @throws RangeError when the list is empty. */
  pick<T>(items: readonly T[]): T;
  /** A new array in shuffled order (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[];
  /** An independent generator whose sequence depends on this one's seed and the label alone, not on how much was drawn. */
  fork(label: string): Random;
}

export function seededRandom(seed: string | number): Random {
  return new Sfc32(String(seed));
}

class Sfc32 implements Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.#seed = seed;
    this.#a = fnv1a(seed, 0x811c9dc5);
    this.#b = fnv1a(seed, 0x01000193);
    this.#c = fnv1a(seed, 0x9e3779b9);
    for (let round = 0; round < 12; round++) this.uint32();
  }

  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  int(min: number, max: number): number {
    if (!(max >= min)) throw new RangeError(`no integer in [${min}, ${max}]`);
    return min + Math.floor(this.float() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("cannot pick from an empty list");
    return items[this.int(0, items.length - 1)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = items.slice();
    for (let last = result.length - 1; last > 0; last--) {
      const other = this.int(0, last);
      const held = result[last] as T;
      result[last] = result[other] as T;
      result[other] = held;
    }
    return result;
  }

  fork(label: string): Random {
    return new Sfc32(`${this.#seed}/${label}`);
  }
}

function fnv1a(text: string, basis: number): number {
  let hash = basis | 0;
  for (let at = 0; at < text.length; at++) {
    hash ^= text.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash | 0;
}
