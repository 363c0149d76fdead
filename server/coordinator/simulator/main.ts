/** A thread of its own for simulations (dist/simulator.cjs): whoever started it goes on meanwhile, and several use several cores. */
import { parentPort, workerData } from "node:worker_threads";
import { simulate } from "../../sim/simulate.ts";
import type { SimulatorTask } from "./simulator.ts";

const { mesh, chaos } = workerData as SimulatorTask;
parentPort?.on("message", (seed: number) => {
  parentPort?.postMessage(simulate(mesh, seed, chaos ? { chaos } : {}));
});
