import type { Snapshot } from "../../agent/world.ts";
import type { Configuration } from "../../core/consensus.ts";
import type { Broken } from "./broken.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { ShadowLogs } from "./shadow-logs.ts";

/**
 * A snapshot stands for entries that committed and for nothing else: it has the term of the last of them and the members as they were then (Raft paper,
 * §7; Ongaro's thesis, §5.1). What its data is, the state machine safety checker judges.
 */
export class Snapshots {
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

  /**
   * An agent replaces the beginning of its log, or all of it. To be called before the shadow logs follow. @param commit what it said to be committed.
   * Returns false when the shadow logs cannot follow.
   */
  replaces(agent: number, { index, term, configuration }: Snapshot, discardLog: boolean, commit: number): boolean {
    const name = this.#names[agent] as string;
    const own = this.#logs.memory[agent];
    if (own === undefined) return false;
    if (discardLog && index > this.#committed.lastIndex) {
      this.#broken("snapshots", `${name} takes over a snapshot up to ${index}, which is not committed`);
      return false;
    }
    if (!discardLog && index > commit) {
      this.#broken("snapshots", `${name} takes a snapshot up to ${index}, and knows of ${commit} as committed`);
      return false;
    }
    const ownTerm = discardLog ? this.#committed.entryTermAt(index) : own.termAt(index);
    if (term !== ownTerm)
      this.#broken("snapshots", `${name} has a snapshot up to ${index} of term ${term}; that entry is of ${ownTerm}`);
    const members = discardLog
      ? this.#committed.configurationsUpTo(index).at(-1)?.configuration
      : own.configurationAt(index);
    if (members !== undefined && described(members) !== described(configuration))
      this.#broken(
        "snapshots",
        `${name} has a snapshot up to ${index} with the members ${described(configuration)}; they were ${described(members)}`,
      );
    return true;
  }
}

function described({ voters, outgoing, learners, learnersNext, autoLeave }: Configuration): string {
  const named = { voters, outgoing, learners, learnersNext };
  const lists = Object.entries(named).flatMap(([what, ids]) => (ids.length > 0 ? [`${what} ${ids.join(", ")}`] : []));
  return `${lists.join("; ")}${autoLeave ? " (on the way out)" : ""}`;
}
