import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { biconnected } from "../../../server/core/overlay/graph.ts";
import { type MeasuredPair, type OptimiseInput, planTopology } from "../../../server/core/overlay/optimise.ts";
import { buildLinks } from "../../../server/core/overlay/topology.ts";
import type { Link } from "../../../server/core/overlay/types.ts";

const roster = (size: number): string[] => Array.from({ length: size }, (_, at) => `a${at + 1}`);
const nameOf = ({ a, b }: Link): string => `${a}-${b}`;
const names = (links: readonly Link[]): string[] => links.map(nameOf);
const degreeOf = (links: readonly Link[], id: string): number =>
  links.filter(({ a, b }) => a === id || b === id).length;

/** What a plan promises of the links that it leads to, and what these break of it. */
function broken({ agents, least = 3, most = 5 }: OptimiseInput, links: readonly Link[]): string[] {
  const wrong: string[] = [];
  if (!biconnected(agents, links)) wrong.push("they hang on an agent");
  for (const id of agents) {
    const degree = degreeOf(links, id);
    if (degree < Math.min(least, agents.length - 1)) wrong.push(`${id} has ${degree}`);
    if (degree > most) wrong.push(`${id} has ${degree}`);
  }
  if (new Set(names(links)).size !== links.length) wrong.push("a link is there twice");
  return wrong;
}

/** Some links among so many agents, with what was measured of some of them and of some that are gone. */
const anyInput = (agents: { readonly min: number; readonly max: number }): fc.Arbitrary<OptimiseInput> =>
  fc
    .record({ size: fc.integer(agents), least: fc.integer({ min: 2, max: 4 }), more: fc.integer({ min: 1, max: 3 }) })
    .chain(({ size, least, more }) => {
      const ids = roster(size);
      const ms = fc.oneof(
        { weight: 3, arbitrary: fc.constant(undefined) },
        { weight: 6, arbitrary: fc.double({ min: 0.1, max: 4, noNaN: true }) },
        { weight: 2, arbitrary: fc.double({ min: 10, max: 300, noNaN: true }) },
      );
      return fc.subarray(buildLinks("mesh", ids)).chain((pairs) =>
        fc.array(fc.record({ ms, there: fc.boolean() }), { minLength: pairs.length, maxLength: pairs.length }).map(
          (drawn): OptimiseInput => ({
            agents: ids,
            links: pairs.filter((_, at) => drawn[at]?.there),
            measured: pairs.flatMap((link, at): MeasuredPair[] => {
              const latencyMs = drawn[at]?.ms;
              return latencyMs === undefined ? [] : [{ ...link, latencyMs }];
            }),
            least,
            most: least + more,
          }),
        ),
      );
    });

describe("a plan of a topology", () => {
  it("leads to links that hang on nobody, so many each, and is what tells the old from the new ones", () => {
    fc.assert(
      fc.property(anyInput({ min: 1, max: 16 }), (input) => {
        const { add, drop, links } = planTopology(input);
        assert.deepEqual(broken(input, links), []);
        const kept = names(input.links).filter((name) => !names(drop).includes(name));
        assert.deepEqual([...kept, ...names(add)].toSorted(), names(links).toSorted());
        assert.deepEqual(names(drop).filter((name) => !names(input.links).includes(name)), []); // biome-ignore format: one rule
      }),
      { numRuns: 400 },
    );
  });

  it("is empty once it was carried out, as long as nothing else is measured", () => {
    fc.assert(
      fc.property(anyInput({ min: 1, max: 12 }), (input) => {
        const { links } = planTopology(input);
        const again = planTopology({ ...input, links });
        assert.deepEqual([names(again.add), names(again.drop)], [[], []]);
      }),
      { numRuns: 400 },
    );
  });

  it("is held against a check that finds a star, a ring, a mesh and a tree wanting", () => {
    const agents = roster(8);
    const input: OptimiseInput = { agents, links: [] };
    for (const kind of ["star", "ring", "mesh", "hierarchical"] as const)
      assert.notDeepEqual(broken(input, buildLinks(kind, agents)), [], kind);
    const sound = planTopology(input).links;
    assert.deepEqual(broken(input, sound), []);
    assert.notDeepEqual(broken(input, [...sound, sound[0] as Link]), []);
  });

  for (const kind of ["k-regular", "small-world"] as const)
    it(`is empty for a ${kind} topology`, () => {
      for (const size of [7, 12, 40]) {
        const plan = planTopology({ agents: roster(size), links: buildLinks(kind, roster(size)) });
        assert.deepEqual([plan.add, plan.drop], [[], []]);
        assert.deepEqual(plan.after, plan.before);
      }
    });

  it("takes the hub of a star its part, and says what that is good for", () => {
    const agents = roster(12);
    const { before, after } = planTopology({ agents, links: buildLinks("star", agents) });
    assert.deepEqual(before.articulationPoints, ["a1"]);
    assert.deepEqual([before.smallestCut?.links, before.agentCut, before.mostLinks], [1, 1, 11]);
    assert.deepEqual(after.articulationPoints, []);
    assert.deepEqual([after.smallestCut?.links, after.agentCut, after.mostLinks], [3, 3, 5]);
    assert.equal(after.diameter, 3);
  });

  it("shortens the ways of a ring and of a grid without taking a link from anybody", () => {
    for (const kind of ["ring", "grid"] as const) {
      const agents = roster(30);
      const { before, after, drop } = planTopology({ agents, links: buildLinks(kind, agents) });
      assert.deepEqual(drop, []);
      assert.ok((after.diameter as number) < (before.diameter as number), kind);
    }
  });

  it("drops a link that is far slower than the others, puts another in its place, and lowers what messages take", () => {
    const agents = roster(10);
    const links = buildLinks("k-regular", agents, { degree: 3 });
    const slow = links[4] as Link;
    const measured = links.map((link) => ({ ...link, latencyMs: link === slow ? 90 : 1 }));
    const { add, drop, before, after, usualMs } = planTopology({ agents, links, measured });
    assert.deepEqual(drop, [{ ...slow, latencyMs: 90 }]);
    assert.ok(add.length >= 1 && add.length <= 2, String(add.length));
    for (const { latencyMs } of add)
      assert.ok(latencyMs !== null && latencyMs <= 5, "an upper bound: by the way over others");
    assert.deepEqual([usualMs, before.slowLinks, after.slowLinks], [1, 1, 0]);
    assert.ok((after.meanLatencyMs as number) <= (before.meanLatencyMs as number));
  });

  it("keeps a slow link that all hang on, and takes little differences for none", () => {
    const agents = roster(4);
    const links = buildLinks("mesh", agents);
    const measured = links.map((link, at) => ({ ...link, latencyMs: at === 0 ? 200 : 1 }));
    assert.deepEqual(planTopology({ agents, links, measured }).drop, []);
    const ring = buildLinks("k-regular", roster(10), { degree: 3 });
    const quick = ring.map((link, at) => ({ ...link, latencyMs: at === 0 ? 4 : 0.2 }));
    assert.deepEqual(planTopology({ agents: roster(10), links: ring, measured: quick }).drop, []);
  });

  it("does not link what only slow links lead to more than it has to", () => {
    const agents = roster(12);
    const links = buildLinks("ring", agents);
    // Two places, far from each other: two links of the ring lead from the one to the other.
    const place = (id: string): boolean => agents.indexOf(id) < 6;
    const measured = links.map((link) => ({ ...link, latencyMs: place(link.a) === place(link.b) ? 1 : 60 }));
    const { add } = planTopology({ agents, links, measured });
    assert.ok(add.length >= 6);
    assert.deepEqual(names(add.filter(({ a, b }) => place(a) !== place(b))), []);
  });

  it("does not depend on the order in which links and measurements are told", () => {
    fc.assert(
      fc.property(anyInput({ min: 3, max: 10 }), (input) => {
        const other = {
          ...input,
          links: input.links.toReversed().map(({ a, b }) => ({ a: b, b: a })),
          measured: (input.measured ?? []).toReversed(),
        };
        assert.deepEqual(planTopology(other), planTopology(input));
      }),
      { numRuns: 150 },
    );
  });

  it("refuses bounds that leave no choice and agents that are there twice", () => {
    const agents = roster(3);
    for (const [least, most] of [[1, 5], [3, 3], [5, 3], [2, 17], [2.5, 4]] as const) // biome-ignore format: a pair each
      assert.throws(() => planTopology({ agents, links: [], least, most }), /from 2 to 16 links/);
    assert.throws(() => planTopology({ agents: ["a1", "a1"], links: [] }), /the same id/);
  });
});
