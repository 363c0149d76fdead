import type { AgentId, Configuration, ConsensusStatus } from "../core/consensus.ts";

/** Configurations change rarely, and agents ask in every turn who is in theirs: of a thousand agents the answer takes longer than the rest of most turns. */
const members = new WeakMap<Configuration, readonly AgentId[]>();

/** Whose acknowledgements count, those that a joint phase phases out among them. */
export function votersOf({ configuration: { voters, outgoing } }: ConsensusStatus): Set<AgentId> {
  return new Set([...voters, ...outgoing]);
}

/** All that get the log, learners too, as the log names them; `everybody` as long as it names nobody. */
export function membersOf(status: ConsensusStatus, everybody: readonly AgentId[]): readonly AgentId[] {
  const { configuration } = status;
  if (configuration.voters.length === 0) return everybody;
  const known = members.get(configuration) ?? [...new Set([...votersOf(status), ...configuration.learners])];
  members.set(configuration, known);
  return known;
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
