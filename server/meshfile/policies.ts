import type { ProposalSettings, VotingPolicy } from "../contract/proposals.ts";

export const MAX_SCHEMA_BYTES = 64 * 1024;
export const DEFAULT_POLICY_TIMEOUT_MS = 10_000;
export const MAX_POLICY_TIMEOUT_MS = 3_600_000;

/** How an agent votes. Agents may be called like what every object has. */
export function policyOf({ policy, policies }: ProposalSettings, agent: string): VotingPolicy {
  return (Object.hasOwn(policies, agent) ? policies[agent] : undefined) ?? policy;
}
