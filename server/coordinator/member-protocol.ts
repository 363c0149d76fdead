/** How the members of a running swarm are changed, by its kind of consensus; `members.ts` does what is the same for all. Every step can be done twice. */
import type { ClientValue, MembersChange } from "../contract/client.ts";
import type { MembersView } from "../contract/swarm.ts";
import { membersOf } from "./health.ts";
import type { MemberGround } from "./member-requests.ts";
import { Refusal } from "./refusal.ts";

/** For a leader to be found, and for a change to be decided. */
export const CHANGE_MS = 20_000;
/** For a newcomer to get all that there is. */
export const CATCH_UP_MS = 120_000;
const LOOK_EVERY_MS = 15;

export interface Removed {
  readonly members: MembersView;
  /** What may be lost with it, for people; absent: nothing. */
  readonly warning?: string;
}

export interface MemberProtocol {
  /** Why nobody can only learn, a sentence; undefined: one can. */
  readonly noLearners: string | undefined;
  /** All know of it by then, and its process runs. @throws Refusal */
  add(id: string, signal: AbortSignal): Promise<MembersView>;
  /** Waits until it has all that there is, and counts from then on. @throws Refusal */
  promote(id: string, signal: AbortSignal): Promise<MembersView>;
  /** What is to be said of one that was added and could not be promoted. */
  notPromoted(id: string, why: string): string;
  /** @throws Refusal where the others cannot do without it */
  refuseRemoval(id: string): void;
  /** It takes part in nothing from then on, and may be ended. @throws Refusal */
  remove(id: string, signal: AbortSignal): Promise<Removed>;
}

/** @throws Refusal when it is the last that counts */
export function othersThatCount(swarm: MemberGround, id: string): readonly string[] {
  const others = (membersOf(swarm.agents)?.voters ?? []).filter((voter) => voter !== id);
  if (others.length === 0)
    throw new Refusal("refused", `${id} is the only voter: without it nothing could be decided. Add another first.`);
  return others;
}

export function isRunning(swarm: MemberGround, id: string): boolean {
  return swarm.agents.find((agent) => agent.id === id)?.alive === true;
}

export function changing(change: MembersChange): { readonly op: "changeMembers"; readonly change: MembersChange } {
  return { op: "changeMembers", change };
}

/** @throws Refusal for an answer to something else */
export function membersIn(value: ClientValue): MembersView & { readonly changed: boolean } {
  if (value.type !== "members") throw new Refusal("failed", `An agent answered changeMembers with ${value.type}.`);
  return { changed: value.changed, voters: value.voters, outgoing: [], learners: value.learners };
}

/** @returns whether it came to hold in time */
export async function seenWithin(swarm: MemberGround, withinMs: number, holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() >= deadline || swarm.over) return false;
    await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
  }
  return true;
}
