/**
 * Zones: places that fail as a whole, such as regions or racks, and the agents in each. What a topology owes them:
 *
 * - No single agent, and no single link, parts a zone from the others: that holds in every graph that hangs on no single agent (biconnected) Where two agents or more stand on
 *   either side, the links across then have two ends that differ on both, or the one that all share would be an articulation point (König's theorem, Diestel: Graph Theory, 2.1).
 * - Whichever zone is lost as a whole, the agents of the others still hang together. That does not follow from the first, and is what is planned for.
 *
 * Most links stay within a zone, where messages are quick; about one in four leads out of it.
 */
import type { AgentId } from "../consensus.ts";
import { LinkGraph } from "./link-graph.ts";
import type { Link } from "./types.ts";

/** The zone of each agent; whoever is not in it is in none, and stays when a zone is lost. */
export type Zones = ReadonlyMap<AgentId, string>;

/** What zones make of a topology. */
export interface ZoneFigures {
  readonly zone: string;
  readonly agents: number;
  /** Of links that lead out of it: how many there are, and how many of its agents have one. */
  readonly linksOut: number;
  readonly agentsOut: number;
  /** Without all of its agents, the others hang together. */
  readonly survived: boolean;
}

/** Zones by number, in the order in which the roster first names them; -1: in none. */
export interface NumberedZones {
  readonly names: readonly string[];
  /** By places of the roster. */
  readonly of: readonly number[];
}

export function numberedZones(ids: readonly AgentId[], zones: Zones = new Map()): NumberedZones {
  const names = [...new Set(ids.flatMap((id) => zones.get(id) ?? []))];
  return { names, of: ids.map((id) => names.indexOf(zones.get(id) ?? "")) };
}

/** Into how many parts more than one the others fall without a zone, all zones together: 0 where the loss of any is survived. */
export function partsTooMany(graph: LinkGraph, zones: NumberedZones): number {
  if (zones.names.length < 2) return 0;
  return zones.names.reduce((sum, _, zone) => sum + Math.max(0, partsWithout(graph, zones, zone).length - 1), 0);
}

/** Those that reach one another without the agents of a zone, part by part. */
export function partsWithout(graph: LinkGraph, { of }: NumberedZones, zone: number): number[][] {
  const left = new LinkGraph(
    graph.size,
    graph.links().filter(([a, b]) => of[a] !== zone && of[b] !== zone),
  );
  return left.parts().filter(([first]) => first !== undefined && of[first] !== zone);
}

/** Of each zone, in the order in which the roster first names them; none where there are fewer than two. */
export function zoneFigures(ids: readonly AgentId[], links: readonly Link[], zones: Zones): ZoneFigures[] {
  const places = new Map(ids.map((id, place) => [id, place]));
  const pairs = links.flatMap(({ a, b }) => {
    const [one, other] = [places.get(a), places.get(b)];
    return one === undefined || other === undefined ? [] : [[one, other] as const];
  });
  return figuresOfZones(new LinkGraph(ids.length, pairs), numberedZones(ids, zones));
}

export function figuresOfZones(graph: LinkGraph, zones: NumberedZones): ZoneFigures[] {
  const { names, of } = zones;
  if (names.length < 2) return [];
  return names.map((zone, number) => {
    const out = graph.links().filter(([a, b]) => (of[a] === number) !== (of[b] === number));
    return {
      zone,
      agents: of.filter((one) => one === number).length,
      linksOut: out.length,
      agentsOut: new Set(out.map(([a, b]) => (of[a] === number ? a : b))).size,
      survived: partsWithout(graph, zones, number).length <= 1,
    };
  });
}
