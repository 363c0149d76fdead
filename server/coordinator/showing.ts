/** Showing costs at most one part in so many of the time. */
const COST_FACTOR = 10;

/** When a swarm is shown anew: soon after it changed, large ones less often, so that the coordinator has time for other things. */
export class Showing {
  readonly #show: () => void;
  #revision = 0;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #shownAt = 0;
  #costMs = 0;
  #closed = false;

  constructor(show: () => void) {
    this.#show = show;
  }

  /** Rises with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** It changed; `withinMs` is soon enough. */
  changed(withinMs: number): void {
    this.#revision++;
    if (this.#closed) return;
    const at = Math.max(performance.now() + withinMs, this.#shownAt + COST_FACTOR * this.#costMs);
    if (at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(
      () => {
        this.#dueAt = Number.POSITIVE_INFINITY;
        this.#show();
      },
      Math.max(0, at - performance.now()),
    );
  }

  /** Makes what is shown, and remembers what that cost. */
  make<T>(make: () => T): T {
    const startedAt = performance.now();
    const made = make();
    this.#shownAt = performance.now();
    this.#costMs = this.#shownAt - startedAt;
    return made;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
