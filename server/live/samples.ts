/** The latest measurements, at most `capacity` of them, for quantiles of the recent past. */
export class Samples {
  readonly #values: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  add(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  /** The nearest-rank quantile, 0 < q <= 1; null without samples. */
  quantile(q: number): number | null {
    const held = Math.min(this.#count, this.#values.length);
    if (held === 0) return null;
    const sorted = this.#values.slice(0, held).sort();
    return sorted[Math.ceil(q * held) - 1] as number;
  }
}
