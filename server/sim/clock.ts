import { MAX_DRIFT_PPM } from "../meshfile/faults/limits.ts";

/** Virtual time 0 in ms since the Unix epoch: 2025-01-01T00:00:00Z. */
export const EPOCH_MS = 1_735_689_600_000;

/** A clock that is off by skewMs, and from sinceUs on runs faster by driftPpm. */
export interface ClockTrouble {
  readonly skewMs: number;
  readonly driftPpm: number;
  readonly sinceUs: number;
}

/**
 * What one agent's clock shows: virtual time from the epoch, plus an offset that stays the same for one life of the agent, plus its troubles, which together make it half
 * as fast at the least. Never runs backwards: where it should, it stands still until time has caught up.
 */
export class SimClock {
  readonly skewMs: number;
  /** What troubles add at virtual time t, µs: offMs + t * driftMs. */
  #offMs = 0;
  #driftMs = 0;
  /** What it has shown already. */
  #leastMs = Number.NEGATIVE_INFINITY;

  constructor(skewMs: number) {
    this.skewMs = skewMs;
  }

  /** Replaces all troubles, at this moment of virtual time. */
  trouble(troubles: readonly ClockTrouble[], nowUs: number): void {
    this.#leastMs = this.read(nowUs);
    this.#offMs = 0;
    this.#driftMs = 0;
    let sumPpm = 0;
    for (const { skewMs, driftPpm, sinceUs } of troubles) {
      // Several that are slow would add up to a clock that stands still, or runs backwards.
      const ppm = Math.max(driftPpm, -MAX_DRIFT_PPM - sumPpm);
      sumPpm += ppm;
      const driftMs = ppm / 1e9;
      this.#offMs += skewMs - driftMs * sinceUs;
      this.#driftMs += driftMs;
    }
  }

  /** Ms since the epoch, as the agent sees it. */
  read(nowUs: number): number {
    return Math.max(this.#leastMs, EPOCH_MS + this.skewMs + nowUs / 1000 + (this.#offMs + this.#driftMs * nowUs));
  }

  /** The first whole microsecond of virtual time at which the clock shows at least `atMs`; 0 when it has done so already. */
  whenUs(atMs: number): number {
    if (atMs <= this.#leastMs) return 0;
    let atUs = Math.ceil((atMs - EPOCH_MS - this.skewMs - this.#offMs) / (0.001 + this.#driftMs));
    // Near 2^41 ms a double is a quarter of a microsecond coarse: rounding may leave the result a step off.
    while (this.read(atUs) < atMs) atUs++;
    while (atUs > 0 && this.read(atUs - 1) >= atMs) atUs--;
    return atUs;
  }
}
