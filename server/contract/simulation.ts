/** What many simulated runs of a mesh came to. */

/** What a run, or many, met: how often, by name. Names that were not met are absent. */
export interface Coverage {
  /** Faults that took effect, by the kind of their effect. */
  readonly faults: Readonly<Record<string, number>>;
  /** Of TRANSITIONS. */
  readonly transitions: Readonly<Record<string, number>>;
}

/** What the protocols can go through, in people's words. A search that never met one of these has not tried it. */
export const TRANSITIONS = [
  "election timed out",
  "election without a winner",
  "pre-vote begun",
  "candidacy begun",
  "leader elected",
  "leader stepped down",
  "vote refused",
  "log truncated",
  "learner added",
  "learner promoted",
  "member removed",
  "joint phase entered",
  "joint phase left",
  "leadership handed over",
  "handover failed",
  "snapshot taken",
  "snapshot sent",
  "snapshot installed",
  "log compacted",
  "agent suspected",
  "suspicion refuted",
  "agent failed",
  "task leased",
  "task's lease lost",
  "task tried again",
  "task finished",
  "late completion refused",
  "agent started again",
  "agent killed or stopped",
] as const;
export type Transition = (typeof TRANSITIONS)[number];

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
