/** A thread of its own for each mutant: its modules are loaded with the patches, nobody else's are. */
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import { type Hunt, type Mutant, patched } from "./mutant.ts";

export interface HuntRequest {
  readonly mutant: Mutant;
  readonly root: string;
  readonly firstSeed: number;
  readonly seeds: number;
}

const { mutant, root, firstSeed, seeds } = workerData as HuntRequest;
const byUrl = new Map<string, Mutant["patches"]>();
for (const patch of [...(mutant.variant ?? []), ...mutant.patches]) {
  const url = pathToFileURL(`${root}/${patch.file}`).href;
  byUrl.set(url, [...(byUrl.get(url) ?? []), patch]);
}
const applied = new Set<string>();

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    const patches = byUrl.get(url);
    if (patches === undefined) return loaded;
    applied.add(url);
    const source =
      typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source as Uint8Array);
    return { ...loaded, source: patches.reduce(patched, source) };
  },
});

const { simulate } = await import("../../server/sim/simulate.ts");
const { quickMesh } = await import("../../server/meshfile/mesh-file.ts");

const missed = [...byUrl.keys()].filter((url) => !applied.has(url));
if (missed.length > 0) throw new Error(`not loaded, so not patched: ${missed.join(", ")}`);

const { agents = 5, topology = "mesh" } = mutant.mesh ?? {};
const mesh = quickMesh({ name: "mutant", agents, topology, consensus: "raft" });
const began = performance.now();
let found: Hunt = { mutant: mutant.name, caughtBy: null, detail: "", seed: null, seeds, ms: 0 };
for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
  const violation = tried(seed);
  if (violation === null) continue;
  found = { ...found, caughtBy: violation.invariant, detail: violation.detail, seed, seeds: seed - firstSeed + 1 };
  break;
}
parentPort?.postMessage({ ...found, ms: Math.round(performance.now() - began) });

/** An agent may be so wrong that the world it runs in cannot go on: a disk does not take what no log can be followed by. */
function tried(seed: number): { readonly invariant: string; readonly detail: string } | null {
  try {
    return simulate(mesh, seed).violation;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { invariant: "the world goes on", detail: error.message };
  }
}
