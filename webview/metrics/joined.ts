import type { MetricsView } from "../../server/contract/metrics.ts";

/** One sample a second for the longest time that can be shown, an hour. */
const SAMPLES_MAX = 3600;

/** What there was before the newer figures begin, then those. A series that is new begins with gaps. */
export function joined(old: MetricsView, newer: MetricsView): MetricsView {
  const startMs = newer.timesMs[0];
  if (startMs === undefined) return { ...newer, timesMs: old.timesMs, charts: old.charts };
  const found = old.timesMs.findIndex((ms) => ms >= startMs);
  const kept = found < 0 ? old.timesMs.length : found;
  const from = Math.max(0, Math.min(kept, kept + newer.timesMs.length - SAMPLES_MAX));
  const charts = newer.charts.map((chart) => {
    const before = old.charts.find((other) => other.id === chart.id);
    const series = chart.series.map((one) => {
      const past = before?.series.find((other) => other.name === one.name)?.values.slice(from, kept);
      return { ...one, values: [...(past ?? Array.from({ length: kept - from }, () => null)), ...one.values] };
    });
    return { ...chart, series };
  });
  return { ...newer, timesMs: [...old.timesMs.slice(from, kept), ...newer.timesMs], charts };
}
