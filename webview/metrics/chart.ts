/** `<am-chart>`: one chart of the metrics, drawn by uPlot in the theme's colours; series differ by dash as well as by colour. */
import { html, type PropertyValues, type TemplateResult } from "lit";
import uPlot from "uplot";
import type { MetricsChart, Series } from "../../server/contract/metrics.ts";
import { LightElement } from "../elements/light-element.ts";
import { formatBriefly } from "../format.ts";
import { type Ink, isHighContrast, type Theme } from "../theme.ts";
import { aloneIn } from "./figures.ts";

/** In turn for the series of a chart. */
export const SERIES_INKS: readonly Ink[] = ["blue", "orange", "green", "purple", "red", "yellow", "foreground"];
export const SERIES_DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4]];

const HEIGHT_PX = 170;

export class MetricsChartElement extends LightElement {
  static override properties = {
    chart: { attribute: false },
    timesMs: { attribute: false },
    theme: { attribute: false },
    fromMs: { type: Number },
    toMs: { type: Number },
  };

  declare chart: MetricsChart | null;
  declare timesMs: readonly number[];
  declare theme: Theme | null;
  declare fromMs: number;
  declare toMs: number;

  readonly #resizes = new ResizeObserver(() => this.#resize());
  #plot: uPlot | undefined;
  /** What the plot was made for: other series, units or colours need another plot. */
  #madeFor = "";

  constructor() {
    super();
    this.chart = null;
    this.timesMs = [];
    this.theme = null;
    this.fromMs = 0;
    this.toMs = 1;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resizes.observe(this);
  }

  override disconnectedCallback(): void {
    this.#resizes.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#madeFor = "";
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { chart } = this;
    const label = chart === null ? "" : `${chart.title}. ${chart.meaning} The table beside it tells the figures.`;
    return html`<div class="plot-box" role="img" aria-label=${label}></div>`;
  }

  protected override updated(_changed: PropertyValues<this>): void {
    const box = this.querySelector<HTMLElement>(".plot-box");
    const { chart, theme } = this;
    if (box === null || chart === null || theme === null || box.clientWidth === 0) return;
    const data = [this.timesMs.map((ms) => ms / 1000), ...chart.series.map((series) => [...series.values])];
    const key = JSON.stringify([chart.id, chart.series.map((series) => [series.name, series.unit]), theme]);
    if (key !== this.#madeFor) {
      this.#plot?.destroy();
      this.#madeFor = key;
      this.#plot = new uPlot(options(chart, theme, box.clientWidth), data as uPlot.AlignedData, box);
    } else this.#plot?.setData(data as uPlot.AlignedData, false);
    this.#plot?.batch(() => {
      this.#plot?.setScale("x", { min: this.fromMs / 1000, max: this.toMs / 1000 });
    });
  }

  #resize(): void {
    const box = this.querySelector<HTMLElement>(".plot-box");
    if (box === null || box.clientWidth === 0) return;
    if (this.#plot === undefined) this.requestUpdate();
    else this.#plot.setSize({ width: box.clientWidth, height: HEIGHT_PX });
  }
}

/** Colour and dash of the i-th series. */
export function seriesLook(i: number): { readonly ink: Ink; readonly dash: readonly number[] } {
  return {
    ink: SERIES_INKS[i % SERIES_INKS.length] ?? "foreground",
    dash: SERIES_DASHES[i % SERIES_DASHES.length] ?? [],
  };
}

function options(chart: MetricsChart, theme: Theme, width: number): uPlot.Options {
  const axis = {
    stroke: theme.muted,
    font: `11px ${theme.fontFamily}`,
    grid: isHighContrast(theme)
      ? { stroke: theme.grid, width: 0.5, dash: [1, 5] }
      : { stroke: theme.grid, width: 1, dash: [2, 3] },
    ticks: { stroke: theme.grid, width: 1, size: 4 },
  };
  const unit = chart.series[0]?.unit ?? "";
  return {
    width,
    height: HEIGHT_PX,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: true }, y: { range: range(unit) } },
    axes: [
      { ...axis, size: 28, space: 70, values: (_plot, seconds) => seconds.map((value) => clock(value)) },
      { ...axis, size: 62, space: 30, values: (_plot, values) => values.map((value) => formatBriefly(value, unit)) },
    ],
    series: [{}, ...chart.series.map((series, i) => seriesOptions(series, i, theme))],
  };
}

function seriesOptions(series: Series, i: number, theme: Theme): uPlot.Series {
  const { ink, dash } = seriesLook(i);
  return {
    label: series.name,
    stroke: theme[ink],
    width: 1.6,
    dash: [...dash],
    spanGaps: false,
    // A line needs two: what was measured alone is a point.
    points: { show: true, size: 4, width: 0, fill: theme[ink], filter: (plot, at) => aloneIn(plot.data[at] ?? []) },
  };
}

/** From zero, so that heights compare; a share to 100 %. */
function range(unit: string): uPlot.Range.Function {
  return (_plot, _min, max) => {
    const top = max === null || !Number.isFinite(max) || max <= 0 ? 1 : max * 1.1;
    return [0, unit === "%" ? Math.max(100, top > 110 ? top : 100) : top];
  };
}

function clock(seconds: number): string {
  const date = new Date(seconds * 1000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}

customElements.define("am-chart", MetricsChartElement);
