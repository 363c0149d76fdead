import { Worker } from "node:worker_threads";
import type { Mesh } from "../../contract/mesh.ts";
import { programPath } from "../../live/programs.ts";
import type { Shrunk } from "../../sim/shrink/shrink.ts";
import type { SimulatorOrder, SimulatorTask } from "./simulator.ts";

export interface ShrinkApart {
  readonly mesh: Mesh;
  readonly chaos: boolean;
  readonly seed: number;
  readonly onSmaller: (shrunk: Shrunk) => void;
  /** Ends it at once, with the smallest so far. */
  readonly signal: AbortSignal;
}

/**
 * Makes a failing seed small, in a thread of its own.
 * @returns the smallest found; undefined when the seed does not fail, or nothing was found before the signal
 * @throws Error when the thread fails
 */
export async function shrinkApart({ mesh, chaos, seed, onSmaller, signal }: ShrinkApart): Promise<Shrunk | undefined> {
  if (signal.aborted) return undefined;
  const worker = new Worker(programPath("simulator"), { workerData: { mesh, chaos } satisfies SimulatorTask });
  let smallest: Shrunk | undefined;
  try {
    return await new Promise<Shrunk | undefined>((resolve, reject) => {
      signal.addEventListener("abort", () => resolve(smallest), { once: true });
      worker.on("message", (found: (Shrunk & { readonly done?: true }) | null) => {
        if (found === null) return resolve(undefined);
        smallest = { mesh: found.mesh, report: found.report, runs: found.runs };
        if (found.done) resolve(smallest);
        else onSmaller(smallest);
      });
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`The thread that shrinks ended by itself (code ${code}).`)));
      worker.postMessage({ shrink: seed } satisfies SimulatorOrder);
    });
  } finally {
    await worker.terminate();
  }
}
