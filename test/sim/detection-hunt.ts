import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { QuickMesh, SeedReport } from "../../server/contract/coordinator.ts";
import type { DetectorKind, Mesh } from "../../server/contract/mesh.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";

export interface Swarm {
  readonly detector: DetectorKind;
  readonly topology: QuickMesh["topology"];
  readonly consensus: ConsensusKind;
  /** It falls in halves for so long that each holds the other failed, instead of chaos. */
  readonly parted?: boolean;
}

const PARTED: Mesh["faults"] = [
  { trigger: { on: "time", atMs: 1000 }, fault: { kind: "partition", sides: [], shape: "halves", forMs: 9000 } },
];

export function meshOf({ detector, topology, consensus, parted }: Swarm): Mesh {
  const mesh = { ...quickMesh({ name: "watchful", agents: 5, topology, consensus }), detector };
  return parted === true ? { ...mesh, faults: PARTED } : mesh;
}

/** The first seed that breaks something; null: none does. */
export type Hunted = { readonly seed: number; readonly violation: NonNullable<SeedReport["violation"]> } | null;

export function hunt(swarm: Swarm, seeds: number): Hunted {
  const mesh = meshOf(swarm);
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = simulate(mesh, seed, { durationMs: swarm.parted === true ? 11_000 : 4000 });
    if (violation !== null) return { seed, violation };
  }
  return null;
}
