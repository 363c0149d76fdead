import { AggregationGroup, type GroupOptions } from "../../../bench/aggregation-group.ts";
import type { AggregateResult } from "../../../server/core/aggregation/types.ts";

/** What is wrong with an answer, against the values of those who are in it; undefined: nothing. */
export function wrongWith(result: AggregateResult, value: (place: number) => number | null): string | undefined {
  const values = result.contributors.map(value).filter((one) => one !== null);
  const { converged, count, mean, error, min, max } = result;
  if (mean === null) return values.length === 0 ? undefined : `no mean of ${values.length} values`;
  const truth = values.reduce((sum, one) => sum + one, 0) / values.length;
  if (converged && error === null) return "converged, and nothing is certain";
  if (error !== null && Math.abs(mean - truth) > error) return `the mean is ${truth}, not ${mean} ± ${error}`;
  if (error === null && !converged) return undefined;
  if (count !== values.length) return `there are ${values.length} values, not ${count}`;
  if (min !== Math.min(...values) || max !== Math.max(...values)) return `from ${min} to ${max}`;
  return undefined;
}

/** What is wrong with the masses of a group in which nobody has crashed: each part must stand for the values of all that work on the same; undefined: nothing. */
export function lostMass(group: AggregationGroup, value: (place: number) => number | null): string | undefined {
  if (group.ended.length > 0) return undefined;
  for (const { part } of group.parts) {
    if (part === undefined) continue;
    const { sum, weight, members } = group.massWith(part);
    const values = members.map(value).filter((one) => one !== null);
    const all = values.reduce((total, one) => total + one, 0);
    const most = Math.max(...values.map(Math.abs), 1) * members.length;
    if (Math.abs(weight - values.length) > 1e-9 * members.length) return `${values.length} values weigh ${weight}`;
    if (Math.abs(sum - all) > 1e-9 * most) return `the sum of all is ${all}, and ${sum} is there`;
    return undefined;
  }
  return undefined;
}

/** Runs a group to its end and looks at every answer. @returns what is wrong, in the order in which it was seen */
export function problemsOf(options: GroupOptions, arrange: (group: AggregationGroup) => void = () => {}): string[] {
  const problems: string[] = [];
  const group = new AggregationGroup(options);
  arrange(group);
  group.onStep = () => {
    const lost = group.crashes > 0 || problems.length > 0 ? undefined : lostMass(group, options.value);
    if (lost !== undefined) problems.push(lost);
  };
  group.begin();
  group.runToEnd();
  for (const { place, part } of group.parts)
    if (part !== undefined && !part.ended) problems.push(`${place} has not ended`);
  for (const { place, result } of group.ended) {
    const wrong = wrongWith(result, options.value);
    if (wrong !== undefined) problems.push(`at ${place}: ${wrong}`);
  }
  return problems;
}
