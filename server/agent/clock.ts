import type { Hlc } from "../contract/timeline.ts";

/**
 * Hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks", OPODIS 2014, Figure 5): stamps that respect causality like
 * Lamport's and stay close to physical time. If one event led to another, its stamp is smaller; a stamp's wall part is the largest physical time
 * that the event's past has seen.
 *
 * Physical time is taken as it comes, with its fraction of a ms: arrows shorter than a ms keep their slope.
 */
export class HybridClock {
  #wallMs = 0;
  #counter = 0;

  /** The stamp of a local event or of a send. `now`: ms since the epoch. */
  tick(now: number): Hlc {
    this.pass(now);
    return { wallMs: this.#wallMs, counter: this.#counter };
  }

  /** The same, where nobody asks for the stamp. */
  pass(now: number): void {
    if (now > this.#wallMs) {
      this.#wallMs = now;
      this.#counter = 0;
    } else {
      this.#counter++;
    }
  }

  /** What came with a message: every later stamp here is larger. The receipt itself is stamped by the next `tick`. */
  merge(remote: Hlc): void {
    const { wallMs, counter } = remote;
    if (wallMs < this.#wallMs || (wallMs === this.#wallMs && counter <= this.#counter)) return;
    this.#wallMs = wallMs;
    this.#counter = counter;
  }
}

/** Negative, zero or positive, as `a` is before, equal to or after `b`. */
export function compareHlc(a: Hlc, b: Hlc): number {
  return a.wallMs - b.wallMs || a.counter - b.counter;
}
