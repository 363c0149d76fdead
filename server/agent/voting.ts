import type { EventKind, Fields } from "../contract/timeline.ts";
import { sameBytes } from "../core/bytes.ts";
import type { AgentId } from "../core/consensus.ts";
import type { Crypto } from "../core/crypto.ts";
import { encodeSpec } from "../core/proposals/codec.ts";
import { boundedReason } from "../core/proposals/limits.ts";
import type {
  Proposal,
  ProposalCommand,
  ProposalSpec,
  ProposalTable,
  SignedVote,
  VoteVerifier,
} from "../core/proposals/types.ts";
import { signVote, verifyVote } from "../core/proposals/votes.ts";
import type { ConsensusKind } from "./consensus/kind.ts";
import type { Cause } from "./timeline.ts";
import type { Judge, Judgement } from "./world.ts";

/** Without an order an earlier proposal may take the place of one with its id. */
function sameSpec(one: ProposalSpec, other: ProposalSpec): boolean {
  return one === other || sameBytes(encodeSpec(one), encodeSpec(other));
}

export interface VotingConfig {
  readonly self: AgentId;
  /** A vote that was not applied is proposed again after this long, ms. */
  readonly retryMs: number;
}

/** `voteSigned` events, for the timeline. */
export type RecordVote = (kind: EventKind, now: number, cause: Cause | undefined, fields: Fields) => Cause;

/** How votes are verified when they are applied; undefined: nobody lies, and who makes a certificate verifies them. Without an order a signature tells besides which of two proposals with one id is meant. */
export function voteVerifier(
  { trustsOthers, ordered }: Pick<ConsensusKind, "trustsOthers" | "ordered">,
  crypto: Crypto,
): VoteVerifier | undefined {
  return trustsOthers && ordered ? undefined : (spec, vote) => verifyVote(crypto, spec, vote);
}

/** One vote that is asked of this agent. */
interface Ballot {
  readonly spec: ProposalSpec;
  readonly cause: Cause | undefined;
  /** undefined while the judge considers it. */
  vote: SignedVote | undefined;
  /** When the vote is to be proposed, ms. */
  proposeAtMs: number;
}

/**
 * The voter's side of proposals: has every open one considered on which this agent has a vote and none is counted, signs what its policy says, and proposes that until it is
 * counted. An agent that crashes in between considers anew, and may then sign another vote: which of them counts is the order's to say, so two votes of one agent
 * prove no lie.
 */
export class Voting {
  readonly #config: VotingConfig;
  readonly #judge: Judge;
  readonly #crypto: Crypto;
  readonly #record: RecordVote;
  /** By proposal, in the order in which they were asked for. */
  readonly #ballots = new Map<string, Ballot>();
  /** The table as it was compared last. */
  #table: ProposalTable | undefined;
  #revision = -1;
  #stopping = false;

  constructor(config: VotingConfig, judge: Judge, crypto: Crypto, record: RecordVote) {
    this.#config = config;
    this.#judge = judge;
    this.#crypto = crypto;
    this.#record = record;
  }

  /** The table may have changed. @param cause what brought the change. */
  tableChanged(table: ProposalTable, cause: Cause | undefined): void {
    if (table === this.#table && table.revision === this.#revision) return;
    this.#table = table;
    this.#revision = table.revision;
    for (const [id, { spec, vote }] of this.#ballots) {
      const proposal = table.get(id);
      if (proposal !== undefined && this.#isAsked(proposal) && sameSpec(spec, proposal.spec)) continue;
      this.#ballots.delete(id);
      if (vote === undefined) this.#judge.dismiss(id);
    }
    if (this.#stopping) return;
    for (const proposal of table.open()) {
      const { spec } = proposal;
      if (this.#ballots.has(spec.id) || !this.#isAsked(proposal)) continue;
      this.#ballots.set(spec.id, { spec, cause, vote: undefined, proposeAtMs: Number.POSITIVE_INFINITY });
      this.#judge.consider(spec);
    }
  }

  /** @returns the event of its signing; undefined: nothing was asked. */
  judged({ proposalId, choice, reason }: Judgement, now: number): Cause | undefined {
    const ballot = this.#ballots.get(proposalId);
    if (ballot === undefined || ballot.vote !== undefined) return undefined;
    const vote = signVote(this.#crypto, ballot.spec, this.#config.self, choice, boundedReason(reason));
    ballot.vote = vote;
    ballot.proposeAtMs = now;
    return this.#record("voteSigned", now, ballot.cause, { proposal: proposalId, choice, reason: vote.reason });
  }

  /** The agent says goodbye: what is considered is given up, what is signed is still proposed. */
  stop(): void {
    this.#stopping = true;
    for (const [id, { vote }] of this.#ballots) {
      if (vote !== undefined) continue;
      this.#ballots.delete(id);
      this.#judge.dismiss(id);
    }
  }

  /** When a vote is to be proposed, ms. */
  deadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { proposeAtMs } of this.#ballots.values()) earliest = Math.min(earliest, proposeAtMs);
    return earliest;
  }

  /** What is to be proposed now. Only to be called when a leader is known. */
  takeCommands(now: number): ProposalCommand[] {
    const commands: ProposalCommand[] = [];
    for (const [id, ballot] of this.#ballots) {
      if (ballot.vote === undefined || now < ballot.proposeAtMs) continue;
      commands.push({ type: "vote", id, vote: ballot.vote });
      ballot.proposeAtMs = now + this.#config.retryMs;
    }
    return commands;
  }

  /** What a lost leader had may be lost: votes are proposed again. */
  leaderChanged(now: number): void {
    for (const ballot of this.#ballots.values()) if (ballot.vote !== undefined) ballot.proposeAtMs = now;
  }

  #isAsked(proposal: Proposal): boolean {
    if (proposal.state !== "open") return false;
    const { self } = this.#config;
    return proposal.spec.voters.includes(self) && !proposal.votes.some(({ voter }) => voter === self);
  }
}
