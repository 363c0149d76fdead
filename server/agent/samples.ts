import type { Random } from "../core/random.ts";

/**
 * At most `limit` of the values seen, each with the same chance (Vitter, "Random Sampling with a Reservoir", 1985). Which value is the next to be kept is drawn ahead (Algorithm X, §4.1), so
 * that whoever sees very many need not tell of those that are not. Deterministic for a given generator.
 */
export class Samples {
  readonly #random: Random;
  readonly #limit: number;
  #values: number[] = [];
  /** Those that were passed over among them. */
  #seen = 0;

  constructor(limit: number, random: Random) {
    this.#random = random;
    this.#limit = limit;
  }

  /** Keeps a value, in the place of another once there are enough. @returns how many of those that come next are to be passed over, and not added */
  add(value: number): number {
    const kept = ++this.#seen;
    if (kept <= this.#limit) this.#values.push(value);
    else this.#values[this.#random.int(0, this.#limit - 1)] = value;
    if (kept < this.#limit) return 0;
    this.#seen = this.#nextKept() - 1;
    return this.#seen - kept;
  }

  /** What was kept, and starts anew: the next value is to be added. */
  take(): number[] {
    const values = this.#values;
    this.#values = [];
    this.#seen = 0;
    return values;
  }

  /** The first value of those to come that is kept, each with the chance limit / (values seen with it). */
  #nextKept(): number {
    const drawn = this.#random.float();
    let next = this.#seen + 1;
    // How probable it is that none up to `next` is kept.
    let none = (next - this.#limit) / next;
    while (none > drawn) {
      next++;
      none *= (next - this.#limit) / next;
    }
    return next;
  }
}

/** The nearest-rank quantile of values, or null without any. Sorts them in place. @param share in (0, 1]. */
export function quantile(values: number[], share: number): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return values[Math.ceil(values.length * share) - 1] as number;
}
