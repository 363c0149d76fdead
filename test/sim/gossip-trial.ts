import type { SeedReport } from "../../server/contract/coordinator.ts";
import type { Mesh } from "../../server/contract/mesh.ts";
import type { Coverage } from "../../server/contract/simulation.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { type SimulateOptions, simulate } from "../../server/sim/simulate.ts";

/** Agents that decide by gossip; one always approves, one always rejects, and the others make up their minds. @param more lines of the mesh file */
export function gossipMesh(agents = 5, more = ""): Mesh {
  const text = `
agents: ${agents}
consensus: gossip
proposals:
  timeout: 4s
  policy: { schema: { type: object } }
  policies: { a1: approve${agents > 1 ? ', a2: { reject: "never" }' : ""} }
${more}
`;
  const { mesh, diagnostics } = parseMesh(text, "gossip.mesh.yaml");
  if (mesh === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return mesh;
}

export const OPTIONS: SimulateOptions = { durationMs: 4000, chaos: true };

/** As long as that in a search, whatever the timing. */
const TIMEOUTS = 6;

export type Hunted = { readonly seed: number; readonly violation: NonNullable<SeedReport["violation"]> } | null;

/** The first seed that breaks something; null: none does. */
export function hunt(seeds: number, mesh = gossipMesh()): Hunted {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = simulate(mesh, seed, OPTIONS);
    if (violation !== null) return { seed, violation };
  }
  return null;
}

export interface Searched {
  readonly broken: readonly string[];
  readonly coverage: Coverage;
}

/** Where clients count and keep sets, too, on disks that are so slow for a while that clients ask another agent for the same once more. */
export function countingMesh(): Mesh {
  const slow = "{ at: 300ms, disk: { agent: everyone, trouble: slow, delay: 400ms }, for: 2s }";
  return gossipMesh(5, `simulate: { counters: true }\nfaults: [${slow}]`);
}

export function huntCounting(seeds: number): Hunted {
  return hunt(seeds, countingMesh());
}

export function searchCounting(seeds: number): Searched {
  return search(countingMesh(), seeds);
}

/** Whose members come and go. @param more lines of the mesh file */
export function changingMesh(agents = 5, more = "", simulated = ""): Mesh {
  return gossipMesh(agents, `simulate: { members: true${simulated} }\n${more}`);
}

export function huntChanging(seeds: number): Hunted {
  return hunt(seeds, changingMesh());
}

export function searchChanging(seeds: number): Searched {
  return search(changingMesh(), seeds);
}

/** What many seeds came to. */
export function search(mesh: Mesh, seeds: number): Searched {
  const broken: string[] = [];
  const [faults, transitions] = [new Map<string, number>(), new Map<string, number>()];
  const add = (to: Map<string, number>, counts: Readonly<Record<string, number>>): void => {
    for (const [name, count] of Object.entries(counts)) to.set(name, (to.get(name) ?? 0) + count);
  };
  for (let seed = 1; seed <= seeds; seed++) {
    const durationMs = mesh.timing.electionTimeoutMaxMs * TIMEOUTS;
    const { violation, expectations, coverage } = simulate(mesh, seed, { ...OPTIONS, durationMs });
    const open = expectations.filter(({ held }) => held !== true).map(({ name, detail }) => `${name}: ${detail}`);
    if (violation !== null || open.length > 0)
      broken.push(`seed ${seed}: ${violation?.invariant} ${violation?.detail} ${open.join("; ")}`);
    add(faults, coverage.faults);
    add(transitions, coverage.transitions);
  }
  return { broken, coverage: { faults: Object.fromEntries(faults), transitions: Object.fromEntries(transitions) } };
}

/** The same of five agents, where the sources are patched. */
export function searchFive(seeds: number): Searched {
  return search(gossipMesh(), seeds);
}
