import type { Entry } from "../core/consensus.ts";
import type { Machine } from "./machine.ts";

export interface CompactionConfig {
  /** A snapshot is due after so many entries since the last one ... */
  readonly everyEntries: number;
  /** ... or so many bytes of their data. */
  readonly everyBytes: number;
  /** In [0, 1), another one at each agent: so that they do not all write snapshots at the same moment. */
  readonly share: number;
}

/** How much later than due the latest agent begins, of the whole. */
const SPREAD = 0.25;
/** While the log is smaller than the state, a snapshot costs more than it saves (Ongaro's thesis, §5.1.2): it waits, up to so many times as long. */
const PATIENCE = 4;
/** What an entry takes besides its data, about. */
const ENTRY_BYTES = 32;

/**
 * When the log is to be compacted, and the snapshot for it while it is being made: a step a turn, between which the machine goes on.
 */
export class Compaction {
  readonly #machine: Machine;
  readonly #everyEntries: number;
  readonly #everyBytes: number;
  /** The entry that the latest snapshot ends with, and its size. */
  #lastIndex = 0;
  #lastBytes = 0;
  /** Data of the entries since. */
  #grownBytes = 0;
  #taking: { readonly index: number; readonly steps: Generator<void, Uint8Array> } | undefined;

  constructor(machine: Machine, { everyEntries, everyBytes, share }: CompactionConfig) {
    this.#machine = machine;
    const later = 1 + SPREAD * share;
    this.#everyEntries = everyEntries * later;
    this.#everyBytes = everyBytes * later;
  }

  /** The machine was restored from a snapshot of so many bytes. One that is being made is not needed any more. */
  restored(bytes: number): void {
    this.#taking = undefined;
    this.#begun(this.#machine.index);
    this.#lastBytes = bytes;
  }

  applied(entries: readonly Entry[]): void {
    for (const { data } of entries) this.#grownBytes += data.length;
  }

  /** A snapshot is being made: `step` is to be called in the next turn. */
  get active(): boolean {
    return this.#taking !== undefined;
  }

  /** Begins a snapshot of the machine as it is now, if one is due. */
  begin(): void {
    if (this.#taking === undefined && this.#due()) this.beginNow();
  }

  /** Begins one now, whether or not one is due. None is being made. */
  beginNow(): void {
    this.#taking = { index: this.#machine.index, steps: this.#machine.snapshotInSteps() };
    this.#begun(this.#machine.index);
  }

  /** All that is left of the one that is being made, if any. */
  finish(): { readonly index: number; readonly data: Uint8Array } | undefined {
    while (this.#taking !== undefined) {
      const done = this.step();
      if (done !== undefined) return done;
    }
    return undefined;
  }

  /** The next step of the one that is being made. Returns it when it is done. */
  step(): { readonly index: number; readonly data: Uint8Array } | undefined {
    const taking = this.#taking;
    if (taking === undefined) return undefined;
    const { done, value } = taking.steps.next();
    if (!done) return undefined;
    this.#taking = undefined;
    this.#lastBytes = value.length;
    return { index: taking.index, data: value };
  }

  #begun(index: number): void {
    this.#lastIndex = index;
    this.#grownBytes = 0;
  }

  #due(): boolean {
    const entries = this.#machine.index - this.#lastIndex;
    if (entries < this.#everyEntries && this.#grownBytes < this.#everyBytes) return false;
    if (entries >= this.#everyEntries * PATIENCE || this.#grownBytes >= this.#everyBytes * PATIENCE) return true;
    return this.#grownBytes + entries * ENTRY_BYTES >= this.#lastBytes;
  }
}
