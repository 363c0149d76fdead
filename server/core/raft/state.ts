import { utf8 } from "../bytes.ts";
import type { AgentId, DroppedProposal, Entry, Outgoing, Snapshot } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { Random } from "../random.ts";
import { bootstrap, votesIn } from "./configuration.ts";
import { Durability } from "./durability.ts";
import { MAX_CHUNK_BYTES, MAX_ID_BYTES } from "./limits.ts";
import { RaftLog } from "./log.ts";
import { Members } from "./members.ts";
import type { Progress } from "./progress.ts";
import type { IncomingSnapshot } from "./snapshots.ts";
import type { RaftConfig, RaftMessage, RaftObservation, Restored, Role } from "./types.ts";

/** What a turn's inputs have led to so far; emptied by `Raft.take`. */
export interface Outbox {
  messages: Outgoing<RaftMessage>[];
  messagesAfterPersist: Outgoing<RaftMessage>[];
  droppedProposals: DroppedProposal[];
  observations: RaftObservation[];
}

/**
 * One agent's Raft state: what Figure 2 of the paper lists, and what this implementation adds. Rules live beside it, by subject:
 * `roles.ts` (transitions), `elections.ts`, `replication.ts` (leader), `following.ts` (follower), `snapshots.ts`, `membership.ts`, `transfer.ts`,
 * `reads.ts`.
 */
export class RaftState {
  readonly config: RaftConfig;
  readonly id: AgentId;
  readonly members: Members;
  readonly random: Random;

  term: number;
  votedFor: AgentId;
  commit: number;
  readonly log: RaftLog;
  readonly durability: Durability;
  /** The latest one, and what a leader sends to those that lack more than the log has. */
  snapshot: Snapshot | undefined;
  /** A leader's, to restore the state machine from. */
  toInstall: Snapshot | undefined;

  role: Role = "follower";
  /** Empty when unknown. */
  leader: AgentId = "";
  /** The latest `now` seen. */
  now: number;

  /** When a follower or candidate campaigns, ms. Infinity while leading. */
  electionDeadline = Number.POSITIVE_INFINITY;
  /** When the leader was last heard of, ms. */
  leaderHeardMs = Number.NEGATIVE_INFINITY;
  /** Nobody gets this agent's vote before, ms: with leases it may have promised so in an earlier life (thesis §6.4.1). */
  readonly quietUntilMs: number;
  /** Answers of the present campaign, by voter. */
  readonly votes = new Map<AgentId, boolean>();

  /** Leader: when the next heartbeats are due, ms. */
  heartbeatAt = Number.POSITIVE_INFINITY;
  heartbeatDue = false;
  /** Leader: how often heartbeats went out, not counting those for reads within the interval, and when last, ms. */
  beat = 0;
  beatMs = Number.NEGATIVE_INFINITY;
  /** Leader: not before this can a quorum have been silent for an election timeout, ms. */
  checkQuorumAt = Number.POSITIVE_INFINITY;
  /** Leader: acknowledgements have arrived that the commit index does not reflect yet. */
  acksToCount = false;
  /** Leader: when followers are told of a commit that no append has told them of, ms. */
  commitNoticeAt = Number.POSITIVE_INFINITY;
  commitNoticeDue = false;
  /** Leader: a follower could be sent more at once. */
  moreToSend = false;
  /** Leader: payload bytes of this term's uncommitted entries. */
  uncommittedBytes = 0;

  /** The leadership is being handed over, or was by this agent until its deadline. asked: it was told to campaign. */
  transfer: { readonly to: AgentId; readonly deadlineMs: number; asked: boolean } | undefined;
  /** Leader: somebody was told to campaign in this term, which no lease forbids. */
  leaseVoid = false;
  /** When the heartbeats of the latest rounds left, for leases. */
  readonly beats: { round: number; ms: number }[] = [];

  /** Follower: the parts of a snapshot that have come. */
  incoming: IncomingSnapshot | undefined;
  /** Follower: the highest index to acknowledge to the leader at the end of the turn, or -1. */
  ackIndex = -1;
  /** Follower: the highest index that was acknowledged to this leader. */
  ackedIndex = -1;
  /** Proposals to be sent on to the leader at the end of the turn. */
  toForward: Uint8Array[] = [];
  toForwardBytes = 0;
  /** Entries appended since the last take start after this index; -1: none. */
  appendedFrom = -1;

  outbox: Outbox = { messages: [], messagesAfterPersist: [], droppedProposals: [], observations: [] };

  /** @throws RangeError on a configuration that cannot work. @throws InvariantViolation on a restored log that is none. */
  constructor(config: RaftConfig, restored: Restored, random: Random, now: number) {
    checkConfig(config);
    this.config = config;
    this.id = config.id;
    this.random = random;
    this.now = now;
    const { snapshot } = restored;
    this.snapshot = snapshot;
    this.log = new RaftLog(restored.entries, snapshot?.index, snapshot?.term);
    const base = snapshot?.configuration ?? bootstrap(config.voters);
    this.members = new Members(config, base, snapshot?.index ?? 0, restored.entries);
    const lived = restored.hardState.term > 0;
    this.quietUntilMs =
      config.reads === "lease" && lived
        ? now + config.electionTimeoutMinMs * driftBound(config)
        : Number.NEGATIVE_INFINITY;
    // A torn last batch may have kept its entries and lost its hard state. A vote in the entries' term would have become
    // durable before it was told to anybody, so that there was none.
    const torn = this.log.lastTerm > restored.hardState.term;
    this.term = torn ? this.log.lastTerm : restored.hardState.term;
    this.votedFor = torn ? "" : restored.hardState.votedFor;
    this.commit = Math.max(snapshot?.index ?? 0, Math.min(restored.hardState.commit, this.log.lastIndex));
    this.durability = new Durability(restored.hardState, this.log.lastIndex);
    this.drawElectionDeadline();
  }

  /** A member other than this agent; undefined for a stranger. */
  peer(id: AgentId): Progress | undefined {
    return this.members.peer(id);
  }

  /** All others that get the log, sorted by id. Meaningful while leader. */
  get followers(): readonly Progress[] {
    return this.members.followers;
  }

  send(to: AgentId, message: RaftMessage): void {
    this.outbox.messages = added(this.outbox.messages, { to, message });
  }

  sendAfterPersist(to: AgentId, message: RaftMessage): void {
    this.outbox.messagesAfterPersist = added(this.outbox.messagesAfterPersist, { to, message });
  }

  observe(observation: RaftObservation): void {
    this.outbox.observations = added(this.outbox.observations, observation);
  }

  /**
   * Whether this agent may be needed as leader: it votes, or did in what is committed. One that the latest change removes still campaigns until that is
   * committed, as its log may be the only one that can win (thesis §4.2.2).
   */
  mayCampaign(): boolean {
    const { members } = this;
    return members.selfVotes || (members.index > this.commit && votesIn(members.at(this.commit), this.id));
  }

  /** A fresh silence to wait for, drawn uniformly (§5.2). */
  drawElectionDeadline(): void {
    const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max } = this.config;
    this.electionDeadline = this.now + min + this.random.float() * (max - min);
  }

  /** Whether a leader is known to have lived within the minimum election timeout (§4.2.3 of the thesis). */
  leaderAlive(): boolean {
    if (this.role === "leader" || this.now < this.quietUntilMs) return true;
    return this.leader !== "" && this.now - this.leaderHeardMs < this.config.electionTimeoutMinMs;
  }

  /** Whether a candidate's log is at least as complete as this one (§5.4.1). */
  upToDate(lastIndex: number, lastTerm: number): boolean {
    const log = this.log;
    return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);
  }

  noteAppended(previousLastIndex: number): void {
    if (this.appendedFrom < 0) this.appendedFrom = previousLastIndex;
  }

  flushAppended(): void {
    if (this.appendedFrom < 0) return;
    const toIndex = this.log.lastIndex;
    if (toIndex > this.appendedFrom)
      this.observe({ type: "appended", term: this.term, fromIndex: this.appendedFrom, toIndex });
    this.appendedFrom = -1;
  }

  /** One acknowledgement a turn, for all that was accepted in it. */
  flushAck(): void {
    if (this.ackIndex < 0) return;
    invariant(this.leader !== "", "what is acknowledged came from a leader");
    this.sendAfterPersist(this.leader, {
      type: "appendReply",
      term: this.term,
      accepted: true,
      index: this.ackIndex,
      hintTerm: 0,
    });
    this.ackedIndex = Math.max(this.ackedIndex, this.ackIndex);
    this.ackIndex = -1;
  }

  /** The largest value that a majority of the voters have reached (see `reachedByMajority`). */
  reached(ownValue: number, numberOf: (follower: Progress) => number): number {
    return this.members.reached(ownValue, numberOf);
  }

  /** The only way into the log. What the entries say of the members holds from now on (thesis §4.1). */
  append(entries: readonly Entry[]): void {
    this.noteAppended(this.log.lastIndex);
    this.log.append(entries);
    this.members.appended(entries);
  }

  commitTo(index: number, acks: readonly AgentId[]): void {
    invariant(index <= this.log.lastIndex, "what is committed is in the log");
    if (index <= this.commit) return;
    this.flushAppended();
    const fromIndex = this.commit;
    this.commit = index;
    this.observe({ type: "committed", term: this.term, fromIndex, toIndex: index, acks });
    for (const { index: at, configuration } of this.members.between(fromIndex, index)) {
      const { voters, outgoing, learners } = configuration;
      this.observe({ type: "configurationChanged", term: this.term, index: at, voters, outgoing, learners });
    }
  }
}

/** The first gets a list of its own: added to an empty one, it would have room made for many, and mostly it stays alone. */
function added<Item>(items: Item[], item: Item): Item[] {
  if (items.length === 0) return [item];
  items.push(item);
  return items;
}

/** What is assumed of clocks where a RaftConfig does not say it. */
export const CLOCK_DRIFT_BOUND = 1.1;

/** See RaftConfig. */
export function driftBound({ clockDriftBound = CLOCK_DRIFT_BOUND }: RaftConfig): number {
  return clockDriftBound;
}

function checkConfig(config: RaftConfig): void {
  const { id, voters, electionTimeoutMinMs, electionTimeoutMaxMs, heartbeatMs } = config;
  const long = [id, ...voters].find((voter) => utf8(voter).length > MAX_ID_BYTES);
  if (long !== undefined) throw new RangeError(`the id ${long} is longer than ${MAX_ID_BYTES} bytes`);
  if (id === "" || voters.includes("")) throw new RangeError("a voter has an empty id");
  if (new Set(voters).size !== voters.length) throw new RangeError(`a voter is named twice: ${voters.join(", ")}`);
  if (!(heartbeatMs > 0 && heartbeatMs < electionTimeoutMinMs))
    throw new RangeError(
      `heartbeatMs ${heartbeatMs} must be above 0 and below electionTimeoutMinMs ${electionTimeoutMinMs}`,
    );
  if (!(electionTimeoutMaxMs >= electionTimeoutMinMs && Number.isFinite(electionTimeoutMaxMs)))
    throw new RangeError(
      `electionTimeoutMaxMs ${electionTimeoutMaxMs} is below electionTimeoutMinMs ${electionTimeoutMinMs}`,
    );
  const { commitNoticeMs = 0 } = config;
  if (!(commitNoticeMs >= 0 && commitNoticeMs <= heartbeatMs))
    throw new RangeError(`commitNoticeMs ${commitNoticeMs} must be from 0 to heartbeatMs ${heartbeatMs}`);
  if (!(driftBound(config) >= 1)) throw new RangeError(`clockDriftBound ${config.clockDriftBound} is below 1`);
  const { keepEntries = 0, keepBytes = 0, maxSnapshotChunkBytes = 1 } = config;
  for (const [name, value] of Object.entries({ keepEntries, keepBytes }))
    if (!(Number.isInteger(value) && value >= 0)) throw new RangeError(`${name} ${value} is not a whole number from 0`);
  if (!(maxSnapshotChunkBytes <= MAX_CHUNK_BYTES))
    throw new RangeError(`maxSnapshotChunkBytes ${maxSnapshotChunkBytes} is above ${MAX_CHUNK_BYTES}`);
  for (const name of NUMBERS) {
    const value = config[name];
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new RangeError(`${name} ${value} is not a positive integer`);
  }
}

const NUMBERS = [
  "maxInflightAppends",
  "maxInflightBytes",
  "maxAppendBytes",
  "maxUncommittedBytes",
  "maxSnapshotChunkBytes",
] as const;
