/**
 * A hybrid logical clock (Kulkarni et al. 2014, §3), its two parts in one number: µs of the agent's clock where that is ahead of all that it has heard, one more than
 * what it has heard where it is not. A whole µs apart from the next leaves room for a million operations a second.
 */
export class Stamps {
  readonly #maxAheadUs: number;
  #last: number;

  /** @param last the greatest that was ever given or heard. @param maxAheadMs see `GossipConfig`. */
  constructor(last: number, maxAheadMs: number) {
    this.#last = last;
    this.#maxAheadUs = maxAheadMs * 1000;
  }

  /** The greatest that was given or heard. */
  get last(): number {
    return this.#last;
  }

  /** For an operation that is issued now. */
  next(nowMs: number): number {
    this.#last = Math.max(Math.floor(nowMs * 1000), this.#last + 1);
    return this.#last;
  }

  heard(stamp: number): void {
    if (stamp > this.#last) this.#last = stamp;
  }

  /** When a stamp is believed, ms: with none further ahead can one clock drag the others. */
  believedAtMs(stamp: number): number {
    return (stamp - this.#maxAheadUs) / 1000;
  }
}

/** The entry's time. */
export function timeMsOf(stamp: number): number {
  return Math.floor(stamp / 1000);
}
