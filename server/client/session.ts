import { randomUUID } from "node:crypto";

/** Below the 1,024 answers that agents keep. */
const WINDOW = 1000;

/**
 * Numbers a client's writes so that a retried one is applied once (Ongaro's thesis, §6.3). Agents remember a session's answers from
 * `firstUnanswered` on; it rises as the answers arrive, in constant amortised time.
 */
export class Session {
  readonly id: string = randomUUID();
  readonly #answeredAhead = new Set<number>();
  #next = 1;
  #firstUnanswered = 1;
  /** Agents know it: one of its writes was applied. */
  #confirmed = false;
  /** Agents have forgotten it; new writes need another one. */
  expired = false;

  take(): number {
    return this.#next++;
  }

  confirm(): void {
    this.#confirmed = true;
  }

  /** Also for a write that was given up: its answer will not be asked for again. */
  answered(sequence: number): void {
    this.#answeredAhead.add(sequence);
    while (this.#answeredAhead.delete(this.#firstUnanswered)) this.#firstUnanswered++;
  }

  /** Agents begin a session only with a write that says nothing of it was answered: so until they know it, that is what is said. */
  get firstUnanswered(): number {
    return this.#confirmed ? this.#firstUnanswered : 1;
  }

  /** Agents keep a limited number of answers a session; a write too far ahead of an open one would make them forget that one's. */
  mayBeSent(sequence: number): boolean {
    return sequence - this.#firstUnanswered < WINDOW;
  }
}
