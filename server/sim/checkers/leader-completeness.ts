import type { Broken } from "./broken.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { ShadowLogs } from "./shadow-logs.ts";

/** What committed in a term is in the log of every leader of a later term (Raft paper, Figure 3). */
export class LeaderCompleteness {
  readonly #logs: ShadowLogs;
  readonly #committed: CommittedLog;
  readonly #names: readonly string[];
  readonly #broken: Broken;

  constructor(logs: ShadowLogs, committed: CommittedLog, names: readonly string[], broken: Broken) {
    this.#logs = logs;
    this.#committed = committed;
    this.#names = names;
    this.#broken = broken;
  }

  becameLeader(agent: number, term: number): void {
    this.#check(agent, term, this.#committed.lastBefore(term));
  }

  /** Something new committed in `term`: who leads a later term by now must have it too. @param leaders with their terms. */
  committed(term: number, leaders: readonly { readonly agent: number; readonly term: number }[]): void {
    for (const leader of leaders)
      if (leader.term > term) this.#check(leader.agent, leader.term, this.#committed.lastBefore(leader.term));
  }

  #check(agent: number, term: number, index: number): void {
    const log = this.#logs.memory[agent];
    if (log?.chainAt(index) === this.#committed.chainAt(index)) return;
    this.#broken(
      "leader completeness",
      `${this.#names[agent]} leads term ${term} without all that committed before: index ${index} of term ${this.#committed.termAt(index)}`,
    );
  }
}
