import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { AgentView, SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { readSwarm } from "../../server/live/layout.ts";
import { Ground, untilView } from "./ground.ts";

const MESH =
  "agents: 6\nzones: { eu: [a1, a2], us: [a3, a4], asia: [a5, a6] }\ntopology: { kind: k-regular, degree: 3 }\n";

describe("zones of a running swarm", function () {
  this.timeout(120_000);
  let ground: Ground;
  let coordinator: Coordinator;

  beforeEach(() => {
    ground = new Ground();
    coordinator = ground.coordinator();
  });
  afterEach(() => ground.end());

  const zoneOf = ({ agents }: SwarmView, id: string): string | undefined => agents.find((one) => one.id === id)?.zone;
  const down = ({ agents }: SwarmView): string[] =>
    agents.filter(({ process }: AgentView) => process === "crashed").map(({ id }) => id);

  it("is seen, crashed, cut off and planned for as a whole, and takes newcomers in", async () => {
    const { id: swarm } = await ground.init(coordinator, MESH);
    const well = await untilView(coordinator, swarm, "all is well", ({ health }) => health.level === "ok");
    assert.deepEqual([zoneOf(well, "a1"), zoneOf(well, "a4"), zoneOf(well, "a5")], ["eu", "us", "asia"]);

    const crash = await coordinator.handle("injectFault", { swarm, fault: { kind: "crash", agent: "zone:eu" } });
    assert.deepEqual([crash.agents, crash.title], [["a1", "a2"], "a1, a2 crashed"]);
    await untilView(coordinator, swarm, "eu is down, the others decide", (view) => {
      const others = view.agents.filter(({ zone }) => zone !== "eu");
      return down(view).join() === "a1,a2" && others.some(({ role }) => role === "leader");
    });
    await coordinator.handle("healFault", { swarm, fault: crash.id });
    await untilView(coordinator, swarm, "it is back", ({ health }) => health.level === "ok");

    const cut = await coordinator.handle("injectFault", {
      swarm,
      fault: { kind: "partition", sides: [["zone:asia"]] },
    });
    assert.equal(cut.title, "a5, a6 | a1, a2, a3, a4 partitioned");
    await untilView(coordinator, swarm, "its links are cut, and no others", ({ links }) =>
      links.every(({ a, b, state }) => (state === "cut") === (["a5", "a6"].includes(a) !== ["a5", "a6"].includes(b))),
    );
    await coordinator.handle("healFault", { swarm, fault: cut.id });
    await assert.rejects(
      coordinator.handle("injectFault", { swarm, fault: { kind: "pause", agent: "zone:mars" } }),
      /There is no zone "mars". The zones are eu, us, asia/,
    );

    await untilView(coordinator, swarm, "all is well again", ({ health }) => health.level === "ok");
    const plan = await coordinator.handle("planTopology", { swarm });
    assert.deepEqual(plan.before.zones.map(({ zone, survived }) => `${zone} ${survived}`), ["eu true", "us true", "asia true"]); // biome-ignore format: one rule
    assert.match(plan.text, /survives the loss of zone asia +yes +yes/);

    await coordinator.handle("changeMembers", { swarm, change: { kind: "add", learner: false } });
    const grown = await untilView(coordinator, swarm, "a newcomer", ({ agents }) => agents.length === 7);
    const newcomer = grown.agents[6] as AgentView;
    assert.equal(newcomer.zone, "eu", "in the first of the zones that have the fewest");
    const file = readSwarm(ground.folder, swarm);
    assert.equal(file.agents[6]?.zone, "eu");
    const peers = file.links.flatMap(({ a, b }) => (b === newcomer.id ? [zoneOf(grown, a)] : []));
    assert.deepEqual(peers.filter((zone) => zone === "eu").length, 2, peers.join());
    assert.equal(peers.length, 3);
  });
});
