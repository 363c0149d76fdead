import { invariant } from "../invariant.ts";
import { seededRandom } from "../random.ts";
import type { LinkCosts } from "./link-costs.ts";
import type { LinkGraph } from "./link-graph.ts";
import { type NumberedZones, partsTooMany, partsWithout } from "./zones.ts";

export interface RewireOptions {
  readonly costs: LinkCosts;
  /** Links an agent, at least and at most. */
  readonly least: number;
  readonly most: number;
  readonly zones: NumberedZones;
}

type Pair = readonly [number, number];

/** Instead of a slow link so many others are tried at each end. */
const SWAPS_TRIED = 6;
/** Of links that could be switched with one another for the sake of zones so many of each part are tried. */
const ZONE_SWITCHES_TRIED = 12;

/**
 * Changes the links of a graph until it is sound: connected; hanging on no single agent (biconnected); nobody with fewer links than `least`, as far as there are so many others, or more than
 * `most`. Then it drops slow links that are not needed, or for which others come that are not.
 *
 * With zones, it then adds or switches links as long as fewer parts come of the loss of a zone, whichever it is; what is slow goes only where it is not needed for that. Most links stay
 * within a zone: of those that somebody lacks, all but the last are looked for there first.
 *
 * A sound graph without slow links that could go is left as it is, so that to rewire again changes nothing. Ties go by a drawn order of the agents, the same for the same number
 * of them, as in drawn topologies: else all would be linked with the first ones.
 *
 * Augmenting to biconnectivity joins blocks that hang on one agent each (Eswaran and Tarjan: Augmentation problems, SIAM J. Computing 5, 1976), here greedily and by latency, so not always
 * with the fewest links. Where both have all the links they may, two of theirs are switched, which keeps everybody's degree.
 */
export class Rewiring {
  readonly #graph: LinkGraph;
  readonly #options: RewireOptions;
  readonly #rank: readonly number[];
  readonly #order: readonly number[];
  /** As far as there are so many others. */
  readonly #least: number;

  constructor(graph: LinkGraph, options: RewireOptions) {
    this.#graph = graph;
    this.#options = options;
    this.#least = Math.min(options.least, graph.size - 1);
    const places = Array.from({ length: graph.size }, (_, place) => place);
    this.#order = seededRandom(`optimise/${graph.size}`).shuffled(places);
    const rank: number[] = [];
    this.#order.forEach((place, at) => {
      rank[place] = at;
    });
    this.#rank = rank;
  }

  run(): void {
    if (!this.#sound()) {
      this.#trim();
      this.#fill();
      this.#join();
      this.#knit();
      invariant(this.#sound(), "rewire: all hang together, on nobody, with as many links as they may have");
    }
    // What takes a slow link's place may make room for what a zone lacks.
    do this.#quicken();
    while (this.#surviveZones());
    invariant(this.#sound(), "rewire: what is slow goes only where it is not needed");
  }

  #sound(): boolean {
    const graph = this.#graph;
    for (let place = 0; place < graph.size; place++)
      if (graph.degree(place) < this.#least || graph.degree(place) > this.#options.most) return false;
    return graph.biconnected();
  }

  #mayHaveMore(place: number): boolean {
    return this.#graph.degree(place) < this.#options.most;
  }

  // --- degrees ---

  /** Who has too many links loses some: the slowest first, and first those that both ends have too many of. */
  #trim(): void {
    const graph = this.#graph;
    const { costs, most } = this.#options;
    const over = (place: number): boolean => graph.degree(place) > most;
    const spare = (place: number): boolean => graph.degree(place) > this.#least;
    // The slowest first, else in a drawn order: what is left of a full mesh is then as short as what is drawn.
    const slowness = ([a, b]: Pair): number => costs.measured(a, b) ?? 0;
    const drawn = seededRandom(`optimise/${graph.size}`).fork("links").shuffled(graph.links());
    const kept = this.#oneOutEach(drawn);
    const away = (pair: Pair): number => (kept.has(pair) ? 2 : this.#crosses(...pair) ? 0 : 1);
    const links = drawn.sort(
      (one, other) =>
        Number(kept.has(one)) - Number(kept.has(other)) || slowness(other) - slowness(one) || away(one) - away(other),
    );
    const rules: ((a: number, b: number) => boolean)[] = [
      (a, b) => over(a) && over(b),
      (a, b) => (over(a) && spare(b)) || (over(b) && spare(a)),
      (a, b) => over(a) || over(b),
    ];
    for (const rule of rules) for (const [a, b] of links) if (graph.has(a, b) && rule(a, b)) graph.drop(a, b);
  }

  /** Links out of zones, at most one of each agent, that are not slow: what is left of a full mesh must not part zones. */
  #oneOutEach(links: readonly Pair[]): ReadonlySet<Pair> {
    const { costs } = this.#options;
    const has = new Set<number>();
    const kept = new Set<Pair>();
    for (const pair of links) {
      const [a, b] = pair;
      if (!this.#crosses(a, b) || has.has(a) || has.has(b) || costs.slow(a, b)) continue;
      has.add(a).add(b);
      kept.add(pair);
    }
    return kept;
  }

  #crosses(a: number, b: number): boolean {
    const { names, of } = this.#options.zones;
    return names.length > 1 && of[a] !== of[b];
  }

  /** Who has too few gets some. */
  #fill(): void {
    const graph = this.#graph;
    for (const place of this.#order)
      while (graph.degree(place) < this.#least) {
        const peer = this.#best(place, this.#strangers(place));
        if (peer !== undefined) graph.add(place, peer);
        else this.#standBetween(place);
      }
  }

  /** All strangers have all the links they may: it gets two, in place of one between two of them. There is one, as a stranger has more links than those whom `place` knows. */
  #standBetween(place: number): void {
    const graph = this.#graph;
    const stranger = (peer: number): boolean => peer !== place && !graph.has(place, peer);
    const between = graph.links().find(([a, b]) => stranger(a) && stranger(b));
    invariant(between !== undefined, "rewire: two strangers have a link");
    graph.drop(...between);
    graph.add(place, between[0]);
    graph.add(place, between[1]);
  }

  /** Without a link with it, and with room for one. */
  #strangers(place: number): number[] {
    return this.#order.filter((peer) => peer !== place && !this.#graph.has(place, peer) && this.#mayHaveMore(peer));
  }

  /** With whom it is to be linked: not slow, who has too few as well, far away by hops, near by latency. */
  #best(place: number, candidates: readonly number[]): number | undefined {
    const graph = this.#graph;
    const { costs } = this.#options;
    const hops = graph.hops(place);
    const homely = graph.degree(place) < this.#least - 1;
    return least(candidates, (peer) => [
      costs.suspect(place, peer) ? 1 : 0,
      homely && this.#crosses(place, peer) ? 1 : 0,
      graph.degree(peer) < this.#least ? 0 : 1,
      hops[peer] === -1 ? -graph.size : -(hops[peer] as number),
      costs.of(place, peer),
      this.#rankOf(peer),
    ]);
  }

  // --- parts and blocks ---

  #join(): void {
    for (let parts = this.#graph.parts(); parts.length > 1; parts = this.#graph.parts()) {
      const [part = [], ...others] = parts.toSorted((one, other) => one.length - other.length);
      this.#connect(part, others.flat());
    }
  }

  #knit(): void {
    for (;;) {
      const { blocks, cuts } = this.#graph.blocks();
      if (cuts.size === 0) return;
      // What hangs on one agent only; there are two of them at least.
      const hanging = blocks.flatMap((block) => {
        const inner = block.filter((place) => !cuts.has(place));
        return block.length - inner.length === 1 ? [inner] : [];
      });
      const [block = [], ...others] = hanging;
      this.#connect(block, others.flat());
    }
  }

  /** The cheapest link between two groups that have none; where one of them has no room for it, a link of each is switched: of a-b and c-d come a-c and b-d. */
  #connect(group: readonly number[], others: readonly number[]): void {
    const graph = this.#graph;
    const { costs } = this.#options;
    const roomy = others.filter((place) => this.#mayHaveMore(place));
    let best: { readonly pair: Pair; readonly keys: readonly number[] } | undefined;
    for (const place of group) {
      if (!this.#mayHaveMore(place)) continue;
      for (const peer of roomy) {
        const [suspect, cost] = [costs.suspect(place, peer) ? 1 : 0, costs.of(place, peer)];
        const keys = [suspect, cost, graph.degree(place) + graph.degree(peer), this.#rankOf(place), this.#rankOf(peer)];
        if (best === undefined || compare(keys, best.keys) < 0) best = { pair: [place, peer], keys };
      }
    }
    if (best !== undefined) {
      graph.add(...best.pair);
      return;
    }
    this.#switch(this.#innerLink(group), this.#innerLink(others));
  }

  /** A link within a group without which the group still hangs together: whoever is in it has two at least, so that there are circles. The slowest one. */
  #innerLink(group: readonly number[]): Pair {
    const graph = this.#graph;
    const inside = new Set(group);
    const links = graph.links().filter(([a, b]) => inside.has(a) && inside.has(b) && this.#inCircle(a, b));
    const link = least(links, ([a, b]) => [
      -(this.#options.costs.measured(a, b) ?? 0),
      this.#rankOf(a),
      this.#rankOf(b),
    ]);
    invariant(link !== undefined, "rewire: a part whose agents have two links each has a circle");
    return link;
  }

  #inCircle(a: number, b: number): boolean {
    const graph = this.#graph;
    graph.drop(a, b);
    const another = graph.hops(a)[b] !== -1;
    graph.add(a, b);
    return another;
  }

  // --- zones ---

  /** Joins what the loss of a zone leaves apart, zone by zone, as long as that helps. @returns whether anything has changed */
  #surviveZones(): boolean {
    const { names } = this.#options.zones;
    let changed = false;
    for (let tooMany = this.#partsTooMany(); tooMany > 0; ) {
      if (!names.some((_, zone) => this.#joinedWithout(zone, tooMany))) break;
      changed = true;
      tooMany = this.#partsTooMany();
    }
    return changed;
  }

  #partsTooMany(): number {
    return partsTooMany(this.#graph, this.#options.zones);
  }

  /** One link more between two parts of what a zone's loss leaves; or else a link of each is switched, so that all stay sound. */
  #joinedWithout(zone: number, tooMany: number): boolean {
    const graph = this.#graph;
    const { costs, zones } = this.#options;
    const [part = [], ...rest] = partsWithout(graph, zones, zone).toSorted((one, other) => one.length - other.length);
    if (rest.length === 0) return false;
    const others = rest.flat();
    const roomy = (places: readonly number[]): number[] => places.filter((place) => this.#mayHaveMore(place));
    const [near, far] = [roomy(part), roomy(others)];
    const pairs = near.flatMap((one) => far.map((other): Pair => [one, other]));
    const best = least(pairs, ([one, other]) => [
      costs.suspect(one, other) ? 1 : 0,
      costs.of(one, other),
      graph.degree(one) + graph.degree(other),
      this.#rankOf(one),
      this.#rankOf(other),
    ]);
    if (best !== undefined) {
      graph.add(...best);
      return true;
    }
    const switchable = (places: readonly number[]): Pair[] => {
      const ranked = places.toSorted((one, other) => this.#rankOf(one) - this.#rankOf(other));
      return ranked.flatMap((a) => graph.neighbours(a).map((b): Pair => [a, b])).slice(0, ZONE_SWITCHES_TRIED);
    };
    const ofOthers = switchable(others);
    for (const [a, b] of switchable(part))
      for (const [c, d] of ofOthers) {
        if (b === d || a === d || b === c || graph.has(a, c) || graph.has(b, d)) continue;
        this.#switch([a, b], [c, d]);
        if (this.#sound() && this.#partsTooMany() < tooMany) return true;
        this.#switch([a, c], [b, d]);
      }
    return false;
  }

  /** Of a-b and c-d come a-c and b-d. */
  #switch([a, b]: Pair, [c, d]: Pair): void {
    const graph = this.#graph;
    graph.drop(a, b);
    graph.drop(c, d);
    graph.add(a, c);
    graph.add(b, d);
  }

  // --- latency ---

  /** Slow links go, the slowest first, where they are not needed, or where one or two that are known not to be slow take their place. */
  #quicken(): void {
    const graph = this.#graph;
    const { costs } = this.#options;
    const slow = graph.links().filter(([a, b]) => costs.slow(a, b));
    const slowest = slow.toSorted((one, other) => (costs.measured(...other) ?? 0) - (costs.measured(...one) ?? 0));
    // What takes a place may make room for the next: again until none goes.
    let gone = true;
    while (gone) {
      gone = false;
      for (const [a, b] of slowest) if (graph.has(a, b) && this.#replaced(a, b)) gone = true;
    }
  }

  #replaced(a: number, b: number): boolean {
    const graph = this.#graph;
    const { costs } = this.#options;
    const tooMany = this.#partsTooMany();
    const sound = (): boolean => this.#sound() && this.#partsTooMany() <= tooMany;
    graph.drop(a, b);
    if (sound()) return true;
    const others = (place: number, not: number): number[] => {
      const peers = this.#strangers(place).filter((peer) => peer !== not && costs.trusted(place, peer));
      return this.#mayHaveMore(place) ? this.#sorted(place, peers).slice(0, SWAPS_TRIED) : [];
    };
    const [ofA, ofB] = [others(a, b), others(b, a)];
    const swaps: Pair[][] = [
      ...ofA.map((peer): Pair[] => [[a, peer]]),
      ...ofB.map((peer): Pair[] => [[b, peer]]),
      ...ofA.flatMap((one) => ofB.map((other): Pair[] => [[a, one], [b, other]])), // biome-ignore format: two links
    ];
    for (const swap of swaps) {
      for (const pair of swap) graph.add(...pair);
      if (sound()) return true;
      for (const pair of swap) graph.drop(...pair);
    }
    graph.add(a, b);
    return false;
  }

  #sorted(place: number, peers: readonly number[]): number[] {
    const hops = this.#graph.hops(place);
    const keys = (peer: number): readonly number[] => [
      -(hops[peer] as number),
      this.#options.costs.of(place, peer),
      this.#rankOf(peer),
    ];
    return peers.toSorted((one, other) => compare(keys(one), keys(other)));
  }

  // --- order ---

  #rankOf(place: number): number {
    return this.#rank[place] as number;
  }
}

function least<T>(items: readonly T[], keysOf: (item: T) => readonly number[]): T | undefined {
  let best: { readonly item: T; readonly keys: readonly number[] } | undefined;
  for (const item of items) {
    const keys = keysOf(item);
    if (best === undefined || compare(keys, best.keys) < 0) best = { item, keys };
  }
  return best?.item;
}

/** By the first key that differs. */
function compare(one: readonly number[], other: readonly number[]): number {
  for (let at = 0; at < one.length; at++) {
    const [a, b] = [one[at] as number, other[at] as number];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
