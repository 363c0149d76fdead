/** A thread of its own for simulations (dist/simulator.cjs): the coordinator goes on observing while one computes. */
import { parentPort, workerData } from "node:worker_threads";
import { simulate } from "../../sim/simulate.ts";
import type { SimulatorTask } from "./simulator.ts";

const { mesh, seeds } = workerData as SimulatorTask;
for (const seed of seeds) parentPort?.postMessage(simulate(mesh, seed));
