/** Simulations that an editor asks for. */
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import type { SeedReport, ShrinkRequest, ShrunkSeed, SimulateRequest } from "../../contract/coordinator.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { SearchSummary } from "../../contract/simulation.ts";
import { filesBeside } from "../../live/beside-mesh.ts";
import { parseMesh } from "../../meshfile/mesh-file.ts";
import { SearchTotals } from "../../sim/search-summary.ts";
import type { Shrunk } from "../../sim/shrink/shrink.ts";
import { shrunkPath, shrunkText } from "../../sim/shrink/shrunk-file.ts";
import type { Consumer } from "../consumer.ts";
import { Refusal } from "../refusal.ts";
import { readMeshFile } from "../start.ts";
import { shrinkApart } from "./shrinker.ts";
import { simulateApart } from "./simulator.ts";

/** @throws Refusal for a file with errors, and when it was cancelled */
export async function searchSeeds(
  { file, seeds, operation }: SimulateRequest,
  from: Consumer,
  signal: AbortSignal,
): Promise<SearchSummary> {
  const mesh = meshOf(file);
  const totals = new SearchTotals(mesh.consensus);
  const total = seeds.to - seeds.from + 1;
  const onReport = (report: SeedReport): void => {
    totals.add(report);
    const stage = totals.broken === 0 ? "Simulating" : `Simulating: ${totals.broken} broken`;
    from.progress({ operation, stage, done: totals.seeds, total });
  };
  // One processor stays free for who watches.
  const jobs = Math.max(1, availableParallelism() - 1);
  await simulateApart({ mesh, chaos: false, seeds, jobs, onReport, signal });
  if (signal.aborted)
    throw new Refusal("cancelled", `The simulation was cancelled after ${totals.seeds} of ${total} seeds.`);
  return totals.summary;
}

/** Cancelled, it gives the smallest so far. Writes nothing. @throws Refusal for a file with errors, and for a seed that breaks nothing */
export async function shrinkSeed(
  { file, seed, operation }: ShrinkRequest,
  from: Consumer,
  signal: AbortSignal,
): Promise<ShrunkSeed> {
  const onSmaller = ({ mesh, runs }: Shrunk): void =>
    from.progress({
      operation,
      stage: `${mesh.agents.length} agents, ${mesh.faults.length} faults after ${runs} runs`,
      done: 0,
      total: 0,
    });
  const shrunk = await shrinkApart({ mesh: meshOf(file), chaos: false, seed, onSmaller, signal });
  if (shrunk === undefined)
    throw signal.aborted
      ? new Refusal("cancelled", `Nothing smaller than seed ${seed} was found yet.`)
      : new Refusal("refused", `Seed ${seed} of ${basename(file)} breaks nothing, so there is nothing to shrink.`);
  const invariant = shrunk.report.violation?.invariant ?? "";
  return { path: shrunkPath(file, seed), text: shrunkText(shrunk, basename(file), seed), invariant };
}

/** @throws Refusal naming each error and its place */
export function meshOf(file: string): Mesh {
  const { mesh, diagnostics } = parseMesh(readMeshFile(file), file, filesBeside(file));
  if (mesh !== undefined) return mesh;
  throw new Refusal(
    "invalidMesh",
    diagnostics.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`).join("\n"),
  );
}
