import type { AgentId } from "../consensus.ts";

/** Those with so many links an agent, of which some are drawn. */
const DRAWN_KINDS = ["k-regular", "small-world"] as const;
export type DrawnKind = (typeof DRAWN_KINDS)[number];

export const TOPOLOGY_KINDS = [
  "mesh",
  "ring",
  "star",
  "grid",
  "hierarchical",
  ...DRAWN_KINDS,
  "hyparview",
  "links",
] as const;
/**
 * mesh: everyone with everyone. star: the first agent in the middle. grid: rows as near to a square as possible. hierarchical: a tree with three children a node.
 * k-regular: so many links each, drawn. small-world: so many links each with the nearest on a ring, and drawn shortcuts. hyparview: the agents look
 * for their links themselves; its links are those that there may be. links: as listed.
 */
export type TopologyKind = (typeof TOPOLOGY_KINDS)[number];

/** How many links an agent has in a topology that has a degree. */
export const DEGREE = { min: 2, max: 16, usual: 4 } as const;

/** How many links an agent has at most that looks for them itself. */
export const OVERLAY_DEGREE = { min: 3, max: 5, usual: 4 } as const;

/** What agents that look for their links themselves are to know for that; undefined for all others. */
export function overlayOf(
  kind: TopologyKind,
  degree: number = OVERLAY_DEGREE.usual,
): { readonly degree: number } | undefined {
  return kind === "hyparview" ? { degree } : undefined;
}

export function hasDegree(kind: TopologyKind): kind is DrawnKind {
  return DRAWN_KINDS.some((drawn) => drawn === kind);
}

/** An undirected link, its ends in the order of the roster. */
export interface Link {
  readonly a: AgentId;
  readonly b: AgentId;
}
