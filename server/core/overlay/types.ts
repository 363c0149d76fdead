import type { AgentId } from "../consensus.ts";

/** Those with so many links an agent, of which some are drawn. */
const DRAWN_KINDS = ["k-regular", "small-world"] as const;
export type DrawnKind = (typeof DRAWN_KINDS)[number];

export const TOPOLOGY_KINDS = ["mesh", "ring", "star", "grid", "hierarchical", ...DRAWN_KINDS, "links"] as const;
/**
 * mesh: everyone with everyone. star: the first agent in the middle. grid: rows as near to a square as possible. hierarchical: a tree with three children a node.
 * k-regular: so many links each, drawn. small-world: so many links each with the nearest on a ring, and drawn shortcuts. links: as listed.
 */
export type TopologyKind = (typeof TOPOLOGY_KINDS)[number];

/** How many links an agent has in a topology that has a degree. */
export const DEGREE = { min: 2, max: 16, usual: 4 } as const;

export function hasDegree(kind: TopologyKind): kind is DrawnKind {
  return DRAWN_KINDS.some((drawn) => drawn === kind);
}

/** An undirected link, its ends in the order of the roster. */
export interface Link {
  readonly a: AgentId;
  readonly b: AgentId;
}
