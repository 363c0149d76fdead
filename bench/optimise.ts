import { LINKS_EACH, planTopology, type TopologyFigures } from "../server/core/overlay/optimise.ts";
import { buildLinks } from "../server/core/overlay/topology.ts";
import { type BenchOptions, type BenchReport, type Figure, machine } from "./report.ts";

const KINDS = ["star", "ring", "grid", "hierarchical", "small-world"] as const;
const SIZES = [12, 100, 1_000];
const QUICK_SIZES = [12, 100];

/** How long it takes to plan the links of so many agents, and what plans make of the topologies; nothing is measured, so only by hops. */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [];
  for (const size of quick ? QUICK_SIZES : SIZES)
    for (const kind of KINDS) {
      const agents = Array.from({ length: size }, (_, at) => `a${at + 1}`);
      const links = buildLinks(kind, agents);
      // Of the processor, not of the wall: a plan waits for nothing.
      const startedAt = process.cpuUsage();
      const { add, drop, before, after } = planTopology({ agents, links });
      const took = process.cpuUsage(startedAt);
      say(
        `${size} agents, ${kind}: ${tellFigures(before)} -> ${tellFigures(after)}, ${add.length} added, ${drop.length} dropped`,
      );
      const broken =
        after.articulationPoints.length > 0 ||
        after.mostLinks > LINKS_EACH.most ||
        after.fewestLinks < LINKS_EACH.least;
      figures.push({
        name: `to plan ${size} agents, ${kind}`,
        value: Math.round((took.user + took.system) / 1000),
        unit: "ms of processor",
        goal: "a sound plan",
        met: !broken,
      });
    }
  return { bench: "optimise", machine: machine(), figures };
}

function tellFigures({ links, diameter, articulationPoints, smallestCut }: TopologyFigures): string {
  return `${links} links, diameter ${diameter}, ${articulationPoints.length} articulation points, smallest cut ${smallestCut?.links}`;
}
