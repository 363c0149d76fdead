/**
 * Agents by their places, and the links between them, to add and to drop; and its blocks: the largest parts that no single agent's failure takes apart
 * (Hopcroft and Tarjan: Algorithm 447, Efficient algorithms for graph manipulation, CACM 16, 1973). Neighbours are always in the order of their places.
 */
export class LinkGraph {
  readonly size: number;
  readonly #neighbours: Set<number>[];

  constructor(size: number, links: Iterable<readonly [number, number]>) {
    this.size = size;
    this.#neighbours = Array.from({ length: size }, () => new Set());
    for (const [one, other] of links) this.add(one, other);
  }

  /** With the same links, to try something on. */
  copy(): LinkGraph {
    return new LinkGraph(this.size, this.links());
  }

  has(one: number, other: number): boolean {
    return this.#of(one).has(other);
  }

  degree(place: number): number {
    return this.#of(place).size;
  }

  neighbours(place: number): number[] {
    return [...this.#of(place)].sort((one, other) => one - other);
  }

  add(one: number, other: number): void {
    this.#of(one).add(other);
    this.#of(other).add(one);
  }

  drop(one: number, other: number): void {
    this.#of(one).delete(other);
    this.#of(other).delete(one);
  }

  /** Each once, the lower place first, in order. */
  links(): [number, number][] {
    const links: [number, number][] = [];
    for (let low = 0; low < this.size; low++)
      for (const high of this.neighbours(low)) if (low < high) links.push([low, high]);
    return links;
  }

  /** Hops from one agent to each; -1 where no way leads. */
  hops(from: number): Int32Array {
    const hops = new Int32Array(this.size).fill(-1);
    hops[from] = 0;
    const queue = [from];
    for (const at of queue)
      for (const next of this.#of(at)) {
        if (hops[next] !== -1) continue;
        hops[next] = (hops[at] as number) + 1;
        queue.push(next);
      }
    return hops;
  }

  /** Hops between the two that are farthest apart; null: not connected. */
  diameter(): number | null {
    let farthest = 0;
    for (let from = 0; from < this.size; from++)
      for (const hops of this.hops(from)) {
        if (hops === -1) return null;
        farthest = Math.max(farthest, hops);
      }
    return farthest;
  }

  /** Those that reach one another, part by part. */
  parts(): number[][] {
    const seen = new Set<number>();
    const parts: number[][] = [];
    for (let first = 0; first < this.size; first++) {
      if (seen.has(first)) continue;
      const part = [first];
      seen.add(first);
      for (const at of part)
        for (const next of this.#of(at)) {
          if (seen.has(next)) continue;
          seen.add(next);
          part.push(next);
        }
      parts.push(part);
    }
    return parts;
  }

  /** Connected, and whoever goes leaves the others connected. */
  biconnected(): boolean {
    return this.parts().length <= 1 && this.blocks().cuts.size === 0;
  }

  /** Its blocks, each as the agents in it, and the agents that are in more than one: the articulation points. */
  blocks(): { readonly blocks: readonly (readonly number[])[]; readonly cuts: ReadonlySet<number> } {
    const number = new Int32Array(this.size).fill(-1);
    const lowest = new Int32Array(this.size);
    const blocks: number[][] = [];
    const cuts = new Set<number>();
    let visited = 0;
    for (let root = 0; root < this.size; root++) {
      if (number[root] !== -1) continue;
      const pending = [root];
      const path = [{ at: root, rest: this.neighbours(root).values() }];
      number[root] = lowest[root] = visited++;
      let ofRoot = 0;
      // Depth first, with a path of its own: a swarm of a thousand may be a chain.
      for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
        const { at, rest } = last;
        const step = rest.next();
        const parent = path.at(-2)?.at;
        if (step.done !== true) {
          const next = step.value;
          if (number[next] === -1) {
            number[next] = lowest[next] = visited++;
            pending.push(next);
            path.push({ at: next, rest: this.neighbours(next).values() });
          } else if (next !== parent) lowest[at] = Math.min(lowest[at] as number, number[next] as number);
          continue;
        }
        path.pop();
        if (parent === undefined) continue;
        lowest[parent] = Math.min(lowest[parent] as number, lowest[at] as number);
        if ((lowest[at] as number) < (number[parent] as number)) continue;
        blocks.push([...pending.splice(pending.indexOf(at)), parent]);
        if (parent !== root || ++ofRoot > 1) cuts.add(parent);
      }
    }
    return { blocks, cuts };
  }

  #of(place: number): Set<number> {
    return this.#neighbours[place] as Set<number>;
  }
}
