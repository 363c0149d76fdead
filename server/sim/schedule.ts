import { EventQueue } from "./event-queue.ts";

/** Something that happens at its time. */
export interface Occurrence {
  happen(): void;
}

/**
 * Virtual time and all that is to happen in it. Time is whole microseconds from the start of the simulation, so that adding up
 * delays never rounds and two runs agree to the bit; it moves only from one occurrence to the next.
 */
export class Schedule {
  readonly #queue = new EventQueue<Occurrence>();
  #nowUs = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  get nowMs(): number {
    return this.#nowUs / 1000;
  }

  get pending(): number {
    return this.#queue.size;
  }

  /** @param atUs whole microseconds; what lies in the past happens now, after all that is already due now. */
  at(atUs: number, occurrence: Occurrence): void {
    this.#queue.push(Math.max(atUs, this.#nowUs), occurrence);
  }

  after(delayUs: number, occurrence: Occurrence): void {
    this.#queue.push(this.#nowUs + delayUs, occurrence);
  }

  /** For what is rare enough to be a closure. */
  afterMs(delayMs: number, happen: () => void): void {
    this.#queue.push(this.#nowUs + Math.round(delayMs * 1000), { happen });
  }

  /** Lets everything happen up to and including `untilUs`, or until `stop` says so after an occurrence; then it is `untilUs` (unless stopped). */
  runUntil(untilUs: number, stop: () => boolean): void {
    const queue = this.#queue;
    for (;;) {
      const time = queue.nextTime;
      if (time > untilUs) break;
      this.#nowUs = time;
      (queue.pop() as Occurrence).happen();
      if (stop()) return;
    }
    this.#nowUs = untilUs;
  }
}
