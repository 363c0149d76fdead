import { isMap, isScalar } from "yaml";
import {
  CHOICES,
  DEFAULT_PROPOSAL_TIMEOUT_MS,
  PROPOSALS_BY_DEFAULT,
  type ProposalSettings,
  type VotingPolicy,
} from "../contract/proposals.ts";
import { MAX_PROPOSAL_TIMEOUT_MS, MAX_REASON_BYTES, MIN_PROPOSAL_TIMEOUT_MS } from "../core/proposals/limits.ts";
import { textProblem } from "../core/text.ts";
import { POLICY_KEYS, PROPOSAL_KEYS } from "./keys.ts";
import { DEFAULT_POLICY_TIMEOUT_MS, MAX_POLICY_TIMEOUT_MS } from "./policies.ts";
import type { MapReading, Reading } from "./reading.ts";
import { type ReadBeside, readSchema } from "./schema-source.ts";

/** Of an agent that is told to reject, and not why. */
export const REJECTS_ALL = "This agent rejects every proposal.";
/** Every agent reads them when it starts. */
const MAX_SETTINGS_BYTES = 1024 * 1024;
const POLICY_FORMS = 'approve, reject, { reject: "why" }, { schema: ... } or { command: PROGRAM, args: [...] }';

export interface ProposalScope {
  readonly reading: Reading;
  readonly agents: ReadonlySet<string>;
  /** Absent: schemas that are named by a path cannot be read. */
  readonly readBeside: ReadBeside | undefined;
}

/** The `proposals:` section, with defaults for what it leaves out. */
export function readProposals(scope: ProposalScope, node: unknown): ProposalSettings | undefined {
  const { reading } = scope;
  const map = reading.map(node, "proposals", PROPOSAL_KEYS);
  if (!map) return undefined;
  const read = <T>(key: string, how: (value: unknown) => T | undefined, without: T): T =>
    map.has(key) ? (how(map.get(key)) ?? without) : without;
  const usual = PROPOSALS_BY_DEFAULT;
  const timeoutMs = read(
    "timeout",
    (value) => reading.durationMs(value, "proposals.timeout", MIN_PROPOSAL_TIMEOUT_MS, MAX_PROPOSAL_TIMEOUT_MS),
    DEFAULT_PROPOSAL_TIMEOUT_MS,
  );
  const policyOf = (value: unknown, what: string): VotingPolicy | undefined =>
    readPolicy(scope, value, what, timeoutMs);
  const settings: ProposalSettings = {
    threshold: read("threshold", (value) => readThreshold(reading, value), usual.threshold),
    timeoutMs,
    schema: read("schema", (value) => readSchema(reading, value, "proposals.schema", scope.readBeside), usual.schema),
    policy: read("policy", (value) => policyOf(value, "proposals.policy"), usual.policy),
    policies: read("policies", (value) => readPolicies(scope, value, policyOf), usual.policies),
  };
  const all = "proposals: the section with all its schemas";
  const tooLong = textProblem(all, JSON.stringify(settings), { maxBytes: MAX_SETTINGS_BYTES, mayBeEmpty: false });
  if (tooLong !== undefined) reading.problem(map.node, "tooLarge", `${tooLong}.`);
  return settings;
}

function readThreshold(reading: Reading, node: unknown): number | undefined {
  const threshold = reading.number(node, "proposals.threshold");
  if (threshold === undefined) return undefined;
  const problem = (message: string): undefined => {
    reading.problem(reading.resolve(node), "outOfRange", `proposals.threshold must be ${message}`);
    return undefined;
  };
  if (!(threshold > 0.5 && threshold <= 1))
    return problem(`above 0.5 and at most 1, not ${threshold}: with half or less, both sides could win.`);
  if (Number(threshold.toFixed(4)) !== threshold) return problem(`a number of at most 4 decimals, not ${threshold}.`);
  return threshold;
}

function readPolicies(
  { reading, agents }: ProposalScope,
  node: unknown,
  policyOf: (value: unknown, what: string) => VotingPolicy | undefined,
): Readonly<Record<string, VotingPolicy>> | undefined {
  const value = reading.resolve(node);
  if (!isMap(value)) {
    reading.problem(value, "wrongType", "proposals.policies must be a mapping from agents to policies.");
    return undefined;
  }
  const policies: [string, VotingPolicy][] = [];
  for (const pair of value.items) {
    const id = reading.text(pair.key, "An agent's id");
    if (id === undefined) continue;
    if (!agents.has(id))
      reading.problem(
        reading.resolve(pair.key),
        "unknownAgent",
        `proposals.policies: there is no agent "${id}". The policy of agents that join later is \`policy:\`.`,
      );
    const policy = policyOf(pair.value, `proposals.policies.${id}`);
    if (policy !== undefined) policies.push([id, policy]);
  }
  return Object.fromEntries(policies);
}

/** @param proposalTimeoutMs when a proposal expires that says nothing of it */
function readPolicy(
  scope: ProposalScope,
  node: unknown,
  what: string,
  proposalTimeoutMs: number,
): VotingPolicy | undefined {
  const { reading } = scope;
  const value = reading.resolve(node);
  if (isScalar(value)) {
    const choice = CHOICES.find((one) => one === value.value);
    if (choice === undefined)
      reading.problem(value, "unknownValue", `${what} must be ${POLICY_FORMS}, not "${String(value.value)}".`);
    return choice === "reject" ? { kind: "reject", reason: REJECTS_ALL } : choice && { kind: "approve" };
  }
  const map = reading.map(node, what, POLICY_KEYS);
  if (!map) return undefined;
  const kinds = (["reject", "schema", "command"] as const).filter((kind) => map.has(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    if (!map.strange)
      reading.problem(
        map.node,
        "policyKind",
        `${what} says ${kinds.length === 0 ? "nothing of how to vote" : `both ${kinds.join(" and ")}`}; it must be ${POLICY_FORMS}.`,
      );
    return undefined;
  }
  if (kind === "command") return readCommand(reading, map, what, proposalTimeoutMs);
  for (const key of ["args", "timeout"])
    if (map.has(key))
      reading.problem(map.keyNode(key), "misplacedKey", `${what}: \`${key}\` belongs to a \`command\`.`);
  if (kind === "schema") {
    const schema = readSchema(reading, map.get("schema"), `${what}.schema`, scope.readBeside);
    return schema === undefined ? undefined : { kind, schema };
  }
  return readReason(reading, map.get("reject"), `${what}.reject`);
}

function readReason(reading: Reading, node: unknown, what: string): VotingPolicy | undefined {
  const reason = reading.text(node, what);
  if (reason === undefined) return undefined;
  const mistake = textProblem(what, reason, { maxBytes: MAX_REASON_BYTES, mayBeEmpty: true });
  if (mistake === undefined) return { kind: "reject", reason };
  reading.problem(reading.resolve(node), "outOfRange", `${mistake}.`);
  return undefined;
}

function readCommand(
  reading: Reading,
  map: MapReading,
  what: string,
  proposalTimeoutMs: number,
): VotingPolicy | undefined {
  const command = reading.text(map.get("command"), `${what}.command`);
  if (command === "") {
    reading.problem(reading.resolve(map.get("command")), "wrongType", `${what}.command names no program.`);
    return undefined;
  }
  const args = map.has("args")
    ? (reading.list(map.get("args"), `${what}.args`) ?? []).map((one) => reading.text(one, `An argument of ${what}`))
    : [];
  const timeoutMs = map.has("timeout")
    ? reading.durationMs(map.get("timeout"), `${what}.timeout`, 1, MAX_POLICY_TIMEOUT_MS)
    : Math.min(DEFAULT_POLICY_TIMEOUT_MS, proposalTimeoutMs);
  if (timeoutMs !== undefined && timeoutMs > proposalTimeoutMs)
    reading.problem(
      reading.resolve(map.get("timeout")),
      "lateVote",
      `${what}.timeout (${timeoutMs} ms) is longer than proposals.timeout (${proposalTimeoutMs} ms): a proposal may have expired before this agent votes.`,
      "warning",
    );
  if (command === undefined || timeoutMs === undefined || args.includes(undefined)) return undefined;
  return { kind: "command", command, args: args as string[], timeoutMs };
}
