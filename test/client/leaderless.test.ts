// Where a swarm has no leader and no order for all, the client asks for neither.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { connect, type MeshClient } from "../../server/client/client.ts";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import { FakeAgent, TOKEN, written } from "./fake-agent.ts";

describe("a client", () => {
  const agents: FakeAgent[] = [];
  const clients: MeshClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const agent of agents.splice(0)) await agent.stop();
  });

  /** Two agents; each says that the second leads. */
  async function swarmOf(consensus: ConsensusKind): Promise<MeshClient> {
    for (const id of ["a1", "a2"]) {
      const agent = await FakeAgent.start(id, ({ op }) =>
        op === "get" ? { ok: true, value: { type: "item", item: null } } : written(1),
      );
      agent.greeting = { consensus };
      agent.leader = "a2";
      agents.push(agent);
    }
    const client = connect({ agents: agents.map(({ id, port }) => ({ id, port })), token: TOKEN });
    clients.push(client);
    return client;
  }

  const reportsAsked = (): number =>
    agents.flatMap(({ frames }) => frames.flat()).filter(({ op }) => op === "report").length;

  it("of a gossip swarm stays with one agent, which answers each write alone, and asks nobody who leads", async () => {
    const client = await swarmOf("gossip");
    for (let write = 0; write < 5; write++) {
      const { vouchedBy } = await client.write({
        op: "put",
        namespace: "n",
        key: `${write}`,
        value: new Uint8Array(1),
      });
      assert.deepEqual(vouchedBy, []);
    }
    // Past the time after which a client in use looks for the leader again.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await client.put("n", "k", "v");
    assert.equal(reportsAsked(), 0);
    assert.deepEqual(agents.map(({ requests }) => requests.length).sort(), [0, 6]);
  });

  it("of a swarm with a leader does look for it: what the test above counts can be seen", async () => {
    const client = await swarmOf("raft");
    await client.put("n", "k", "v");
    assert.ok(reportsAsked() > 0);
  });

  it("names a consistency only where its caller does, so that each swarm reads as well as it can", async () => {
    const client = await swarmOf("gossip");
    await client.get("n", "k");
    await client.get("n", "k", { consistency: "local" });
    await client.get("n", "k", { consistency: "linearizable" });
    const named = agents.flatMap(({ requests }) =>
      requests.map((request) => ("consistency" in request ? request.consistency : undefined)),
    );
    assert.deepEqual(named, [undefined, "local", "linearizable"]);
  });
});
