import type { Certificate, ProposalInfo } from "../../contract/proposals.ts";
import { checkProposalSpec } from "../../core/proposals/limits.ts";
import { compareText } from "../../core/text.ts";
import { WrongShape } from "../checked-json.ts";
import { specOf } from "./certificate.ts";
import { digestText } from "./certificate-problem.ts";
import type { GroundSwarm } from "./ground.ts";
import { verifyProofs } from "./verify.ts";

/** As it is written into a file. */
export function certificateText(certificate: Certificate): string {
  return `${JSON.stringify(certificate, undefined, 2)}\n`;
}

/** A certificate, or why there is none: a sentence without a full stop. */
export type Made = { readonly certificate: Certificate } | { readonly problem: string };

/** Of a decided proposal, with the keys of its swarm's roster; verified, as it is written into a file, before it is given away. */
export function makeCertificate(info: ProposalInfo, swarm: GroundSwarm): Made {
  const { id, subject, body, voters, threshold, timeoutMs, needed, state } = info;
  if (state !== "approved" && state !== "rejected") return { problem: `it is ${state}` };
  const proposal = { id, subject, body, voters, threshold, timeoutMs };
  const spec = specOf(proposal);
  if (spec === undefined)
    return { problem: `its threshold is ${threshold}, and thresholds have at most four decimals` };
  const problem = checkProposalSpec(spec);
  if (problem !== undefined) return { problem };
  const keys = new Map(swarm.agents.map((agent) => [agent.id, agent.publicKey]));
  const stranger = voters.find((voter) => !keys.has(voter));
  if (stranger !== undefined) return { problem: `the swarm's roster has no "${stranger}"` };
  const certificate: Certificate = {
    ...({ type: "certificate", version: 1, swarm: swarm.id, name: swarm.name, outcome: state, proposal } as const),
    digest: digestText(spec),
    rule: { voters: voters.length, needed },
    roster: voters.map((voter) => ({ id: voter, publicKey: keys.get(voter) as string })),
    votes: info.votes
      .map(({ voter, choice, reason, signature }) => ({ voter, choice, reason, signature }))
      .sort((a, b) => compareText(a.voter, b.voter)),
  };
  return verified(certificate, swarm);
}

function verified(certificate: Certificate, swarm: GroundSwarm): Made {
  try {
    const [verdict, ...more] = verifyProofs(certificateText(certificate), () => ({ swarm }));
    if (verdict === undefined || more.length > 0) return { problem: "it is not read as one proof" };
    return verdict.problem === undefined ? { certificate } : { problem: verdict.problem };
  } catch (error) {
    if (error instanceof WrongShape) return { problem: error.message };
    throw error;
  }
}
