/** A thread of its own for simulations (dist/simulator.cjs): whoever started it goes on meanwhile, and several use several cores. */
import { parentPort, workerData } from "node:worker_threads";
import { shrink } from "../../sim/shrink/shrink.ts";
import { simulate } from "../../sim/simulate.ts";
import type { SimulatorOrder, SimulatorTask } from "./simulator.ts";

const { mesh, chaos } = workerData as SimulatorTask;
const options = chaos ? { chaos } : {};
parentPort?.on("message", (order: SimulatorOrder) => {
  if ("simulate" in order) parentPort?.postMessage(simulate(mesh, order.simulate, options));
  else {
    const smaller = shrink(mesh, order.shrink, { ...options, onSmaller: (found) => parentPort?.postMessage(found) });
    parentPort?.postMessage(smaller === undefined ? null : { ...smaller, done: true });
  }
});
