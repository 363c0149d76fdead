/** How few links, or agents, have to fail until a swarm falls apart. Pure; links to agents that are not among the ids do not count. */
import type { AgentId } from "../consensus.ts";
import { LinkGraph } from "./link-graph.ts";
import type { Link } from "./types.ts";

/** The smallest set of links whose loss leaves some agents without a way to the others. */
export interface LinkCut {
  /** How many; 0: it has fallen apart already. */
  readonly links: number;
  /** Who would be cut off: the smaller side. */
  readonly side: readonly AgentId[];
}

/** Of more agents than so many the cut by agents is not computed: it takes a flow for each pair of some agents with all others. */
export const MAX_AGENTS_TO_CUT = 300;

/**
 * Stoer and Wagner (A simple min-cut algorithm, JACM 44, 1997): n - 1 phases, each of which orders the agents by how tightly they are linked with those before them, and merges
 * the last two. O(n m), as tightness only grows by ones: buckets do for a heap. undefined for fewer than two.
 */
export function smallestLinkCut(ids: readonly AgentId[], links: readonly Link[]): LinkCut | undefined {
  if (ids.length < 2) return undefined;
  /** Of those that are merged into one: how many links it has with each other one. */
  const weights = ids.map(() => new Map<number, number>());
  const weightsOf = (place: number): Map<number, number> => weights[place] as Map<number, number>;
  for (const [a, b] of pairsOf(ids, links)) {
    weightsOf(a).set(b, 1);
    weightsOf(b).set(a, 1);
  }
  const merged = ids.map((_, place) => [place]);
  const left = new Set(merged.keys());
  let best = Number.POSITIVE_INFINITY;
  let side: readonly number[] = [];
  while (left.size > 1) {
    const { last, beforeLast, tightness } = minimumCutPhase(left, weightsOf);
    if (tightness < best) {
      best = tightness;
      side = (merged[last] as number[]).slice();
    }
    (merged[beforeLast] as number[]).push(...(merged[last] as number[]));
    left.delete(last);
    for (const [other, weight] of weightsOf(last)) {
      weightsOf(other).delete(last);
      if (other === beforeLast) continue;
      const both = weight + (weightsOf(beforeLast).get(other) ?? 0);
      weightsOf(beforeLast).set(other, both);
      weightsOf(other).set(beforeLast, both);
    }
  }
  const inSide = new Set(side);
  const smaller = 2 * side.length <= ids.length;
  return { links: best, side: ids.filter((_, place) => inSide.has(place) === smaller) };
}

/** Orders all by how tightly they are linked with those before them. @returns the last two, and how tightly the last one is linked with all others */
function minimumCutPhase(
  left: ReadonlySet<number>,
  weightsOf: (place: number) => ReadonlyMap<number, number>,
): { readonly last: number; readonly beforeLast: number; readonly tightness: number } {
  const tightness = new Map([...left].map((place) => [place, 0]));
  // Who became tighter stands in a lower bucket still: it is passed over there.
  const buckets: number[][] = [[...left]];
  let at = 0;
  let [last, beforeLast, ofLast] = [-1, -1, 0];
  while (tightness.size > 0) {
    const place = buckets[at]?.pop();
    if (place === undefined) at--;
    else if (tightness.get(place) === at) {
      [beforeLast, last, ofLast] = [last, place, at];
      tightness.delete(place);
      for (const [other, weight] of weightsOf(place)) {
        const before = tightness.get(other);
        if (before === undefined) continue;
        tightness.set(other, before + weight);
        at = Math.max(at, before + weight);
        while (buckets.length <= at) buckets.push([]);
        (buckets[before + weight] as number[]).push(other);
      }
    }
  }
  return { last, beforeLast, tightness: ofLast };
}

/**
 * How few agents have to fail until the others are not connected, or one alone is left (n - 1 in a full mesh): the number of ways between any two that share no agent (Menger 1927).
 * By flows, as Even (An algorithm for determining whether the connectivity of a graph is at least k, SIAM J. Computing 4, 1975): of the first k + 1 agents one at least is
 * not in a cut of k. null for more than MAX_AGENTS_TO_CUT agents.
 */
export function smallestAgentCut(ids: readonly AgentId[], links: readonly Link[]): number | null {
  if (ids.length > MAX_AGENTS_TO_CUT) return null;
  const graph = new LinkGraph(ids.length, pairsOf(ids, links));
  const flow = new Flow(graph);
  let cut = Math.max(0, ids.length - 1);
  for (let from = 0; from <= cut && from < ids.length; from++)
    for (let to = 0; to < ids.length; to++)
      if (to !== from && !graph.has(from, to)) cut = Math.min(cut, flow.ways(from, to, cut));
  return cut;
}

/** Each agent is a way in and a way out, joined by an arc that one way may take: so ways that share no arc share no agent. */
class Flow {
  readonly #size: number;
  /** By arc: where it leads, and whether it can be taken; the one back has the number beside it. */
  readonly #to: number[] = [];
  readonly #free: number[] = [];
  readonly #arcs: number[][];

  constructor(graph: LinkGraph) {
    this.#size = graph.size;
    this.#arcs = Array.from({ length: 2 * graph.size }, () => []);
    for (let place = 0; place < graph.size; place++) {
      this.#join(2 * place, 2 * place + 1);
      for (const peer of graph.neighbours(place)) this.#join(2 * place + 1, 2 * peer);
    }
  }

  /** Ways between two that have no link which share no agent, so many at most. */
  ways(from: number, to: number, most: number): number {
    for (let arc = 0; arc < this.#free.length; arc++) this.#free[arc] = 1 - (arc & 1);
    let ways = 0;
    while (ways < most && this.#augmented(2 * from + 1, 2 * to)) ways++;
    return ways;
  }

  #augmented(from: number, to: number): boolean {
    const by = new Int32Array(2 * this.#size).fill(-1);
    const queue = [from];
    for (const at of queue) {
      for (const arc of this.#arcs[at] as readonly number[]) {
        const next = this.#to[arc] as number;
        if (this.#free[arc] === 0 || next === from || by[next] !== -1) continue;
        by[next] = arc;
        if (next !== to) {
          queue.push(next);
          continue;
        }
        for (let end = to; end !== from; ) {
          const taken = by[end] as number;
          this.#free[taken] = 0;
          this.#free[taken ^ 1] = 1;
          end = this.#to[taken ^ 1] as number;
        }
        return true;
      }
    }
    return false;
  }

  #join(from: number, to: number): void {
    (this.#arcs[from] as number[]).push(this.#to.length);
    this.#to.push(to);
    (this.#arcs[to] as number[]).push(this.#to.length);
    this.#to.push(from);
    this.#free.push(1, 0);
  }
}

function pairsOf(ids: readonly AgentId[], links: readonly Link[]): [number, number][] {
  const places = new Map(ids.map((id, place) => [id, place]));
  return links.flatMap(({ a, b }): [number, number][] => {
    const [one, other] = [places.get(a), places.get(b)];
    return one === undefined || other === undefined || one === other ? [] : [[one, other]];
  });
}
