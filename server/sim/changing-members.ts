import type { ClientReply } from "../agent/world.ts";
import type { Random } from "../core/random.ts";
import { MembersChaos } from "./members.ts";
import type { Schedule } from "./schedule.ts";
import { UnorderedMembers, type UnorderedOptions } from "./unordered-members.ts";
import type { SimWorld } from "./world.ts";

/** What changes the members of a run all the time. */
export interface ChangingMembers {
  start(): void;
  stop(): void;
  replied(agent: number, replies: readonly ClientReply[]): void;
  agentCrashed(agent: number): void;
  /** Nobody waits for an answer any more. */
  readonly quiet: boolean;
  /** The members as they are now, once nothing about them is under way; undefined before. Everybody else leaves for good. */
  settled(): readonly SimWorld[] | undefined;
}

/** @param ordered there is one order, and a leader who is asked */
export function changingMembers(
  ordered: boolean,
  schedule: Schedule,
  random: Random,
  options: UnorderedOptions,
): ChangingMembers {
  return ordered ? new MembersChaos(schedule, random, options) : new UnorderedMembers(schedule, random, options);
}
