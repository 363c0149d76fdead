import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { TestSwarm } from "./swarm.ts";

describe("live agents decide", function () {
  this.timeout(30_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  it("elect one leader, and serve writes and reads at every agent", async () => {
    swarm = await TestSwarm.start(3);
    await swarm.leader();
    for (const id of swarm.ids) {
      const client = await swarm.client(id);
      const result = await client.put(`key of ${id}`, `value of ${id}`);
      assert.ok(result.ok, JSON.stringify(result));
    }
    for (const id of swarm.ids) {
      const client = await swarm.client(id);
      for (const other of swarm.ids) assert.equal(await client.get(`key of ${other}`), `value of ${other}`);
    }
  });

  it("serve reads by lease at every agent where the swarm's file says so", async () => {
    swarm = await TestSwarm.start(3, { reads: "lease" });
    const leader = await swarm.leader();
    const writer = await swarm.client(leader);
    const written = await writer.put("colour", "green");
    assert.ok(written.ok, JSON.stringify(written));
    for (const id of swarm.ids) assert.equal(await (await swarm.client(id)).get("colour"), "green");
  });
});
