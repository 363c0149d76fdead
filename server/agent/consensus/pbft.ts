import { isPbftMessage } from "../../core/pbft/codec.ts";
import { Pbft } from "../../core/pbft/pbft.ts";
import type { PbftStatus } from "../../core/pbft/types.ts";
import { pbftConfig } from "../settings.ts";
import type { AgentObservation, ConsensusKind, Deciding } from "./kind.ts";

export const PBFT: ConsensusKind = {
  make: (config, recovered, _random, crypto, now) => new Pbft(pbftConfig(config), recovered, crypto, now),
  owns: isPbftMessage,
  // What goes to all is one object.
  alike: (a, b) => a === b,
  compactsAtWill: false,
  journals: true,
  keepsProposals: true,
  trustsOthers: false,
  standsIn: true,
  ordered: true,
  takesWrites: () => true,
  leads: (status) => status.role === "primary" && (status as PbftStatus).settled,
  // The primary of a view is known whether or not it can be heard.
  hearsQuorum: () => false,
  deciding,
  report: (status) => {
    const { faultsTolerated, liars, stableSeq, executedSeq, proposedSeq } = status as PbftStatus;
    return { pbft: { faultsTolerated, liars, stableSeq, executedSeq, proposedSeq } };
  },
};

/** Elections are views: one is started by whoever gives up on the last, and won by the primary that enters it. A vote is a prepare; a refusal, a proposal that is not believed. */
function deciding(observation: AgentObservation, self: string, leading: boolean): Deciding | undefined {
  switch (observation.type) {
    case "viewChangeStarted":
      return { type: "campaigned" };
    case "viewEntered":
      return { type: observation.primary === self ? "won" : "lost" };
    case "prePrepared":
      return leading ? { type: "proposed", upTo: observation.seq } : { type: "voted" };
    case "disbelieved":
      return observation.message === "prePrepare" ? { type: "refused" } : undefined;
    case "committed": {
      // Every replica sees every decision: it is the primary's to count.
      if (!leading || !("seq" in observation) || observation.acks.length === 0) return undefined;
      const { seq, fromIndex, toIndex, acks } = observation;
      return { type: "decided", upTo: seq, entries: toIndex - fromIndex, acks };
    }
    default:
      return undefined;
  }
}
