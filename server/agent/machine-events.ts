import type { EventKind, Fields } from "../contract/timeline.ts";
import { unreachable } from "../core/invariant.ts";
import { approvalsNeeded } from "../core/proposals/quorum.ts";
import type { ProposalObservation, ProposalTable } from "../core/proposals/types.ts";
import type { TaskObservation } from "../core/tasks/types.ts";

/** What an entry changed in tasks or proposals, as the timeline tells it. */
export function machineEvent(
  observation: TaskObservation | ProposalObservation,
  proposals: ProposalTable,
): { readonly kind: EventKind; readonly fields: Fields } {
  switch (observation.type) {
    case "proposalSubmitted":
      return { kind: observation.type, fields: submitted(observation, proposals) };
    case "voteCast":
    case "voteNotTaken":
    case "proposalDecided": {
      const { type, id: proposal, ...fields } = observation;
      return { kind: type, fields: { proposal, ...fields } };
    }
    case "taskSubmitted":
    case "taskLeased":
    case "taskLeaseLost":
    case "taskRetried":
    case "taskFinished":
    case "taskCompletionRefused": {
      const { type, ...fields } = observation;
      return { kind: type, fields };
    }
    default:
      return unreachable(observation, "observation");
  }
}

function submitted(
  { id, untilMs }: ProposalObservation & { readonly type: "proposalSubmitted" },
  proposals: ProposalTable,
): Fields {
  const spec = proposals.get(id)?.spec;
  if (spec === undefined) return { proposal: id, untilMs };
  const { subject, voters, threshold } = spec;
  return { proposal: id, subject, voters, needed: approvalsNeeded(voters.length, threshold), untilMs };
}
