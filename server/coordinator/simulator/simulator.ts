import { Worker } from "node:worker_threads";
import type { SeedReport } from "../../contract/coordinator.ts";
import type { Mesh } from "../../contract/mesh.ts";
import { programPath } from "../../live/programs.ts";

/** What the thread is given. */
export interface SimulatorTask {
  readonly mesh: Mesh;
  readonly seeds: readonly number[];
}

/**
 * Simulates seed after seed in a thread of its own.
 * @param onReport after each seed
 * @param signal ends the thread at once, also within a seed; what was reported until then is returned
 * @throws Error when the thread fails
 */
export function simulateApart(
  mesh: Mesh,
  seeds: readonly number[],
  onReport: (report: SeedReport) => void,
  signal: AbortSignal,
): Promise<readonly SeedReport[]> {
  const reports: SeedReport[] = [];
  if (signal.aborted) return Promise.resolve(reports);
  const worker = new Worker(programPath("simulator"), { workerData: { mesh, seeds } satisfies SimulatorTask });
  return new Promise((resolve, reject) => {
    const stop = (): void => void worker.terminate();
    signal.addEventListener("abort", stop, { once: true });
    worker.on("message", (report: SeedReport) => {
      reports.push(report);
      onReport(report);
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted || reports.length === seeds.length) resolve(reports);
      else reject(new Error(`The simulation ended after ${reports.length} of ${seeds.length} seeds.`));
    });
  });
}
