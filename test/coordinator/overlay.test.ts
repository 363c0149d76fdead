import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { overlayProblem } from "../../server/agent/overlay-problem.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Ground, untilView } from "./ground.ts";

const MESH = "agents: 9\ntopology: { kind: hyparview, degree: 3 }\n";

describe("a running swarm whose agents look for their links themselves", function () {
  this.timeout(120_000);
  let ground: Ground;
  let coordinator: Coordinator;

  beforeEach(() => {
    ground = new Ground();
    coordinator = ground.coordinator();
  });
  afterEach(() => ground.end());

  /** Of the links that are shown between these. */
  const problem = ({ links }: SwarmView, ids: readonly string[]): string | undefined => {
    const peers = (id: string) => links.flatMap(({ a, b }) => (a === id ? [b] : b === id ? [a] : []));
    return overlayProblem(
      ids.map((agent) => ({ agent, peers: peers(agent).filter((peer) => ids.includes(peer)) })),
      3,
    );
  };
  const ids = ({ agents }: SwarmView): string[] => agents.map(({ id }) => id);

  it("shows the links that there are, refuses to plan them, and sees them mended: cut in two, one more, one fewer", async () => {
    const begun = await ground.init(coordinator, MESH);
    const swarm = begun.id;
    const view = await untilView(coordinator, swarm, "an overlay", (one) => problem(one, ids(one)) === undefined);
    for (const { id, linksUp, linksTotal } of view.agents)
      assert.ok(linksUp >= 2 && linksTotal <= 3, `${id}: ${linksUp} of ${linksTotal}`);
    await assert.rejects(
      coordinator.handle("planTopology", { swarm }),
      /look for their links themselves \(topology hyparview\), so there is no plan/,
    );
    const change = { swarm, operation: "rewire", basis: "", least: 2, add: [], drop: [] };
    await assert.rejects(coordinator.handle("rewire", change), /look for their links themselves/);

    const sides = [
      ["a1", "a2", "a3", "a4"],
      ["a5", "a6", "a7", "a8", "a9"],
    ];
    const fault = { kind: "partition", sides } as const;
    const { id } = await coordinator.handle("injectFault", { swarm, fault });
    const isCut = ({ links }: SwarmView): boolean =>
      links.every(({ a, b }) => sides[0]?.includes(a) === sides[0]?.includes(b));
    await untilView(
      coordinator,
      swarm,
      "an overlay each",
      (one) => isCut(one) && sides.every((side) => problem(one, side) === undefined),
      20_000,
    );
    await coordinator.handle("healFault", { swarm, fault: id });
    await untilView(coordinator, swarm, "one overlay", (one) => problem(one, ids(one)) === undefined, 20_000);

    await coordinator.handle("changeMembers", { swarm, change: { kind: "add", learner: false } });
    const grown = await untilView(
      coordinator,
      swarm,
      "the newcomer is linked",
      (one) => one.agents.length === 10 && problem(one, ids(one)) === undefined,
      20_000,
    );
    ground.remember(grown);
    const gone = ids(grown).find((agent) => grown.agents.every(({ leader }) => leader !== agent)) as string;
    await coordinator.handle("changeMembers", { swarm, change: { kind: "remove", agent: gone } });
    const left = await untilView(
      coordinator,
      swarm,
      "the others are linked",
      (one) => one.agents.length === 9 && problem(one, ids(one)) === undefined,
      20_000,
    );
    assert.ok(left.links.every(({ a, b }) => a !== gone && b !== gone));
  });
});
