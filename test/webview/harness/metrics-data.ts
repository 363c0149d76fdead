/** Figures over time, made up: gaps where something was not measured, a step where a leader was lost. */
import type { MetricsChart, MetricsView, Series } from "../../../server/contract/metrics.ts";
import { STARTED_AT_MS, spread } from "./swarm-data.ts";

export function makeMetrics(agents: number, seconds: number, startSecond = 0): MetricsView {
  const timesMs = Array.from({ length: seconds }, (_, i) => STARTED_AT_MS + (startSecond + i) * 1000);
  const series = (name: string, unit: string, value: (second: number, salt: number) => number | null): Series => ({
    name,
    unit,
    values: timesMs.map((_, i) => value(startSecond + i, name.length)),
  });
  const wave = (second: number, salt: number, low: number, high: number): number =>
    low + (high - low) * (0.5 + 0.35 * Math.sin(second / 9 + salt) + 0.15 * spread(second + salt * 97));
  const ids = Array.from({ length: agents }, (_, i) => `a${i + 1}`);
  const electing = (second: number): boolean => second % 47 < 2;
  const charts: MetricsChart[] = [
    {
      id: "connectivity",
      title: "Connectivity",
      meaning: "Links that are up, as a share of all links the topology asks for.",
      series: [series("links up", "%", (s) => (electing(s) ? 62 : 100))],
    },
    {
      id: "latency",
      title: "Message latency",
      meaning: "From a frame's send to its arrival, over all links, by the agents' hybrid logical clocks.",
      series: [series("p50", "ms", (s) => wave(s, 1, 0.3, 0.7)), series("p99", "ms", (s) => wave(s, 3, 1.8, 4.6))],
    },
    {
      id: "throughput",
      title: "Message throughput",
      meaning: "Frames sent by all agents together.",
      series: [series("frames", "/s", (s) => (electing(s) ? 140 : wave(s, 2, 700, 980)))],
    },
    {
      id: "decisionLatency",
      title: "Decision latency",
      meaning: "From a proposal at the leader to its commit.",
      series: [
        series("p50", "ms", (s) => (electing(s) ? null : wave(s, 5, 1.1, 1.9))),
        series("p99", "ms", (s) => (electing(s) ? null : wave(s, 7, 4, 9))),
      ],
    },
    {
      id: "load",
      title: "Load per agent",
      meaning: "Share of one core that each agent's process uses.",
      series: ids.map((id, i) => series(id, "cores", (s) => wave(s, i * 3 + 1, 0.04, i === 1 ? 0.9 : 0.4))),
    },
    {
      id: "participation",
      title: "Vote participation",
      meaning: "Voters that had acknowledged an entry when it was committed, of all voters.",
      series: [{ name: "acknowledged", unit: "%", values: timesMs.map(() => null) }],
    },
  ];
  const last = (chart: number, at = 0): number | null => charts[chart]?.series[at]?.values.at(-1) ?? null;
  return {
    swarm: "swarm-1",
    timesMs,
    charts,
    summary: [
      { name: "Links up", value: last(0), unit: "%", meaning: "Links that are up now." },
      { name: "Message latency p50", value: last(1), unit: "ms", meaning: "Median over all links." },
      { name: "Throughput", value: last(2), unit: "/s", meaning: "Frames sent by all agents." },
      { name: "Decision latency p50", value: last(3), unit: "ms", meaning: "Proposal to commit." },
      { name: "Decision latency p99", value: last(3, 1), unit: "ms", meaning: "Proposal to commit." },
      { name: "Elections", value: 3, unit: "", meaning: "Elections started since the swarm came up." },
      { name: "Vote participation", value: null, unit: "%", meaning: "Acknowledging voters of all." },
      { name: "Load deviation", value: 0.083, unit: "cores", meaning: "Standard deviation over the agents." },
      { name: "Proposals approved", value: 12, unit: "", meaning: "Of the newest 200." },
      { name: "Proposals rejected", value: 0, unit: "", meaning: "Of the newest 200." },
      { name: "Proposals expired", value: 1, unit: "", meaning: "Of the newest 200." },
      { name: "Time to decide, median", value: 4.8125, unit: "ms", meaning: "Of the newest 200, by votes." },
    ],
    hotspots: ["a2"],
  };
}
