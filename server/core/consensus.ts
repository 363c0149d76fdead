/**
 * What every consensus kind offers the agent: propose a command, learn that it committed at an index, read behind a barrier, change the
 * members, hand over a snapshot, tell its status. Raft and PBFT give one order for all; gossip gives each agent an order of its own.
 *
 * Time: every `now` is milliseconds since the Unix epoch with a fraction, never running backwards within one life of an agent.
 * It is an argument, never read.
 */
export type AgentId = string;

/** configuration: its data is an encoded Configuration; it holds from when it is in the log. */
export const EntryKind = { noop: 0, command: 1, configuration: 2 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** One position of the replicated log. Immutable once made. */
export interface Entry {
  /** Position, from 1, without gaps. */
  readonly index: number;
  /** Term (Raft) or view (PBFT) in which it was first proposed; of gossip the operation's stamp, the same at all agents. */
  readonly term: number;
  readonly kind: EntryKind;
  /** The proposer-in-charge's time in whole ms, never less than the entry before it. The replicated machines' only clock. */
  readonly timeMs: number;
  /** A command, opaque to consensus; empty for a noop. */
  readonly data: Uint8Array;
}

/** Who votes and who only listens. Lists are sorted by id and have nobody twice; nobody both votes and learns, except as `learnersNext` says. */
export interface Configuration {
  readonly voters: readonly AgentId[];
  /** The voters before, during a joint phase: then a majority of both is needed (Ongaro's thesis, §4.3). Empty otherwise. */
  readonly outgoing: readonly AgentId[];
  /** They get the log and do not count (thesis, §4.2.1). */
  readonly learners: readonly AgentId[];
  /** Outgoing voters that become learners when the joint phase ends. */
  readonly learnersNext: readonly AgentId[];
  /** The leader ends the joint phase by itself. */
  readonly autoLeave: boolean;
}

/** The replicated state after the entry at `index`, who the members were then, and so all that the entries up to there are good for. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
  /** What the state machine's `snapshot` gave. */
  readonly data: Uint8Array;
}

export type MemberChange =
  /** As a learner. */
  | { readonly add: AgentId }
  /** A learner that has caught up becomes a voter. */
  | { readonly promote: AgentId }
  | { readonly remove: AgentId }
  /** Any number at once, through a joint phase where more than one voter differs. */
  | { readonly voters: readonly AgentId[]; readonly learners: readonly AgentId[] };

export type ChangeRefusal =
  | "notLeader"
  /** An earlier change, or a leader's first entry, is not committed yet; or the leadership is being handed over. */
  | "changePending"
  | "unknownMember"
  | "alreadyMember"
  | "alreadyVoter"
  | "noVoterLeft"
  | "notCaughtUp"
  /** An id that is empty or too long, or is named twice. */
  | "badMembers"
  /** This kind of consensus has the members it began with. */
  | "fixedMembers"
  /** Where members are changed without an order: whoever asks does not count, not yet or not any more. */
  | "notMember"
  /** There: it was removed, and ids do not come back. */
  | "gone"
  /** There: whoever is added counts at once. */
  | "noLearners"
  /** There: one is added or removed at a time. */
  | "oneByOne"
  /** There: it lacks what others do not keep any more, and issues nothing until it has it. */
  | "catchingUp";

/** notNext: the leadership goes around, and another one is the next in line. */
export type TransferRefusal = "notLeader" | "notVoter" | "alreadyLeader" | "transferPending" | "nobodyElse" | "notNext";

/** A proposal that was not accepted, and why. */
export interface DroppedProposal {
  readonly command: Uint8Array;
  readonly reason: "noLeader" | "tooLarge" | "tooManyUncommitted" | "transferring" | "notMember";
}

/** In the place of a receiver: for all other agents, by a broadcast. No agent is called so. */
export const EVERYBODY: AgentId = "*";

/** A message to another agent, or to EVERYBODY where the kind is set to broadcast. What caused it is not said here: the agent puts it down to the input that it came of. */
export interface Outgoing<Message> {
  readonly to: AgentId;
  readonly message: Message;
}

/** A read that may now be served from the local state machine, once that has applied `index`. */
export interface ReadReady {
  readonly readId: number;
  readonly index: number;
}

/** A batch to make durable. Batches become durable in the order they were taken. */
export interface PersistBatch<HardState> {
  /** Counts up from 1; told back through `persisted`. */
  readonly id: number;
  readonly hardState?: HardState;
  /** Takes effect before the entries. Entries up to its index need not be kept. discardLog: none that were there before stay; else those after it do. */
  readonly snapshot?: { readonly snapshot: Snapshot; readonly discardLog: boolean };
  /** Consecutive; if the first one's index is not past the end of the log, it and everything after it there is replaced. */
  readonly entries: readonly Entry[];
}

/** All that a core wants after a turn's inputs. */
export interface Ready<Message, HardState, Observation> {
  readonly persist?: PersistBatch<HardState> | undefined;
  /** May leave at once, also while `persist` is being written (Ongaro's thesis, §10.2.1). */
  readonly messages: readonly Outgoing<Message>[];
  /** May leave only when `persist` (and every batch before it) is durable. */
  readonly messagesAfterPersist: readonly Outgoing<Message>[];
  /** A leader's snapshot: the state machine is to be restored from it, before `committed`, which goes on after it. */
  readonly install?: Snapshot | undefined;
  /** Newly committed entries, consecutive, each given out exactly once in a life of the core. */
  readonly committed: readonly Entry[];
  /**
   * The state machine's snapshot is wanted as it is after the entry with this index, the last of `committed` or, if there are none now, the last one before: to be begun before anything
   * else is applied, and given to `compact`. Absent: the agent chooses when.
   */
  readonly checkpoint?: number;
  readonly reads: readonly ReadReady[];
  /** Reads that can no longer be confirmed here (leadership lost, no leader); the agent retries or refuses them. */
  readonly failedReads: readonly number[];
  /** Proposals that were not accepted and have not been sent on; the agent retries or refuses them. */
  readonly droppedProposals: readonly DroppedProposal[];
  readonly observations: readonly Observation[];
}

/** How a leader sees one follower: Raft's (thesis, chapter 10), see raft/progress.ts. */
export interface FollowerProgress {
  readonly id: AgentId;
  readonly learner: boolean;
  readonly state: "probe" | "replicate" | "snapshot";
  readonly match: number;
  readonly next: number;
  readonly inflight: number;
  readonly active: boolean;
}

/** What every kind tells of itself. */
export interface ConsensusStatus {
  readonly id: AgentId;
  /** leader and primary: the one that orders what is proposed. */
  readonly role: "follower" | "preCandidate" | "candidate" | "leader" | "primary" | "backup" | "viewChange" | "peer";
  /** Raft's term, PBFT's view. */
  readonly term: number;
  /** Empty when unknown. */
  readonly leader: AgentId;
  readonly commit: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Highest index durable here. */
  readonly durableIndex: number;
  /** The latest in the log. */
  readonly configuration: Configuration;
  /** The entry at which it began to hold; 0: from the first. */
  readonly configurationIndex: number;
  /** Of the latest snapshot, 0 without one. */
  readonly snapshotIndex: number;
  /** The first entry that is still in memory. */
  readonly firstIndex: number;
  /** To whom the leadership is being handed over; empty when to nobody. */
  readonly transferringTo: AgentId;
  /** Only at a leader, sorted by id; empty where a leader does not follow them. */
  readonly followers: readonly FollowerProgress[];
}

export interface Consensus<Message, HardState, Observation, Status> {
  readonly id: AgentId;
  /** The state that the state machine begins with; undefined: the empty one. What was committed after it comes again. */
  initial(): Snapshot | undefined;
  /**
   * Of what entries this agent knew in an earlier life. commit: those up to here were known to be committed. index: those up to here may have been applied. Both may grow
   * while such entries are given out again, and are right for every entry once it is given out.
   */
  recovered(): { readonly commit: number; readonly index: number };
  /** A message from a peer. Messages that make no sense are ignored; contradictions of a promise throw InvariantViolation. */
  step(from: AgentId, message: Message, now: number): void;
  /** To be called at or after `deadline()`. Harmless at any time. */
  tick(now: number): void;
  /** Commands to be ordered. Here or, through the leader, elsewhere; may be lost, never duplicated by the core itself. */
  propose(commands: readonly Uint8Array[], now: number): void;
  /** Asks for a linearizable read barrier; answered in a later Ready as `reads` or `failedReads`. readId: the caller's, unique per life. */
  read(readId: number, now: number): void;
  /** The batch with this id, and all before it, are durable. */
  persisted(batchId: number, now: number): void;
  /**
   * The state machine's snapshot after an entry that was given out as committed: the log up to there may go.
   * @throws InvariantViolation for an index that was not given out.
   */
  compact(snapshot: { readonly index: number; readonly data: Uint8Array }, now: number): void;
  /** Proposes a change of the members, one at a time. Its commit is told by an observation. */
  changeMembers(
    change: MemberChange,
    now: number,
  ): { readonly ok: true; readonly index: number } | { readonly ok: false; readonly reason: ChangeRefusal };
  /** Hands the leadership over. @param to absent: whoever is the most up to date. */
  transferLeadership(
    to: AgentId | undefined,
    now: number,
  ): { readonly ok: true; readonly to: AgentId } | { readonly ok: false; readonly reason: TransferRefusal };
  /** The latest in the log. */
  configuration(): Configuration;
  /** Only where each has an order of its own: the roster has grown. @param later all that came after the founders @throws RangeError unless they begin with those that are known */
  grow?(later: readonly AgentId[], now: number): void;
  /** The earliest `now` at which `tick` has something to do; Infinity if never. */
  deadline(): number;
  /** Only where each has an order of its own: when the peer last said what it has, of which all is here now, ms; -Infinity: never in this life. */
  comparedAtMs?(peer: AgentId): number;
  /** Everything to be done since the last call, or undefined if nothing is. */
  take(now: number): Ready<Message, HardState, Observation> | undefined;
  status(): Status;
}

/** A replicated state machine: deterministic, unaware of which consensus carries it. */
export interface StateMachine<Command, Result> {
  /** @param index of the entry, unique and rising: usable as a fencing token. @param timeMs the entry's time. */
  apply(command: Command, index: number, timeMs: number): Result;
  /** The entry time (ms) at which something falls due (an expiry), or Infinity. The leader then proposes a clock command. */
  deadlineMs(): number;
  /** The complete state in its binary form: equal states, equal bytes. */
  snapshot(): Uint8Array;
  /** Replaces the state. @throws MalformedBytes */
  restore(snapshot: Uint8Array): void;
}
