import type { Entry } from "../../core/consensus.ts";
import type { LogBatch, RecoveredLog } from "../world.ts";

/** The end of an agent's log, as its appends tell it: what is in no snapshot yet. */
export class LogTail {
  #entries: Entry[];

  constructor({ entries }: Pick<RecoveredLog, "entries">) {
    this.#entries = [...entries];
  }

  appended({ entries, snapshot }: Pick<LogBatch, "entries" | "snapshot">): void {
    if (snapshot?.discardLog) this.#entries = [];
    const first = entries[0];
    if (first === undefined) return;
    const last = this.#entries.at(-1);
    if (last !== undefined && last.index >= first.index)
      this.#entries = this.#entries.filter(({ index }) => index < first.index);
    for (const entry of entries) this.#entries.push(entry);
  }

  /** Entries up to this one are not needed any more. */
  drop(upTo: number): void {
    const first = this.#entries[0];
    if (first !== undefined && first.index <= upTo) this.#entries = this.after(upTo);
  }

  after(index: number): Entry[] {
    const first = this.#entries[0];
    return first === undefined ? [] : this.#entries.slice(Math.max(0, index + 1 - first.index));
  }
}
