/** What a mesh file expects of its runs (`expect:`), and how a run answered. docs/mesh-file.md is the reference. */
import type { ConsensusKind } from "./consensus.ts";
import type { Mesh } from "./mesh.ts";

export const INVARIANTS = [
  "electionSafety",
  "logMatching",
  "leaderCompleteness",
  "stateMachineSafety",
  "linearizableMemory",
  "tasksExactlyOnce",
  "leaseHeldOnce",
  "proposalsDecidedOnce",
  "convergence",
] as const;
export type InvariantName = (typeof INVARIANTS)[number];

/** What a kind of consensus has of them: PBFT elects nobody, and has no log that leaders copy to others; gossip gives no order, and all come to the same in the end. */
export const INVARIANTS_OF: Readonly<Record<ConsensusKind, readonly InvariantName[]>> = {
  raft: INVARIANTS.filter((name) => name !== "convergence"),
  pbft: ["stateMachineSafety", "linearizableMemory", "tasksExactlyOnce", "leaseHeldOnce", "proposalsDecidedOnce"],
  gossip: ["proposalsDecidedOnce", "convergence"],
};

/** Of a memory that is eventual beside a consensus with an order: the rest is in that order, and the memory comes to the same in the end. */
export function invariantsOf({ consensus, memory }: Pick<Mesh, "consensus" | "memory">): readonly InvariantName[] {
  const all = INVARIANTS_OF[consensus];
  if (consensus === "gossip" || memory === "consensus") return all;
  return INVARIANTS.filter((name) => name === "convergence" || (all.includes(name) && name !== "linearizableMemory"));
}

/** Besides invariants. */
export const BOUND_NAMES = [
  "liveness",
  "recovery",
  "leaderWithin",
  "tasksDoneBy",
  "availability",
  "maxElections",
] as const;
export type BoundName = (typeof BOUND_NAMES)[number];
export type ExpectationName = InvariantName | BoundName;

/** Every default is filled in. null: nothing is expected. */
export interface Expectations {
  /** What must never be broken. Default: all that the kind of consensus has. */
  readonly invariants: readonly InvariantName[];
  /** After all faults ended the mesh serves everybody again in so long. withinMs null: a bound that follows from the timing (`livenessBoundMs`). */
  readonly liveness: { readonly withinMs: number | null } | null;
  /** The same for a majority that is healed while all others stay crashed or cut off. Simulated world only. */
  readonly recovery: { readonly withinMs: number | null } | null;
  /** After a fault, or its end, no longer than this without a leader while a majority is up and connected. */
  readonly leaderWithinMs: number | null;
  /** All tasks of the file have ended by then, counted from the swarm being ready. */
  readonly tasksDoneByMs: number | null;
  readonly availability: AvailabilityBound | null;
  /** Elections won (of PBFT views that their primary entered) from the swarm being ready to the end of the faults, at most. */
  readonly maxElections: number | null;
  /** What the file itself names: what costs a running swarm something is only done for these. */
  readonly stated: readonly ExpectationName[];
}

/**
 * The share of their time that clients were served. An operation that failed or took longer than answerWithinMs counts as time without service from
 * its call to its end, so that a stall weighs as long as it lasted.
 */
export interface AvailabilityBound {
  /** In (0, 1]. */
  readonly share: number;
  /** It must hold in each stretch of this length; null: over the whole run. */
  readonly windowMs: number | null;
  /** null: the shortest election timeout. */
  readonly answerWithinMs: number | null;
}

export interface ExpectationResult {
  readonly name: ExpectationName;
  readonly kind: "invariant" | "liveness" | "bound";
  /** null: not checked, or undecided; `detail` says why. */
  readonly held: boolean | null;
  /** For people, with its unit; "" when nothing was measured. */
  readonly measured: string;
  /** For people, with its unit; "" for what must simply hold. */
  readonly bound: string;
  /** Who, when, what; what to know when it held is "". */
  readonly detail: string;
  /** When it broke, ms from the swarm being ready; null when it did not. */
  readonly brokenAtMs: number | null;
}
