/**
 * Raft, as a state machine without clock, disk, network or randomness of its own.
 *
 * Promised, as long as a majority's disks keep what they acknowledged: at most one leader a term (election safety); logs that agree at
 * an index and term agree in all before it (log matching); a leader has every committed entry (leader completeness); no two agents
 * are given different entries at an index (state machine safety); a read is never served from before it was asked. With a majority up and
 * connected, and clocks that run at about the same rate, commands commit.
 *
 * Message flow.
 *   Election:     silence → preVote to all → majority would → term + 1, [vote and term durable] → vote to all → [durable] voteReply
 *                 → majority did → leader, which appends a noop.
 *   Replication:  propose → append to all, while the leader's own disk writes → [durable] appendReply → majority → committed → the next
 *                 append, or an empty one, tells the followers.
 *   Read:         readIndex (from a follower) → heartbeat round to all → heartbeatReply from a majority → readIndexReply.
 *
 * Stories of all this, message by message: test/core/raft/transcripts/.
 *
 * Follows: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (the paper; § without more means it), and
 * Ongaro's thesis: §6.2 (a leader without a quorum steps down), §4.2.3 (votes are not heard while a leader lives), §6.4 (ReadIndex),
 * §9.6 (pre-vote), §10.2.1 (the leader writes in parallel; pipelining).
 *
 * Knowingly different:
 * - Pipelining, probe/replicate and the term hint in refusals are etcd-io/raft's; thesis and paper only sketch them.
 * - A vote request waits until the candidate's own vote is durable; the paper leaves the moment open. See elections.ts.
 * - Heartbeats are messages of their own, not empty appends, as they are numbered for reads.
 * - A leader steps down after the longest election timeout without a quorum, when every follower has noticed too, not the shortest.
 * - An append that only tells of a commit is not answered once what it follows on has been acknowledged.
 * - The commit index is written to disk as a hint; the paper keeps it in memory.
 * - Members do not change and the log is never compacted yet.
 */
import type { AgentId, Consensus, Entry, Outgoing, ReadReady } from "../consensus.ts";
import { invariant, unreachable } from "../invariant.ts";
import type { Random } from "../random.ts";
import {
  campaign,
  checkQuorum,
  countOwnVote,
  handlePreVote,
  handlePreVoteReply,
  handleVote,
  handleVoteReply,
  ignoreVoteWhileLeaderLives,
} from "./elections.ts";
import { handleAppend, handleHeartbeat } from "./following.ts";
import type { Progress } from "./progress.ts";
import { appendCommands, propose, settleForwards } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { advanceCommit, formAppends, formHeartbeats, handleAppendReply, handleHeartbeatReply } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { RaftState } from "./state.ts";
import type { HardState, RaftConfig, RaftMessage, RaftObservation, RaftReady, RaftStatus, Restored } from "./types.ts";

const NOTHING: readonly never[] = [];

export class Raft implements Consensus<RaftMessage, HardState, RaftObservation, RaftStatus> {
  readonly id: AgentId;
  readonly #state: RaftState;
  readonly #reads: Reads;
  /** Committed entries up to here were given out. */
  #givenOut = 0;

  /**
   * @param now ms since the epoch.
   * @throws RangeError on a configuration that cannot work.
   * @throws InvariantViolation on a restored log with gaps or falling terms.
   */
  constructor(config: RaftConfig, restored: Restored, random: Random, now: number) {
    this.id = config.id;
    this.#state = new RaftState(config, restored, random, now);
    this.#reads = new Reads((random.uint32() ^ Math.floor(now)) >>> 0);
  }

  step(from: AgentId, message: RaftMessage, now: number): void {
    const state = this.#state;
    state.now = now;
    const peer = state.peer(from);
    if (peer === undefined) return;
    if (message.term > state.term && !this.#meetNewerTerm(from, message)) return;
    if (message.term < state.term && answerOlderTerm(state, from, message)) return;
    this.#dispatch(peer, message);
  }

  tick(now: number): void {
    const state = this.#state;
    state.now = now;
    this.#reads.expire(now);
    if (state.role === "leader") {
      if (now >= state.checkQuorumAt) checkQuorum(state, this.#reads);
      if (now >= state.heartbeatAt) {
        state.heartbeatDue = true;
        state.heartbeatAt = now + state.config.heartbeatMs;
      }
      if (now >= state.commitNoticeAt) {
        state.commitNoticeDue = true;
        state.commitNoticeAt = Number.POSITIVE_INFINITY;
      }
    } else if (now >= state.electionDeadline) {
      campaign(state, this.#reads);
    }
  }

  propose(commands: readonly Uint8Array[], now: number): void {
    this.#state.now = now;
    propose(this.#state, commands);
  }

  read(readId: number, now: number): void {
    this.#state.now = now;
    this.#reads.read(this.#state, readId);
  }

  persisted(batchId: number, now: number): void {
    const state = this.#state;
    state.now = now;
    state.durability.persisted(batchId);
    if (state.role === "leader") state.acksToCount = true;
    else countOwnVote(state, this.#reads);
  }

  deadline(): number {
    const state = this.#state;
    // More can be sent, in the next turn: one append a follower and a turn keeps turns short.
    if (state.moreToSend) return state.now;
    if (state.role === "leader") return Math.min(state.heartbeatAt, state.checkQuorumAt, state.commitNoticeAt);
    return Math.min(state.electionDeadline, this.#reads.deadline());
  }

  take(now: number): RaftReady | undefined {
    const state = this.#state;
    state.now = now;
    const reads = this.#reads;
    settleForwards(state);
    if (state.role === "leader") {
      if (state.acksToCount) advanceCommit(state);
      reads.startRound(state);
      formAppends(state);
      if (state.heartbeatDue) formHeartbeats(state, reads.round);
    } else {
      reads.ask(state);
      state.flushAck();
    }
    state.flushAppended();
    return this.#ready();
  }

  status(): RaftStatus {
    const { id, role, term, leader, votedFor, commit, log, durability, followers, now, config } = this.#state;
    return {
      id,
      role,
      term,
      leader,
      votedFor,
      commit,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      durableIndex: durability.index,
      followers:
        role === "leader"
          ? followers.map((follower) => follower.view(now - follower.heardMs < config.electionTimeoutMinMs))
          : NOTHING,
    };
  }

  /** §5.1: a newer term makes anybody a follower, except where pre-vote or a living leader forbid. False: go no further. */
  #meetNewerTerm(from: AgentId, message: RaftMessage): boolean {
    const state = this.#state;
    switch (message.type) {
      case "preVote":
        return true;
      case "preVoteReply":
        // A grant carries the term that would be campaigned in; nobody is in it yet.
        if (!message.granted) becomeFollower(state, this.#reads, message.term, "");
        return true;
      case "vote":
        if (ignoreVoteWhileLeaderLives(state, from, message)) return false;
        becomeFollower(state, this.#reads, message.term, "");
        return true;
      case "append":
      case "heartbeat":
        becomeFollower(state, this.#reads, message.term, from);
        return true;
      default:
        becomeFollower(state, this.#reads, message.term, "");
        return true;
    }
  }

  #dispatch(peer: Progress, message: RaftMessage): void {
    const state = this.#state;
    const reads = this.#reads;
    const from = peer.id;
    switch (message.type) {
      case "append":
        this.#hearLeader(from);
        handleAppend(state, from, message);
        break;
      case "appendReply":
        if (state.role === "leader") handleAppendReply(state, peer, message);
        break;
      case "heartbeat":
        this.#hearLeader(from);
        handleHeartbeat(state, from, message);
        break;
      case "heartbeatReply":
        if (state.role !== "leader") break;
        handleHeartbeatReply(state, peer, message);
        reads.confirm(state);
        break;
      case "preVote":
        handlePreVote(state, from, message);
        break;
      case "preVoteReply":
        handlePreVoteReply(state, reads, from, message);
        break;
      case "vote":
        handleVote(state, from, message);
        break;
      case "voteReply":
        handleVoteReply(state, reads, from, message);
        break;
      case "forward":
        if (state.role === "leader") {
          appendCommands(state, message.commands);
          peer.awaitedIndex = state.log.lastIndex;
        }
        break;
      case "readIndex":
        reads.handleReadIndex(state, from, message);
        break;
      case "readIndexReply":
        reads.handleReadIndexReply(message);
        break;
      default:
        unreachable(message, "message");
    }
  }

  /** A message that only this term's leader sends. */
  #hearLeader(from: AgentId): void {
    const state = this.#state;
    invariant(
      state.role !== "leader" && (state.leader === "" || state.leader === from),
      "a term has at most one leader",
    );
    if (state.leader !== from || state.role !== "follower") becomeFollower(state, this.#reads, state.term, from);
    state.leaderHeardMs = state.now;
    state.drawElectionDeadline();
  }

  #ready(): RaftReady | undefined {
    const state = this.#state;
    const reads = this.#reads;
    const { messages, messagesAfterPersist, droppedProposals, observations } = state.outbox;
    const persist = state.durability.take(state.log, state.hardState());
    const committed: readonly Entry[] = state.log.slice(this.#givenOut + 1, state.commit);
    if (
      persist === undefined &&
      committed.length + messages.length + messagesAfterPersist.length + droppedProposals.length === 0 &&
      observations.length + reads.ready.length + reads.failed.length === 0
    )
      return undefined;
    this.#givenOut = state.commit;
    state.outbox = { messages: [], messagesAfterPersist: [], droppedProposals: [], observations: [] };
    const ready: readonly ReadReady[] = reads.ready;
    const failedReads: readonly number[] = reads.failed;
    reads.ready = [];
    reads.failed = [];
    const out: Omit<RaftReady, "persist"> = {
      messages: messages as readonly Outgoing<RaftMessage>[],
      messagesAfterPersist,
      committed,
      reads: ready,
      failedReads,
      droppedProposals,
      observations,
    };
    return persist === undefined ? out : { persist, ...out };
  }
}

/**
 * §5.1: requests of an older term are refused with the newer one. True when that is all there is to do. A forwarded command or read
 * is as good in a newer term if this agent leads it, and a read's answer was true when it was given.
 */
function answerOlderTerm(state: RaftState, from: AgentId, message: RaftMessage): boolean {
  const term = state.term;
  switch (message.type) {
    case "append":
      state.send(from, { type: "appendReply", term, accepted: false, index: 0, hintTerm: 0 });
      return true;
    case "heartbeat":
      state.send(from, { type: "heartbeatReply", term, round: 0 });
      return true;
    case "appendReply":
    case "heartbeatReply":
    case "voteReply":
      return true;
    default:
      return false;
  }
}
