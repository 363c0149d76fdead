import type { ConsensusKind } from "../../contract/consensus.ts";
import { quorumOf } from "../../core/pbft/replicas.ts";

/** How many of so many voters decide: a majority by Raft, all but those that may lie by PBFT, each for itself by gossip. */
export function quorumAmong(voters: number, consensus: ConsensusKind): number {
  if (consensus === "gossip") return 1;
  return consensus === "pbft" ? quorumOf(voters) : Math.floor(voters / 2) + 1;
}
