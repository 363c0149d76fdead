import type { Crossing, ToxicLink, Toxin } from "./toxin.ts";

/** So many bytes a second: a frame takes its time, after all that were sent before it. */
export class Bandwidth implements Toxin {
  readonly blocks = false;
  readonly #bytesPerSecond: number;
  readonly #link: ToxicLink;
  #freeUs = 0;

  constructor(bytesPerSecond: number, link: ToxicLink) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#link = link;
  }

  cross(crossing: Crossing): void {
    const { nowUs } = this.#link.schedule;
    const takesUs = (crossing.frame.length / this.#bytesPerSecond) * 1_000_000;
    this.#freeUs = Math.max(this.#freeUs, nowUs) + takesUs;
    crossing.arrivalUs += this.#freeUs - nowUs;
  }

  end(): void {
    // What waits is let go by the link.
  }
}
