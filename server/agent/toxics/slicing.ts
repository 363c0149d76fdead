import type { Crossing, ToxicLink, Toxin } from "./toxin.ts";

/** Frames pass in slices, each so much after the one before, also the first of a frame after the last of another. A frame is there with its last slice. */
export class Slicing implements Toxin {
  readonly blocks = false;
  readonly #bytes: number;
  readonly #everyUs: number;
  readonly #link: ToxicLink;
  /** When the next slice may pass, µs. */
  #nextUs = 0;

  constructor(bytes: number, everyMs: number, link: ToxicLink) {
    this.#bytes = bytes;
    this.#everyUs = everyMs * 1000;
    this.#link = link;
  }

  cross(crossing: Crossing): void {
    const { nowUs } = this.#link.schedule;
    const slices = Math.max(1, Math.ceil(crossing.frame.length / this.#bytes));
    const lastUs = Math.max(this.#nextUs, nowUs) + (slices - 1) * this.#everyUs;
    this.#nextUs = lastUs + this.#everyUs;
    crossing.arrivalUs += lastUs - nowUs;
  }

  end(): void {
    // What waits is let go by the link.
  }
}
