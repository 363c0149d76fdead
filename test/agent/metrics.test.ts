import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { LinkMetrics } from "../../server/agent/metrics.ts";
import { quantile, Samples } from "../../server/agent/samples.ts";
import { seededRandom } from "../../server/core/random.ts";
import { Cluster } from "./cluster.ts";
import { put } from "./operations.ts";

describe("samples", () => {
  it("are bounded, and drawn evenly from all that was seen", () => {
    let sum = 0;
    const rounds = 200;
    for (let round = 0; round < rounds; round++) {
      const samples = new Samples(64, seededRandom(round));
      for (let value = 0, passedOver = 0; value < 1000; value++)
        if (passedOver > 0) passedOver--;
        else passedOver = samples.add(value);
      const kept = samples.take();
      assert.equal(kept.length, 64);
      assert.equal(new Set(kept).size, 64);
      sum += kept.reduce((a, b) => a + b, 0) / kept.length;
      assert.deepEqual(samples.take(), []);
    }
    // The mean of 64 of 1000 even values has a standard deviation of about 35; that of 200 such means, 2.5.
    assert.ok(Math.abs(sum / rounds - 499.5) < 15, `mean ${sum / rounds}`);
  });

  it("have the nearest-rank quantiles", () => {
    assert.equal(quantile([], 0.5), null);
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const found = quantile(values.slice(), share) as number;
          assert.ok(values.includes(found));
          assert.ok(values.filter((value) => value <= found).length >= share * values.length - 1e-9);
          assert.ok(values.filter((value) => value < found).length < share * values.length);
        },
      ),
    );
  });
});

describe("an agent's report", () => {
  it("measures links and decisions, and takes the samples", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    cluster.run(100);
    const before = cluster.agent(leader).report(cluster.now);
    for (let at = 0; at < 50; at++) assert.ok(cluster.ask(leader, put("k", `v${at}`)).ok);
    const report = cluster.agent(leader).report(cluster.now);
    assert.equal(report.agent, leader);
    assert.equal(report.role, "leader");
    assert.equal(report.committedAsLeader - before.committedAsLeader, 50);
    assert.equal(report.decisionLatenciesMs.length, 50);
    // Sent in 1 ms, written in 2, acknowledged in 1.
    for (const latencyMs of report.decisionLatenciesMs) assert.equal(Math.round(latencyMs), 4);
    assert.ok((report.ackParticipation as number) >= 2 / 3 && (report.ackParticipation as number) <= 1);
    for (const link of report.links) {
      assert.equal(link.up, true);
      assert.equal(link.latencyP50Ms, 1);
      assert.equal(link.latencyP99Ms, 1);
      assert.ok(link.framesOut > 50 && link.framesIn > 50 && link.bytesOut > 0 && link.bytesIn > 0);
    }
    assert.equal(report.electionsWon, 1);
    const next = cluster.agent(leader).report(cluster.now);
    assert.deepEqual(next.decisionLatenciesMs, []);
    assert.equal(next.ackParticipation, null);
    assert.equal(next.links[0]?.latencyP50Ms, null);
    assert.equal(next.committedAsLeader, report.committedAsLeader);
    const granted = cluster.up.map(({ agent }) => agent?.report(cluster.now).votesGranted ?? 0);
    assert.ok(granted.reduce((a, b) => a + b, 0) >= 1);
  });

  it("says of a frame that arrived before it was sent, by two clocks, that it took no time", () => {
    const link = new LinkMetrics(seededRandom("link"));
    for (const latencyMs of [-3, -0.01, -0.2]) link.received(1, latencyMs);
    const { latencyP50Ms, latencyP99Ms } = link.report("a2");
    assert.deepEqual([latencyP50Ms, latencyP99Ms], [0, 0]);
  });

  it("shows how it sees the others", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    cluster.run(500);
    cluster.node("a3").kill();
    const stateOf = (id: string) =>
      cluster
        .agent("a1")
        .report(cluster.now)
        .members.find((member) => member.id === id)?.state;
    const tookMs = cluster.until("a1 knows that a3 failed", () => stateOf("a3") === "failed");
    assert.ok(tookMs < 1000, `${tookMs} ms`);
    assert.equal(stateOf("a2"), "alive");
    cluster.agent("a2").leave(cluster.now);
    cluster.until("a1 knows that a2 left", () => stateOf("a2") === "left", 100);
  });
});
