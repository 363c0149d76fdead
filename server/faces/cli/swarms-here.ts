/** Which swarms a folder holds, told from its files and processes alone: each may have a coordinator of its own. */
import { Coordinator } from "../../coordinator/coordinator.ts";
import { coordinatorFiles } from "../../coordinator/files.ts";
import { lockHolder } from "../../coordinator/lock.ts";
import { readSimulated, simulatedIn } from "../../coordinator/simulated/layout.ts";
import { LayoutProblem, readLife, readSwarm, swarmsIn } from "../../live/layout.ts";
import { isRunning } from "../../live/process.ts";
import { UsageError } from "./arguments.ts";

export interface SwarmHere {
  readonly id: string;
  readonly name: string;
  /** It has a coordinator, or an agent of it lives. Otherwise only files are left. */
  readonly runs: boolean;
}

/** Alphabetical by id. @throws UsageError when the folder cannot be read */
export function swarmsHere(folder: string): SwarmHere[] {
  try {
    const processes = swarmsIn(folder).flatMap((id) => swarmHere(folder, id) ?? []);
    const simulated = simulatedIn(folder).flatMap((id) => simulatedHere(folder, id) ?? []);
    return [...processes, ...simulated].sort((a, b) => (a.id < b.id ? -1 : 1));
  } catch (error) {
    throw new UsageError(`The swarms of ${folder} cannot be listed: ${(error as Error).message}.`);
  }
}

/** undefined: it went while it was looked at, or is damaged, which its coordinator tells. */
function swarmHere(folder: string, id: string): SwarmHere | undefined {
  try {
    const { name, agents } = readSwarm(folder, id);
    const lives = (agent: string): boolean => {
      const life = readLife(folder, id, agent);
      return life !== null && isRunning(life);
    };
    const held = lockHolder(coordinatorFiles(folder, id).lock) !== undefined;
    return { id, name, runs: held || agents.some((agent) => lives(agent.id)) };
  } catch (error) {
    if (error instanceof LayoutProblem) return undefined;
    throw error;
  }
}

/** One goes with its coordinator. */
function simulatedHere(folder: string, id: string): SwarmHere | undefined {
  try {
    const { name } = readSimulated(folder, id);
    return { id, name, runs: lockHolder(coordinatorFiles(folder, id).lock) !== undefined };
  } catch (error) {
    if (error instanceof LayoutProblem) return undefined;
    throw error;
  }
}

/** The one that is meant: by its id or name, or the only one that runs. @throws UsageError */
export function chooseSwarm(all: readonly SwarmHere[], wanted: string | undefined, folder: string): SwarmHere {
  const running = all.filter(({ runs }) => runs);
  const list = (swarms: readonly SwarmHere[]): string => swarms.map(({ id, name }) => `${id} (${name})`).join(", ");
  if (running.length === 0) throw new UsageError(`No swarm is running in ${folder}. Bring one up: agent-mesh up FILE`);
  const meant = wanted === undefined ? running : running.filter(({ id, name }) => id === wanted || name === wanted);
  const [only] = meant;
  if (only === undefined)
    throw new UsageError(`No swarm "${wanted}" is running in ${folder}; there is ${list(running)}.`);
  if (meant.length > 1)
    throw new UsageError(`Several swarms are running in ${folder}: choose one with --swarm ID: ${list(meant)}.`);
  return only;
}

/** Removes what is left on disk of swarms that ended with nobody to tidy up after them. */
export async function sweep(folder: string): Promise<void> {
  const here = swarmsHere(folder);
  // Those that run without a coordinator are left alone: whoever takes them over prolongs their lives.
  if (here.length === 0 || here.some(({ runs }) => runs)) return;
  const sweeper = new Coordinator({ notify: () => undefined });
  try {
    await sweeper.adopt([folder]);
  } finally {
    await sweeper.release();
  }
}
