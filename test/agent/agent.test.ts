import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ClientResult } from "../../server/contract/client.ts";
import { Cluster } from "./cluster.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function put(key: string, value: string) {
  return { op: "put", namespace: "n", key, value: bytes(value) } as const;
}

function get(key: string) {
  return { op: "get", namespace: "n", key } as const;
}

function valueOf(result: ClientResult): string | null {
  assert.ok(result.ok && result.value.type === "item", JSON.stringify(result));
  return result.value.item === null ? null : new TextDecoder().decode(result.value.item.value);
}

function version(result: ClientResult): number {
  assert.ok(result.ok && result.value.type === "written", JSON.stringify(result));
  return result.value.version;
}

describe("agents in a cluster", () => {
  for (const size of [1, 3, 5]) {
    it(`elect one leader among ${size}`, () => {
      const cluster = new Cluster({ size });
      const leader = cluster.elect();
      cluster.run(2000);
      assert.equal(cluster.leader, leader, "an undisturbed leader stays");
      for (const { agent } of cluster.up) assert.equal(agent?.raftStatus.leader, leader);
    });
  }

  it("write and read through the leader and through a follower", () => {
    const cluster = new Cluster({ size: 3 });
    const follower = cluster.follower();
    const leader = cluster.leader as string;
    version(cluster.ask(leader, put("k", "1")));
    assert.equal(valueOf(cluster.ask(follower, get("k"))), "1");
    version(cluster.ask(follower, put("k", "2")));
    assert.equal(valueOf(cluster.ask(leader, get("k"))), "2");
    const deleted = cluster.ask(follower, { op: "delete", namespace: "n", key: "k" });
    assert.deepEqual(deleted, { ok: true, value: { type: "deleted", existed: true } });
    assert.equal(valueOf(cluster.ask(leader, get("k"))), null);
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
        value: bytes(value),
      });
    const first = version(set(0, "1"));
    assert.deepEqual(set(0, "2"), { ok: true, value: { type: "conflict", version: first } });
    version(set(first, "3"));
    assert.equal(valueOf(cluster.ask(follower, get("k"))), "3");
  });

  it("let a value expire at all agents, without anybody writing", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    version(cluster.ask("a1", { ...put("k", "1"), ttlMs: 1000 }));
    cluster.run(500);
    assert.equal(valueOf(cluster.ask("a2", get("k"))), "1");
    cluster.run(700);
    for (const { id, agent } of cluster.up) {
      assert.equal(agent?.machine.memory.size, 0, `${id} holds nothing any more`);
      assert.equal(valueOf(cluster.ask(id, get("k"))), null);
    }
    const before = cluster.agent("a1").machine.index;
    cluster.run(5000);
    assert.equal(cluster.agent("a1").machine.index, before, "one clock entry was enough");
  });
});
