/** How a swarm is, from what its agents say. */
import type { MembersView, SwarmHealth } from "../contract/swarm.ts";
import type { AgentWatch } from "./agent-watch.ts";

export interface Leadership {
  readonly leader: string;
  readonly term: number;
}

export function quorumOf(agents: number): number {
  return Math.floor(agents / 2) + 1;
}

/** The agent that leads the highest term and that a quorum of its voters follows; an isolated leader of an older term is none. */
export function leadershipOf(agents: readonly AgentWatch[]): Leadership | null {
  let best: Leadership | null = null;
  for (const { id, state, alive, members } of agents) {
    if (!alive || state?.role !== "leader" || (best !== null && state.term <= best.term)) continue;
    const follow = new Set(
      agents.flatMap((one) => (one.alive && one.state?.leader === id && one.state.term === state.term ? [one.id] : [])),
    );
    if (isQuorum(members ?? everybody(agents), (voter) => follow.has(voter))) best = { leader: id, term: state.term };
  }
  return best;
}

/** Who votes, as the leader has it; without one as whoever is in the highest term, and has the longest log, tells it. null: nobody tells. */
export function membersOf(agents: readonly AgentWatch[]): MembersView | null {
  const leader = leadershipOf(agents)?.leader;
  let best: AgentWatch | undefined;
  for (const one of agents) {
    if (one.members === null) continue;
    if (one.id === leader) return one.members;
    const [term, last] = [one.state?.term ?? 0, one.state?.lastIndex ?? 0];
    const [bestTerm, bestLast] = [best?.state?.term ?? -1, best?.state?.lastIndex ?? -1];
    if (term > bestTerm || (term === bestTerm && last > bestLast)) best = one;
  }
  return best?.members ?? null;
}

/** Before anybody tells who votes. */
function everybody(agents: readonly AgentWatch[]): MembersView {
  return { voters: agents.map(({ id }) => id), outgoing: [], learners: [] };
}

/** During a joint phase a majority of both is needed (Ongaro's thesis, §4.3). */
function isQuorum({ voters, outgoing }: MembersView, agrees: (voter: string) => boolean): boolean {
  return [voters, outgoing].every(
    (set) => set.length === 0 || set.filter((voter) => agrees(voter)).length >= quorumOf(set.length),
  );
}

/** Whether some agent holds a quorum alive, itself included: without one no election can end. */
export function quorumInReach(agents: readonly AgentWatch[]): boolean {
  const members = membersOf(agents) ?? everybody(agents);
  return agents.some(({ id, alive, report }) => {
    if (!alive || report === null) return false;
    const heard = new Set(report.members.flatMap((member) => (member.state === "alive" ? [member.id] : [])));
    return isQuorum(members, (voter) => voter === id || heard.has(voter));
  });
}

export function healthOf(
  agents: readonly AgentWatch[],
  links: { readonly up: number; readonly total: number },
): SwarmHealth {
  const members = membersOf(agents) ?? everybody(agents);
  const quorum = quorumOf(members.voters.length);
  const alive = new Set(agents.flatMap((agent) => (agent.alive ? [agent.id] : [])));
  const agentsAlive = alive.size;
  const leadership = leadershipOf(agents);
  const whole = agentsAlive === agents.length && links.up === links.total;
  const electable = isQuorum(members, (voter) => alive.has(voter)) && quorumInReach(agents);
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
  const joint = members.outgoing.length === 0 ? "" : ", members are changing";
  const cut = links.up === links.total ? "" : `, ${links.up}/${links.total} links`;
  return {
    level,
    summary: `${agentsAlive}/${agents.length} agents, ${who}${joint}${cut}`,
    agentsAlive,
    agentsTotal: agents.length,
    quorum,
    leader: leadership?.leader ?? null,
    term: leadership?.term ?? null,
    linksUp: links.up,
    linksTotal: links.total,
  };
}
