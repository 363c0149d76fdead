/**
 * Which agents stand for one another when there are too many to draw each: the branches of a hierarchy, else communities of the graph (Blondel et al. 2008, "Louvain"), cut and joined to sizes
 * near the square root of the whole. Deterministic: agents are visited in their order and ties go to the first.
 */
import { neighboursOf, type Pair } from "./layout.ts";

export interface Group {
  /** The same as long as the group lives. */
  readonly id: string;
  readonly name: string;
  /** In the swarm's order; never empty. */
  readonly agents: readonly string[];
}

/** Fewer are never grouped. */
export const GROUPS_FROM = 24;

const ZONE_ID = "zone:";

/** The zones of a mesh file, each a group however few agents there are; none where there are fewer than two. @param zones of agents, in the swarm's order */
export function zoneGroups(zones: readonly (readonly [agent: string, zone: string])[]): readonly Group[] {
  const names = [...new Set(zones.map(([, zone]) => zone))];
  if (names.length < 2) return [];
  return names.map((zone) => ({
    id: `${ZONE_ID}${zone}`,
    name: `zone ${zone}`,
    agents: zones.filter(([, one]) => one === zone).map(([agent]) => agent),
  }));
}

export function isZone({ id }: Group): boolean {
  return id.startsWith(ZONE_ID);
}

/**
 * @param previous the groups before: who stays remains in its group, newcomers join the one that they have most links with; so that what is open stays open
 * @returns none where there are fewer than GROUPS_FROM agents
 */
export function groupsOf(
  topology: string,
  agents: readonly string[],
  links: readonly Pair[],
  previous: readonly Group[] = [],
): readonly Group[] {
  if (agents.length < GROUPS_FROM) return [];
  const known = new Set(agents);
  const staying = previous
    .map((group) => ({ ...group, agents: group.agents.filter((agent) => known.has(agent)) }))
    .filter((group) => group.agents.length > 0);
  const stayingCount = staying.reduce((sum, group) => sum + group.agents.length, 0);
  if (stayingCount * 2 < agents.length) return freshGroups(topology, agents, links);
  return stayingCount === agents.length ? named(staying, agents) : joined(staying, agents, links);
}

function freshGroups(topology: string, agents: readonly string[], links: readonly Pair[]): readonly Group[] {
  const aim = Math.round(0.9 * Math.sqrt(agents.length));
  const parts = topology === "hierarchical" ? branches(agents, links, aim) : sized(agents, links, aim);
  const order = orderOf(agents);
  const sorted = parts.map((part) => [...part].sort((a, b) => order(a) - order(b)));
  sorted.sort((a, b) => order(a[0]!) - order(b[0]!));
  return named(
    sorted.map((part) => ({ id: `group:${part[0]}`, agents: part })),
    agents,
  );
}

/** "a3–a9" where they follow one another, "a3 +6" where not: a3 and six more. */
function named(parts: readonly Omit<Group, "name">[], agents: readonly string[]): readonly Group[] {
  const order = orderOf(agents);
  return parts.map(({ id, agents: members }) => {
    const [first, last] = [members[0]!, members.at(-1)!];
    const follow = order(last) - order(first) === members.length - 1;
    const rest = members.length - 1;
    const name = rest === 0 ? first : follow ? `${first}–${last}` : `${first} +${rest}`;
    return { id, name, agents: members };
  });
}

function joined(staying: readonly Group[], agents: readonly string[], links: readonly Pair[]): readonly Group[] {
  const members = new Map(staying.map((group) => [group.id, [...group.agents]]));
  const groupOf = new Map(staying.flatMap((group) => group.agents.map((agent) => [agent, group.id] as const)));
  const neighbours = neighboursOf(agents, links);
  for (const agent of agents) {
    if (groupOf.has(agent)) continue;
    const shared = new Map<string, number>();
    for (const other of neighbours.get(agent) ?? []) {
      const group = groupOf.get(other);
      if (group !== undefined) shared.set(group, (shared.get(group) ?? 0) + 1);
    }
    let best = staying[0]!.id;
    for (const { id } of staying) {
      const more = (shared.get(id) ?? 0) - (shared.get(best) ?? 0);
      if (more > 0 || (more === 0 && members.get(id)!.length < members.get(best)!.length)) best = id;
    }
    members.get(best)!.push(agent);
    groupOf.set(agent, best);
  }
  const order = orderOf(agents);
  return named(
    staying.map(({ id }) => ({ id, agents: members.get(id)!.sort((a, b) => order(a) - order(b)) })),
    agents,
  );
}

/** Whole branches of the tree from the first agent, each cut off as soon as it is large enough. */
function branches(agents: readonly string[], links: readonly Pair[], aim: number): readonly (readonly string[])[] {
  const neighbours = neighboursOf(agents, links);
  const parent = new Map<string, string | null>();
  const ordered: string[] = [];
  for (const root of agents) {
    if (parent.has(root)) continue;
    parent.set(root, null);
    ordered.push(root);
    for (let at = ordered.length - 1; at < ordered.length; at++) {
      for (const next of neighbours.get(ordered[at]!) ?? []) {
        if (parent.has(next)) continue;
        parent.set(next, ordered[at]!);
        ordered.push(next);
      }
    }
  }
  const gathered = new Map(ordered.map((agent) => [agent, [agent]]));
  const cut: string[][] = [];
  for (const agent of ordered.toReversed()) {
    const branch = gathered.get(agent)!;
    const above = parent.get(agent) ?? null;
    if (above === null || branch.length >= aim) cut.push(branch);
    else gathered.get(above)!.push(...branch);
  }
  return cut;
}

/** Communities, none of them much larger or smaller than `aim`. */
function sized(agents: readonly string[], links: readonly Pair[], aim: number): readonly (readonly string[])[] {
  const index = new Map(agents.map((agent, i) => [agent, i]));
  const edges = links
    .map(([a, b]) => [index.get(a), index.get(b)] as const)
    .filter((edge): edge is readonly [number, number] => edge[0] !== undefined && edge[1] !== undefined);
  const neighbours: number[][] = agents.map(() => []);
  for (const [a, b] of edges) {
    neighbours[a]!.push(b);
    neighbours[b]!.push(a);
  }
  const most = Math.ceil(1.8 * aim);
  const least = Math.ceil(aim / 2);
  const parts = communities(agents.length, edges, most).flatMap((part) => cutUp(part, neighbours, most));
  return joinSmall(parts, neighbours, least).map((part) => part.map((i) => agents[i]!));
}

/** Into pieces of nearly the same size, each of agents near one another. */
function cutUp(part: readonly number[], neighbours: readonly (readonly number[])[], most: number): number[][] {
  if (part.length <= most) return [[...part]];
  const inPart = new Set(part);
  const reached = new Set<number>();
  for (const root of part) {
    if (reached.has(root)) continue;
    reached.add(root);
    const queue = [root];
    for (let at = 0; at < queue.length; at++) {
      for (const next of [...neighbours[queue[at]!]!].sort((a, b) => a - b)) {
        if (!inPart.has(next) || reached.has(next)) continue;
        reached.add(next);
        queue.push(next);
      }
    }
  }
  const ordered = [...reached];
  const pieces = Math.ceil(ordered.length / most);
  return Array.from({ length: pieces }, (_, i) =>
    ordered.slice(Math.round((i * ordered.length) / pieces), Math.round(((i + 1) * ordered.length) / pieces)),
  );
}

/** Joins each group of fewer than `least` with the one that it has most links with; with the smallest where it has none. */
function joinSmall(parts: number[][], neighbours: readonly (readonly number[])[], least: number): number[][] {
  const groups = new Map(parts.map((part, i) => [i, part]));
  const groupOf = new Map(parts.flatMap((part, i) => part.map((node) => [node, i] as const)));
  for (;;) {
    let small = -1;
    for (const [id, part] of groups) {
      if (part.length < least && (small < 0 || part.length < groups.get(small)!.length)) small = id;
    }
    if (small < 0 || groups.size === 1) return [...groups.values()];
    const part = groups.get(small)!;
    const shared = new Map<number, number>();
    for (const node of part) {
      for (const other of neighbours[node]!) {
        const to = groupOf.get(other)!;
        if (to !== small) shared.set(to, (shared.get(to) ?? 0) + 1);
      }
    }
    let best = -1;
    for (const id of groups.keys()) {
      if (id === small) continue;
      const more = best < 0 ? 1 : (shared.get(id) ?? 0) - (shared.get(best) ?? 0);
      if (more > 0 || (more === 0 && groups.get(id)!.length < groups.get(best)!.length)) best = id;
    }
    groups.get(best)!.push(...part);
    for (const node of part) groupOf.set(node, best);
    groups.delete(small);
  }
}

/** A graph whose nodes stand for parts of the first one. */
interface Level {
  readonly parts: readonly (readonly number[])[];
  /** Of each node the others and how many links join them. */
  readonly weights: readonly ReadonlyMap<number, number>[];
  /** Of each node its links' ends, those inside counted twice. */
  readonly degrees: readonly number[];
}

/** Louvain: moves nodes to where the modularity gains most, then goes on with communities for nodes, until nothing gains or the communities have about `most` nodes. */
function communities(
  count: number,
  edges: readonly (readonly [number, number])[],
  most: number,
): readonly (readonly number[])[] {
  const weights = Array.from({ length: count }, () => new Map<number, number>());
  for (const [a, b] of edges) {
    weights[a]!.set(b, (weights[a]!.get(b) ?? 0) + 1);
    weights[b]!.set(a, (weights[b]!.get(a) ?? 0) + 1);
  }
  const degrees = weights.map((to) => [...to.values()].reduce((sum, weight) => sum + weight, 0));
  let level: Level = { parts: Array.from({ length: count }, (_, i) => [i]), weights, degrees };
  for (;;) {
    const next = joinedLevel(level, moved(level, 2 * edges.length));
    if (next.parts.length === level.parts.length) return level.parts;
    level = next;
    if (count / level.parts.length > most / 2) return level.parts;
  }
}

/** The community of each node once no node gains by moving; at most 20 rounds. */
function moved({ weights, degrees }: Level, ends: number): readonly number[] {
  const community = weights.map((_, i) => i);
  const totals = [...degrees];
  for (let round = 0, moves = 1; round < 20 && moves > 0; round++) {
    moves = 0;
    for (let node = 0; node < weights.length; node++) {
      const own = community[node]!;
      const shared = new Map<number, number>([[own, 0]]);
      for (const [other, weight] of weights[node]!) {
        const to = community[other]!;
        shared.set(to, (shared.get(to) ?? 0) + weight);
      }
      totals[own]! -= degrees[node]!;
      let best = own;
      const gain = (to: number): number => shared.get(to)! - (totals[to]! * degrees[node]!) / Math.max(1, ends);
      for (const to of shared.keys()) {
        const more = gain(to) - gain(best);
        if (more > 1e-9 || (Math.abs(more) <= 1e-9 && best !== own && to < best)) best = to;
      }
      totals[best]! += degrees[node]!;
      if (best === own) continue;
      community[node] = best;
      moves++;
    }
  }
  return community;
}

function joinedLevel({ parts, weights, degrees }: Level, community: readonly number[]): Level {
  const number = new Map<number, number>();
  for (const one of community) if (!number.has(one)) number.set(one, number.size);
  const into = community.map((one) => number.get(one)!);
  const next = {
    parts: Array.from(number, (): number[] => []),
    weights: Array.from(number, () => new Map<number, number>()),
    degrees: Array.from(number, () => 0),
  };
  into.forEach((to, node) => {
    next.parts[to]!.push(...parts[node]!);
    next.degrees[to]! += degrees[node]!;
    for (const [other, weight] of weights[node]!) {
      const across = into[other]!;
      if (across !== to) next.weights[to]!.set(across, (next.weights[to]!.get(across) ?? 0) + weight);
    }
  });
  return next;
}

function orderOf(agents: readonly string[]): (agent: string) => number {
  const order = new Map(agents.map((agent, i) => [agent, i]));
  return (agent) => order.get(agent) ?? agents.length;
}
