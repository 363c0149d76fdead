import type { LogBatch, LogSnapshot, RecoveredLog } from "../../agent/world.ts";
import { type Configuration, type Entry, EntryKind } from "../../core/consensus.ts";
import { decodeConfiguration } from "../../core/raft/configuration.ts";
import { TraceHash } from "../trace-hash.ts";
import type { CommittedLog, ConfiguredFrom } from "./committed-log.ts";

/**
 * One log as the checkers remember it: for each index the entry's term and the *chain*, a hash of that entry and all before it. Two logs
 * with the same chain at an index are the same up to there. Nothing is compacted here: a log that begins with a snapshot has before it what committed.
 */
export class ShadowLog {
  readonly #terms: number[] = [0];
  readonly #chains: number[] = [0];
  #configurations: ConfiguredFrom[] = [];

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

  /** The latest configuration that an entry up to this one, or the bootstrap, made the present one. */
  configurationAt(index: number): Configuration {
    const found = this.#configurations.findLast((one) => one.index <= index);
    return (found ?? (this.#configurations[0] as ConfiguredFrom)).configuration;
  }

  /** What an entry changed the members to, if it did. */
  changedAt(index: number): Configuration | undefined {
    return this.#configurations.findLast((one) => one.index === index && index > 0)?.configuration;
  }

  /** Index of the latest entry that changed the members; 0: none did. */
  get lastChange(): number {
    return this.#configurations.at(-1)?.index ?? 0;
  }

  /** Replaces what is at and behind the entry's index. The index must not leave a gap. @param chain of the entry, where it is known already */
  put(entry: Entry, chain = chained(this.#chains[entry.index - 1] as number, entry)): void {
    const { index, term } = entry;
    if (index < this.#terms.length) {
      this.#terms.length = index;
      this.#chains.length = index;
    }
    this.#terms.push(term);
    this.#chains.push(chain);
    while (this.lastChange >= index) this.#configurations.pop();
    if (entry.kind === EntryKind.configuration)
      this.#configurations.push({ index, configuration: decodeConfiguration(entry.data) });
  }

  /** Becomes what committed up to an index. */
  become(committed: CommittedLog, index: number): void {
    this.#terms.length = 0;
    this.#chains.length = 0;
    for (let at = 0; at <= index; at++) {
      this.#terms.push(committed.entryTermAt(at) as number);
      this.#chains.push(committed.chainAt(at) as number);
    }
    this.#configurations = committed.configurationsUpTo(index);
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
  readonly #committed: CommittedLog;

  constructor(agents: number, committed: CommittedLog) {
    this.#committed = committed;
    const empty = () => {
      const log = new ShadowLog();
      log.become(committed, 0);
      return log;
    };
    this.memory = Array.from({ length: agents }, empty);
    this.disk = Array.from({ length: agents }, empty);
  }

  /** After a start both are what recovery found. Its snapshot must be of what committed. */
  recovered(agent: number, log: RecoveredLog): void {
    for (const shadow of [this.memory[agent] as ShadowLog, this.disk[agent] as ShadowLog]) {
      shadow.become(this.#committed, log.snapshot?.index ?? 0);
      for (const entry of log.entries) shadow.put(entry);
    }
  }

  /** Follows a snapshot that was found to be of what committed. */
  replaced(agent: number, { snapshot, discardLog }: LogSnapshot): void {
    if (discardLog) this.memory[agent]?.become(this.#committed, snapshot.index);
  }

  /** Follows entries that left no gap; the log-matching checker has looked at them before. */
  appended(agent: number, batch: LogBatch, chains: readonly number[]): void {
    const shadow = this.memory[agent] as ShadowLog;
    for (const [at, entry] of batch.entries.entries()) shadow.put(entry, chains[at]);
  }

  durable(agent: number, batch: LogBatch): void {
    const disk = this.disk[agent] as ShadowLog;
    if (batch.snapshot?.discardLog) disk.become(this.#committed, batch.snapshot.snapshot.index);
    for (const entry of batch.entries) disk.put(entry);
  }
}
