import type { ClientResult } from "../contract/client.ts";
import type { ProposalInfo } from "../contract/proposals.ts";
import { THRESHOLD_PARTS } from "../core/proposals/limits.ts";
import { approvalsNeeded } from "../core/proposals/quorum.ts";
import type { Proposal, ProposalTable } from "../core/proposals/types.ts";
import { page } from "./pages.ts";

const HEX = "0123456789abcdef";

/** Bytes that a proposal takes in a client's frame, at most; counted without encoding it. */
export function proposalBytes({ subject, body, voters, votes }: ProposalInfo): number {
  let characters = subject.length + body.length;
  for (const voter of voters) characters += voter.length + 2;
  for (const { voter, reason, signature } of votes) characters += voter.length + reason.length + signature.length + 60;
  return PROPOSAL_FIELDS_BYTES + characters * 3;
}

/** What a proposal's fields take besides, at most. */
const PROPOSAL_FIELDS_BYTES = 1024;

/** In the order of submission. When they are too many for one answer, the oldest are left out, and `more` says so. @param before only older ones */
export function proposalsAnswer(table: ProposalTable, before: string): ClientResult {
  const listed = page(table.list(), before, ({ spec }) => spec.id, proposalInfo, proposalBytes);
  if (listed === undefined) {
    const message = `there is no proposal ${before} any more; list the proposals from the newest again`;
    return { ok: false, code: "refused", message };
  }
  const { infos: proposals, more } = listed;
  return { ok: true, value: { type: "proposals", proposals, ...(more && { more }) } };
}

export function proposalAnswer(table: ProposalTable, id: string): ClientResult {
  const proposal = table.get(id);
  return { ok: true, value: { type: "proposal", proposal: proposal === undefined ? null : proposalInfo(proposal) } };
}

function proposalInfo({ spec, state, votes, submittedAtMs, deadlineMs, decidedAtMs }: Proposal): ProposalInfo {
  const { id, subject, body, voters, threshold, timeoutMs } = spec;
  return {
    id,
    subject,
    body,
    voters,
    threshold: threshold / THRESHOLD_PARTS,
    needed: approvalsNeeded(voters.length, threshold),
    timeoutMs,
    state,
    submittedAtMs,
    deadlineMs,
    decidedAtMs: state === "open" ? null : decidedAtMs,
    votes: votes.map(({ voter, choice, reason, atMs, signature }) => ({
      voter,
      choice,
      reason,
      atMs,
      signature: hex(signature),
    })),
  };
}

function hex(bytes: Uint8Array): string {
  let digits = "";
  for (const byte of bytes) digits += (HEX[byte >> 4] as string) + HEX[byte & 15];
  return digits;
}
