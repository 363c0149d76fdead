import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { Mutant, Violation } from "./mutant.ts";

/** One seed of the simulator: whole agents, for which Raft decides. */
export function trialIn({ agents = 5, topology = "mesh" }: Partial<NonNullable<Mutant["mesh"]>> = {}) {
  const mesh = quickMesh({ name: "mutant", agents, topology, consensus: "raft" });
  return (seed: number): Violation | null => {
    try {
      return simulate(mesh, seed).violation;
    } catch (error) {
      // An agent may be so wrong that the world it runs in cannot go on: a disk does not take what no log can be followed by.
      if (!(error instanceof RangeError)) throw error;
      return { invariant: "the world goes on", detail: error.message };
    }
  };
}
