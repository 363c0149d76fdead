import type { ClientRequest } from "../../contract/client.ts";
import type { ProposalSettings } from "../../contract/proposals.ts";
import { MAX_BODY_BYTES } from "../../core/proposals/limits.ts";
import type { BodyCheck } from "./proposal-schemas.ts";

/** A request as the agent shall have it, or the sentence that it is refused with. */
export type SettledRequest = { readonly request: ClientRequest } | { readonly problem: string };

/**
 * What a swarm's settings make of a request: one to put something to the vote gets the swarm's threshold and time where it names none, and is refused where its body does
 * not fit the swarm's schema, before it costs a round. All others stay as they are; so does what is no proposal, which the agent refuses.
 */
export function settledRequest(
  request: ClientRequest,
  { threshold, timeoutMs }: Pick<ProposalSettings, "threshold" | "timeoutMs">,
  fitsSwarm: BodyCheck | undefined,
): SettledRequest {
  if (request.op !== "propose") return { request };
  // As it came: nobody has looked at it.
  const proposal: unknown = request.proposal;
  if (typeof proposal !== "object" || proposal === null || Array.isArray(proposal)) return { request };
  const asked = request.proposal;
  if (fitsSwarm !== undefined && typeof asked.body === "string" && asked.body.length <= MAX_BODY_BYTES) {
    const problem = fitsSwarm(asked.body);
    if (problem !== undefined)
      return {
        problem: `The proposal's body does not fit the schema of this swarm (proposals.schema of its mesh file): ${problem}. Change the body so that it fits; nothing was put to the vote.`,
      };
  }
  return { request: { ...request, proposal: { threshold, timeoutMs, ...asked } } };
}
