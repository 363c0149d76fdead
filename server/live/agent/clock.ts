/** Before the wall clock is asked again, ms. */
const CHECK_EVERY_MS = 1_000;
/** A difference to the wall clock that is its resolution and ours, ms. */
const TOLERANCE_MS = 2;
/** While ahead of the wall clock, time passes slower by this share. */
const SLOWER = 0.01;

/** What a clock is made of; tests put their own in. */
export interface ClockSources {
  /** Ms that only rise, at an even pace, from anywhere. */
  readonly monotonicMs: () => number;
  /** Ms since the epoch; may jump. */
  readonly wallMs: () => number;
}

const SYSTEM: ClockSources = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

/**
 * The time an agent is told: ms since the epoch with a fraction, never backwards. It runs on the monotonic clock and follows the wall clock, so that
 * the agents of a machine agree: forward at once (after the machine slept), back by running 1 % slower (a timer would otherwise wait
 * for as long as the wall clock was set back).
 */
export class LiveClock {
  readonly #sources: ClockSources;
  #offsetMs: number;
  #checkedAtMs: number;
  #aheadMs = 0;
  #latest = 0;

  constructor(sources: ClockSources = SYSTEM) {
    this.#sources = sources;
    this.#checkedAtMs = sources.monotonicMs();
    this.#offsetMs = sources.wallMs() - this.#checkedAtMs;
  }

  now(): number {
    const monotonic = this.#sources.monotonicMs();
    if (monotonic - this.#checkedAtMs >= CHECK_EVERY_MS) this.#followWall(monotonic);
    const now = monotonic + this.#offsetMs;
    if (now > this.#latest) this.#latest = now;
    return this.#latest;
  }

  #followWall(monotonic: number): void {
    const passed = monotonic - this.#checkedAtMs;
    this.#checkedAtMs = monotonic;
    if (this.#aheadMs > 0) this.#offsetMs -= Math.min(this.#aheadMs, passed * SLOWER);
    // Date.now() is cut to whole ms: half of one is what it lacks on average.
    const ahead = monotonic + this.#offsetMs - (this.#sources.wallMs() + 0.5);
    if (ahead < -TOLERANCE_MS) this.#offsetMs -= ahead;
    this.#aheadMs = ahead > TOLERANCE_MS ? ahead : 0;
  }
}
