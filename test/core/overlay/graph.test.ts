import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { articulationPoints, biconnected, diameter } from "../../../server/core/overlay/graph.ts";
import { buildLinks, connected } from "../../../server/core/overlay/topology.ts";
import type { Link } from "../../../server/core/overlay/types.ts";

interface Graph {
  readonly ids: readonly string[];
  readonly links: readonly Link[];
}

function roster(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `a${at + 1}`);
}

function listed(ids: readonly string[], ...links: (readonly [string, string])[]): Graph {
  return { ids, links: buildLinks("links", ids, { links }) };
}

/** Any graph of up to 8 agents; some links twice, in both directions. */
const anyGraph: fc.Arbitrary<Graph> = fc.integer({ min: 0, max: 8 }).chain((size) => {
  const end = fc.integer({ min: 1, max: Math.max(1, size) }).map((number) => `a${number}`);
  const link = fc.tuple(end, end).filter(([a, b]) => a !== b || size < 2);
  return fc.array(link, { maxLength: 14 }).map((pairs) => ({
    ids: roster(size),
    links: size < 2 ? [] : pairs.map(([a, b]) => ({ a, b })),
  }));
});

/** Into how many parts the graph falls. */
function parts({ ids, links }: Graph): number {
  let rest = ids;
  let count = 0;
  while (rest.length > 0) {
    count++;
    const part = new Set([rest[0] as string]);
    for (const id of part)
      for (const { a, b } of links) {
        if (a === id && ids.includes(b)) part.add(b);
        if (b === id && ids.includes(a)) part.add(a);
      }
    rest = rest.filter((id) => !part.has(id));
  }
  return count;
}

function without({ ids, links }: Graph, gone: string): Graph {
  return { ids: ids.filter((id) => id !== gone), links };
}

describe("what a graph of agents hangs on", () => {
  it("is whoever leaves more parts behind than there were (compared with trying each)", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const expected = graph.ids.filter((id) => parts(without(graph, id)) > parts(graph));
        assert.deepEqual(articulationPoints(graph.ids, graph.links), expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("is nobody, where it is biconnected: it is connected, and stays so whoever goes (compared with trying each)", () => {
    const met = { yes: 0, no: 0 };
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const expected = [graph, ...graph.ids.map((id) => without(graph, id))].every(
          ({ ids, links }) => connected(ids, links.filter(({ a, b }) => ids.includes(a) && ids.includes(b))), // biome-ignore format: one rule
        );
        met[expected ? "yes" : "no"]++;
        assert.equal(biconnected(graph.ids, graph.links), expected);
      }),
      { numRuns: 2000 },
    );
    assert.ok(met.yes > 100 && met.no > 100, JSON.stringify(met));
  });

  it("is seen in shapes that everybody knows", () => {
    const bowTie = listed(
      roster(5),
      ["a1", "a2"],
      ["a2", "a3"],
      ["a1", "a3"],
      ["a3", "a4"],
      ["a4", "a5"],
      ["a3", "a5"],
    );
    assert.deepEqual(articulationPoints(bowTie.ids, bowTie.links), ["a3"]);
    assert.deepEqual(articulationPoints(roster(5), buildLinks("star", roster(5))), ["a1"]);
    assert.deepEqual(articulationPoints(roster(5), buildLinks("ring", roster(5))), []);
    const chain = listed(roster(4), ["a1", "a2"], ["a2", "a3"], ["a3", "a4"]);
    assert.deepEqual(articulationPoints(chain.ids, chain.links), ["a2", "a3"]);
  });

  it("does not count links to agents that are not there", () => {
    const links = buildLinks("star", roster(4));
    const left = ["a2", "a3", "a4"];
    assert.deepEqual(articulationPoints(left, links), []);
    assert.ok(!biconnected(left, links));
    assert.equal(diameter(left, links), Number.POSITIVE_INFINITY);
  });

  it("does not run out of stack in a chain of a thousand", () => {
    const ids = roster(1000);
    const links = ids.slice(1).map((b, at) => ({ a: ids[at] as string, b }));
    assert.equal(articulationPoints(ids, links).length, 998);
  });
});

describe("the diameter of a graph of agents", () => {
  it("is the longest of all shortest ways (compared with Floyd and Warshall)", () => {
    fc.assert(
      fc.property(anyGraph, ({ ids, links }) => {
        const far = ids.map((a) => ids.map((b) => (a === b ? 0 : Number.POSITIVE_INFINITY)));
        for (const { a, b } of links) {
          (far[ids.indexOf(a)] as number[])[ids.indexOf(b)] = 1;
          (far[ids.indexOf(b)] as number[])[ids.indexOf(a)] = 1;
        }
        for (const via of ids.keys())
          for (const row of far)
            for (const to of ids.keys())
              row[to] = Math.min(row[to] as number, (row[via] as number) + (far[via]?.[to] as number));
        assert.equal(diameter(ids, links), Math.max(0, ...far.flat()));
      }),
      { numRuns: 1000 },
    );
  });

  it("is known of the shapes that there are", () => {
    assert.equal(diameter([], []), 0);
    assert.equal(diameter(["a1"], []), 0);
    assert.equal(diameter(roster(7), buildLinks("mesh", roster(7))), 1);
    assert.equal(diameter(roster(7), buildLinks("star", roster(7))), 2);
    assert.equal(diameter(roster(9), buildLinks("ring", roster(9))), 4);
  });
});
