import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { withSerf } from "../peers/serf.ts";
import { type Figure, percentile } from "../report.ts";
import { withSwarm } from "../swarms.ts";
import type { PartOptions } from "./detect.ts";

const GOAL_MS: Readonly<Record<number, number>> = { 12: 1000, 30: 1500 };

/** From kill -9 until every survivor knows. */
export async function killed({ say, quick, serf, look }: PartOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const agents of quick ? [12] : [12, 30]) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      ours.push(await withSwarm({ name: "bench", agents, topology: "mesh", consensus: "raft" }, detectMs));
      if (serf !== undefined) theirs.push(await withSerf(agents, (cluster) => cluster.detect()));
      say(`${agents} agents, round ${round + 1}: ${ours.at(-1)?.toFixed(0)} ms, serf ${theirs.at(-1) ?? "-"} ms`);
      look();
    }
    const value = percentile(ours, 0.5);
    const goal = GOAL_MS[agents] as number;
    const peerValue = theirs.length > 0 ? percentile(theirs, 0.5) : undefined;
    figures.push({
      name: `kill -9 known by all of ${agents} (median of ${ours.length})`,
      value,
      unit: "ms",
      ...(peerValue === undefined ? {} : { peer: `serf ${serf}`, peerValue, ratio: value / peerValue }),
      goal: `at most ${goal} ms`,
      met: value <= goal,
    });
  }
  return figures;
}

/** Kills the last agent with SIGKILL, and takes the moment of each survivor's own verdict from its events. */
async function detectMs(
  coordinator: Coordinator,
  swarm: { readonly id: string; readonly agents: readonly { readonly id: string; readonly pid: number | null }[] },
): Promise<number> {
  const victim = swarm.agents.at(-1);
  if (!victim || victim.pid === null) throw new Error("the last agent has no process");
  const survivors = swarm.agents.slice(0, -1).map((agent) => agent.id);
  const killedMs = Date.now();
  process.kill(victim.pid, "SIGKILL");
  const deadline = killedMs + 60_000;
  for (;;) {
    const { events } = await coordinator.handle("timelineSearch", {
      swarm: swarm.id,
      text: `kind:memberFailed member:${victim.id}`,
      limit: 1000,
    });
    const firstMs = new Map<string, number>();
    for (const event of events)
      if (event.hlc.wallMs >= killedMs)
        firstMs.set(event.agent, Math.min(event.hlc.wallMs, firstMs.get(event.agent) ?? Number.POSITIVE_INFINITY));
    if (survivors.every((id) => firstMs.has(id)))
      return Math.max(...survivors.map((id) => firstMs.get(id) as number)) - killedMs;
    if (Date.now() > deadline)
      throw new Error(`within 60 s only ${firstMs.size} of ${survivors.length} survivors reported ${victim.id} failed`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
