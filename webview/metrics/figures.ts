/** What is said of a series in words. */
import type { MetricsChart, Series } from "../../server/contract/metrics.ts";

export interface SeriesFigures {
  readonly name: string;
  readonly unit: string;
  readonly place: number;
  /** The last sample; null when it was not measured. */
  readonly now: number | null;
  readonly mean: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

export function figuresOf(series: Series, place: number): SeriesFigures {
  const measured = series.values.filter((value) => value !== null);
  const sum = measured.reduce((total, value) => total + value, 0);
  const some = measured.length > 0;
  return {
    name: series.name,
    unit: series.unit,
    place,
    now: series.values.at(-1) ?? null,
    mean: some ? sum / measured.length : null,
    least: some ? measured.reduce((a, b) => Math.min(a, b)) : null,
    most: some ? measured.reduce((a, b) => Math.max(a, b)) : null,
  };
}

/** Whether anything was measured at all. */
export function isMeasured(chart: MetricsChart): boolean {
  return chart.series.some((series) => series.values.some((value) => value !== null));
}

/** Places of what was measured between two gaps. */
export function aloneIn(values: ArrayLike<number | null | undefined>): number[] {
  const isGap = (at: number): boolean => values[at] === null || values[at] === undefined;
  return Array.from(values, (_, at) => at).filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1));
}
