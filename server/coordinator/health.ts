/** How a swarm is, from what its agents say. */

import { quorumAmong } from "../agent/consensus/quorum.ts";
import { CONSENSUS, type ConsensusKind, kindOfRole, leads } from "../contract/consensus.ts";
import { agreementText } from "../contract/gossip.ts";
import { listed, type SideState } from "../contract/partition.ts";
import type { GossipReport, MembersView, SwarmHealth } from "../contract/swarm.ts";
import { faultsToleratedBy } from "../core/pbft/replicas.ts";
import type { AgentWatch } from "./agent-watch.ts";
import { leastSure } from "./spread.ts";

export interface Leadership {
  readonly leader: string;
  readonly term: number;
}

/** The agent that leads the highest term or view and that a quorum of its voters follows; an isolated leader of an older one is none. */
export function leadershipOf(agents: readonly AgentWatch[]): Leadership | null {
  let best: Leadership | null = null;
  for (const { id, state, alive, members } of agents) {
    if (!alive || !leads(state?.role) || state === null || (best !== null && state.term <= best.term)) continue;
    const follow = new Set(
      agents.flatMap((one) => (one.alive && one.state?.leader === id && one.state.term === state.term ? [one.id] : [])),
    );
    if (isQuorum(members ?? everybody(agents), kindOfRole(state.role), (voter) => follow.has(voter)))
      best = { leader: id, term: state.term };
  }
  return best;
}

/** Who votes, as the leader has it; without one as whoever is in the highest term, and has the longest log, tells it. null: nobody tells. */
export function membersOf(agents: readonly AgentWatch[]): MembersView | null {
  const leader = leadershipOf(agents)?.leader;
  let best: AgentWatch | undefined;
  for (const one of agents) {
    // Who has just come does not know who came before it, and who goes is no member.
    if (one.members === null || one.report?.gossip?.counted === false) continue;
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
function isQuorum(
  { voters, outgoing }: MembersView,
  consensus: ConsensusKind,
  agrees: (voter: string) => boolean,
): boolean {
  return [voters, outgoing].every(
    (set) => set.length === 0 || set.filter((voter) => agrees(voter)).length >= quorumAmong(set.length, consensus),
  );
}

/** Whether some agent holds a quorum alive, itself included: without one no election or view change can end. */
function quorumInReach(agents: readonly AgentWatch[], consensus: ConsensusKind): boolean {
  const members = membersOf(agents) ?? everybody(agents);
  return agents.some(({ id, alive, report }) => {
    if (!alive || report === null) return false;
    const heard = new Set(report.members.flatMap((member) => (member.state === "alive" ? [member.id] : [])));
    return isQuorum(members, consensus, (voter) => voter === id || heard.has(voter));
  });
}

/** @param liars who was proved to lie, sorted */
export function healthOf(
  agents: readonly AgentWatch[],
  consensus: ConsensusKind,
  links: { readonly up: number; readonly total: number },
  liars: readonly string[] = [],
): SwarmHealth {
  const members = membersOf(agents) ?? everybody(agents);
  const words = CONSENSUS[consensus];
  const quorum = quorumAmong(members.voters.length, consensus);
  const alive = new Set(agents.flatMap((agent) => (agent.alive ? [agent.id] : [])));
  const agentsAlive = alive.size;
  const sides = sidesOf(agents);
  const whole = agentsAlive === agents.length && links.up === links.total && liars.length === 0 && sides.text === "";
  const cut = links.up === links.total ? "" : `, ${links.up}/${links.total} links`;
  if (words.leader === "") {
    const least = agentsAlive === 0 ? undefined : leastSure(agents);
    return {
      // Each goes on by itself, so there is no quorum to lose.
      level: agentsAlive === 0 ? "down" : whole ? "ok" : "degraded",
      summary: `${agentsAlive}/${agents.length} agents${agentsAlive === 0 ? "" : `, ${spreadText(agents, least?.gossip)}`}${liarsText(liars)}${sides.text}${cut}`,
      ...sides.fields,
      agentsAlive,
      agentsTotal: agents.length,
      quorum,
      leader: null,
      term: null,
      ...(least && { agreement: least.gossip.agreement }),
      linksUp: links.up,
      linksTotal: links.total,
    };
  }
  const leadership = leadershipOf(agents);
  const electable = isQuorum(members, consensus, (voter) => alive.has(voter)) && quorumInReach(agents, consensus);
  const faultsTolerated = consensus === "pbft" ? faultsToleratedBy(members.voters.length) : undefined;
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
      ? `${words.leader} ${leadership.leader}, ${words.term} ${leadership.term}`
      : level === "noQuorum" || level === "down"
        ? `no quorum (${quorum} needed)`
        : consensus === "pbft"
          ? "changing the view"
          : "electing a leader";
  const joint = members.outgoing.length === 0 ? "" : ", members are changing";
  const lies = liarsText(liars, faultsTolerated);
  return {
    level,
    summary: `${agentsAlive}/${agents.length} agents, ${who}${joint}${lies}${sides.text}${cut}`,
    ...sides.fields,
    agentsAlive,
    agentsTotal: agents.length,
    quorum,
    ...(faultsTolerated === undefined ? {} : { faultsTolerated }),
    leader: leadership?.leader ?? null,
    term: leadership?.term ?? null,
    linksUp: links.up,
    linksTotal: links.total,
  };
}

/** "converged", as far as those that can be asked know; else how sure the one is that is the least sure. */
function spreadText(agents: readonly AgentWatch[], least: GossipReport | undefined): string {
  if (least === undefined) return "nobody tells how far it has spread";
  const { agreement, sameVector, members } = least;
  if (agreement === 1)
    return agents.every(({ alive, report }) => alive && report !== null)
      ? "converged"
      : "converged as far as they know";
  return `agreement ${agreementText(agreement)}, ${sameVector} of ${members} known to have it all`;
}

/** Who says of itself that it is cut off. */
function sidesOf(agents: readonly AgentWatch[]): {
  readonly fields: Pick<SwarmHealth, "readOnly" | "apart">;
  /** ", a4 and a5 read-only". */
  readonly text: string;
} {
  const saying = (state: SideState): string[] =>
    agents.flatMap(({ id, alive, report }) => (alive && report?.partition?.state === state ? [id] : []));
  const [readOnly, apart] = [saying("readOnly"), saying("apart")];
  return {
    fields: { ...(readOnly.length > 0 && { readOnly }), ...(apart.length > 0 && { apart }) },
    text: sidePart(readOnly, "read-only") + sidePart(apart, "cut off"),
  };
}

function sidePart(names: readonly string[], word: string): string {
  return names.length === 0 ? "" : `, ${listed(names)} ${word}`;
}

/** ", a3 lies"; with more liars than are survived, that nothing is promised. */
function liarsText(liars: readonly string[], survived = 0): string {
  if (liars.length === 0) return "";
  const lie = `, ${liars.join(" and ")} ${liars.length === 1 ? "lies" : "lie"}`;
  return liars.length <= survived ? lie : `${lie}: more than the ${survived} survived, nothing is promised`;
}
