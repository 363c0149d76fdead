/** What many simulated runs of a mesh came to. */
import type { ConsensusKind } from "./consensus.ts";

/** What a run, or many, met: how often, by name. Names that were not met are absent. */
export interface Coverage {
  /** Faults that took effect, by the kind of their effect: a crash of who was running, a lossy link that lost something. 0: injected, and always without consequence. */
  readonly faults: Readonly<Record<string, number>>;
  /** Of the TRANSITIONS of its consensus, and of PROPOSAL_TRANSITIONS where something was proposed. */
  readonly transitions: Readonly<Record<string, number>>;
}

const COMMON_FAULT_EFFECTS = [
  "crash",
  "pause",
  "link loss",
  "link latency",
  "link bandwidth",
  "link duplicate",
  "link reorder",
  "link corrupt",
  "link slicing",
  "link timeout",
  "link reset",
  "link slowClose",
  "link dataLimit",
  "link flap",
  "message drop",
  "message delay",
  "message duplicate",
  "message corrupt",
  "disk slow",
  "disk failing",
  "disk full",
  "disk bitRot",
  "disk tornTail",
  "disk lostSyncs",
  "clock",
  "slow cpu",
  "byzantine equivocate",
  "byzantine silent",
  "byzantine delay",
  "byzantine replay",
  "byzantine forge",
  "byzantine doubleVote",
  "byzantine lieAboutLog",
  "weather loss",
  "weather duplicate",
  "weather reorder",
  "broken connection",
] as const;
/** What can befall a mesh of each consensus, by the kind of its effect. A mesh file's own faults and chaos bring about some of them. */
export const FAULT_EFFECTS = {
  raft: COMMON_FAULT_EFFECTS,
  pbft: [...COMMON_FAULT_EFFECTS, "byzantine wrongDigest", "byzantine badProof", "byzantine corruptState"],
  gossip: COMMON_FAULT_EFFECTS.filter(
    (effect) => !/^byzantine (equivocate|forge|doubleVote|lieAboutLog)$/.test(effect),
  ),
} as const satisfies Readonly<Record<ConsensusKind, readonly string[]>>;
export type FaultEffect = (typeof FAULT_EFFECTS)["pbft"][number];

/** What Raft can go through, in people's words. */
const RAFT_TRANSITIONS = [
  "election timed out",
  "election without a winner",
  "pre-vote begun",
  "candidacy begun",
  "leader elected",
  "leader stepped down: newer term",
  "leader stepped down: quorum lost",
  "leader stepped down: removed",
  "pre-vote refused",
  "vote refused: voted already",
  "vote refused: log behind",
  "vote refused: leader alive",
  "vote refused: older term",
  "log truncated",
  "learner added",
  "learner promoted",
  "member removed",
  "joint phase entered",
  "joint phase left",
  "handover failed",
  "snapshot taken",
  "snapshot sent",
  "snapshot installed",
  "log compacted",
] as const;

/** What PBFT can go through. */
const PBFT_TRANSITIONS = [
  "view given up: primary too slow",
  "view given up: others did",
  "view given up: primary lied",
  "view given up: primary restarted",
  "view entered",
  "batches proposed again",
  "message not believed",
  "equivocation proved",
  "checkpoint stable",
  "state fetched",
  "fetched state refused",
] as const;

/** What gossip can go through. */
const GOSSIP_TRANSITIONS = [
  "rumour heard",
  "difference found by anti-entropy",
  "operation held back: clock ahead",
  "converged",
] as const;

/** What swarms go through by whichever consensus. */
const SHARED_TRANSITIONS = [
  "leadership handed over",
  "agent suspected",
  "suspicion refuted",
  "agent failed",
  "agent cut off",
  "side of a partition healed",
  "recovered from a partition",
  "task leased",
  "task's lease lost",
  "task tried again",
  "task finished",
  "late completion refused",
  "agent started again",
  "agent killed or stopped",
  "agent stopped by its disk",
  "start refused by a disk",
] as const;

/** What proposals go through, by whichever consensus: of meshes whose file says something of proposals, where some are made. */
export const PROPOSAL_TRANSITIONS = [
  "proposal submitted",
  "proposal approved",
  "proposal rejected",
  "proposal expired",
  "vote not taken",
] as const;

export type Transition =
  | (typeof RAFT_TRANSITIONS)[number]
  | (typeof PBFT_TRANSITIONS)[number]
  | (typeof GOSSIP_TRANSITIONS)[number]
  | (typeof SHARED_TRANSITIONS)[number]
  | (typeof PROPOSAL_TRANSITIONS)[number];

/** By kind of consensus: a search that never met one of these has not tried it. */
export const TRANSITIONS: Readonly<Record<ConsensusKind, readonly Transition[]>> = {
  raft: [...RAFT_TRANSITIONS, ...SHARED_TRANSITIONS],
  pbft: [...PBFT_TRANSITIONS, ...SHARED_TRANSITIONS],
  gossip: [
    ...GOSSIP_TRANSITIONS,
    "snapshot taken",
    "snapshot sent",
    "snapshot installed",
    "agent suspected",
    "suspicion refuted",
    "agent failed",
    "agent started again",
    "agent killed or stopped",
    "agent stopped by its disk",
    "start refused by a disk",
  ],
};

/** What a search could have met that met this. */
export function transitionsOf(consensus: ConsensusKind, met: Coverage["transitions"]): readonly Transition[] {
  const proposed = "proposal submitted" in met;
  return proposed ? [...TRANSITIONS[consensus], ...PROPOSAL_TRANSITIONS] : TRANSITIONS[consensus];
}

/** Seeds from..to, both included. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

/** A seed in which something broke that was expected. */
export interface BrokenSeed {
  readonly seed: number;
  readonly invariant: string;
  readonly atMs: number;
  readonly detail: string;
}

/** How one expectation fared over all seeds. */
export interface ExpectationTally {
  readonly name: string;
  readonly held: number;
  /** Seeds, rising; the first hundred of each. */
  readonly broken: readonly number[];
  readonly open: readonly number[];
  readonly brokenCount: number;
  readonly openCount: number;
}

/** The same whatever the order in which the seeds were run, and by how many threads. */
export interface SearchSummary {
  readonly consensus: ConsensusKind;
  readonly seeds: number;
  readonly delivered: number;
  readonly virtualMs: number;
  readonly operations: number;
  readonly elections: number;
  readonly brokenCount: number;
  /** Rising by seed; the first hundred. */
  readonly broken: readonly BrokenSeed[];
  readonly expectations: readonly ExpectationTally[];
  readonly coverage: Coverage;
}
