import type { Random } from "../core/random.ts";

/**
 * At most `limit` of the values seen, each with the same chance (Vitter, "Random Sampling with a Reservoir", 1985, Algorithm R). Deterministic for a
 * given generator.
 */
export class Samples {
  readonly #random: Random;
  readonly #limit: number;
  #values: number[] = [];
  #seen = 0;

  constructor(limit: number, random: Random) {
    this.#limit = limit;
    this.#random = random;
  }

  add(value: number): void {
    this.#seen++;
    if (this.#values.length < this.#limit) {
      this.#values.push(value);
      return;
    }
    const place = this.#random.int(0, this.#seen - 1);
    if (place < this.#limit) this.#values[place] = value;
  }

  /** What was kept, and starts anew. */
  take(): number[] {
    const values = this.#values;
    this.#values = [];
    this.#seen = 0;
    return values;
  }
}

/** The nearest-rank quantile of values, or null without any. Sorts them in place. @param share in (0, 1]. */
export function quantile(values: number[], share: number): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return values[Math.ceil(values.length * share) - 1] as number;
}
