import { isGossipMessage } from "../../core/gossip/codec.ts";
import { isPlumtreeMessage } from "../../core/overlay/plumtree/codec.ts";
import { isPbftMessage } from "../../core/pbft/codec.ts";
import { Raft } from "../../core/raft/raft.ts";
import { raftConfig } from "../settings.ts";
import type { AgentObservation, ConsensusKind, Deciding } from "./kind.ts";
import type { AgentMessage } from "./messages.ts";

export const RAFT: ConsensusKind = {
  make: (config, recovered, random, _crypto, now) => new Raft(raftConfig(config), recovered, random, now),
  owns: (message) => !isPbftMessage(message) && !isGossipMessage(message) && !isPlumtreeMessage(message),
  alike: sameAppend,
  compactsAtWill: true,
  journals: false,
  keepsProposals: false,
  trustsOthers: true,
  standsIn: false,
  ordered: true,
  // Its term's first entry is behind all that earlier leaders decided.
  takesWrites: () => true,
  leads: ({ role, term }, appliedTerm) => role === "leader" && appliedTerm === term,
  // A leader without a quorum steps down, and a follower that does not hear one forgets it: check-quorum and the election timeout.
  hearsQuorum: ({ leader }) => leader !== "",
  deciding,
  report: () => ({}),
};

/** Followers in step are sent the same entries. */
function sameAppend(a: AgentMessage, b: AgentMessage): boolean {
  if (a.type !== "append" || b.type !== "append" || a.entries !== b.entries) return false;
  return a.prevIndex === b.prevIndex && a.prevTerm === b.prevTerm && a.commit === b.commit && a.term === b.term;
}

function deciding(observation: AgentObservation, self: string, leading: boolean): Deciding | undefined {
  switch (observation.type) {
    case "becameCandidate":
      return { type: "campaigned" };
    case "becameLeader":
      return { type: "won" };
    case "steppedDown":
      return { type: "lost" };
    case "votedFor":
      return observation.pre || observation.candidate === self ? undefined : { type: "voted" };
    case "voteRefused":
      return observation.pre ? undefined : { type: "refused" };
    case "appended":
      return leading ? { type: "proposed", upTo: observation.toIndex } : undefined;
    case "committed": {
      const { fromIndex, toIndex, acks } = observation;
      return acks.length > 0 ? { type: "decided", upTo: toIndex, entries: toIndex - fromIndex, acks } : undefined;
    }
    default:
      return undefined;
  }
}
