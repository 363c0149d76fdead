/** The watches of what a swarm decides on one by one. */
import type { MeshClient } from "../client/client.ts";
import type { ProposalInfo } from "../contract/proposals.ts";
import type { TaskInfo } from "../contract/swarm.ts";
import { LedgerWatch } from "./ledger-watch.ts";

/** What a view shows of proposals. */
export const SHOWN_PROPOSALS = 200;
const READ = { consistency: "local", timeoutMs: 5000 } as const;

interface Ground {
  readonly client: MeshClient;
  /** An earlier coordinator ran the swarm. */
  readonly foundAgain: boolean;
  readonly onChanged: () => void;
}

export function watchTasks(ground: Ground, onFinished: (task: TaskInfo) => void): LedgerWatch<TaskInfo> {
  return new LedgerWatch({
    ...ground,
    read: () => ground.client.tasks(READ),
    isFinal: isFinished,
    stage: (task) => Number(isFinished(task)),
    concerns: ({ kind }) => kind.startsWith("task"),
    kept: Number.POSITIVE_INFINITY,
    onFinal: onFinished,
  });
}

export function watchProposals(ground: Ground, onDecided: (proposal: ProposalInfo) => void): LedgerWatch<ProposalInfo> {
  return new LedgerWatch({
    ...ground,
    read: () => ground.client.proposals({ ...READ, newest: SHOWN_PROPOSALS }),
    isFinal: isDecided,
    stage: stageOf,
    concerns: ({ kind }) => kind.startsWith("proposal") || kind === "voteCast",
    kept: SHOWN_PROPOSALS,
    onFinal: onDecided,
  });
}

export function isFinished({ state }: Pick<TaskInfo, "state">): boolean {
  return state === "completed" || state === "failed" || state === "cancelled";
}

export function isDecided({ state }: Pick<ProposalInfo, "state">): boolean {
  return state !== "open";
}

/** More votes, then expired, then decided by votes: where consensus gives no order, a late vote may still decide what had expired. */
export function stageOf({ state, votes, voters }: ProposalInfo): number {
  if (state === "open") return votes.length / (voters.length + 1);
  return state === "expired" ? 1 : 2;
}
