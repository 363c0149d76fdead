import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ClientResult } from "../../server/contract/client.ts";
import { utf8 } from "../../server/core/bytes.ts";
import type { Proposal } from "../../server/core/proposals/types.ts";
import { Cluster, type Node } from "./cluster.ts";
import { refusal } from "./operations.ts";

function make(size = 5): Cluster {
  return new Cluster({ size, consensus: "gossip" });
}

function put(cluster: Cluster, at: string, key: string, value: string): ClientResult {
  return cluster.ask(at, { op: "put", namespace: "n", key, value: utf8(value) });
}

function held(node: Node, key: string): string | undefined {
  const item = node.agent?.machine.memory.get("n", key, node.now);
  return item === undefined ? undefined : new TextDecoder().decode(item.value);
}

/** Memory and proposals alone: what else a machine holds differs with the order that it was given. */
function stateOf({ agent }: Node): string {
  assert.ok(agent !== undefined);
  const { memory, proposals } = agent.machine;
  return [memory, proposals].map((part) => Buffer.from(part.snapshot()).toString("hex")).join(" ");
}

function converged(cluster: Cluster, withinMs = 10_000): number {
  return cluster.until("all hold the same", () => new Set(cluster.up.map(stateOf)).size === 1, withinMs);
}

function known(cluster: Cluster, key: string, value: string): void {
  cluster.until(`${key} is ${value} everywhere`, () => cluster.up.every((node) => held(node, key) === value));
}

describe("a swarm by gossip", () => {
  it("takes a write at any agent at once, and brings it to all", () => {
    const cluster = make();
    const written = put(cluster, "a3", "k", "v");
    assert.ok(written.ok && written.value.type === "written" && written.value.version > 0);
    known(cluster, "k", "v");
    cluster.until("all know that all know", () =>
      cluster.up.every((node) => node.agent?.report(cluster.now).gossip?.agreement === 1),
    );
  });

  it("goes on in every part of a partition, and is one again when it heals: the later write of a key stands", () => {
    const cluster = make();
    const [left, right] = [
      ["a1", "a2"],
      ["a3", "a4", "a5"],
    ] as const;
    for (const a of left) for (const b of right) cluster.cut(a, b);
    cluster.run(100);
    put(cluster, "a1", "k", "left");
    put(cluster, "a1", "only left", "1");
    cluster.run(50);
    put(cluster, "a4", "k", "right");
    put(cluster, "a5", "only right", "2");
    cluster.run(1000);
    assert.equal(held(cluster.node("a2"), "k"), "left");
    assert.equal(held(cluster.node("a3"), "k"), "right");
    const { gossip } = cluster.agent("a2").report(cluster.now);
    assert.ok(gossip !== undefined && gossip.agreement < 1 && gossip.sameVector === 2, JSON.stringify(gossip));
    for (const a of left) for (const b of right) cluster.mend(a, b);
    converged(cluster);
    for (const node of cluster.up)
      assert.deepEqual(
        ["k", "only left", "only right"].map((key) => held(node, key)),
        ["right", "1", "2"],
      );
  });

  it("counts and keeps sets on both sides of a partition, and every acknowledged change counts once when it heals", () => {
    const cluster = make();
    const typed = (at: string, op: "add" | "remove", element: string): ClientResult =>
      cluster.ask(at, { op, namespace: "n", key: "set", element });
    const count = (at: string, by: number, more = {}): ClientResult =>
      cluster.ask(at, { op: "increment", namespace: "n", key: "count", by, ...more });
    assert.deepEqual(count("a1", 10), { ok: true, value: { type: "counted", total: 10 } });
    assert.deepEqual(typed("a1", "add", "both"), { ok: true, value: { type: "added", created: true } });
    known(cluster, "count", "10");
    known(cluster, "set", '["both"]');
    for (const a of ["a1", "a2"]) for (const b of ["a3", "a4", "a5"]) cluster.cut(a, b);
    cluster.run(100);
    const once = { session: "client", sequence: 1 };
    assert.deepEqual(count("a2", 5, once), { ok: true, value: { type: "counted", total: 15 } });
    assert.deepEqual(count("a4", 5, once), { ok: true, value: { type: "counted", total: 15 } }, "the same, elsewhere");
    count("a5", -3);
    typed("a1", "remove", "both");
    typed("a2", "add", "left");
    typed("a3", "add", "both");
    typed("a4", "remove", "left");
    cluster.run(1000);
    assert.deepEqual([held(cluster.node("a1"), "count"), held(cluster.node("a3"), "count")], ["15", "12"]);
    assert.deepEqual([held(cluster.node("a1"), "set"), held(cluster.node("a3"), "set")], ['["left"]', '["both"]']);
    for (const a of ["a1", "a2"]) for (const b of ["a3", "a4", "a5"]) cluster.mend(a, b);
    converged(cluster);
    for (const node of cluster.up)
      assert.deepEqual([held(node, "count"), held(node, "set")], ["12", '["both","left"]']);
  });

  it("refuses what is for another type than a key has, and what is no count or element, in a sentence", () => {
    const cluster = make(3);
    cluster.ask("a1", { op: "increment", namespace: "n", key: "count" });
    for (const [operation, code, sentence] of [
      [{ op: "put", namespace: "n", key: "count", value: utf8("v") }, "refused", /holds a counter, and put is for/],
      [{ op: "add", namespace: "n", key: "count", element: "x" }, "refused", /a key has one type/],
      [{ op: "increment", namespace: "n", key: "count", by: 0.5 }, "invalid", /increment is 0.5; give a whole number/],
      [{ op: "add", namespace: "n", key: "set", element: "" }, "invalid", /element is empty/],
      [{ op: "add", namespace: "n", key: "set", element: 1 as unknown as string }, "invalid", /element is 1; give a/],
    ] as const) {
      const answer = cluster.ask("a1", operation);
      assert.ok(!answer.ok && answer.code === code, JSON.stringify(answer));
      assert.match(answer.message, sentence);
    }
    const ordered = new Cluster({ size: 1 });
    ordered.until("it leads", () => ordered.agent("a1").consensusStatus.role === "leader");
    for (const [operation, sentence] of [
      [{ op: "increment", namespace: "n", key: "k" }, /counters are of an eventual memory .*compareAndSet/],
      [{ op: "remove", namespace: "n", key: "k", element: "x" }, /sets are of an eventual memory/],
    ] as const) {
      const answer = ordered.ask("a1", operation);
      assert.ok(!answer.ok && answer.code === "invalid");
      assert.match(answer.message, sentence);
    }
  });

  it("loses nothing that it acknowledged when agents are killed and start again", () => {
    const cluster = make();
    put(cluster, "a2", "k", "v");
    cluster.node("a2").kill();
    cluster.run(2000);
    put(cluster, "a1", "later", "w");
    cluster.node("a2").start();
    known(cluster, "k", "v");
    known(cluster, "later", "w");
    put(cluster, "a2", "k", "again");
    known(cluster, "k", "again");
  });

  it("goes on from snapshots of its own and of others", () => {
    const cluster = new Cluster({ size: 3, consensus: "gossip", snapshotEveryEntries: 20 });
    cluster.node("a3").kill();
    for (let at = 0; at < 100; at++) put(cluster, "a1", `k${at % 7}`, `v${at}`);
    assert.ok(cluster.node("a1").snapshot !== undefined);
    cluster.node("a1").kill();
    cluster.node("a1").start();
    cluster.node("a3").start();
    converged(cluster);
    assert.equal(held(cluster.node("a3"), "k1"), "v99");
  });

  it("refuses what takes an order, in a sentence, and reads what is here", () => {
    const cluster = make(3);
    const value = utf8("v");
    for (const [operation, sentence] of [
      [{ op: "compareAndSet", namespace: "n", key: "k", expectedVersion: 0, value }, /compareAndSet takes one order/],
      [{ op: "submitTask", task: { id: "t", command: "true" } }, /task is leased to one agent/],
      [{ op: "cancelTask", taskId: "t" }, /task is leased/],
      [{ op: "get", namespace: "n", key: "k", consistency: "linearizable" }, /linearizable read.*local/],
    ] as const) {
      const answer = cluster.ask("a1", operation);
      assert.ok(!answer.ok && answer.code === "invalid");
      assert.match(answer.message, sentence);
    }
    assert.match(refusal(cluster.ask("a1", { op: "transferLeader" })), /^refused: nobody leads/);
    assert.deepEqual(cluster.ask("a1", { op: "get", namespace: "n", key: "k" }), {
      ok: true,
      value: { type: "item", item: null },
    });
  });

  it("forgets what has expired, without anybody in charge", () => {
    const cluster = make(3);
    cluster.ask("a1", { op: "put", namespace: "n", key: "k", value: utf8("v"), ttlMs: 3000 });
    known(cluster, "k", "v");
    cluster.until("it is gone everywhere", () => cluster.up.every((node) => node.agent?.machine.memory.size === 0));
    converged(cluster);
  });
});

describe("a proposal, decided by gossip", () => {
  const states = (cluster: Cluster): (string | undefined)[] =>
    cluster.up.map(({ agent }) => agent?.machine.proposals.get("p1")?.state);
  const decided = (cluster: Cluster, state: Proposal["state"]): void => {
    cluster.until(`it is ${state} everywhere`, () => states(cluster).every((one) => one === state), 30_000);
  };

  it("is approved at the threshold, the same everywhere, with the votes of all", () => {
    const cluster = make();
    cluster.node("a4").policy = () => ({ choice: "reject", reason: "no" });
    cluster.ask("a2", { op: "propose", proposal: { id: "p1", subject: "s", body: "{}" } });
    decided(cluster, "approved");
    converged(cluster);
  });

  it("is decided on both sides of a partition alone only where enough are, and by all when it heals", () => {
    const cluster = make();
    const [left, right] = [
      ["a1", "a2"],
      ["a3", "a4", "a5"],
    ] as const;
    cluster.run(500);
    for (const a of left) for (const b of right) cluster.cut(a, b);
    cluster.ask("a3", { op: "propose", proposal: { id: "p1", subject: "s", body: "{}", timeoutMs: 60_000 } });
    cluster.run(5000);
    assert.deepEqual(states(cluster), [undefined, undefined, "open", "open", "open"]);
    for (const a of left) for (const b of right) cluster.mend(a, b);
    decided(cluster, "approved");
    converged(cluster);
  });

  it("that had expired where votes were long on their way is decided by those that were in time", () => {
    const cluster = make();
    cluster.run(500);
    cluster.ask("a1", { op: "propose", proposal: { id: "p1", subject: "s", body: "{}", timeoutMs: 3000 } });
    // a5 hears of it, and of none of the others' votes until long after the deadline.
    cluster.until("a5 considers it", () => cluster.node("a5").considering.has("p1"));
    for (const other of ["a1", "a2", "a3", "a4"]) cluster.cut(other, "a5");
    cluster.run(12_000);
    assert.equal(cluster.agent("a5").machine.proposals.get("p1")?.state, "expired");
    assert.equal(cluster.agent("a1").machine.proposals.get("p1")?.state, "approved");
    for (const other of ["a1", "a2", "a3", "a4"]) cluster.mend(other, "a5");
    decided(cluster, "approved");
    converged(cluster);
  });

  it("of the same id, made twice at the same time, is the earlier one everywhere", () => {
    const cluster = make();
    cluster.run(500);
    for (const [at, subject] of [
      ["a1", "one"],
      ["a5", "other"],
    ] as const)
      cluster.send(at, { op: "propose", proposal: { id: "p1", subject, body: "{}" } });
    decided(cluster, "approved");
    converged(cluster);
    const subjects = new Set(cluster.up.map(({ agent }) => agent?.machine.proposals.get("p1")?.spec.subject));
    assert.equal(subjects.size, 1);
  });
});
