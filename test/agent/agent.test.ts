import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Cluster } from "./cluster.ts";
import { get, put, stored, version } from "./operations.ts";

describe("agents in a cluster", () => {
  for (const size of [1, 3, 5]) {
    it(`elect one leader among ${size}`, () => {
      const cluster = new Cluster({ size });
      const leader = cluster.elect();
      cluster.run(2000);
      assert.equal(cluster.leader, leader, "an undisturbed leader stays");
      for (const { agent } of cluster.up) assert.equal(agent?.consensusStatus.leader, leader);
    });
  }

  it("write and read through the leader and through a follower", () => {
    const cluster = new Cluster({ size: 3 });
    const follower = cluster.follower();
    const leader = cluster.leader as string;
    version(cluster.ask(leader, put("k", "1")));
    assert.equal(stored(cluster.ask(follower, get("k"))), "1");
    version(cluster.ask(follower, put("k", "2")));
    assert.equal(stored(cluster.ask(leader, get("k"))), "2");
    const deleted = cluster.ask(follower, { op: "delete", namespace: "n", key: "k" });
    assert.deepEqual(deleted, { ok: true, value: { type: "deleted", existed: true } });
    assert.equal(stored(cluster.ask(leader, get("k"))), null);
  });

  it("set only what has the expected version", () => {
    const cluster = new Cluster({ size: 3 });
    const follower = cluster.follower();
    const set = (expectedVersion: number, value: string) =>
      cluster.ask(follower, {
        op: "compareAndSet",
        namespace: "n",
        key: "k",
        expectedVersion,
        value: new TextEncoder().encode(value),
      });
    const first = version(set(0, "1"));
    assert.deepEqual(set(0, "2"), { ok: true, value: { type: "conflict", version: first } });
    version(set(first, "3"));
    assert.equal(stored(cluster.ask(follower, get("k"))), "3");
  });

  it("let a value expire at all agents, without anybody writing", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    version(cluster.ask("a1", { ...put("k", "1"), ttlMs: 1000 }));
    cluster.run(500);
    assert.equal(stored(cluster.ask("a2", get("k"))), "1");
    cluster.run(700);
    for (const { id, agent } of cluster.up) {
      assert.equal(agent?.machine.memory.size, 0, `${id} holds nothing any more`);
      assert.equal(stored(cluster.ask(id, get("k"))), null);
    }
    const before = cluster.agent("a1").machine.index;
    cluster.run(5000);
    assert.equal(cluster.agent("a1").machine.index, before, "one clock entry was enough");
  });
});
