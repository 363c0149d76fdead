import { availableParallelism } from "node:os";
import { join } from "node:path";
import { CONSENSUS, type ConsensusKind } from "../../contract/consensus.ts";
import type { SeedReport } from "../../contract/coordinator.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { SearchSummary, SeedRange } from "../../contract/simulation.ts";
import { simulateApart } from "../../coordinator/simulator/simulator.ts";
import { writeRecording } from "../../live/recordings/write.ts";
import { SimRecorder } from "../../sim/recorder.ts";
import { SearchTotals } from "../../sim/search-summary.ts";
import { type SimulateOptions, simulateSeeds } from "../../sim/simulate.ts";
import { type Flags, jobsFlag, seedsFlag, UsageError } from "./arguments.ts";
import { diagnosticText, readMeshFile } from "./check.ts";
import { coverageLines } from "./coverage.ts";
import { tallyLines } from "./expectations.ts";
import type { Output } from "./output.ts";
import { SearchProgress } from "./search-progress.ts";
import { shrinkBroken } from "./shrink.ts";

const MAX_RECORDED_SEEDS = 100;
/** Up to so many seeds each has its line; of more only those that broke, with a line that tells how far it is. */
const LINE_EACH = 20;

/**
 * Runs a mesh file in virtual time, seed after seed, in as many threads as there are processors.
 * @param options for tests, which give agents that are broken on purpose; then in this thread
 * @returns 0; 1 when a promise was broken; 2 when the file has an error; 130 when interrupted.
 */
export async function simulateCommand(
  file: string,
  flags: Flags,
  output: Output,
  options: SimulateOptions = {},
): Promise<number> {
  const { mesh, diagnostics } = readMeshFile(file);
  const own = mesh?.simulate?.seed ?? null;
  const seeds = flags.seeds === undefined && own !== null ? { from: own, to: own } : seedsFlag(flags.seeds);
  const count = seeds.to - seeds.from + 1;
  const jobs = flags.jobs === undefined ? availableParallelism() : jobsFlag(flags.jobs);
  if (flags.record !== undefined && count > MAX_RECORDED_SEEDS)
    throw new UsageError(
      `--record keeps all that every agent is told: give at most ${MAX_RECORDED_SEEDS} seeds, such as --seeds 7..7.`,
    );
  for (const found of diagnostics) output.problem(diagnosticText(file, found));
  if (!mesh) return 2;
  const stopping = new AbortController();
  const onSignal = (): void => stopping.abort();
  process.once("SIGINT", onSignal);
  const began = performance.now();
  const totals = new SearchTotals(mesh.consensus);
  const progress = count > LINE_EACH ? new SearchProgress(output, totals, count) : undefined;
  const onReport = (report: SeedReport): void => {
    totals.add(report);
    const quiet = progress !== undefined && !flags.each && report.violation === null;
    output.line("seed", report, quiet ? undefined : seedText(report, mesh.consensus));
    progress?.tell();
  };
  try {
    await run(mesh, seeds, jobs, flags, output, onReport, stopping.signal, options);
    const { summary } = totals;
    const realMs = performance.now() - began;
    output.line("summary", { ...summary, realMs, jobs }, summaryText(summary, realMs));
    const [broken] = summary.broken;
    if (broken !== undefined && options.createAgent === undefined)
      output.note(
        `To watch it: agent-mesh up ${file} --simulated --judged --seed ${broken.seed}${flags.chaos ? " --chaos" : ""}`,
      );
    if (!flags["no-shrink"] && options.createAgent === undefined)
      await shrinkBroken(file, mesh, flags.chaos, summary.broken, output, stopping.signal);
    return stopping.signal.aborted ? 130 : summary.brokenCount === 0 ? 0 : 1;
  } finally {
    process.off("SIGINT", onSignal);
  }
}

async function run(
  mesh: Mesh,
  seeds: SeedRange,
  jobs: number,
  flags: Flags,
  output: Output,
  onReport: (report: SeedReport) => void,
  signal: AbortSignal,
  options: SimulateOptions,
): Promise<void> {
  const recorder = flags.record === undefined ? undefined : new SimRecorder();
  if (recorder === undefined && options.createAgent === undefined)
    return simulateApart({ mesh, chaos: flags.chaos, seeds, jobs, onReport, signal });
  const told = (report: SeedReport): Promise<void> => {
    onReport(report);
    if (recorder !== undefined) keep(flags.record as string, report.seed, recorder, output);
    // Lets a signal through between two seeds.
    return new Promise((resolve) => setImmediate(resolve));
  };
  const chaos = flags.chaos ? { chaos: true } : {};
  return simulateSeeds(mesh, seeds, told, signal, {
    ...options,
    ...chaos,
    ...(recorder && { createAgent: recorder.createAgent }),
  });
}

function keep(folder: string, seed: number, recorder: SimRecorder, output: Output): void {
  const place = join(folder, `seed-${seed}`);
  const lives = recorder.finish();
  writeRecording(place, lives);
  output.line("recorded", { seed, folder: place, lives: lives.length }, `  recorded in ${place}`);
}

function seedText(report: SeedReport, consensus: ConsensusKind): string {
  const verdict = report.violation
    ? `BROKEN ${report.violation.invariant} at ${(report.violation.atMs / 1000).toFixed(3)} s: ${report.violation.detail}`
    : "ok";
  const beyond =
    report.beyondPromise.length === 0
      ? ""
      : `; not promised to be survived by ${CONSENSUS[consensus].title}: ${report.beyondPromise.join(", ")}`;
  // Where nobody leads nobody is elected.
  const elections = CONSENSUS[consensus].leader === "" ? "" : `${report.elections} elections, `;
  return `seed ${report.seed}  trace ${report.traceHash}  ${(report.virtualMs / 1000).toFixed(1)} s, ${report.delivered} messages, ${elections}${report.operations} operations  ${verdict}${beyond}`;
}

function summaryText(summary: SearchSummary, realMs: number): string {
  const { consensus, seeds, brokenCount, delivered, virtualMs, expectations, coverage } = summary;
  const perSecond = (1000 * seeds) / Math.max(1, realMs);
  return [
    `${seeds.toLocaleString("en")} seeds, ${brokenCount.toLocaleString("en")} broken; ${delivered.toLocaleString("en")} messages delivered, ${(virtualMs / 1000).toFixed(0)} s of virtual time in ${(realMs / 1000).toFixed(1)} s (${perSecond.toFixed(1)} seeds/s)`,
    ...tallyLines(expectations, seeds),
    ...coverageLines(coverage, consensus),
  ].join("\n");
}
