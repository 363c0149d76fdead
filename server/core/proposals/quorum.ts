import { invariant } from "../invariant.ts";
import { THRESHOLD_PARTS } from "./limits.ts";
import type { Choice, ProposalSpec } from "./types.ts";

/**
 * The quorum rule: approvals that it takes among so many voters, ceil(voters · threshold). Of integers alone: a product of fractions such as 0.7 · 10 is not 7.
 * @param thresholdParts the threshold in ten-thousandths
 */
export function approvalsNeeded(voters: number, thresholdParts: number): number {
  invariant(Number.isSafeInteger(voters) && voters >= 1, "proposals: somebody votes");
  invariant(
    Number.isSafeInteger(thresholdParts) && thresholdParts * 2 > THRESHOLD_PARTS && thresholdParts <= THRESHOLD_PARTS,
    "proposals: more than half must approve, and no more than all",
  );
  const product = voters * thresholdParts;
  const rest = product % THRESHOLD_PARTS;
  return (product - rest) / THRESHOLD_PARTS + (rest > 0 ? 1 : 0);
}

/**
 * What these votes decide: approved, once so many approve as are needed; rejected, once so many reject that the others are too few; undefined, while either can still come about.
 * Never both, as `needed` is more than half, and whatever their order.
 * @param votes at most one of each voter, of nobody else
 */
export function decisionOf(
  { voters, threshold }: Pick<ProposalSpec, "voters" | "threshold">,
  votes: readonly { readonly choice: Choice }[],
): "approved" | "rejected" | undefined {
  invariant(votes.length <= voters.length, "proposals: no more votes than voters");
  const needed = approvalsNeeded(voters.length, threshold);
  const approvals = approvalsAmong(votes);
  if (approvals >= needed) return "approved";
  return votes.length - approvals > voters.length - needed ? "rejected" : undefined;
}

/** How many of them approve; the others reject. */
export function approvalsAmong(votes: readonly { readonly choice: Choice }[]): number {
  let approvals = 0;
  for (const { choice } of votes) if (choice === "approve") approvals++;
  return approvals;
}
