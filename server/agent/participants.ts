import type { AgentId, Configuration, ConsensusStatus } from "../core/consensus.ts";

/** A configuration is not changed but replaced: what follows from one is worked out once. */
const VOTERS = new WeakMap<Configuration, ReadonlySet<AgentId>>();
const MEMBERS = new WeakMap<Configuration, readonly AgentId[]>();

/** Whose acknowledgements count, those that a joint phase phases out among them. */
export function votersOf({ configuration }: ConsensusStatus): ReadonlySet<AgentId> {
  const known = VOTERS.get(configuration);
  if (known !== undefined) return known;
  const voters = new Set([...configuration.voters, ...configuration.outgoing]);
  VOTERS.set(configuration, voters);
  return voters;
}

/** All that get the log, learners too, as the log names them; `everybody` as long as it names nobody. */
export function membersOf(status: ConsensusStatus, everybody: readonly AgentId[]): readonly AgentId[] {
  const { configuration } = status;
  if (configuration.voters.length === 0) return everybody;
  const known = MEMBERS.get(configuration);
  if (known !== undefined) return known;
  const members = [...new Set([...votersOf(status), ...configuration.learners])];
  MEMBERS.set(configuration, members);
  return members;
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
