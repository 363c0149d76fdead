/** Virtual time 0 in ms since the Unix epoch: 2025-01-01T00:00:00Z. */
export const EPOCH_MS = 1_735_689_600_000;

/** What one agent's clock shows: virtual time from the epoch, plus an offset that stays the same for one life of the agent. */
export class SimClock {
  readonly skewMs: number;

  constructor(skewMs: number) {
    this.skewMs = skewMs;
  }

  /** Ms since the epoch, as the agent sees it. */
  read(nowUs: number): number {
    return EPOCH_MS + this.skewMs + nowUs / 1000;
  }

  /** The first whole microsecond of virtual time at which the clock shows at least `atMs`. */
  whenUs(atMs: number): number {
    let atUs = Math.ceil((atMs - EPOCH_MS - this.skewMs) * 1000);
    // Near 2^41 ms a double is a quarter of a microsecond coarse: rounding may leave the result one step early.
    while (this.read(atUs) < atMs) atUs++;
    return atUs;
  }
}
