import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Cluster } from "./cluster.ts";
import { get, put, stored, version } from "./operations.ts";

const EVERY = 60;

/** Writes values k0, k1, ... again and again through one agent. */
function write(cluster: Cluster, id: string, count: number): void {
  for (let at = 0; at < count; at++) assert.ok(cluster.ask(id, put(`k${at % 20}`, `v${at}`)).ok);
}

function caughtUp(cluster: Cluster, id: string, leader: string): void {
  const applied = () => cluster.agent(id).report(cluster.now).applied;
  cluster.until(
    `${id} has applied what ${leader} has`,
    () => applied() === cluster.agent(leader).report(cluster.now).applied,
  );
  assert.deepEqual(cluster.agent(id).machine.snapshot(), cluster.agent(leader).machine.snapshot());
}

describe("agents with logs that are compacted", () => {
  it("keep on disk a snapshot and the entries behind it, and start again from them", () => {
    const cluster = new Cluster({ size: 3, snapshotEveryEntries: EVERY });
    write(cluster, cluster.elect(), 200);
    cluster.run(100);
    for (const node of cluster.nodes.values()) {
      const { snapshotIndex, firstIndex, lastIndex } = cluster.agent(node.id).report(node.now);
      assert.equal(node.snapshot?.index, snapshotIndex);
      assert.ok(snapshotIndex >= 120, `${node.id} has a snapshot up to ${snapshotIndex} of ${lastIndex}`);
      assert.ok(firstIndex > 1 && firstIndex <= snapshotIndex + 1);
      assert.deepEqual(
        node.entries.map(({ index }) => index),
        Array.from({ length: lastIndex - snapshotIndex }, (_, at) => snapshotIndex + 1 + at),
      );
    }
    for (const node of cluster.nodes.values()) node.kill();
    cluster.run(10);
    for (const node of cluster.nodes.values()) node.start();
    const leader = cluster.elect();
    assert.equal(stored(cluster.ask(leader, get("k19"))), "v199");
    write(cluster, leader, 100);
    for (const id of cluster.ids) caughtUp(cluster, id, leader);
  });

  it("do not tell again of tasks that were done before an agent started from a snapshot", () => {
    const cluster = new Cluster({ size: 1, snapshotEveryEntries: 10 });
    cluster.elect();
    assert.ok(cluster.ask("a1", { op: "submitTask", task: { id: "t1", command: "true" } }).ok);
    cluster.until("the task is done", () => cluster.node("a1").events.some(({ kind }) => kind === "taskFinished"));
    write(cluster, "a1", 30);
    const node = cluster.node("a1");
    node.kill();
    const before = node.events.length;
    node.start();
    cluster.elect();
    cluster.run(2000);
    assert.ok(node.snapshot !== undefined && node.runs.length === 1);
    assert.deepEqual(
      node.events.slice(before).filter(({ kind }) => kind.startsWith("task")),
      [],
    );
  });

  for (const snapshotChunkBytes of [64, 256 * 1024])
    it(`bring one that was away by a snapshot in parts of ${snapshotChunkBytes} bytes, while others go on`, () => {
      const cluster = new Cluster({ size: 3, snapshotEveryEntries: EVERY, snapshotChunkBytes });
      const leader = cluster.elect();
      const away = cluster.ids.find((id) => id !== leader) as string;
      write(cluster, leader, 10);
      cluster.node(away).kill();
      write(cluster, leader, 300);
      const parts: number[] = [];
      cluster.node(away).start();
      write(cluster, leader, 5);
      caughtUp(cluster, away, leader);
      for (const { kind, message } of cluster.node(leader).events)
        if (kind === "send" && message?.type === "installSnapshot") parts.push(Number(message.fields.offset));
      const installs = () => cluster.node(away).events.filter(({ kind }) => kind === "snapshotInstalled").length;
      const before = installs();
      // The one that was begun while it was away may be followed by a newer one.
      assert.ok(before === 1 || before === 2, `${before} snapshots`);
      assert.ok(snapshotChunkBytes > 1000 ? parts.length <= 4 : new Set(parts).size >= 5, parts.join(" "));
      write(cluster, leader, 150);
      caughtUp(cluster, away, leader);
      assert.equal(installs(), before, "in step, it needs none");
    });

  it("answer a write that waits where its entry was skipped, as it was answered elsewhere; and reads behind it", () => {
    const cluster = new Cluster({ size: 3, snapshotEveryEntries: EVERY });
    const leader = cluster.elect();
    const cutOff = cluster.ids.find((id) => id !== leader) as string;
    const third = cluster.ids.find((id) => id !== leader && id !== cutOff) as string;
    write(cluster, leader, 5);
    // It says what is asked of it and hears nothing any more.
    cluster.passes = (_, to) => to !== cutOff;
    const asked = { ...put("mine", "written"), session: "s", sequence: 1, firstUnanswered: 1, timeoutMs: 60_000 };
    const waiting = cluster.send(cutOff, asked);
    cluster.until("the write is applied by the others", () => stored(cluster.ask(third, get("mine"))) === "written");
    write(cluster, leader, 300);
    assert.equal(cluster.node(cutOff).answers.has(waiting), false);
    cluster.passes = () => true;
    cluster.until("it is answered where it was asked", () => cluster.node(cutOff).answers.has(waiting));
    assert.ok(cluster.node(cutOff).events.some(({ kind }) => kind === "snapshotInstalled"));
    const answer = cluster.node(cutOff).answers.get(waiting);
    assert.ok(answer !== undefined);
    assert.equal(version(answer), version(cluster.ask(leader, asked)));
    assert.equal(stored(cluster.ask(cutOff, get("mine"))), "written");
  });
});
