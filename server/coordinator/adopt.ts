/** Finds swarms whose coordinator is gone: takes over those whose agents live, removes what is left of those that ended. */
import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { readLife, readSwarm, readToken, removeSwarm, swarmPaths, swarmsIn } from "../live/layout.ts";
import { terminate } from "../live/process.ts";
import { isId, type SwarmFile } from "../live/swarm-file.ts";
import { coordinatorFiles } from "./files.ts";
import { acquireLock, lockHolder } from "./lock.ts";
import { messageOf, Refusal } from "./refusal.ts";
import type { SwarmHost } from "./swarm.ts";
import { Swarm } from "./swarm.ts";

/** @returns the swarms that are coordinated from here now */
export async function adoptSwarms(folder: string, host: SwarmHost): Promise<Swarm[]> {
  const adopted: Swarm[] = [];
  removeHalfMade(folder);
  for (const id of swarmsIn(folder)) {
    try {
      const swarm = await adopt(folder, id, host);
      if (swarm !== null) adopted.push(swarm);
    } catch (error) {
      const level = error instanceof Refusal && error.reason === "alreadyRunning" ? "info" : "error";
      host.notice(level, id, messageOf(error));
    }
  }
  return adopted;
}

async function adopt(folder: string, id: string, host: SwarmHost): Promise<Swarm | null> {
  const lock = acquireLock(coordinatorFiles(folder, id).lock, `Swarm ${id} in ${folder}`);
  try {
    const file = readSwarm(folder, id);
    const swarm = new Swarm({ file, token: readToken(folder, id), lock, foundAgain: true }, host);
    endRemoved(file);
    const living = swarm.agents.filter((agent) => swarm.processes.find(agent));
    if (living.length === 0) {
      await swarm.close();
      removeSwarm(folder, id);
      return null;
    }
    await takeOver(swarm, host);
    return swarm;
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function takeOver(swarm: Swarm, host: SwarmHost): Promise<void> {
  const { name } = swarm.file;
  for (const agent of swarm.agents)
    if (agent.identity === null) agent.process = agent.foreign ? "unreachable" : "crashed";
  try {
    await swarm.faults.restore();
  } catch (error) {
    swarm.notice("error", `What was broken in ${name} is not known: ${messageOf(error)} Heal All cannot undo it.`);
  }
  for (const agent of swarm.agents) if (agent.identity !== null || agent.foreign) swarm.observe(agent);
  swarm.run({ faults: [], chaos: null, tasks: [] });
  const underWay = new Set(
    swarm.file.agents.flatMap(({ id, joining, leaving }) => (joining !== undefined || leaving === true ? [id] : [])),
  );
  const lost = swarm.agents.filter(
    ({ id, identity, foreign }) => identity === null && !foreign && !swarm.faults.crashed(id) && !underWay.has(id),
  );
  for (const { id } of lost) swarm.faults.crashedByItself(id);
  swarm.members.resume();
  const faults = swarm.faults.active.length;
  const broken = faults === 0 ? "" : ` ${faults} ${faults === 1 ? "fault is" : "faults are"} active.`;
  // The same words every time: an editor shows them once, and not so often that they hide what is said beside them.
  const before = swarm.lock.takenFrom === null ? "" : " Its coordinator had ended.";
  host.notice("info", swarm.id, `Swarm ${name} was found again: its agents went on.${before}${broken}`);
}

/** A coordinator that died in the middle of a removal may have left the process of an agent that is no member any more. */
function endRemoved({ folder, id, agents }: SwarmFile): void {
  for (const agent of agents) {
    if (agent.left !== true) continue;
    const life = readLife(folder, id, agent.id);
    if (life !== null) terminate(life);
  }
}

/** What a coordinator left that died while it laid a swarm out: no process was started of it. */
function removeHalfMade(folder: string): void {
  const home = dirname(swarmPaths(folder, "any").root);
  if (!existsSync(home)) return;
  for (const id of readdirSync(home)) {
    if (!isId(id) || existsSync(swarmPaths(folder, id).swarm)) continue;
    const { lock } = coordinatorFiles(folder, id);
    if (existsSync(lock) && lockHolder(lock) === undefined) removeSwarm(folder, id);
  }
}
