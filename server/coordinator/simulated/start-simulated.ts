import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { WatchSimulation } from "../../contract/coordinator.ts";
import type { Mesh } from "../../contract/mesh.ts";
import { makeSwarmId } from "../../live/identity.ts";
import { linksOf } from "../../meshfile/topology-section.ts";
import { coordinatorFiles } from "../files.ts";
import { messageOf, Refusal } from "../refusal.ts";
import { meshOf } from "../simulator/desk.ts";
import { lockNew, type Progress } from "../start.ts";
import type { SwarmHost } from "../swarm.ts";
import { removeSimulated, writeSimulated } from "./layout.ts";
import { SimulatedSwarm, simulatedName } from "./simulated-swarm.ts";

/** That there may be: more could neither be told nor drawn, and where agents look for their links themselves, each of them knows of all. */
const MOST_LINKS = 20_000;

/**
 * A simulated swarm of a mesh file, once there is something to show of it. No process is started, and nothing of the folder is run.
 * @throws Refusal
 */
export async function watchSimulation(
  { file, seed, speed, judged, chaos }: WatchSimulation,
  host: SwarmHost,
  progress: Progress,
  signal: AbortSignal,
): Promise<SimulatedSwarm> {
  const path = resolve(file);
  const mesh = meshOf(path);
  refuseTooMany(mesh);
  const count = mesh.agents.length;
  progress(`Simulating ${count} agents`, 0, 0);
  const id = makeSwarmId();
  const folder = dirname(path);
  const lock = lockNew(folder, id, simulatedName(mesh));
  const { timeline } = coordinatorFiles(folder, id);
  mkdirSync(dirname(timeline), { recursive: true });
  let swarm: SimulatedSwarm | undefined;
  try {
    writeSimulated(folder, { id, name: simulatedName(mesh), file: path });
    const parts = { id, mesh, file: path, folder, seed, speed: speed === undefined ? 1 : speed, lock };
    const judging = judged ? { judged: chaos === undefined ? {} : { chaos } } : {};
    swarm = new SimulatedSwarm({ ...parts, ...judging, timelineFolder: timeline }, host);
    const cancelled = new Promise<void>((end) => signal.addEventListener("abort", () => end(), { once: true }));
    await Promise.race([swarm.ready(), cancelled]);
    if (signal.aborted) throw new Refusal("cancelled", "The simulation was cancelled; nothing of it is left.");
    return swarm;
  } catch (error) {
    await swarm?.close();
    removeSimulated(folder, id);
    throw error instanceof Refusal ? error : new Refusal("failed", messageOf(error));
  }
}

/** Ends it: no thread is left, and nothing on disk. */
export async function stopSimulated(swarm: SimulatedSwarm): Promise<readonly number[]> {
  await swarm.close();
  removeSimulated(swarm.file.folder, swarm.id);
  return [];
}

/** @throws Refusal */
function refuseTooMany(mesh: Mesh): void {
  const links = linksOf(mesh).length;
  if (links <= MOST_LINKS) return;
  throw new Refusal(
    "refused",
    `${mesh.agents.length} agents in this topology may have ${links.toLocaleString("en")} links, and at most ${MOST_LINKS.toLocaleString("en")} are shown. Choose one with fewer links, such as topology: { kind: k-regular, degree: 4 }.`,
  );
}
