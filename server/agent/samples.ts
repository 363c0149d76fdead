import type { Random } from "../core/random.ts";

/**
 * At most `limit` of the values seen, each with the same chance (Vitter, "Random Sampling with a Reservoir", 1985). Which value is the next to be kept is drawn ahead (Algorithm X, §4.1), so
 * that of the many that are not no more than their number is looked at. Deterministic for a given generator.
 */
export class Samples {
  readonly #random: Random;
  readonly #limit: number;
  #values: number[] = [];
  #seen = 0;
  /** The next value that is kept in the place of another, counted from 1. */
  #next = 0;

  constructor(limit: number, random: Random) {
    this.#random = random;
    this.#limit = limit;
  }

  add(value: number): void {
    const seen = ++this.#seen;
    if (seen <= this.#limit) {
      this.#values.push(value);
      if (seen === this.#limit) this.#drawNext();
    } else if (seen === this.#next) {
      this.#values[this.#random.int(0, this.#limit - 1)] = value;
      this.#drawNext();
    }
  }

  /** What was kept, and starts anew. */
  take(): number[] {
    const values = this.#values;
    this.#values = [];
    this.#seen = 0;
    return values;
  }

  /** The first value of those to come that is kept, each with the chance limit / (values seen with it). */
  #drawNext(): void {
    const drawn = this.#random.float();
    let next = this.#seen + 1;
    // How probable it is that none up to `next` is kept.
    let none = (next - this.#limit) / next;
    while (none > drawn) {
      next++;
      none *= (next - this.#limit) / next;
    }
    this.#next = next;
  }
}

/** The nearest-rank quantile of values, or null without any. Sorts them in place. @param share in (0, 1]. */
export function quantile(values: number[], share: number): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return values[Math.ceil(values.length * share) - 1] as number;
}
