import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { MetricsChart } from "../../server/contract/metrics.ts";
import type { AgentReport, BroadcastReport, LinkReport, PartitionReport } from "../../server/contract/swarm.ts";
import { Metrics } from "../../server/coordinator/metrics.ts";
import { deviation, percentile } from "../../server/coordinator/statistics.ts";
import { reportOf } from "../client/fake-agent.ts";

const link = (peer: string, changes: Partial<LinkReport> = {}): LinkReport => ({
  peer,
  up: true,
  framesOut: 0,
  framesIn: 0,
  bytesOut: 0,
  bytesIn: 0,
  dropped: 0,
  delayed: 0,
  corrupted: 0,
  latencyP50Ms: null,
  latencyP99Ms: null,
  ...changes,
});
const alive = (...ids: string[]): AgentReport["members"] => ids.map((id) => ({ id, state: "alive", sinceMs: 0 }));

function values(metrics: Metrics, id: MetricsChart["id"], series: string): readonly (number | null)[] {
  return metrics
    .view(1e9)
    .charts.find((chart) => chart.id === id)!
    .series.find(({ name }) => name === series)!.values;
}

const WHOLE: PartitionReport = {
  state: "whole",
  sinceMs: 0,
  answering: [],
  known: 4,
  voters: 4,
  votersTotal: 4,
  quorum: 3,
  seen: 0,
  apartMs: 0,
  readOnlyMs: 0,
  recovered: 0,
  recoveryMs: null,
};

const SPREAD = {
  members: 101,
  counted: true,
  sameVector: 101,
  behind: 0,
  unshared: 0,
  waiting: 0,
  convergedAtMs: null,
  agreement: 1,
};

describe("metrics", () => {
  it("say nothing, rather than 0, of what was not measured", () => {
    const metrics = new Metrics("s", ["a1", "a2"]);
    metrics.sample(1000);
    const { charts, summary, hotspots } = metrics.view(60_000);
    for (const { id, series } of charts)
      for (const { name, values } of series) assert.deepEqual(values, [null], `${id} ${name}`);
    for (const { name, value } of summary) assert.equal(value, null, name);
    assert.deepEqual(hotspots, []);
  });

  it("have every chart with columns as long as the times, and a meaning", () => {
    const metrics = new Metrics("s", ["a1"]);
    for (let second = 1; second <= 5; second++) metrics.sample(1000 * second);
    const { charts, timesMs } = metrics.view(3000);
    assert.deepEqual(timesMs, [3000, 4000, 5000]);
    assert.equal(charts.length, 12);
    for (const { meaning, series } of charts) {
      assert.ok(meaning.length > 20);
      for (const { values } of series) assert.equal(values.length, 3);
    }
  });

  it("tell partition resilience: who can decide, how long catching up took, and how often anybody was cut off", () => {
    const metrics = new Metrics("s", ["a1", "a2", "a3", "a4"]);
    const tell = (agent: string, second: number, changes: Partial<PartitionReport>): void =>
      metrics.report(
        reportOf(agent, { atMs: 1000 * second, upMs: 1000 * second, partition: { ...WHOLE, ...changes } }),
      );
    for (const agent of ["a1", "a2", "a3"]) tell(agent, 1, {});
    metrics.sample(1000);
    tell("a1", 2, {});
    tell("a2", 2, { state: "readOnly", seen: 1 });
    tell("a3", 2, { state: "apart", seen: 1 });
    metrics.sample(2000);
    tell("a1", 3, {});
    tell("a2", 3, { state: "recovering", seen: 1 });
    tell("a3", 3, { seen: 1, recovered: 1, recoveryMs: 70 });
    metrics.sample(3000);
    tell("a1", 4, {});
    tell("a2", 4, { seen: 1, recovered: 1, recoveryMs: 250 });
    tell("a3", 4, { seen: 1, recovered: 1, recoveryMs: 70 });
    metrics.sample(4000);
    assert.deepEqual(values(metrics, "partition", "can decide"), [75, 25, 75, 75]);
    assert.deepEqual(values(metrics, "partition", "time to recover"), [null, null, 70, 250]);
    const figure = (name: string): number | null | undefined =>
      metrics.view(1e9).summary.find((one) => one.name === name)?.value;
    assert.equal(figure("Cut off"), 2);
    assert.equal(figure("Time to recover"), 250);
    assert.equal(figure("Time able to decide"), 62.5);
    assert.equal(figure("Partition resilience, time to recover"), 250);
  });

  it("tell how failure detection does: a second's unanswered probes and refuted suspicions of all, and who is worst", () => {
    const metrics = new Metrics("s", ["a1", "a2"]);
    const report = (agent: string, second: number, unanswered: number, refuted: number, localHealth: number) =>
      reportOf(agent, {
        atMs: 1000 * second,
        upMs: 1000 * second,
        detector: { kind: "swim", probes: 10, unanswered, refuted, localHealth },
      });
    for (const agent of ["a1", "a2"]) metrics.report(report(agent, 1, 0, 0, 0));
    metrics.sample(1000);
    metrics.report(report("a1", 2, 3, 1, 2));
    metrics.report(report("a2", 2, 2, 0, 0));
    metrics.sample(2000);
    const { series } = metrics.view(60_000).charts.find(({ id }) => id === "detection") ?? { series: [] };
    assert.deepEqual(
      series.map(({ name, values }) => [name, values]),
      [
        ["unanswered probes", [0, 5]],
        ["refuted suspicions", [0, 1]],
        ["worst local health", [0, 2]],
      ],
    );
  });

  it("tell how broadcasts go where there are any: what came twice over what was new in the second, and the most hops", () => {
    const metrics = new Metrics("s", ["a1", "a2"]);
    const none = { broadcast: 0, delivered: 0, redundant: 0, lastHops: null, grafted: 0, pruned: 0 };
    const report = (agent: string, second: number, broadcasts?: Partial<BroadcastReport>) =>
      reportOf(agent, {
        atMs: 1000 * second,
        upMs: 1000 * second,
        ...(broadcasts && { broadcasts: { ...none, ...broadcasts } }),
      });
    const sample = (second: number, a1?: Partial<BroadcastReport>, a2?: Partial<BroadcastReport>): void => {
      metrics.report(report("a1", second, a1));
      metrics.report(report("a2", second, a2));
      metrics.sample(1000 * second);
    };
    const charted = () => metrics.view(60_000).charts.find(({ id }) => id === "broadcasts");
    sample(1);
    assert.equal(charted(), undefined);
    sample(2, { broadcast: 4 }, { delivered: 4, redundant: 3, lastHops: 1 });
    sample(3, { broadcast: 4, delivered: 6, lastHops: 3 }, { broadcast: 6, delivered: 4, redundant: 3, lastHops: 1 });
    sample(4, { broadcast: 4, delivered: 6, lastHops: 3 }, { broadcast: 6, delivered: 4, redundant: 3, lastHops: 1 });
    assert.deepEqual(
      charted()?.series.map(({ name, values }) => [name, values]),
      [
        ["redundancy", [null, 0.75, 0, null]],
        ["hops", [null, 1, 3, null]],
      ],
    );
  });

  it("divide what counters rose by the time between an agent's reports", () => {
    const metrics = new Metrics("s", ["a1", "a2"]);
    const report = (agent: string, atMs: number, n: number) =>
      reportOf(agent, { atMs, upMs: atMs, messagesOut: 100 * n, cpuSeconds: 0.3 * n, committedAsLeader: 10 * n });
    for (const agent of ["a1", "a2"]) metrics.report(report(agent, 1000, 1));
    metrics.sample(1000);
    metrics.report(report("a1", 1500, 2));
    metrics.report(report("a1", 2000, 3));
    metrics.report(report("a2", 2000, 2));
    metrics.sample(2000);
    assert.deepEqual(values(metrics, "throughput", "messages"), [200, 300]);
    assert.deepEqual(values(metrics, "throughput", "entries"), [20, 30]);
    assert.deepEqual(values(metrics, "load", "a1").map(round), [0.3, 0.6]);
    assert.deepEqual(values(metrics, "load", "a2").map(round), [0.3, 0.3]);
    assert.deepEqual(values(metrics, "loadDeviation", "standard deviation").map(round), [0, 0.15]);
    metrics.sample(3000);
    assert.deepEqual(values(metrics, "load", "a1").at(-1), null, "no report came: nothing is known of that second");
  });

  it("begin a new life's counters at its start", () => {
    const metrics = new Metrics("s", ["a1"]);
    metrics.report(reportOf("a1", { atMs: 1000, upMs: 1000, messagesOut: 5000 }));
    metrics.sample(1000);
    metrics.report(reportOf("a1", { incarnation: 2, atMs: 2000, upMs: 500, messagesOut: 50 }));
    metrics.sample(2000);
    assert.deepEqual(values(metrics, "throughput", "messages"), [5000, 100]);
  });

  it("name hotspots above 0.8 of a core", () => {
    const metrics = new Metrics("s", ["a1", "a2"]);
    metrics.report(reportOf("a1", { atMs: 1000, upMs: 1000, cpuSeconds: 0.81 }));
    metrics.report(reportOf("a2", { atMs: 1000, upMs: 1000, cpuSeconds: 0.8 }));
    metrics.sample(1000);
    const { hotspots, summary } = metrics.view(1000);
    assert.deepEqual(hotspots, ["a1"]);
    assert.equal(summary.find(({ name }) => name === "Hotspots")?.value, 1);
    assert.equal(round(summary.find(({ name }) => name === "Load, mean")?.value ?? null), 0.805);
  });

  it("count an ordered pair as connected when the first hears the second and a link between them is up", () => {
    const metrics = new Metrics("s", ["a1", "a2", "a3"]);
    metrics.report(reportOf("a1", { links: [link("a2"), link("a3")], members: alive("a1", "a2", "a3") }));
    metrics.report(
      reportOf("a2", { links: [link("a1"), link("a3", { up: false })], members: alive("a1", "a2", "a3") }),
    );
    // a3 does not report.
    metrics.sample(1000);
    assert.deepEqual(values(metrics, "connectivity", "connected pairs"), [50]);
  });

  it("take decision latencies from all reports of a second, and of links the median of medians and the largest p99", () => {
    const metrics = new Metrics("s", ["a1", "a2"]);
    metrics.report(
      reportOf("a1", { decisionLatenciesMs: [1, 2, 3], links: [link("a2", { latencyP50Ms: 1, latencyP99Ms: 9 })] }),
    );
    metrics.report(
      reportOf("a1", { decisionLatenciesMs: [4], links: [link("a2", { latencyP50Ms: 3, latencyP99Ms: 4 })] }),
    );
    metrics.report(
      reportOf("a2", { links: [link("a1", { latencyP50Ms: 7, latencyP99Ms: 8 })], ackParticipation: 0.6 }),
    );
    metrics.sample(1000);
    assert.deepEqual(values(metrics, "decisionLatency", "p50"), [2]);
    assert.deepEqual(values(metrics, "decisionLatency", "p99"), [4]);
    assert.deepEqual(values(metrics, "latency", "p50"), [3]);
    assert.deepEqual(values(metrics, "latency", "p99"), [9]);
    assert.deepEqual(values(metrics, "participation", "acknowledgements"), [60]);
  });

  it("count elections per minute and in all, and votes per election", () => {
    const metrics = new Metrics("s", ["a1"]);
    for (let second = 1; second <= 90; second++) {
      const electionsStarted = Math.floor(second / 10);
      metrics.report(reportOf("a1", { atMs: 1000 * second, electionsStarted, votesGranted: 3 * electionsStarted }));
      metrics.sample(1000 * second);
    }
    assert.equal(values(metrics, "elections", "per minute").at(-1), 6);
    assert.equal(values(metrics, "elections", "total").at(-1), 9);
    assert.equal(values(metrics, "participation", "votes per election").at(-1), 3);
    assert.equal(values(metrics, "participation", "votes per election").at(-2), null);
  });

  it("count the elections of a minute also where samples are further apart", () => {
    const metrics = new Metrics("s", ["a1"]);
    for (let sample = 1; sample <= 20; sample++) {
      metrics.report(reportOf("a1", { atMs: 10_000 * sample, electionsStarted: 2 * sample }));
      metrics.sample(10_000 * sample);
    }
    assert.equal(values(metrics, "elections", "per minute").at(-1), 12);
  });

  it("leave out what only processes have where there are none, and lines of more agents than can be told apart", () => {
    const agents = Array.from({ length: 101 }, (_, at) => `a${at + 1}`);
    const metrics = new Metrics("s", agents, "gossip", undefined, false);
    for (const agent of agents) metrics.report(reportOf(agent, { gossip: { ...SPREAD, behind: 2 } }));
    metrics.report(reportOf("a7", { gossip: { ...SPREAD, agreement: 0.25, behind: 5 } }));
    metrics.sample(1000);
    const { charts, summary } = metrics.view(60_000);
    const shown = charts.map(({ id }) => id);
    for (const id of ["load", "loadDeviation", "memory", "agreement", "behind", "reputation"] as const)
      assert.ok(!shown.includes(id), id);
    assert.ok(shown.includes("latency") && shown.includes("convergence"));
    const figure = (name: string): number | null | undefined => summary.find((one) => one.name === name)?.value;
    assert.deepEqual([figure("Agreement, least"), figure("Not known everywhere")], [0.25, 205]);
    assert.deepEqual([figure("Load, mean"), figure("Hotspots")], [undefined, undefined]);
    const few = new Metrics("s", agents.slice(0, 5), "gossip", undefined, false).view(60_000);
    assert.ok(few.charts.some(({ id }) => id === "agreement"));
  });

  it("are kept for an hour", () => {
    const metrics = new Metrics("s", ["a1"]);
    for (let second = 1; second <= 4000; second++) {
      metrics.report(reportOf("a1", { atMs: 1000 * second, rssBytes: second * 1024 * 1024 }));
      metrics.sample(1000 * second);
    }
    const kept = values(metrics, "memory", "a1");
    assert.equal(kept.length, 3600);
    assert.deepEqual([kept[0], kept.at(-1)], [401, 4000]);
  });

  it("use the nearest rank and the population's deviation", () => {
    assert.equal(percentile([1, 2, 3, 4], 0.5), 2);
    assert.equal(percentile([1, 2, 3, 4], 0.99), 4);
    assert.equal(percentile([], 0.5), null);
    assert.equal(deviation([2, 4, 4, 4, 5, 5, 7, 9]), 2);
    assert.equal(deviation([]), null);
  });
});

function round(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e6) / 1e6;
}
