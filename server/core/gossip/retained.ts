import { invariant } from "../invariant.ts";
import type { Operation } from "./types.ts";
import type { VersionVector } from "./version-vector.ts";

/** What an operation takes in memory besides its command, about. */
const OPERATION_BYTES = 64;

export function bytesOf({ data, deps }: Operation): number {
  return OPERATION_BYTES + data.length + deps.length * 8;
}

interface Kept {
  readonly operation: Operation;
  /** Counts up in the order of delivery. */
  readonly place: number;
}

/** What a comparison is answered with. */
export interface Lacking {
  /** In the order in which they were delivered here, which is a causal one. */
  readonly operations: readonly Operation[];
  /** Some that are lacked are not kept any more. */
  readonly gap: boolean;
}

/**
 * Operations that were delivered and are kept for whoever lacks them.
 *
 * Invariant: of each origin those kept are consecutive, from the one after `dropped` up to the last one delivered.
 */
export class Retained {
  /** Of each origin: how many are not kept any more. */
  readonly #dropped: VersionVector;
  /** By origin, of those of which any are. */
  readonly #kept = new Map<number, Kept[]>();
  #places = 0;
  #bytes = 0;

  constructor(dropped: VersionVector) {
    this.#dropped = dropped.copy();
  }

  /** About as many as they take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): VersionVector {
    return this.#dropped;
  }

  add(operation: Operation): void {
    const kept = this.#kept.get(operation.origin) ?? [];
    const last = this.#dropped.get(operation.origin) + kept.length;
    invariant(operation.seq === last + 1, `gossip: operations are kept in order (${operation.seq} after ${last})`);
    kept.push({ operation, place: ++this.#places });
    this.#kept.set(operation.origin, kept);
    this.#bytes += bytesOf(operation);
  }

  /** In the order in which they were delivered: those up to `upTo`. */
  *upTo(upTo: VersionVector): Generator<Operation, void> {
    yield* this.#merged(this.#dropped, upTo);
  }

  /**
   * What lacks, as far as there is room: one at least.
   * @param have what whoever asks has. @param ours what this agent has.
   */
  lacking(have: VersionVector, ours: VersionVector, maxOperations: number, maxBytes: number): Lacking {
    const gaps: number[] = [];
    this.#dropped.visit((origin, seq) => {
      if (have.get(origin) < seq) gaps.push(origin);
    });
    const from = have.copy();
    for (const origin of gaps) from.set(origin, ours.get(origin));
    const operations: Operation[] = [];
    let bytes = 0;
    for (const operation of this.#merged(from, ours)) {
      bytes += bytesOf(operation);
      if (operations.length > 0 && (bytes > maxBytes || operations.length >= maxOperations)) break;
      operations.push(operation);
    }
    return { operations, gap: gaps.length > 0 };
  }

  /** Those up to the line are not kept any more. */
  drop(line: VersionVector): void {
    line.visit((origin, seq) => this.#dropFirst(origin, seq - this.#dropped.get(origin)));
  }

  /** Those up to the line are not kept any more, the oldest first, until no more than so many bytes are left. */
  dropOldest(line: VersionVector, toBytes: number): void {
    while (this.#bytes > toBytes) {
      let oldest: Kept | undefined;
      for (const [origin, kept] of this.#kept) {
        const first = kept[0];
        if (first === undefined || first.operation.seq > line.get(origin)) continue;
        if (oldest === undefined || first.place < oldest.place) oldest = first;
      }
      if (oldest === undefined) return;
      this.#dropFirst(oldest.operation.origin, 1);
    }
  }

  #dropFirst(origin: number, count: number): void {
    if (count <= 0) return;
    const kept = this.#kept.get(origin);
    if (kept === undefined) return;
    const gone = kept.splice(0, count);
    if (kept.length === 0) this.#kept.delete(origin);
    for (const { operation } of gone) this.#bytes -= bytesOf(operation);
    this.#dropped.set(origin, this.#dropped.get(origin) + gone.length);
  }

  /** Each origin's after `from` up to `to`, by their places. */
  *#merged(from: VersionVector, to: VersionVector): Generator<Operation, void> {
    const runs: { readonly kept: Kept[]; at: number; readonly end: number }[] = [];
    for (const [origin, kept] of this.#kept) {
      const dropped = this.#dropped.get(origin);
      const at = Math.max(0, from.get(origin) - dropped);
      const end = Math.min(kept.length, to.get(origin) - dropped);
      if (at < end) runs.push({ kept, at, end });
    }
    for (;;) {
      let next: { readonly kept: Kept[]; at: number; readonly end: number } | undefined;
      for (const run of runs) if (run.at < run.end && (next === undefined || placeIn(run) < placeIn(next))) next = run;
      if (next === undefined) return;
      yield (next.kept[next.at++] as Kept).operation;
    }
  }
}

function placeIn({ kept, at }: { readonly kept: readonly Kept[]; readonly at: number }): number {
  return (kept[at] as Kept).place;
}
