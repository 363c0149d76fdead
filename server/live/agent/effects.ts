import type { HeldEffect } from "../../contract/faults.ts";

/** Node's timers hold 31 bits of ms. */
const LONGEST_TIMER_MS = 2 ** 30;

/**
 * The effects that this agent carries out. Each ends when its time has come, by the machine's clock, also when nobody is left to say so.
 */
export class Effects {
  readonly #changed: (active: readonly HeldEffect[]) => void;
  readonly #wallMs: () => number;
  #held: readonly HeldEffect[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param changed is given all that are in force, whenever that changes. @param wallMs since the epoch */
  constructor(changed: (active: readonly HeldEffect[]) => void, wallMs: () => number = Date.now) {
    this.#changed = changed;
    this.#wallMs = wallMs;
  }

  set(effects: readonly HeldEffect[]): void {
    this.#held = effects;
    this.#settle();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    const now = this.#wallMs();
    this.#held = this.#held.filter(({ untilMs }) => untilMs === null || untilMs > now);
    this.#changed(this.#held);
    let endMs = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#held) if (untilMs !== null) endMs = Math.min(endMs, untilMs);
    if (endMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#settle(), Math.min(endMs - now, LONGEST_TIMER_MS));
  }
}
