import { type ProposalInfo, tallyText } from "../../server/contract/proposals.ts";

/** A proposal as a document for people: what is decided on first, then how and by whom. */
export function proposalDocument(info: ProposalInfo): string {
  const { id, subject, body, state, voters, threshold, needed, timeoutMs } = info;
  const shown = {
    id,
    subject,
    state,
    tally: tallyText(info),
    body: JSON.parse(body) as unknown,
    votes: info.votes.map(({ voter, choice, reason, atMs, signature }) => ({
      voter,
      choice,
      reason,
      at: moment(atMs),
      signature,
    })),
    notVoted: voters.filter((voter) => !info.votes.some((vote) => vote.voter === voter)),
    rule: { voters, threshold, needed, timeoutMs },
    submittedAt: moment(info.submittedAtMs),
    deadline: moment(info.deadlineMs),
    decidedAt: info.decidedAtMs === null ? null : moment(info.decidedAtMs),
    // Only by gossip.
    ...(info.spread && { spread: info.spread }),
  };
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}
