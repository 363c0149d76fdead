import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { aloneIn, figuresOf } from "../../../webview/metrics/figures.ts";
import { joined } from "../../../webview/metrics/joined.ts";
import { makeMetrics } from "../harness/metrics-data.ts";
import { countPixels } from "../harness/pixels.ts";
import { makeSwarm } from "../harness/swarm-data.ts";
import { eventually, type OpenOptions, type WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const LATENCY = '[aria-labelledby="chart-latency"]';

describe("the metrics view", function () {
  this.timeout(30_000);
  let view: WebviewPage;
  const harness = webviews(() => view);

  async function show(options: OpenOptions = {}): Promise<void> {
    view = await harness.open("metrics", { answer: () => makeMetrics(5, 120), width: 1280, height: 900, ...options });
    await view.send({ type: "snapshot", view: "metrics", swarm: makeSwarm({ agents: 5 }), swarms: [], trusted: true });
    await view.page.locator(`${LATENCY} canvas`).waitFor();
  }

  it("draws each chart and says its figures, units and meaning beside it", async () => {
    await show();
    assert.equal(await view.page.locator("section.chart").count(), 6);
    assert.ok((await countPixels(view, `${LATENCY} canvas`, "#3794ff")) > 200, "p50 is drawn");
    assert.ok((await countPixels(view, `${LATENCY} canvas`, "#d18616")) > 100, "p99 is drawn");
    const words = await view.page.locator(LATENCY).innerText();
    assert.match(
      words,
      /Message latency\s+From a frame's send to its arrival[\s\S]*p50\s+0\.\d+ ms[\s\S]*p99\s+\d\.\d+ ms/,
    );
    assert.match(await view.page.locator(".summary").innerText(), /Elections\s+3/);
    assert.match(
      await view.page.locator(".summary").innerText(),
      /Proposals approved\s+12\s+.*rejected\s+0\s+.*expired\s+1\s+.*Time to decide, median\s+4\.81 ms/s,
    );
    assert.match(await view.page.locator(".hotspots").innerText(), /Hotspots, above 0\.8 of a core: a2/);
    await view.screenshot("metrics-wide-dark");
  });

  it("says of what was not measured that it was not, and draws nothing for it", async () => {
    await show();
    const chart = view.page.locator('[aria-labelledby="chart-participation"]');
    assert.match(await chart.innerText(), /Not measured yet/);
    assert.equal(await chart.locator("canvas").count(), 0);
    assert.match(await view.page.locator(".summary").innerText(), /Vote participation\s+not measured yet/);
    await view.send({ type: "snapshot", view: "metrics", swarm: null, swarms: [], trusted: true });
    await view.page.getByRole("button", { name: "Init Swarm" }).waitFor();
  });

  it("draws what was measured alone as a point", async () => {
    const metrics = makeMetrics(5, 120);
    const sparse = metrics.charts.map((chart) =>
      chart.id === "latency"
        ? {
            ...chart,
            series: chart.series.map((one) => ({
              ...one,
              values: one.values.map((v, i) => (i % 20 === 7 ? v : null)),
            })),
          }
        : chart,
    );
    await show({ answer: () => ({ ...metrics, charts: sparse }) });
    await eventually(async () => (await countPixels(view, `${LATENCY} canvas`, "#3794ff")) > 15);
    assert.ok((await countPixels(view, `${LATENCY} canvas`, "#3794ff")) < 100, "no line joins them");
    await view.screenshot("metrics-sparse-dark");
  });

  it("tells series apart by their dashes too", async () => {
    await show();
    const dashes = await view.page
      .locator('[aria-labelledby="chart-load"] tbody path')
      .evaluateAll((paths) => paths.map((path) => path.getAttribute("stroke-dasharray")));
    assert.equal(dashes.length, 5);
    assert.equal(new Set(dashes).size, 5);
  });

  it("asks for as much time as was chosen, and remembers the choice", async () => {
    await show();
    await view.page.getByRole("radio", { name: "15 min" }).click();
    await view.received(
      (message) => message.type === "request" && message.method === "metrics" && message.params.lastMs === 900_000,
    );
    assert.equal(await view.page.getByRole("radio", { name: "15 min" }).getAttribute("aria-checked"), "true");
    const kept = await view.page.evaluate(
      () => (window as unknown as { harnessState: { rangeMs: number } }).harnessState,
    );
    assert.equal(kept.rangeMs, 900_000);
  });

  it("goes on with new samples as they come", async () => {
    await show();
    await view.send({ type: "metrics", metrics: makeMetrics(5, 30, 100) });
    const newest = makeMetrics(5, 130).charts[1]?.series[0]?.values.at(-1) ?? 0;
    const cell = view.page.locator(`${LATENCY} tbody tr`).first().locator("td").first();
    await eventually(async () => (await cell.innerText()) === `${Number(newest.toFixed(3))} ms`);
    assert.ok((await countPixels(view, `${LATENCY} canvas`, "#3794ff")) > 200);
  });

  it("shows the tables alone when asked to", async () => {
    await show();
    await view.page.getByTitle("Table").click();
    await eventually(async () => (await view.page.locator("am-chart").count()) === 0);
    assert.equal(await view.page.locator("am-table.series").count(), 5);
  });

  it("says why there are no figures", async () => {
    view = await harness.open("metrics", {
      answer: () => {
        throw new Error("There is no swarm swarm-1.");
      },
    });
    await view.send({ type: "snapshot", view: "metrics", swarm: makeSwarm({ agents: 5 }), swarms: [], trusted: true });
    await view.page.getByText("There is no swarm swarm-1.").waitFor();
    await view.page.getByText("Nothing has been measured yet").waitFor();
  });

  it("changes its colours with the theme, and fits into 300 pixels", async () => {
    await show();
    for (const [theme, p99] of [
      ["light", "#d18616"],
      ["highContrast", "#ab5a00"],
      ["highContrastLight", "#0f4a85"],
    ] as const) {
      await view.setTheme(theme);
      await eventually(async () => (await countPixels(view, `${LATENCY} canvas`, p99)) > 60);
      await view.screenshot(`metrics-${theme}`);
    }
    await view.setTheme("dark");
    await view.page.setViewportSize({ width: 300, height: 900 });
    await view.frames(4);
    assert.deepEqual(await view.clipped(".bar *, .summary *, h2, .chart > p, .hotspots"), []);
    await view.screenshot("metrics-narrow-dark");
  });
});

describe("figures over time", () => {
  it("leave gaps out of the mean and never call a gap zero", () => {
    const figures = figuresOf({ name: "p50", unit: "ms", values: [2, null, 4, null] }, 0);
    assert.deepEqual([figures.now, figures.mean, figures.least, figures.most], [null, 3, 2, 4]);
    const nothing = figuresOf({ name: "p50", unit: "ms", values: [null] }, 0);
    assert.deepEqual([nothing.now, nothing.mean, nothing.least, nothing.most], [null, null, null, null]);
  });

  it("are points where they stand alone, and lines elsewhere", () => {
    assert.deepEqual(aloneIn([1, null, 2, 3, null, 0, null]), [0, 5]);
    assert.deepEqual(aloneIn([null]), []);
    assert.deepEqual(aloneIn([4]), [0]);
  });

  it("are joined to what came before without a sample twice or lost", () => {
    const whole = makeMetrics(3, 100);
    const pieces = [makeMetrics(3, 60), makeMetrics(3, 30, 50), makeMetrics(3, 25, 75)];
    assert.deepEqual(pieces.reduce(joined), whole);
  });
});
