import type { Crossing, ToxicLink, Toxin } from "./toxin.ts";

/** A connection is closed once so many bytes were sent over it; the next one may carry as many again. */
export class DataLimit implements Toxin {
  readonly blocks = false;
  readonly #bytes: number;
  readonly #link: ToxicLink;
  #connection = 0;
  #sent = 0;
  #ended = false;

  constructor(bytes: number, link: ToxicLink) {
    this.#bytes = bytes;
    this.#link = link;
  }

  cross({ frame }: Crossing): void {
    const { connection } = this.#link;
    if (connection !== this.#connection) {
      this.#connection = connection;
      this.#sent = 0;
    }
    const before = this.#sent;
    this.#sent += frame.length;
    if (before > this.#bytes || this.#sent <= this.#bytes) return;
    // Not in the middle of the sender's turn: a close is seen as an input of its own.
    this.#link.schedule.afterMs(0.001, () => {
      if (!this.#ended && this.#link.connection === connection) this.#link.close();
    });
  }

  end(): void {
    this.#ended = true;
  }
}
