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

/** Whoever decides a proposal decides it like all others, in each of its lives once. */
export class DecidedOnce {
  readonly #broken: Broken;
  /** By proposal: the decision, and who told it first. */
  readonly #decisions = new Map<string, { readonly decision: Decision; readonly life: string }>();
  /** In one life of an agent, which applies every entry once. */
  readonly #told = new Set<string>();

  constructor(broken: Broken) {
    this.#broken = broken;
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
    if (this.#told.has(told)) this.#broken(PROPOSALS, `${life} decides ${id} a second time (${describe(decision)})`);
    this.#told.add(told);
    this.holds(life, id, decision);
  }

  /** This is how that agent has it. */
  holds(life: string, id: string, decision: Decision): void {
    const known = this.#decisions.get(id);
    if (known === undefined) this.#decisions.set(id, { decision, life });
    else if (describe(known.decision) !== describe(decision))
      this.#broken(
        PROPOSALS,
        `${id} is ${describe(known.decision)} as ${known.life} decides it, and ${describe(decision)} as ${life} does`,
      );
  }
}

function describe({ state, approvals, rejections }: Decision): string {
  return `${state} with ${approvals} for it and ${rejections} against it`;
}
