import { Worker } from "node:worker_threads";
import type { SeedReport } from "../../contract/coordinator.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { SeedRange } from "../../contract/simulation.ts";
import { programPath } from "../../live/programs.ts";

/** What a thread is told to do, a seed each time. */
export type SimulatorOrder = { readonly simulate: number } | { readonly shrink: number };

/** What each thread is given; orders follow. */
export interface SimulatorTask {
  readonly mesh: Mesh;
  /** Also besides the mesh's own faults. */
  readonly chaos: boolean;
}

export interface SimulateApart extends SimulatorTask {
  readonly seeds: SeedRange;
  /** Threads, from 1. */
  readonly jobs: number;
  /** After each seed, in the order of the seeds. */
  readonly onReport: (report: SeedReport) => void;
  /** Ends all threads at once, also within a seed. */
  readonly signal: AbortSignal;
}

/** Seeds that a thread has been given and not answered: one to work on, and one so that it never waits. */
const IN_HAND = 2;
/** How far a thread may be ahead of the slowest: reports that wait for their turn are few. */
const MOST_AHEAD = 1000;

/**
 * Simulates seeds in threads of their own. Ends when all have been told, or the signal has come.
 * @throws Error when a thread fails; the others are ended then
 */
export async function simulateApart({ mesh, chaos, seeds, jobs, onReport, signal }: SimulateApart): Promise<void> {
  if (signal.aborted) return;
  const waiting = new Map<number, SeedReport>();
  const hungry = new Set<Worker>();
  let given = seeds.from;
  let told = seeds.from;
  const workers: Worker[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.terminate()));
  };
  const give = (worker: Worker): void => {
    if (given > seeds.to) return;
    if (given - told >= MOST_AHEAD) hungry.add(worker);
    else worker.postMessage({ simulate: given++ } satisfies SimulatorOrder);
  };
  try {
    await new Promise<void>((resolve, reject) => {
      const aborted = (): void => resolve();
      signal.addEventListener("abort", aborted, { once: true });
      const came = (worker: Worker, report: SeedReport): void => {
        waiting.set(report.seed, report);
        for (let next = waiting.get(told); next !== undefined && !signal.aborted; next = waiting.get(told)) {
          waiting.delete(told++);
          onReport(next);
        }
        if (told > seeds.to) {
          signal.removeEventListener("abort", aborted);
          resolve();
          return;
        }
        give(worker);
        for (const other of [...hungry]) {
          hungry.delete(other);
          give(other);
        }
      };
      const count = Math.min(jobs, seeds.to - seeds.from + 1);
      for (let number = 0; number < count; number++) {
        const worker = new Worker(programPath("simulator"), {
          workerData: { mesh, chaos } satisfies SimulatorTask,
        });
        workers.push(worker);
        worker.on("message", (report: SeedReport) => came(worker, report));
        worker.once("error", reject);
        worker.once("exit", (code) => reject(new Error(`A thread of the simulation ended by itself (code ${code}).`)));
        for (let seed = 0; seed < IN_HAND; seed++) give(worker);
      }
    });
  } finally {
    await stop();
  }
}
