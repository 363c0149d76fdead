import type { AgentId } from "../consensus.ts";
import type { Reads } from "./reads.ts";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";
import type { RaftState } from "./state.ts";
import type { RaftMessage } from "./types.ts";

type MessageOf<Type extends RaftMessage["type"]> = Extract<RaftMessage, { readonly type: Type }>;

/** The election timer ran out: ask whether an election could be won before disturbing anybody with a new term (thesis §9.6). */
export function campaign(state: RaftState, reads: Reads): void {
  if (!state.mayCampaign()) {
    // A learner does not campaign (thesis §4.2.1); that the leader is gone it should know all the same.
    state.drawElectionDeadline();
    if (state.leader !== "") becomeFollower(state, reads, state.term, "");
    return;
  }
  state.observe({ type: "electionTimedOut", term: state.term });
  becomePreCandidate(state, reads);
  const term = state.term + 1;
  for (const peer of state.members.voters)
    state.send(peer.id, { type: "preVote", term, lastIndex: state.log.lastIndex, lastTerm: state.log.lastTerm });
  countVote(state, reads, state.id, true);
}

/**
 * The pre-votes suffice. The requests wait for this term and vote to be durable: they say how long this agent's log is, and must not
 * be answered to a later life of it that lost a part of that log and campaigns in the same term.
 */
function requestVotes(state: RaftState, transfer: boolean): void {
  becomeCandidate(state, transfer);
  for (const peer of state.members.voters)
    state.sendAfterPersist(peer.id, {
      type: "vote",
      term: state.term,
      lastIndex: state.log.lastIndex,
      lastTerm: state.log.lastTerm,
      transfer,
    });
}

/** Thesis §3.10. The message is of this term and its sender is this term's leader. One that comes late finds another term. */
export function handleTimeoutNow(state: RaftState, reads: Reads): void {
  if (!state.mayCampaign() || state.role !== "follower") return;
  reads.failAll(state);
  requestVotes(state, true);
}

/** A candidate's own vote counts from when it is durable. */
export function countOwnVote(state: RaftState, reads: Reads): void {
  if (state.role !== "candidate" || state.votes.has(state.id)) return;
  const durable = state.durability.hardState;
  if (durable.term === state.term && durable.votedFor === state.id) countVote(state, reads, state.id, true);
}

export function handlePreVote(state: RaftState, from: AgentId, message: MessageOf<"preVote">): void {
  const { term } = message;
  if (state.leaderAlive()) {
    refuse(state, from, term, true, "leaderAlive");
    return;
  }
  const free = term > state.term || (term === state.term && mayVoteFor(state, from));
  const reason = term < state.term ? "oldTerm" : free ? "logBehind" : "alreadyVoted";
  const granted = free && state.upToDate(message.lastIndex, message.lastTerm);
  if (granted) state.observe({ type: "votedFor", term, candidate: from, pre: true });
  else refuse(state, from, term, true, reason);
  state.send(from, { type: "preVoteReply", term: granted ? term : state.term, granted });
}

/** §5.2 and §5.4.1. The term is ours already, or older. */
export function handleVote(state: RaftState, from: AgentId, message: MessageOf<"vote">): void {
  const { term } = message;
  if (term < state.term) {
    refuse(state, from, term, false, "oldTerm");
    state.send(from, { type: "voteReply", term: state.term, granted: false });
    return;
  }
  const free = mayVoteFor(state, from);
  const granted = free && state.upToDate(message.lastIndex, message.lastTerm);
  if (granted) {
    state.votedFor = from;
    state.drawElectionDeadline();
    state.observe({ type: "votedFor", term, candidate: from, pre: false });
    state.sendAfterPersist(from, { type: "voteReply", term, granted: true });
  } else {
    refuse(state, from, term, false, free ? "logBehind" : "alreadyVoted");
    state.send(from, { type: "voteReply", term, granted: false });
  }
}

export function handlePreVoteReply(
  state: RaftState,
  reads: Reads,
  from: AgentId,
  message: MessageOf<"preVoteReply">,
): void {
  if (state.role !== "preCandidate") return;
  if (message.granted && message.term !== state.term + 1) return;
  countVote(state, reads, from, message.granted);
}

export function handleVoteReply(state: RaftState, reads: Reads, from: AgentId, message: MessageOf<"voteReply">): void {
  if (state.role === "candidate") countVote(state, reads, from, message.granted);
}

/** A vote of an election under way, where a leader that is known to live forbids even to listen (thesis §4.2.3). */
export function ignoreVoteWhileLeaderLives(state: RaftState, from: AgentId, message: MessageOf<"vote">): boolean {
  if (message.transfer || !state.leaderAlive()) return false;
  refuse(state, from, message.term, false, "leaderAlive");
  return true;
}

/** When the leader has not heard of a quorum for the longest election timeout, it steps down (thesis §6.2). */
export function checkQuorum(state: RaftState, reads: Reads): void {
  const heardMs = state.reached(state.now, (follower) => follower.heardMs);
  state.checkQuorumAt = heardMs + state.config.electionTimeoutMaxMs;
  if (state.checkQuorumAt <= state.now) becomeFollower(state, reads, state.term, "");
}

function mayVoteFor(state: RaftState, candidate: AgentId): boolean {
  return state.votedFor === candidate || (state.votedFor === "" && state.leader === "");
}

function refuse(
  state: RaftState,
  candidate: AgentId,
  term: number,
  pre: boolean,
  reason: "alreadyVoted" | "logBehind" | "leaderAlive" | "oldTerm",
): void {
  state.observe({ type: "voteRefused", term, candidate, pre, reason });
}

function countVote(state: RaftState, reads: Reads, voter: AgentId, granted: boolean): void {
  const pre = state.role === "preCandidate";
  // A grant stands; a refusal may have crossed a later grant.
  if (state.votes.get(voter) === true || state.votes.get(voter) === granted) return;
  state.votes.set(voter, granted);
  let granters = 0;
  for (const vote of state.votes.values()) if (vote) granters++;
  const term = pre ? state.term + 1 : state.term;
  state.observe({ type: "voteReceived", term, voter, granted, pre, granters, needed: state.members.majority });
  const result = state.members.result(state.votes);
  if (result === "won") {
    if (pre) requestVotes(state, false);
    // Others' votes may suffice before this agent's own is durable; it leads only when it is.
    else if (state.votes.get(state.id) === true) becomeLeader(state);
  } else if (result === "lost") {
    becomeFollower(state, reads, state.term, "");
  }
}
