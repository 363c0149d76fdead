import type { Entry, EntryKind } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import { MAX_ITEMS } from "./limits.ts";

const NOTHING: readonly Entry[] = [];

/**
 * The replicated log in memory. Positions count from 1; `firstIndex` is the first one held, as a snapshot stands for what is before it:
 * `firstIndex - 1` still has a term.
 *
 * Invariants: indexes have no gaps; terms never fall along the log (which is what makes search by term a binary one).
 */
export class RaftLog {
  #entries: Entry[] = [];
  #beforeIndex: number;
  #beforeTerm: number;

  /**
   * @param beforeIndex the position before the first entry, and its term.
   * @throws InvariantViolation when the entries are not consecutive from there or their terms fall.
   */
  constructor(entries: readonly Entry[], beforeIndex = 0, beforeTerm = 0) {
    this.#beforeIndex = beforeIndex;
    this.#beforeTerm = beforeTerm;
    this.append(entries);
  }

  get firstIndex(): number {
    return this.#beforeIndex + 1;
  }

  get lastIndex(): number {
    return this.#beforeIndex + this.#entries.length;
  }

  get lastTerm(): number {
    const last = this.#entries[this.#entries.length - 1];
    return last === undefined ? this.#beforeTerm : last.term;
  }

  /** ms; 0 when nothing is held. */
  get lastTimeMs(): number {
    const last = this.#entries[this.#entries.length - 1];
    return last === undefined ? 0 : last.timeMs;
  }

  /** The term at an index from `firstIndex - 1` to `lastIndex`; undefined outside. */
  termAt(index: number): number | undefined {
    if (index === this.#beforeIndex) return this.#beforeTerm;
    return this.#entries[index - this.#beforeIndex - 1]?.term;
  }

  /** Whether the log holds an entry (or the place before the first) with this index and term: the consistency check of §5.3. */
  matches(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** Entries from `from` to `to`, both inclusive. */
  slice(from: number, to: number): readonly Entry[] {
    if (from > to) return NOTHING;
    invariant(from >= this.firstIndex && to <= this.lastIndex, "only positions that the log holds are read");
    return this.#entries.slice(from - this.firstIndex, to - this.firstIndex + 1);
  }

  /** Entries from `from` on, as many as a message may carry, whose data together stay within `maxBytes`; one at least if there is one. */
  sliceBytes(from: number, maxBytes: number): readonly Entry[] {
    const start = from - this.firstIndex;
    const entries = this.#entries;
    if (start >= entries.length) return NOTHING;
    const limit = Math.min(entries.length, start + MAX_ITEMS);
    invariant(start >= 0, "only positions that the log holds are read");
    let end = start;
    let bytes = 0;
    do {
      bytes += (entries[end] as Entry).data.length;
      if (bytes > maxBytes && end > start) break;
      end++;
    } while (end < limit);
    return entries.slice(start, end);
  }

  /** Payload bytes from `from` to `to` (inclusive) of entries of one term. */
  bytesOfTerm(from: number, to: number, term: number): number {
    let bytes = 0;
    for (let index = from; index <= to; index++) {
      const entry = this.#entries[index - this.firstIndex] as Entry;
      if (entry.term === term) bytes += entry.data.length;
    }
    return bytes;
  }

  /** The largest index up to `upTo` whose term is at most `term`; `firstIndex - 1` when there is none. O(log n). */
  lastIndexOfTermAtMost(upTo: number, term: number): number {
    let low = this.firstIndex - 1;
    let high = Math.min(upTo, this.lastIndex);
    if ((this.termAt(high) ?? Number.POSITIVE_INFINITY) <= term) return high;
    while (low < high) {
      const middle = low + Math.ceil((high - low) / 2);
      if ((this.termAt(middle) as number) <= term) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @throws InvariantViolation unless the entries follow on what is held. */
  append(entries: readonly Entry[]): void {
    let index = this.lastIndex;
    let term = this.lastTerm;
    for (const entry of entries) {
      index++;
      invariant(entry.index === index, "the log has no gaps");
      invariant(entry.term >= term, "terms never fall along the log");
      term = entry.term;
      this.#entries.push(entry);
    }
  }

  /** Removes all up to `index`, for which a snapshot stands. */
  compact(index: number): void {
    invariant(index >= this.#beforeIndex && index <= this.lastIndex, "only positions that the log holds are compacted");
    this.#beforeTerm = this.termAt(index) as number;
    this.#entries = this.#entries.slice(index - this.#beforeIndex);
    this.#beforeIndex = index;
  }

  /** Forgets everything: what follows goes on after this position. */
  reset(index: number, term: number): void {
    this.#entries = [];
    this.#beforeIndex = index;
    this.#beforeTerm = term;
  }

  /** Removes `index` and all after it. */
  truncate(index: number): void {
    invariant(index >= this.firstIndex && index <= this.lastIndex, "only positions that the log holds are removed");
    this.#entries.length = index - this.firstIndex;
  }
}

/** One shape for all entries made here. */
export function makeEntry(index: number, term: number, kind: EntryKind, timeMs: number, data: Uint8Array): Entry {
  return { index, term, kind, timeMs, data };
}
