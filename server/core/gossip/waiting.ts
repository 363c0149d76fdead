import { bytesOf } from "./retained.ts";
import type { Operation } from "./types.ts";
import type { VersionVector } from "./version-vector.ts";

/** Of one origin, beyond the next one to be delivered. */
const MAX_WINDOW = 65_536;

/** An operation as it came. */
export interface Arrived {
  readonly operation: Operation;
  /** 0: by anti-entropy, which is not passed on at once. */
  readonly hops: number;
  /** The place of whom it came from. */
  readonly from: number;
  /** It goes its way by itself, and is not passed on here. */
  readonly broadcast?: boolean;
}

/**
 * Operations that have arrived before what they depend on, or with a stamp too far ahead. Bounded: what does not find room is forgotten, and comes again by anti-entropy. What can
 * be delivered at once never needs room, so that a full set keeps nobody from going on.
 */
export class Waiting {
  readonly #maxBytes: number;
  readonly #byOrigin = new Map<number, Map<number, Arrived>>();
  #bytes = 0;
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#size;
  }

  has({ origin, seq }: Operation): boolean {
    return this.#byOrigin.get(origin)?.has(seq) === true;
  }

  /** @param delivered how many of its origin are. Returns whether there was room. */
  add(arrived: Arrived, delivered: number): boolean {
    const { operation } = arrived;
    const bytes = bytesOf(operation);
    if (this.#bytes + bytes > this.#maxBytes || operation.seq > delivered + MAX_WINDOW) return false;
    const waiting = this.#byOrigin.get(operation.origin) ?? new Map<number, Arrived>();
    if (waiting.has(operation.seq)) return true;
    this.#byOrigin.set(operation.origin, waiting);
    waiting.set(operation.seq, arrived);
    this.#bytes += bytes;
    this.#size++;
    return true;
  }

  /** Those of whom there are any, rising. */
  origins(): number[] {
    return [...this.#byOrigin.keys()].sort((one, other) => one - other);
  }

  /** The next one of an origin, if it is here. */
  next(origin: number, have: VersionVector): Arrived | undefined {
    return this.#byOrigin.get(origin)?.get(have.get(origin) + 1);
  }

  take({ operation }: Arrived): void {
    const waiting = this.#byOrigin.get(operation.origin);
    waiting?.delete(operation.seq);
    if (waiting?.size === 0) this.#byOrigin.delete(operation.origin);
    this.#bytes -= bytesOf(operation);
    this.#size--;
  }

  forgetOne({ origin, seq }: Operation): void {
    const arrived = this.#byOrigin.get(origin)?.get(seq);
    if (arrived !== undefined) this.take(arrived);
  }

  /** What was delivered by other means waits no longer. */
  forget(have: VersionVector): void {
    for (const [origin, waiting] of this.#byOrigin)
      for (const [seq, arrived] of waiting) if (seq <= have.get(origin)) this.take(arrived);
  }
}
