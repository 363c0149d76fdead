import { broadcastingAgents } from "./broadcasting-agents.ts";
import { clustering, components, distances, inDegrees, oneSided } from "./overlay-graph.ts";
import { CYCLE_MS, OverlayNetwork, type Spread } from "./overlay-network.ts";
import { alone, type BenchOptions, type BenchReport, type Figure, machine } from "./report.ts";
import { mean } from "./statistics.ts";

export const PARTS = ["graph", "failures", "broadcast", "agents"] as const;

/** After so many shuffles of everybody it is measured: as many as in the paper, and fewer where only the passive views have to be mixed. */
const STABLE_CYCLES = 50;
const MIXED_CYCLES = 20;
const FAILING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
const QUICK_FAILING = [0.3, 0.8];
const HEALING_CYCLES = 2;
/** Longer than a flood takes, and short enough that hardly anybody shuffles while a thousand pass. */
const FLOOD_MS = 150;
const TREE_MS = 3000;
/** HyParView's Table 1, 10,000 agents. */
const PAPER = { clustering: 0.00092, path: 6.38542, lastHop: 9.0 };
const PAPER_SIZE = 10_000;

interface Scale {
  readonly size: number;
  readonly seeds: number;
  readonly floods: number;
}

/** HyParView and Plumtree among so many agents that are nothing else, beside what their papers measured. */
export async function run({ say, quick, parts }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [];
  if (parts.has("graph"))
    for (const size of quick ? [1000] : [1000, PAPER_SIZE]) {
      say(`overlay: the graph of ${size}`);
      figures.push(...graph(size));
    }
  if (parts.has("failures")) {
    for (const closes of [false, true]) {
      const scale: Scale = { size: 1000, seeds: quick ? 1 : 3, floods: quick || closes ? 100 : 1000 };
      for (const share of quick ? QUICK_FAILING : FAILING) {
        say(`overlay: ${100 * share} % of ${scale.size} fail, ${noticed(closes)}`);
        figures.push(...failure(scale, share, closes));
      }
    }
  }
  if (parts.has("broadcast"))
    for (const threshold of [Number.POSITIVE_INFINITY, 7, 3]) {
      say(`overlay: broadcasts, threshold ${threshold}`);
      figures.push(...broadcasts(1000, threshold, quick ? 20 : 100));
    }
  if (parts.has("agents"))
    for (const topology of ["k-regular", "small-world"] as const)
      for (const size of quick ? [12] : [12, 30, 100]) {
        say(`overlay: writes of ${size} whole agents, ${topology}`);
        figures.push(...broadcastingAgents(size, topology, quick ? 5 : 20));
      }
  return { bench: "overlay", machine: machine(), figures };
}

function noticed(closes: boolean): string {
  return closes ? "links close" : "noticed by who sends";
}

function stable(
  size: number,
  seed: string,
  options: { readonly closes?: boolean; readonly threshold?: number; readonly cycles?: number } = {},
): OverlayNetwork {
  const { closes = false, threshold, cycles = STABLE_CYCLES } = options;
  const network = new OverlayNetwork({ size, seed, closes, ...(threshold !== undefined && { tree: { threshold } }) });
  network.joinAll();
  network.run(cycles * CYCLE_MS);
  return network;
}

function graph(size: number): Figure[] {
  const network = stable(size, "graph");
  const views = network.active();
  const spreads = network.drawn(size > 1000 ? 20 : 100).map((from) => network.flood(from, 2 * FLOOD_MS));
  const beside = (name: string, value: number, unit: string, paper: number): Figure =>
    size === PAPER_SIZE
      ? { ...alone(name, unit, value), peer: "paper", peerValue: paper, ratio: value / paper }
      : alone(name, unit, value);
  const full = inDegrees(views).get(5) ?? 0;
  const { meanHops, farthestHops } = distances(views, 1000);
  return [
    beside(`${size}: average clustering coefficient`, clustering(views), "", PAPER.clustering),
    beside(`${size}: average shortest path`, meanHops, "hops", PAPER.path),
    beside(`${size}: to the farthest agent`, farthestHops, "hops", PAPER.lastHop),
    alone(`${size}: last hop of a flood, by latency`, "hops", mean(spreads.map(({ lastHop }) => lastHop))),
    alone(`${size}: agents that five others have for a neighbour`, "%", 100 * full),
    alone(`${size}: neighbours on one side only`, "", oneSided(views).length),
    alone(`${size}: parts`, "", components(views).length),
  ];
}

function failure({ size, seeds, floods }: Scale, share: number, closes: boolean): Figure[] {
  const runs = Array.from({ length: seeds }, (_, seed) => {
    const network = stable(size, `failure/${seed}`, { closes, cycles: MIXED_CYCLES });
    network.kill(network.drawn(Math.round(size * share)));
    const atOnce = largestPart(network);
    const reached = Array.from({ length: floods }, () => reliability(network));
    network.run(HEALING_CYCLES * CYCLE_MS);
    const healedPart = largestPart(network);
    const healed = mean(Array.from({ length: floods / 10 }, () => reliability(network)));
    const last = mean(reached.slice(-floods / 10));
    return { atOnce, first: reached[0] as number, all: mean(reached), last, healedPart, healed };
  });
  const name = `${100 * share} % fail, ${noticed(closes)}`;
  const percent = (what: string, of: keyof (typeof runs)[number]) =>
    alone(`${name}: ${what}`, "%", 100 * mean(runs.map((run) => run[of])));
  const whole = runs.filter(({ healedPart }) => healedPart === 1).length;
  return [
    percent("largest part at that moment", "atOnce"),
    percent("reached by the first flood", "first"),
    percent(`by all ${floods}`, "all"),
    percent("by the last tenth of them", "last"),
    percent(`after ${HEALING_CYCLES} cycles`, "healed"),
    percent("largest part then", "healedPart"),
    {
      name: `${name}: runs in one part then`,
      value: whole,
      unit: `of ${seeds}`,
      // Where nobody is told, who has lost everybody stays alone until it sends.
      goal: closes && share <= 0.3 ? "all, with up to 30 % failing" : "",
      met: !closes || share > 0.3 || whole === seeds,
    },
  ];
}

/** The share of those that run that are in it. */
function largestPart(network: OverlayNetwork): number {
  const [largest = 0] = components(network.active());
  return largest / network.running().length;
}

/** Of one flood by anybody, the share of those that run that got it. */
function reliability(network: OverlayNetwork): number {
  const [from] = network.drawn(1) as [number];
  const { reached, running } = network.flood(from, FLOOD_MS);
  return reached / running;
}

function redundancy({ payloads, reached }: Spread): number {
  return payloads / (reached - 1) - 1;
}

function broadcasts(size: number, threshold: number, count: number): Figure[] {
  const name = threshold === Number.POSITIVE_INFINITY ? "never shortened" : `threshold ${threshold}`;
  const figures: Figure[] = [];
  for (const senders of ["one sender", "many senders"]) {
    const network = stable(size, "broadcast", { threshold, cycles: MIXED_CYCLES });
    const [only] = network.drawn(1) as [number];
    const sender = () => (senders === "one sender" ? only : (network.drawn(1)[0] as number));
    const spreads = Array.from({ length: count }, () => network.broadcast(sender(), TREE_MS));
    // The first finds the tree.
    const settled = spreads.slice(count / 2);
    figures.push(
      alone(`${name}, ${senders}: RMR of the first`, "", redundancy(spreads[0] as Spread)),
      alone(`${name}, ${senders}: RMR once settled`, "", mean(settled.map(redundancy))),
      alone(`${name}, ${senders}: last delivery hop once settled`, "hops", mean(settled.map(({ lastHop }) => lastHop))),
      alone(`${name}, ${senders}: reached`, "%", 100 * mean(spreads.map(({ reached, running }) => reached / running))),
    );
  }
  const network = stable(size, "broadcast", { cycles: MIXED_CYCLES });
  const floods = network.drawn(20).map((from) => network.flood(from, 2 * FLOOD_MS));
  if (threshold === Number.POSITIVE_INFINITY)
    figures.push(
      alone("flooding: RMR", "", mean(floods.map(redundancy))),
      alone("flooding: last delivery hop", "hops", mean(floods.map(({ lastHop }) => lastHop))),
    );
  return figures;
}
