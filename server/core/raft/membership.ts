import type { AgentId, ChangeRefusal, Configuration, MemberChange } from "../consensus.ts";
import { EntryKind } from "../consensus.ts";
import { changed, encodeConfiguration, isJoint, left } from "./configuration.ts";
import { CAUGHT_UP_ENTRIES } from "./limits.ts";
import type { Progress } from "./progress.ts";
import type { Reads } from "./reads.ts";
import { appendAsLeader } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { RaftState } from "./state.ts";
import { askToCampaign } from "./transfer.ts";

/** Changes of the members at a leader (thesis, chapter 4). */

/**
 * One at a time, and only once an entry of the leader's own term is committed: else two leaders' changes could each win a majority that does not meet the
 * other's (Ongaro, "bug in single-server membership changes", raft-dev, 2015).
 */
export function changeMembers(
  state: RaftState,
  change: MemberChange,
): { readonly ok: true; readonly index: number } | { readonly ok: false; readonly reason: ChangeRefusal } {
  if (state.role !== "leader") return { ok: false, reason: "notLeader" };
  const { members, log, commit } = state;
  if (state.transfer !== undefined || members.index > commit || log.termAt(commit) !== state.term)
    return { ok: false, reason: "changePending" };
  const next = changed(members.configuration, change);
  if (!next.ok) return next;
  if (!next.to.voters.every((id) => id === state.id || mayVote(state, id))) return { ok: false, reason: "notCaughtUp" };
  appendConfiguration(state, next.to);
  return { ok: true, index: log.lastIndex };
}

/** A voter is left alone; a new one must be able to take part in the next commits (§4.2.1). */
function mayVote(state: RaftState, id: AgentId): boolean {
  const { configuration } = state.members;
  if (configuration.voters.includes(id)) return true;
  const peer: Progress | undefined = state.peer(id);
  return peer?.state === "replicate" && peer.match + CAUGHT_UP_ENTRIES >= state.log.lastIndex;
}

/** Leader, once a turn: what the commit of a change brings about. */
export function settleMembers(state: RaftState, reads: Reads): void {
  const { members, log, commit } = state;
  const { configuration } = members;
  if (members.index > commit || log.termAt(commit) !== state.term) return;
  if (isJoint(configuration)) {
    if (configuration.autoLeave) appendConfiguration(state, left(configuration));
  } else if (!members.selfVotes) {
    // It led until the change that removed it was committed (§4.2.2). Somebody who has it need not wait for a timeout.
    const heir = best(members.voters);
    if (heir !== undefined && heir.match >= members.index) askToCampaign(state, heir.id);
    becomeFollower(state, reads, state.term, "");
  }
}

/** Whose log is the longest. */
export function best(voters: readonly Progress[]): Progress | undefined {
  let found: Progress | undefined;
  for (const voter of voters) if (found === undefined || voter.match > found.match) found = voter;
  return found;
}

function appendConfiguration(state: RaftState, configuration: Configuration): void {
  const known = new Set(state.followers.map(({ id }) => id));
  appendAsLeader(state, EntryKind.configuration, encodeConfiguration(configuration));
  for (const follower of state.followers) if (!known.has(follower.id)) follower.reset(state.log.lastIndex, state.now);
  if (state.followers.length === 0) return;
  state.heartbeatAt = Math.min(state.heartbeatAt, state.now + state.config.heartbeatMs);
  state.checkQuorumAt = Math.min(state.checkQuorumAt, state.now + state.config.electionTimeoutMaxMs);
}
