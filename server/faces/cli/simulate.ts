import { join } from "node:path";
import type { SeedReport } from "../../contract/coordinator.ts";
import { writeRecording } from "../../live/recordings/write.ts";
import { SimRecorder } from "../../sim/recorder.ts";
import { type SimulateOptions, simulateSeeds } from "../../sim/simulate.ts";
import { type Flags, seedsFlag, UsageError } from "./arguments.ts";
import { diagnosticText, readMeshFile } from "./check.ts";
import { expectationsSummary } from "./expectations.ts";
import type { Output } from "./output.ts";

const MAX_RECORDED_SEEDS = 100;

/**
 * Runs a mesh file in virtual time, a line a seed.
 * @param options for tests, which give agents that are broken on purpose
 * @returns 0; 1 when a promise was broken; 2 when the file has an error; 130 when interrupted.
 */
export async function simulateCommand(
  file: string,
  flags: Flags,
  output: Output,
  options: SimulateOptions = {},
): Promise<number> {
  const seeds = seedsFlag(flags.seeds);
  if (flags.record !== undefined && seeds.length > MAX_RECORDED_SEEDS)
    throw new UsageError(
      `--record keeps all that every agent is told: give at most ${MAX_RECORDED_SEEDS} seeds, such as --seeds 7..7.`,
    );
  const recorder = flags.record === undefined ? undefined : new SimRecorder();
  const { mesh, diagnostics } = readMeshFile(file);
  for (const found of diagnostics) output.problem(diagnosticText(file, found));
  if (!mesh) return 2;
  const stopping = new AbortController();
  const onSignal = (): void => stopping.abort();
  process.once("SIGINT", onSignal);
  const began = performance.now();
  try {
    const reports = await simulateSeeds(
      mesh,
      seeds,
      (report) => {
        output.line("seed", report, seedText(report));
        if (recorder !== undefined) keep(flags.record as string, report.seed, recorder, output);
        // Lets a signal through between two seeds.
        return new Promise((resolve) => setImmediate(resolve));
      },
      stopping.signal,
      {
        ...options,
        ...(flags.chaos ? { chaos: true } : {}),
        ...(recorder && { createAgent: recorder.createAgent }),
      },
    );
    const broken = reports.filter((report) => report.violation !== null);
    const realMs = performance.now() - began;
    const delivered = reports.reduce((sum, report) => sum + report.delivered, 0);
    const virtualMs = reports.reduce((sum, report) => sum + report.virtualMs, 0);
    output.line(
      "summary",
      { seeds: reports.length, broken: broken.map((report) => report.seed), delivered, virtualMs, realMs },
      `${reports.length} seeds, ${broken.length} broken; ${delivered.toLocaleString("en")} messages delivered, ${(virtualMs / 1000).toFixed(0)} s of virtual time in ${(realMs / 1000).toFixed(1)} s`,
    );
    for (const line of expectationsSummary(reports)) output.line("expectations", { text: line.trim() }, line);
    if (stopping.signal.aborted) return 130;
    return broken.length === 0 ? 0 : 1;
  } finally {
    process.off("SIGINT", onSignal);
  }
}

function keep(folder: string, seed: number, recorder: SimRecorder, output: Output): void {
  const place = join(folder, `seed-${seed}`);
  const lives = recorder.finish();
  writeRecording(place, lives);
  output.line("recorded", { seed, folder: place, lives: lives.length }, `  recorded in ${place}`);
}

function seedText(report: SeedReport): string {
  const verdict = report.violation
    ? `BROKEN ${report.violation.invariant} at ${(report.violation.atMs / 1000).toFixed(3)} s: ${report.violation.detail}`
    : "ok";
  const beyond =
    report.beyondPromise.length === 0
      ? ""
      : `; not promised to be survived by Raft: ${report.beyondPromise.join(", ")}`;
  return `seed ${report.seed}  trace ${report.traceHash}  ${(report.virtualMs / 1000).toFixed(1)} s, ${report.delivered} messages, ${report.elections} elections, ${report.operations} operations  ${verdict}${beyond}`;
}
