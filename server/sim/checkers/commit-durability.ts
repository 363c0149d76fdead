import type { Broken } from "./broken.ts";
import type { CommittedLog } from "./committed-log.ts";
import { describeVoters, isQuorum } from "./quorums.ts";
import type { ShadowLogs } from "./shadow-logs.ts";

/**
 * When an index commits it is on the disks of a quorum, together with all before it: otherwise crashes alone could take it back. A quorum of the members
 * as its leader has them; where that changed them in the turn in which it committed, of those before.
 */
export class CommitDurability {
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

  /** To be called whenever the committed log grew. @param agent by whose word. */
  grew(agent: number): void {
    const index = this.#committed.lastIndex;
    const chain = this.#committed.chainAt(index);
    const log = this.#logs.memory[agent];
    if (log === undefined) return;
    const copies = this.#names.filter((_, at) => this.#logs.disk[at]?.chainAt(index) === chain);
    const holds = (id: string) => copies.includes(id);
    const members = log.configurationAt(log.lastIndex);
    if (isQuorum(members, holds)) return;
    if (log.lastChange > index && isQuorum(log.configurationAt(log.lastChange - 1), holds)) return;
    this.#broken(
      "commit durability",
      `index ${index} committed with durable copies at ${copies.join(", ") || "nobody"}; the voters are ${describeVoters(members)}`,
    );
  }
}
