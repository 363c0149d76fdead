import type { AgentId } from "../consensus.ts";

/** What is to be decided, by whom and how. It never changes: its digest is what votes are signed for. */
export interface ProposalSpec {
  /** Unique in the swarm; chosen by the proposer, so that a retried submission is recognised. */
  readonly id: string;
  /** In a few words, for people and policies: "deploy 1.4 to production". */
  readonly subject: string;
  /** JSON in its canonical form (RFC 8785): equal values, equal bytes. */
  readonly body: string;
  /** Whose votes count, one each: sorted, nobody twice, at least one. */
  readonly voters: readonly AgentId[];
  /** The share of all voters that must approve, in ten-thousandths: above 5,000, at most 10,000. Not of those that voted: who is silent does not approve. */
  readonly threshold: number;
  /** What is undecided so long after its entry has expired, ms. */
  readonly timeoutMs: number;
}

export type Choice = "approve" | "reject";

/** A vote, and the proof that it is the voter's. */
export interface SignedVote {
  readonly voter: AgentId;
  readonly choice: Choice;
  /** May be empty. Signed with the rest. */
  readonly reason: string;
  /** Of `voteStatement`, with the voter's key. */
  readonly signature: Uint8Array;
}

/**
 * open -> approved, once so many approve as the threshold asks for; or rejected, once so many reject that they never can; or expired, at the deadline. Final,
 * unless the consensus gives no order: there a vote in time that was long on its way may still decide what had expired.
 */
export type ProposalState = "open" | "approved" | "rejected" | "expired";

export interface Proposal {
  readonly spec: ProposalSpec;
  readonly state: ProposalState;
  /** In the order in which they came, at most one of each voter. */
  readonly votes: readonly CountedVote[];
  readonly submittedAtMs: number;
  /** Entry time (ms) at which it expires. */
  readonly deadlineMs: number;
  /** Entry time (ms); 0 while it is open. */
  readonly decidedAtMs: number;
}

export interface CountedVote extends SignedVote {
  /** Entry time, ms. */
  readonly atMs: number;
}

export type ProposalCommand =
  | { readonly type: "propose"; readonly spec: ProposalSpec }
  /** By the voter itself. Harmless when repeated: the first of a voter counts. */
  | { readonly type: "vote"; readonly id: string; readonly vote: SignedVote };

export type ProposalRefusal =
  | "unknownProposal"
  /** Another proposal has this id. */
  | "proposalIdTaken"
  | "tooManyProposals"
  /** Whoever is not asked has no vote. */
  | "stranger"
  | "votedAlready"
  | "decided"
  /** Not this voter's signature, or not of this vote on this proposal. */
  | "badSignature";

export type ProposalResult =
  /** created: false when it was known already, with the same spec. */
  | { readonly type: "proposed"; readonly created: boolean }
  | { readonly type: "voted" }
  | { readonly type: "refused"; readonly reason: ProposalRefusal };

/** What an entry changed, for the timeline and people. */
export type ProposalObservation =
  | { readonly type: "proposalSubmitted"; readonly id: string; readonly untilMs: number }
  | {
      readonly type: "voteCast";
      readonly id: string;
      readonly voter: AgentId;
      readonly choice: Choice;
      readonly reason: string;
    }
  | { readonly type: "voteNotTaken"; readonly id: string; readonly voter: AgentId; readonly reason: ProposalRefusal }
  | {
      readonly type: "proposalDecided";
      readonly id: string;
      readonly state: Exclude<ProposalState, "open">;
      readonly approvals: number;
      readonly rejections: number;
      readonly needed: number;
    };

/** Whether a vote on a proposal bears its voter's signature. Where nobody lies it need not be looked at. */
export type VoteVerifier = (spec: ProposalSpec, vote: SignedVote) => boolean;

/** What others see of the proposals that a replica holds. */
export interface ProposalTable {
  /** Rises whenever a proposal came, changed or went. Not part of the replicated state. */
  readonly revision: number;
  get(id: string): Proposal | undefined;
  /** All that are kept, in the order of submission. */
  list(): Proposal[];
  /** Those that are open. Valid until the next apply. */
  open(): IterableIterator<Proposal>;
}
