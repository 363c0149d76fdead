/**
 * Measures a swarm from its agents' reports: one sample a second, kept for an hour. What was not measured in a second is null, never 0;
 * counters that begin anew with an agent's new life are taken from there.
 */
import { CONSENSUS, type ConsensusKind } from "../contract/consensus.ts";
import type { MetricsChart, MetricsView, Series } from "../contract/metrics.ts";
import type { ProposalView } from "../contract/proposals.ts";
import type { AgentReport } from "../contract/swarm.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import { ConvergenceTimes } from "./convergence-times.ts";
import { chart } from "./metric-charts.ts";
import { proposalFigures } from "./proposal-figures.ts";
import { reputationsOf } from "./reputations.ts";
import { deviation, mean, median, percentile } from "./statistics.ts";

export const SAMPLE_EVERY_MS = 1000;
const KEPT_SAMPLES = 3600;
/** Cores; above it an agent is a hotspot. */
export const HOTSPOT_LOAD = 0.8;
const MIB = 1024 * 1024;
/** Charts of a line an agent: a summary has no row for each. */
const PER_AGENT: ReadonlySet<MetricsChart["id"]> = new Set(["load", "memory", "reputation", "agreement", "behind"]);

interface AgentSamples {
  /** The report that the last sample ended with; null before the first of a life. */
  base: AgentReport | null;
  latest: AgentReport | null;
  latenciesMs: number[];
  participation: number[];
  linkP50: number[];
  linkP99: number[];
}

export class Metrics {
  readonly #swarm: string;
  readonly #consensus: ConsensusKind;
  readonly #remembersBeside: boolean;
  #agents: readonly string[];
  readonly #samples: Map<string, AgentSamples>;
  readonly #columns = new Map<string, Float64Array>();
  readonly #timesMs = new Float64Array(KEPT_SAMPLES);
  /** Who was proved to lie. */
  liars: readonly string[] = [];
  /** As last read. */
  proposals: readonly ProposalView[] = [];
  readonly #convergence = new ConvergenceTimes();
  #taken = 0;
  #elections = 0;
  /** Times that any agent was cut off. */
  #partitions: number | null = null;

  /** @param memory eventual: it has gossip beside the consensus. */
  constructor(
    swarm: string,
    agents: readonly string[],
    consensus: ConsensusKind = "raft",
    memory: "eventual" | undefined = undefined,
  ) {
    this.#swarm = swarm;
    this.#consensus = consensus;
    this.#remembersBeside = memory === "eventual";
    this.#agents = agents;
    this.#samples = new Map(agents.map((id) => [id, freshSamples()]));
  }

  /** The swarm has other agents now; what was measured of those that are gone stays in the sums. */
  setAgents(agents: readonly string[]): void {
    for (const id of this.#agents) if (!agents.includes(id)) this.#samples.delete(id);
    for (const id of agents) if (!this.#samples.has(id)) this.#samples.set(id, freshSamples());
    this.#agents = agents;
  }

  /** Every report, also those between two samples: each brings latencies that no other one repeats. */
  report(report: AgentReport): void {
    const samples = this.#samples.get(report.agent);
    if (samples === undefined) return;
    if (samples.latest !== null && samples.latest.incarnation !== report.incarnation) samples.base = null;
    samples.latest = report;
    samples.latenciesMs.push(...report.decisionLatenciesMs);
    if (report.ackParticipation !== null) samples.participation.push(report.ackParticipation);
    for (const link of report.links) {
      if (link.latencyP50Ms !== null) samples.linkP50.push(link.latencyP50Ms);
      if (link.latencyP99Ms !== null) samples.linkP99.push(link.latencyP99Ms);
    }
  }

  /** What agents told; each event once, those of one agent in their order. */
  happened(event: TimelineEvent): void {
    this.#convergence.happened(event);
  }

  /** Ends a sample. */
  sample(atMs: number): void {
    const slot = this.#taken % KEPT_SAMPLES;
    this.#timesMs[slot] = atMs;
    for (const column of this.#columns.values()) column[slot] = Number.NaN;
    const fresh = [...this.#samples.values()].filter(isFresh);
    const all = <T>(pick: (samples: FreshSamples) => readonly T[]): T[] => fresh.flatMap(pick);
    const put = (name: string, value: number | null): void => {
      if (value !== null) this.#column(name)[slot] = value;
    };
    put(
      "connectivity",
      connectivity(
        fresh.map(({ latest }) => latest),
        this.#agents.length,
      ),
    );
    put("latency p50", median(all(({ linkP50 }) => linkP50)));
    put("latency p99", largest(all(({ linkP99 }) => linkP99)));
    put(
      "messages",
      rate(fresh, (report) => report.messagesOut),
    );
    const entries = rate(fresh, (report) => report.committedAsLeader);
    // Where nobody leads everybody counts what comes to it, all in the end the same.
    put("entries", entries === null || CONSENSUS[this.#consensus].leader !== "" ? entries : entries / fresh.length);
    const latencies = all(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
    put("decision p50", percentile(latencies, 0.5));
    put("decision p99", percentile(latencies, 0.99));
    put("acknowledgements", percent(mean(all(({ participation }) => participation))));
    // A view is given up by many and begun by one.
    const began = this.#consensus === "pbft" ? "electionsWon" : "electionsStarted";
    const elections = growth(fresh, (report) => report[began]);
    const votes = growth(fresh, (report) => report.votesGranted);
    put("votes", elections === null || elections === 0 || votes === null ? null : votes / elections);
    if (elections !== null) {
      this.#elections += elections;
      put("elections started", elections);
      put("elections total", this.#elections);
    }
    put(
      "fault threshold",
      faultThreshold(
        fresh.map(({ latest }) => latest),
        this.liars,
      ),
    );
    put(
      "unanswered",
      rate(fresh, ({ detector }) => detector?.unanswered ?? 0),
    );
    put(
      "refuted",
      rate(fresh, ({ detector }) => detector?.refuted ?? 0),
    );
    put(
      "local health",
      largest(all(({ latest: { detector } }) => (detector === undefined ? [] : [detector.localHealth]))),
    );
    put(
      "resilience",
      resilience(
        fresh.map(({ latest }) => latest),
        this.#agents.length,
      ),
    );
    const recoveries = fresh.flatMap(({ base, latest }) => {
      const { recovered = 0, recoveryMs = null } = latest.partition ?? {};
      return recoveryMs !== null && recovered > (base?.partition?.recovered ?? 0) ? [recoveryMs] : [];
    });
    put("recovery", largest(recoveries));
    const cutOff = growth(fresh, ({ partition }) => partition?.seen ?? 0);
    if (cutOff !== null) this.#partitions = (this.#partitions ?? 0) + cutOff;
    const delivered = growth(fresh, ({ broadcasts }) => broadcasts?.delivered ?? 0) ?? 0;
    const redundant = growth(fresh, ({ broadcasts }) => broadcasts?.redundant ?? 0) ?? 0;
    put("redundancy", delivered === 0 ? null : redundant / delivered);
    put("hops", delivered === 0 ? null : largest(fresh.flatMap(({ latest }) => latest.broadcasts?.lastHops ?? [])));
    const convergence = this.#convergence.take().sort((a, b) => a - b);
    put("convergence p50", percentile(convergence, 0.5));
    put("convergence p99", percentile(convergence, 0.99));
    const loads: number[] = [];
    for (const [id, samples] of this.#samples) {
      if (!isFresh(samples)) continue;
      put(`memory ${id}`, samples.latest.rssBytes / MIB);
      const { gossip, memory = gossip } = samples.latest;
      put(`agreement ${id}`, memory?.agreement ?? null);
      put(`behind ${id}`, memory?.behind ?? null);
      const load = loadOf(samples);
      put(`load ${id}`, load);
      if (load !== null) loads.push(load);
    }
    put("load deviation", deviation(loads));
    const reputations = reputationsOf(fresh.map(({ latest }) => ({ id: latest.agent, report: latest })));
    for (const id of this.#agents) put(`reputation ${id}`, reputations.get(id)?.median ?? null);
    for (const samples of this.#samples.values()) close(samples);
    this.#taken++;
  }

  view(lastMs: number): MetricsView {
    const slots = this.#slots(lastMs);
    const series = (name: string, unit: string, column = name): Series => ({
      name,
      unit,
      values: this.#values(column, slots),
    });
    const perMinute = { name: "per minute", unit: "/min", values: this.#perMinute(slots) };
    const agents = (column: string, unit: string): Series[] =>
      this.#agents.map((id) => series(id, unit, `${column} ${id}`));
    const pbft = this.#consensus === "pbft";
    const led = CONSENSUS[this.#consensus].leader !== "";
    const show = (id: MetricsChart["id"], all: readonly Series[]): MetricsChart => chart(this.#consensus, id, all);
    const charts: MetricsChart[] = [
      show("connectivity", [series("connected pairs", "%", "connectivity")]),
      show("latency", [series("p50", "ms", "latency p50"), series("p99", "ms", "latency p99")]),
      show("throughput", [series("messages", "/s"), series("entries", "/s")]),
      show("decisionLatency", [series("p50", "ms", "decision p50"), series("p99", "ms", "decision p99")]),
      ...(led
        ? [
            show("participation", [
              series("acknowledgements", "%"),
              ...(pbft ? [] : [series("votes per election", "", "votes")]),
            ]),
            show("elections", [perMinute, series("total", "", "elections total")]),
          ]
        : []),
      ...(!led || this.#remembersBeside
        ? [
            show("agreement", agents("agreement", "")),
            show("behind", agents("behind", "operations")),
            show("convergence", [series("p50", "ms", "convergence p50"), series("p99", "ms", "convergence p99")]),
          ]
        : []),
      ...(this.#columns.has("redundancy") ? [show("broadcasts", [series("redundancy", ""), series("hops", "")])] : []),
      show("load", agents("load", "cores")),
      show("loadDeviation", [series("standard deviation", "cores", "load deviation")]),
      show("memory", agents("memory", "MiB")),
      show("detection", [
        series("unanswered probes", "/s", "unanswered"),
        series("refuted suspicions", "/s", "refuted"),
        series("worst local health", "", "local health"),
      ]),
      show("partition", [series("can decide", "%", "resilience"), series("time to recover", "ms", "recovery")]),
      show("reputation", agents("reputation", "")),
      ...(pbft ? [show("faultThreshold", [series("left", "agents", "fault threshold")])] : []),
    ];
    const loads = this.#agents.map((id) => this.#last(`load ${id}`, slots.slice(-1)));
    const measured = loads.filter((load) => load !== null);
    const hotspots = this.#agents.filter((_, at) => (loads[at] ?? 0) > HOTSPOT_LOAD);
    const summary = charts
      .filter(({ id }) => !PER_AGENT.has(id))
      .flatMap(({ title, meaning, series: columns }) =>
        columns.map(({ name, unit, values }) => ({
          name: columns.length === 1 ? title : `${title}, ${name}`,
          value: values.findLast((value) => value !== null) ?? null,
          unit,
          meaning: `The latest measured. ${meaning}`,
        })),
      );
    return {
      swarm: this.#swarm,
      timesMs: slots.map((slot) => this.#timesMs[slot]!),
      charts,
      summary: [
        ...summary,
        {
          name: "Load, mean",
          value: mean(measured),
          unit: "cores",
          meaning: "Over the agents measured in the last second.",
        },
        {
          name: "Hotspots",
          value: measured.length === 0 ? null : hotspots.length,
          unit: "agents",
          meaning: `Agents that used more than ${HOTSPOT_LOAD} of a core in the last second.`,
        },
        {
          name: "Reputation, least",
          value: this.#least("reputation", slots.slice(-1)),
          unit: "",
          meaning: "Of all agents the one that the others trust least: the median of what they say.",
        },
        {
          name: "Time able to decide",
          value: mean(this.#values("resilience", slots).filter((share) => share !== null)),
          unit: "%",
          meaning: "Of the time shown, the mean share of the agents that could reach enough others to decide.",
        },
        {
          name: "Cut off",
          value: this.#partitions,
          unit: "times",
          meaning: "How often an agent could not reach enough of the others, since this coordinator began to observe.",
        },
        {
          name: "Time to recover",
          value: this.#values("recovery", slots).findLast((took) => took !== null) ?? null,
          unit: "ms",
          meaning: "How long the last agents that were cut off in the time shown took until they had caught up.",
        },
        ...(led ? [] : this.#spreadFigures(slots.slice(-1))),
        ...proposalFigures(this.proposals),
      ],
      hotspots,
    };
  }

  /** Of the agents that were measured in the last second the least sure one, and what is under way of all of them. */
  #spreadFigures(slots: readonly number[]): MetricsView["summary"] {
    const measured = (column: string): number[] =>
      this.#agents.map((id) => this.#last(`${column} ${id}`, slots)).filter((value) => value !== null);
    const behind = measured("behind");
    return [
      {
        name: "Agreement, least",
        value: this.#least("agreement", slots),
        unit: "",
        meaning:
          "Of the agents measured in the last second the one that is the least sure that everybody has all that it has; 1: all are known to have the same.",
      },
      {
        name: "Not known everywhere",
        value: behind.length === 0 ? null : behind.reduce((sum, one) => sum + one, 0),
        unit: "operations",
        meaning: "Of all agents measured in the last second.",
      },
    ];
  }

  /** Of all agents that have such a column. */
  #least(column: string, slots: readonly number[]): number | null {
    const measured = this.#agents.map((id) => this.#last(`${column} ${id}`, slots)).filter((value) => value !== null);
    return measured.length === 0 ? null : Math.min(...measured);
  }

  /** The samples of the last so many ms, oldest first, as places in the columns. */
  #slots(lastMs: number): number[] {
    const newest = this.#taken - 1;
    const slots: number[] = [];
    const sinceMs = newest < 0 ? 0 : this.#timesMs[newest % KEPT_SAMPLES]! - lastMs;
    for (let at = newest; at >= 0 && at > newest - KEPT_SAMPLES; at--) {
      if (this.#timesMs[at % KEPT_SAMPLES]! <= sinceMs) break;
      slots.push(at % KEPT_SAMPLES);
    }
    return slots.reverse();
  }

  #values(column: string, slots: readonly number[]): (number | null)[] {
    const values = this.#columns.get(column);
    return slots.map((slot) => orNull(values?.[slot]));
  }

  #last(column: string, slots: readonly number[]): number | null {
    return this.#values(column, slots).at(-1) ?? null;
  }

  /** Elections started in the 60 samples that end with each; null where none of them was measured. */
  #perMinute(slots: readonly number[]): (number | null)[] {
    const started = this.#columns.get("elections started");
    return slots.map((slot) => {
      const age = (this.#taken - 1 - slot + KEPT_SAMPLES) % KEPT_SAMPLES;
      const reach = Math.min(60, Math.min(this.#taken, KEPT_SAMPLES) - age);
      let sum: number | null = null;
      for (let back = 0; back < reach; back++) {
        const value = orNull(started?.[(slot - back + KEPT_SAMPLES) % KEPT_SAMPLES]);
        if (value !== null) sum = (sum ?? 0) + value;
      }
      return sum;
    });
  }

  #column(name: string): Float64Array {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = new Float64Array(KEPT_SAMPLES).fill(Number.NaN);
      this.#columns.set(name, column);
    }
    return column;
  }
}

type FreshSamples = AgentSamples & { readonly latest: AgentReport };

function freshSamples(): AgentSamples {
  return { base: null, latest: null, latenciesMs: [], participation: [], linkP50: [], linkP99: [] };
}

function isFresh(samples: AgentSamples): samples is FreshSamples {
  return samples.latest !== null && samples.latest !== samples.base;
}

function close(samples: AgentSamples): void {
  Object.assign(samples, freshSamples(), { base: samples.latest, latest: samples.latest });
}

/** How much a counter rose since the last sample; in a new life, since that began. */
function rise({ base, latest }: FreshSamples, counter: (report: AgentReport) => number): number {
  return Math.max(0, counter(latest) - (base === null ? 0 : counter(base)));
}

function growth(fresh: readonly FreshSamples[], counter: (report: AgentReport) => number): number | null {
  return fresh.length === 0 ? null : fresh.reduce((sum, samples) => sum + rise(samples, counter), 0);
}

function rate(fresh: readonly FreshSamples[], counter: (report: AgentReport) => number): number | null {
  const rates = fresh.flatMap((samples) => {
    const seconds = secondsOf(samples);
    return seconds > 0 ? [rise(samples, counter) / seconds] : [];
  });
  return rates.length === 0 ? null : rates.reduce((sum, one) => sum + one, 0);
}

function loadOf(samples: FreshSamples): number | null {
  const seconds = secondsOf(samples);
  return seconds > 0 ? rise(samples, (report) => report.cpuSeconds) / seconds : null;
}

function secondsOf({ base, latest }: FreshSamples): number {
  return (base === null ? latest.upMs : latest.atMs - base.atMs) / 1000;
}

/** null where consensus survives no liars, or nobody reports. */
function faultThreshold(reports: readonly AgentReport[], liars: readonly string[]): number | null {
  const survived = reports.flatMap(({ pbft }) => (pbft === undefined ? [] : [pbft.faultsTolerated]));
  if (survived.length === 0) return null;
  const faulty = new Set([
    ...liars,
    ...reports.flatMap(({ members }) => members.flatMap(({ id, state }) => (state === "alive" ? [] : [id]))),
  ]);
  return Math.max(0, Math.min(...survived) - faulty.size);
}

function resilience(reports: readonly AgentReport[], agents: number): number | null {
  const told = reports.flatMap(({ partition }) => (partition === undefined ? [] : [partition.state]));
  if (told.length === 0 || agents === 0) return null;
  const able = told.filter((state) => state !== "readOnly" && state !== "apart");
  return (100 * able.length) / agents;
}

function connectivity(reports: readonly AgentReport[], agents: number): number | null {
  if (reports.length === 0 || agents < 2) return null;
  let connected = 0;
  for (const report of reports) {
    const down = new Set(report.links.filter((link) => !link.up).map((link) => link.peer));
    for (const { id, state } of report.members)
      if (id !== report.agent && state === "alive" && !down.has(id)) connected++;
  }
  return (100 * connected) / (agents * (agents - 1));
}

function orNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function percent(share: number | null): number | null {
  return share === null ? null : 100 * share;
}

function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((most, value) => Math.max(most, value));
}
