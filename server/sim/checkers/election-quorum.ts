import type { Broken } from "./broken.ts";
import { describeVoters, isQuorum } from "./quorums.ts";
import type { ShadowLogs } from "./shadow-logs.ts";

/** Who leads was elected by a quorum of the members that its log names, in a joint phase of both (Ongaro's thesis, §4.3). */
export class ElectionQuorum {
  readonly #logs: ShadowLogs;
  readonly #names: readonly string[];
  readonly #broken: Broken;

  constructor(logs: ShadowLogs, names: readonly string[], broken: Broken) {
    this.#logs = logs;
    this.#names = names;
    this.#broken = broken;
  }

  becameLeader(agent: number, term: number, votes: readonly string[]): void {
    const log = this.#logs.memory[agent];
    const members = log?.configurationAt(log.lastIndex);
    if (members === undefined || isQuorum(members, (id) => votes.includes(id))) return;
    this.#broken(
      "election quorum",
      `${this.#names[agent]} leads term ${term} with the votes of ${votes.join(", ")}; the voters are ${describeVoters(members)}`,
    );
  }
}
