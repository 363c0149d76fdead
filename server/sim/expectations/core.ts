import type { Random } from "../../core/random.ts";

/**
 * A majority that hangs together without the others, drawn from the seed; all agents when there is no smaller one. Places in the roster, in order.
 * @param neighbours by place
 */
export function drawCore(random: Random, neighbours: readonly (readonly number[])[]): readonly number[] {
  const size = Math.floor(neighbours.length / 2) + 1;
  const core = new Set<number>([random.int(0, neighbours.length - 1)]);
  while (core.size < size) {
    const next = neighbours.flatMap((_, place) =>
      !core.has(place) && neighbours[place]?.some((peer) => core.has(peer)) ? [place] : [],
    );
    if (next.length === 0) return neighbours.map((_, place) => place);
    core.add(random.pick(next));
  }
  return [...core].sort((a, b) => a - b);
}
