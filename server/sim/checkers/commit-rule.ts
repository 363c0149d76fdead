import type { Broken } from "./broken.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { ShadowLogs } from "./shadow-logs.ts";

/** A leader commits by counting copies only what is of its own term; older entries commit with it (Raft paper, §5.4.2 and Figure 8). */
export class CommitRule {
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

  /** To be called when the committed log grew by what this leader of `term` said. */
  grew(leader: number, term: number): void {
    const index = this.#committed.lastIndex;
    const entryTerm = this.#logs.memory[leader]?.termAt(index);
    if (entryTerm !== term)
      this.#broken(
        "commit rule",
        `${this.#names[leader]} leads term ${term} and commits up to index ${index}, which is of term ${entryTerm}`,
      );
  }
}
