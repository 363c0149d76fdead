import { AGGREGATE_METRICS, aggregateLines } from "../../contract/aggregate.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";
import type { Reached } from "./reach.ts";

/** What all agents together have of a metric. @returns 1 where it is not as certain as was aimed at */
export async function aggregate({ coordinator, swarm }: Reached, given: Arguments, output: Output): Promise<number> {
  const info = await coordinator.handle("aggregate", { swarm: swarm.id, metric: aggregateMetric(given) });
  const width = Math.max(...aggregateLines(info).map(([name]) => name.length));
  output.answer(info, () =>
    aggregateLines(info)
      .map(([name, value]) => `${name.padEnd(width)}  ${value}`)
      .join("\n"),
  );
  return info.converged ? 0 : 1;
}

/** @throws UsageError naming all there are */
export function aggregateMetric({ words }: Arguments): string {
  const [metric] = words;
  const known = AGGREGATE_METRICS.map(({ name }) => name);
  if (metric === undefined || words.length > 1 || !known.includes(metric)) {
    const wrong = metric !== undefined && words.length === 1 ? `, and ${metric} is none` : "";
    const width = Math.max(...known.map((name) => name.length));
    const list = AGGREGATE_METRICS.map(
      ({ name, unit, meaning }) => `  ${name.padEnd(width)}  ${meaning}${unit === "" ? "" : ` (${unit})`}`,
    );
    throw new UsageError(`aggregate takes one metric${wrong}; agents measure of themselves:\n${list.join("\n")}`);
  }
  return metric;
}
