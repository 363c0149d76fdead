import type { Entry } from "../../core/consensus.ts";
import type { LogBatch, RecoveredLog } from "../world.ts";

/** Applied entries are let go of when there are so many. */
const KEPT = 4096;

/** The end of an agent's log, as its appends tell it: what was not applied yet, and a little more. */
export class LogTail {
  #entries: Entry[];

  constructor({ entries }: Pick<RecoveredLog, "entries">) {
    this.#entries = [...entries];
  }

  /** @param applied entries up to here are not needed any more. */
  appended({ entries, snapshot }: Pick<LogBatch, "entries" | "snapshot">, applied: number): void {
    if (snapshot?.discardLog) this.#entries = [];
    const first = entries[0];
    if (first === undefined) return;
    const last = this.#entries.at(-1);
    if (last !== undefined && last.index >= first.index)
      this.#entries = this.#entries.filter(({ index }) => index < first.index);
    for (const entry of entries) this.#entries.push(entry);
    if (this.#entries.length > KEPT) this.#entries = this.after(applied);
  }

  after(applied: number): Entry[] {
    const first = this.#entries[0];
    return first === undefined ? [] : this.#entries.slice(Math.max(0, applied + 1 - first.index));
  }
}
