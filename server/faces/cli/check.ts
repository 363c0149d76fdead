import { readFileSync, statSync } from "node:fs";
import { CONSENSUS } from "../../contract/consensus.ts";
import type { Mesh, MeshDiagnostic } from "../../contract/mesh.ts";
import { filesBeside } from "../../live/beside-mesh.ts";
import { liarsSurvivedBy } from "../../meshfile/consensus-section.ts";
import { MESH_FILE_LIMIT_BYTES, parseMesh } from "../../meshfile/mesh-file.ts";
import { topologyText } from "../../meshfile/topology-text.ts";
import { UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";

/** Reads and checks a mesh file. @throws UsageError when it cannot be read. */
export function readMeshFile(file: string): { mesh?: Mesh; diagnostics: readonly MeshDiagnostic[] } {
  try {
    const { size } = statSync(file);
    if (size > 4 * MESH_FILE_LIMIT_BYTES)
      throw new Error(`it has ${size} bytes; a mesh file has at most ${MESH_FILE_LIMIT_BYTES}`);
    return parseMesh(readFileSync(file, "utf8"), file, filesBeside(file));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** file:line:column: severity: message, as compilers say it. */
export function diagnosticText(file: string, found: MeshDiagnostic): string {
  return `${file}:${found.line}:${found.column}: ${found.severity}: ${found.message} [${found.code}]`;
}

/** How many liars it survives, where it survives any; what it is without an order. */
function survives({ agents, consensus, memory }: Mesh): string {
  if (!CONSENSUS[consensus].ordered) return " (eventual, without a leader: no tasks, no compare-and-set)";
  if (memory === "eventual") return " (its memory eventual: no compare-and-set)";
  return consensus === "pbft" ? ` (survives ${liarsSurvivedBy(agents.length)})` : "";
}

/** @returns the exit code: 0, or 2 when the file has an error. */
export function check(file: string, output: Output): number {
  const { mesh, diagnostics } = readMeshFile(file);
  output.answer({ file, ok: mesh !== undefined, diagnostics }, () => {
    const lines = diagnostics.map((found) => diagnosticText(file, found));
    if (mesh)
      lines.push(
        `${file}: ${mesh.name}, ${mesh.agents.length} agents, ${topologyText(mesh)}, ${mesh.consensus}${survives(mesh)}: good.`,
      );
    return lines.join("\n");
  });
  return mesh ? 0 : 2;
}
