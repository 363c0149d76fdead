/** A thread of its own for each mutant: its modules are loaded with the patches, nobody else's are. */
import { parentPort, workerData } from "node:worker_threads";
import { loadPatched } from "./load-patched.ts";
import { coreOf, type Hunt, type Mutant, type Violation } from "./mutant.ts";

export interface HuntRequest {
  readonly mutant: Mutant;
  readonly root: string;
  readonly firstSeed: number;
  readonly seeds: number;
}

const { mutant, root, firstSeed, seeds } = workerData as HuntRequest;
const missing = loadPatched(root, [...(mutant.variant ?? []), ...mutant.patches]);

const tried = await trialOf(coreOf(mutant));

const missed = missing();
if (missed.length > 0) throw new Error(`not loaded, so not patched: ${missed.join(", ")}`);

const began = performance.now();
let found: Hunt = { mutant: mutant.name, caughtBy: null, detail: "", seed: null, seeds, ms: 0 };
for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
  const violation = tried(seed);
  if (violation === null) continue;
  found = { ...found, caughtBy: violation.invariant, detail: violation.detail, seed, seeds: seed - firstSeed + 1 };
  break;
}
parentPort?.postMessage({ ...found, ms: Math.round(performance.now() - began) });

/** Loaded only now, with the patches. */
async function trialOf(core: ReturnType<typeof coreOf>): Promise<(seed: number) => Violation | null> {
  switch (core) {
    case "pbft":
      return (await import("./pbft-trial.ts")).tried;
    case "gossip":
      return (await import("./gossip-trial.ts")).tried;
    default:
      return (await import("./raft-trial.ts")).trialIn(mutant.mesh);
  }
}
