import type { ToxicLink, Toxin } from "./toxin.ts";

/** Nothing passes, and after a while the connection is closed (0: never). While this lasts, no new one comes about. */
export class Timeout implements Toxin {
  readonly blocks = true;
  #ended = false;

  constructor(afterMs: number, link: ToxicLink) {
    if (afterMs > 0)
      link.schedule.afterMs(afterMs, () => {
        if (!this.#ended) link.close();
      });
  }

  cross(): void {
    // It does not get that far.
  }

  end(): void {
    this.#ended = true;
  }
}

/** The connection is reset after a while, and every new one again. */
export class Reset implements Toxin {
  readonly blocks = false;
  readonly #afterMs: number;
  readonly #link: ToxicLink;
  #ended = false;

  constructor(afterMs: number, link: ToxicLink) {
    this.#afterMs = afterMs;
    this.#link = link;
    this.#resetSoon();
  }

  cross(): void {
    // Frames pass as long as there is a connection.
  }

  end(): void {
    this.#ended = true;
  }

  #resetSoon(): void {
    this.#link.schedule.afterMs(this.#afterMs, () => {
      if (this.#ended) return;
      this.#link.close();
      this.#resetSoon();
    });
  }
}
