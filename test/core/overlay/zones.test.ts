import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { biconnected, diameter } from "../../../server/core/overlay/graph.ts";
import { planTopology } from "../../../server/core/overlay/optimise.ts";
import { buildLinks, connected } from "../../../server/core/overlay/topology.ts";
import type { Link } from "../../../server/core/overlay/types.ts";
import { type Zones, zoneFigures } from "../../../server/core/overlay/zones.ts";

const roster = (size: number): string[] => Array.from({ length: size }, (_, at) => `a${at + 1}`);

/** What zones are owed of links, and what these break of it; counted by removing agents and links one by one, unlike in the code. */
function owed(ids: readonly string[], zones: Zones, links: readonly Link[]): string[] {
  const wrong: string[] = [];
  const names = [...new Set(zones.values())];
  const without = (gone: ReadonlySet<string>): boolean =>
    connected(
      ids.filter((id) => !gone.has(id)),
      links.filter(({ a, b }) => !gone.has(a) && !gone.has(b)),
    );
  for (const zone of names) {
    const inside = new Set(ids.filter((id) => zones.get(id) === zone));
    if (!without(inside)) wrong.push(`the others fall apart without ${zone}`);
    const out = links.filter(({ a, b }) => inside.has(a) !== inside.has(b));
    const ends = new Set(out.map(({ a, b }) => (inside.has(a) ? a : b)));
    if (names.length > 1 && ends.size < Math.min(2, inside.size))
      wrong.push(`${zone} hangs on ${[...ends].join(" and ")}`);
  }
  for (const id of ids)
    if (ids.length > 2 && !without(new Set([id]))) wrong.push(`the others fall apart without ${id}`);
  for (const link of links)
    if (
      ids.length > 2 &&
      !connected(
        ids,
        links.filter((other) => other !== link),
      )
    )
      // biome-ignore format: one rule
      wrong.push(`they fall apart without the link ${link.a} - ${link.b}`);
  return wrong;
}

const inside = (zones: Zones, links: readonly Link[]): number =>
  links.filter(({ a, b }) => zones.get(a) === zones.get(b)).length / links.length;

/** So many agents in so many zones, dealt out one after the other. */
const dealt = (ids: readonly string[], count: number): Zones => new Map(ids.map((id, at) => [id, `z${at % count}`]));

const anyZones = (ids: readonly string[]): fc.Arbitrary<Zones> =>
  fc
    .array(fc.integer({ min: 0, max: 4 }), { minLength: ids.length, maxLength: ids.length })
    .map((drawn) => new Map(ids.map((id, at) => [id, `z${drawn[at]}`])));

describe("zones", () => {
  for (const kind of ["k-regular", "small-world"] as const) {
    it(`${kind}: no agent, no link and no zone parts what stays, whoever is in which zone`, () => {
      const input = fc
        .record({ size: fc.integer({ min: 1, max: 24 }), degree: fc.integer({ min: 2, max: 6 }) })
        .chain(({ size, degree }) => anyZones(roster(size)).map((zones) => ({ size, degree, zones })));
      fc.assert(
        fc.property(input, ({ size, degree, zones }) => {
          const ids = roster(size);
          const links = buildLinks(kind, ids, { degree, zones });
          assert.deepEqual(owed(ids, zones, links), []);
          for (const id of ids) {
            const count = links.filter(({ a, b }) => a === id || b === id).length;
            assert.ok(count >= Math.min(degree, size - 1) && count <= degree + 1, `${id} has ${count} links`);
          }
        }),
        { numRuns: 300 },
      );
    });

    it(`${kind}: most links stay within a zone, and ways stay short`, () => {
      const ids = roster(60);
      for (const count of [2, 3, 5]) {
        const zones = dealt(ids, count);
        const links = buildLinks(kind, ids, { degree: 5, zones });
        const blind = inside(zones, buildLinks(kind, ids, { degree: 5 }));
        assert.ok(inside(zones, links) > 0.6, `${count} zones: ${inside(zones, links)} within`);
        assert.ok(inside(zones, links) > blind + 0.1, `without zones it would be ${blind}`);
        assert.ok(diameter(ids, links) <= 8, `${diameter(ids, links)} hops`);
      }
    });

    it(`${kind}: with one zone, or none, the links are those without`, () => {
      const ids = roster(20);
      assert.deepEqual(buildLinks(kind, ids, { zones: dealt(ids, 1) }), buildLinks(kind, ids));
      assert.deepEqual(buildLinks(kind, ids, { zones: new Map() }), buildLinks(kind, ids));
    });
  }

  it("the check of these tests finds a chain of zones, and one that hangs on one agent", () => {
    const ids = roster(6);
    const zones: Zones = new Map([["a1", "eu"], ["a2", "eu"], ["a3", "us"], ["a4", "us"], ["a5", "asia"], ["a6", "asia"]]); // biome-ignore format: three zones
    const links = buildLinks("ring", ids).filter(({ a, b }) => !(a === "a1" && b === "a6"));
    assert.deepEqual(owed(ids, zones, buildLinks("ring", ids)), []);
    const wrong = owed(ids, zones, links);
    for (const one of ["the others fall apart without us", "eu hangs on a2", "the others fall apart without a3"])
      assert.ok(wrong.includes(one), `${one}: ${wrong.join("; ")}`);
    const [eu, us] = zoneFigures(ids, links, zones);
    assert.deepEqual(eu, { zone: "eu", agents: 2, linksOut: 1, agentsOut: 1, survived: true });
    assert.deepEqual(us, { zone: "us", agents: 2, linksOut: 2, agentsOut: 2, survived: false });
  });
});

describe("a plan of a topology with zones", () => {
  it("leads to links that survive any agent, link and zone, from whatever links there are", () => {
    const input = fc
      .integer({ min: 1, max: 16 })
      .chain((size) =>
        fc.record({ zones: anyZones(roster(size)), links: fc.subarray(buildLinks("mesh", roster(size))) }),
      );
    fc.assert(
      fc.property(input, ({ zones, links }) => {
        const ids = [...zones.keys()];
        const plan = planTopology({ agents: ids, links, zones });
        assert.deepEqual(owed(ids, zones, plan.links), []);
        assert.deepEqual(plan.after.zones, zoneFigures(ids, plan.links, zones));
        const again = planTopology({ agents: ids, links: plan.links, zones });
        assert.deepEqual([again.add, again.drop], [[], []], "a second plan is empty");
      }),
      { numRuns: 400 },
    );
  });

  it("adds the link that a zone's loss would need, and says that it was missing", () => {
    // Two circles that touch in the zone us: nobody is an articulation point, and without us eu and asia are apart.
    const ids = roster(12);
    const zones: Zones = new Map(ids.map((id, at) => [id, ["eu", "us", "asia"][Math.floor(at / 4)] as string]));
    const mesh = (from: number): [string, string][] =>
      buildLinks("mesh", ids.slice(from, from + 4)).map(({ a, b }) => [a, b]);
    const across: [string, string][] = [["a1", "a5"], ["a2", "a6"], ["a7", "a9"], ["a8", "a10"]]; // biome-ignore format: four links
    const links = buildLinks("links", ids, { links: [...mesh(0), ...mesh(4), ...mesh(8), ...across] });
    assert.ok(biconnected(ids, links));
    const { add, drop, before, after } = planTopology({ agents: ids, links, zones });
    assert.deepEqual(before.zones.map(({ survived }) => survived), [true, false, true]); // biome-ignore format: one rule
    assert.deepEqual(after.zones.map(({ survived }) => survived), [true, true, true]); // biome-ignore format: one rule
    assert.deepEqual([add.length, drop.length], [1, 0]);
    assert.deepEqual([zones.get(add[0]?.a ?? ""), zones.get(add[0]?.b ?? "")], ["eu", "asia"]);
  });

  it("keeps slow links between zones that a zone's loss would need, and most links within zones", () => {
    const ids = roster(30);
    const zones = dealt(ids, 3);
    const spread = buildLinks("k-regular", ids, { degree: 5, zones });
    const measured = spread.map((link) => ({ ...link, latencyMs: zones.get(link.a) === zones.get(link.b) ? 1 : 80 }));
    const plan = planTopology({ agents: ids, links: spread, measured, zones });
    assert.ok(
      plan.before.slowLinks > plan.after.slowLinks && plan.after.slowLinks >= 3,
      `${plan.after.slowLinks} slow`,
    );
    assert.deepEqual(owed(ids, zones, plan.links), []);
    assert.ok(inside(zones, plan.links) > 0.9, `${inside(zones, plan.links)} within`);
    const full = buildLinks("mesh", ids);
    const unmeasured = planTopology({ agents: ids, links: full, zones });
    assert.ok(inside(zones, unmeasured.links) > 0.6, `${inside(zones, unmeasured.links)} within`);
    assert.deepEqual(owed(ids, zones, unmeasured.links), []);
  });

  it("plans within the time that a person waits, for as many agents as a swarm may have", () => {
    const ids = roster(100);
    const zones = dealt(ids, 5);
    for (const kind of ["mesh", "star", "ring"] as const)
      assert.deepEqual(owed(ids, zones, planTopology({ agents: ids, links: buildLinks(kind, ids), zones }).links), []);
  });
});
