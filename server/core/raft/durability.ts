import type { Entry, PersistBatch, Snapshot } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { RaftLog } from "./log.ts";
import type { HardState } from "./types.ts";

interface PendingBatch {
  readonly id: number;
  readonly hardState: HardState | undefined;
  /** The last index that will be durable with it. Falls when the log is truncated meanwhile. */
  lastIndex: number;
}

/**
 * What of this agent's state is durable, what is being written, what is still to be written.
 *
 * Invariant: `index` ≤ `#handedOut` ≤ the log's last index; entries up to `index` are on disk exactly as they are in the log.
 */
export class Durability {
  /** The hard state as it would survive a crash now. */
  hardState: HardState;
  /** The highest index that would survive a crash now. */
  index: number;
  #handedOut: number;
  #lastHardState: HardState;
  #snapshot: PersistBatch<HardState>["snapshot"];
  #nextBatchId = 1;
  readonly #pending: PendingBatch[] = [];

  constructor(hardState: HardState, lastIndex: number) {
    this.hardState = hardState;
    this.#lastHardState = hardState;
    this.index = lastIndex;
    this.#handedOut = lastIndex;
  }

  /**
   * The next batch, or undefined if there is nothing to write. The commit index is only a hint, so it travels when something else is
   * written anyway. @param state what the hard state is by now.
   */
  take(log: RaftLog, { term, votedFor, commit }: HardState): PersistBatch<HardState> | undefined {
    const last = this.#lastHardState;
    const voteChanged = term !== last.term || votedFor !== last.votedFor;
    const lastIndex = log.lastIndex;
    const snapshot = this.#snapshot;
    if (!voteChanged && lastIndex === this.#handedOut && snapshot === undefined) return undefined;
    this.#snapshot = undefined;
    const entries: readonly Entry[] = log.slice(this.#handedOut + 1, lastIndex);
    const id = this.#nextBatchId++;
    const written = voteChanged || commit !== last.commit ? { term, votedFor, commit } : undefined;
    if (written !== undefined) this.#lastHardState = written;
    this.#handedOut = lastIndex;
    this.#pending.push({ id, hardState: written, lastIndex });
    const batch = written === undefined ? { id, entries } : { id, hardState: written, entries };
    return snapshot === undefined ? batch : { ...batch, snapshot };
  }

  /** Goes with the next batch; stands for entries that were handed out. */
  compacted(snapshot: Snapshot): void {
    invariant(snapshot.index <= this.#handedOut, "a snapshot stands for entries that the disk was given");
    // One that replaced the log and is not written yet still has to.
    this.#snapshot = { snapshot, discardLog: this.#snapshot?.discardLog ?? false };
  }

  /** A leader's snapshot took the place of the whole log. @param agreed the index up to which what was there was the same: the commit index before. */
  installed(snapshot: Snapshot, agreed: number): void {
    this.truncated(agreed + 1);
    this.#snapshot = { snapshot, discardLog: true };
    this.#handedOut = snapshot.index;
  }

  /** The log is about to lose `index` and all after it: no batch under way makes those positions durable any more. */
  truncated(index: number): void {
    const kept = index - 1;
    if (this.index > kept) this.index = kept;
    if (this.#handedOut > kept) this.#handedOut = kept;
    for (const batch of this.#pending) if (batch.lastIndex > kept) batch.lastIndex = kept;
  }

  /** @throws InvariantViolation when the batch was never handed out. */
  persisted(batchId: number): void {
    invariant(batchId < this.#nextBatchId, "only batches that were taken become durable");
    while (this.#pending.length > 0) {
      const batch = this.#pending[0] as PendingBatch;
      if (batch.id > batchId) break;
      this.#pending.shift();
      if (batch.hardState !== undefined) this.hardState = batch.hardState;
      if (batch.lastIndex > this.index) this.index = batch.lastIndex;
    }
  }
}
