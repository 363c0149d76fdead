import type { AgentId } from "../consensus.ts";

export const TOPOLOGY_KINDS = ["mesh", "ring", "star", "grid", "hierarchical", "links"] as const;
/** mesh: everyone with everyone. star: the first agent in the middle. grid: rows as near to a square as possible. hierarchical: a tree with three children a node. links: as listed. */
export type TopologyKind = (typeof TOPOLOGY_KINDS)[number];

/** An undirected link, its ends in the order of the roster. */
export interface Link {
  readonly a: AgentId;
  readonly b: AgentId;
}
