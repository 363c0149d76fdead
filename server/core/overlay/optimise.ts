/**
 * Plans which links a running swarm should have instead of those that it has. After it nobody hangs on a single agent or link, everybody has from `least` to `most` links, and
 * what is far slower than usual is gone where that is possible. Where agents are in zones, whichever zone is lost leaves the others connected, as far as that is possible with so many links; what
 * it comes to is in the figures. What is good already stays: a plan for a sound topology is empty, and so is a second plan
 * for the same measurements. Pure, and the same for the same input. How: rewire.ts.
 */
import type { AgentId } from "../consensus.ts";
import { LinkCosts, type Measured, meanLatencyMs } from "./link-costs.ts";
import { LinkGraph } from "./link-graph.ts";
import { Rewiring } from "./rewire.ts";
import { type LinkCut, smallestAgentCut, smallestLinkCut } from "./smallest-cut.ts";
import { DEGREE, type Link } from "./types.ts";
import { figuresOfZones, type NumberedZones, numberedZones, type ZoneFigures, type Zones } from "./zones.ts";

/** How many links an agent has, at least and at most, unless it is said. */
export const LINKS_EACH = { least: 3, most: 5 } as const;

export interface MeasuredPair extends Link {
  /** One way, 0 or more. */
  readonly latencyMs: number;
}

export interface OptimiseInput {
  /** Those that are there, in the order of the roster. */
  readonly agents: readonly AgentId[];
  /** Links with others do not count. */
  readonly links: readonly Link[];
  /** Of links that are there, and of others that once were: what is known of them keeps a plan from trying the same again. Default: nothing is known. */
  readonly measured?: readonly MeasuredPair[];
  /** Links an agent, as far as there are so many others. Default: LINKS_EACH. */
  readonly least?: number;
  readonly most?: number;
  /** Absent: there are none. */
  readonly zones?: Zones;
}

/** What a topology is like. */
export interface TopologyFigures {
  readonly links: number;
  /** Of the agent that has the fewest, and the most. */
  readonly fewestLinks: number;
  readonly mostLinks: number;
  /** Hops between the two that are farthest apart; null: not connected. */
  readonly diameter: number | null;
  /** Without whom the others fall apart. */
  readonly articulationPoints: readonly AgentId[];
  /** The fewest links whose loss cuts somebody off, and whom. null: fewer than two agents. */
  readonly smallestCut: LinkCut | null;
  /** The fewest agents whose failure leaves the others apart; null: too many agents to find out (MAX_AGENTS_TO_CUT). */
  readonly agentCut: number | null;
  /** On the fastest ways, the mean of all pairs, one way, ms; null where too little was measured. What a link that is new takes is an upper bound. */
  readonly meanLatencyMs: number | null;
  /** Links that were measured to be far slower than usual. */
  readonly slowLinks: number;
  /** Of each zone; none where there are fewer than two. */
  readonly zones: readonly ZoneFigures[];
}

/** A link, and what a message takes on it, ms: as measured; of one that is to be added, at most, by the fastest way there is. null: not known. */
export interface PlannedLink extends Link {
  readonly latencyMs: number | null;
}

export interface TopologyPlan {
  readonly least: number;
  readonly most: number;
  readonly add: readonly PlannedLink[];
  readonly drop: readonly PlannedLink[];
  /** All links after it, each once, its ends in roster order. */
  readonly links: readonly Link[];
  /** What a link usually takes, ms; null: nothing was measured. */
  readonly usualMs: number | null;
  readonly before: TopologyFigures;
  readonly after: TopologyFigures;
}

/** @throws RangeError where `least` and `most` leave no choice, or an agent is there twice. */
export function planTopology({ agents, links, measured = [], zones, ...bounds }: OptimiseInput): TopologyPlan {
  const { least = LINKS_EACH.least, most = LINKS_EACH.most } = bounds;
  if (!Number.isInteger(least) || !Number.isInteger(most) || least < DEGREE.min || most > DEGREE.max || least >= most)
    throw new RangeError(
      `an agent has from ${DEGREE.min} to ${DEGREE.max} links, at most one more than at least, or there may be none for an odd one; not ${least} to ${most}`,
    );
  const places = new Map(agents.map((id, place) => [id, place]));
  if (places.size !== agents.length) throw new RangeError("two agents of the roster have the same id");
  const pairsOf = <T extends Link>(listed: readonly T[]): (readonly [number, number, T])[] =>
    listed.flatMap((link) => {
      const [one, other] = [places.get(link.a), places.get(link.b)];
      return one === undefined || other === undefined || one === other ? [] : [[one, other, link] as const];
    });
  const costs = new LinkCosts(
    agents.length,
    pairsOf(measured).map(([one, other, { latencyMs }]): Measured => [one, other, latencyMs]),
  );
  const present = new LinkGraph(
    agents.length,
    pairsOf(links).map(([one, other]) => [one, other]),
  );
  const planned = present.copy();
  const numbered = numberedZones(agents, zones);
  new Rewiring(planned, { costs, least, most, zones: numbered }).run();

  const linkOf = ([one, other]: readonly [number, number]): Link => ({
    a: agents[one] as AgentId,
    b: agents[other] as AgentId,
  });
  const withLatency = (pair: readonly [number, number]): PlannedLink => {
    const ms = costs.of(...pair);
    return { ...linkOf(pair), latencyMs: Number.isFinite(ms) ? ms : null };
  };
  const figures = (graph: LinkGraph): TopologyFigures => figuresOf(agents, graph, costs, numbered);
  return {
    least,
    most,
    add: planned.links().filter((pair) => !present.has(...pair)).map(withLatency), // biome-ignore format: one rule
    drop: present.links().filter((pair) => !planned.has(...pair)).map(withLatency), // biome-ignore format: one rule
    links: planned.links().map(linkOf),
    usualMs: costs.usualMs ?? null,
    before: figures(present),
    after: figures(planned),
  };
}

function figuresOf(ids: readonly AgentId[], graph: LinkGraph, costs: LinkCosts, zones: NumberedZones): TopologyFigures {
  const pairs = graph.links();
  const links = pairs.map(([one, other]) => ({ a: ids[one] as AgentId, b: ids[other] as AgentId }));
  const { cuts } = graph.blocks();
  const degrees = ids.map((_, place) => graph.degree(place));
  return {
    links: links.length,
    fewestLinks: Math.min(...degrees, links.length),
    mostLinks: Math.max(...degrees, 0),
    diameter: graph.diameter(),
    articulationPoints: ids.filter((_, place) => cuts.has(place)),
    smallestCut: smallestLinkCut(ids, links) ?? null,
    agentCut: smallestAgentCut(ids, links),
    meanLatencyMs: meanLatencyMs(graph, costs),
    slowLinks: pairs.filter(([one, other]) => costs.slow(one, other)).length,
    zones: figuresOfZones(graph, zones),
  };
}
