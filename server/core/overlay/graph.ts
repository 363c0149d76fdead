/** What a graph of agents and links is like: how far apart they are, and whom it hangs on. Pure; links to agents that are not among the ids do not count. */
import type { AgentId } from "../consensus.ts";
import { connected } from "./topology.ts";
import type { Link } from "./types.ts";

/** Whether all stay connected whoever else goes: there are two ways between any two that share no agent on the way (Menger 1927). Fewer than three: whether they are connected. */
export function biconnected(ids: readonly AgentId[], links: readonly Link[]): boolean {
  return connected(ids, links) && articulationPoints(ids, links).length === 0;
}

/** The agents without which others that reach each other would not any more, in the order of the ids (Tarjan: Depth-first search and linear graph algorithms, 1972, §3). */
export function articulationPoints(ids: readonly AgentId[], links: readonly Link[]): AgentId[] {
  const neighbours = neighboursOf(ids, links);
  const visited = new Map<AgentId, number>();
  const points = new Set<AgentId>();
  /** Visits what hangs on it, and says how far up that reaches by links of its own: the least number of a visit. */
  const visit = (id: AgentId, parent: AgentId | undefined): number => {
    const number = visited.size;
    visited.set(id, number);
    let lowest = number;
    let children = 0;
    for (const next of neighbours.get(id) as readonly AgentId[]) {
      if (next === parent) continue;
      const before = visited.get(next);
      if (before !== undefined) {
        lowest = Math.min(lowest, before);
        continue;
      }
      children++;
      const reaches = visit(next, id);
      lowest = Math.min(lowest, reaches);
      if (parent !== undefined && reaches >= number) points.add(id);
    }
    if (parent === undefined && children > 1) points.add(id);
    return lowest;
  };
  for (const id of ids) if (!visited.has(id)) visit(id, undefined);
  return ids.filter((id) => points.has(id));
}

/** Hops between the two that are farthest apart; 0 for one alone, Infinity where they are not connected. */
export function diameter(ids: readonly AgentId[], links: readonly Link[]): number {
  const neighbours = neighboursOf(ids, links);
  let farthest = 0;
  for (const from of ids) {
    const hops = new Map([[from, 0]]);
    // A map goes on to what is added to it meanwhile: breadth first.
    for (const [id, far] of hops) {
      farthest = Math.max(farthest, far);
      for (const next of neighbours.get(id) as readonly AgentId[]) if (!hops.has(next)) hops.set(next, far + 1);
    }
    if (hops.size < neighbours.size) return Number.POSITIVE_INFINITY;
  }
  return farthest;
}

function neighboursOf(ids: readonly AgentId[], links: readonly Link[]): ReadonlyMap<AgentId, readonly AgentId[]> {
  const neighbours = new Map<AgentId, AgentId[]>(ids.map((id) => [id, []]));
  for (const { a, b } of links) {
    const [one, other] = [neighbours.get(a), neighbours.get(b)];
    if (one === undefined || other === undefined) continue;
    one.push(b);
    other.push(a);
  }
  return neighbours;
}
