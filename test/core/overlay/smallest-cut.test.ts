import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { articulationPoints } from "../../../server/core/overlay/graph.ts";
import { LinkGraph } from "../../../server/core/overlay/link-graph.ts";
import { smallestAgentCut, smallestLinkCut } from "../../../server/core/overlay/smallest-cut.ts";
import { buildLinks, connected } from "../../../server/core/overlay/topology.ts";
import type { Link } from "../../../server/core/overlay/types.ts";

const roster = (size: number): string[] => Array.from({ length: size }, (_, at) => `a${at + 1}`);

interface Graph {
  readonly ids: readonly string[];
  readonly links: readonly Link[];
}

const anyGraph: fc.Arbitrary<Graph> = fc
  .integer({ min: 2, max: 7 })
  .chain((size) => fc.subarray(buildLinks("mesh", roster(size))).map((links) => ({ ids: roster(size), links })));

const across = (links: readonly Link[], side: readonly string[]): number =>
  links.filter(({ a, b }) => side.includes(a) !== side.includes(b)).length;

/** Every way to part them, one side without the first. */
function sides(ids: readonly string[]): string[][] {
  const others = ids.slice(1);
  return Array.from({ length: 2 ** others.length - 1 }, (_, at) =>
    others.filter((_one, place) => ((at + 1) >> place) & 1),
  );
}

describe("the smallest cut", () => {
  it("by links is the least of all there are (compared with trying each side), and names a side that it cuts off", () => {
    fc.assert(
      fc.property(anyGraph, ({ ids, links }) => {
        const { links: cut, side } = smallestLinkCut(ids, links) ?? assert.fail("two agents or more have a cut");
        assert.equal(cut, Math.min(...sides(ids).map((one) => across(links, one))));
        assert.equal(across(links, side), cut);
        assert.ok(side.length > 0 && 2 * side.length <= ids.length);
      }),
      { numRuns: 1000 },
    );
  });

  it("by agents is the least of all there are (compared with taking each set of agents away)", () => {
    fc.assert(
      fc.property(anyGraph, ({ ids, links }) => {
        const sets = Array.from({ length: 2 ** ids.length }, (_, at) => ids.filter((_one, place) => (at >> place) & 1));
        const cutting = sets.filter((gone) => {
          const rest = ids.filter((id) => !gone.includes(id));
          return rest.length === 1 || (rest.length > 1 && !connected(rest, links));
        });
        assert.equal(smallestAgentCut(ids, links), Math.min(...cutting.map(({ length }) => length)));
      }),
      { numRuns: 1000 },
    );
  });

  it("is what is known of the topologies", () => {
    const cuts = (kind: Parameters<typeof buildLinks>[0], size: number): unknown[] => {
      const links = buildLinks(kind, roster(size));
      return [smallestLinkCut(roster(size), links)?.links, smallestAgentCut(roster(size), links)];
    };
    assert.deepEqual(cuts("star", 9), [1, 1]);
    assert.deepEqual(cuts("ring", 9), [2, 2]);
    assert.deepEqual(cuts("grid", 16), [2, 2]);
    assert.deepEqual(cuts("mesh", 7), [6, 6]);
    assert.equal(smallestLinkCut(["a1"], []), undefined);
    assert.equal(smallestAgentCut(["a1"], []), 0);
    assert.equal(smallestAgentCut(roster(301), buildLinks("ring", roster(301))), null, "it would take too long");
  });
});

describe("the blocks of a graph", () => {
  it("meet in its articulation points, and have every link once", () => {
    fc.assert(
      fc.property(anyGraph, ({ ids, links }) => {
        const graph = new LinkGraph(ids.length, links.map(({ a, b }) => [ids.indexOf(a), ids.indexOf(b)])); // biome-ignore format: one call
        const { blocks, cuts } = graph.blocks();
        assert.deepEqual(ids.filter((_, place) => cuts.has(place)), articulationPoints(ids, links)); // biome-ignore format: one rule
        for (const [one, other] of graph.links())
          assert.equal(blocks.filter((block) => block.includes(one) && block.includes(other)).length, 1);
        for (const block of blocks) {
          const inside = block.map((place) => ids[place] as string);
          assert.deepEqual(articulationPoints(inside, links), []);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("are found in a chain of ten thousand", () => {
    const chain = Array.from({ length: 9_999 }, (_, at): [number, number] => [at, at + 1]);
    assert.equal(new LinkGraph(10_000, chain).blocks().cuts.size, 9_998);
  });
});
