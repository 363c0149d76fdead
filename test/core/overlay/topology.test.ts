import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { buildLinks, connected } from "../../../server/core/overlay/topology.ts";
import { type Link, TOPOLOGY_KINDS } from "../../../server/core/overlay/types.ts";

const SIZES = Array.from({ length: 30 }, (_, at) => at + 1);
const REGULAR = TOPOLOGY_KINDS.filter((kind) => kind !== "links");

function roster(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `a${at + 1}`);
}

function drawn(links: readonly Link[]): string {
  return links.map(({ a, b }) => `${a}-${b}`).join(" ");
}

/** @throws AssertionError unless each link is there once, between two agents of the roster, in its order. */
function assertWellFormed(ids: readonly string[], links: readonly Link[]): void {
  const places = links.map(({ a, b }) => [ids.indexOf(a), ids.indexOf(b)] as const);
  for (const [a, b] of places) assert.ok(a >= 0 && a < b, "ends of the roster, in its order");
  const keys = places.map(([a, b]) => a * ids.length + b);
  assert.deepEqual(
    keys,
    [...new Set(keys)].sort((one, other) => one - other),
    "each once, in order",
  );
}

function degree(links: readonly Link[], id: string): number {
  return links.filter(({ a, b }) => a === id || b === id).length;
}

describe("topologies", () => {
  for (const kind of REGULAR) {
    it(`${kind}: connected, each link once, from 1 agent to 30`, () => {
      for (const size of SIZES) {
        const ids = roster(size);
        const links = buildLinks(kind, ids);
        assertWellFormed(ids, links);
        assert.ok(connected(ids, links), `${size} agents`);
      }
    });
  }

  it("have the number of links their shape has", () => {
    for (const size of SIZES) {
      const count = (kind: (typeof REGULAR)[number]) => buildLinks(kind, roster(size)).length;
      assert.equal(count("mesh"), (size * (size - 1)) / 2);
      assert.equal(count("ring"), size <= 2 ? size - 1 : size);
      assert.equal(count("star"), size - 1);
      assert.equal(count("hierarchical"), size - 1);
    }
  });

  const shapes: [(typeof REGULAR)[number], number, string][] = [
    ["mesh", 3, "a1-a2 a1-a3 a2-a3"],
    ["ring", 1, ""],
    ["ring", 2, "a1-a2"],
    ["ring", 4, "a1-a2 a1-a4 a2-a3 a3-a4"],
    ["star", 4, "a1-a2 a1-a3 a1-a4"],
    ["hierarchical", 6, "a1-a2 a1-a3 a1-a4 a2-a5 a2-a6"],
    ["grid", 4, "a1-a2 a1-a3 a2-a4 a3-a4"],
    ["grid", 5, "a1-a2 a1-a4 a2-a3 a2-a5 a4-a5"],
  ];
  for (const [kind, size, links] of shapes)
    it(`${kind} of ${size}: ${links || "no link"}`, () => assert.equal(drawn(buildLinks(kind, roster(size))), links));

  it("grid: rows as near to a square as possible, nobody with more than 4 links", () => {
    for (const size of SIZES) {
      const ids = roster(size);
      const links = buildLinks("grid", ids);
      const columns = Math.max(1, ...links.map(({ a, b }) => ids.indexOf(b) - ids.indexOf(a)));
      const rows = Math.ceil(size / columns);
      assert.ok(size <= 2 || Math.abs(columns - rows) <= 1, `${size}: ${rows} rows of ${columns}`);
      for (const id of ids) assert.ok(degree(links, id) <= 4);
    }
  });

  it("hierarchical: three children a node", () => {
    const links = buildLinks("hierarchical", roster(30));
    for (const id of roster(30)) assert.ok(links.filter(({ a }) => a === id).length <= 3);
  });

  it("links: those listed, however they are written", () => {
    const listed = [["a3", "a1"], ["a1", "a3"], ["a2", "a3"]] as const; // biome-ignore format: a pair a link
    assert.equal(drawn(buildLinks("links", roster(3), { links: listed })), "a1-a3 a2-a3");
  });

  it("refuse a link to nobody, a link to itself and an id that is there twice", () => {
    assert.throws(() => buildLinks("links", roster(2), { links: [["a1", "a9"]] }), /names a9, which is no agent/);
    assert.throws(() => buildLinks("links", roster(2), { links: [["a1", "a1"]] }), /from an agent to itself/);
    assert.throws(() => buildLinks("ring", ["a1", "a1"]), /same id/);
  });

  it("are connected exactly when there is a way from everyone to everyone (compared with a transitive closure)", () => {
    const graph = fc.integer({ min: 0, max: 8 }).chain((size) => {
      const end = fc.integer({ min: 0, max: Math.max(0, size - 1) });
      return fc.tuple(fc.constant(size), fc.array(fc.tuple(end, end), { maxLength: 12 }));
    });
    fc.assert(
      fc.property(graph, ([size, pairs]) => {
        const ids = roster(size);
        const real = size === 0 ? [] : pairs.filter(([a, b]) => a !== b);
        const links = real.map(([a, b]) => ({ a: ids[a] as string, b: ids[b] as string }));
        const way = ids.map((_, a) => ids.map((_, b) => a === b || real.some(([x, y]) => (x === a && y === b) || (x === b && y === a)))); // biome-ignore format: one matrix
        for (const via of ids.keys())
          for (const from of ids.keys())
            for (const to of ids.keys()) if (way[from]?.[via] && way[via]?.[to]) (way[from] as boolean[])[to] = true;
        assert.equal(connected(ids, links), way.flat().every(Boolean));
      }),
      { numRuns: 500 },
    );
  });
});
