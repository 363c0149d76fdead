import type { AgentId } from "../consensus.ts";
import type { Crypto } from "../crypto.ts";
import { shownValue } from "../text.ts";
import { checkProposalSpec, checkVote, THRESHOLD_PARTS } from "./limits.ts";
import { approvalsAmong, approvalsNeeded, decisionOf } from "./quorum.ts";
import type { ProposalSpec, SignedVote } from "./types.ts";
import { proposalDigest, voteStatement } from "./votes.ts";

/** What is claimed to have been decided, and the votes that are to prove it. */
export interface Claim {
  readonly spec: ProposalSpec;
  readonly outcome: "approved" | "rejected";
  /** In any order; more than the outcome takes do no harm. */
  readonly votes: readonly SignedVote[];
}

/**
 * Whether the votes prove the outcome to somebody who knows the voters' keys and nothing else. It says nothing of when they were cast.
 * @returns undefined: they do. Else the first thing that is wrong, a sentence without a full stop: with the proposal, with a vote (in their order), with their number.
 */
export function certificateProblem(
  { spec, outcome, votes }: Claim,
  crypto: Pick<Crypto, "digest" | "verify">,
): string | undefined {
  const problem = checkProposalSpec(spec);
  if (problem !== undefined) return problem;
  const digest = proposalDigest(crypto, spec);
  const voters = new Set<AgentId>(spec.voters);
  const voted = new Set<AgentId>();
  for (const vote of votes) {
    const { voter, choice, reason, signature } = vote;
    const badForm = checkVote(vote);
    if (badForm !== undefined) return `the vote of ${shownValue(voter)} is none: ${badForm}`;
    if (!voters.has(voter))
      return `${shownValue(voter)} voted, but is a stranger: the proposal's voters are ${named(spec.voters)}`;
    if (voted.has(voter)) return `${shownValue(voter)} voted twice, and everybody has one vote`;
    voted.add(voter);
    if (!crypto.verify(voter, voteStatement(digest, choice, reason), signature))
      return `the signature of ${shownValue(voter)} (${signature.length} bytes) is not the one under its vote to ${choice} this proposal`;
  }
  return decisionOf(spec, votes) === outcome ? undefined : tooFewProblem(spec, outcome, votes);
}

function tooFewProblem({ voters, threshold }: ProposalSpec, outcome: Claim["outcome"], votes: Claim["votes"]): string {
  const needed = approvalsNeeded(voters.length, threshold);
  const approvals = approvalsAmong(votes);
  const rule = `of ${voters.length} voters with a threshold of ${threshold / THRESHOLD_PARTS}`;
  if (outcome === "approved") return `too few approvals: ${rule}, ${needed} must approve, and ${approvals} did`;
  const enough = voters.length - needed + 1;
  return `too few rejections: ${rule}, ${enough} must reject, and ${votes.length - approvals} did`;
}

/** The first of them, where they are many. */
function named(voters: readonly AgentId[]): string {
  const shown = voters.slice(0, SHOWN_VOTERS).map(shownValue).join(", ");
  return voters.length <= SHOWN_VOTERS ? shown : `${shown} and ${voters.length - SHOWN_VOTERS} more`;
}

const SHOWN_VOTERS = 10;
