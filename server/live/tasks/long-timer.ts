/** What setTimeout takes at most, ms: about 24.8 days. Beyond it, it fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** A timeout of any length. It keeps the process alive, as setTimeout does. */
export class LongTimer {
  #timer: NodeJS.Timeout | undefined;

  /** Replaces what was set before. */
  set(delayMs: number, call: () => void): void {
    this.clear();
    const now = Math.min(delayMs, LONGEST_MS);
    this.#timer = setTimeout(() => (delayMs > now ? this.set(delayMs - now, call) : call()), now);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
