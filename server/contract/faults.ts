/**
 * What can be broken, whom it hits, and how it is undone.
 *
 * A `FaultSpec` is what a person, a mesh file or a plan says; its targets are open (`leader`, `minority`). It is resolved once, when it is injected, to a
 * `ResolvedFault`: named agents and `Effect`s. The simulated and the live world know effects only, so that a fault means the same in both. A
 * world that cannot do an effect refuses it with a sentence.
 */
import type { EventKind, MessageType } from "./timeline.ts";

export const FAULT_KINDS = [
  "crash",
  "pause",
  "partition",
  "isolate",
  "slow",
  "lossy",
  "link",
  "message",
  "disk",
  "clock",
  "cpu",
  "byzantine",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * Whom, as Jepsen says it: an agent's id, or one of these, drawn or looked up when the fault is injected. leader: whoever leads then. one: any one. minority: as many
 * as can fail without losing the quorum, drawn. minorityThird: up to a third (what a Byzantine protocol tolerates), drawn. majority: the smallest majority, drawn. everyone.
 */
export const GROUP_TARGETS = ["leader", "one", "minority", "minorityThird", "majority", "everyone"] as const;
export type GroupTarget = (typeof GROUP_TARGETS)[number];
/** Followed by a zone's name: all agents of it. */
export const ZONE_TARGET = "zone:";
export type FaultTarget = string;

/**
 * A shape of partition, drawn from the seed where it says so. halves: two sides as equal as can be, drawn. majority: a drawn majority | the rest. bridge: two halves
 * that only one agent reaches both of. ring: each agent sees a majority that no other sees (its nearest in a drawn ring). isolateOne: a drawn one | the rest. oneWay: what
 * one half sends does not reach the other, which still reaches it. random: each pair is cut with probability a half.
 */
export const PARTITION_SHAPES = ["halves", "majority", "bridge", "ring", "isolateOne", "oneWay", "random"] as const;
export type PartitionShape = (typeof PARTITION_SHAPES)[number];

/** How a delay is drawn, ms. spread: the standard deviation (normal), sigma of the logarithm (logNormal), the exponent alpha (pareto), half the width (uniform). */
export interface DelayDistribution {
  readonly shape: "constant" | "uniform" | "normal" | "logNormal" | "pareto";
  /** The mean; for logNormal the median; for pareto the least. */
  readonly ms: number;
  readonly spread?: number;
}

/** What befalls a link in one direction; the names are Toxiproxy's, with loss, duplication, reordering and corruption added. Shares in (0, 1]. */
export type Toxic =
  | { readonly toxic: "loss"; readonly share: number }
  | { readonly toxic: "latency"; readonly delay: DelayDistribution }
  | { readonly toxic: "bandwidth"; readonly bytesPerSecond: number }
  | { readonly toxic: "duplicate"; readonly share: number }
  /** That share is held back by up to byMs, so that later ones overtake it. */
  | { readonly toxic: "reorder"; readonly share: number; readonly byMs: number }
  /** One bit of that share of frames is flipped. */
  | { readonly toxic: "corrupt"; readonly share: number }
  /** Frames pass in slices of at most so many bytes, each so much after the one before. */
  | { readonly toxic: "slicing"; readonly bytes: number; readonly everyMs: number }
  /** Nothing passes, and after so many ms the connection is closed; 0: never closed. */
  | { readonly toxic: "timeout"; readonly afterMs: number }
  /** The connection is reset after so many ms, again and again. */
  | { readonly toxic: "reset"; readonly afterMs: number }
  /** A close is seen so much later by the other end. */
  | { readonly toxic: "slowClose"; readonly delayMs: number }
  /** The connection is closed once so many bytes passed. */
  | { readonly toxic: "dataLimit"; readonly bytes: number }
  /** Up for a while, then nothing passes for a while. */
  | { readonly toxic: "flap"; readonly upMs: number; readonly downMs: number };
export type ToxicName = Toxic["toxic"];

/** Which messages: all that is said must hold. */
export interface MessageMatch {
  readonly types?: readonly MessageType[];
  readonly from?: FaultTarget;
  readonly to?: FaultTarget;
  /** The message's own fields by name (term, granted, index, ...): equal to a scalar, or within [min, max]. */
  readonly fields?: Readonly<
    Record<string, string | number | boolean | { readonly min?: number; readonly max?: number }>
  >;
}

export type MessageAction =
  | { readonly action: "drop" }
  | { readonly action: "delay"; readonly delayMs: number; readonly jitterMs?: number }
  | { readonly action: "duplicate"; readonly copies: number }
  /** Its bytes are damaged; the receiver's checksum tells. */
  | { readonly action: "corrupt" };

/**
 * equivocate: tells different agents different things in the same place of the log. silent: receives, and sends nothing. delay: sends late, up to the edge of the others' patience.
 * replay: sends old messages again. forge: claims what nobody said (a newer term, another's identity where links allow it). doubleVote: votes for all that ask. lieAboutLog: claims a longer or
 * shorter log than it has, and acknowledges what it does not hold. wrongDigest: signs digests that are of nothing. badProof: leaves views, and begins them, with proofs that prove nothing.
 * corruptState: hands out another state than its own. The last three are about what only PBFT has.
 */
export const BYZANTINE_BEHAVIOURS = [
  "equivocate",
  "silent",
  "delay",
  "replay",
  "forge",
  "doubleVote",
  "lieAboutLog",
  "wrongDigest",
  "badProof",
  "corruptState",
] as const;
export type ByzantineBehaviour = (typeof BYZANTINE_BEHAVIOURS)[number];

export type DiskTrouble =
  /** Each sync takes so much longer. */
  | { readonly trouble: "slow"; readonly delayMs: number }
  /** The next write fails: an agent without a durable log stops itself. */
  | { readonly trouble: "failing" }
  | { readonly trouble: "full" }
  /** A bit of what is at rest flips; the next start finds it. */
  | { readonly trouble: "bitRot" }
  /** The next crash leaves the last record half written. */
  | { readonly trouble: "tornTail" }
  /** The next crash loses what was reported durable by a disk that lied about its sync. Raft does not promise to survive this. */
  | { readonly trouble: "lostSyncs" };
export type DiskTroubleName = DiskTrouble["trouble"];

export type FaultSpec =
  /** The process is killed (SIGKILL). Healing starts it again from its own disk. */
  | { readonly kind: "crash"; readonly agent: FaultTarget; readonly forMs?: number }
  /** The process is stopped (SIGSTOP). Healing lets it go on. Refused on Windows. */
  | { readonly kind: "pause"; readonly agent: FaultTarget; readonly forMs?: number }
  /** Nothing passes between different sides, in either direction. Agents that are named on no side form one more side together. With `shape` the sides are drawn, and `sides` is empty. */
  | {
      readonly kind: "partition";
      readonly sides: readonly (readonly FaultTarget[])[];
      readonly shape?: PartitionShape;
      readonly forMs?: number;
    }
  /** Nothing passes to or from the agent. */
  | { readonly kind: "isolate"; readonly agent: FaultTarget; readonly forMs?: number }
  /** A link (both directions), or with `b` absent all links of `a`, delayed by delayMs ± jitterMs. */
  | {
      readonly kind: "slow";
      readonly a: FaultTarget;
      readonly b?: FaultTarget;
      readonly delayMs: number;
      readonly jitterMs?: number;
      readonly forMs?: number;
    }
  /** As above, dropping this share of frames, in (0, 1]. */
  | {
      readonly kind: "lossy";
      readonly a: FaultTarget;
      readonly b?: FaultTarget;
      readonly loss: number;
      readonly forMs?: number;
    }
  /** Toxics on a link, or with `b` absent on all links of `a`. out: what `a` sends. */
  | {
      readonly kind: "link";
      readonly a: FaultTarget;
      readonly b?: FaultTarget;
      readonly direction?: "both" | "out" | "in";
      readonly toxics: readonly Toxic[];
      readonly forMs?: number;
    }
  /** The first `count` messages that match (absent: all), each with `probability` (absent: 1). */
  | {
      readonly kind: "message";
      readonly match: MessageMatch;
      readonly action: MessageAction;
      readonly count?: number;
      readonly probability?: number;
      readonly forMs?: number;
    }
  | { readonly kind: "disk"; readonly agent: FaultTarget; readonly disk: DiskTrouble; readonly forMs?: number }
  /** The agent's clock is off by skewMs, and runs faster by driftPpm (slower when negative). Time never runs backwards for the agent. */
  | {
      readonly kind: "clock";
      readonly agent: FaultTarget;
      readonly skewMs: number;
      readonly driftPpm?: number;
      readonly forMs?: number;
    }
  /** Everything the agent computes takes so many times as long. */
  | { readonly kind: "cpu"; readonly agent: FaultTarget; readonly slowdown: number; readonly forMs?: number }
  | {
      readonly kind: "byzantine";
      readonly agent: FaultTarget;
      readonly behaviour: ByzantineBehaviour;
      readonly forMs?: number;
    };

/** What a world has to do, to agents that have names. */
export type Effect =
  | { readonly on: "process"; readonly agent: string; readonly process: "down" | "paused" }
  /** One direction of one pair; the pair need not have a link. Several add up. */
  | { readonly on: "link"; readonly from: string; readonly to: string; readonly toxic: Toxic }
  | { readonly on: "message"; readonly rule: MessageRule }
  | { readonly on: "disk"; readonly agent: string; readonly disk: DiskTrouble }
  | { readonly on: "clock"; readonly agent: string; readonly skewMs: number; readonly driftPpm: number }
  | { readonly on: "cpu"; readonly agent: string; readonly slowdown: number }
  | { readonly on: "byzantine"; readonly agent: string; readonly behaviour: ByzantineBehaviour };

/** Applied where the message leaves its sender. Absent ends: any. */
export interface MessageRule {
  readonly types?: readonly MessageType[];
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly fields?: MessageMatch["fields"];
  readonly action: MessageAction;
  /** Counted at each sender by itself. */
  readonly count?: number;
  readonly probability: number;
}

export interface ResolvedFault {
  readonly spec: FaultSpec;
  /** Whom it hits, in roster order. */
  readonly agents: readonly string[];
  /** One line for people: "a3 crashed", "a1, a2 | a3, a4, a5 partitioned". */
  readonly title: string;
  readonly effects: readonly Effect[];
}

/** What a fault of a plan waits for. */
export type FaultTrigger =
  /** Ms after all are up and a leader is known. */
  | { readonly on: "time"; readonly atMs: number }
  /** Every event of the kind (only the nth, counting from 1, when given), and then so many ms. */
  | { readonly on: "event"; readonly event: EventKind; readonly nth?: number; readonly afterMs: number }
  /** From atMs on, every everyMs, at most `times`. */
  | { readonly on: "interval"; readonly atMs: number; readonly everyMs: number; readonly times?: number };

/**
 * Faults that stand for several in time. rollingRestart: one agent after the other is killed and started again. leaderHunt: whoever leads is hit, and each new leader
 * again. swizzleClog: agents are cut off one by one at random moments, and let back in another random order. flappingLink: a link is cut again and again.
 * greyFailure: slow, not dead: links, processor and disk. rollingPartition: a minority is cut off, then the next one, round a drawn ring.
 */
export const FAULT_PRESETS = [
  "rollingRestart",
  "leaderHunt",
  "swizzleClog",
  "flappingLink",
  "greyFailure",
  "rollingPartition",
] as const;
export type FaultPreset = (typeof FAULT_PRESETS)[number];

/** A preset and what it is told; what is absent has a default that follows from the timing (server/meshfile/faults/presets.ts). */
export interface PresetSpec {
  readonly preset: FaultPreset;
  /** rollingRestart, swizzleClog, greyFailure: whom. */
  readonly whom?: FaultTarget;
  /** flappingLink: which; absent: a drawn one. */
  readonly link?: { readonly a: FaultTarget; readonly b: FaultTarget };
  /** leaderHunt: what befalls each leader; absent: crash. */
  readonly hit?: "crash" | "pause" | "isolate";
  /** From one step to the next; leaderHunt: how long a new leader is let be. */
  readonly everyMs?: number;
  /** How long each step lasts; swizzleClog: from the first cut to the last heal. */
  readonly forMs?: number;
  /** Rounds: of rollingRestart and rollingPartition through all agents; of leaderHunt, leaders hit. */
  readonly times?: number;
}

/** Faults drawn at random while it lasts. */
export interface Chaos {
  /** Relative weights by kind; a kind that is not named does not happen. */
  readonly kinds: Readonly<Partial<Record<FaultKind, number>>>;
  /** On average one fault every so many ms. */
  readonly everyMs: number;
  /** Each lasts up to so long. */
  readonly forMs: number;
  /** From the plan's start, ms; absent: until the end of the run. */
  readonly untilMs?: number;
}

export interface ActiveFault {
  readonly id: string;
  readonly spec: FaultSpec;
  /** The agents it came to hit, `leader` resolved. */
  readonly agents: readonly string[];
  /** One line for people: "a3 crashed", "a1, a2 | a3, a4, a5 partitioned". */
  readonly title: string;
  readonly sinceMs: number;
  /** When it heals by itself; null = when told. */
  readonly untilMs: number | null;
  /** Who asked: a person, or the mesh file's plan. itself: nobody, the agent's process died by itself; healing starts it again. */
  readonly source: "person" | "plan" | "itself";
  /** The id of the preset that a person asked for and that it is a step of. Absent: of none. */
  readonly preset?: string;
}

/** A preset that a person asked for, while it runs or what it did is active. Healing it stops it, and heals its steps. */
export interface ActivePreset {
  readonly id: string;
  readonly spec: PresetSpec;
  /** One line for people: "Rolling restart of everyone, every 2s". */
  readonly title: string;
  readonly sinceMs: number;
}

/**
 * An effect that one agent carries out, in the world around it: on what it sends, on its disk, clock or processor; and cuts on what reaches it. Ends by itself at
 * untilMs even when nobody is left to heal it.
 */
export interface HeldEffect {
  /** Unique among those of an agent. One that is told again with the same id goes on, with what it has counted. */
  readonly id: string;
  readonly effect: Effect;
  /** Ms since the epoch, by the machine's clock; null: until it is taken back. */
  readonly untilMs: number | null;
}
