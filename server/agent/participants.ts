import type { AgentId, ConsensusStatus } from "../core/consensus.ts";

/** Whose acknowledgements count, those that a joint phase phases out among them. */
export function votersOf({ configuration: { voters, outgoing } }: ConsensusStatus): Set<AgentId> {
  return new Set([...voters, ...outgoing]);
}

/** All that get the log, learners too, as the log names them; `everybody` as long as it names nobody. */
export function membersOf(status: ConsensusStatus, everybody: readonly AgentId[]): readonly AgentId[] {
  const { voters, learners } = status.configuration;
  return voters.length === 0 ? everybody : [...new Set([...votersOf(status), ...learners])];
}

/**
 * Members that the leader may give tasks to: learners too, as whoever has the log can run them; but not one that is being sent a snapshot, which would not see
 * in time that it was given one.
 */
export function workersOf(status: ConsensusStatus): Set<AgentId> {
  const workers = new Set(membersOf(status, []));
  for (const { id, state } of status.followers) if (state === "snapshot") workers.delete(id);
  return workers;
}
