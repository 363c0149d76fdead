import { MAX_DRIFT_PPM } from "../../meshfile/faults/limits.ts";

/** Before the wall clock is asked again, ms. */
const CHECK_EVERY_MS = 1_000;
/** A difference to the wall clock that is its resolution and ours, ms. */
const TOLERANCE_MS = 2;
/** While ahead of the wall clock, time passes slower by this share. */
const SLOWER = 0.01;

/** The wall clock shows whole ms: it is watched while it changes so many times; one that is seen late, on a busy machine, does no harm then. */
const CHANGES = 4;
/** The watch ends after this long, ms. */
const WATCH_MS = 10;
/** It ends, too, where the monotonic clock stands still, as it may in tests. */
const STILL_SAMPLES = 1_000;

/** What a clock is made of; tests put their own in. */
export interface ClockSources {
  /** Ms that only rise, at an even pace, from anywhere. */
  readonly monotonicMs: () => number;
  /** Whole ms since the epoch, rounded down; may jump. */
  readonly wallMs: () => number;
}

/** A clock that is off by skewMs, and runs faster by driftPpm. */
export interface ClockTrouble {
  readonly id: string;
  readonly skewMs: number;
  readonly driftPpm: number;
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
  /** What faults add: by name, since when on the monotonic clock. */
  #troubles: readonly (ClockTrouble & { readonly sinceMs: number })[] = [];

  constructor(sources: ClockSources = SYSTEM) {
    this.#sources = sources;
    this.#offsetMs = this.#sampledOffset();
    this.#checkedAtMs = sources.monotonicMs();
  }

  now(): number {
    const monotonic = this.#sources.monotonicMs();
    if (monotonic - this.#checkedAtMs >= CHECK_EVERY_MS) this.#followWall(monotonic);
    let now = monotonic + this.#offsetMs;
    for (const { skewMs, driftPpm, sinceMs } of this.#troubles)
      now += skewMs + ((monotonic - sinceMs) * driftPpm) / 1e6;
    if (now > this.#latest) this.#latest = now;
    return this.#latest;
  }

  /** Ms on the monotonic clock until this one shows a time; less where it will have to stand still meanwhile. */
  msUntil(atMs: number): number {
    let pace = 1;
    for (const { driftPpm } of this.#troubles) pace += driftPpm / 1e6;
    return Math.max(0, atMs - this.now()) / pace;
  }

  /** Replaces all that faults add. Where the clock would run backwards it stands still until time has caught up; together they make it half as fast at the least. */
  trouble(troubles: readonly ClockTrouble[]): void {
    const now = this.#sources.monotonicMs();
    let sumPpm = 0;
    this.#troubles = troubles.map((one) => {
      const before = this.#troubles.find(({ id }) => id === one.id);
      const driftPpm = Math.max(one.driftPpm, -MAX_DRIFT_PPM - sumPpm);
      sumPpm += driftPpm;
      return { ...one, driftPpm, sinceMs: before?.sinceMs ?? now };
    });
  }

  /**
   * Between the two clocks, to some microseconds. The wall clock is rounded down and read first, so that no sample is above the truth, and the highest
   * was taken just as it changed. Agents of a machine so have one time to compare: with the rounding left in, a frame could arrive before it was sent.
   */
  #sampledOffset(): number {
    const { monotonicMs, wallMs } = this.#sources;
    let wall = wallMs();
    const begin = monotonicMs();
    let monotonic = begin;
    let offset = wall - monotonic;
    for (let sample = 0, changes = 0; changes < CHANGES && monotonic - begin < WATCH_MS; sample++) {
      if (sample > STILL_SAMPLES && monotonic === begin) break;
      const before = wall;
      wall = wallMs();
      monotonic = monotonicMs();
      offset = Math.max(offset, wall - monotonic);
      if (wall > before) changes++;
    }
    return offset;
  }

  #followWall(monotonic: number): void {
    const passed = monotonic - this.#checkedAtMs;
    this.#checkedAtMs = monotonic;
    if (this.#aheadMs > 0) this.#offsetMs -= Math.min(this.#aheadMs, passed * SLOWER);
    // A look that shows it to be a little later than was thought is right; a jump is dealt with below.
    const { wallMs, monotonicMs } = this.#sources;
    const wall = wallMs();
    if (this.#aheadMs === 0)
      this.#offsetMs = Math.max(this.#offsetMs, Math.min(this.#offsetMs + 1, wall - monotonicMs()));
    // Date.now() is cut to whole ms: half of one is what it lacks on average.
    const ahead = monotonic + this.#offsetMs - (wall + 0.5);
    if (ahead < -TOLERANCE_MS) this.#offsetMs = this.#sampledOffset();
    this.#aheadMs = ahead > TOLERANCE_MS ? ahead : 0;
  }
}
