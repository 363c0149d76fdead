import type { ProposalSettings, VotingPolicy } from "../contract/proposals.ts";
import { MAX_PROPOSAL_TIMEOUT_MS, MAX_REASON_BYTES, MIN_PROPOSAL_TIMEOUT_MS } from "../core/proposals/limits.ts";
import { MAX_POLICY_TIMEOUT_MS, MAX_SCHEMA_BYTES } from "../meshfile/policies.ts";
import { asFields, integer, list, number, oneOf, text, WrongShape } from "./checked-json.ts";

const POLICY_KINDS = ["approve", "reject", "schema", "command"] as const;
const MAX_ARGUMENTS = 100_000;
const MAX_ARGUMENT_LENGTH = 256 * 1024;

/** What a swarm's file says of proposals. @throws WrongShape naming the field */
export function checkedProposals(value: unknown, where: string): ProposalSettings {
  const fields = asFields(value, where);
  const threshold = number(fields, "threshold", where, 0, 1);
  if (threshold <= 0.5) throw new WrongShape(`${where}.threshold must be above 0.5, but is ${threshold}`);
  const policies = Object.entries(asFields(fields.policies, `${where}.policies`)).map(
    ([agent, policy]) => [agent, checkedPolicy(policy, `${where}.policies.${agent}`)] as const,
  );
  return {
    threshold,
    timeoutMs: integer(fields, "timeoutMs", where, MIN_PROPOSAL_TIMEOUT_MS, MAX_PROPOSAL_TIMEOUT_MS),
    schema: fields.schema === null ? null : text(fields, "schema", where, MAX_SCHEMA_BYTES),
    policy: checkedPolicy(fields.policy, `${where}.policy`),
    policies: Object.fromEntries(policies),
  };
}

function checkedPolicy(value: unknown, where: string): VotingPolicy {
  const fields = asFields(value, where);
  const kind = oneOf(fields, "kind", where, POLICY_KINDS);
  switch (kind) {
    case "approve":
      return { kind };
    case "reject":
      return { kind, reason: text(fields, "reason", where, MAX_REASON_BYTES) };
    case "schema":
      return { kind, schema: text(fields, "schema", where, MAX_SCHEMA_BYTES) };
    case "command": {
      const args = list(fields, "args", where, MAX_ARGUMENTS);
      return {
        kind,
        command: text(fields, "command", where),
        args: args.map((_, at) => text({ [at]: args[at] }, String(at), `${where}.args`, MAX_ARGUMENT_LENGTH)),
        timeoutMs: integer(fields, "timeoutMs", where, 1, MAX_POLICY_TIMEOUT_MS),
      };
    }
  }
}
