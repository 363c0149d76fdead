import type { HardState } from "../../core/raft/types.ts";
import type { Broken } from "./broken.ts";

/**
 * An agent votes for one candidate a term, over all its lives, and its term never falls (Raft paper, §5.2). Seen where the promise is
 * kept: in what becomes durable.
 */
export class SingleVote {
  readonly #last: HardState[];
  readonly #names: readonly string[];
  readonly #broken: Broken;

  constructor(names: readonly string[], broken: Broken) {
    this.#names = names;
    this.#last = names.map(() => ({ term: 0, votedFor: "", commit: 0 }));
    this.#broken = broken;
  }

  durable(agent: number, next: HardState): void {
    const last = this.#last[agent] as HardState;
    if (next.term < last.term)
      this.#broken("single vote", `${this.#names[agent]} went back from term ${last.term} to term ${next.term}`);
    else if (next.term === last.term && last.votedFor !== "" && next.votedFor !== last.votedFor)
      this.#broken(
        "single vote",
        `${this.#names[agent]} voted for ${last.votedFor} and then for ${next.votedFor || "nobody"} in term ${next.term}`,
      );
    this.#last[agent] = next;
  }
}
