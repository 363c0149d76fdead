/** Numbers that every agent has of itself, and what all of them together come to by gossip (core/aggregation). */

export interface AggregateMetric {
  readonly name: string;
  /** "bytes", "s", "cores", "/s" ...; empty: a count. */
  readonly unit: string;
  /** Of one agent, in a few words. */
  readonly meaning: string;
  /** Only the process knows it: in a simulated world no agent has it. */
  readonly ofProcess?: boolean;
}

/** Of each agent's own, as it reports it (AgentReport). */
export const AGGREGATE_METRICS: readonly AggregateMetric[] = [
  { name: "cpu", unit: "cores", meaning: "processor time over the time since the agent started", ofProcess: true },
  { name: "cpuSeconds", unit: "s", meaning: "processor time since the agent started", ofProcess: true },
  { name: "rssBytes", unit: "bytes", meaning: "resident memory", ofProcess: true },
  { name: "logBytes", unit: "bytes", meaning: "its durable log on disk", ofProcess: true },
  { name: "fsyncs", unit: "", meaning: "syncs of its log since it started", ofProcess: true },
  { name: "fsyncP99Ms", unit: "ms", meaning: "99th percentile of how long the latest syncs took", ofProcess: true },
  { name: "links", unit: "", meaning: "links that are up" },
  { name: "membersAlive", unit: "", meaning: "members that it holds alive, itself included" },
  { name: "tasksRunning", unit: "", meaning: "tasks that it runs" },
  { name: "slots", unit: "", meaning: "tasks that it may run at a time" },
  { name: "logEntries", unit: "", meaning: "entries in its log" },
  { name: "applied", unit: "", meaning: "the last entry that it has applied" },
  { name: "messagesOut", unit: "", meaning: "consensus messages sent since it started" },
  { name: "messagesIn", unit: "", meaning: "consensus messages received since it started" },
  { name: "messageRate", unit: "/s", meaning: "consensus messages in and out, over the time since it started" },
  { name: "bytesOut", unit: "bytes", meaning: "sent over its links since it started" },
  { name: "bytesIn", unit: "bytes", meaning: "received over its links since it started" },
  { name: "frameLatencyMs", unit: "ms", meaning: "what frames of the last seconds took to it, one way" },
];

/** What an aggregate came to, as the agent says that was asked for it. */
export interface AggregateInfo {
  readonly metric: string;
  /** As in AGGREGATE_METRICS. */
  readonly unit: string;
  /** false: it did not become certain in time; `error` says what is known all the same. */
  readonly converged: boolean;
  /** Of agents that have such a value: those are in the answer. Exact where `converged`. */
  readonly count: number;
  /** null, and so all below: no agent has such a value. */
  readonly mean: number | null;
  /** The mean of these values is within it of `mean` for certain, unless somebody lies; null: nothing is certain. Of the sum it is `count` times as much. */
  readonly error: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** count * mean. */
  readonly sum: number | null;
  /** Rounds of gossip at the agent that was asked. */
  readonly rounds: number;
  /** Agents that took part, with such a value or without. */
  readonly contributors: number;
  /** All members of the swarm, and those that did not take part. */
  readonly members: number;
  readonly missing: readonly string[];
}

/** For people, a line each: what the answer is, how sure, and of whom. */
export function aggregateLines(info: AggregateInfo): readonly (readonly [name: string, value: string])[] {
  const { metric, unit, converged, count, mean, error, min, max, sum, rounds, contributors, members, missing } = info;
  const told = (value: number | null): string => (value === null ? "-" : `${shortNumber(value)} ${unit}`.trimEnd());
  const within = error === null ? "not certain" : `± ${told(error)}`;
  return [
    ["metric", metric],
    ["count", String(count)],
    ["mean", mean === null ? "-" : `${told(mean)}  ${within}`],
    ["min", told(min)],
    ["max", told(max)],
    ["sum", sum === null ? "-" : `${told(sum)}  ${error === null ? "not certain" : `± ${told(error * count)}`}`],
    ["rounds", `${rounds}${converged ? "" : ", given up: not as narrow as was aimed at"}`],
    ["contributors", `${contributors} of ${members}${missing.length === 0 ? "" : `, without ${missing.join(", ")}`}`],
  ];
}

/** In a sentence. */
export function aggregateSentence(info: AggregateInfo): string {
  const { metric, unit, count, mean, error, min, max, contributors, members } = info;
  if (mean === null) return `No agent has a value of ${metric}; ${contributors} of ${members} were heard.`;
  const told = (value: number | null): string => (value === null ? "-" : `${shortNumber(value)} ${unit}`.trimEnd());
  const within = error === null ? " (not certain)" : ` ± ${told(error)}`;
  return `${metric} over ${count} of ${members} agents: mean ${told(mean)}${within}, from ${told(min)} to ${told(max)}.`;
}

/** Whole up to a million, else six digits. */
function shortNumber(value: number): string {
  return String(Number.isInteger(value) && Math.abs(value) < 1e6 ? value : Number(value.toPrecision(6)));
}
