/** A thread of its own for simulations (dist/simulator.cjs), for seeds that are searched or a swarm that is watched: whoever started it goes on meanwhile, and several use several cores. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { shrink } from "../../sim/shrink/shrink.ts";
import { simulate } from "../../sim/simulate.ts";
import type { WatchTask } from "../simulated/protocol.ts";
import { WatchThread } from "../simulated/thread.ts";
import type { SimulatorOrder, SimulatorTask } from "./simulator.ts";

const port = parentPort as MessagePort;
const task = workerData as SimulatorTask | WatchTask;
if ("watch" in task) new WatchThread(port, task);
else work(task);

function work({ mesh, chaos }: SimulatorTask): void {
  const options = chaos ? { chaos } : {};
  port.on("message", (order: SimulatorOrder) => {
    if ("simulate" in order) port.postMessage(simulate(mesh, order.simulate, options));
    else {
      const smaller = shrink(mesh, order.shrink, { ...options, onSmaller: (found) => port.postMessage(found) });
      port.postMessage(smaller === undefined ? null : { ...smaller, done: true });
    }
  });
}
