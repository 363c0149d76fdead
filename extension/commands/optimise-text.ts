import type { TopologyFigures } from "../../server/contract/topology.ts";

/** In a few lines, for a dialogue; the document has the whole. */
export function changesText(before: TopologyFigures, after: TopologyFigures): string {
  const rows: readonly [string, (figures: TopologyFigures) => string][] = [
    [
      "Diameter",
      ({ diameter }) => (diameter === null ? "not connected" : `${diameter} ${diameter === 1 ? "hop" : "hops"}`),
    ],
    ["Smallest cut", ({ smallestCut }) => (smallestCut === null ? "none" : linksText(smallestCut.links))],
    [
      "Falls apart without",
      ({ articulationPoints }) => (articulationPoints.length === 0 ? "nobody" : articulationPoints.join(", ")),
    ],
  ];
  return rows.map(([name, of]) => `${name}: ${of(before)} → ${of(after)}`).join("\n");
}

export function linksText(count: number): string {
  return `${count} ${count === 1 ? "link" : "links"}`;
}
