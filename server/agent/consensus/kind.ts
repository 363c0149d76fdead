import type { AgentReport } from "../../contract/swarm.ts";
import type { AgentId, Consensus, ConsensusStatus, Ready } from "../../core/consensus.ts";
import type { Crypto } from "../../core/crypto.ts";
import { isGossipMessage } from "../../core/gossip/codec.ts";
import type { GossipObservation, Near } from "../../core/gossip/types.ts";
import type { PbftObservation } from "../../core/pbft/types.ts";
import type { HardState, RaftObservation } from "../../core/raft/types.ts";
import type { Random } from "../../core/random.ts";
import type { AgentConfig } from "../types.ts";
import type { RecoveredLog } from "../world.ts";
import { GOSSIP } from "./gossip.ts";
import type { AgentMessage } from "./messages.ts";
import { PBFT } from "./pbft.ts";
import { RAFT } from "./raft.ts";

export type AgentObservation = RaftObservation | PbftObservation | GossipObservation;
export type AgentConsensus = Consensus<AgentMessage, HardState, AgentObservation, ConsensusStatus>;

export type AgentReady = Ready<AgentMessage, HardState, AgentObservation>;

/** What an observation means for what is counted of deciding, whatever a kind calls it. Places are what its proposals are numbered by. */
export type Deciding =
  /** It wants another leader. */
  | { readonly type: "campaigned" }
  | { readonly type: "won" }
  /** It leads no more, or another one does. */
  | { readonly type: "lost" }
  /** It supported another's candidacy or proposal, or did not. */
  | { readonly type: "voted" }
  | { readonly type: "refused" }
  /** It proposed, as the leader, up to this place. */
  | { readonly type: "proposed"; readonly upTo: number }
  /** acks: whose support decided; empty where that is not known. */
  | { readonly type: "decided"; readonly upTo: number; readonly entries: number; readonly acks: readonly AgentId[] };

/** All in which agents differ by the consensus they carry. */
export interface ConsensusKind {
  make(
    config: AgentConfig,
    recovered: RecoveredLog,
    random: Random,
    crypto: Crypto,
    now: number,
    near: () => Near,
  ): AgentConsensus;
  /** Whether a message is one of its own: others are refused as malformed. */
  owns(message: AgentMessage): boolean;
  /** Whether two messages, made one after the other, have the same bytes: then they are encoded once. */
  alike(a: AgentMessage, b: AgentMessage): boolean;
  /** The agent chooses when to compact the log; otherwise the consensus asks for its snapshots. */
  readonly compactsAtWill: boolean;
  /** What it logs is a journal that nobody else reads; otherwise the replicated entries themselves. */
  readonly journals: boolean;
  /** It takes proposals and reads also while no leader is known, and goes on with them by itself for as long as the agent lives. */
  readonly keepsProposals: boolean;
  /** No agent lies. Otherwise votes are verified when they are applied; and whoever passes on what cannot be read is not held to have written it. */
  readonly trustsOthers: boolean;
  /** What is to be done for the machine others do, too, when it is left undone: the leader may lie, or there is none. */
  readonly standsIn: boolean;
  /** All are given the same entries in the same order. Otherwise each has an order of its own, and an entry's term and time are in none. */
  readonly ordered: boolean;
  /** Whether clients' writes are taken here: not by one that joined and does not count yet, nor by one that left, where each takes them by itself. */
  takesWrites(status: ConsensusStatus): boolean;
  /** Whether it leads and knows all that was decided before. @param appliedTerm of the last entry applied */
  leads(status: ConsensusStatus, appliedTerm: number): boolean;
  /** Whether its status alone shows that a quorum hears this agent, or did a moment ago. */
  hearsQuorum(status: ConsensusStatus): boolean;
  deciding(observation: AgentObservation, self: AgentId, leading: boolean): Deciding | undefined;
  /** What it tells of itself besides what all kinds tell. */
  report(status: ConsensusStatus): Pick<AgentReport, "pbft" | "gossip">;
}

const KINDS: Readonly<Record<NonNullable<AgentConfig["consensus"]>, ConsensusKind>> = {
  raft: RAFT,
  pbft: PBFT,
  gossip: GOSSIP,
};

/** The kind that a configuration names; raft where it names none. */
export function kindOf({ consensus, memory }: Pick<AgentConfig, "consensus" | "memory">): ConsensusKind {
  const kind = consensus === undefined ? RAFT : KINDS[consensus];
  if (memory !== "eventual") return kind;
  // Of a memory beside it.
  return { ...kind, owns: (message) => kind.owns(message) || isGossipMessage(message) };
}
