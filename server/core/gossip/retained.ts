import { invariant } from "../invariant.ts";
import type { Operation, Vector } from "./types.ts";

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
  readonly #dropped: number[];
  /** By origin, of those of which any are. */
  readonly #kept = new Map<number, Kept[]>();
  #places = 0;
  #bytes = 0;

  constructor(dropped: Vector) {
    this.#dropped = dropped.slice();
  }

  /** About as many as they take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): Vector {
    return this.#dropped;
  }

  add(operation: Operation): void {
    const kept = this.#kept.get(operation.origin) ?? [];
    const last = (this.#dropped[operation.origin] as number) + kept.length;
    invariant(operation.seq === last + 1, `gossip: operations are kept in order (${operation.seq} after ${last})`);
    kept.push({ operation, place: ++this.#places });
    this.#kept.set(operation.origin, kept);
    this.#bytes += bytesOf(operation);
  }

  /** In the order in which they were delivered: those up to `upTo`. */
  *upTo(upTo: Vector): Generator<Operation, void> {
    yield* this.#merged(this.#dropped, upTo);
  }

  /**
   * What lacks, as far as there is room: one at least.
   * @param have what whoever asks has. @param ours what this agent has.
   */
  lacking(have: Vector, ours: Vector, maxOperations: number, maxBytes: number): Lacking {
    const gaps = have.map((seq, origin) => seq < (this.#dropped[origin] as number));
    const from = have.map((seq, origin) => (gaps[origin] ? (ours[origin] as number) : seq));
    const operations: Operation[] = [];
    let bytes = 0;
    for (const operation of this.#merged(from, ours)) {
      bytes += bytesOf(operation);
      if (operations.length > 0 && (bytes > maxBytes || operations.length >= maxOperations)) break;
      operations.push(operation);
    }
    return { operations, gap: gaps.includes(true) };
  }

  /** Those up to the line are not kept any more. */
  drop(line: Vector): void {
    for (let origin = 0; origin < line.length; origin++)
      this.#dropFirst(origin, (line[origin] as number) - (this.#dropped[origin] as number));
  }

  /** Those up to the line are not kept any more, the oldest first, until no more than so many bytes are left. */
  dropOldest(line: Vector, toBytes: number): void {
    while (this.#bytes > toBytes) {
      let oldest: Kept | undefined;
      for (const [origin, kept] of this.#kept) {
        const first = kept[0];
        if (first === undefined || first.operation.seq > (line[origin] as number)) continue;
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
    this.#dropped[origin] = (this.#dropped[origin] as number) + gone.length;
  }

  /** Each origin's after `from` up to `to`, by their places. */
  *#merged(from: Vector, to: Vector): Generator<Operation, void> {
    const runs: { readonly kept: Kept[]; at: number; readonly end: number }[] = [];
    for (const [origin, kept] of this.#kept) {
      const dropped = this.#dropped[origin] as number;
      const at = Math.max(0, (from[origin] as number) - dropped);
      const end = Math.min(kept.length, (to[origin] as number) - dropped);
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
