import type { AgentId } from "../../consensus.ts";
import type { Random } from "../../random.ts";
import { UNHEARD } from "../freshness.ts";
import { type MemberView, Roll } from "../roll.ts";
import type { MemberState, SwimNews } from "../types.ts";
import type { Suspicion } from "./suspicion.ts";

/** How one member is seen. */
export interface View extends MemberView {
  /** The link to it was up and is not any more. */
  linkClosed: boolean;
  /** Of a suspect. */
  suspicion: Suspicion | undefined;
  /** Who confirmed that last: its place. */
  confirmedBy: number | undefined;
  /** What others say of it and is not believed yet: it is told so itself. */
  verdict: SwimNews | undefined;
}

/** Counts who is there. */
export class SwimRoll extends Roll<View> {
  #present = 0;

  constructor() {
    // Written out, not spread: so an engine keeps all of it in one piece, and there is one for each member at each.
    super((id, place, now) => ({
      id,
      place,
      incarnation: UNHEARD.incarnation,
      heartbeat: UNHEARD.heartbeat,
      state: UNHEARD.state,
      sinceMs: now,
      unheard: true,
      linkClosed: false,
      suspicion: undefined,
      confirmedBy: undefined,
      verdict: undefined,
    }));
  }

  /** Alive or suspected. */
  get present(): number {
    return this.#present;
  }

  override admit(members: readonly AgentId[], now: number): View[] {
    const admitted = super.admit(members, now);
    this.#present += admitted.length;
    return admitted;
  }

  enter(view: View, state: MemberState): void {
    this.#present += Number(isPresent(state)) - Number(isPresent(view.state));
    view.state = state;
  }

  /** A suspicion is put down to who confirmed it last, so that others hear of each. */
  newsOf({ id, incarnation, heartbeat, state, suspicion, confirmedBy }: View): SwimNews {
    if (suspicion === undefined) return { id, incarnation, heartbeat, state };
    return { id, incarnation, heartbeat, state, by: this.idOf(confirmedBy ?? suspicion.by) };
  }

  /** In the roster's order. */
  others(self: View, fits: (view: View) => boolean): View[] {
    return this.all.filter((view) => view !== self && fits(view));
  }
}

export function isPresent(state: MemberState): boolean {
  return state === "alive" || state === "suspected";
}

/**
 * Up to so many of them, drawn at random. Where trust is given, each is the more trusted of two that are drawn: enough to shun those that are trusted little,
 * without asking the most trusted always (Mitzenmacher 2001, "The power of two choices").
 */
export function drawn(
  random: Random,
  from: readonly View[],
  most: number,
  trust: ((id: AgentId) => number) | undefined,
): View[] {
  const candidates = from.slice();
  const chosen: View[] = [];
  while (chosen.length < most && candidates.length > 0) {
    let at = random.int(0, candidates.length - 1);
    if (trust !== undefined) {
      const other = random.int(0, candidates.length - 1);
      if (trust((candidates[other] as View).id) > trust((candidates[at] as View).id)) at = other;
    }
    chosen.push(candidates[at] as View);
    candidates[at] = candidates.at(-1) as View;
    candidates.pop();
  }
  return chosen;
}

/** Whom to compare all with: one that is there, and one that is held failed, as a partition that is over may show in no other way. */
export function partners(random: Random, roll: SwimRoll, self: View): View[] {
  const groups = [({ state }: View) => isPresent(state), ({ state }: View) => state === "failed"];
  return groups.map((fits) => roll.others(self, fits)).flatMap((able) => drawn(random, able, 1, undefined));
}
