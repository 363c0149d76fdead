import { type AgentId, EntryKind } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { Reads } from "./reads.ts";
import { appendAsLeader } from "./replication.ts";
import type { RaftState } from "./state.ts";
import { endTransfer } from "./transfer.ts";

/**
 * Transitions between roles (Raft paper, Figure 4, with the thesis's pre-candidate). What a role needs is set up here and only here.
 */

/** @param leader empty when the leader of that term is not known yet. */
export function becomeFollower(state: RaftState, reads: Reads, term: number, leader: AgentId): void {
  invariant(term >= state.term, "terms never fall");
  const newTerm = term > state.term;
  const newRole = state.role !== "follower";
  if (state.role === "leader")
    stepDown(state, newTerm ? "higherTerm" : state.members.selfVotes ? "quorumLost" : "removed");
  if (newTerm) {
    // The old leader has no use for it, and what it speaks of may be replaced before it leaves.
    state.ackIndex = -1;
    state.flushAppended();
    state.term = term;
    state.votedFor = "";
  }
  const newLeader = state.leader !== leader;
  if (newTerm || newRole || newLeader) reads.failAll(state);
  if (newTerm || newLeader) state.ackedIndex = -1;
  state.role = "follower";
  state.leader = leader;
  if (newTerm || newRole) state.observe({ type: "becameFollower", term, leader });
  if (newLeader && leader !== "") {
    state.observe({ type: "leaderKnown", term, leader });
    endTransfer(state, state.transfer?.to === leader);
  }
}

export function becomePreCandidate(state: RaftState, reads: Reads): void {
  invariant(state.role !== "leader", "a leader does not campaign");
  state.ackIndex = -1;
  reads.failAll(state);
  state.role = "preCandidate";
  state.leader = "";
  state.votes.clear();
  state.drawElectionDeadline();
  state.observe({ type: "becamePreCandidate", term: state.term });
}

/** @param asked the leader told it to campaign: then nobody needs to be asked before (thesis §3.10). */
export function becomeCandidate(state: RaftState, asked: boolean): void {
  invariant(state.mayCampaign(), "only who votes, or did until a change that is not committed, campaigns");
  invariant(
    asked ? state.role !== "leader" : state.role === "preCandidate" && state.leader === "",
    "only a pre-candidate becomes a candidate, unless the leader asks",
  );
  state.ackIndex = -1;
  state.leader = "";
  state.term++;
  state.votedFor = state.id;
  state.role = "candidate";
  state.votes.clear();
  state.drawElectionDeadline();
  state.observe({ type: "becameCandidate", term: state.term });
  state.observe({ type: "votedFor", term: state.term, candidate: state.id, pre: false });
}

export function becomeLeader(state: RaftState): void {
  invariant(state.role === "candidate", "only a candidate becomes leader");
  invariant(
    state.durability.hardState.term === state.term && state.durability.hardState.votedFor === state.id,
    "a leader's own vote is durable",
  );
  const votes = [...state.votes].filter(([, granted]) => granted).map(([voter]) => voter);
  state.role = "leader";
  state.leader = state.id;
  state.electionDeadline = Number.POSITIVE_INFINITY;
  const alone = state.followers.length === 0;
  state.heartbeatAt = alone ? Number.POSITIVE_INFINITY : state.now + state.config.heartbeatMs;
  state.checkQuorumAt = alone ? Number.POSITIVE_INFINITY : state.now + state.config.electionTimeoutMaxMs;
  for (const follower of state.followers) follower.reset(state.log.lastIndex + 1, state.now);
  state.incoming = undefined;
  state.leaseVoid = false;
  state.beats.length = 0;
  state.observe({ type: "becameLeader", term: state.term, votes: votes.sort() });
  // Lets entries of earlier terms commit (§5.4.2), tells the followers who leads, and makes reads possible (§8).
  appendAsLeader(state, EntryKind.noop, new Uint8Array(0));
}

function stepDown(state: RaftState, reason: "higherTerm" | "quorumLost" | "removed"): void {
  state.flushAppended();
  state.observe({ type: "steppedDown", term: state.term, reason });
  state.heartbeatAt = Number.POSITIVE_INFINITY;
  state.checkQuorumAt = Number.POSITIVE_INFINITY;
  state.heartbeatDue = false;
  state.commitNoticeAt = Number.POSITIVE_INFINITY;
  state.commitNoticeDue = false;
  state.moreToSend = false;
  state.uncommittedBytes = 0;
  state.drawElectionDeadline();
}
