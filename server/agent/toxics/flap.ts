import type { ToxicLink, Toxin } from "./toxin.ts";

/** Up for a while, then nothing passes for a while, and so on. The connection stands. */
export class Flap implements Toxin {
  readonly #upMs: number;
  readonly #downMs: number;
  readonly #link: ToxicLink;
  #blocks = false;
  #ended = false;

  constructor(upMs: number, downMs: number, link: ToxicLink) {
    this.#upMs = upMs;
    this.#downMs = downMs;
    this.#link = link;
    this.#turnSoon();
  }

  get blocks(): boolean {
    return this.#blocks;
  }

  cross(): void {
    // While it is up, it is as any link.
  }

  end(): void {
    this.#ended = true;
  }

  #turnSoon(): void {
    this.#link.schedule.afterMs(this.#blocks ? this.#downMs : this.#upMs, () => {
      if (this.#ended) return;
      this.#blocks = !this.#blocks;
      this.#link.blockingChanged();
      this.#turnSoon();
    });
  }
}
