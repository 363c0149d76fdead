import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { type Arranging, arrange, isCrowded, partedCircles } from "../../../webview/topology/arrange.ts";
import { GROUPS_FROM, type Group, groupsOf } from "../../../webview/topology/groups.ts";
import { ringGroups, ringLayout, ringPlaces, ringShare, spacedOnCircle } from "../../../webview/topology/hash-ring.ts";
import { type Pair, type Position, SPACING } from "../../../webview/topology/layout.ts";
import { makeSwarm, type SwarmOptions } from "../harness/swarm-data.ts";

const KINDS = ["mesh", "ring", "star", "grid", "hierarchical", "k-regular", "small-world", "links"] as const;

function graphOf(options: SwarmOptions): { readonly ids: readonly string[]; readonly pairs: readonly Pair[] } {
  const swarm = makeSwarm(options);
  return { ids: swarm.agents.map(({ id }) => id), pairs: swarm.links.map((link) => [link.a, link.b]) };
}

/** What is wrong with groups: agents in none or in several, and groups that are far too large. */
function flaws(groups: readonly Group[], ids: readonly string[], most: number): readonly string[] {
  const counts = new Map(ids.map((id) => [id, 0]));
  for (const agent of groups.flatMap(({ agents }) => agents)) counts.set(agent, (counts.get(agent) ?? 0) + 1);
  return [
    ...[...counts].filter(([, count]) => count !== 1).map(([id, count]) => `${id} is in ${count} groups`),
    ...groups.filter(({ agents }) => agents.length > most).map(({ name, agents }) => `${name} has ${agents.length}`),
  ];
}

describe("groups of agents", () => {
  it("hold every agent once, in sizes near the square root of all, the same every time", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.integer({ min: GROUPS_FROM, max: 150 }), (topology, agents) => {
        const { ids, pairs } = graphOf({ agents, topology, links: agents });
        const groups = groupsOf(topology, ids, pairs);
        // A branch is cut once it is large enough: with three children, that is three times as much and one at most.
        assert.deepEqual(flaws(groups, ids, Math.ceil(4 * Math.sqrt(agents))), []);
        assert.ok(groups.length >= 2 && groups.length <= agents / 2, `${groups.length} groups of ${agents}`);
        assert.deepEqual(groupsOf(topology, ids, pairs), groups);
      }),
      { numRuns: 40 },
    );
  });

  it("are found to be flawed when one agent is in two of them or in none", () => {
    const group = (id: string, agents: readonly string[]): Group => ({ id, name: id, agents });
    assert.deepEqual(flaws([group("g", ["a1", "a2"]), group("h", ["a2"])], ["a1", "a2", "a3"], 1), [
      "a2 is in 2 groups",
      "a3 is in 0 groups",
      "g has 2",
    ]);
  });

  it("are none where there are few agents", () => {
    const { ids, pairs } = graphOf({ agents: GROUPS_FROM - 1 });
    assert.deepEqual(groupsOf("mesh", ids, pairs), []);
  });

  it("find communities: four cliques with one link between each two are four groups", () => {
    const ids = Array.from({ length: 40 }, (_, i) => `a${i + 1}`);
    const cliqueOf = (i: number): number => i % 4;
    const pairs: Pair[] = ids.flatMap((a, i) =>
      ids.slice(i + 1).flatMap((b, k) => (cliqueOf(i) === cliqueOf(i + 1 + k) ? [[a, b] as const] : [])),
    );
    for (const [i, j] of [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const)
      pairs.push([ids[i]!, ids[j]!]);
    const groups = groupsOf("links", ids, pairs);
    assert.deepEqual(
      groups.map(({ agents }) => new Set(agents.map((agent) => cliqueOf(ids.indexOf(agent)))).size),
      [1, 1, 1, 1],
    );
  });

  it("are branches of a hierarchy: of each group one agent alone has its parent outside of it", () => {
    const { ids, pairs } = graphOf({ agents: 200, topology: "hierarchical" });
    const parents = new Map(pairs.map(([parent, child]) => [child, parent]));
    const headsOf = (agents: readonly string[]): readonly string[] =>
      agents.filter((agent) => !agents.includes(parents.get(agent) ?? ""));
    for (const { agents } of groupsOf("hierarchical", ids, pairs)) assert.deepEqual(headsOf(agents), [agents[0]]);
    assert.deepEqual(headsOf(["a2", "a3"]), ["a2", "a3"], "the check tells two branches from one");
  });

  it("stay as agents come and go: who stays remains in its group, a newcomer joins the one it is linked with", () => {
    const { ids, pairs } = graphOf({ agents: 120, topology: "links", links: 120 });
    const before = groupsOf("links", ids, pairs);
    const home = before[3]!;
    const left = ids.filter((id) => id !== "a5");
    const after = groupsOf("links", [...left, "a121"], [...pairs, [home.agents[0]!, "a121"]], before);
    assert.deepEqual(flaws(after, [...left, "a121"], 1000), []);
    for (const group of before) {
      const now = after.find(({ id }) => id === group.id);
      const expected = group.agents.filter((id) => id !== "a5");
      assert.deepEqual(now?.agents, group.id === home.id ? [...expected, "a121"] : expected);
    }
  });
});

describe("the arrangement of a picture", function () {
  this.timeout(30_000);
  const question = (agents: number, topology: (typeof KINDS)[number], change: Partial<Arranging> = {}): Arranging => {
    const { ids, pairs } = graphOf({ agents, topology, links: agents });
    const closed = { all: true, except: [] };
    return { topology, layout: "linked", agents: ids, links: pairs, previous: [], closed, ...change };
  };

  const leastDistance = (positions: ReadonlyMap<string, Position>): number => {
    const all = [...positions.values()];
    return Math.min(...all.flatMap((a, i) => all.slice(i + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y))));
  };

  it("draws each agent once: by itself, or in its closed group", () => {
    for (const topology of KINDS) {
      const { groups } = arrange(question(100, topology));
      const open = groups[1]!.id;
      const { positions, regions } = arrange(question(100, topology, { closed: { all: true, except: [open] } }));
      const expected = groups.flatMap((group) => (group.id === open ? group.agents : [group.id]));
      assert.deepEqual([...positions.keys()].sort(), [...expected].sort());
      assert.deepEqual(
        regions.map(({ group }) => group),
        [open],
      );
    }
  });

  it("lets closed groups and the rooms of open ones stand clear of one another", () => {
    for (const topology of KINDS) {
      for (const agents of [60, 150]) {
        const { groups, positions } = arrange(question(agents, topology));
        assert.ok(leastDistance(positions) > SPACING, `${topology} of ${agents}: ${leastDistance(positions)}`);
        const except = [groups[0]!.id, groups[2]!.id];
        const opened = arrange(question(agents, topology, { closed: { all: true, except } }));
        for (const { group, centre, radius } of opened.regions) {
          const members = groups.find(({ id }) => id === group)!.agents;
          for (const [id, { x, y }] of opened.positions) {
            const isIn = Math.hypot(x - centre.x, y - centre.y) < radius;
            assert.equal(isIn, members.includes(id), `${topology} of ${agents}: ${id} and the room of ${group}`);
          }
        }
      }
    }
  });

  it("parts circles that stand on one spot, and leaves alone those that are apart", () => {
    const parted = partedCircles([
      { at: { x: 0, y: 0 }, radius: 50 },
      { at: { x: 0, y: 0 }, radius: 10 },
      { at: { x: 1000, y: 0 }, radius: 10 },
    ]);
    assert.ok(Math.hypot(parted[0]!.x - parted[1]!.x, parted[0]!.y - parted[1]!.y) > 60);
    assert.deepEqual(parted[2], { x: 1000, y: 0 });
  });

  it("is crowded by a thousand agents in any room, by a hundred in a sidebar, by twelve never", () => {
    const editor = { width: 1280, height: 700 };
    const sidebar = { width: 300, height: 500 };
    const crowded = (agents: number, room: typeof editor): boolean => isCrowded(question(agents, "links"), room);
    assert.deepEqual([crowded(1000, editor), crowded(100, sidebar), crowded(100, editor)], [true, true, false]);
    assert.deepEqual([crowded(12, sidebar), crowded(12, editor)], [false, false]);
  });
});

describe("the ring", () => {
  const ids = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `a${i + 1}`);

  it("gives each agent the stretch before it: all shares together are the whole ring", () => {
    const places = ringPlaces(ids(100));
    const sum = [...places.values()].reduce((total, { share }) => total + share, 0);
    assert.ok(Math.abs(sum - 1) < 1e-9, String(sum));
    for (const [agent, { at, next }] of places) {
      assert.equal(at, ringShare(agent));
      const after = ringPlaces(ids(100)).get(next)!;
      assert.ok(Math.abs(((after.at - at + 1) % 1) - after.share) < 1e-9, `${next} comes after ${agent}`);
    }
  });

  it("moves nobody but who takes over when one leaves", () => {
    const before = ringPlaces(ids(50));
    const left = before.get("a7")!;
    const after = ringPlaces(ids(50).filter((id) => id !== "a7"));
    for (const [agent, { at, share }] of after) {
      const was = before.get(agent)!;
      assert.equal(at, was.at);
      assert.ok(Math.abs(share - was.share - (agent === left.next ? left.share : 0)) < 1e-9, agent);
    }
  });

  it("spreads hashes evenly: no tenth of the ring has less than half or more than twice its part of 1,000 agents", () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const id of ids(1000)) tenths[Math.floor(ringShare(id) * 10)]!++;
    assert.ok(Math.min(...tenths) > 50 && Math.max(...tenths) < 200, tenths.join());
  });

  it("places agents in the order of their hashes, none nearer than their room, and says where they are exactly", () => {
    for (const count of [2, 5, 12, 100, 1000]) {
      const { positions, ring } = ringLayout(ids(count));
      const turn = ({ x, y }: Position): number => (Math.atan2(y, x) / (2 * Math.PI) + 1.25) % 1;
      const drawn = [...positions].sort((a, b) => turn(a[1]) - turn(b[1])).map(([agent]) => agent);
      const exact = [...ids(count)].sort((a, b) => ringShare(a) - ringShare(b));
      const from = drawn.indexOf(exact[0]!);
      assert.deepEqual([...drawn.slice(from), ...drawn.slice(0, from)], exact);
      const spaced = exact.map((agent) => turn(positions.get(agent)!));
      const gaps = spaced.map((at, i) => (at - spaced.at(i - 1)! + 1) % 1);
      assert.ok(count < 2 || Math.min(...gaps) * 2 * Math.PI * ring.radius > 0.99 * SPACING, `${count} agents`);
      for (const [i, { exact: at }] of ring.ticks.entries())
        assert.ok(Math.abs(turn(at) - ringShare(exact[i]!)) < 1e-9, "a tick is where the hash is");
    }
  });

  it("moves nothing that has room, and no more than it takes", () => {
    assert.deepEqual(
      spacedOnCircle([0.1, 0.5, 0.9], 0.1).map((at) => Math.round(at * 1e6) / 1e6),
      [0.1, 0.5, 0.9],
    );
    assert.deepEqual(
      spacedOnCircle([0.5, 0.52], 0.1).map((at) => Math.round(at * 1e6) / 1e6),
      [0.46, 0.56],
    );
    const crowded = spacedOnCircle([0.98, 0.985, 0.99, 0.01], 0.2);
    const gaps = crowded.map((at, i) => (at - crowded.at(i - 1)! + 1) % 1);
    assert.ok(Math.min(...gaps) > 0.2 - 1e-9, crowded.join());
  });

  it("groups agents by stretches of the ring, each with those whose hashes lie in it", () => {
    const groups = ringGroups(ids(1000));
    assert.deepEqual(flaws(groups, ids(1000), 100), []);
    for (const { name, agents } of groups) {
      const [from, to] = name.replace(" %", "").split("–").map(Number) as [number, number];
      for (const agent of agents) assert.ok(ringShare(agent) * 100 > from - 0.06 && ringShare(agent) * 100 < to + 0.06);
    }
  });
});
