import type { AgentId } from "../consensus.ts";
import { compareText, shownValue } from "../text.ts";
import { canonicalJson, parseJson } from "./canonical-json.ts";
import {
  badTimeout,
  checkProposalSpec,
  isProposalTimeout,
  MAX_BODY_BYTES,
  MAX_VOTERS,
  THRESHOLD_PARTS,
} from "./limits.ts";
import type { ProposalSpec } from "./types.ts";

/** Code units of a body as it is sent: white space and escapes may make it longer than its canonical form. */
export const MAX_BODY_TEXT = 4 * MAX_BODY_BYTES;

/** What somebody outside asks for; nobody has looked at it yet. */
export interface ProposalFields {
  readonly id?: unknown;
  readonly subject?: unknown;
  /** JSON, as text. */
  readonly body?: unknown;
  /** Absent: all that vote now. In any order. */
  readonly voters?: unknown;
  /** A share above 0.5, at most 1, with at most four decimals. */
  readonly threshold?: unknown;
  readonly timeoutMs?: unknown;
}

export interface ProposalDefaults {
  /** In ten-thousandths. */
  readonly thresholdParts: number;
  readonly timeoutMs: number;
}

type Read<Value> = { readonly value: Value } | { readonly problem: string };

/** The proposal that is asked for, fit to be committed; or a sentence that says what is wrong with it and what to do. */
export function readProposal(
  request: ProposalFields,
  all: {
    /** Who votes in the swarm now. */
    readonly voters: readonly AgentId[];
    readonly members: readonly AgentId[];
  },
  defaults: ProposalDefaults,
): { readonly spec: ProposalSpec } | { readonly problem: string } {
  const { id, subject } = request;
  if (typeof id !== "string") return { problem: `the proposal's id is ${shownValue(id)}; give a text` };
  if (typeof subject !== "string") return { problem: `the proposal's subject is ${shownValue(subject)}; give a text` };
  const body = readBody(request.body);
  if ("problem" in body) return body;
  const voters = readVoters(request.voters, all.members, all.voters);
  if ("problem" in voters) return voters;
  const threshold = readThreshold(request.threshold, defaults.thresholdParts);
  if ("problem" in threshold) return threshold;
  const { timeoutMs = defaults.timeoutMs } = request;
  if (!isProposalTimeout(timeoutMs)) return { problem: badTimeout(timeoutMs) };
  const spec: ProposalSpec = {
    id,
    subject,
    body: body.value,
    voters: voters.value,
    threshold: threshold.value,
    timeoutMs,
  };
  const problem = checkProposalSpec(spec);
  return problem === undefined ? { spec } : { problem };
}

function readBody(body: unknown): Read<string> {
  if (typeof body !== "string")
    return { problem: `the proposal's body is ${shownValue(body)}; give JSON, written as a text` };
  if (body.length > MAX_BODY_TEXT)
    return {
      problem: `the proposal's body has ${body.length} characters; at most ${MAX_BODY_TEXT} are read: shorten it`,
    };
  const parsed = parseJson(body);
  if ("problem" in parsed) return { problem: `the proposal's body cannot be read as JSON: ${parsed.problem}` };
  return { value: canonicalJson(parsed.value) };
}

function readVoters(
  voters: unknown,
  members: readonly AgentId[],
  byDefault: readonly AgentId[],
): Read<readonly AgentId[]> {
  if (voters === undefined) return { value: [...byDefault].sort(compareText) };
  if (!Array.isArray(voters))
    return { problem: `the proposal's voters are ${shownValue(voters)}; give a list of agents' ids, or leave it out` };
  const asked: readonly unknown[] = voters;
  if (asked.length > MAX_VOTERS)
    return { problem: `the proposal has ${asked.length} voters; at most ${MAX_VOTERS} are allowed: name fewer` };
  const known = new Set(members);
  const named = new Set<AgentId>();
  for (const voter of asked) {
    if (typeof voter !== "string")
      return { problem: `the proposal's voter ${shownValue(voter)} is no text; give an agent's id` };
    if (!known.has(voter))
      return { problem: `the proposal's voter ${shownValue(voter)} is no member of the swarm; name agents that are` };
    if (named.has(voter))
      return {
        problem: `the proposal names the voter ${shownValue(voter)} twice; everybody has one vote: name it once`,
      };
    named.add(voter);
  }
  return { value: [...named].sort(compareText) };
}

function readThreshold(threshold: unknown, byDefault: number): Read<number> {
  if (threshold === undefined) return { value: byDefault };
  if (typeof threshold === "number" && threshold > 0.5 && threshold <= 1) {
    const parts = Math.round(threshold * THRESHOLD_PARTS);
    // A division rounds to the nearest number there is, as reading a text of four decimals does: so they are equal exactly if it had no more.
    if (parts / THRESHOLD_PARTS === threshold) return { value: parts };
  }
  const shown = typeof threshold === "number" ? threshold : shownValue(threshold);
  return {
    problem: `the proposal's threshold is ${shown}; give a share above 0.5 and at most 1, with at most four decimals`,
  };
}
