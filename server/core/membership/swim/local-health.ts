/** The multiplier's upper end (Lifeguard's S). */
const MOST = 8;

/**
 * How well this member itself does (Lifeguard, §IV-A): what goes wrong with its own probes may be its own fault, and the more does, the longer it waits for
 * others and the rarer it probes.
 */
export class LocalHealth {
  readonly #heeded: boolean;
  #score = 0;

  /** @param heeded otherwise it is well whatever happens. */
  constructor(heeded: boolean) {
    this.#heeded = heeded;
  }

  /** 0 is well, at most 8. */
  get score(): number {
    return this.#score;
  }

  /** What probes' times are multiplied with. */
  get factor(): number {
    return this.#score + 1;
  }

  /** @param by above 0: something went wrong; below 0: something went well. */
  change(by: number): void {
    if (this.#heeded) this.#score = Math.min(MOST, Math.max(0, this.#score + by));
  }
}
