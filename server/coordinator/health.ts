/** How a swarm is, from what its agents say. */
import type { SwarmHealth } from "../contract/swarm.ts";
import type { AgentWatch } from "./agent-watch.ts";

export interface Leadership {
  readonly leader: string;
  readonly term: number;
}

export function quorumOf(agents: number): number {
  return Math.floor(agents / 2) + 1;
}

/** The agent that leads the highest term and that a quorum follows; an isolated leader of an older term is none. */
export function leadershipOf(agents: readonly AgentWatch[]): Leadership | null {
  let best: Leadership | null = null;
  for (const { id, state, alive } of agents) {
    if (!alive || state?.role !== "leader" || (best !== null && state.term <= best.term)) continue;
    const followers = agents.filter(
      (one) => one.alive && one.state?.leader === id && one.state.term === state.term,
    ).length;
    if (followers >= quorumOf(agents.length)) best = { leader: id, term: state.term };
  }
  return best;
}

/** Whether some agent holds a quorum alive, itself included: without one no election can end. */
export function quorumInReach(agents: readonly AgentWatch[]): boolean {
  const quorum = quorumOf(agents.length);
  return agents.some(({ id, alive, report }) => {
    if (!alive || report === null) return false;
    const others = report.members.filter((member) => member.id !== id && member.state === "alive").length;
    return 1 + others >= quorum;
  });
}

export function healthOf(
  agents: readonly AgentWatch[],
  links: { readonly up: number; readonly total: number },
): SwarmHealth {
  const quorum = quorumOf(agents.length);
  const agentsAlive = agents.filter((agent) => agent.alive).length;
  const leadership = leadershipOf(agents);
  const whole = agentsAlive === agents.length && links.up === links.total;
  const electable = agentsAlive >= quorum && quorumInReach(agents);
  const level =
    agentsAlive === 0
      ? "down"
      : leadership !== null
        ? whole
          ? "ok"
          : "degraded"
        : electable
          ? "degraded"
          : "noQuorum";
  const who =
    leadership !== null
      ? `leader ${leadership.leader}, term ${leadership.term}`
      : level === "noQuorum" || level === "down"
        ? `no quorum (${quorum} needed)`
        : "electing a leader";
  const cut = links.up === links.total ? "" : `, ${links.up}/${links.total} links`;
  return {
    level,
    summary: `${agentsAlive}/${agents.length} agents, ${who}${cut}`,
    agentsAlive,
    agentsTotal: agents.length,
    quorum,
    leader: leadership?.leader ?? null,
    term: leadership?.term ?? null,
    linksUp: links.up,
    linksTotal: links.total,
  };
}
