import type { Broken } from "./broken.ts";

/** At most one leader in a term (Raft paper, Figure 3). One life of one agent: a leader that restarts does not lead its term again. */
export class ElectionSafety {
  readonly #leaders = new Map<number, string>();
  readonly #broken: Broken;

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  /** @param agent with its life, as `a1.2`. */
  becameLeader(agent: string, term: number): void {
    const other = this.#leaders.get(term);
    if (other !== undefined) this.#broken("election safety", `term ${term} has two leaders: ${other} and ${agent}`);
    else this.#leaders.set(term, agent);
  }
}
