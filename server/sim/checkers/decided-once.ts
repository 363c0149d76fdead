import type { Fields } from "../../contract/timeline.ts";
import type { Broken } from "./broken.ts";

export const PROPOSALS = "proposals decided once";

/** What a proposal came to, as one agent tells it. */
export interface Decision {
  /** A state that is not "open". */
  readonly state: string;
  readonly approvals: number;
  readonly rejections: number;
}

/**
 * Whoever decides a proposal decides it like all others, in each of its lives once. Where there is no order for all, votes come to each in another one: how many had come when it was decided differs then,
 * and what had expired may be decided by votes in time that were long on their way; approved and rejected exclude each other all the same.
 */
export class DecidedOnce {
  readonly #broken: Broken;
  readonly #ordered: boolean;
  /** By proposal: the decision, and who told it first. */
  readonly #decisions = new Map<string, { readonly decision: Decision; readonly life: string }>();
  /** In one life of an agent, which applies every entry once: what it told last. */
  readonly #told = new Map<string, string>();

  /** @param ordered all are given the same in the same order */
  constructor(broken: Broken, ordered = true) {
    this.#broken = broken;
    this.#ordered = ordered;
  }

  /** Proposals that somebody has decided, by what they came to. */
  get outcomes(): ReadonlyMap<string, number> {
    const outcomes = new Map<string, number>();
    for (const { decision } of this.#decisions.values())
      outcomes.set(decision.state, (outcomes.get(decision.state) ?? 0) + 1);
    return outcomes;
  }

  /** @param life the agent with its life, as `a1.2`. @param fields of its `proposalDecided` */
  told(life: string, { proposal, state, approvals, rejections }: Fields): void {
    const id = String(proposal);
    const told = `${life} ${id}`;
    const decision = { state: String(state), approvals: Number(approvals), rejections: Number(rejections) };
    const before = this.#told.get(told);
    if (before !== undefined && !this.#mayFollow(before))
      this.#broken(PROPOSALS, `${life} decides ${id} a second time (${describe(decision)})`);
    this.#told.set(told, decision.state);
    this.holds(life, id, decision);
  }

  /** This is how that agent has it. */
  holds(life: string, id: string, decision: Decision): void {
    const known = this.#decisions.get(id);
    if (known === undefined || this.#mayFollow(known.decision.state)) this.#decisions.set(id, { decision, life });
    else if (!this.#agree(known.decision, decision))
      this.#broken(
        PROPOSALS,
        `${id} is ${describe(known.decision)} as ${known.life} decides it, and ${describe(decision)} as ${life} does`,
      );
  }

  #mayFollow(before: string): boolean {
    // What was made again runs on, and may expire again.
    return !this.#ordered && before === "expired";
  }

  #agree(one: Decision, other: Decision): boolean {
    if (this.#ordered) return describe(one) === describe(other);
    return one.state === other.state || other.state === "expired";
  }
}

function describe({ state, approvals, rejections }: Decision): string {
  return `${state} with ${approvals} for it and ${rejections} against it`;
}
