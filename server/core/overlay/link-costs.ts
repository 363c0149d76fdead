import type { LinkGraph } from "./link-graph.ts";

/** A link that takes more than so many times what is usual is slow, ... */
export const SLOW_FACTOR = 3;
/** ... if it also takes so much more, ms: below it, differences tell of processes' turns and not of links. */
export const SLOW_MARGIN_MS = 10;

/** What was measured between two places of the roster, ms. */
export type Measured = readonly [number, number, number];

/**
 * What a message takes, one way, between any two agents: as measured, where it was; else what the fastest way over measured ones takes, which is an upper bound, as a link
 * between the two could be no slower than to hand the message on by that way. All follows from the measurements alone, and from none of the links that are there or not.
 */
export class LinkCosts {
  /** What is usual: the median of all that are not slow, ms; undefined where nothing was measured. */
  readonly usualMs: number | undefined;
  readonly #size: number;
  readonly #measured: readonly Map<number, number>[];
  readonly #slowAboveMs: number;
  readonly #ways = new Map<number, Float64Array>();
  readonly #quickWays = new Map<number, Float64Array>();

  constructor(size: number, measured: readonly Measured[]) {
    this.#size = size;
    this.#measured = Array.from({ length: size }, () => new Map());
    for (const [one, other, ms] of measured) {
      this.#of(one).set(other, ms);
      this.#of(other).set(one, ms);
    }
    const sorted = measured.map(([, , ms]) => ms).sort((one, other) => one - other);
    [this.usualMs, this.#slowAboveMs] = usual(sorted);
  }

  measured(one: number, other: number): number | undefined {
    return this.#of(one).get(other);
  }

  /** ms, at most; Infinity where nothing is known. */
  of(one: number, other: number): number {
    return this.measured(one, other) ?? (this.#waysFrom(one, this.#ways, Number.POSITIVE_INFINITY)[other] as number);
  }

  /** It was measured, and takes far longer than usual. */
  slow(one: number, other: number): boolean {
    return (this.measured(one, other) ?? 0) > this.#slowAboveMs;
  }

  /** It is slow, or what was measured leads from one to the other over slow links only: so would this one be. */
  suspect(one: number, other: number): boolean {
    if (this.measured(one, other) !== undefined) return this.slow(one, other);
    const quick = this.#waysFrom(one, this.#quickWays, this.#slowAboveMs)[other] as number;
    return quick === Number.POSITIVE_INFINITY && this.of(one, other) < Number.POSITIVE_INFINITY;
  }

  /** Something is known of it, and nothing that is slow. */
  trusted(one: number, other: number): boolean {
    return !this.suspect(one, other) && this.of(one, other) < Number.POSITIVE_INFINITY;
  }

  #waysFrom(from: number, known: Map<number, Float64Array>, upToMs: number): Float64Array {
    let ways = known.get(from);
    if (ways === undefined) {
      const steps = (at: number): Iterable<readonly [number, number]> => this.#of(at);
      ways = shortestWays(this.#size, from, steps, upToMs);
      known.set(from, ways);
    }
    return ways;
  }

  #of(place: number): Map<number, number> {
    return this.#measured[place] as Map<number, number>;
  }
}

/** What messages take on the shortest ways over a graph's links, mean over all pairs, ms; null where a link, or the ways of two, are not known. */
export function meanLatencyMs(graph: LinkGraph, costs: LinkCosts): number | null {
  if (graph.links().some(([one, other]) => costs.of(one, other) === Number.POSITIVE_INFINITY)) return null;
  const weighed = Array.from({ length: graph.size }, (_, at) =>
    graph.neighbours(at).map((next) => [next, costs.of(at, next)] as const),
  );
  let sum = 0;
  for (let from = 0; from < graph.size; from++) {
    const steps = (at: number): Iterable<readonly [number, number]> => weighed[at] ?? [];
    for (const ms of shortestWays(graph.size, from, steps, Number.POSITIVE_INFINITY)) sum += ms;
  }
  const pairs = graph.size * (graph.size - 1);
  return pairs === 0 || !Number.isFinite(sum) ? null : sum / pairs;
}

/** The usual and what is slow, of sorted latencies. What is slow does not count for what is usual, and so not for what is slow, either: until nothing more is. */
function usual(sorted: readonly number[]): [number | undefined, number] {
  let count = sorted.length;
  for (;;) {
    if (count === 0) return [undefined, Number.POSITIVE_INFINITY];
    const median = ((sorted[(count - 1) >> 1] as number) + (sorted[count >> 1] as number)) / 2;
    const limit = Math.max(SLOW_FACTOR * median, median + SLOW_MARGIN_MS);
    const left = sorted.slice(0, count).filter((ms) => ms <= limit).length;
    if (left === count) return [median, limit];
    count = left;
  }
}

/** Dijkstra 1959, with a binary heap; Infinity where no way leads. @param upToMs steps that take longer are none */
function shortestWays(
  size: number,
  from: number,
  steps: (at: number) => Iterable<readonly [number, number]>,
  upToMs: number,
): Float64Array {
  const ways = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  ways[from] = 0;
  const heap = new WayHeap();
  heap.push(0, from);
  for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
    const [ms, at] = top;
    if (ms > (ways[at] as number)) continue;
    for (const [next, step] of steps(at)) {
      const total = ms + step;
      if (step > upToMs || total >= (ways[next] as number)) continue;
      ways[next] = total;
      heap.push(total, next);
    }
  }
  return ways;
}

/** The least first. */
class WayHeap {
  readonly #items: (readonly [number, number])[] = [];

  push(ms: number, place: number): void {
    const items = this.#items;
    let at = items.length;
    items.push([ms, place]);
    for (let up = (at - 1) >> 1; at > 0 && (items[up] as readonly [number, number])[0] > ms; up = (at - 1) >> 1) {
      [items[at], items[up]] = [items[up] as readonly [number, number], items[at] as readonly [number, number]];
      at = up;
    }
  }

  pop(): readonly [number, number] | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    items[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const ms = (place: number): number => items[place]?.[0] ?? Number.POSITIVE_INFINITY;
      const least = ms(right) < ms(left) ? right : left;
      if (ms(least) >= ms(at)) return top;
      [items[at], items[least]] = [items[least] as readonly [number, number], items[at] as readonly [number, number]];
      at = least;
    }
  }
}
