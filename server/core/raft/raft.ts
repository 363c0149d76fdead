/**
 * Raft, as a state machine without clock, disk, network or randomness of its own.
 *
 * Promised, as long as a majority's disks keep what they acknowledged: at most one leader a term (election safety); logs that agree at
 * an index and term agree in all before it (log matching); a leader has every committed entry (leader completeness); no two agents
 * are given different entries at an index (state machine safety); a read is never served from before it was asked. With a majority up and
 * connected, and clocks that run at about the same rate, commands commit.
 *
 * Not promised: that a command which a follower forwards is taken. A leader that refuses it (too many uncommitted, a transfer under way) drops it and says nothing, as
 * does an agent that leads no longer; whoever proposed it proposes it again.
 *
 * Message flow.
 *   Election:     silence → preVote to all → majority would → term + 1, [vote and term durable] → vote to all → [durable] voteReply
 *                 → majority did → leader, which appends a noop.
 *   Replication:  propose → append to all, while the leader's own disk writes → [durable] appendReply → majority → committed → the next
 *                 append, or an empty one, tells the followers.
 *   Read:         readIndex (from a follower) → heartbeat round to all → heartbeatReply from a majority → readIndexReply.
 *                 With leases: answered at once while a majority answered heartbeats lately.
 *   Snapshot:     a follower lacks what the log no longer has → installSnapshot, part by part → [durable] installSnapshotReply → append.
 *   Members:      changeMembers → a configuration entry, which holds from when it is in the log → where more than one voter differs, a joint phase
 *                 whose commit the leader follows by leaving it → committed.
 *   Transfer:     the other's log is complete → timeoutNow → vote, which is heard although a leader lives.
 *
 * Stories of all this, message by message: test/core/raft/transcripts/.
 *
 * Follows: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (the paper; § without more means it), and
 * Ongaro's thesis: §3.10 (leadership transfer), chapter 4 (members), chapter 5 (snapshots), §6.2 (a leader without a quorum steps down), §4.2.3 (votes are
 * not heard while a leader lives), §6.4 (ReadIndex and leases), §9.6 (pre-vote), §10.2.1 (the leader writes in parallel; pipelining).
 *
 * Knowingly different:
 * - Pipelining, probe/replicate and the term hint in refusals are etcd-io/raft's; thesis and paper only sketch them.
 * - A vote request waits until the candidate's own vote is durable; the paper leaves the moment open. See elections.ts.
 * - Heartbeats are messages of their own, not empty appends, as they are numbered for reads.
 * - A leader steps down after the longest election timeout without a quorum, when every follower has noticed too, not the shortest.
 * - An append that only tells of a commit is not answered once what it follows on has been acknowledged.
 * - The commit index is written to disk as a hint; the paper keeps it in memory.
 * - A snapshot's parts are answered one by one, with how much is there, and a follower keeps what it has when the leader changes.
 * - A leader that removed itself tells its heir to campaign as it steps down (the thesis leaves followers to time out).
 * - With leases an agent that was started votes for nobody for an election timeout; the thesis does not speak of restarts there.
 */
import type {
  AgentId,
  ChangeRefusal,
  Configuration,
  Consensus,
  Entry,
  FollowerProgress,
  MemberChange,
  Snapshot,
  TransferRefusal,
} from "../consensus.ts";
import { invariant, unreachable } from "../invariant.ts";
import type { Random } from "../random.ts";
import {
  campaign,
  checkQuorum,
  countOwnVote,
  handlePreVote,
  handlePreVoteReply,
  handleTimeoutNow,
  handleVote,
  handleVoteReply,
  ignoreVoteWhileLeaderLives,
} from "./elections.ts";
import { handleAppend, handleHeartbeat } from "./following.ts";
import { changeMembers, settleMembers } from "./membership.ts";
import type { Progress } from "./progress.ts";
import { appendCommands, propose, settleForwards } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { advanceCommit, formAppends, formHeartbeats, handleAppendReply, handleHeartbeatReply } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { compact, handleInstallSnapshot, handleInstallSnapshotReply } from "./snapshots.ts";
import { RaftState } from "./state.ts";
import { endTransfer, settleTransfer, transferLeadership } from "./transfer.ts";
import type { HardState, RaftConfig, RaftMessage, RaftObservation, RaftReady, RaftStatus, Restored } from "./types.ts";

const NOTHING: readonly never[] = [];

function handedOut<Item>(items: readonly Item[]): readonly Item[] {
  return items.length === 0 ? NOTHING : items;
}

export class Raft implements Consensus<RaftMessage, HardState, RaftObservation, RaftStatus> {
  readonly id: AgentId;
  readonly #state: RaftState;
  readonly #reads: Reads;
  /** Committed entries up to here were given out. */
  readonly #initial: Snapshot | undefined;
  readonly #recovered: { readonly commit: number; readonly index: number };
  #givenOut: number;
  #lastStatus: RaftStatus | undefined;

  /**
   * @param now ms since the epoch.
   * @throws RangeError on a configuration that cannot work.
   * @throws InvariantViolation on a restored log with gaps or falling terms.
   */
  constructor(config: RaftConfig, restored: Restored, random: Random, now: number) {
    this.id = config.id;
    this.#state = new RaftState(config, restored, random, now);
    this.#initial = restored.snapshot;
    const { commit, lastIndex } = this.status();
    this.#recovered = { commit, index: lastIndex };
    this.#givenOut = restored.snapshot?.index ?? 0;
    this.#reads = new Reads((random.uint32() ^ Math.floor(now)) >>> 0);
  }

  initial(): Snapshot | undefined {
    return this.#initial;
  }

  recovered(): { readonly commit: number; readonly index: number } {
    return this.#recovered;
  }

  step(from: AgentId, message: RaftMessage, now: number): void {
    const state = this.#state;
    state.now = now;
    if (from === this.id || from === "" || (isAnswer(message) && state.peer(from) === undefined)) return;
    if (message.term > state.term && !this.#meetNewerTerm(from, message)) return;
    if (message.term < state.term && answerOlderTerm(state, from, message)) return;
    this.#dispatch(from, message);
  }

  tick(now: number): void {
    const state = this.#state;
    state.now = now;
    this.#reads.expire(now);
    if (state.transfer !== undefined && now >= state.transfer.deadlineMs) endTransfer(state, false);
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

  compact(snapshot: { readonly index: number; readonly data: Uint8Array }, now: number): void {
    this.#state.now = now;
    invariant(snapshot.index <= this.#givenOut, "only what was given out as committed is compacted");
    compact(this.#state, snapshot.index, snapshot.data);
  }

  changeMembers(
    change: MemberChange,
    now: number,
  ): { readonly ok: true; readonly index: number } | { readonly ok: false; readonly reason: ChangeRefusal } {
    this.#state.now = now;
    return changeMembers(this.#state, change);
  }

  transferLeadership(
    to: AgentId | undefined,
    now: number,
  ): { readonly ok: true; readonly to: AgentId } | { readonly ok: false; readonly reason: TransferRefusal } {
    this.#state.now = now;
    return transferLeadership(this.#state, to);
  }

  configuration(): Configuration {
    return this.#state.members.configuration;
  }

  deadline(): number {
    const state = this.#state;
    // More can be sent, in the next turn: one append a follower and a turn keeps turns short.
    if (state.moreToSend) return state.now;
    const transferMs = state.transfer?.deadlineMs ?? Number.POSITIVE_INFINITY;
    if (state.role === "leader")
      return Math.min(state.heartbeatAt, state.checkQuorumAt, state.commitNoticeAt, transferMs);
    return Math.min(state.electionDeadline, this.#reads.deadline(), transferMs);
  }

  take(now: number): RaftReady | undefined {
    const state = this.#state;
    state.now = now;
    const reads = this.#reads;
    settleForwards(state);
    if (state.role === "leader") {
      if (state.acksToCount) advanceCommit(state);
      settleTransfer(state);
      reads.startRound(state);
      formAppends(state);
      if (state.heartbeatDue) formHeartbeats(state, reads);
      settleMembers(state, reads);
    } else {
      reads.ask(state);
      state.flushAck();
    }
    state.flushAppended();
    return this.#ready();
  }

  status(): RaftStatus {
    const { id, role, term, leader, votedFor, commit, log, durability, members, snapshot, transfer } = this.#state;
    const { configuration, index: configurationIndex } = members;
    const { lastIndex, lastTerm, firstIndex } = log;
    const durableIndex = durability.index;
    const snapshotIndex = snapshot?.index ?? 0;
    const transferringTo = transfer?.to ?? "";
    const followers = role === "leader" ? this.#followerViews() : NOTHING;
    const last = this.#lastStatus;
    // It is asked for several times a turn, and most messages change nothing of it.
    const same =
      last !== undefined &&
      last.role === role &&
      last.term === term &&
      last.leader === leader &&
      last.votedFor === votedFor &&
      last.commit === commit &&
      last.lastIndex === lastIndex &&
      last.lastTerm === lastTerm &&
      last.durableIndex === durableIndex &&
      last.configuration === configuration &&
      last.configurationIndex === configurationIndex &&
      last.snapshotIndex === snapshotIndex &&
      last.firstIndex === firstIndex &&
      last.transferringTo === transferringTo &&
      last.followers === followers;
    if (same) return last;
    this.#lastStatus = {
      id,
      role,
      term,
      leader,
      votedFor,
      commit,
      lastIndex,
      lastTerm,
      durableIndex,
      configuration,
      configurationIndex,
      snapshotIndex,
      firstIndex,
      transferringTo,
      followers,
    };
    return this.#lastStatus;
  }

  /** The same list as the last time if nothing of it has changed. */
  #followerViews(): readonly FollowerProgress[] {
    const { members, now, config } = this.#state;
    const { followers } = members;
    const last = this.#lastStatus?.followers ?? NOTHING;
    const viewOf = (follower: Progress): FollowerProgress =>
      follower.view(now - follower.heardMs < config.electionTimeoutMinMs);
    const same = last.length === followers.length && followers.every((follower, at) => viewOf(follower) === last[at]);
    return same ? last : followers.map(viewOf);
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
      case "installSnapshot":
      case "timeoutNow":
        becomeFollower(state, this.#reads, message.term, from);
        return true;
      default:
        becomeFollower(state, this.#reads, message.term, "");
        return true;
    }
  }

  #dispatch(from: AgentId, message: RaftMessage): void {
    const state = this.#state;
    const reads = this.#reads;
    // Answers to a leader count only if they come of a member.
    const peer = state.peer(from);
    const led = state.role === "leader" ? peer : undefined;
    switch (message.type) {
      case "append":
        this.#hearLeader(from);
        handleAppend(state, from, message);
        break;
      case "appendReply":
        if (led !== undefined) handleAppendReply(state, led, message);
        break;
      case "heartbeat":
        this.#hearLeader(from);
        handleHeartbeat(state, from, message);
        break;
      case "heartbeatReply":
        if (led === undefined) break;
        handleHeartbeatReply(state, led, message);
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
          if (peer !== undefined) peer.awaitedIndex = state.log.lastIndex;
        }
        break;
      case "readIndex":
        reads.handleReadIndex(state, from, message);
        break;
      case "readIndexReply":
        reads.handleReadIndexReply(message);
        break;
      case "installSnapshot":
        this.#hearLeader(from);
        handleInstallSnapshot(state, from, message);
        break;
      case "installSnapshotReply":
        if (led !== undefined) handleInstallSnapshotReply(state, led, message);
        break;
      case "timeoutNow":
        this.#hearLeader(from);
        handleTimeoutNow(state, reads);
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
    const persist = state.durability.take(state.log, state);
    const install = state.toInstall;
    state.toInstall = undefined;
    if (install !== undefined) this.#givenOut = install.index;
    const committed: readonly Entry[] = state.log.slice(this.#givenOut + 1, state.commit);
    if (
      persist === undefined &&
      committed.length + messages.length + messagesAfterPersist.length + droppedProposals.length === 0 &&
      observations.length + reads.ready.length + reads.failed.length === 0
    )
      return undefined;
    this.#givenOut = state.commit;
    // What is empty stays, and something else that is empty is handed out.
    if (messages.length > 0) state.outbox.messages = [];
    if (messagesAfterPersist.length > 0) state.outbox.messagesAfterPersist = [];
    if (droppedProposals.length > 0) state.outbox.droppedProposals = [];
    if (observations.length > 0) state.outbox.observations = [];
    const { ready, failed } = reads;
    if (ready.length > 0) reads.ready = [];
    if (failed.length > 0) reads.failed = [];
    return {
      persist,
      install,
      messages: handedOut(messages),
      messagesAfterPersist: handedOut(messagesAfterPersist),
      committed,
      reads: handedOut(ready),
      failedReads: handedOut(failed),
      droppedProposals: handedOut(droppedProposals),
      observations: handedOut(observations),
    };
  }
}

/**
 * What nobody asks a stranger for. A stranger's requests are heard: it may be a member of a configuration that this agent does not have yet (thesis §4.1).
 */
function isAnswer({ type }: RaftMessage): boolean {
  switch (type) {
    case "appendReply":
    case "heartbeatReply":
    case "preVoteReply":
    case "voteReply":
    case "installSnapshotReply":
    case "readIndexReply":
      return true;
    default:
      return false;
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
    case "installSnapshot":
      state.send(from, { type: "appendReply", term, accepted: false, index: 0, hintTerm: 0 });
      return true;
    case "heartbeat":
      state.send(from, { type: "heartbeatReply", term, round: 0 });
      return true;
    case "appendReply":
    case "heartbeatReply":
    case "voteReply":
    case "installSnapshotReply":
    case "timeoutNow":
      return true;
    default:
      return false;
  }
}
