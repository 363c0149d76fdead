import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Routes } from "../../../server/core/overlay/routes.ts";
import { buildLinks } from "../../../server/core/overlay/topology.ts";
import { type Link, TOPOLOGY_KINDS } from "../../../server/core/overlay/types.ts";

const REGULAR = TOPOLOGY_KINDS.filter((kind) => kind !== "links");

interface Case {
  readonly ids: readonly string[];
  readonly links: readonly Link[];
  readonly downLinks: readonly Link[];
  readonly downMembers: readonly string[];
}

/** A topology of any kind and size, with links and members down. */
const anyCase: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(...REGULAR), fc.integer({ min: 1, max: 30 }))
  .chain(([kind, size]) => {
    const ids = Array.from({ length: size }, (_, at) => `a${at + 1}`);
    const links = buildLinks(kind, ids);
    return fc.record({
      ids: fc.constant(ids),
      links: fc.constant(links),
      downLinks: fc.subarray(links, { maxLength: Math.min(links.length, 6) }),
      downMembers: fc.subarray(ids, { maxLength: Math.min(size, 3) }),
    });
  });

/** Hops between two agents over what is up, by Floyd and Warshall; Infinity where there is no way. */
function distances({ ids, links, downLinks, downMembers }: Case): number[][] {
  const up = links.filter(
    ({ a, b }) =>
      !downMembers.includes(a) && !downMembers.includes(b) && !downLinks.some((l) => l.a === a && l.b === b),
  );
  const far = ids.map((_, a) => ids.map((_, b) => (a === b ? 0 : Number.POSITIVE_INFINITY)));
  for (const { a, b } of up) {
    (far[ids.indexOf(a)] as number[])[ids.indexOf(b)] = 1;
    (far[ids.indexOf(b)] as number[])[ids.indexOf(a)] = 1;
  }
  for (const via of ids.keys())
    for (const row of far)
      for (const to of ids.keys())
        row[to] = Math.min(row[to] as number, (row[via] as number) + (far[via]?.[to] as number));
  return far;
}

type MakeRoutes = (self: string, ids: readonly string[], links: readonly Link[]) => Routes;

/** A message from everyone to everyone arrives on a shortest path, or has nowhere to go; and how long those are on average is known. @throws AssertionError otherwise */
function assertShortest(make: MakeRoutes): void {
  fc.assert(
    fc.property(anyCase, (one) => {
      const { ids, links, downLinks, downMembers } = one;
      const far = distances(one);
      const routes = new Map(ids.map((id) => [id, make(id, ids, links)]));
      for (const table of routes.values()) {
        for (const { a, b } of downLinks) table.setLink(b, a, false);
        for (const id of downMembers) table.setMember(id, false);
      }
      for (const [from, self] of ids.entries()) {
        if (downMembers.includes(self)) continue;
        assert.deepEqual(
          routes.get(self)?.reachable(),
          ids.filter((_, to) => (far[from]?.[to] as number) < 99),
        );
        const ways = ids.flatMap((_, to) => far[from]?.[to] as number).filter((hops) => hops > 0 && hops < 99);
        const mean = ways.length === 0 ? 0 : ways.reduce((sum, hops) => sum + hops, 0) / ways.length;
        assert.equal(routes.get(self)?.meanHops(), mean, `links from ${self} to the others`);
        for (const [to, target] of ids.entries()) {
          if (downMembers.includes(target)) continue;
          let at = self;
          let hops = 0;
          while (at !== target && hops <= ids.length) {
            const next = routes.get(at)?.nextHop(target);
            if (next === undefined) break;
            at = next;
            hops++;
          }
          const expected = far[from]?.[to] as number;
          assert.equal(at === target ? hops : Number.POSITIVE_INFINITY, expected, `${self} to ${target}`);
        }
      }
    }),
    { numRuns: 150 },
  );
}

describe("routes", () => {
  it("lead on shortest paths around what is down, on every topology", () =>
    assertShortest((self, ids, links) => new Routes(self, ids, links)));

  describe("the check of shortest paths notices", () => {
    class IgnoresLinksThatAreDown extends Routes {
      override setLink(): void {}
    }
    class IgnoresAgentsThatAreDown extends Routes {
      override setMember(): void {}
    }
    class AsksTheFirstNeighbour extends Routes {
      override nextHop(to: string): string | undefined {
        return super.nextHop(to) === undefined ? undefined : this.neighbours()[0];
      }
    }
    class TakesEveryWayForOneLink extends Routes {
      override meanHops(): number {
        return 1;
      }
    }
    for (const Broken of [
      IgnoresLinksThatAreDown,
      IgnoresAgentsThatAreDown,
      AsksTheFirstNeighbour,
      TakesEveryWayForOneLink,
    ])
      it(`routes of one that ${Broken.name}`, () =>
        assert.throws(() => assertShortest((self, ids, links) => new Broken(self, ids, links))));
  });

  const ids = ["a1", "a2", "a3", "a4"];
  const ring = buildLinks("ring", ids);

  it("come back when what was down is up again", () => {
    const routes = new Routes("a1", ids, ring);
    assert.equal(routes.nextHop("a3"), "a2", "of two equal ways the one through the first in the roster");
    routes.setMember("a2", false);
    assert.equal(routes.nextHop("a3"), "a4");
    routes.setLink("a4", "a3", false);
    assert.equal(routes.nextHop("a3"), undefined);
    assert.deepEqual(routes.reachable(), ["a1", "a4"]);
    routes.setMember("a2", true);
    assert.equal(routes.nextHop("a3"), "a2");
    routes.setLink("a3", "a4", true);
    assert.deepEqual(routes.reachable(), ids);
  });

  it("tell a neighbour that is said to be down over a link that is up, and lead through it to nobody", () => {
    const routes = new Routes("a1", ids, buildLinks("star", ["a2", "a1", "a3", "a4"]));
    routes.setMember("a2", false);
    assert.equal(routes.nextHop("a2"), "a2");
    assert.equal(routes.nextHop("a3"), undefined);
    routes.setLink("a1", "a2", false);
    assert.equal(routes.nextHop("a2"), undefined);
  });

  it("tell the way around a link with a neighbour without taking it for down", () => {
    const routes = new Routes("a1", ids, ring);
    assert.deepEqual([routes.nextHopWithout("a2", "a3"), routes.nextHopWithout("a2", "a2")], ["a4", "a4"]);
    assert.deepEqual([routes.nextHop("a3"), routes.nextHop("a2")], ["a2", "a2"]);
    routes.setLink("a1", "a4", false);
    assert.equal(routes.nextHopWithout("a2", "a3"), undefined);
    assert.equal(routes.nextHopWithout("a4", "a3"), "a2", "it is down anyway");
    assert.equal(routes.nextHop("a4"), "a2", "and stays so");
  });

  it("lead through any of more neighbours than a byte counts", () => {
    const hub = Array.from({ length: 600 }, (_, at) => `b${at}`);
    const links = buildLinks("star", hub).concat({ a: "b599", b: "c" });
    const routes = new Routes("b0", [...hub, "c"], links);
    assert.equal(routes.nextHop("c"), "b599");
    routes.setLink("b0", "b599", false);
    assert.equal(routes.nextHop("c"), undefined);
  });

  it("know the neighbours, up or not, and lead nowhere from oneself to oneself", () => {
    const routes = new Routes("a1", ids, ring);
    routes.setLink("a1", "a2", false);
    assert.deepEqual(routes.neighbours(), ["a2", "a4"]);
    assert.equal(routes.nextHop("a1"), undefined);
    routes.setMember("a1", false);
    assert.deepEqual(routes.reachable(), ids, "one who asks is up");
  });

  it("grow with the roster, and know then what is down as before", () => {
    const routes = new Routes("a1", ids, ring);
    routes.setLink("a1", "a2", false);
    routes.setMember("a3", false);
    const more = [...ids, "a5", "a6"];
    routes.grow(more, [...ring, { a: "a4", b: "a5" }, { a: "a5", b: "a6" }, { a: "a2", b: "a6" }]);
    assert.equal(routes.nextHop("a2"), "a4", "by way of a5 and a6: the link is down still, and so is a3");
    assert.deepEqual(routes.reachable(), ["a1", "a2", "a4", "a5", "a6"]);
    routes.setLink("a2", "a1", true);
    routes.setMember("a3", true);
    assert.equal(routes.nextHop("a6"), "a2");
    assert.throws(() => routes.grow(["a2", "a1"], []), RangeError);
  });

  it("refuse strangers", () => {
    assert.throws(() => new Routes("a9", ids, ring), RangeError);
    assert.throws(() => new Routes("a1", ids, ring).nextHop("a9"), RangeError);
  });
});
