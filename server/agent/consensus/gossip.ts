import { isGossipMessage } from "../../core/gossip/codec.ts";
import { Gossip } from "../../core/gossip/gossip.ts";
import type { GossipStatus } from "../../core/gossip/types.ts";
import { gossipConfig } from "../settings.ts";
import type { AgentObservation, ConsensusKind, Deciding } from "./kind.ts";

export const GOSSIP: ConsensusKind = {
  make: (config, recovered, random, _crypto, now, near) =>
    new Gossip(gossipConfig(config), recovered, random, now, near),
  owns: isGossipMessage,
  // What goes to several is one object.
  alike: (a, b) => a === b,
  compactsAtWill: true,
  journals: true,
  keepsProposals: true,
  trustsOthers: true,
  standsIn: true,
  ordered: false,
  takesWrites: (status) => (status as GossipStatus).gossip.counted,
  leads: () => false,
  // Each decides for itself.
  hearsQuorum: () => true,
  deciding,
  report: (status) => ({ gossip: (status as GossipStatus).gossip }),
};

/** Everybody proposes, and decides by having it on its disk: from proposing to there is what is measured. */
function deciding(observation: AgentObservation): Deciding | undefined {
  switch (observation.type) {
    case "issued":
      return { type: "proposed", upTo: observation.toIndex };
    case "committed": {
      const { fromIndex, toIndex } = observation;
      return { type: "decided", upTo: toIndex, entries: toIndex - fromIndex, acks: [] };
    }
    default:
      return undefined;
  }
}
