import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import type { ItemInfo, JoinedAgent } from "../../server/peer/join-swarm.ts";
import { until } from "../coordinator/ground.ts";
import { PeerGround } from "./peer-ground.ts";

const textOf = (item: ItemInfo | null): string | undefined => item?.value && Buffer.from(item.value).toString();

describe("an agent of another program in a swarm by gossip whose agents look for their links themselves", function () {
  this.timeout(120_000);
  const peers = new PeerGround();
  let dir = "";
  let helper: JoinedAgent;

  before(async () => {
    await peers.startMesh("agents: 3\nconsensus: gossip\ntopology: { kind: hyparview, degree: 3 }\n");
    dir = peers.dir();
  });
  after(() => peers.end());

  const read = (agent: string, namespace: string, key: string) =>
    peers.coordinator.handle("memory", { swarm: peers.swarm, op: "get", namespace, key, agent } as never);
  const whole = (...ids: string[]) =>
    peers.until(`${ids.join(", ")} are one`, ({ agents, members, health }) => {
      const count = agents.every(({ gossip }) => gossip?.members === ids.length);
      return members?.voters.join() === ids.join() && agents.length === ids.length && count && health.agreement === 1;
    });

  it("joins through any of them, has what was written before it came, counts, and takes writes", async () => {
    await peers.decides("before");
    helper = await peers.join({ id: "helper", seed: "a2", dir });
    assert.ok(helper.report().voters.includes("helper"));
    await until("it has it", async () => textOf(await helper.mesh.get("still", "before")) === "here");
    await helper.mesh.put("from", "helper", "hello");
    for (const agent of ["a1", "a2", "a3"])
      await until(`${agent} has it`, async () => {
        const answer = await read(agent, "from", "helper");
        return answer.type === "item" && answer.item?.text === "hello";
      });
    const { agents } = await whole("a1", "a2", "a3", "helper");
    assert.equal(agents.find(({ id }) => id === "helper")?.foreign, true);
  });

  it("comes back by its id when it ended without leaving, with what it had and what it missed", async () => {
    const { incarnation } = helper.report();
    await helper.stop();
    await peers.until("it is missed", ({ agents }) => agents.some(({ process }) => process === "unreachable"));
    await peers.decides("meanwhile");
    helper = await peers.join({ id: "helper", seed: "a3", dir });
    assert.equal(helper.report().incarnation, incarnation + 1);
    await until("it has it", async () => textOf(await helper.mesh.get("still", "meanwhile")) === "here");
    await whole("a1", "a2", "a3", "helper");
  });

  it("leaves with nothing lost and nothing left", async () => {
    await helper.mesh.put("from", "helper", "farewell");
    await helper.leave();
    assert.equal((await helper.ended).by, "coordinator");
    await whole("a1", "a2", "a3");
    for (const agent of ["a1", "a2", "a3"]) {
      const answer = await read(agent, "from", "helper");
      assert.ok(answer.type === "item" && answer.item?.text === "farewell", `${agent}: ${JSON.stringify(answer)}`);
    }
    assert.deepEqual(readdirSync(dir), []);
  });

  it("is not taken in as one that only learns", async () => {
    await assert.rejects(peers.join({ id: "pupil", learner: true }), /Nobody only learns in a gossip swarm/);
  });
});
