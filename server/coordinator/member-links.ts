/** Which links agents get that come to a running swarm, and which close the hole that one leaves. */
import type { AgentId } from "../core/consensus.ts";
import { buildLinks, connected } from "../core/overlay/topology.ts";
import type { Link, TopologyKind } from "../core/overlay/types.ts";

/** Of listed links nobody knows the rule: a newcomer gets so many. */
const LISTED_LINKS = 2;

/**
 * The links once another agent is there. Those that are there stay, as nothing that runs is to be linked anew; of the links that the topology would have over
 * all agents, the newcomer last, it gets its own. In a ring it so stands between the last agent and the first; in a star it is linked with the first; in a
 * hierarchy with its parent. Where the mesh file lists the links, it is linked with the two agents that have the fewest.
 * @param present in the order of the roster, without the newcomer
 */
export function linksWith(
  kind: TopologyKind,
  present: readonly AgentId[],
  links: readonly Link[],
  newcomer: AgentId,
): Link[] {
  const own =
    kind === "links"
      ? leastLinked(present, links).map((peer) => ({ a: peer, b: newcomer }))
      : buildLinks(kind, [...present, newcomer]).filter(({ a, b }) => a === newcomer || b === newcomer);
  return [...links, ...own];
}

/**
 * The links once an agent is gone. A ring is closed again; where the others would fall apart (the hub of a star, a parent), the links that the topology
 * has over them are added; where the mesh file lists the links, its neighbours are joined in a chain.
 * @param present in the order of the roster, without the one that goes
 */
export function linksWithout(
  kind: TopologyKind,
  present: readonly AgentId[],
  links: readonly Link[],
  gone: AgentId,
): Link[] {
  const left = links.filter(({ a, b }) => a !== gone && b !== gone);
  if (kind !== "ring" && connected(present, left)) return left;
  const more = kind === "links" ? chain(neighboursOf(present, links, gone)) : buildLinks(kind, present);
  const there = new Set(left.map(keyOf));
  return [...left, ...more.filter((link) => !there.has(keyOf(link)))];
}

function leastLinked(present: readonly AgentId[], links: readonly Link[]): AgentId[] {
  const count = (id: AgentId): number => links.filter(({ a, b }) => a === id || b === id).length;
  return present.toSorted((one, other) => count(one) - count(other)).slice(0, LISTED_LINKS);
}

function neighboursOf(present: readonly AgentId[], links: readonly Link[], id: AgentId): AgentId[] {
  return present.filter((peer) => links.some(({ a, b }) => (a === id && b === peer) || (a === peer && b === id)));
}

function chain(ids: readonly AgentId[]): Link[] {
  return ids.slice(1).map((b, at) => ({ a: ids[at] as AgentId, b }));
}

function keyOf({ a, b }: Link): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
