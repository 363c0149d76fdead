import type { Mesh } from "../../server/contract/mesh.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { type Hunted, hunt, type Searched, search } from "./gossip-trial.ts";

/** Agents that decide by Raft, with a memory by gossip beside it, on disks that are slow for a while: clients then ask another agent for the same. @param more lines of the mesh file */
export function eventualMesh(agents = 5, more = ""): Mesh {
  const slow = "{ at: 300ms, disk: { agent: everyone, trouble: slow, delay: 400ms }, for: 1s }";
  const text = `agents: ${agents}\nmemory: eventual\n${more === "" ? `faults: [${slow}]` : more}\n`;
  const { mesh, diagnostics } = parseMesh(text, "eventual.mesh.yaml");
  if (mesh === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return mesh;
}

export function huntEventual(seeds: number): Hunted {
  return hunt(seeds, eventualMesh());
}

export function searchEventual(seeds: number): Searched {
  return search(eventualMesh(), seeds);
}
