import type { AgentId } from "../consensus.ts";
import type { Checksum } from "../reconciliation/checksum-tree.ts";
import type { Split } from "../reconciliation/comparison.ts";

/**
 * alive: heard of within the timeout. suspected: silent, or its link closed; may still refute. failed: the suspicion ran out.
 * left: said goodbye. In the order of gravity.
 */
export const MEMBER_STATES = ["alive", "suspected", "failed", "left"] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

export interface Member {
  readonly id: AgentId;
  readonly state: MemberState;
  /** Rises with every start of the agent; news of an older life is ignored. */
  readonly incarnation: number;
  /** Rises within one life: with every heartbeat, or with every refutation (what SWIM calls the incarnation number). */
  readonly heartbeat: number;
  /** When (local now, ms) this state was entered. */
  readonly sinceMs: number;
}

/** What detectors have in common. */
export interface DetectorConfig {
  readonly id: AgentId;
  readonly members: readonly AgentId[];
}

/** heartbeat/ */
export interface HeartbeatConfig extends DetectorConfig {
  readonly heartbeatMs: number;
  /** Silence after which a member is suspected. */
  readonly suspectAfterMs: number;
  /** Time a suspect has to be heard of before it is failed, if a quorum confirms by then, or as soon as one does. */
  readonly failAfterMs: number;
  /** The same after a link to it closed and could not be opened again (a hint, not a verdict). */
  readonly failAfterClosedMs: number;
}

/** Which of its parts a member has: Lifeguard's three (2017, §IV), and two that are not in the paper. Without any: the SWIM of 2002. */
export interface Lifeguard {
  /** Whoever's own probes go wrong probes less and waits longer; helpers say that they got no answer (§IV-A, "LHA-Probe"). */
  readonly localHealth: boolean;
  /** A suspicion lasts longer while few confirm it (§IV-B, "LHA-Suspicion"). */
  readonly dogpile: boolean;
  /** Whoever is suspected is told so by whoever pings it (§IV-C). */
  readonly buddy: boolean;
  /** Time in which this process did not run is nobody's silence; who says what is outdated is told better. */
  readonly allowances: boolean;
}

/** swim/ */
export interface SwimConfig extends DetectorConfig {
  /** The protocol period: one member is probed in each, ms. */
  readonly probeIntervalMs: number;
  /** How long a direct ping may go unanswered before others are asked to ping, ms; well below the period. */
  readonly probeTimeoutMs: number;
  /** A suspect is given at least this many times log10(n) periods (Lifeguard's alpha). */
  readonly suspicionMultiplier: number;
  /** How often news that is not old yet leaves by itself, besides travelling on probes, ms; Infinity: only on probes, as in the paper. */
  readonly spreadIntervalMs: number;
  /** How often all that is known is compared with one other member, ms; Infinity: never. */
  readonly syncIntervalMs: number;
  /** All of its parts, none, or some. */
  readonly lifeguard: boolean | Lifeguard;
}

/** News of one member: a counter, or a verdict somebody reached. */
export interface MemberNews {
  readonly id: AgentId;
  readonly incarnation: number;
  readonly heartbeat: number;
  readonly state: MemberState;
}

/** News among members that listen to heartbeats. */
export interface HeartbeatNews extends MemberNews {
  /** Who has evidence of its own for the suspicion, in roster order; absent of any other state. */
  readonly confirmedBy?: readonly AgentId[];
}

/** News among probing members. */
export interface SwimNews extends MemberNews {
  /** Who suspects it; absent of any other state. */
  readonly by?: AgentId;
}

export interface HeartbeatMessage {
  readonly type: "gossip";
  readonly news: readonly HeartbeatNews[];
  /** Members the sender hears over links of its own: its neighbours need not tell it their heartbeats. In roster order. */
  readonly hears: readonly AgentId[];
}

/** What all messages of SWIM carry along. */
interface Carrying {
  readonly news: readonly SwimNews[];
}

export type SwimMessage = Carrying &
  (
    | { readonly type: "ping" | "ack" | "nack"; readonly sequence: number }
    /** "Ping this one for me." */
    | { readonly type: "pingRequest"; readonly sequence: number; readonly target: AgentId }
    /** News and nothing else. */
    | { readonly type: "spread" }
    /** News of many that started: each is alive in this life, and has refuted nothing in it. Bit `place mod 8`, lowest first, of byte `floor(place / 8)`. */
    | { readonly type: "starts"; readonly life: number; readonly members: Uint8Array }
    /** All the sender knows (or a part of it, the rest follows); answered in kind where it asks for it. */
    | { readonly type: "sync"; readonly asks: boolean }
    /** Of all the sender knows, by places in a range of that level; answered where it is another one. */
    | { readonly type: "checksum"; readonly level: number; readonly sum: Checksum }
    /** Checksums of parts of what differs; and of the smallest ranges that do, by index, all the sender knows, answered with what is fresher. */
    | { readonly type: "ranges"; readonly splits: readonly Split[]; readonly leaves: readonly number[] }
  );

export type MembershipMessage = HeartbeatMessage | SwimMessage;

export type SuspicionReason = "silence" | "linkClosed" | "noAnswer" | "told";

export type MembershipObservation =
  | {
      readonly type: "memberAlive";
      readonly member: AgentId;
      readonly incarnation: number;
      readonly was: MemberState | "unknown";
    }
  | {
      readonly type: "memberSuspected";
      readonly member: AgentId;
      readonly by: AgentId;
      readonly reason: SuspicionReason;
    }
  | { readonly type: "memberFailed"; readonly member: AgentId; readonly by: AgentId }
  | { readonly type: "memberLeft"; readonly member: AgentId };

export interface MembershipReady {
  /** Heartbeats go to direct neighbours only, all else to any member. */
  readonly messages: readonly { readonly to: AgentId; readonly message: MembershipMessage }[];
  readonly observations: readonly MembershipObservation[];
}

/** How well the detector does, since this agent started. */
export interface DetectorFigures {
  /** Members probed, or heartbeats sent. */
  readonly probes: number;
  /** Probes that nobody answered, in any way; suspicions by silence. */
  readonly unanswered: number;
  /** Suspicions of others that turned out wrong: the member was alive after all. */
  readonly refuted: number;
  /** Lifeguard's local health multiplier: 0 is well, at most 8; that much longer does it wait for others. Always 0 where there is none. */
  readonly localHealth: number;
}
