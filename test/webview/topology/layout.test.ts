import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { forceLayout } from "../../../webview/topology/force.ts";
import { layoutByKind, type Pair, type Position, SPACING } from "../../../webview/topology/layout.ts";
import { islandsOf, sidesOf } from "../../../webview/topology/sides.ts";
import { makeFault, makeSwarm } from "../harness/swarm-data.ts";

const KINDS = ["mesh", "ring", "star", "grid", "hierarchical", "k-regular", "small-world"] as const;

function pairsOf(swarm: ReturnType<typeof makeSwarm>): readonly Pair[] {
  return swarm.links.map((link) => [link.a, link.b]);
}

/** The least distance between two agents; what a layout that piles agents up fails. */
function leastDistance(positions: ReadonlyMap<string, Position>): number {
  const all = [...positions.values()];
  let least = Number.POSITIVE_INFINITY;
  all.forEach((a, i) => {
    for (const b of all.slice(i + 1)) least = Math.min(least, Math.hypot(a.x - b.x, a.y - b.y));
  });
  return least;
}

describe("positions of agents", () => {
  it("places every agent of every kind of topology apart from all others", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.integer({ min: 1, max: 60 }), (topology, agents) => {
        const swarm = makeSwarm({ agents, topology });
        const ids = swarm.agents.map((agent) => agent.id);
        const positions = layoutByKind(topology, ids, pairsOf(swarm));
        assert.ok(positions !== null);
        assert.deepEqual([...positions.keys()].sort(), [...ids].sort());
        if (agents > 1) assert.ok(leastDistance(positions) > SPACING * 0.4, `${topology} of ${agents}`);
      }),
    );
  });

  it("tells a layout that piles agents up from one that does not", () => {
    const piled = new Map([
      ["a1", { x: 0, y: 0 }],
      ["a2", { x: 0, y: 0 }],
    ]);
    assert.equal(leastDistance(piled), 0);
  });

  it("puts the hub of a star in the centre", () => {
    const swarm = makeSwarm({ agents: 9, topology: "star" });
    const positions = layoutByKind(
      "star",
      swarm.agents.map((agent) => agent.id),
      pairsOf(swarm),
    );
    assert.deepEqual(positions?.get("a1"), { x: 0, y: 0 });
  });

  it("keeps the ring of a small world and of a k-regular graph on the rim, and their other links inside", () => {
    for (const topology of ["small-world", "k-regular"] as const) {
      const swarm = makeSwarm({ agents: 24, topology });
      const ids = swarm.agents.map((agent) => agent.id);
      const positions = layoutByKind(topology, ids, pairsOf(swarm));
      assert.deepEqual(positions, layoutByKind("ring", ids, []));
      const lengths = pairsOf(swarm).map(([a, b]) => {
        const [p, q] = [positions?.get(a) as Position, positions?.get(b) as Position];
        return Math.hypot(p.x - q.x, p.y - q.y);
      });
      assert.equal(lengths.filter((length) => length < SPACING * 1.01).length, ids.length, topology);
      assert.ok(
        lengths.some((length) => length > 4 * SPACING),
        `${topology} has ways across`,
      );
    }
  });

  it("lays the same links out in the same way every time, with neighbours nearer than strangers", () => {
    const swarm = makeSwarm({ agents: 120, topology: "links", links: 60 });
    const ids = swarm.agents.map((agent) => agent.id);
    const first = forceLayout(ids, pairsOf(swarm));
    assert.deepEqual(forceLayout(ids, pairsOf(swarm)), first);
    const distance = (a: string, b: string): number => {
      const [p, q] = [first.get(a)!, first.get(b)!];
      return Math.hypot(p.x - q.x, p.y - q.y);
    };
    const linked = pairsOf(swarm).map(([a, b]) => distance(a, b));
    const all = ids.flatMap((a, i) => ids.slice(i + 1).map((b) => distance(a, b)));
    const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
    assert.ok(mean(linked) < mean(all) / 2, `linked ${mean(linked)}, all ${mean(all)}`);
    assert.ok(leastDistance(first) > SPACING * 0.15, `least ${leastDistance(first)}`);
  });
});

describe("sides of a partition", () => {
  const partition = makeFault(
    "f1",
    {
      kind: "partition",
      sides: [
        ["a1", "a4"],
        ["a2", "a3", "a5"],
      ],
    },
    [],
    "partitioned",
  );

  it("are the groups that cut links leave, largest first", () => {
    const swarm = makeSwarm({ agents: 5, faults: [partition] });
    const sides = sidesOf(
      swarm.agents.map((agent) => agent.id),
      swarm.links,
    );
    assert.deepEqual(sides, [
      ["a2", "a3", "a5"],
      ["a1", "a4"],
    ]);
  });

  it("are one when nothing is cut, though an agent has crashed", () => {
    const crash = makeFault("f1", { kind: "crash", agent: "a2" }, ["a2"], "a2 crashed");
    const swarm = makeSwarm({ agents: 5, faults: [crash] });
    assert.equal(
      sidesOf(
        swarm.agents.map((agent) => agent.id),
        swarm.links,
      ).length,
      1,
    );
  });

  it("stand on islands that do not touch, and only a majority has a quorum", () => {
    const { islands } = islandsOf(
      [
        ["a2", "a3", "a5"],
        ["a1", "a4"],
      ],
      3,
      false,
    );
    assert.deepEqual(
      islands.map((island) => island.quorum),
      [true, false],
    );
    const [a, b] = islands;
    assert.ok(a !== undefined && b !== undefined);
    assert.ok(Math.hypot(a.centre.x - b.centre.x, a.centre.y - b.centre.y) > a.radius + b.radius);
  });
});
