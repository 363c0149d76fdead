/** What a swarm without one order for all cannot do, each in a sentence that is said before anything is asked. */
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";

type Named = Pick<SwarmView, "name" | "consensus" | "memory">;

/** @throws Error where nobody could be given a task alone */
export function refuseTask({ name, consensus }: Named): void {
  if (!CONSENSUS[consensus].ordered)
    throw new Error(
      `${name} has no tasks: it decides by gossip, and a task is leased to one agent at a time, which takes an order that all share. Use consensus: raft or pbft for them.`,
    );
}

/** @throws Error where who takes part never changes */
export function refuseIfFixed({ name, consensus, memory }: Named): void {
  if (consensus === "pbft")
    throw new Error(
      `The members of ${name} are fixed: it decides by PBFT, whose agents know from the start who may vote.`,
    );
  if (memory === "eventual")
    throw new Error(
      `The members of ${name} are fixed: its memory is eventual, and each keeps for the others what they have not heard of.`,
    );
}

/** @throws Error where nobody leads */
export function refuseTransfer({ name, consensus }: Named): void {
  if (CONSENSUS[consensus].leader === "")
    throw new Error(`${name} has no leader that could hand over: it decides by gossip, where all are alike.`);
}
