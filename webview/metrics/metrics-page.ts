/** The metrics view: what matters at a glance, then each chart with its figures beside it. */
import { html, nothing, type TemplateResult } from "lit";
import type { MetricsChart, MetricsView } from "../../server/contract/metrics.ts";
import type { ToWebview } from "../../server/contract/webview.ts";
import type { Bridge } from "../bridge.ts";
import { noSwarm, waiting } from "../elements/empty-state.ts";
import { swarmProblem, swarmTitle } from "../elements/swarm-header.ts";
import { SwarmPage } from "../elements/swarm-page.ts";
import { toolButton, toolGap } from "../elements/toolbar.ts";
import { formatWithUnit } from "../format.ts";
import { readTheme, type Theme } from "../theme.ts";
import "./chart.ts";
import { isMeasured } from "./figures.ts";
import { joined } from "./joined.ts";
import { seriesTable } from "./series-table.ts";

const RANGES: readonly { readonly ms: number; readonly name: string; readonly title: string }[] = [
  { ms: 60_000, name: "1 min", title: "the last minute" },
  { ms: 5 * 60_000, name: "5 min", title: "the last 5 minutes" },
  { ms: 15 * 60_000, name: "15 min", title: "the last 15 minutes" },
  { ms: 60 * 60_000, name: "1 h", title: "the last hour" },
];

const DEFAULTS = { rangeMs: 60_000, charts: true };

export class MetricsPage extends SwarmPage<typeof DEFAULTS> {
  static override properties = {
    ...SwarmPage.properties,
    metrics: { state: true },
    theme: { state: true },
  };

  declare metrics: MetricsView | null;
  declare theme: Theme;

  constructor(bridge: Bridge) {
    super(bridge, DEFAULTS);
    this.metrics = null;
    this.theme = readTheme();
  }

  protected override themeChanged(theme: Theme): void {
    this.theme = theme;
  }

  protected override received(message: ToWebview, replaced: boolean): void {
    switch (message.type) {
      case "snapshot":
        if (replaced) this.metrics = null;
        if (message.metrics !== undefined) this.#take(message.metrics);
        if (message.swarm !== null) void this.#ask(message.swarm.id);
        break;
      case "metrics":
        this.#take(message.metrics);
        break;
    }
  }

  /** Takes newer figures. A message may cover less time than is shown: then it is what comes after what there is. */
  #take(metrics: MetricsView): void {
    if (metrics.swarm !== this.swarm?.id) return;
    this.metrics = this.metrics === null ? metrics : joined(this.metrics, metrics);
  }

  async #ask(swarm: string): Promise<void> {
    const { rangeMs } = this.settings;
    try {
      const metrics = await this.bridge.request("metrics", { swarm, lastMs: rangeMs });
      if (swarm !== this.swarm?.id || rangeMs !== this.settings.rangeMs) return;
      this.failure = "";
      if (metrics !== null) this.metrics = metrics;
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  #set(change: Partial<typeof DEFAULTS>): void {
    const longer = change.rangeMs !== undefined && change.rangeMs !== this.settings.rangeMs;
    this.settings = { ...this.settings, ...change };
    this.bridge.saveSettings(this.settings);
    if (longer && this.swarm !== null) void this.#ask(this.swarm.id);
  }

  protected override render(): TemplateResult {
    const { swarm, metrics } = this;
    if (!this.greeted) return html`<div class="view">${waiting()}</div>`;
    if (swarm === null || swarm.phase === "stopped") {
      const shows = "Bring one up to measure its connectivity, its decisions and the load on its agents.";
      return html`<div class="view">${noSwarm(this.bridge, this.trusted, shows)}</div>`;
    }
    return html`<div class="view metrics">
      <header class="bar">
        ${swarmTitle(
          swarm,
          this.swarms,
          (id) => this.bridge.selectSwarm(id),
          (command) => this.bridge.command(command),
        )} ${this.#tools()}
      </header>
      ${swarmProblem(swarm)}
      ${this.failure === "" ? nothing : html`<p class="problem" role="alert">${this.failure}</p>`}
      <main>
        ${metrics === null ? html`<p class="muted none">Nothing has been measured yet. One sample is taken a second.</p>` : this.#figures(metrics)}
      </main>
    </div>`;
  }

  #tools(): TemplateResult {
    return html`<div class="tools" role="toolbar" aria-label="Metrics">
      <div class="ranges" role="radiogroup" aria-label="Time shown">
        ${RANGES.map((range) => {
          const on = range.ms === this.settings.rangeMs;
          return html`<button
            class="chip"
            role="radio"
            aria-checked=${on}
            title="Show ${range.title}"
            @click=${() => this.#set({ rangeMs: range.ms })}
          >
            ${range.name}
          </button>`;
        })}
      </div>
      ${toolGap}
      ${toolButton({
        icon: "table",
        label: "Table",
        on: !this.settings.charts,
        run: () => this.#set({ charts: !this.settings.charts }),
      })}
    </div>`;
  }

  #figures(metrics: MetricsView): TemplateResult {
    return html`${summary(metrics)} ${hotspots(metrics)}
      <div class="charts">${metrics.charts.map((chart) => this.#chart(chart, metrics))}</div>`;
  }

  #chart(chart: MetricsChart, metrics: MetricsView): TemplateResult {
    const toMs = metrics.timesMs.at(-1) ?? 0;
    const fromMs = toMs - this.settings.rangeMs;
    const first = metrics.timesMs.findIndex((ms) => ms >= fromMs);
    const timesMs = first <= 0 ? metrics.timesMs : metrics.timesMs.slice(first);
    const shown = first <= 0 ? chart : since(chart, first);
    const measured = isMeasured(shown);
    return html`<section class="chart" aria-labelledby="chart-${chart.id}">
      <h2 id="chart-${chart.id}">${chart.title}</h2>
      <p class="muted">${chart.meaning}</p>
      ${
        measured
          ? html`<div class="pair ${this.settings.charts ? "" : "words"}">
              ${
                this.settings.charts
                  ? html`<am-chart
                      .chart=${shown}
                      .timesMs=${timesMs}
                      .theme=${this.theme}
                      .fromMs=${fromMs}
                      .toMs=${toMs}
                    ></am-chart>`
                  : nothing
              }
              ${seriesTable(shown)}
            </div>`
          : html`<p class="none">Not measured yet.</p>`
      }
    </section>`;
  }
}

function summary(metrics: MetricsView): TemplateResult {
  return html`<section aria-label="Summary">
    <dl class="summary">
      ${metrics.summary.map(
        (figure) => html`<div title=${figure.meaning}>
          <dt>${figure.name}</dt>
          <dd>${figure.value === null ? html`<span class="muted">not measured yet</span>` : formatWithUnit(figure.value, figure.unit)}</dd>
          <span class="sr-only">${figure.meaning}</span>
        </div>`,
      )}
    </dl>
  </section>`;
}

function hotspots(metrics: MetricsView): TemplateResult | typeof nothing {
  // Of simulated agents there is no load.
  if (!metrics.charts.some(({ id }) => id === "load")) return nothing;
  const { hotspots: hot } = metrics;
  if (hot.length === 0) return html`<p class="hotspots muted">No hotspot: no agent uses more than 0.8 of a core.</p>`;
  return html`<p class="hotspots" role="status">
    <span class="codicon codicon-flame" aria-hidden="true"></span>
    <b>Hotspots</b>, above 0.8 of a core: ${hot.join(", ")}
  </p>`;
}

function since(chart: MetricsChart, first: number): MetricsChart {
  return { ...chart, series: chart.series.map((series) => ({ ...series, values: series.values.slice(first) })) };
}

customElements.define("am-metrics", MetricsPage);
