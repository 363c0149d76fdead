/** The figures of a chart in words: now, and over the time shown. */
import { html, type TemplateResult } from "lit";
import type { MetricsChart } from "../../server/contract/metrics.ts";
import type { TableColumn } from "../elements/data-table.ts";
import "../elements/data-table.ts";
import { formatBriefly } from "../format.ts";
import { INK_CSS } from "../theme.ts";
import { seriesLook } from "./chart.ts";
import { figuresOf, type SeriesFigures } from "./figures.ts";

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
  return { id, title, numeric: true, text: (figures) => formatBriefly(value(figures), figures.unit), sort: value };
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
