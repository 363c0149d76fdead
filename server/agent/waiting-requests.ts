import type { ClientResult } from "../contract/client.ts";
import type { ClientReply } from "./world.ts";

/** Of whom, and until when. */
export interface WaitingRequest {
  readonly connection: number;
  readonly id: number;
  readonly deadlineMs: number;
}

/** Requests of clients that wait for an answer, in the order in which they were made, and the answers that are to leave. */
export class WaitingRequests<Request extends WaitingRequest> {
  #waiting: Request[] = [];
  #replies: ClientReply[] = [];

  get all(): readonly Request[] {
    return this.#waiting;
  }

  add(request: Request): void {
    this.#waiting.push(request);
  }

  /** Answers one that does not wait. */
  reply(connection: number, id: number, result: ClientResult): void {
    this.#replies.push({ connection, id, result });
  }

  /** @param answer undefined: it waits on. */
  settle(answer: (request: Request) => ClientResult | undefined): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((request) => {
      const result = answer(request);
      if (result !== undefined) this.reply(request.connection, request.id, result);
      return result === undefined;
    });
  }

  /** A client that is gone waits for nothing. */
  gone(connection: number): void {
    this.#waiting = this.#waiting.filter((one) => one.connection !== connection);
  }

  /** When the first of them has waited long enough, ms. */
  expiryMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#waiting) earliest = Math.min(earliest, deadlineMs);
    return earliest;
  }

  takeReplies(): ClientReply[] {
    const replies = this.#replies;
    if (replies.length > 0) this.#replies = [];
    return replies;
  }
}
