import type { HardState } from "../../core/raft/types.ts";
import type { Broken } from "./broken.ts";

/**
 * An agent votes for one candidate a term, over all its lives, and its term never falls (Raft paper, §5.2). Seen in what becomes
 * durable, and within one life in the votes it says it gave; and what a leader was elected by no crash could take back any more (Figure 2: durable before
 * answering).
 */
export class SingleVote {
  readonly #last: HardState[];
  /** By agent: its newest vote in this life. A crash may undo one that was not durable, as nobody was told of it. */
  readonly #given: { readonly term: number; readonly candidate: string }[];
  readonly #names: readonly string[];
  readonly #broken: Broken;

  constructor(names: readonly string[], broken: Broken) {
    this.#names = names;
    this.#last = names.map(() => ({ term: 0, votedFor: "", commit: 0 }));
    this.#given = names.map(() => NONE);
    this.#broken = broken;
  }

  restarted(agent: number): void {
    this.#given[agent] = NONE;
  }

  voted(agent: number, term: number, candidate: string): void {
    const given = this.#given[agent] as typeof NONE;
    if (given.term === term && given.candidate !== candidate)
      this.#broken(
        "single vote",
        `${this.#names[agent]} voted for ${given.candidate} and for ${candidate} in term ${term}`,
      );
    this.#given[agent] = { term, candidate };
  }

  /** @param votes that the leader counted. */
  led(leader: string, term: number, votes: readonly string[]): void {
    for (const voter of votes) {
      const { term: durable, votedFor } = this.#last[this.#names.indexOf(voter)] as HardState;
      if (durable < term || (durable === term && votedFor !== leader))
        this.#broken("single vote", `${leader} leads term ${term} by a vote of ${voter} that a crash could still undo`);
    }
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

const NONE = { term: -1, candidate: "" };
