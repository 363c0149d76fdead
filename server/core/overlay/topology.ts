import type { AgentId } from "../consensus.ts";
import { unreachable } from "../invariant.ts";
import { kRegular, type Pair, smallWorld } from "./drawn-topologies.ts";
import { DEGREE, type DrawnKind, type Link, type TopologyKind } from "./types.ts";
import { numberedZones, type Zones } from "./zones.ts";

const HIERARCHY_CHILDREN = 3;

export interface TopologyOptions {
  /** For kind "links" alone: pairs in any order and direction, repeated pairs count once. */
  readonly links?: readonly (readonly [AgentId, AgentId])[];
  /** For k-regular and small-world: how many links an agent has; see DEGREE, which has the usual. Where there are no more than degree + 1 agents, all are linked with all. */
  readonly degree?: number;
  /** For k-regular and small-world: links are spread over them (zones.ts). Other kinds have the same links with and without. */
  readonly zones?: Zones;
}

/**
 * The links of a topology over a roster (see README.md here for their shapes). Each link once, its ends in roster order, sorted by its ends' places in the roster.
 * @param ids the roster: unique ids.
 * @throws RangeError for a repeated id, for a listed link to itself or to an agent that is not in the roster, and for a degree that is out of range.
 */
export function buildLinks(
  kind: TopologyKind,
  ids: readonly AgentId[],
  { links = [], degree = DEGREE.usual, zones }: TopologyOptions = {},
): Link[] {
  const places = placesOf(ids);
  const pairs = kind === "links" ? listedPairs(places, links) : shapedPairs(kind, ids, degree, zones);
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

function shapedPairs(
  kind: Exclude<TopologyKind, "links">,
  ids: readonly AgentId[],
  degree: number,
  zones: Zones | undefined,
): readonly Pair[] {
  const size = ids.length;
  const pairs: Pair[] = [];
  switch (kind) {
    case "mesh":
    case "hyparview":
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
    case "k-regular":
    case "small-world":
      if (!Number.isInteger(degree) || degree < DEGREE.min || degree > DEGREE.max)
        throw new RangeError(`a degree is a whole number from ${DEGREE.min} to ${DEGREE.max}, not ${degree}`);
      if (size <= degree + 1) return shapedPairs("mesh", ids, degree, zones);
      return drawnPairs(kind, ids, degree, zones);
    default:
      return unreachable(kind, "topology kind");
  }
}

/** With zones, drawn over the roster with each zone's agents one after the other. */
function drawnPairs(
  kind: DrawnKind,
  ids: readonly AgentId[],
  degree: number,
  zones: Zones | undefined,
): readonly Pair[] {
  const size = ids.length;
  const { names, of } = numberedZones(ids, zones);
  if (names.length < 2) return kind === "k-regular" ? kRegular(size, degree) : smallWorld(size, degree);
  const zone = (place: number): number => of[place] as number;
  const order = ids.map((_, place) => place).sort((one, other) => zone(one) - zone(other) || one - other);
  const drawn = kind === "k-regular" ? kRegular(size, degree, order.map(zone)) : smallWorld(size, degree);
  return drawn.map(([one, other]): Pair => [order[one] as number, order[other] as number]);
}
