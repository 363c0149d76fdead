/**
 * What a client says to an agent. WebSocket, path `/client`, subprotocol `agent-mesh.1`, header `Authorization: Bearer <control token>`, no `Origin`.
 * Binary frames, MessagePack: each frame is an array of requests (client) or of replies and pushes (agent), at most 8 MiB.
 * Requests of one connection may be answered in any order. Writes carry (session, sequence): a write that was retried, here or through
 * another agent, is applied once and answered the same (Ongaro's thesis, §6.3).
 */
import type { AggregateInfo } from "./aggregate.ts";
import type { ConsensusKind } from "./consensus.ts";
import type { HeldEffect } from "./faults.ts";
import type { SideNote } from "./partition.ts";
import type { ProposalInfo, ProposalRequest } from "./proposals.ts";
import type { AgentReport, TaskInfo, TaskRequest } from "./swarm.ts";
import type { TimelineEvent } from "./timeline.ts";

export const CLIENT_PROTOCOL = "agent-mesh.1";
export const CLIENT_FRAME_LIMIT_BYTES = 8 * 1024 * 1024;

export type ClientOperation =
  | {
      readonly op: "put";
      readonly namespace: string;
      readonly key: string;
      readonly value: Uint8Array;
      readonly ttlMs?: number;
    }
  | { readonly op: "delete"; readonly namespace: string; readonly key: string }
  /** expectedVersion 0: must be absent. */
  | {
      readonly op: "compareAndSet";
      readonly namespace: string;
      readonly key: string;
      readonly expectedVersion: number;
      readonly value: Uint8Array;
      readonly ttlMs?: number;
    }
  /** By gossip alone: counts up, or down by less than 0. Absent: 1. */
  | { readonly op: "increment"; readonly namespace: string; readonly key: string; readonly by?: number }
  /** By gossip alone: an element of a set. A removal takes away what the agent asked knows of it. */
  | { readonly op: "add"; readonly namespace: string; readonly key: string; readonly element: string }
  | { readonly op: "remove"; readonly namespace: string; readonly key: string; readonly element: string }
  /** linearizable: behind a read barrier. local: whatever this agent has. */
  | {
      readonly op: "get";
      readonly namespace: string;
      readonly key: string;
      readonly consistency?: "linearizable" | "local";
    }
  | {
      readonly op: "list";
      readonly namespace: string;
      readonly prefix?: string;
      readonly limit?: number;
      /** Only keys that come after this one: the last key of an answer that said `more` continues it. */
      readonly after?: string;
      readonly consistency?: "linearizable" | "local";
    }
  | { readonly op: "submitTask"; readonly task: TaskRequest }
  | { readonly op: "cancelTask"; readonly taskId: string }
  /** Puts it to the vote; answered once it is known to all, not once it is decided. */
  | { readonly op: "propose"; readonly proposal: ProposalRequest }
  /**
   * What the write of this session and sequence came to, whoever was asked for it: answered as the write itself is, at once where it was applied here and its answer is
   * remembered, else when it is applied here. Proposes nothing. With PBFT a client believes what f + 1 agents answer (OSDI '99, §4.1). taskId, proposalId: of what it is about.
   */
  | { readonly op: "outcome"; readonly of: WriteOperation; readonly taskId?: string; readonly proposalId?: string }
  /** before: only tasks submitted before this one: the first task of an answer that said `more` continues it. */
  | { readonly op: "tasks"; readonly consistency?: "linearizable" | "local"; readonly before?: string }
  /** before: only proposals submitted before this one, as with tasks. */
  | { readonly op: "proposals"; readonly consistency?: "linearizable" | "local"; readonly before?: string }
  | { readonly op: "proposal"; readonly proposalId: string; readonly consistency?: "linearizable" | "local" }
  /**
   * One change of who votes, by the leader (Ongaro's thesis, §4): answered with the members once it is committed, and, for a change through a joint
   * phase, once that is left. Any other agent refuses it as "unavailable" and names the leader. What is so already is answered at once, unchanged.
   */
  | { readonly op: "changeMembers"; readonly change: MembersChange }
  /** The leader hands over to this voter, or to the most up to date one; answered once another leader is known here. Elsewhere "unavailable", as above. */
  | { readonly op: "transferLeader"; readonly to?: string }
  /** What all agents together have of a metric (AGGREGATE_METRICS), as they come to know it by gossip; at once where nobody else is there, else after some dozen rounds. */
  | { readonly op: "aggregate"; readonly metric: string }
  /** With `state: true` also the hash of all that the agent holds, which takes it time in proportion: nothing else goes on there meanwhile. */
  | { readonly op: "report"; readonly state?: boolean }
  /** Events from now on (and `recent` of the past) as pushes, with task output and a report every `reportEveryMs`. With `owner: true`, which is for coordinators, it keeps a swarm alive that is not detached. */
  | { readonly op: "observe"; readonly recent: number; readonly reportEveryMs: number; readonly owner: boolean }
  /** Replaces all effects of faults that this agent carries out. */
  | { readonly op: "setEffects"; readonly effects: readonly HeldEffect[] }
  /** All agents that the swarm ever had, in their order, which begins with those that the agent knows; and all links. For the coordinator. */
  | { readonly op: "setRoster"; readonly roster: readonly RosterEntry[]; readonly links: readonly RosterLink[] }
  /**
   * What became of a request that the agent has pushed: `joinRequest` (with `swarm`: granted, and JSON of what the newcomer needs), `leaveRequest`.
   * With `problem`, a sentence, it is refused; `retryAfterMs` 0: for good. For the coordinator.
   */
  | {
      readonly op: "answerRequest";
      readonly request: number;
      readonly swarm?: string;
      readonly problem?: string;
      readonly retryAfterMs?: number;
    }
  /** Ends the agent in good order. */
  | { readonly op: "stop"; readonly reason: string };

/** The operations that write to the memory, and all that are about it. */
export const MEMORY_WRITES = ["put", "delete", "compareAndSet", "increment", "add", "remove"] as const;
export const MEMORY_OPERATIONS = [...MEMORY_WRITES, "get", "list"] as const;

/** The operations that write. */
export const WRITES = [...MEMORY_WRITES, "submitTask", "cancelTask", "propose"] as const;
export type WriteOperation = (typeof WRITES)[number];

/** add: joins, without a vote. promote: gets a vote. remove: is no member any more. Or all members as they shall be, through a joint phase if need be. */
export type MembersChange =
  | { readonly add: string }
  | { readonly promote: string }
  | { readonly remove: string }
  | { readonly voters: readonly string[]; readonly learners: readonly string[] };

/** One agent, as others need to know it to talk to it. */
export interface RosterEntry {
  readonly id: string;
  readonly port: number;
  /** Where agents of other hosts reach it, over TLS by its key; absent: nowhere. */
  readonly host?: string;
  /** As in the swarm's file. */
  readonly publicKey: string;
}

export interface RosterLink {
  readonly a: string;
  readonly b: string;
}

export type ClientRequest = ClientOperation & {
  /** Unique on the connection. */
  readonly id: number;
  /** For put, delete, compareAndSet, increment, add, remove, submitTask, cancelTask, propose; and outcome, which needs both. */
  readonly session?: string;
  readonly sequence?: number;
  /** The lowest sequence of the session whose answer may still be asked for; lower answers are forgotten. */
  readonly firstUnanswered?: number;
  /** The agent gives up after this long; the outcome of a write is then unknown. Default 10,000. */
  readonly timeoutMs?: number;
};

export type ClientErrorCode =
  /** No leader, or no quorum, in time. A read: nothing happened. A write: not applied as far as is known, may still be. */
  | "unavailable"
  /** Too few voters answer this agent for anything to be decided: told at once, nothing was proposed. Another agent may be on a side that decides. */
  | "readOnly"
  /** Not in time; the outcome of a write is unknown. */
  | "timeout"
  /** The request makes no sense or breaks a limit; nothing happened. */
  | "invalid"
  /** The state machine said no (unknown task, id taken, ...); nothing changed. */
  | "refused"
  | "overloaded"
  | "stopping"
  /** The session was forgotten (too many others since); whether the write was applied is unknown. */
  | "sessionExpired";

export interface ItemInfo {
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
  /** Ms since the epoch; 0 = never. */
  readonly expiresAtMs: number;
  /** Absent: a value. Of a counter `value` is the total in decimal digits; of a set its elements in code unit order, as a JSON array of texts. */
  readonly type?: ItemType;
}

export const ITEM_TYPES = ["counter", "set"] as const;
export type ItemType = (typeof ITEM_TYPES)[number];

export type ClientValue =
  | { readonly type: "written"; readonly version: number }
  | { readonly type: "deleted"; readonly existed: boolean }
  | { readonly type: "conflict"; readonly version: number }
  /** The counter's total at the agent asked, with this increment. */
  | { readonly type: "counted"; readonly total: number }
  /** created: it was no element there before. */
  | { readonly type: "added"; readonly created: boolean }
  | { readonly type: "removed"; readonly existed: boolean }
  | { readonly type: "item"; readonly item: ItemInfo | null }
  | { readonly type: "items"; readonly items: readonly ItemInfo[]; readonly more: boolean }
  | { readonly type: "task"; readonly taskId: string; readonly created: boolean }
  /** In the order of submission. more: true when the oldest are left out, because the answer would be too large. */
  | { readonly type: "tasks"; readonly tasks: readonly TaskInfo[]; readonly more?: boolean }
  | { readonly type: "proposed"; readonly proposalId: string; readonly created: boolean }
  /** In the order of submission. more: true when the oldest are left out, because the answer would be too large. */
  | { readonly type: "proposals"; readonly proposals: readonly ProposalInfo[]; readonly more?: boolean }
  | { readonly type: "proposal"; readonly proposal: ProposalInfo | null }
  /** Sorted; changed: false when they were so already. */
  | {
      readonly type: "members";
      readonly changed: boolean;
      readonly voters: readonly string[];
      readonly learners: readonly string[];
    }
  | { readonly type: "leader"; readonly leader: string; readonly term: number }
  | { readonly type: "aggregate"; readonly aggregate: AggregateInfo }
  | { readonly type: "report"; readonly report: AgentReport }
  | { readonly type: "done" };

/** side: in every answer of an agent that is cut off from half of the others, or from a quorum. A read was then served from what that side has. */
export type ClientResult = { readonly side?: SideNote } & (
  | { readonly ok: true; readonly value: ClientValue }
  | { readonly ok: false; readonly code: ClientErrorCode; readonly message: string }
);

export type AgentPush =
  /** The first thing on every connection. */
  | {
      readonly push: "hello";
      readonly swarm: string;
      readonly agent: string;
      readonly incarnation: number;
      readonly pid: number;
      /** How the swarm decides; absent: raft. */
      readonly consensus?: ConsensusKind;
      /** So many agents may lie and what f + 1 of them answer alike is true; absent or 0: none may. */
      readonly faultsTolerated?: number;
    }
  | {
      readonly push: "events";
      readonly events: readonly TimelineEvent[] /** Events the agent had to drop before these, because nobody read them. */;
      readonly lost: number;
    }
  | { readonly push: "report"; readonly report: AgentReport }
  | {
      readonly push: "taskOutput";
      readonly taskId: string;
      readonly token: number;
      readonly stream: "stdout" | "stderr";
      readonly text: string;
    }
  /** Somebody who knows the join secret asks this agent to be taken in; to one owner, who answers by `answerRequest`. */
  | {
      readonly push: "joinRequest";
      readonly request: number;
      readonly agent: string;
      readonly publicKey: string;
      readonly port: number;
      /** Where agents of other hosts reach it; "": nowhere. */
      readonly host: string;
      readonly learner: boolean;
      /** What the newcomer will know its owners by. */
      readonly token: string;
    }
  /** This agent, which joined by itself, wants to be removed; answered only when it cannot be. */
  | { readonly push: "leaveRequest"; readonly request: number }
  /** Of those that asked to join here lately: how many were refused, and why. */
  | {
      readonly push: "joinsRefused";
      readonly refused: readonly { readonly why: JoinRefusal; readonly count: number }[];
    };

/** tooMany: too often, from one source or in all. */
export const JOIN_REFUSALS = ["tooMany", "wrongSecret", "malformed", "refused"] as const;
export type JoinRefusal = (typeof JOIN_REFUSALS)[number];

export type AgentFrame = readonly (({ readonly id: number } & ClientResult) | AgentPush)[];
