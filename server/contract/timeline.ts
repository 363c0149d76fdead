/**
 * The timeline: everything that agents report about themselves, in one form. Every event has an id, a hybrid logical clock stamp
 * (Kulkarni et al. 2014) and, where there is one, a causal parent.
 */
import type { RoleName } from "./swarm.ts";

/** `<agent>.<incarnation>:<sequence>`, unique in a swarm's life; the sequence rises by one an event in one life of an agent. */
export type EventId = string;

/** Hybrid logical clock: physical ms since the epoch, then a counter. Compare wallMs first. */
export interface Hlc {
  readonly wallMs: number;
  readonly counter: number;
}

/** Events that only Raft has. */
export const RAFT_EVENT_KINDS = [
  "becameFollower",
  "becamePreCandidate",
  "becameCandidate",
  "becameLeader",
  "steppedDown",
  "leaderKnown",
  "votedFor",
  "voteRefused",
  "voteReceived",
  "electionTimedOut",
  "truncated",
  "appended",
  "configurationChanged",
  "leadershipTransferStarted",
  "leadershipTransferEnded",
  "snapshotTaken",
  "snapshotSending",
  "snapshotInstalled",
  "compacted",
] as const;

/** Events that only PBFT has. */
export const PBFT_EVENT_KINDS = [
  "prePrepared",
  "prepared",
  "viewChangeStarted",
  "viewChangeReceived",
  "viewEntered",
  "disbelieved",
  "equivocation",
  "checkpointTaken",
  "checkpointStable",
  "stateTransferStarted",
  "stateTransferRefused",
  "stateInstalled",
] as const;

/** Events that only gossip has. */
export const GOSSIP_EVENT_KINDS = ["issued", "rumourHeard", "antiEntropy", "heldBack", "converged"] as const;

export const EVENT_KINDS = [
  // messages
  "send",
  "receive",
  // life of an agent
  "started",
  "stopping",
  "linkUp",
  "linkDown",
  // consensus: `committed` is of every kind
  ...RAFT_EVENT_KINDS,
  "committed",
  ...PBFT_EVENT_KINDS,
  ...GOSSIP_EVENT_KINDS,
  // membership
  "memberAlive",
  "memberSuspected",
  "memberFailed",
  "memberLeft",
  // of agents that look for their links themselves
  "neighbourUp",
  "neighbourDown",
  // of agents that broadcast: a link became one of the tree, or is none any more
  "grafted",
  "pruned",
  "partitioned",
  "healed",
  "recovered",
  // tasks
  "taskSubmitted",
  "taskLeased",
  "taskLeaseLost",
  "taskRetried",
  "taskFinished",
  "taskCompletionRefused",
  "taskStarted",
  "taskEnded",
  // proposals: voteSigned is of the voter alone, the others of everyone who learns of it
  "proposalSubmitted",
  "voteSigned",
  "voteCast",
  "voteNotTaken",
  "proposalDecided",
  // aggregates: each agent joins one, and comes to know the answer
  "aggregateBegun",
  "aggregateEnded",
  // the coordinator's own: what a person or a fault plan did, and what it saw of the process
  "faultInjected",
  "faultHealed",
  "processStarted",
  "processEnded",
  // the same, of a plan for other links: carried out, or all is as it was
  "rewiringBegun",
  "rewired",
  "rewiringUndone",
  // the same, of a run that is judged: a promise broke, and it ended
  "promiseBroken",
  // of the seed that was asked: an agent was taken in, and how many were refused lately, for each reason
  "joinAccepted",
  "joinRefused",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Raft's message types, as people see them. */
export const RAFT_MESSAGE_TYPES = [
  "preVote",
  "preVoteReply",
  "vote",
  "voteReply",
  "append",
  "appendReply",
  "heartbeat",
  "heartbeatReply",
  "forward",
  "readIndex",
  "readIndexReply",
  "installSnapshot",
  "installSnapshotReply",
  "timeoutNow",
] as const;

/** PBFT's. No name is of both. */
export const PBFT_MESSAGE_TYPES = [
  "request",
  "prePrepare",
  "prepare",
  "commit",
  "checkpoint",
  "viewChange",
  "newView",
  "status",
  "fetchBatch",
  "batch",
  "fetchViewChange",
  "decided",
  "fetchState",
  "stateChunk",
  "read",
  "readReply",
] as const;

/** Gossip's: neither of the others has one of these. */
export const GOSSIP_MESSAGE_TYPES = ["rumour", "digest", "checksum", "ranges", "delta", "state", "stateReply"] as const;

/** Of what is broadcast along a tree, with whichever consensus. */
export const BROADCAST_MESSAGE_TYPES = ["broadcast", "ihave", "graft", "prune"] as const;

export const MESSAGE_TYPES = [
  ...RAFT_MESSAGE_TYPES,
  ...PBFT_MESSAGE_TYPES,
  ...GOSSIP_MESSAGE_TYPES,
  ...BROADCAST_MESSAGE_TYPES,
] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** A scalar or a short list, as shown to people. */
export type Fields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface MessageInfo {
  /** The id of the `send` event. */
  readonly id: EventId;
  readonly type: MessageType;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** The message's own fields (term, prevIndex, granted, entries as "41..44", ...). */
  readonly fields: Fields;
}

/** What the agent was right after the event. */
export interface AgentStamp {
  readonly role: RoleName;
  /** Of PBFT the view; of gossip 0. */
  readonly term: number;
  readonly leader: string;
  readonly commit: number;
  readonly lastIndex: number;
  readonly applied: number;
}

export interface TimelineEvent {
  readonly id: EventId;
  readonly agent: string;
  readonly hlc: Hlc;
  readonly kind: EventKind;
  /** The event that led to this one: for a `receive` the peer's `send`; else the input of the same agent that caused it. Absent for what nobody caused (a timer). */
  readonly cause?: EventId;
  readonly message?: MessageInfo;
  /** Everything else that belongs to the kind (candidate, reason, fromIndex, ...). */
  readonly fields: Fields;
  /** Absent for the coordinator's own events. */
  readonly state?: AgentStamp;
}

/** A question for a stretch of the timeline, answered for a screen. */
export interface TimelineQuery {
  readonly swarm: string;
  /** Wall ms, inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** Agents to show, in order; absent = all. */
  readonly lanes?: readonly string[];
  /** Kinds and message types to leave out (heartbeats, say). */
  readonly hiddenKinds?: readonly (EventKind | MessageType)[];
  /** At most this many events one by one; beyond it the answer is counted into buckets. At most 20,000. */
  readonly maxEvents: number;
  /** Columns to count into when there are too many. At most 4,000. */
  readonly buckets: number;
}

/** A stretch during which one agent was in one role and term, or view. Open at the end: toMs = null. */
export interface TermBar {
  readonly agent: string;
  readonly fromMs: number;
  readonly toMs: number | null;
  readonly term: number;
  readonly role: AgentStamp["role"];
}

export interface TimelineBucket {
  readonly agent: string;
  /** Column number, from 0 at fromMs. */
  readonly column: number;
  readonly count: number;
  /** Counted by kind (messages by their type). */
  readonly kinds: Readonly<Record<string, number>>;
}

export interface TimelineWindow {
  readonly swarm: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** All events in the window that the filter lets through, counted. */
  readonly total: number;
  /** Complete when total <= maxEvents, in HLC order; otherwise empty, and `buckets` tells. */
  readonly events: readonly TimelineEvent[];
  readonly buckets: readonly TimelineBucket[];
  /** Always exact. */
  readonly terms: readonly TermBar[];
  /** Elections, view changes, leader changes, faults: never bucketed away. At most 2,000, newest kept. */
  readonly landmarks: readonly TimelineEvent[];
  /** The whole timeline's extent at the time of the answer. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly stored: number;
}

export interface TimelineSearch {
  readonly swarm: string;
  /** Words that must all occur (case-insensitive) in the event's kind, message type, agent, peers, fields or id. `term:3`, `agent:a2`, `kind:vote` match that field. */
  readonly text: string;
  readonly limit: number;
  /** Continue before this event (newest first). */
  readonly before?: EventId;
}

export interface TimelineSearchResult {
  readonly events: readonly TimelineEvent[];
  /** How many were looked at, and whether the search reached the beginning. */
  readonly looked: number;
  readonly complete: boolean;
}
