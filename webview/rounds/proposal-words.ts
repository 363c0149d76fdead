/** What events of proposals say, in words. */
import type { Fields } from "../../server/contract/timeline.ts";
import { plural } from "../format.ts";
import type { ProposalEventKind } from "./proposal-marks.ts";

type Said = (fields: Fields) => string;

export const SAID_OF_PROPOSALS: Readonly<Record<ProposalEventKind, Said>> = {
  proposalSubmitted: ({ proposal, subject, voters, needed }) =>
    `${proposal}: “${subject}”, ${plural(Array.isArray(voters) ? voters.length : Number(voters), "voter")}, ${needed} needed`,
  voteSigned: (fields) => `${choice(fields)} ${fields.proposal}${because(fields)}`,
  voteCast: (fields) => `${fields.voter} ${choice(fields)} ${fields.proposal}${because(fields)}`,
  voteNotTaken: ({ proposal, voter, reason }) => `${voter} on ${proposal}: ${WHY_NOT_TAKEN[String(reason)] ?? reason}`,
  proposalDecided: ({ proposal, state, approvals, rejections, needed }) =>
    `${proposal} ${state}: ${approvals} for, ${rejections} against, ${needed} needed`,
};

function choice({ choice }: Fields): string {
  return choice === "reject" ? "rejects" : "approves";
}

function because({ reason }: Fields): string {
  return reason === undefined || reason === "" ? "" : `: ${reason}`;
}

const WHY_NOT_TAKEN: Readonly<Record<string, string>> = {
  votedAlready: "it has voted already",
  stranger: "it is not asked",
  decided: "it is decided",
  unknownProposal: "there is no such proposal",
  badSignature: "the signature is wrong",
};
