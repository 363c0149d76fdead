import { randomUUID } from "node:crypto";

/**
 * Numbers a client's writes so that a retried one is applied once (Ongaro's thesis, §6.3). Agents remember a session's answers from
 * `firstUnanswered` on; it rises as the answers arrive, in constant amortised time.
 */
export class Session {
  readonly id: string = randomUUID();
  readonly #answeredAhead = new Set<number>();
  #next = 1;
  #firstUnanswered = 1;
  /** Agents have forgotten it; new writes need another one. */
  expired = false;

  take(): number {
    return this.#next++;
  }

  /** Also for a write that was given up: its answer will not be asked for again. */
  answered(sequence: number): void {
    this.#answeredAhead.add(sequence);
    while (this.#answeredAhead.delete(this.#firstUnanswered)) this.#firstUnanswered++;
  }

  get firstUnanswered(): number {
    return this.#firstUnanswered;
  }
}
