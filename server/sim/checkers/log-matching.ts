import type { LogBatch } from "../../agent/world.ts";
import type { Broken } from "./broken.ts";
import { chained, type ShadowLogs } from "./shadow-logs.ts";

/** Terms and indexes below this pack into one exact number. */
const PACK = 2 ** 26;

/**
 * Two logs that hold an entry with the same index and term are the same up to there (Raft paper, Figure 3). As an entry of an index
 * and term has one chain wherever it is appended, comparing each with the first one seen is enough. Also: a log has no gaps and its
 * terms and times never fall, and a leader never replaces an entry of its own log.
 */
export class LogMatching {
  readonly #logs: ShadowLogs;
  readonly #names: readonly string[];
  readonly #broken: Broken;
  readonly #chains = new Map<number, number>();

  constructor(logs: ShadowLogs, names: readonly string[], broken: Broken) {
    this.#logs = logs;
    this.#names = names;
    this.#broken = broken;
  }

  /**
   * To be called before the shadow logs follow. @param leads in the term of its log's end.
   * @returns the chain of each entry; undefined when the shadow logs cannot follow.
   */
  appended(agent: number, batch: LogBatch, leads: boolean): readonly number[] | undefined {
    const name = this.#names[agent] as string;
    const log = this.#logs.memory[agent];
    if (!log || batch.entries.length === 0) return [];
    const chains: number[] = [];
    const first = batch.entries[0]?.index as number;
    if (first < 1 || first > log.lastIndex + 1) {
      this.#broken("log matching", `${name} leaves a gap: its log ends at ${log.lastIndex} and goes on at ${first}`);
      return undefined;
    }
    if (leads && first <= log.lastIndex)
      this.#broken(
        "leader append-only",
        `${name} leads and replaces entry ${first} of its log, which ends at ${log.lastIndex}`,
      );
    let index = first;
    let term = log.termAt(first - 1) as number;
    let chain = log.chainAt(first - 1) as number;
    let timeMs = 0;
    for (const entry of batch.entries) {
      if (entry.index !== index) {
        this.#broken("log matching", `${name} appends index ${entry.index} where ${index} is next`);
        return undefined;
      }
      if (entry.term < term)
        this.#broken("log matching", `${name}: entry ${index} has term ${entry.term}, the one before it term ${term}`);
      if (entry.timeMs < timeMs)
        this.#broken(
          "log matching",
          `${name}: entry ${index} is from ${entry.timeMs} ms, the one before it from ${timeMs} ms`,
        );
      term = entry.term;
      timeMs = entry.timeMs;
      chain = chained(chain, entry);
      chains.push(chain);
      const key = term * PACK + index;
      const known = this.#chains.get(key);
      if (known === undefined) this.#chains.set(key, chain);
      else if (known !== chain)
        this.#broken(
          "log matching",
          `${name} holds index ${index} of term ${term}, but the logs that hold it differ there or before it`,
        );
      index++;
    }
    return chains;
  }
}
