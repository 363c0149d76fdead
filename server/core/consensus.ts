/**
 * What every consensus kind offers the agent: propose a command, learn that it committed at an index, read behind a barrier, tell
 * its status. Raft serves it now; PBFT and gossip decisions will. Members cannot change yet.
 *
 * Time: every `now` is milliseconds since the Unix epoch with a fraction, never running backwards within one life of an agent.
 * It is an argument, never read.
 */
export type AgentId = string;

export const EntryKind = { noop: 0, command: 1 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** One position of the replicated log. Immutable once made. */
export interface Entry {
  /** Position, from 1, without gaps. */
  readonly index: number;
  /** Term (Raft) or view (PBFT) in which it was first proposed. */
  readonly term: number;
  readonly kind: EntryKind;
  /** The proposer-in-charge's time in whole ms, never less than the entry before it. The replicated machines' only clock. */
  readonly timeMs: number;
  /** A command, opaque to consensus; empty for a noop. */
  readonly data: Uint8Array;
}

/** A message to another agent. What caused it is not said here: the agent puts it down to the input that it came of. */
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
  /** Consecutive; if the first one's index is not past the end of the log, it and everything after it there is replaced. */
  readonly entries: readonly Entry[];
}

/** All that a core wants after a turn's inputs. */
export interface Ready<Message, HardState, Observation> {
  readonly persist?: PersistBatch<HardState>;
  /** May leave at once, also while `persist` is being written (Ongaro's thesis, §10.2.1). */
  readonly messages: readonly Outgoing<Message>[];
  /** May leave only when `persist` (and every batch before it) is durable. */
  readonly messagesAfterPersist: readonly Outgoing<Message>[];
  /** Newly committed entries, consecutive, each given out exactly once in a life of the core. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadReady[];
  /** Reads that can no longer be confirmed here (leadership lost, no leader); the agent retries or refuses them. */
  readonly failedReads: readonly number[];
  /** Proposals that were not accepted and have not been sent on; the agent retries or refuses them. */
  readonly droppedProposals: readonly Uint8Array[];
  readonly observations: readonly Observation[];
}

export interface Consensus<Message, HardState, Observation, Status> {
  readonly id: AgentId;
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
  /** The earliest `now` at which `tick` has something to do; Infinity if never. */
  deadline(): number;
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
