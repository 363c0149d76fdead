/** What faces ask of a swarm's proposals: to put something to the vote, how that stands, and the certificate of what was decided. */
import { CONSENSUS } from "../contract/consensus.ts";
import {
  type Certificate,
  type ProposalInfo,
  type ProposalRequest,
  type ProposalView,
  tallyText,
} from "../contract/proposals.ts";
import { makeCertificate } from "../live/proofs/make-certificate.ts";
import { isDecided, stageOf } from "./ledgers.ts";
import { Refusal } from "./refusal.ts";
import type { Swarm } from "./swarm.ts";
import { withSpread } from "./views.ts";

/** After its deadline somebody must be there to say that it has passed, and whoever is asked must have heard of it. */
export const DECISION_MARGIN_MS = 10_000;

/** What is not said the agent that is asked fills in as the swarm's file has it. @param wait until it is decided. @throws Refusal; MeshError */
export async function propose(swarm: Swarm, request: ProposalRequest, wait: boolean): Promise<ProposalInfo> {
  const { proposalId } = await swarm.client.propose(request);
  const made = await proposalOf(swarm, proposalId);
  swarm.proposals.saw(made);
  if (!wait || isDecided(made)) return made;
  const withinMs = Math.max(0, made.deadlineMs - Date.now()) + DECISION_MARGIN_MS;
  const known = (await swarm.proposals.final(proposalId, withinMs)) ?? made;
  if (isDecided(known)) return CONSENSUS[swarm.file.consensus].ordered ? known : spreadNow(swarm, known);
  if (swarm.over)
    throw new Refusal("unavailable", `Swarm ${swarm.file.name} ended before proposal ${proposalId} was decided.`);
  throw new Refusal("failed", undecidedText(known));
}

/** As the swarm has it now. @throws Refusal where there is none; MeshError */
export async function proposalOf(swarm: Swarm, proposalId: string): Promise<ProposalInfo> {
  const read = await swarm.client.proposal(proposalId);
  if (CONSENSUS[swarm.file.consensus].ordered) return read ?? refuseUnknown(swarm, proposalId);
  // Whoever was asked may have heard less than what is known here of another one.
  const known = swarm.proposals.items.find(({ id }) => id === proposalId) ?? null;
  const proposal = read === null || (known !== null && stageOf(known) > stageOf(read)) ? known : read;
  return proposal === null ? refuseUnknown(swarm, proposalId) : spreadNow(swarm, proposal);
}

/** With how far it has spread, as the agents that can be asked say at this moment. */
async function spreadNow(swarm: Swarm, proposal: ProposalInfo): Promise<ProposalInfo> {
  const telling = swarm.agents.map(async (agent) => ({
    id: agent.id,
    report: agent.alive ? ((await swarm.observer(agent)?.report()) ?? null) : null,
  }));
  return withSpread(proposal, await Promise.all(telling));
}

/** @throws Refusal */
function refuseUnknown(swarm: Swarm, proposalId: string): never {
  throw new Refusal(
    "refused",
    `There is no proposal ${proposalId} in ${swarm.file.name}. It may have been forgotten: the oldest decided ones are.`,
  );
}

/** @throws Refusal where nothing is decided, or what the agents hold proves nothing; MeshError */
export async function certificateOf(swarm: Swarm, proposalId: string): Promise<Certificate> {
  const proposal = await proposalOf(swarm, proposalId);
  const named = `Proposal ${proposalId}`;
  if (proposal.state === "open") throw new Refusal("refused", `${named} is still open: ${tallyText(proposal)}.`);
  if (proposal.state === "expired")
    throw new Refusal(
      "refused",
      `${named} has no certificate, it expired: who did not vote has signed nothing (${tallyText(proposal)}).`,
    );
  const made = makeCertificate(proposal, swarm.file);
  if ("certificate" in made) return made.certificate;
  throw new Refusal("failed", `What the agents hold of ${proposalId} proves nothing: ${made.problem}.`);
}

/** Why one that should be decided is not. */
export function undecidedText(proposal: ProposalView): string {
  const why =
    Date.now() > proposal.deadlineMs ? ", although its time is over: too few agents can be reached to say so" : "";
  return `Proposal ${proposal.id} is not decided${why}. It stands at: ${tallyText(proposal)}.`;
}
