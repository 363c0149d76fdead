/** The figures of a chart in words: now, and over the time shown. */
import { html, type TemplateResult } from "lit";
import type { MetricsChart, Series } from "../../server/contract/metrics.ts";
import type { TableColumn } from "../elements/data-table.ts";
import "../elements/data-table.ts";
import { formatWithUnit } from "../format.ts";
import { INK_CSS } from "../theme.ts";
import { seriesLook } from "./chart.ts";

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
  const any = measured.length > 0;
  return {
    name: series.name,
    unit: series.unit,
    place,
    now: series.values.at(-1) ?? null,
    mean: any ? sum / measured.length : null,
    least: any ? measured.reduce((a, b) => Math.min(a, b)) : null,
    most: any ? measured.reduce((a, b) => Math.max(a, b)) : null,
  };
}

/** Whether anything was measured at all. */
export function isMeasured(chart: MetricsChart): boolean {
  return chart.series.some((series) => series.values.some((value) => value !== null));
}

const COLUMNS: readonly TableColumn<SeriesFigures>[] = [
  {
    id: "series",
    title: "Series",
    text: (figures) => figures.name,
    sort: (figures) => figures.name,
    content: (figures) => html`${lineSample(figures.place)} ${figures.name}`,
  },
  figure("now", "Now", (figures) => figures.now),
  figure("mean", "Mean", (figures) => figures.mean),
  figure("least", "Min", (figures) => figures.least),
  figure("most", "Max", (figures) => figures.most),
];

function figure(
  id: string,
  title: string,
  value: (figures: SeriesFigures) => number | null,
): TableColumn<SeriesFigures> {
  return { id, title, numeric: true, text: (figures) => formatWithUnit(value(figures), figures.unit), sort: value };
}

/** The line that the chart draws a series with. */
function lineSample(place: number): TemplateResult {
  const { ink, dash } = seriesLook(place);
  return html`<svg class="glyph" width="24" height="10" viewBox="0 0 24 10" aria-hidden="true">
    <path d="M0 5H24" stroke=${INK_CSS[ink]} stroke-width="2" stroke-dasharray=${dash.join(" ") || "none"}></path>
  </svg>`;
}

export function seriesTable(chart: MetricsChart): TemplateResult {
  return html`<am-table
    class="series"
    caption=""
    .columns=${COLUMNS}
    .items=${chart.series.map(figuresOf)}
    .keyOf=${nameOf}
  ></am-table>`;
}

function nameOf(figures: SeriesFigures): string {
  return figures.name;
}
