import { AGGREGATE_METRICS, type AggregateInfo, aggregateLines } from "../../server/contract/aggregate.ts";
import type { Choice } from "./asking.ts";

export function metricChoices(): readonly Choice<string>[] {
  return AGGREGATE_METRICS.map(({ name, unit, meaning }) => ({
    label: name,
    ...(unit === "" ? {} : { description: unit }),
    detail: `Of each agent: ${meaning}.`,
    value: name,
  }));
}

/** What the agents came to, as a document for people. */
export function aggregateDocument(swarm: string, info: AggregateInfo): string {
  const lines: readonly (readonly [string, string])[] = [["swarm", swarm], ...aggregateLines(info)];
  const width = Math.max(...lines.map(([name]) => name.length));
  const rows = lines.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
  return `${rows}\nBy gossip among the agents: the mean of the values is within the error for certain, unless an agent lies.\n`;
}
