import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { biconnected, diameter } from "../../../server/core/overlay/graph.ts";
import { buildLinks } from "../../../server/core/overlay/topology.ts";
import { DEGREE, hasDegree, type Link, TOPOLOGY_KINDS } from "../../../server/core/overlay/types.ts";

const DRAWN = ["k-regular", "small-world"] as const;
const SIZES = [...Array.from({ length: 40 }, (_, at) => at + 1), 63, 64, 99, 100];
const DEGREES = Array.from({ length: DEGREE.max - DEGREE.min + 1 }, (_, at) => at + DEGREE.min);

function roster(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `a${at + 1}`);
}

function degrees(ids: readonly string[], links: readonly Link[]): number[] {
  const count = new Map(ids.map((id) => [id, 0]));
  for (const end of links.flatMap(({ a, b }) => [a, b])) count.set(end, (count.get(end) as number) + 1);
  return [...count.values()];
}

/** How far apart the ends are on the ring of all. */
function spans(ids: readonly string[], links: readonly Link[]): number[] {
  return links.map(({ a, b }) => {
    const far = ids.indexOf(b) - ids.indexOf(a);
    return Math.min(far, ids.length - far);
  });
}

/** Every size with every degree that leaves something to draw. */
function everyCase(check: (size: number, degree: number) => void): void {
  for (const size of SIZES) for (const degree of DEGREES) if (size > degree + 1) check(size, degree);
}

describe("topologies with a degree", function () {
  this.timeout(30_000);

  it("are those two", () => assert.deepEqual(TOPOLOGY_KINDS.filter(hasDegree), DRAWN));

  for (const kind of DRAWN) {
    it(`${kind}: each link once, whoever goes leaves the others connected, everybody has its degree and at most one more`, () => {
      for (const size of SIZES)
        for (const degree of DEGREES) {
          const ids = roster(size);
          const links = buildLinks(kind, ids, { degree });
          const told = `${size} agents, degree ${degree}`;
          assert.equal(new Set(links.map(({ a, b }) => [a, b].sort().join())).size, links.length, told);
          assert.ok(biconnected(ids, links), told);
          const least = Math.min(degree, size - 1);
          for (const count of degrees(ids, links)) assert.ok(count >= least && count <= least + 1, `${told}: ${count}`);
        }
    });

    it(`${kind}: a full mesh of no more than degree + 1`, () => {
      for (const degree of DEGREES)
        for (let size = 1; size <= degree + 1; size++)
          assert.deepEqual(buildLinks(kind, roster(size), { degree }), buildLinks("mesh", roster(size)));
    });

    it(`${kind}: the same for the same roster and degree, whatever the agents are called, and another for another degree`, () => {
      const links = buildLinks(kind, roster(24), { degree: 5 });
      assert.deepEqual(buildLinks(kind, roster(24), { degree: 5 }), links);
      const renamed = buildLinks(kind, roster(24).map((id) => `x-${id}`), { degree: 5 }); // biome-ignore format: one roster
      assert.deepEqual(renamed, links.map(({ a, b }) => ({ a: `x-${a}`, b: `x-${b}` }))); // biome-ignore format: one roster
      assert.notDeepEqual(buildLinks(kind, roster(24), { degree: 6 }), links);
      assert.deepEqual(buildLinks(kind, roster(24)), buildLinks(kind, roster(24), { degree: DEGREE.usual }));
    });

    it(`${kind}: refuses a degree that there is not`, () => {
      for (const degree of [1, 17, 2.5, -4, Number.NaN])
        assert.throws(() => buildLinks(kind, roster(30), { degree }), /a whole number from 2 to 16/);
    });
  }

  it("k-regular: exactly so many links each, but for one where no such graph is", () =>
    everyCase((size, degree) => {
      const ids = roster(size);
      const more = degrees(ids, buildLinks("k-regular", ids, { degree })).filter((count) => count > degree);
      assert.equal(more.length, (size * degree) % 2, `${size} agents, degree ${degree}`);
    }));

  it("small-world: the whole lattice, and one shortcut for four agents, or for an odd degree one each", () =>
    everyCase((size, degree) => {
      const ids = roster(size);
      const reach = Math.floor(degree / 2);
      const far = spans(ids, buildLinks("small-world", ids, { degree }));
      const told = `${size} agents, degree ${degree}`;
      assert.equal(far.filter((span) => span <= reach).length, size * reach, told);
      const shortcuts = degree % 2 === 0 ? Math.floor(size / 4) : Math.ceil(size / 2);
      assert.equal(far.filter((span) => span > reach).length, shortcuts, told);
    }));

  it("are drawn: k-regular has links of every length, and shortcuts are not all of one", () => {
    const ids = roster(100);
    const all = new Set(spans(ids, buildLinks("k-regular", ids, { degree: 8 })));
    assert.ok(all.size > 40, `${all.size} lengths of 50`);
    const some = new Set(spans(ids, buildLinks("small-world", ids, { degree: 4 })));
    assert.ok(some.size > 12, `${some.size} lengths`);
  });

  it("have short ways: of 100 agents with four links the farthest are 25 apart on the lattice, and less than half with few shortcuts", () => {
    const ids = roster(100);
    const lattice = [1, 2].flatMap((far) => ids.map((id, at) => [id, ids[(at + far) % 100] as string] as const));
    assert.equal(diameter(ids, buildLinks("links", ids, { links: lattice })), 25);
    assert.equal(diameter(ids, buildLinks("small-world", ids)), 9, "as docs/mesh-file.md has it");
    assert.equal(diameter(ids, buildLinks("k-regular", ids)), 6, "as docs/mesh-file.md has it");
    for (const size of SIZES) {
      const hops = diameter(roster(size), buildLinks("k-regular", roster(size)));
      // A tree with three more at every step holds all within log3(n); drawn, it takes hardly more (Bollobás and Fernandez de la Vega 1982).
      assert.ok(hops <= Math.ceil(Math.log(size) / Math.log(3)) + 2, `${size} agents: ${hops} hops`);
    }
  });

  it("are what they were: a swarm of the same file has the same links tomorrow", () => {
    const drawn = (kind: (typeof DRAWN)[number]): string =>
      buildLinks(kind, roster(8), { degree: 3 })
        .map(({ a, b }) => `${a}-${b}`)
        .join(" ");
    assert.equal(drawn("k-regular"), "a1-a2 a1-a5 a1-a8 a2-a3 a2-a7 a3-a4 a3-a8 a4-a5 a4-a6 a5-a6 a6-a7 a7-a8");
    assert.equal(drawn("small-world"), "a1-a2 a1-a5 a1-a8 a2-a3 a2-a6 a3-a4 a3-a7 a4-a5 a4-a8 a5-a6 a6-a7 a7-a8");
  });
});
