import { SimAlarm } from "./alarm.ts";
import { type ClockTrouble, SimClock } from "./clock.ts";
import type { Schedule } from "./schedule.ts";

/** One agent's clock, and the alarm it has set by it, over all its lives. */
export class AgentTime {
  readonly #schedule: Schedule;
  #clock = new SimClock(0);
  #troubles: readonly ClockTrouble[] = [];
  #alarm: SimAlarm | undefined;
  /** By its clock. */
  #alarmMs = Number.POSITIVE_INFINITY;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** What the clock shows. */
  get now(): number {
    return this.#clock.read(this.#schedule.nowUs);
  }

  /** The virtual time at which the clock shows a time, as things stand. */
  whenUs(atMs: number): number {
    return this.#clock.whenUs(atMs);
  }

  /** A new life, with a clock of its own and no alarm. */
  begin(skewMs: number, ring: () => void): void {
    this.#clock = new SimClock(skewMs);
    if (this.#troubles.length > 0) this.#clock.trouble(this.#troubles, this.#schedule.nowUs);
    this.#alarmMs = Number.POSITIVE_INFINITY;
    this.#alarm = new SimAlarm(this.#schedule, () => {
      this.#alarmMs = Number.POSITIVE_INFINITY;
      ring();
    });
  }

  setAlarm(atMs: number): void {
    this.#alarmMs = atMs;
    this.#alarm?.set(atMs === Number.POSITIVE_INFINITY ? atMs : this.#clock.whenUs(atMs));
  }

  /** Replaces all troubles. @returns whether the clock may show something else now */
  trouble(troubles: readonly ClockTrouble[]): boolean {
    if (troubles.length + this.#troubles.length === 0) return false;
    this.#troubles = troubles;
    this.#clock.trouble(troubles, this.#schedule.nowUs);
    this.setAlarm(this.#alarmMs);
    return true;
  }
}
