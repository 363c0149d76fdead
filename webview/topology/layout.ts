/** Where agents stand, by the kind of topology. Pure and deterministic: the same swarm looks the same every time. */

export interface Position {
  readonly x: number;
  readonly y: number;
}

export type Pair = readonly [string, string];

/** Distance between neighbours in the picture's own unit; at scale 1 a CSS pixel. */
export const SPACING = 110;

/** Above this many agents a circle is mostly hole: a disc is filled instead. */
const CIRCLE_LIMIT = 150;

/**
 * Positions for every agent, or null where the topology's shape says nothing and a force layout must find them.
 * @param topology the mesh file's topology kind
 */
export function layoutByKind(
  topology: string,
  agents: readonly string[],
  links: readonly Pair[],
): ReadonlyMap<string, Position> | null {
  switch (topology) {
    case "mesh":
      return agents.length > CIRCLE_LIMIT ? disc(agents) : circle(agents);
    case "ring":
    // Both hold the ring of all agents, in their order: what is drawn besides are chords.
    case "k-regular":
    case "small-world":
    // Its links come and go: the agents stay where they are.
    case "hyparview":
      return circle(agents);
    case "star":
      return star(agents, links);
    case "grid":
      return grid(agents);
    case "hierarchical":
      return layers(agents, links);
    default:
      return agents.length <= 3 ? circle(agents) : null;
  }
}

/** Evenly on a circle, the first at the top. */
export function circle(agents: readonly string[], centre: Position = { x: 0, y: 0 }): ReadonlyMap<string, Position> {
  const radius = circleRadius(agents.length);
  return new Map(
    agents.map((agent, i) => {
      const angle = (2 * Math.PI * i) / agents.length - Math.PI / 2;
      return [agent, { x: centre.x + radius * Math.cos(angle), y: centre.y + radius * Math.sin(angle) }];
    }),
  );
}

/** The radius at which neighbours on a circle of `count` are SPACING apart; two stand side by side, one in the centre. */
export function circleRadius(count: number): number {
  if (count <= 1) return 0;
  return SPACING / (2 * Math.sin(Math.PI / Math.max(count, 2)));
}

/** Sunflower arrangement: a filled disc with even distances (Vogel 1979). */
export function disc(agents: readonly string[]): ReadonlyMap<string, Position> {
  const golden = Math.PI * (3 - Math.sqrt(5));
  return new Map(
    agents.map((agent, i) => {
      const radius = SPACING * 0.56 * Math.sqrt(i + 0.5);
      return [agent, { x: radius * Math.cos(i * golden), y: radius * Math.sin(i * golden) }];
    }),
  );
}

function star(agents: readonly string[], links: readonly Pair[]): ReadonlyMap<string, Position> {
  const hub = mostLinked(agents, links);
  const others = agents.filter((agent) => agent !== hub);
  const rim = others.length > 2 ? circle(others) : circle([...others, "", ""].slice(0, 3));
  const positions = new Map(others.map((agent) => [agent, rim.get(agent) ?? { x: 0, y: 0 }] as const));
  if (hub !== undefined) positions.set(hub, { x: 0, y: 0 });
  return positions;
}

function mostLinked(agents: readonly string[], links: readonly Pair[]): string | undefined {
  const degrees = new Map<string, number>();
  for (const agent of links.flat()) degrees.set(agent, (degrees.get(agent) ?? 0) + 1);
  let best = agents[0];
  for (const agent of agents) if ((degrees.get(agent) ?? 0) > (degrees.get(best ?? "") ?? 0)) best = agent;
  return best;
}

function grid(agents: readonly string[]): ReadonlyMap<string, Position> {
  const columns = Math.ceil(Math.sqrt(agents.length));
  return new Map(
    agents.map((agent, i) => [agent, { x: (i % columns) * SPACING, y: Math.floor(i / columns) * SPACING }]),
  );
}

/** A tree from the top: each agent in the layer of its distance from the first, ordered under its parent. */
function layers(agents: readonly string[], links: readonly Pair[]): ReadonlyMap<string, Position> {
  const neighbours = neighboursOf(agents, links);
  const depths = new Map<string, number>();
  const rows: string[][] = [];
  for (const root of agents) {
    if (depths.has(root)) continue;
    depths.set(root, 0);
    const queue = [root];
    for (let agent = queue.shift(); agent !== undefined; agent = queue.shift()) {
      const depth = depths.get(agent) ?? 0;
      const row = rows[depth] ?? [];
      row.push(agent);
      rows[depth] = row;
      for (const next of neighbours.get(agent) ?? []) {
        if (depths.has(next)) continue;
        depths.set(next, depth + 1);
        queue.push(next);
      }
    }
  }
  const widest = Math.max(1, ...rows.map((row) => row.length));
  const positions = new Map<string, Position>();
  rows.forEach((row, depth) => {
    // Rows share one width, so that children stand under their parents; a lone root stands in the middle.
    const step = (widest * SPACING) / row.length;
    // Every second one is lowered a little: links between neighbours of one row stay visible.
    row.forEach((agent, i) => {
      const x = (i + 0.5) * step;
      positions.set(agent, { x, y: depth * SPACING * 1.3 + (row.length > 2 && i % 2 === 1 ? SPACING * 0.22 : 0) });
    });
  });
  return positions;
}

/** Each agent's neighbours, in the order of the agents. */
export function neighboursOf(
  agents: readonly string[],
  links: readonly Pair[],
): ReadonlyMap<string, readonly string[]> {
  const neighbours = new Map<string, string[]>(agents.map((agent) => [agent, []]));
  for (const [a, b] of links) {
    neighbours.get(a)?.push(b);
    neighbours.get(b)?.push(a);
  }
  const order = new Map(agents.map((agent, i) => [agent, i]));
  for (const list of neighbours.values()) list.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  return neighbours;
}
