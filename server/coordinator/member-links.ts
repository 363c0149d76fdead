/** Which links agents get that come to a running swarm, and which close the hole that one leaves. */
import type { AgentId } from "../core/consensus.ts";
import { biconnected } from "../core/overlay/graph.ts";
import { LinkGraph } from "../core/overlay/link-graph.ts";
import { buildLinks, connected } from "../core/overlay/topology.ts";
import { DEGREE, hasDegree, type Link, overlayOf, type TopologyKind } from "../core/overlay/types.ts";
import { numberedZones, partsWithout, type Zones } from "../core/overlay/zones.ts";

/** Of links that a mesh file lists nobody knows the rule: a newcomer gets so many. */
const LISTED_LINKS = 2;

/**
 * The links once another agent is there. Those that are there stay, as nothing that runs is to be linked anew; of the links that the topology would have over
 * all agents, the newcomer last, it gets its own. In a ring it so stands between the last agent and the first; in a star it is linked with the first; in a
 * hierarchy with its parent. Where the mesh file lists the links, it is linked with the two agents that have the fewest; in a topology with a degree, with so many of them.
 * With zones, all but one of these are in its own zone, as far as there are so many, and the loss of any zone leaves the others connected.
 * Agents that look for their links themselves may have one with everybody.
 * @param present in the order of the roster, without the newcomer
 * @param degree of a topology that has one, and of links that were planned (rewiring.ts): the least that an agent has
 * @param zones the newcomer's among them
 */
export function linksWith(
  kind: TopologyKind,
  present: readonly AgentId[],
  links: readonly Link[],
  newcomer: AgentId,
  degree?: number,
  zones: Zones = new Map(),
): Link[] {
  if (kind !== "links" && !hasDegree(kind)) {
    const own = buildLinks(kind, [...present, newcomer]).filter(({ a, b }) => a === newcomer || b === newcomer);
    return [...links, ...own];
  }
  const own = (): Link[] => {
    const count = degree ?? (kind === "links" ? LISTED_LINKS : DEGREE.usual);
    const isNear = (peer: AgentId): boolean => zones.get(peer) === zones.get(newcomer);
    const fewest = leastLinked(present, links);
    const near = fewest.filter(isNear);
    const far = secondInAnother(
      fewest.filter((peer) => !isNear(peer)),
      zones,
    );
    const outside = far.length === 0 ? 0 : Math.max(1, count - near.length);
    const peers = [...near.slice(0, count - outside), ...far.slice(0, outside)];
    return peers.map((peer) => ({ a: peer, b: newcomer }));
  };
  return survivingZones([...present, newcomer], [...links, ...own()], zones);
}

/** In their order, but for the second, which is of another zone than the first where there is one: whoever has only these survives the loss of either zone. */
function secondInAnother(peers: readonly AgentId[], zones: Zones): AgentId[] {
  const [first, ...others] = peers;
  if (first === undefined) return [];
  const elsewhere = others.filter((peer) => zones.get(peer) !== zones.get(first)).slice(0, 1);
  return [first, ...elsewhere, ...others.filter((peer) => !elsewhere.includes(peer))];
}

/** Where a newcomer is: in the zone that has the fewest agents, the first of them; undefined where there are no zones. */
export function newcomersZone(zones: Zones): string | undefined {
  const counts = new Map<string, number>();
  for (const zone of zones.values()) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => one - other)[0]?.[0];
}

/**
 * The links once an agent is gone. A ring is closed again; where the others would fall apart (the hub of a star, a parent), the links that the topology
 * has over them are added; where the mesh file lists the links, its neighbours are joined in a chain. In a topology with a degree its neighbours get other links for
 * those that they lose, and whoever goes next leaves the others connected, be it an agent or a zone.
 * @param present in the order of the roster, without the one that goes
 * @param degree of a topology that has one, and of links that were planned
 * @param zones of those that stay
 */
export function linksWithout(
  kind: TopologyKind,
  present: readonly AgentId[],
  links: readonly Link[],
  gone: AgentId,
  degree?: number,
  zones: Zones = new Map(),
): Link[] {
  const left = links.filter(({ a, b }) => a !== gone && b !== gone);
  // Those that there may be: the agents find others themselves.
  if (overlayOf(kind) !== undefined) return left;
  if (hasDegree(kind) || degree !== undefined)
    return survivingZones(
      present,
      mended(present, left, neighboursOf(present, links, gone), degree ?? DEGREE.usual),
      zones,
    );
  if (kind !== "ring" && connected(present, left)) return left;
  const more = kind === "links" ? chain(neighboursOf(present, links, gone)) : buildLinks(kind, present);
  const there = new Set(left.map(keyOf));
  return [...left, ...more.filter((link) => !there.has(keyOf(link)))];
}

/**
 * With new links for those that had one with somebody who is gone: first until each has its degree again, with whoever has the fewest, which is one another; then, where
 * the others would still hang on a single agent, round their circle until they do not. That is enough if they hung on nobody before: whatever a further agent would cut
 * off had a link with the one that is gone, and a circle without one agent is still a chain.
 */
function mended(
  present: readonly AgentId[],
  left: readonly Link[],
  bereft: readonly AgentId[],
  degree: number,
): Link[] {
  const links = [...left];
  const join = (one: AgentId, other: AgentId): void => void links.push(linkOf(present, one, other));
  for (const id of bereft) {
    const peers = neighboursOf(present, links, id);
    const strangers = leastLinked(present, links).filter((peer) => peer !== id && !peers.includes(peer));
    for (const peer of strangers.slice(0, Math.max(0, degree - peers.length))) join(id, peer);
  }
  for (const [at, id] of bereft.entries()) {
    if (biconnected(present, links)) break;
    const next = bereft[(at + 1) % bereft.length] as AgentId;
    if (next !== id && !neighboursOf(present, links, id).includes(next)) join(id, next);
  }
  return links;
}

/** With a link between each two of the parts into which the others would fall without a zone: of those that have the fewest. */
function survivingZones(present: readonly AgentId[], links: readonly Link[], zones: Zones): Link[] {
  const numbered = numberedZones(present, zones);
  const all = [...links];
  if (numbered.names.length < 2) return all;
  const places = new Map(present.map((id, place) => [id, place]));
  for (const zone of numbered.names.keys()) {
    const pairs = all.map(({ a, b }) => [places.get(a) as number, places.get(b) as number] as const);
    const parts = partsWithout(new LinkGraph(present.length, pairs), numbered, zone);
    const ends = parts.map((part) => leastLinked(present, all).find((id) => part.includes(places.get(id) as number)));
    for (const [at, end] of ends.slice(1).entries()) all.push(linkOf(present, ends[at] as AgentId, end as AgentId));
  }
  return all;
}

function linkOf(present: readonly AgentId[], one: AgentId, other: AgentId): Link {
  const [a, b] = present.indexOf(one) < present.indexOf(other) ? [one, other] : [other, one];
  return { a, b };
}

function leastLinked(present: readonly AgentId[], links: readonly Link[]): AgentId[] {
  const count = (id: AgentId): number => links.filter(({ a, b }) => a === id || b === id).length;
  return present.toSorted((one, other) => count(one) - count(other));
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
