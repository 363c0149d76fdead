import type { Broken } from "./broken.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { ShadowLogs } from "./shadow-logs.ts";

/**
 * No two agents apply different entries at an index (Raft paper, Figure 3), and machines that applied the same entries are the same, byte for
 * byte. This checker is also the one that writes down what has committed.
 */
export class StateMachineSafety {
  readonly #logs: ShadowLogs;
  readonly #committed: CommittedLog;
  readonly #names: readonly string[];
  readonly #broken: Broken;
  readonly #snapshots = new Map<number, { readonly digest: number; readonly agent: string }>();

  constructor(logs: ShadowLogs, committed: CommittedLog, names: readonly string[], broken: Broken) {
    this.#logs = logs;
    this.#committed = committed;
    this.#names = names;
    this.#broken = broken;
  }

  /** An agent, in this term, says that all up to `index` is committed. Returns whether that is news to all. */
  reported(agent: number, index: number, term: number): boolean {
    const name = this.#names[agent] as string;
    const log = this.#logs.memory[agent];
    if (!log) return false;
    if (index > log.lastIndex) {
      this.#broken("state machine safety", `${name} commits index ${index} but its log ends at ${log.lastIndex}`);
      return false;
    }
    const committed = this.#committed;
    const known = Math.min(index, committed.lastIndex);
    if (log.chainAt(known) !== committed.chainAt(known)) {
      this.#broken(
        "state machine safety",
        `${name} commits another entry at index ${this.#firstDifference(agent, known)}`,
      );
      return false;
    }
    if (index <= committed.lastIndex) return false;
    for (let at = known + 1; at <= index; at++)
      committed.push(log.chainAt(at) as number, log.termAt(at) as number, term, log.changedAt(at));
    return true;
  }

  /** @param digest of all its replicated machines after applying `applied`. */
  snapshot(agent: number, applied: number, digest: number): void {
    const known = this.#snapshots.get(applied);
    const name = this.#names[agent] as string;
    if (!known) this.#snapshots.set(applied, { digest, agent: name });
    else if (known.digest !== digest)
      this.#broken(
        "state machine safety",
        `${known.agent} and ${name} applied up to ${applied} and differ in their state`,
      );
  }

  #firstDifference(agent: number, upTo: number): number {
    const log = this.#logs.memory[agent];
    let low = 0;
    let high = upTo;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (log?.chainAt(middle) === this.#committed.chainAt(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
