/**
 * A force layout for graphs without a shape of their own (Fruchterman and Reingold 1991), with repulsion cut off beyond a
 * distance so that a round costs about as much as there are agents and links. Deterministic: it starts from a sunflower in
 * breadth-first order and draws no random number.
 */
import { disc, neighboursOf, type Pair, type Position, SPACING } from "./layout.ts";

const ROUNDS = 220;
const REACH = 3 * SPACING;

export function forceLayout(agents: readonly string[], links: readonly Pair[]): ReadonlyMap<string, Position> {
  const ordered = breadthFirst(agents, links);
  const start = disc(ordered);
  const count = ordered.length;
  const x = Float64Array.from(ordered, (agent) => (start.get(agent)?.x ?? 0) * 1.4);
  const y = Float64Array.from(ordered, (agent) => (start.get(agent)?.y ?? 0) * 1.4);
  const index = new Map(ordered.map((agent, i) => [agent, i]));
  const edges = links
    .map(([a, b]) => [index.get(a), index.get(b)] as const)
    .filter((edge): edge is readonly [number, number] => edge[0] !== undefined && edge[1] !== undefined);
  const dx = new Float64Array(count);
  const dy = new Float64Array(count);
  for (let round = 0; round < ROUNDS; round++) {
    dx.fill(0);
    dy.fill(0);
    repel(x, y, dx, dy);
    attract(edges, x, y, dx, dy);
    const stepMax = SPACING * 1.2 * (1 - round / ROUNDS) ** 1.5 + 0.5;
    for (let i = 0; i < count; i++) {
      // A weak pull to the centre keeps parts without a link between them in one picture.
      const fx = dx[i]! - x[i]! * 0.012;
      const fy = dy[i]! - y[i]! * 0.012;
      const length = Math.hypot(fx, fy);
      if (length === 0) continue;
      const step = Math.min(length, stepMax) / length;
      x[i]! += fx * step;
      y[i]! += fy * step;
    }
  }
  return new Map(ordered.map((agent, i) => [agent, { x: x[i]!, y: y[i]! }]));
}

/** Pushes agents within reach of each other apart, with force SPACING² / distance. */
function repel(x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array): void {
  const cells = new Map<number, number[]>();
  const cellOf = (i: number): readonly [number, number] => [Math.floor(x[i]! / REACH), Math.floor(y[i]! / REACH)];
  for (let i = 0; i < x.length; i++) {
    const [column, row] = cellOf(i);
    const key = row * 65_537 + column;
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, [i]);
    else cell.push(i);
  }
  for (let i = 0; i < x.length; i++) {
    const [column, row] = cellOf(i);
    for (let r = row - 1; r <= row + 1; r++) {
      for (let c = column - 1; c <= column + 1; c++) {
        for (const j of cells.get(r * 65_537 + c) ?? []) if (j > i) repelPair(i, j, x, y, dx, dy);
      }
    }
  }
}

function repelPair(i: number, j: number, x: Float64Array, y: Float64Array, dx: Float64Array, dy: Float64Array): void {
  let ax = x[i]! - x[j]!;
  let ay = y[i]! - y[j]!;
  let squared = ax * ax + ay * ay;
  if (squared >= REACH * REACH) return;
  if (squared < 1) {
    // Two on one spot part along a direction given by their numbers.
    ax = Math.cos(i + j);
    ay = Math.sin(i + j);
    squared = 1;
  }
  const push = (SPACING * SPACING) / squared;
  dx[i]! += ax * push;
  dy[i]! += ay * push;
  dx[j]! -= ax * push;
  dy[j]! -= ay * push;
}

/** Pulls linked agents together, with force distance² / SPACING. */
function attract(
  edges: readonly (readonly [number, number])[],
  x: Float64Array,
  y: Float64Array,
  dx: Float64Array,
  dy: Float64Array,
): void {
  for (const [a, b] of edges) {
    const ax = x[b]! - x[a]!;
    const ay = y[b]! - y[a]!;
    const pull = Math.hypot(ax, ay) / SPACING / 1.6;
    dx[a]! += ax * pull;
    dy[a]! += ay * pull;
    dx[b]! -= ax * pull;
    dy[b]! -= ay * pull;
  }
}

function breadthFirst(agents: readonly string[], links: readonly Pair[]): readonly string[] {
  const neighbours = neighboursOf(agents, links);
  const seen = new Set<string>();
  for (const root of agents) {
    if (seen.has(root)) continue;
    seen.add(root);
    const queue = [root];
    for (let at = 0; at < queue.length; at++) {
      for (const next of neighbours.get(queue[at]!) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        queue.push(next);
      }
    }
  }
  return [...seen];
}
