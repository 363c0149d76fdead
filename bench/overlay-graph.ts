/** What a graph of agents is like, by places: `linked[a]` are those that a has in its view; undefined: a does not run. Edges to those that do not run do not count. */
export type Views = readonly (readonly number[] | undefined)[];

/** Sizes of the parts that hang together, the largest first; an edge counts in both directions, whoever has it. */
export function components(views: Views): number[] {
  const linked = undirected(views);
  const seen = new Uint8Array(views.length);
  const sizes: number[] = [];
  for (let start = 0; start < views.length; start++) {
    if (views[start] === undefined || seen[start] === 1) continue;
    seen[start] = 1;
    const part = [start];
    for (const at of part)
      for (const next of linked[at] as readonly number[]) {
        if (seen[next] === 1) continue;
        seen[next] = 1;
        part.push(next);
      }
    sizes.push(part.length);
  }
  return sizes.sort((a, b) => b - a);
}

/** Mean of what share of an agent's neighbours are neighbours of each other (Watts and Strogatz 1998); 0 for one with fewer than two. */
export function clustering(views: Views): number {
  const linked = undirected(views).map((neighbours) => new Set(neighbours));
  let [sum, running] = [0, 0];
  for (const [place, view] of views.entries()) {
    if (view === undefined) continue;
    running++;
    const neighbours = [...(linked[place] as ReadonlySet<number>)];
    if (neighbours.length < 2) continue;
    let closed = 0;
    for (const [at, one] of neighbours.entries())
      for (const other of neighbours.slice(at + 1)) if (linked[one]?.has(other)) closed++;
    sum += closed / ((neighbours.length * (neighbours.length - 1)) / 2);
  }
  return sum / running;
}

export interface Distances {
  /** Of the shortest way from one agent to another, on average, among those that reach each other. */
  readonly meanHops: number;
  /** To the agent farthest from one, on average. */
  readonly farthestHops: number;
}

/** From up to so many agents, evenly apart, to all others that they reach. */
export function distances(views: Views, sources: number): Distances {
  const linked = undirected(views);
  const running = views.flatMap((view, place) => (view === undefined ? [] : [place]));
  const step = Math.max(1, Math.floor(running.length / sources));
  let [sum, pairs, farthest, begun] = [0, 0, 0, 0];
  for (let at = 0; at < running.length; at += step) {
    const hops = new Int32Array(views.length).fill(-1);
    const from = running[at] as number;
    hops[from] = 0;
    const queue = [from];
    for (const here of queue)
      for (const next of linked[here] as readonly number[]) {
        if (hops[next] !== -1) continue;
        hops[next] = (hops[here] as number) + 1;
        sum += hops[next] as number;
        pairs++;
        queue.push(next);
      }
    farthest += hops[queue.at(-1) as number] as number;
    begun++;
  }
  return { meanHops: sum / pairs, farthestHops: farthest / begun };
}

/** By number of agents that have it in their views (its in-degree), what share of those that run. */
export function inDegrees(views: Views): ReadonlyMap<number, number> {
  const counts = new Array<number>(views.length).fill(0);
  for (const view of views) for (const next of view ?? []) counts[next] = (counts[next] as number) + 1;
  const shares = new Map<number, number>();
  const running = views.filter((view) => view !== undefined).length;
  for (const [place, count] of counts.entries())
    if (views[place] !== undefined) shares.set(count, (shares.get(count) ?? 0) + 1 / running);
  return new Map([...shares].sort(([a], [b]) => a - b));
}

/** Pairs of which one has the other in its view, and not the other way round. */
export function oneSided(views: Views): (readonly [has: number, hasNot: number])[] {
  return views.flatMap((view, place) =>
    (view ?? [])
      .filter((next) => views[next] !== undefined && !views[next].includes(place))
      .map((next) => [place, next] as const),
  );
}

function undirected(views: Views): number[][] {
  const linked: Set<number>[] = views.map(() => new Set());
  for (const [place, view] of views.entries())
    for (const next of view ?? []) {
      if (views[next] === undefined) continue;
      linked[place]?.add(next);
      linked[next]?.add(place);
    }
  return linked.map((neighbours) => [...neighbours]);
}
