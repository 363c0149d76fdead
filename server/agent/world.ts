import type { ClientResult } from "../contract/client.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { AgentId, Entry, Snapshot } from "../core/consensus.ts";
import type { Crypto } from "../core/crypto.ts";
import type { Choice, ProposalSpec } from "../core/proposals/types.ts";
import type { HardState } from "../core/raft/types.ts";
import type { TaskOutcome, TaskSpec } from "../core/tasks/types.ts";

/**
 * All that an agent needs of the place it runs in. The live world is an operating-system process; the simulated world is an
 * in-process network, disk and clock driven by one seed. The agent cannot tell which one it is in.
 *
 * The world calls the agent's inputs (`Agent.receive`, `linkUp`, `linkDown`, `alarm`, `clientRequests`, `taskOutput`, ...), each with the
 * present time. After any input the agent has asked for a turn through `requestTurn`; the world calls `Agent.turn(now)` once after all
 * the inputs of one turn of its event loop.
 */
export interface World {
  readonly network: Network;
  /** Opens and closes connections for agents that look for their links themselves; absent: links are those that are configured. */
  readonly dialler?: Dialler;
  readonly log: DurableLog;
  /** Of a memory that does not go through the consensus, whose log this is not. Absent: there is none. */
  readonly memoryLog?: DurableLog;
  readonly executor: Executor;
  readonly judge: Judge;
  /** Of this agent: its key signs. */
  readonly crypto: Crypto;
  /** Calls `Agent.turn` soon, once, however often it is asked before that. */
  requestTurn(): void;
  /** Calls `Agent.alarm` at `atMs` (ms since the epoch) or as soon as possible after; replaces the alarm set before. Infinity: none. */
  setAlarm(atMs: number): void;
  /** What happened, for people. Called in the order it happened. Cheap when nobody watches. */
  observe(event: TimelineEvent): void;
  /**
   * False while nobody wants events of a sort (sends and receives, or all others): then none are made. Identities: nobody asks which event is which, and those that are
   * no messages have an empty id and no cause. Absent: always wanted. May change at any time; nothing else the agent does depends on it.
   */
  observing?(sort: "messages" | "others" | "identities"): boolean;
  /** Entries that the replicated state machine has applied, in order, for whoever keeps account of them. Absent: nobody does. */
  applied?(entries: readonly Entry[]): void;
  /** The state machine went on from a snapshot that came from another agent. */
  restored?(snapshot: Snapshot): void;
  /** The same of such a memory: entries that it has applied, or another agent's state that it goes on from. */
  remembered?(batch: LogBatch): void;
  /** Live output of a task that runs here. */
  taskOutput(taskId: string, token: number, stream: "stdout" | "stderr", text: string): void;
  /** Wants to know what the agent's process uses: the answer arrives as `Agent.measured`, once, and not within this call. */
  measure(): void;
  /** Answers to client requests, in a batch per turn. */
  reply(replies: readonly ClientReply[]): void;
}

export interface Network {
  /**
   * One frame to a direct neighbour. May be lost, late, twice or out of order; dropped without a word while the link is down.
   * The world takes ownership of the bytes.
   */
  send(to: AgentId, frame: Uint8Array): void;
}

export interface Dialler {
  /**
   * One attempt to get a connection, after which `Agent.linkUp` is called, or `Agent.linkDown` when there was none to be had; neither within this call. Where there is one already, or another agent opens one to
   * this one meanwhile, there is one all the same.
   */
  open(peer: AgentId): void;
  /** Ends it: both sides get `linkDown`, this one not within this call. What was sent before may be lost. */
  close(peer: AgentId): void;
}

export type { Snapshot } from "../core/consensus.ts";

/** What is to become durable together. Its parts take effect in this order: snapshot, hard state, entries. */
export interface LogBatch {
  readonly snapshot?: LogSnapshot;
  readonly hardState?: HardState;
  /** Consecutive; the first one's index may be at or before the end of the log: it and all behind it there is replaced. Never at or before the snapshot. */
  readonly entries: readonly Entry[];
}

/** A state that stands for all entries up to its index: they need not be kept. It replaces the snapshot before it. */
export interface LogSnapshot {
  readonly snapshot: Snapshot;
  /** true: no entry that was in the log before stays. false: those after the snapshot's index do. */
  readonly discardLog: boolean;
}

export interface DurableLog {
  /**
   * Appends one batch. `durable` is called (followed by a turn) when it and all batches before it would survive a crash. A world whose disk fails
   * stops the agent instead: an agent without a durable log must not go on.
   */
  append(batch: LogBatch, durable: () => void): void;
}

/** What a log gave back at start. */
export interface RecoveredLog {
  readonly hardState: HardState;
  readonly snapshot?: Snapshot;
  /** Consecutive, from the one after the snapshot on, or from 1. */
  readonly entries: readonly Entry[];
  /** What the memory's own log gave back, where it has one. */
  readonly memory?: RecoveredLog;
}

export interface Executor {
  /** Starts a task's command; the end arrives as `Agent.taskEnded(taskId, token, outcome)`, once, also when it could not be started. */
  start(spec: TaskSpec, token: number): void;
  /**
   * Its lease lasts until then by the agent's clock, ms, as far as the agent knows. Said at the start and with every renewal. The world ends the run
   * then, with `leaseOver`, unless more was said: also when the agent is stopped and can end nothing. Unknown ones are ignored.
   */
  extend(taskId: string, token: number, untilMs: number): void;
  /** Ends it and all it started. It still reports through `taskEnded`. Unknown ones are ignored. */
  stop(taskId: string, token: number): void;
}

/** Makes up the agent's mind about proposals, by the policy that it was given. */
export interface Judge {
  /** The answer arrives as `Agent.judged`, once, also when the policy cannot be carried out. */
  consider(proposal: ProposalSpec): void;
  /** Its answer is not needed any more; one that comes is ignored. */
  dismiss(proposalId: string): void;
}

/** What a process uses, as it measures it; absent: not known, as in a simulated world. */
export interface Measurement {
  readonly cpuSeconds?: number;
  readonly rssBytes?: number;
  readonly logBytes?: number;
  readonly fsyncs?: number;
  readonly fsyncP99Ms?: number;
}

export interface Judgement {
  readonly proposalId: string;
  readonly choice: Choice;
  /** At most MAX_REASON_BYTES bytes of UTF-8; may be empty. */
  readonly reason: string;
}

export interface TaskEnd {
  readonly taskId: string;
  readonly token: number;
  readonly outcome: TaskOutcome;
  /** The world ended it because its lease was over: that is no outcome of the task. */
  readonly leaseOver?: boolean;
}

/** `connection` names the client's connection to this agent; `id` its request there. */
export interface ClientReply {
  readonly connection: number;
  readonly id: number;
  readonly result: ClientResult;
}
