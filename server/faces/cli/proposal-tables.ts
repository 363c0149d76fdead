/** Proposals in words. */
import { agreementText } from "../../contract/gossip.ts";
import { type ProposalInfo, type ProposalView, tallyText } from "../../contract/proposals.ts";
import { clock, oneLine, table } from "./tables.ts";

/** `proposal proposal-1 "deploy 1.4" approved: 3 of 4 approve, 1 rejects; 3 needed, after 0.2 s` */
export function proposalEndText(proposal: ProposalView): string {
  const seconds = secondsOf(proposal);
  return `proposal ${proposal.id} ${quoted(proposal.subject)} ${proposal.state}: ${tallyText(proposal)}${seconds === null ? "" : `, after ${seconds} s`}`;
}

export function proposalMadeText(proposal: ProposalView): string {
  if (proposal.state !== "open") return proposalEndText(proposal);
  const { id, voters, needed, deadlineMs } = proposal;
  return `proposal ${id} is put to the vote of ${voters.join(", ")}: ${needed} needed, until ${clock(deadlineMs)}`;
}

export function proposalsText(proposals: readonly ProposalView[]): string {
  if (proposals.length === 0) return "No proposal.";
  return table(
    ["proposal", "state", "approve", "reject", "needed", "voters", "seconds", "subject"],
    proposals.map((proposal) => {
      const { id, state, votes, needed, voters, subject } = proposal;
      const approvals = votes.filter(({ choice }) => choice === "approve").length;
      const counts = [approvals, votes.length - approvals, needed, voters.length];
      return [oneLine(id), state, ...counts, secondsOf(proposal), oneLine(subject)];
    }),
  );
}

/** All there is to know of one but the signatures. */
export function proposalText(proposal: ProposalInfo): string {
  const { id, state, subject, threshold, timeoutMs, deadlineMs, voters, votes, body } = proposal;
  const head =
    state === "open"
      ? `proposal ${oneLine(id)} ${quoted(subject)} is open until ${clock(deadlineMs)}: ${tallyText(proposal)}`
      : proposalEndText(proposal);
  const cast = new Map(votes.map((vote) => [vote.voter, vote]));
  const rows = voters.map((voter) => {
    const vote = cast.get(voter);
    return vote === undefined ? [voter, "-", "-", ""] : [voter, vote.choice, clock(vote.atMs), oneLine(vote.reason)];
  });
  return [
    head + spreadText(proposal),
    `threshold ${threshold}, time limit ${timeoutMs / 1000} s, put to the vote ${clock(proposal.submittedAtMs)}`,
    table(["voter", "vote", "at", "reason"], rows),
    bodyText(body),
  ].join("\n\n");
}

/** By gossip an agent may not have heard of it yet. */
function spreadText({ spread }: Pick<ProposalView, "spread">): string {
  if (spread === undefined) return "";
  const { agent, agreement, sameVector, members } = spread;
  return agreement === 1
    ? `\nall ${members} agents are known to have it`
    : `\nagreement ${agreementText(agreement)}: ${sameVector} of ${members} are known to have all that ${agent} has, this included; the rest is computed of the rounds that have passed`;
}

function secondsOf({ submittedAtMs, decidedAtMs }: ProposalView): number | null {
  return decidedAtMs === null ? null : Number(((decidedAtMs - submittedAtMs) / 1000).toFixed(2));
}

/** Spread over lines; JSON shows control characters by their codes. */
function bodyText(body: string): string {
  return JSON.stringify(JSON.parse(body), undefined, 2).replace(/[\u007f-\u009f]/gu, " ");
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text));
}
