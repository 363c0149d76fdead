import type { AgentId } from "../consensus.ts";
import { unreachable } from "../invariant.ts";
import type { Link, TopologyKind } from "./types.ts";

const HIERARCHY_CHILDREN = 3;

/**
 * The links of a topology over a roster (see README.md here for their shapes). Each link once, its ends in roster order, sorted by its ends' places in the roster.
 * @param ids the roster: unique ids.
 * @param listed for kind "links" alone: pairs in any order and direction, repeated pairs count once.
 * @throws RangeError for a repeated id, and for a listed link to itself or to an agent that is not in the roster.
 */
export function buildLinks(
  kind: TopologyKind,
  ids: readonly AgentId[],
  listed: readonly (readonly [AgentId, AgentId])[] = [],
): Link[] {
  const places = placesOf(ids);
  const pairs = kind === "links" ? listedPairs(places, listed) : regularPairs(kind, ids.length);
  const unique = new Map<number, readonly [number, number]>();
  for (const [one, other] of pairs) {
    const low = Math.min(one, other);
    const high = Math.max(one, other);
    unique.set(low * ids.length + high, [low, high]);
  }
  return [...unique.entries()]
    .sort(([one], [other]) => one - other)
    .map(([, [low, high]]) => ({ a: ids[low] as AgentId, b: ids[high] as AgentId }));
}

/** Whether every agent reaches every other over these links. Nobody, or one alone, is connected. */
export function connected(ids: readonly AgentId[], links: readonly Link[]): boolean {
  const neighbours = new Map<AgentId, AgentId[]>(ids.map((id) => [id, []]));
  for (const { a, b } of links) {
    neighbours.get(a)?.push(b);
    neighbours.get(b)?.push(a);
  }
  const first = ids[0];
  if (first === undefined) return true;
  const reached = new Set([first]);
  for (const id of reached) for (const next of neighbours.get(id) ?? []) if (neighbours.has(next)) reached.add(next);
  return reached.size === neighbours.size;
}

function placesOf(ids: readonly AgentId[]): Map<AgentId, number> {
  const places = new Map(ids.map((id, place) => [id, place]));
  if (places.size !== ids.length) throw new RangeError("two agents of the roster have the same id");
  return places;
}

function listedPairs(
  places: ReadonlyMap<AgentId, number>,
  listed: readonly (readonly [AgentId, AgentId])[],
): [number, number][] {
  return listed.map(([one, other]) => {
    const from = places.get(one);
    const to = places.get(other);
    if (from === undefined || to === undefined)
      throw new RangeError(`the link ${one} - ${other} names ${from === undefined ? one : other}, which is no agent`);
    if (from === to) throw new RangeError(`the link ${one} - ${other} leads from an agent to itself`);
    return [from, to];
  });
}

function regularPairs(kind: Exclude<TopologyKind, "links">, size: number): [number, number][] {
  const pairs: [number, number][] = [];
  switch (kind) {
    case "mesh":
      for (let low = 0; low < size; low++) for (let high = low + 1; high < size; high++) pairs.push([low, high]);
      return pairs;
    case "ring":
      // Of two agents there is one link, not a link there and one back; one alone has none.
      for (let at = 0; at < size && size > 1; at++) pairs.push([at, (at + 1) % size]);
      return pairs;
    case "star":
      for (let at = 1; at < size; at++) pairs.push([0, at]);
      return pairs;
    case "hierarchical":
      for (let at = 1; at < size; at++) pairs.push([Math.floor((at - 1) / HIERARCHY_CHILDREN), at]);
      return pairs;
    case "grid": {
      const columns = Math.ceil(Math.sqrt(size));
      for (let at = 0; at < size; at++) {
        if ((at + 1) % columns !== 0 && at + 1 < size) pairs.push([at, at + 1]);
        if (at + columns < size) pairs.push([at, at + columns]);
      }
      return pairs;
    }
    default:
      return unreachable(kind, "topology kind");
  }
}
