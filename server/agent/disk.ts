import type { Entry, Outgoing, PersistBatch } from "../core/consensus.ts";
import type { HardState } from "../core/raft/types.ts";
import type { AgentMessage } from "./consensus/messages.ts";
import type { Cause } from "./timeline.ts";
import type { DurableLog, LogBatch, LogSnapshot } from "./world.ts";

/** Messages that wait for a batch, and the event that led to them. */
export interface HeldMessages {
  readonly messages: readonly Outgoing<AgentMessage>[];
  readonly cause: Cause | undefined;
}

interface Append {
  readonly batch: LogBatch;
  readonly lastBatchId: number;
  readonly held: HeldMessages[];
}

/**
 * The durable log as the turns use it: all that one turn has to write becomes one append, and what must wait for it waits here. While an append is
 * being written the next one builds up: group commit. A snapshot begins an append of its own, because it takes effect before the entries beside it.
 */
export class Disk {
  readonly #log: DurableLog;
  readonly #wake: () => void;
  /** Appends of this turn that nothing is added to any more. */
  #complete: Append[] = [];
  #snapshot: LogSnapshot | undefined;
  #entries: Entry[] = [];
  #hardState: HardState | undefined;
  #lastBatchId = 0;
  #held: HeldMessages[] = [];
  /** Being written, oldest first. */
  #writing: Append[] = [];
  /** How many of those are durable by now. */
  #durable = 0;

  constructor(log: DurableLog, wake: () => void) {
    this.#log = log;
    this.#wake = wake;
  }

  /** A batch of this turn; a later one may replace the end of an earlier one. */
  add(batch: PersistBatch<HardState>): void {
    if (batch.snapshot !== undefined) {
      this.#completeAppend();
      this.#snapshot = batch.snapshot;
    }
    const first = batch.entries[0];
    if (this.#entries.length === 0) {
      this.#entries = batch.entries as Entry[];
    } else if (first !== undefined) {
      const kept = this.#entries.filter(({ index }) => index < first.index);
      this.#entries = kept.concat(batch.entries);
    }
    this.#hardState = batch.hardState ?? this.#hardState;
    this.#lastBatchId = batch.id;
  }

  /** Messages that may leave once all that was added so far is durable. Returned if it is already. */
  hold(messages: HeldMessages): HeldMessages | undefined {
    // Mostly it is the first: added to an array that is there, it would have room made for many.
    if (this.#lastBatchId !== 0 && this.#held.length === 0) this.#held = [messages];
    else if (this.#lastBatchId !== 0) this.#held.push(messages);
    else if (this.#writing.length > this.#durable) (this.#writing.at(-1) as Append).held.push(messages);
    else return messages;
    return undefined;
  }

  /** Hands this turn's appends to the log. */
  flush(): void {
    this.#completeAppend();
    if (this.#complete.length === 0) return;
    const appends = this.#complete;
    this.#complete = [];
    for (const append of appends) {
      if (this.#writing.length === 0) this.#writing = [append];
      else this.#writing.push(append);
      this.#log.append(append.batch, () => {
        this.#durable = Math.max(this.#durable, this.#writing.indexOf(append) + 1);
        this.#wake();
      });
    }
  }

  /** What has become durable since the last call: the last batch's id, and the messages that waited. */
  takeDurable(): { readonly batchId: number; readonly held: readonly HeldMessages[] } | undefined {
    if (this.#durable === 0) return undefined;
    const appends = this.#writing;
    this.#writing = appends.length === this.#durable ? [] : appends.splice(this.#durable);
    this.#durable = 0;
    const last = appends[appends.length - 1] as Append;
    return { batchId: last.lastBatchId, held: appends.length === 1 ? last.held : appends.flatMap(({ held }) => held) };
  }

  #completeAppend(): void {
    if (this.#lastBatchId === 0) return;
    const written: LogBatch =
      this.#hardState === undefined
        ? { entries: this.#entries }
        : { hardState: this.#hardState, entries: this.#entries };
    const batch = this.#snapshot === undefined ? written : { snapshot: this.#snapshot, ...written };
    const append = { batch, lastBatchId: this.#lastBatchId, held: this.#held };
    if (this.#complete.length === 0) this.#complete = [append];
    else this.#complete.push(append);
    this.#snapshot = undefined;
    this.#entries = [];
    this.#hardState = undefined;
    this.#lastBatchId = 0;
    this.#held = [];
  }
}
