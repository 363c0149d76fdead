import type { MetricsChart, MetricsView, Series } from "../contract/metrics.ts";
import type { AgentReport } from "../contract/swarm.ts";

const KEPT_SAMPLES = 3600;
/** A report older than this says nothing about now. */
const FRESH_MS = 2500;
const MINUTE_MS = 60_000;
/** Share of a core above which an agent is a hotspot (the seed's figure). */
export const HOTSPOT_LOAD = 0.8;

/** One second of the swarm, measured. null: not measured in that second. */
export interface Sample {
  readonly atMs: number;
  readonly connectivity: number | null;
  readonly latencyP50Ms: number | null;
  readonly latencyP99Ms: number | null;
  readonly messagesPerSecond: number | null;
  readonly committedPerSecond: number | null;
  readonly decisionP50Ms: number | null;
  readonly decisionP99Ms: number | null;
  readonly ackParticipation: number | null;
  readonly votesGrantedShare: number | null;
  readonly electionsPerMinute: number | null;
  readonly electionsTotal: number;
  readonly load: readonly (number | null)[];
  readonly loadDeviation: number | null;
  readonly memoryMb: readonly (number | null)[];
}

/** What is remembered of an agent between two samples. */
interface Known {
  latest: AgentReport;
  sampled: AgentReport | undefined;
  decisions: number[];
  participations: number[];
}

/** Turns the agents' reports into one sample a second, kept for an hour, and these into charts. Missing is null, never 0. */
export class Metrics {
  readonly #agents: readonly string[];
  readonly #known = new Map<string, Known>();
  readonly #samples: Sample[] = [];
  readonly #elections: { readonly atMs: number; readonly count: number }[] = [];
  #electionsTotal = 0;
  #commit: number | undefined;
  #lastSampleMs: number | undefined;

  constructor(agents: readonly string[]) {
    this.#agents = agents;
  }

  heard(report: AgentReport): void {
    const known = this.#known.get(report.agent);
    if (!known) {
      this.#known.set(report.agent, {
        latest: report,
        sampled: undefined,
        decisions: [...report.decisionLatenciesMs],
        participations: listOf(report.ackParticipation),
      });
      return;
    }
    known.latest = report;
    known.decisions.push(...report.decisionLatenciesMs);
    known.participations.push(...listOf(report.ackParticipation));
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Once a second. */
  sample(nowMs: number): Sample {
    const fresh = [...this.#known.values()].filter((known) => nowMs - known.latest.atMs <= FRESH_MS);
    const seconds = this.#lastSampleMs === undefined ? undefined : (nowMs - this.#lastSampleMs) / 1000;
    const latencies = fresh.flatMap((known) => known.latest.links);
    const decisions = fresh.flatMap((known) => known.decisions);
    const granted = sumOf(fresh, (known) => delta(known, (report) => report.votesGranted));
    const refused = sumOf(fresh, (known) => delta(known, (report) => report.votesRefused));
    this.#countElections(nowMs, sumOf(fresh, (known) => delta(known, (report) => report.electionsStarted)) ?? 0);
    const load = this.#agents.map((id) => this.#loadOf(id, nowMs));
    const messages = sumOf(fresh, (known) => delta(known, (report) => report.messagesIn));
    const made: Sample = {
      atMs: nowMs,
      connectivity: this.#connectivity(fresh),
      latencyP50Ms: quantile(numbers(latencies.map((link) => link.latencyP50Ms)), 0.5),
      latencyP99Ms: maximum(numbers(latencies.map((link) => link.latencyP99Ms))),
      messagesPerSecond: rate(messages, seconds),
      committedPerSecond: rate(this.#committed(fresh), seconds),
      decisionP50Ms: quantile(decisions, 0.5),
      decisionP99Ms: quantile(decisions, 0.99),
      ackParticipation: percent(mean(fresh.flatMap((known) => known.participations))),
      votesGrantedShare:
        granted === null || refused === null || granted + refused === 0 ? null : (100 * granted) / (granted + refused),
      electionsPerMinute: fresh.length === 0 ? null : this.#elections.reduce((sum, { count }) => sum + count, 0),
      electionsTotal: this.#electionsTotal,
      load,
      loadDeviation: deviation(numbers(load)),
      memoryMb: this.#agents.map((id) => {
        const known = this.#known.get(id);
        return known && fresh.includes(known) && known.latest.rssBytes > 0 ? known.latest.rssBytes / 1_048_576 : null;
      }),
    };
    for (const known of fresh) {
      known.sampled = known.latest;
      known.decisions = [];
      known.participations = [];
    }
    this.#lastSampleMs = nowMs;
    this.#samples.push(made);
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
    return made;
  }

  /** @param lastMs how far back, from the newest sample. */
  view(swarm: string, lastMs: number): MetricsView {
    const newest = this.#samples.at(-1);
    const from = (newest?.atMs ?? 0) - lastMs;
    const samples = this.#samples.filter((sample) => sample.atMs >= from);
    return {
      swarm,
      timesMs: samples.map((sample) => sample.atMs),
      charts: charts(samples, this.#agents),
      summary: summary(newest),
      hotspots: newest ? this.#agents.filter((_, at) => (newest.load[at] ?? 0) > HOTSPOT_LOAD) : [],
    };
  }

  /** Share of ordered pairs of agents of which the first is heard and holds the second alive. */
  #connectivity(fresh: readonly Known[]): number | null {
    const pairs = this.#agents.length * (this.#agents.length - 1);
    if (fresh.length === 0) return null;
    if (pairs === 0) return 100;
    const alive = fresh.reduce(
      (sum, { latest }) =>
        sum + latest.members.filter((member) => member.state === "alive" && member.id !== latest.agent).length,
      0,
    );
    return (100 * alive) / pairs;
  }

  /** Share of a core since the last sample. */
  #loadOf(id: string, nowMs: number): number | null {
    const known = this.#known.get(id);
    if (
      !known?.sampled ||
      nowMs - known.latest.atMs > FRESH_MS ||
      known.sampled.incarnation !== known.latest.incarnation
    )
      return null;
    const seconds = (known.latest.atMs - known.sampled.atMs) / 1000;
    return seconds > 0 ? Math.max(0, (known.latest.cpuSeconds - known.sampled.cpuSeconds) / seconds) : null;
  }

  #committed(fresh: readonly Known[]): number | null {
    const highest = maximum(fresh.map((known) => known.latest.commit));
    if (highest === null) return null;
    const before = this.#commit;
    this.#commit = Math.max(before ?? 0, highest);
    return before === undefined ? null : Math.max(0, highest - before);
  }

  #countElections(nowMs: number, count: number): void {
    this.#electionsTotal += count;
    if (count > 0) this.#elections.push({ atMs: nowMs, count });
    while (this.#elections.length > 0 && nowMs - (this.#elections[0]?.atMs ?? nowMs) > MINUTE_MS)
      this.#elections.shift();
  }
}

/** Growth of a counter since the last sample; from zero for an agent that was started again; null before the first. */
function delta(known: Known, counter: (report: AgentReport) => number): number | null {
  const { latest, sampled } = known;
  if (!sampled) return known.latest.upMs < 5000 ? counter(latest) : null;
  return sampled.incarnation === latest.incarnation ? Math.max(0, counter(latest) - counter(sampled)) : counter(latest);
}

function charts(samples: readonly Sample[], agents: readonly string[]): MetricsChart[] {
  const series = (name: string, unit: string, value: (sample: Sample) => number | null): Series => ({
    name,
    unit,
    values: samples.map(value),
  });
  return [
    {
      id: "connectivity",
      title: "Connectivity",
      meaning: "Share of ordered pairs of agents of which the first is observed and holds the second alive.",
      series: [series("connected pairs", "%", (s) => s.connectivity)],
    },
    {
      id: "latency",
      title: "Message latency",
      meaning:
        "From a frame's sending to its arrival, over all links: the median of the links' medians, and the worst link's 99th percentile.",
      series: [series("median", "ms", (s) => s.latencyP50Ms), series("99th percentile", "ms", (s) => s.latencyP99Ms)],
    },
    {
      id: "throughput",
      title: "Throughput",
      meaning: "Messages that arrived at agents, and log entries that committed, a second.",
      series: [
        series("messages", "/s", (s) => s.messagesPerSecond),
        series("committed entries", "/s", (s) => s.committedPerSecond),
      ],
    },
    {
      id: "decisionLatency",
      title: "Decision latency",
      meaning: "From a proposal's arrival at the leader to its commit there.",
      series: [series("p50", "ms", (s) => s.decisionP50Ms), series("p99", "ms", (s) => s.decisionP99Ms)],
    },
    {
      id: "participation",
      title: "Vote participation",
      meaning:
        "Voters that had acknowledged an entry when it committed, as a share of all; and votes granted, as a share of those asked for in elections.",
      series: [
        series("acknowledged", "%", (s) => s.ackParticipation),
        series("votes granted", "%", (s) => s.votesGrantedShare),
      ],
    },
    {
      id: "elections",
      title: "Elections",
      meaning: "Elections started within the last minute, and since the coordinator began to observe.",
      series: [series("last minute", "", (s) => s.electionsPerMinute), series("total", "", (s) => s.electionsTotal)],
    },
    {
      id: "load",
      title: "Load",
      meaning: "Processor time of each agent, in cores, over the last second.",
      series: agents.map((id, at) => series(id, "cores", (s) => s.load[at] ?? null)),
    },
    {
      id: "loadDeviation",
      title: "Load deviation",
      meaning: "Standard deviation of the agents' load: 0 when all work the same.",
      series: [series("standard deviation", "cores", (s) => s.loadDeviation)],
    },
    {
      id: "memory",
      title: "Memory",
      meaning: "Resident memory of each agent's process.",
      series: agents.map((id, at) => series(id, "MB", (s) => s.memoryMb[at] ?? null)),
    },
  ];
}

function summary(sample: Sample | undefined): MetricsView["summary"] {
  const figure = (name: string, value: number | null | undefined, unit: string, meaning: string) => ({
    name,
    value: value ?? null,
    unit,
    meaning,
  });
  return [
    figure("connectivity", sample?.connectivity, "%", "ordered pairs of agents that hold each other alive"),
    figure("message latency p50", sample?.latencyP50Ms, "ms", "median of the links' medians"),
    figure("message latency p99", sample?.latencyP99Ms, "ms", "worst link's 99th percentile"),
    figure("messages", sample?.messagesPerSecond, "/s", "arrived at agents"),
    figure("committed", sample?.committedPerSecond, "/s", "log entries"),
    figure("decision latency p50", sample?.decisionP50Ms, "ms", "proposal to commit at the leader"),
    figure("decision latency p99", sample?.decisionP99Ms, "ms", "proposal to commit at the leader"),
    figure("vote participation", sample?.ackParticipation, "%", "voters that had acknowledged when an entry committed"),
    figure("elections last minute", sample?.electionsPerMinute, "", "started by any agent"),
    figure("elections", sample?.electionsTotal, "", "since the coordinator began to observe"),
    figure("mean load", mean(numbers(sample?.load ?? [])), "cores", "processor time an agent"),
    figure("load deviation", sample?.loadDeviation, "cores", "standard deviation of the agents' load"),
    figure("mean memory", mean(numbers(sample?.memoryMb ?? [])), "MB", "resident, an agent"),
  ];
}

function listOf(value: number | null): number[] {
  return value === null ? [] : [value];
}

function numbers(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** Sum over those that have a value; null when none has. */
function sumOf(known: readonly Known[], value: (known: Known) => number | null): number | null {
  const found = numbers(known.map(value));
  return found.length === 0 ? null : found.reduce((sum, each) => sum + each, 0);
}

function rate(count: number | null, seconds: number | undefined): number | null {
  return count === null || seconds === undefined || seconds <= 0 ? null : count / seconds;
}

function percent(share: number | null): number | null {
  return share === null ? null : share * 100;
}

function maximum(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((most, value) => Math.max(most, value));
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the whole population, not of a sample of it. */
export function deviation(values: readonly number[]): number | null {
  const middle = mean(values);
  return middle === null
    ? null
    : Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length);
}

/** Nearest rank. */
export function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}
