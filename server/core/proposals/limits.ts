import { MAX_SIGNATURE_BYTES } from "../crypto.ts";
import { headOf, shownValue, textProblem } from "../text.ts";
import { canonicalJson, parseJson } from "./canonical-json.ts";
import type { ProposalCommand, ProposalSpec, SignedVote } from "./types.ts";

/** Bytes are of UTF-8. */
export const MAX_PROPOSAL_ID_BYTES = 128;
export const MAX_SUBJECT_BYTES = 256;
/** Of the canonical form. */
export const MAX_BODY_BYTES = 64 * 1024;
export const MAX_REASON_BYTES = 1024;
export const MAX_VOTER_ID_BYTES = 128;
export const MAX_VOTERS = 1000;
export const MIN_PROPOSAL_TIMEOUT_MS = 1;
/** A week. */
export const MAX_PROPOSAL_TIMEOUT_MS = 7 * 24 * 3600 * 1000;
/** A threshold of so many is one of all voters: thresholds are whole numbers of ten-thousandths. */
export const THRESHOLD_PARTS = 10_000;

/** A sentence that says what is wrong with a spec and what to do, or undefined. */
export function checkProposalSpec(spec: ProposalSpec): string | undefined {
  return (
    idProblem(spec.id) ??
    textProblem("the proposal's subject", spec.subject, { maxBytes: MAX_SUBJECT_BYTES, mayBeEmpty: false }) ??
    textProblem("the proposal's body", spec.body, { maxBytes: MAX_BODY_BYTES, mayBeEmpty: false }) ??
    votersProblem(spec.voters) ??
    thresholdProblem(spec.threshold) ??
    (isProposalTimeout(spec.timeoutMs) ? undefined : badTimeout(spec.timeoutMs)) ??
    canonicalProblem(spec.body)
  );
}

/** The same for a whole command. What passes can be encoded, and what decodes passes. */
export function checkProposalCommand(command: ProposalCommand): string | undefined {
  if (command.type === "propose") return checkProposalSpec(command.spec);
  return idProblem(command.id) ?? checkVote(command.vote);
}

/** Only of its form: whose signature it is, is for `verifyVote` to say. */
export function checkVote({ voter, choice, reason, signature }: SignedVote): string | undefined {
  const problem =
    textProblem("the voter", voter, { maxBytes: MAX_VOTER_ID_BYTES, mayBeEmpty: false }) ??
    textProblem("the vote's reason", reason, { maxBytes: MAX_REASON_BYTES, mayBeEmpty: true });
  if (problem !== undefined) return problem;
  if (choice !== "approve" && choice !== "reject")
    return `the vote is ${shownValue(choice)}; it must be "approve" or "reject"`;
  if (signature.length > MAX_SIGNATURE_BYTES)
    return `the vote's signature has ${signature.length} bytes, and at most ${MAX_SIGNATURE_BYTES} are allowed; sign the vote again`;
  return undefined;
}

export function isProposalTimeout(value: unknown): value is number {
  const timeoutMs = Number.isSafeInteger(value) ? (value as number) : 0;
  return timeoutMs >= MIN_PROPOSAL_TIMEOUT_MS && timeoutMs <= MAX_PROPOSAL_TIMEOUT_MS;
}

/** The sentence about one that is none. */
export function badTimeout(timeoutMs: unknown): string {
  return `the proposal's time limit (timeoutMs) is ${shownValue(timeoutMs)}; give a whole number from ${MIN_PROPOSAL_TIMEOUT_MS} to ${MAX_PROPOSAL_TIMEOUT_MS}`;
}

/** A reason cut to what a vote may carry: its beginning. */
export function boundedReason(text: string): string {
  return headOf(text, MAX_REASON_BYTES);
}

function idProblem(id: string): string | undefined {
  return textProblem("the proposal's id", id, { maxBytes: MAX_PROPOSAL_ID_BYTES, mayBeEmpty: false });
}

function votersProblem(voters: readonly string[]): string | undefined {
  if (voters.length === 0) return "the proposal has no voters; name at least one agent";
  if (voters.length > MAX_VOTERS)
    return `the proposal has ${voters.length} voters; at most ${MAX_VOTERS} are allowed: name fewer`;
  for (const [at, voter] of voters.entries()) {
    const what = `the proposal's voter ${at + 1}`;
    const problem = textProblem(what, voter, { maxBytes: MAX_VOTER_ID_BYTES, mayBeEmpty: false });
    if (problem !== undefined) return problem;
    const before = voters[at - 1];
    if (before === voter)
      return `the proposal names the voter ${shownValue(voter)} twice; everybody has one vote: name it once`;
    if (before !== undefined && before > voter)
      return `the proposal's voters are not sorted: ${shownValue(voter)} comes after ${shownValue(before)}; sort them by code units`;
  }
  return undefined;
}

function thresholdProblem(threshold: number): string | undefined {
  const least = THRESHOLD_PARTS / 2 + 1;
  if (Number.isSafeInteger(threshold) && threshold >= least && threshold <= THRESHOLD_PARTS) return undefined;
  return `the proposal's threshold is ${shownValue(threshold)} ten-thousandths; give a whole number from ${least} to ${THRESHOLD_PARTS}`;
}

function canonicalProblem(body: string): string | undefined {
  const parsed = parseJson(body);
  if ("problem" in parsed) return `the proposal's body cannot be read as JSON: ${parsed.problem}`;
  if (canonicalJson(parsed.value) === body) return undefined;
  return "the proposal's body is not in the canonical form of JSON (RFC 8785), so that its digest could be another's; send it as that form writes it";
}
