import type { QuickMesh } from "../../server/contract/coordinator.ts";
import type { Mesh, PlannedFault, TimingProfile } from "../../server/contract/mesh.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { TIMING } from "../../server/meshfile/timing.ts";

/** A mesh of so many agents, as its file would say it. */
export function meshOf(
  agents: number,
  topology: QuickMesh["topology"] = "mesh",
  options: { readonly timing?: TimingProfile; readonly faults?: readonly PlannedFault[] } = {},
): Mesh {
  const mesh = quickMesh({ name: `${topology}${agents}`, agents, topology, consensus: "raft" });
  return { ...mesh, timing: TIMING[options.timing ?? "local"], faults: options.faults ?? [] };
}
