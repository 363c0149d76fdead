import { CONSENSUS, leads } from "../../contract/consensus.ts";
import type { Mesh } from "../../contract/mesh.ts";
import { faultsToleratedIn, type SwarmFile } from "../../live/swarm-file.ts";
import type { AgentWatch } from "../agent-watch.ts";
import type { FaultControl } from "../fault-control.ts";
import { isCutOneWay } from "../fault-rules.ts";
import { membersOf } from "../health.ts";
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

/** What the judge of a running swarm sees of it. @param sources is asked anew each time: agents come and go */
export function judgeGround(mesh: Mesh, sources: GroundSources): JudgeGround {
  const { file, token, faults, observers, notice, judged } = sources;
  const founders = mesh.agents.map(({ id }) => id);
  const paused = (agent: string): boolean =>
    faults.active.some(({ effects }) =>
      effects.some((effect) => effect.on === "process" && effect.process === "paused" && effect.agent === agent),
    );
  let voters: readonly string[] = founders;
  /** As the leader of the highest term last said; where nobody leads as whoever knows the most does. */
  const votersNow = (): readonly string[] => {
    const leaders = sources.agents.flatMap(({ report }) => (report !== null && leads(report.role) ? [report] : []));
    leaders.sort((a, b) => b.term - a.term);
    const told = CONSENSUS[mesh.consensus].leader === "" ? membersOf(sources.agents) : leaders[0];
    voters = told?.voters ?? voters;
    return voters;
  };
  const running = (): readonly AgentWatch[] => sources.agents.filter(({ id, alive }) => alive && !paused(id));
  return {
    mesh,
    reach: () => {
      const voters = votersNow();
      const up = new Set(running().map(({ id }) => id));
      const down = [...new Set([...founders, ...voters])].filter((id) => !up.has(id));
      const { links } = sources.file;
      const cut = faults.active.length > 0;
      return { voters, down, links: cut ? links.filter(({ a, b }) => !isCutOneWay(a, b, faults.active)) : links };
    },
    activeFaults: () => faults.active.map(({ title }) => title),
    planOver: () => faults.planOver,
    states: () => sources.agents.flatMap(({ id, state }) => (state === null ? [] : [{ agent: id, state }])),
    agents: () => sources.agents.length,
    reports: async () => {
      const reports = await Promise.all(running().map(({ id }) => observers.get(id)?.report(true)));
      return reports.filter((report) => report !== undefined);
    },
    connect: {
      agents: file.agents.map(({ id, port }) => ({ id, port })),
      token,
      swarm: file.id,
      faultsTolerated: faultsToleratedIn(file),
      attemptTimeoutMs: Math.max(200, mesh.timing.electionTimeoutMaxMs),
    },
    notice,
    judged,
  };
}
