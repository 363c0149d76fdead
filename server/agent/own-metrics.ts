import { AGGREGATE_METRICS } from "../contract/aggregate.ts";
import type { ReportSources } from "./report.ts";
import type { Measurement } from "./world.ts";

const METRICS = new Map(AGGREGATE_METRICS.map((metric) => [metric.name, metric]));
const MS_PER_SECOND = 1000;

/** Whether the process has to be asked. */
export function isOfProcess(metric: string): boolean {
  return METRICS.get(metric)?.ofProcess === true;
}

/** This agent's own value of a metric at this moment; null: it has none, or knows no such metric. Takes no samples. @param measured absent: not asked */
export function ownMetric(
  metric: string,
  sources: ReportSources,
  now: number,
  measured: Measurement = {},
): number | null {
  const { config, startedMs, status, applied, neighbours, members, decisions, tasksRunning } = sources;
  const seconds = (now - startedMs) / MS_PER_SECOND;
  const links = [...neighbours.metrics.values()];
  const ofLinks = (of: (link: (typeof links)[number]) => number): number =>
    links.reduce((sum, link) => sum + of(link), 0);
  switch (metric) {
    case "cpu":
      return measured.cpuSeconds === undefined || seconds <= 0 ? null : measured.cpuSeconds / seconds;
    case "cpuSeconds":
    case "rssBytes":
    case "logBytes":
    case "fsyncs":
    case "fsyncP99Ms":
      return measured[metric] ?? null;
    case "links":
      return ofLinks(({ up }) => (up ? 1 : 0));
    case "membersAlive":
      return members.filter(({ state, incarnation }) => state === "alive" && incarnation > 0).length;
    case "tasksRunning":
      return tasksRunning;
    case "slots":
      return config.slots;
    case "logEntries":
      return status.lastIndex - status.firstIndex + 1;
    case "applied":
      return applied;
    case "messagesOut":
    case "messagesIn":
      return decisions[metric];
    case "messageRate":
      return seconds <= 0 ? null : (decisions.messagesOut + decisions.messagesIn) / seconds;
    case "bytesOut":
      return ofLinks(({ bytesOut }) => bytesOut);
    case "bytesIn":
      return ofLinks(({ bytesIn }) => bytesIn);
    case "frameLatencyMs":
      return neighbours.reputation.latencyMs() ?? null;
    default:
      return null;
  }
}
