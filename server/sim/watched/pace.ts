/** How far behind its speed a run may fall before what it missed is given up: it shall not race afterwards. Real ms. */
const LAG_MS = 250;
/** What is reached is told of the last so many real ms, and not of fewer. */
const SPAN_MS = 2000;
const SPAN_LEAST_MS = 500;
/** Between two moments that are kept, real ms. */
const APART_MS = 50;

interface Moment {
  readonly realMs: number;
  readonly virtualMs: number;
}

/** Keeps virtual time at a speed, times real time. Real time is an argument, ms of any clock that never goes back. */
export class Pace {
  #speed: number | null;
  #paused = false;
  /** Where speed is counted from. */
  #base: Moment;
  /** The last ones, oldest first, and where it was last. */
  #moments: Moment[];
  #last: Moment;

  /** @param speed null: as fast as it goes */
  constructor(speed: number | null, realMs: number) {
    this.#speed = speed;
    this.#base = { realMs, virtualMs: 0 };
    this.#moments = [this.#base];
    this.#last = this.#base;
  }

  get speed(): number | null {
    return this.#speed;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** From now on. Absent: as it is. */
  set({ speed, paused }: { readonly speed?: number | null; readonly paused?: boolean }, now: Moment): void {
    if (speed !== undefined) this.#speed = speed;
    if (paused !== undefined) this.#paused = paused;
    this.#base = now;
    this.#moments = [now];
    this.#last = now;
  }

  /** The virtual time, ms, that it is to have reached by now; Infinity: as far as it gets. */
  target(realMs: number): number {
    if (this.#paused) return this.#base.virtualMs;
    if (this.#speed === null) return Number.POSITIVE_INFINITY;
    return this.#base.virtualMs + (realMs - this.#base.realMs) * this.#speed;
  }

  /** It has come so far. */
  came(now: Moment): void {
    const target = this.target(now.realMs);
    if (this.#speed !== null && target - now.virtualMs > LAG_MS * this.#speed) this.#base = now;
    this.#last = now;
    if (now.realMs - (this.#moments.at(-1) as Moment).realMs < APART_MS) return;
    this.#moments.push(now);
    const second = (): number => this.#moments[1]?.realMs ?? now.realMs;
    while (now.realMs - second() >= SPAN_MS) this.#moments.shift();
  }

  /** Whether it is so far behind that it is to go on at once, real ms. */
  isBehind({ realMs, virtualMs }: Moment, byMs: number): boolean {
    if (this.#paused) return false;
    return this.#speed === null || this.target(realMs) - virtualMs > byMs * this.#speed;
  }

  /** Virtual time over real time, of late; null: paused, or too early to tell. */
  get reached(): number | null {
    const [first, last] = [this.#moments[0] as Moment, this.#last];
    const tookMs = last.realMs - first.realMs;
    return this.#paused || tookMs < SPAN_LEAST_MS ? null : (last.virtualMs - first.virtualMs) / tookMs;
  }
}
