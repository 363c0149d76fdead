/** A plan of a topology in words: what comes and goes, and a table of what the swarm is like before and after it. */
import type { PlannedLink, TopologyFigures, TopologyPlanView, ZoneFigures } from "../contract/topology.ts";

/** Links that are named one by one, and agents of a cut. */
const MAX_LISTED = 40;
const MAX_NAMED = 5;

export function planText({
  add,
  drop,
  usualMs,
  before,
  after,
  least,
  most,
}: Omit<TopologyPlanView, "text" | "basis">): string {
  const bounds = `${least} to ${most} links an agent, and two ways at least between any two that share no agent`;
  const measured = usualMs === null ? "no latency was measured yet" : `a link usually takes ${msText(usualMs)} one way`;
  if (add.length === 0 && drop.length === 0)
    return [`Nothing to change: there are ${bounds} (${measured}).`, "", tableText(before, after)].join("\n");
  const lines = [`Plan for ${bounds} (${measured}):`, ""];
  lines.push(...listText("add", add, "at most "), ...listText("drop", drop, ""), "", tableText(before, after));
  if (before.diameter !== null && after.diameter !== null && after.diameter > before.diameter)
    lines.push(
      "",
      `Some will be ${after.diameter} hops apart, where ${before.diameter} were enough: that is what fewer links for each cost.`,
    );
  return lines.join("\n");
}

function listText(what: "add" | "drop", links: readonly PlannedLink[], bound: string): string[] {
  const shown = links.slice(0, MAX_LISTED).map(({ a, b, latencyMs }) => {
    const takes = latencyMs === null ? "" : `  ${bound}${msText(latencyMs)}`;
    return `  ${what.padEnd(4)}  ${a} - ${b}${takes}`;
  });
  return links.length > MAX_LISTED ? [...shown, `  ${what.padEnd(4)}  ${links.length - MAX_LISTED} more`] : shown;
}

function tableText(before: TopologyFigures, after: TopologyFigures): string {
  const rows = [
    ["", "before", "after"],
    ...ROWS.map(([name, cell]) => [name, cell(before), cell(after)]),
    ...before.zones.flatMap((was, at) => zoneRows(was, after.zones[at] ?? was)),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows
    .map(
      ([name = "", was = "", is = ""]) =>
        `${name.padEnd(widths[0] as number)}  ${was.padEnd(widths[1] as number)}  ${is}`,
    )
    .join("\n");
}

function zoneRows(was: ZoneFigures, is: ZoneFigures): string[][] {
  const out = ({ linksOut, agentsOut }: ZoneFigures): string => `${linksOut} of ${agentsOut} agents`;
  const survived = (figures: ZoneFigures): string => (figures.survived ? "yes" : "no");
  return [
    [`links out of zone ${was.zone}`, out(was), out(is)],
    [`survives the loss of zone ${was.zone}`, survived(was), survived(is)],
  ];
}

const ROWS: readonly (readonly [string, (figures: TopologyFigures) => string])[] = [
  ["links", ({ links }) => String(links)],
  ["links an agent", ({ fewestLinks, mostLinks }) => `${fewestLinks} to ${mostLinks}`],
  ["diameter, hops", ({ diameter }) => (diameter === null ? "falls apart" : String(diameter))],
  [
    "falls apart without",
    ({ articulationPoints }) => (articulationPoints.length === 0 ? "nobody" : namesText(articulationPoints)),
  ],
  [
    "smallest cut, links",
    ({ smallestCut }) => (smallestCut === null ? "-" : `${smallestCut.links} (${namesText(smallestCut.side)})`),
  ],
  ["smallest cut, agents", ({ agentCut }) => (agentCut === null ? "not computed" : String(agentCut))],
  ["mean latency", ({ meanLatencyMs }) => (meanLatencyMs === null ? "not known" : msText(meanLatencyMs))],
  ["slow links", ({ slowLinks }) => String(slowLinks)],
];

function namesText(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMED).join(", ");
  return ids.length > MAX_NAMED ? `${named} and ${ids.length - MAX_NAMED} more` : named;
}

function msText(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}
