import type { Mesh } from "../../contract/mesh.ts";
import type { SwarmFile } from "../../live/swarm-file.ts";
import type { AgentWatch } from "../agent-watch.ts";
import type { FaultControl } from "../fault-control.ts";
import { isCutOneWay } from "../fault-rules.ts";
import type { Observer } from "../observer.ts";
import type { JudgeGround } from "./live-judge.ts";

export interface GroundSources {
  readonly file: SwarmFile;
  readonly token: string;
  readonly agents: readonly AgentWatch[];
  readonly faults: FaultControl;
  readonly observers: ReadonlyMap<string, Observer>;
  readonly notice: JudgeGround["notice"];
  readonly judged: JudgeGround["judged"];
}

/** What the judge of a running swarm sees of it. */
export function judgeGround(mesh: Mesh, sources: GroundSources): JudgeGround {
  const { file, token, agents, faults, observers, notice, judged } = sources;
  const paused = (agent: string): boolean =>
    faults.active.some(({ effects }) =>
      effects.some((effect) => effect.on === "process" && effect.process === "paused" && effect.agent === agent),
    );
  return {
    mesh,
    reach: () => ({
      down: agents.filter(({ id, alive }) => !alive || paused(id)).map(({ id }) => id),
      links:
        faults.active.length === 0 ? file.links : file.links.filter(({ a, b }) => !isCutOneWay(a, b, faults.active)),
    }),
    activeFaults: () => faults.active.map(({ title }) => title),
    planOver: () => faults.planOver,
    states: () => agents.flatMap(({ id, state }) => (state === null ? [] : [{ agent: id, state }])),
    reports: async () => {
      const running = agents.filter(({ id, alive }) => alive && !paused(id));
      const reports = await Promise.all(running.map(({ id }) => observers.get(id)?.report()));
      return reports.filter((report) => report !== undefined);
    },
    connect: {
      agents: file.agents.map(({ id, port }) => ({ id, port })),
      token,
      swarm: file.id,
      attemptTimeoutMs: Math.max(200, mesh.timing.electionTimeoutMaxMs),
    },
    notice,
    judged,
  };
}
