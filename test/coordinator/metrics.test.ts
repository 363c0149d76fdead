import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AgentReport } from "../../server/contract/swarm.ts";
import { deviation, Metrics, quantile } from "../../server/coordinator/metrics.ts";

function report(agent: string, atMs: number, more: Partial<AgentReport> = {}): AgentReport {
  return {
    agent,
    incarnation: 1,
    pid: 1,
    port: 1,
    atMs,
    upMs: atMs,
    role: "follower",
    term: 1,
    leader: "a1",
    commit: 0,
    applied: 0,
    lastIndex: 0,
    durableIndex: 0,
    links: [],
    members: [
      { id: "a1", state: "alive", sinceMs: 0 },
      { id: "a2", state: "alive", sinceMs: 0 },
    ],
    cpuSeconds: 0,
    rssBytes: 0,
    messagesOut: 0,
    messagesIn: 0,
    electionsStarted: 0,
    electionsWon: 0,
    votesGranted: 0,
    votesRefused: 0,
    committedAsLeader: 0,
    decisionLatenciesMs: [],
    ackParticipation: null,
    tasksRunning: 0,
    slots: 2,
    logBytes: 0,
    fsyncs: 0,
    fsyncP99Ms: null,
    ...more,
  };
}

describe("metrics", () => {
  it("measures nothing before there is anything: null, never 0", () => {
    const metrics = new Metrics(["a1", "a2"]);
    metrics.sample(1000);
    const { charts, summary } = metrics.view("s", 60_000);
    for (const chart of charts)
      for (const series of chart.series)
        if (series.name !== "total") assert.deepEqual(series.values, [null], `${chart.id} ${series.name}`);
    assert.equal(summary.find((figure) => figure.name === "connectivity")?.value, null);
  });

  it("takes rates and loads from the growth of counters between two samples", () => {
    const metrics = new Metrics(["a1", "a2"]);
    metrics.heard(report("a1", 1000, { messagesIn: 100, cpuSeconds: 1, commit: 5 }));
    metrics.heard(report("a2", 1000, { messagesIn: 50, cpuSeconds: 1, commit: 5 }));
    metrics.sample(1000);
    metrics.heard(report("a1", 2000, { messagesIn: 160, cpuSeconds: 1.9, commit: 25 }));
    metrics.heard(report("a2", 2000, { messagesIn: 90, cpuSeconds: 1.1, commit: 24 }));
    const sample = metrics.sample(2000);
    assert.equal(sample.messagesPerSecond, 100);
    assert.equal(sample.committedPerSecond, 20);
    assert.ok(Math.abs((sample.load[0] ?? 0) - 0.9) < 1e-9 && Math.abs((sample.load[1] ?? 0) - 0.1) < 1e-9);
    assert.ok(Math.abs((sample.loadDeviation ?? 0) - 0.4) < 1e-9);
    assert.deepEqual(metrics.view("s", 60_000).hotspots, ["a1"]);
  });

  it("does not take a restarted agent's counters for a fall", () => {
    const metrics = new Metrics(["a1", "a2"]);
    metrics.heard(report("a1", 1000, { messagesIn: 1000, cpuSeconds: 9 }));
    metrics.sample(1000);
    metrics.heard(report("a1", 2000, { incarnation: 2, messagesIn: 7, cpuSeconds: 0.1 }));
    const sample = metrics.sample(2000);
    assert.equal(sample.messagesPerSecond, 7);
    assert.equal(sample.load[0], null);
  });

  it("counts a silent agent as not connected and knows nothing else of it", () => {
    const metrics = new Metrics(["a1", "a2"]);
    metrics.heard(report("a1", 10_000, { members: [{ id: "a2", state: "failed", sinceMs: 0 }] }));
    metrics.heard(report("a2", 1000, { rssBytes: 5e7 }));
    const sample = metrics.sample(10_000);
    assert.equal(sample.connectivity, 0);
    assert.equal(sample.memoryMb[1], null);
  });

  it("counts elections of the last minute and of all time", () => {
    const metrics = new Metrics(["a1", "a2"]);
    metrics.heard(report("a1", 1000));
    metrics.sample(1000);
    metrics.heard(report("a1", 2000, { electionsStarted: 3 }));
    assert.equal(metrics.sample(2000).electionsPerMinute, 3);
    metrics.heard(report("a1", 90_000, { electionsStarted: 4 }));
    const later = metrics.sample(90_000);
    assert.deepEqual([later.electionsPerMinute, later.electionsTotal], [1, 4]);
  });

  it("pools the decision latencies and acknowledgements since the last sample", () => {
    const metrics = new Metrics(["a1", "a2"]);
    metrics.heard(report("a1", 1000, { decisionLatenciesMs: [1, 2, 3], ackParticipation: 0.6 }));
    metrics.heard(report("a1", 1500, { decisionLatenciesMs: [100], ackParticipation: 1 }));
    const sample = metrics.sample(1600);
    assert.deepEqual([sample.decisionP50Ms, sample.decisionP99Ms, sample.ackParticipation], [2, 100, 80]);
    assert.equal(metrics.sample(2000).decisionP50Ms, null);
  });

  it("shows only as far back as asked", () => {
    const metrics = new Metrics(["a1"]);
    for (let at = 1; at <= 10; at++) metrics.sample(at * 1000);
    assert.deepEqual(metrics.view("s", 3000).timesMs, [7000, 8000, 9000, 10_000]);
  });
});

describe("quantile and deviation", () => {
  it("are those of the textbook", () => {
    assert.equal(quantile([], 0.5), null);
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2);
    assert.equal(quantile([1, 2, 3, 4], 0.99), 4);
    assert.equal(deviation([2, 4, 4, 4, 5, 5, 7, 9]), 2);
  });
});
