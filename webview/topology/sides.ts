/** The sides of a partition: which agents can still reach each other, and where each side stands while they cannot. */
import type { LinkView } from "../../server/contract/swarm.ts";
import { circle, circleRadius, type Position, SPACING } from "./layout.ts";

/**
 * Agents grouped by the links that no fault cuts, largest group first. One group (or none) means that nothing is partitioned.
 * Only cut links count: a crashed agent's links are down, not cut.
 */
export function sidesOf(agents: readonly string[], links: readonly LinkView[]): readonly (readonly string[])[] {
  if (!links.some((link) => link.state === "cut")) return [agents];
  const parent = new Map(agents.map((agent) => [agent, agent]));
  const rootOf = (agent: string): string => {
    let root = agent;
    for (let next = parent.get(root); next !== undefined && next !== root; next = parent.get(root)) root = next;
    parent.set(agent, root);
    return root;
  };
  for (const link of links) if (link.state !== "cut") parent.set(rootOf(link.a), rootOf(link.b));
  const groups = new Map<string, string[]>();
  for (const agent of agents) {
    const root = rootOf(agent);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [agent]);
    else group.push(agent);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

export interface Island {
  readonly agents: readonly string[];
  readonly centre: Position;
  readonly radius: number;
  /** Whether it can decide: a majority of the whole swarm's voters stands on it, or it takes none. */
  readonly quorum: boolean;
}

/** Above this many agents sides are not moved apart: too much would move to be followed. */
export const ISLAND_LIMIT = 60;

const MARGIN = SPACING * 0.62;

/** Places each side as a circle of its own; side by side, or one under the other where the view is `tall`. */
export function islandsOf(
  sides: readonly (readonly string[])[],
  quorum: number,
  tall: boolean,
  votes: (agent: string) => boolean = () => true,
): { readonly islands: readonly Island[]; readonly positions: ReadonlyMap<string, Position> } {
  const islands: Island[] = [];
  const positions = new Map<string, Position>();
  let along = 0;
  for (const agents of sides) {
    const radius = circleRadius(agents.length) + MARGIN;
    const centre = tall ? { x: 0, y: along + radius } : { x: along + radius, y: 0 };
    along += 2 * radius + SPACING * 0.9;
    islands.push({ agents, centre, radius, quorum: agents.filter(votes).length >= quorum });
    for (const [agent, position] of circle(agents, centre)) positions.set(agent, position);
  }
  return { islands, positions };
}
