import type { Occurrence, Schedule } from "./schedule.ts";

/**
 * One agent's alarm. Agents mostly push it back, so that only the earliest asked time is queued: when that comes and a later one has been asked for
 * since, the later one is queued then.
 */
export class SimAlarm implements Occurrence {
  readonly #schedule: Schedule;
  readonly #ring: () => void;
  #atUs = Number.POSITIVE_INFINITY;
  #queuedUs = Number.POSITIVE_INFINITY;

  constructor(schedule: Schedule, ring: () => void) {
    this.#schedule = schedule;
    this.#ring = ring;
  }

  /** Replaces the time set before. Infinity: none. */
  set(atUs: number): void {
    this.#atUs = Math.max(atUs, this.#schedule.nowUs);
    if (this.#atUs >= this.#queuedUs || atUs === Number.POSITIVE_INFINITY) return;
    this.#queue();
  }

  happen(): void {
    // An earlier time was queued after this one, and has come already.
    if (this.#schedule.nowUs !== this.#queuedUs) return;
    this.#queuedUs = Number.POSITIVE_INFINITY;
    if (this.#atUs === Number.POSITIVE_INFINITY) return;
    if (this.#atUs > this.#schedule.nowUs) {
      this.#queue();
      return;
    }
    this.#atUs = Number.POSITIVE_INFINITY;
    this.#ring();
  }

  #queue(): void {
    this.#queuedUs = this.#atUs;
    this.#schedule.at(this.#atUs, this);
  }
}
