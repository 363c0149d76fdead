import type { Query } from "./requests.ts";

/** A client's linearizable read that has not been answered. */
export interface PendingRead {
  readonly type: "read";
  readonly connection: number;
  readonly id: number;
  readonly query: Query;
  readonly deadlineMs: number;
  readonly order: number;
  /** Answered or given up: to be skipped wherever it still lies. */
  done: boolean;
}

/**
 * Barriers asked for and not answered, at most: beyond it reads wait to share the next one. A consensus that keeps what it was asked would otherwise gather
 * one a turn for as long as this agent is cut off.
 */
export const MAX_BARRIERS = 64;

/**
 * Reads behind barriers: all that came in a turn share one. A barrier that failed is asked for again a little later, or as soon as there is
 * another leader.
 */
export class PendingReads {
  readonly #retryMs: number;
  /** Behind no barrier yet; without a leader for as long as that lasts. */
  readonly #waiting = new Set<PendingRead>();
  #askAtMs = Number.NEGATIVE_INFINITY;
  #nextReadId = 1;
  readonly #asked = new Map<number, PendingRead[]>();
  /** Confirmed, but their index is not applied here yet. */
  #confirmed: { readonly index: number; readonly reads: PendingRead[] }[] = [];

  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  add(read: PendingRead): void {
    this.#waiting.add(read);
  }

  /** It is answered or given up. */
  finish(read: PendingRead): void {
    read.done = true;
    this.#waiting.delete(read);
  }

  /** Begins a barrier for all that waits; its id, or undefined if nothing waits. Only to be called when a leader is known. */
  take(now: number): number | undefined {
    if (now < this.deadline()) return undefined;
    const reads = [...this.#waiting];
    this.#waiting.clear();
    const readId = this.#nextReadId++;
    this.#asked.set(readId, reads);
    return readId;
  }

  /** When waiting reads ask again, ms; Infinity if none wait, or if they wait for an answer to others. */
  deadline(): number {
    const mayAsk = this.#waiting.size > 0 && this.#asked.size < MAX_BARRIERS;
    return mayAsk ? this.#askAtMs : Number.POSITIVE_INFINITY;
  }

  confirmed(readId: number, index: number): void {
    const reads = this.#asked.get(readId);
    if (reads === undefined) return;
    this.#asked.delete(readId);
    this.#confirmed.push({ index, reads });
  }

  failed(readId: number, now: number): void {
    const reads = this.#asked.get(readId);
    if (reads === undefined) return;
    this.#asked.delete(readId);
    for (const read of reads) if (!read.done) this.#waiting.add(read);
    this.#askAtMs = now + this.#retryMs;
  }

  leaderChanged(now: number): void {
    this.#askAtMs = now;
  }

  /** Those that may be served from a state that has applied `index`. */
  takeServable(index: number): PendingRead[] {
    if (this.#confirmed.length === 0) return [];
    const servable: PendingRead[] = [];
    this.#confirmed = this.#confirmed.filter((barrier) => {
      if (barrier.index > index) return true;
      for (const read of barrier.reads) if (!read.done) servable.push(read);
      return false;
    });
    return servable;
  }

  /** All that have not been answered. */
  *all(): IterableIterator<PendingRead> {
    const lists = [this.#waiting, ...this.#asked.values(), ...this.#confirmed.map(({ reads }) => reads)];
    for (const reads of lists) for (const read of reads) if (!read.done) yield read;
  }
}
