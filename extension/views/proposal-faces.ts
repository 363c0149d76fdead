/** What the tree shows of a proposal and of each vote: shapes, words and colours, without an editor. */
import { agreementText } from "../../server/contract/gossip.ts";
import {
  type ProposalSpread,
  type ProposalStateName,
  type ProposalView,
  tallyText,
  type VoteInfo,
} from "../../server/contract/proposals.ts";

/** A line of the tree. Icons are codicons: their shape tells what their colour does. */
export interface Face {
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  readonly colour?: string;
  /** For when-clauses. */
  readonly context: string;
  readonly tooltip: string;
  /** For screen readers. */
  readonly spoken: string;
}

const ICONS: Readonly<Record<ProposalStateName, readonly [icon: string, colour: string]>> = {
  open: ["sync~spin", "charts.blue"],
  approved: ["verified-filled", "charts.green"],
  rejected: ["error", "charts.red"],
  expired: ["history", "symbolIcon.classForeground"],
};

/** Newest first. */
export function newestFirst(proposals: readonly ProposalView[]): readonly ProposalView[] {
  return [...proposals].sort((a, b) => b.submittedAtMs - a.submittedAtMs || b.id.localeCompare(a.id));
}

export function proposalFace(proposal: ProposalView): Face {
  const { id, subject, state, submittedAtMs, deadlineMs, decidedAtMs, threshold, voters, needed, spread } = proposal;
  const [icon, colour] = ICONS[state];
  const tally = tallyText(proposal).replace(/; /, " · ");
  const standing = state === "approved" || state === "open" ? tally : `${state} · ${tally}`;
  const description =
    spread === undefined || spread.agreement === 1
      ? standing
      : `${standing} · agreement ${agreementText(spread.agreement)}`;
  const end =
    decidedAtMs === null
      ? `Expires: ${clock(deadlineMs)}`
      : `${state === "expired" ? "Expired" : "Decided"}: ${clock(decidedAtMs)}, after ${duration(decidedAtMs - submittedAtMs)}`;
  return {
    label: subject === "" ? id : subject,
    description,
    icon,
    colour,
    context: `proposal.${state}`,
    tooltip: [
      ...(subject === "" ? [] : [subject]),
      `${id}: ${state}`,
      tallyText(proposal),
      `Rule: ${threshold} of ${voters.length === 1 ? "1 voter" : `${voters.length} voters`}, so ${needed} must approve`,
      `Put to the vote: ${clock(submittedAtMs)}`,
      end,
      ...(spread === undefined ? [] : [sureText(spread)]),
    ].join("\n"),
    spoken: `${subject === "" ? id : subject}, ${state}, ${tallyText(proposal)}`,
  };
}

/** How sure the least sure agent is that nobody lacks anything of it. */
export function sureText({ agent, agreement, sameVector, members }: ProposalSpread): string {
  return agreement === 1
    ? `Agreement: 1, all ${members} are known to have it all`
    : `Agreement: ${agreementText(agreement)}, ${sameVector} of ${members} are known to have it all, as ${agent} says`;
}

export function voteFace({ state, votes, submittedAtMs }: ProposalView, voter: string): Face {
  const vote = votes.find((one) => one.voter === voter);
  if (vote === undefined) {
    const description = state === "open" ? "has not voted" : "did not vote";
    return {
      label: voter,
      description,
      icon: "circle-large-outline",
      context: "vote.none",
      tooltip: `${voter} ${description}${state === "open" ? " yet" : ""}`,
      spoken: `${voter} ${description}`,
    };
  }
  const approves = vote.choice === "approve";
  const words = `${approves ? "approves" : "rejects"}${because(vote)}`;
  return {
    label: voter,
    description: words,
    icon: approves ? "pass-filled" : "error",
    colour: approves ? "charts.green" : "charts.red",
    context: `vote.${vote.choice}`,
    tooltip: `${voter} ${words}\nVoted: ${clock(vote.atMs)}, after ${duration(vote.atMs - submittedAtMs)}`,
    spoken: `${voter} ${words}`,
  };
}

/** The outcome of one that is decided, in a sentence. */
export function outcomeText(proposal: ProposalView): string {
  const name = proposal.subject === "" ? proposal.id : `“${proposal.subject}”`;
  const outcome = proposal.state === "expired" ? "has expired" : `is ${proposal.state}`;
  return `${name} ${outcome}: ${tallyText(proposal)}.`;
}

/** Only these prove something: of one that expired nobody signed that it did. */
export function isProvable({ state }: Pick<ProposalView, "state">): boolean {
  return state === "approved" || state === "rejected";
}

function because({ reason }: VoteInfo): string {
  return reason === "" ? "" : `: ${reason}`;
}

function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString();
}

function duration(ms: number): string {
  return ms < 100 ? `${Math.max(0, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}
