import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ReputationReport } from "../../server/contract/swarm.ts";
import { UPTIME_HALF_LIFE_MS } from "../../server/core/overlay/reputation.ts";
import { Cluster, type ClusterOptions, TIMING } from "./cluster.ts";

function swarm(options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = new Cluster({ size: 5, ...options });
  cluster.run(1000);
  return cluster;
}

function opinions(cluster: Cluster, by: string): ReadonlyMap<string, ReputationReport> {
  const { reputations } = cluster.agent(by).report(cluster.now);
  return new Map(reputations.map((one) => [one.peer, one]));
}

function near(found: number | undefined, expected: number): void {
  assert.ok(found !== undefined && Math.abs(found - expected) < 0.01, `${found}, not ${expected}`);
}

describe("an agent's trust in its peers", () => {
  it("is full in a swarm where nothing happens, and tells of all others, with a link or without", () => {
    for (const topology of ["mesh", "ring", "star"] as const) {
      const cluster = swarm({ topology });
      for (const id of cluster.ids) {
        const others = cluster.ids.filter((other) => other !== id);
        const trusted = { score: 1, uptime: 1, latency: 1, honesty: 1, proofs: 0 };
        assert.deepEqual(
          [...opinions(cluster, id).values()],
          others.map((peer) => ({ peer, ...trusted })),
        );
      }
    }
  });

  it("falls with the latency of a peer's frames, at whoever they come late to", () => {
    const cluster = swarm();
    cluster.latencyMs = (from, to) => (from === "a2" && to === "a1" ? 8 : from === "a2" ? 2 : 1);
    // Frames from before count a thousandth by then.
    cluster.run(100_000);
    const [atA1, atA3] = [opinions(cluster, "a1"), opinions(cluster, "a3")];
    near(atA1.get("a2")?.latency, 1 / 8);
    near(atA1.get("a2")?.score, 1 / 8);
    near(atA3.get("a2")?.latency, 1 / 2);
    for (const id of ["a3", "a4", "a5"]) assert.equal(atA1.get(id)?.score, 1);
    cluster.latencyMs = () => 1;
    cluster.run(100_000);
    near(opinions(cluster, "a1").get("a2")?.latency, 1);
  });

  it("falls with the time in which a peer is gone, from the suspicion on, and comes back with the peer", () => {
    const cluster = swarm();
    cluster.node("a4").kill();
    cluster.run(TIMING.suspectAfterMs + TIMING.failAfterMs);
    const before = opinions(cluster, "a1").get("a4")?.uptime as number;
    assert.ok(before > 0.98 && before < 1, `${before}`);
    cluster.run(UPTIME_HALF_LIFE_MS);
    near(opinions(cluster, "a1").get("a4")?.uptime, before / 2);
    cluster.node("a4").start();
    cluster.run(UPTIME_HALF_LIFE_MS);
    near(opinions(cluster, "a1").get("a4")?.uptime, 1 - (1 - before / 2) / 2);
    for (const { peer, uptime } of opinions(cluster, "a1").values()) if (peer !== "a4") assert.equal(uptime, 1);
  });

  it("is forgotten with the agent's life", () => {
    const cluster = swarm();
    cluster.node("a4").kill();
    cluster.run(UPTIME_HALF_LIFE_MS);
    cluster.node("a4").start();
    cluster.run(1000);
    cluster.node("a1").kill();
    cluster.node("a1").start();
    cluster.run(1000);
    assert.equal(opinions(cluster, "a1").get("a4")?.uptime, 1);
    assert.ok((opinions(cluster, "a2").get("a4")?.uptime as number) < 0.6);
  });

  it("is had of one that joins, from the moment that the roster names it", () => {
    const cluster = swarm();
    cluster.join("a6");
    cluster.run(1000);
    assert.equal(opinions(cluster, "a1").get("a6")?.score, 1);
    assert.equal(opinions(cluster, "a6").size, 5);
  });
});
