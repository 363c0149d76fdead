/** Between two looks at the clock; a machine that slept is noticed so late at most. */
const LOOK_EVERY_MS = 100;

export interface OwnerWatchOptions {
  /** How long there may be no owner. */
  readonly graceMs: number;
  /** Ms that rise at an even pace; not the wall clock, which may be set. */
  readonly monotonicMs: () => number;
  /** Once. */
  readonly abandoned: () => void;
}

/**
 * Ends an agent that nobody owns: when no coordinator has observed it for the grace period, counted from its start too. Looks often rather than sleeps
 * once: time that the process spent stopped (SIGSTOP) then counts only as one look, so that an owner's connection that came back meanwhile is seen first.
 */
export class OwnerWatch {
  readonly #options: OwnerWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #owners = 0;
  #spentMs = 0;
  #lookedMs: number;

  constructor(options: OwnerWatchOptions) {
    this.#options = options;
    this.#lookedMs = options.monotonicMs();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  set owners(count: number) {
    this.#owners = count;
    this.#spentMs = 0;
    this.#lookedMs = this.#options.monotonicMs();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = this.#options.monotonicMs();
    const passedMs = now - this.#lookedMs;
    this.#lookedMs = now;
    if (this.#owners > 0) return;
    this.#spentMs += Math.min(passedMs, 2 * LOOK_EVERY_MS);
    if (this.#spentMs < this.#options.graceMs) return;
    this.stop();
    this.#options.abandoned();
  }
}
