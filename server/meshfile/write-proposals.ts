import { PROPOSALS_BY_DEFAULT, type ProposalSettings, type VotingPolicy } from "../contract/proposals.ts";
import { DEFAULT_POLICY_TIMEOUT_MS } from "./policies.ts";
import { REJECTS_ALL } from "./proposals-section.ts";
import { type Plain, time } from "./write-faults.ts";

type PlainMap = { readonly [key: string]: Plain };

/** What of it is not as usual. Schemas stand in it, wherever they came from. */
export function writeProposals({ threshold, timeoutMs, schema, policy, policies }: ProposalSettings): PlainMap {
  const usual = PROPOSALS_BY_DEFAULT;
  const usualPolicy = policy.kind === "approve";
  return {
    ...(threshold === usual.threshold ? {} : { threshold }),
    ...(timeoutMs === usual.timeoutMs ? {} : { timeout: time(timeoutMs) }),
    ...(schema === null ? {} : { schema: JSON.parse(schema) as Plain }),
    ...(usualPolicy ? {} : { policy: writePolicy(policy, timeoutMs) }),
    ...(Object.keys(policies).length === 0
      ? {}
      : {
          policies: Object.fromEntries(Object.entries(policies).map(([id, one]) => [id, writePolicy(one, timeoutMs)])),
        }),
  };
}

function writePolicy(policy: VotingPolicy, proposalTimeoutMs: number): Plain {
  switch (policy.kind) {
    case "approve":
      return "approve";
    case "reject":
      return policy.reason === REJECTS_ALL ? "reject" : { reject: policy.reason };
    case "schema":
      return { schema: JSON.parse(policy.schema) as Plain };
    case "command": {
      const { command, args, timeoutMs } = policy;
      const usual = Math.min(DEFAULT_POLICY_TIMEOUT_MS, proposalTimeoutMs);
      return {
        command,
        ...(args.length === 0 ? {} : { args }),
        ...(timeoutMs === usual ? {} : { timeout: time(timeoutMs) }),
      };
    }
  }
}
