import type { LogBatch, RecoveredLog } from "../../agent/world.ts";
import type { Entry } from "../../core/consensus.ts";
import { TraceHash } from "../trace-hash.ts";

/**
 * One log as the checkers remember it: for each index the entry's term and the *chain*, a hash of that entry and all before it. Two logs
 * with the same chain at an index are the same up to there.
 */
export class ShadowLog {
  readonly #terms: number[] = [0];
  readonly #chains: number[] = [0];

  get lastIndex(): number {
    return this.#terms.length - 1;
  }

  /** 0 before the first entry; undefined behind the last. */
  termAt(index: number): number | undefined {
    return this.#terms[index];
  }

  chainAt(index: number): number | undefined {
    return this.#chains[index];
  }

  get lastTerm(): number {
    return this.#terms[this.lastIndex] as number;
  }

  /** Replaces what is at and behind the entry's index. The index must not leave a gap. */
  put(entry: Entry): void {
    const chain = chained(this.#chains[entry.index - 1] as number, entry);
    this.putChained(entry.index, entry.term, chain);
  }

  putChained(index: number, term: number, chain: number): void {
    this.#terms.length = index;
    this.#chains.length = index;
    this.#terms.push(term);
    this.#chains.push(chain);
  }

  clear(): void {
    this.#terms.length = 1;
    this.#chains.length = 1;
  }
}

/** The chain of an entry whose predecessor has the given one. */
export function chained(before: number, entry: Entry): number {
  const hash = new TraceHash();
  hash.integer(before);
  hash.integer(entry.index);
  hash.integer(entry.term);
  hash.word(entry.kind);
  hash.integer(entry.timeMs);
  hash.bytes(entry.data);
  return hash.number();
}

/** Every agent's log, in its memory and on its disk. */
export class ShadowLogs {
  readonly memory: readonly ShadowLog[];
  readonly disk: readonly ShadowLog[];

  constructor(agents: number) {
    this.memory = Array.from({ length: agents }, () => new ShadowLog());
    this.disk = Array.from({ length: agents }, () => new ShadowLog());
  }

  /** After a start both are what recovery found. */
  recovered(agent: number, log: RecoveredLog): void {
    for (const shadow of [this.memory[agent] as ShadowLog, this.disk[agent] as ShadowLog]) {
      shadow.clear();
      for (const entry of log.entries) shadow.put(entry);
    }
  }

  /** Follows an append that left no gap; the log-matching checker has looked at it before. */
  appended(agent: number, batch: LogBatch): void {
    const shadow = this.memory[agent] as ShadowLog;
    for (const entry of batch.entries) shadow.put(entry);
  }

  durable(agent: number, batch: LogBatch): void {
    const disk = this.disk[agent] as ShadowLog;
    for (const entry of batch.entries) disk.put(entry);
  }
}
