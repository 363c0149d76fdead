import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { GossipReport } from "../../server/contract/swarm.ts";
import { Cluster } from "./cluster.ts";
import { changeMembers, get, members, put, refusal, stored } from "./operations.ts";

function make(size = 3, more: { readonly snapshotEveryEntries?: number } = {}): Cluster {
  return new Cluster({ size, consensus: "gossip", ...more });
}

/** Nobody of the others hears it, nor it them, until it is linked with them again. */
function isolate(cluster: Cluster, id: string): { readonly end: () => void } {
  const others = cluster.ids.filter((other) => other !== id);
  for (const other of others) cluster.cut(id, other);
  return {
    end: () => {
      for (const other of others) cluster.mend(id, other);
    },
  };
}

function spread(cluster: Cluster, id: string): GossipReport {
  const { gossip } = cluster.agent(id).report(cluster.now);
  assert.ok(gossip !== undefined);
  return gossip;
}

function votersAt(cluster: Cluster, id: string): string {
  return cluster.agent(id).report(cluster.now).voters.join(" ");
}

/** All that run and count know the same members, hold the same, and know that they do. */
function agree(cluster: Cluster, on: string): void {
  const counted = on.split(" ");
  cluster.until(`${on} agree`, () =>
    counted.every((id) => votersAt(cluster, id) === on && spread(cluster, id).agreement === 1),
  );
  const held = counted.map((id) => Buffer.from(cluster.agent(id).machine.memory.snapshot()).toString("hex"));
  assert.equal(new Set(held).size, 1);
  for (const id of counted) assert.equal(spread(cluster, id).members, counted.length);
}

describe("members of a swarm by gossip", () => {
  it("join: they get all, count once any member says so, and take writes from then on", () => {
    const cluster = make();
    for (let at = 0; at < 20; at++) cluster.ask("a1", put(`k${at}`, `v${at}`));
    cluster.join("a4");
    assert.match(refusal(cluster.ask("a4", put("k", "early"))), /^unavailable: this agent is no member of the swarm/);
    cluster.until("it has all", () => cluster.agent("a4").report(cluster.now).applied === 20);
    assert.equal(spread(cluster, "a4").counted, false);
    assert.equal(members(cluster.ask("a2", changeMembers({ add: "a4" }))), "a1 a2 a3 a4 / ");
    assert.equal(members(cluster.ask("a2", changeMembers({ add: "a4" }))), "unchanged: a1 a2 a3 a4 / ");
    agree(cluster, "a1 a2 a3 a4");
    assert.ok(cluster.ask("a4", put("k", "in time")).ok);
    agree(cluster, "a1 a2 a3 a4");
    assert.equal(stored(cluster.ask("a1", get("k"))), "in time");
  });

  it("join by a state where operations are not kept any more, and come back from their disks as what they were", () => {
    const cluster = make(3, { snapshotEveryEntries: 10 });
    for (let at = 0; at < 60; at++) cluster.ask("a1", put(`k${at % 9}`, `v${at}`));
    agree(cluster, "a1 a2 a3");
    for (let at = 0; at < 60; at++) cluster.ask("a2", put(`k${at % 9}`, `w${at}`));
    agree(cluster, "a1 a2 a3");
    cluster.join("a4");
    assert.ok(cluster.ask("a3", changeMembers({ add: "a4" })).ok);
    agree(cluster, "a1 a2 a3 a4");
    assert.ok(cluster.node("a4").events.some(({ kind }) => kind === "snapshotInstalled"));
    for (let at = 0; at < 30; at++) cluster.ask("a4", put(`k${at % 9}`, `x${at}`));
    agree(cluster, "a1 a2 a3 a4");
    for (const id of ["a1", "a4"]) {
      cluster.node(id).kill();
      cluster.node(id).start();
    }
    agree(cluster, "a1 a2 a3 a4");
    assert.ok(cluster.ask("a4", put("k", "v")).ok);
    agree(cluster, "a1 a2 a3 a4");
  });

  it("leave by saying so themselves: what they have is somebody else's, too, before they go, and nobody waits for them", () => {
    const cluster = make(4);
    agree(cluster, "a1 a2 a3 a4");
    const isolation = isolate(cluster, "a4");
    assert.ok(cluster.ask("a4", put("k", "only here")).ok);
    assert.equal(members(cluster.ask("a4", changeMembers({ remove: "a4" }))), "a1 a2 a3 / ");
    assert.match(refusal(cluster.ask("a4", put("k", "late"))), /^unavailable: this agent is no member/);
    cluster.run(2000);
    assert.equal(spread(cluster, "a4").unshared, 2);
    isolation.end();
    cluster.until("somebody has it", () => spread(cluster, "a4").unshared === 0);
    cluster.node("a4").kill();
    agree(cluster, "a1 a2 a3");
    assert.equal(stored(cluster.ask("a2", get("k"))), "only here");
    assert.match(
      refusal(cluster.ask("a1", changeMembers({ add: "a4" }))),
      /^refused: a4 was removed, and ids do not come back/,
    );
  });

  it("are removed by others when they are down, and nobody waits for them any more; one that comes back hears it and takes no writes", () => {
    const cluster = make(3);
    agree(cluster, "a1 a2 a3");
    cluster.node("a3").kill();
    assert.ok(cluster.ask("a1", put("k", "v")).ok);
    cluster.run(2000);
    assert.ok(spread(cluster, "a1").agreement < 1);
    assert.equal(members(cluster.ask("a2", changeMembers({ remove: "a3" }))), "a1 a2 / ");
    agree(cluster, "a1 a2");
    cluster.node("a3").start();
    assert.ok(cluster.ask("a3", put("k", "knows nothing yet")).ok);
    cluster.until("it hears of it", () => !spread(cluster, "a3").counted);
    assert.match(refusal(cluster.ask("a3", put("k", "late"))), /^unavailable: this agent is no member/);
    cluster.until("the others have what it wrote", () => stored(cluster.ask("a1", get("k"))) === "knows nothing yet");
    agree(cluster, "a1 a2");
  });

  it("are told that they were removed, also where nobody whom they count is there any more", () => {
    const cluster = make(3);
    agree(cluster, "a1 a2 a3");
    cluster.join("a4");
    const isolation = isolate(cluster, "a3");
    for (const change of [{ add: "a4" }, { remove: "a3" }]) assert.ok(cluster.ask("a1", changeMembers(change)).ok);
    agree(cluster, "a1 a2 a4");
    for (const id of ["a1", "a2"]) {
      assert.ok(cluster.ask(id, changeMembers({ remove: id })).ok);
      cluster.until(`${id} may go`, () => spread(cluster, id).unshared === 0);
      cluster.node(id).kill();
    }
    agree(cluster, "a4");
    assert.equal(votersAt(cluster, "a3"), "a1 a2 a3");
    isolation.end();
    cluster.until("it hears of it", () => votersAt(cluster, "a3") === "a4");
    assert.equal(spread(cluster, "a3").counted, false);
  });

  it("are refused, in a sentence, what takes an order, and at least one stays", () => {
    const cluster = make(2);
    const ask = (change: Parameters<typeof changeMembers>[0]) => cluster.ask("a1", changeMembers(change));
    assert.match(refusal(ask({ add: "a9" })), /^refused: "a9" is not in the swarm's roster/);
    assert.equal(members(ask({ promote: "a2" })), "unchanged: a1 a2 / ");
    assert.match(refusal(ask({ voters: ["a1"], learners: [] })), /^refused: the members of a gossip swarm are added/);
    cluster.join("a3");
    assert.match(refusal(ask({ promote: "a3" })), /^refused: a3 is no member; add it/);
    assert.match(refusal(cluster.ask("a3", changeMembers({ remove: "a1" }))), /^unavailable: this agent is no member/);
    assert.equal(members(ask({ remove: "a2" })), "a1 / ");
    assert.match(refusal(ask({ remove: "a1" })), /^refused: no voter would be left/);
  });

  it("that remove each other without knowing of it leave the one that was removed last", () => {
    const cluster = make(2);
    agree(cluster, "a1 a2");
    const isolation = isolate(cluster, "a2");
    assert.ok(cluster.ask("a1", changeMembers({ remove: "a2" })).ok);
    cluster.run(100);
    assert.ok(cluster.ask("a2", changeMembers({ remove: "a1" })).ok);
    isolation.end();
    agree(cluster, "a1");
    assert.ok(cluster.ask("a1", put("k", "v")).ok);
  });
});
