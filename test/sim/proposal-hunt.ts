import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { SeedReport } from "../../server/contract/coordinator.ts";
import { proposalRun, proposingMesh } from "./proposal-trial.ts";

/** The first seed that breaks something; null: none does. */
export type Hunted = { readonly seed: number; readonly violation: NonNullable<SeedReport["violation"]> } | null;

/** Only what becomes of proposals is judged: others might see it first. */
export function hunt(consensus: ConsensusKind, seeds: number): Hunted {
  const mesh = proposingMesh(consensus);
  const alone = { ...mesh, expect: { ...mesh.expect, invariants: ["proposalsDecidedOnce"] as const } };
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = proposalRun(alone, seed).report;
    if (violation !== null) return { seed, violation };
  }
  return null;
}
