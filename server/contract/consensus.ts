/** The kinds of consensus that a swarm can have, what each calls things, and what their roles and events have in common. */
import { BYZANTINE_BEHAVIOURS, type ByzantineBehaviour } from "./faults.ts";
import type { RoleName } from "./swarm.ts";
import type { EventKind, MessageType, TimelineEvent } from "./timeline.ts";
import {
  GOSSIP_EVENT_KINDS,
  GOSSIP_MESSAGE_TYPES,
  PBFT_EVENT_KINDS,
  PBFT_MESSAGE_TYPES,
  RAFT_EVENT_KINDS,
  RAFT_MESSAGE_TYPES,
} from "./timeline.ts";

/** raft: Ongaro and Ousterhout 2014; crashed agents. pbft: Castro and Liskov 1999; agents that lie, besides. gossip: Demers et al. 1987; no order, and so no leader. */
export const CONSENSUS_KINDS = ["raft", "pbft", "gossip"] as const;
export type ConsensusKind = (typeof CONSENSUS_KINDS)[number];

export interface ConsensusWords {
  /** As a title says it. */
  readonly title: string;
  /** All are given the same in the same order: what needs that (compare-and-set, tasks, linearizable reads) is only to be had here. */
  readonly ordered: boolean;
  /** Empty: nobody leads. */
  readonly leader: string;
  /** The stretch in which one agent leads; empty: there is none. */
  readonly term: string;
  readonly messageTypes: readonly MessageType[];
  /** Events that only this kind has. */
  readonly events: readonly EventKind[];
  /** How its agents can lie. */
  readonly behaviours: readonly ByzantineBehaviour[];
}

export const CONSENSUS: Readonly<Record<ConsensusKind, ConsensusWords>> = {
  raft: {
    title: "Raft",
    ordered: true,
    leader: "leader",
    term: "term",
    messageTypes: RAFT_MESSAGE_TYPES,
    events: RAFT_EVENT_KINDS,
    behaviours: ["equivocate", "silent", "delay", "replay", "forge", "doubleVote", "lieAboutLog"],
  },
  pbft: {
    title: "PBFT",
    ordered: true,
    leader: "primary",
    term: "view",
    messageTypes: PBFT_MESSAGE_TYPES,
    events: PBFT_EVENT_KINDS,
    behaviours: BYZANTINE_BEHAVIOURS,
  },
  gossip: {
    title: "Gossip",
    ordered: false,
    leader: "",
    term: "",
    messageTypes: GOSSIP_MESSAGE_TYPES,
    events: GOSSIP_EVENT_KINDS,
    behaviours: ["silent", "delay", "replay"],
  },
};

/** The kind whose agents have this role: no role is of both. */
const KIND_OF_ROLE: Readonly<Record<RoleName, ConsensusKind>> = {
  follower: "raft",
  preCandidate: "raft",
  candidate: "raft",
  leader: "raft",
  primary: "pbft",
  backup: "pbft",
  viewChange: "pbft",
  peer: "gossip",
};

export function kindOfRole(role: RoleName): ConsensusKind {
  return KIND_OF_ROLE[role];
}

/** It leads: Raft's leader, PBFT's primary. */
export function leads(role: RoleName | null | undefined): boolean {
  return role === "leader" || role === "primary";
}

/** It follows one that leads: Raft's follower, PBFT's backup. */
export function follows(role: RoleName | null | undefined): boolean {
  return role === "follower" || role === "backup";
}

/** A role as people read it. */
export function roleTitle(role: RoleName): string {
  if (role === "preCandidate") return "pre-candidate";
  return role === "viewChange" ? "view change" : role;
}

/** What an agent leads or follows in, as people read it: "term 3", "view 3"; empty where nobody leads. */
export function termTitle(role: RoleName, term: number): string {
  const { term: word } = CONSENSUS[kindOfRole(role)];
  return word === "" ? "" : `${word} ${term}`;
}

/** As much as is known of what happened; who told it, and what, only where an agent did. */
export type ToldEvent = Pick<TimelineEvent, "kind"> & Partial<Pick<TimelineEvent, "agent" | "fields">>;

/**
 * Whether a leadership begins with this event. Once a leadership: every replica tells that it entered a view, and only what the view's primary tells of itself
 * counts.
 */
export function beginsLeadership({ kind, agent, fields }: ToldEvent): boolean {
  return kind === "becameLeader" || (kind === "viewEntered" && agent !== undefined && fields?.primary === agent);
}
