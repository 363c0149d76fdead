import type { AgentReport } from "../contract/swarm.ts";
import { connected } from "../core/overlay/topology.ts";
import { leastLinks } from "./settings.ts";

/** What an agent says of its links. */
export interface OwnLinks {
  readonly agent: string;
  /** With whom they are up. */
  readonly peers: readonly string[];
}

/** @param report absent: it says nothing, and has none */
export function ownLinks(agent: string, report: Pick<AgentReport, "links"> | null | undefined): OwnLinks {
  return { agent, peers: report?.links.filter(({ up }) => up).map(({ peer }) => peer) ?? [] };
}

/**
 * What an overlay of agents that look for their links themselves lacks; undefined where nothing is: they hang together, both ends know of each link, nobody has more links than the degree, and nobody fewer than an
 * agent asks for with priority, as far as there are others.
 */
export function overlayProblem(agents: readonly OwnLinks[], degree: number): string | undefined {
  const ids = agents.map(({ agent }) => agent);
  const least = Math.min(leastLinks(degree), agents.length - 1);
  for (const { agent, peers } of agents) {
    if (peers.length > degree) return `${agent} has ${peers.length} links, more than ${degree}`;
    const strange = peers.find((peer) => agents.find((one) => one.agent === peer)?.peers.includes(agent) !== true);
    if (strange !== undefined) return `${agent} has a link with ${strange}, which has none with it`;
    if (peers.length < least) return `${agent} has links with ${peers.join(", ") || "nobody"} alone`;
  }
  const links = agents.flatMap(({ agent, peers }) => peers.map((peer) => ({ a: agent, b: peer })));
  return connected(ids, links) ? undefined : "the agents fall apart";
}
