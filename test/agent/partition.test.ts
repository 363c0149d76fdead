import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import { Cluster } from "./cluster.ts";
import { code, get, put, stored, version } from "./operations.ts";

const LOCALLY = { consistency: "local" } as const;

/** Cut in two, and so long apart that both sides know. */
function parted(cluster: Cluster, minority: readonly string[]): void {
  for (const a of minority) for (const b of cluster.ids) if (!minority.includes(b)) cluster.cut(a, b);
}

function stateOf(cluster: Cluster, id: string): string | undefined {
  return cluster.agent(id).report(cluster.now).partition?.state;
}

function swarm(
  consensus: ConsensusKind = "raft",
  size = 5,
): { readonly cluster: Cluster; readonly minority: string[] } {
  const cluster = new Cluster({ size, consensus });
  if (consensus === "gossip") cluster.run(1000);
  else cluster.elect();
  // The leader is among those that are cut off: it has the most to notice.
  const leader = cluster.leader ?? "a1";
  const minority = [leader, ...cluster.ids.filter((id) => id !== leader)].slice(0, 2);
  return { cluster, minority };
}

describe("agents on a side that cannot decide", () => {
  for (const consensus of ["raft", "pbft"] as const)
    it(`refuse writes and linearizable reads at once, with a sentence; whoever waits is told, too: ${consensus}`, () => {
      const { cluster, minority } = swarm(consensus);
      const [first, second] = minority as [string, string];
      version(cluster.ask(first, put("k", "before")));
      parted(cluster, minority);
      const [write = 0, read = 0] = [cluster.send(first, put("k", "late")), cluster.send(second, get("k"))];
      cluster.until("both know", () => minority.every((id) => stateOf(cluster, id) === "readOnly"), 5000);
      cluster.run(50);
      const told = cluster.node(second).answers.get(read);
      assert.ok(told !== undefined, "long before its time was up");
      assert.equal(code(told), "readOnly");
      assert.ok(!cluster.node(first).answers.has(write), "it was proposed, and may be applied yet");
      for (const id of minority)
        for (const operation of [put("k", "2"), get("k")]) {
          const askedMs = cluster.now;
          const answer = cluster.ask(id, { ...operation, timeoutMs: 10_000 });
          assert.ok(cluster.now - askedMs < 100, "at once");
          assert.ok(!answer.ok && answer.code === "readOnly", JSON.stringify(answer));
          const other = minority.find((one) => one !== id);
          const quorum = consensus === "raft" ? 3 : 4;
          assert.match(
            answer.message,
            new RegExp(
              `^${id} and ${other} are on a side of a partition .* with 2 of 5 voters, and ${quorum} decide: read-only until it heals`,
            ),
          );
          assert.deepEqual(answer.side?.state, "readOnly");
        }
      for (const a of minority) for (const b of cluster.ids) if (!minority.includes(b)) cluster.mend(a, b);
      cluster.until("what waited is done", () => cluster.node(first).answers.has(write));
      assert.equal(code(cluster.node(first).answers.get(write) ?? assert.fail()), "ok");
    });

  it("answer local reads, marked; once they are back they serve as before, and say nothing any more", () => {
    const { cluster, minority } = swarm();
    const [first] = minority as [string, string];
    version(cluster.ask(first, put("k", "before")));
    parted(cluster, minority);
    const rest = cluster.ids.filter((id) => !minority.includes(id));
    cluster.until("both know", () => minority.every((id) => stateOf(cluster, id) === "readOnly"), 5000);
    version(cluster.ask(rest[0] as string, put("k", "after")));
    const old = cluster.ask(first, { ...get("k"), ...LOCALLY });
    assert.equal(stored(old), "before");
    assert.deepEqual(
      { ...old.side, sinceMs: 0 },
      { state: "readOnly", sinceMs: 0, answering: 2, known: 5, voters: 2, votersTotal: 5, quorum: 3 },
    );
    assert.equal(cluster.ask(rest[0] as string, get("k")).side, undefined, "the other side is on no side");
    for (const a of minority) for (const b of rest) cluster.mend(a, b);
    cluster.until("all are whole", () => cluster.ids.every((id) => stateOf(cluster, id) === "whole"), 5000);
    assert.equal(stored(cluster.ask(first, get("k"))), "after");
    assert.equal(cluster.ask(first, get("k")).side, undefined);
    const { partition } = cluster.agent(first).report(cluster.now);
    assert.ok(
      partition?.seen === 1 && partition.recovered === 1 && partition.readOnlyMs > 0,
      JSON.stringify(partition),
    );
    assert.ok(partition.recoveryMs !== null && partition.recoveryMs < 2000, String(partition.recoveryMs));
  });

  it("the same write, repeated, is applied once after they are back", () => {
    const { cluster, minority } = swarm();
    const [first] = minority as [string, string];
    const write = { ...put("k", "once"), session: "s", sequence: 1, firstUnanswered: 1 };
    parted(cluster, minority);
    const early = cluster.send(first, write);
    cluster.until("it knows", () => stateOf(cluster, first) === "readOnly", 5000);
    cluster.run(50);
    const rest = cluster.ids.find((id) => !minority.includes(id)) as string;
    const there = version(cluster.ask(rest, write));
    for (const a of minority) for (const b of cluster.ids) if (!minority.includes(b)) cluster.mend(a, b);
    cluster.until("it is whole", () => stateOf(cluster, first) === "whole", 5000);
    cluster.until("it is answered where it waited", () => cluster.node(first).answers.has(early));
    assert.equal(version(cluster.node(first).answers.get(early) ?? assert.fail()), there);
    assert.equal(version(cluster.ask(first, write)), there);
  });
});

describe("agents that can decide", () => {
  it("refuse nothing during an election: what is asked is done once somebody leads", () => {
    const { cluster } = swarm();
    const killed = cluster.leader as string;
    cluster.node(killed).kill();
    const asked = cluster.ids.filter((id) => id !== killed);
    const requests = asked.map((id) => cluster.send(id, put(id, "1")));
    cluster.until("all are answered", () =>
      asked.every((id, at) => cluster.node(id).answers.has(requests[at] as number)),
    );
    for (const [at, id] of asked.entries())
      assert.equal(code(cluster.node(id).answers.get(requests[at] as number) ?? assert.fail()), "ok", id);
  });

  it("refuse nothing where links are down and others pass messages on", () => {
    const { cluster } = swarm();
    const leader = cluster.leader as string;
    const [far = "", ...near] = cluster.ids.filter((id) => id !== leader);
    cluster.cut(far, leader);
    for (const id of near.slice(1)) cluster.cut(far, id);
    cluster.run(6000);
    assert.equal(stateOf(cluster, far), "whole");
    version(cluster.ask(far, put("k", "v")));
  });

  it("take writes on both sides by gossip; the smaller one says that it is cut off, and both come to the same", () => {
    const { cluster, minority } = swarm("gossip");
    const [first, second] = minority as [string, string];
    const rest = cluster.ids.find((id) => !minority.includes(id)) as string;
    parted(cluster, minority);
    cluster.until("both know", () => minority.every((id) => stateOf(cluster, id) === "apart"), 5000);
    const here = cluster.ask(first, put("here", "1"));
    version(here);
    assert.equal(here.side?.state, "apart");
    const there = cluster.ask(rest, put("there", "1"));
    version(there);
    assert.equal(there.side, undefined);
    for (const a of minority) for (const b of cluster.ids) if (!minority.includes(b)) cluster.mend(a, b);
    cluster.until("it has caught up", () => minority.every((id) => stateOf(cluster, id) === "whole"), 20_000);
    for (const id of [first, second]) assert.equal(stored(cluster.ask(id, { ...get("there"), ...LOCALLY })), "1", id);
  });
});
