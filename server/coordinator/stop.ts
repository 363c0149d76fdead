/** Ends a swarm so that nothing of it is left: no process, no port, no lock, no file. */
import { removeSwarm } from "../live/layout.ts";
import type { Swarm } from "./swarm.ts";

/** @returns the ids of the processes that ran. @throws Error naming those that nothing ends */
export async function stopSwarm(swarm: Swarm, reason: string): Promise<number[]> {
  swarm.phase = "stopping";
  // Nothing may be started any more.
  await swarm.members.close();
  const ended = await swarm.processes.end(swarm.agents, async (agent) => {
    if (!agent.connected) return false;
    return (await swarm.observer(agent)?.stopAgent(reason)) ?? false;
  });
  await swarm.close();
  removeSwarm(swarm.file.folder, swarm.id);
  return ended;
}

/** Lets go of it: the agents go on, and end after their grace period unless somebody takes them over or they are detached. */
export async function releaseSwarm(swarm: Swarm): Promise<void> {
  await swarm.members.close();
  swarm.faults.leavePauses();
  await swarm.close();
  swarm.lock.release();
}
