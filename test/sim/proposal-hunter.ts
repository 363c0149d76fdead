/** A thread of its own for each mutant: its modules are loaded with the patches, nobody else's are. */
import { parentPort, workerData } from "node:worker_threads";
import type { SeedReport } from "../../server/contract/coordinator.ts";
import { loadPatched } from "../mutants/load-patched.ts";
import type { ProposalMutant } from "./proposal-mutants.ts";

export interface ProposalHunt {
  readonly mutant: Omit<ProposalMutant, "found">;
  readonly root: string;
  readonly seeds: number;
}

/** The first seed that breaks something; null: none does. */
export type Hunted = { readonly seed: number; readonly violation: NonNullable<SeedReport["violation"]> } | null;

const { mutant, root, seeds } = workerData as ProposalHunt;
const missing = loadPatched(root, mutant.patches);
const { proposalRun, proposingMesh } = await import("./proposal-trial.ts");
const missed = missing();
if (missed.length > 0) throw new Error(`not loaded, so not patched: ${missed.join(", ")}`);

// What is judged by others might come first.
const mesh = proposingMesh(mutant.consensus);
const alone = { ...mesh, expect: { ...mesh.expect, invariants: ["proposalsDecidedOnce"] as const } };
let hunted: Hunted = null;
for (let seed = 1; hunted === null && seed <= seeds; seed++) {
  const { violation } = proposalRun(alone, seed).report;
  if (violation !== null) hunted = { seed, violation };
}
parentPort?.postMessage(hunted);
