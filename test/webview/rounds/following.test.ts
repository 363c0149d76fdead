// How the rounds view follows what is new: gliding, or in steps where motion is not wanted.

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RoundsView } from "../../../webview/rounds/rounds-view.ts";
import { makeSwarm } from "../harness/swarm-data.ts";
import { FakeTimeline } from "../harness/timeline-data.ts";
import type { WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const CANVAS = "canvas.space-time";

describe("the rounds view that follows", function () {
  this.timeout(30_000);
  let view: WebviewPage;
  const harness = webviews(() => view);
  const five = new FakeTimeline(5).run(12_000);
  let untilMs = five.lastMs - 4000;

  async function open(): Promise<void> {
    view = await harness.open("rounds", {
      answer: (request) => (request.method === "timeline" ? five.query(request.params, untilMs) : null),
      width: 1400,
      height: 800,
    });
    const swarm = makeSwarm({ agents: five.agents.length, topology: "mesh" });
    await view.send({ type: "snapshot", view: "rounds", swarm, swarms: [], trusted: true });
    await fetched();
  }

  const fetched = (): Promise<unknown> =>
    view.page.waitForFunction(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      return diagram?.window && !diagram.loading && diagram.window.fromMs <= diagram.span.fromMs + 1;
    });

  const newestMs = (): Promise<number> =>
    view.page.evaluate(() => document.querySelector<RoundsView>("am-rounds")?.diagram?.span.toMs ?? 0);

  it("glides after the newest events; where VS Code is told to reduce motion it moves in steps, and is drawn only when there is something new", async () => {
    await open();
    await view.page.evaluate((selector) => {
      const counter = { draws: 0 };
      Object.assign(globalThis, { counter });
      const getContext = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, ...given: unknown[]) {
        if (this.matches(selector)) counter.draws++;
        return (getContext as (...all: unknown[]) => unknown).apply(this, given);
      } as typeof getContext;
    }, CANVAS);
    const draws = (): Promise<number> =>
      view.page.evaluate(() => (globalThis as unknown as { counter: { draws: number } }).counter.draws);
    /** So many draws in sixty frames after so much has come and was fetched, and how far it moved, ms. */
    const afterNews = async (byMs: number): Promise<{ drawn: number; movedMs: number }> => {
      const before = await newestMs();
      untilMs += byMs;
      const stored = five.events.filter((event) => event.hlc.wallMs <= untilMs).length;
      await view.send({ type: "timelineGrew", swarm: "swarm-1", stored, lastMs: untilMs });
      await fetched();
      const from = await draws();
      await view.frames(60);
      return { drawn: (await draws()) - from, movedMs: (await newestMs()) - before };
    };
    const gliding = await afterNews(300);
    assert.ok(gliding.drawn > 15 && gliding.movedMs > 100, JSON.stringify(gliding));
    await view.page.evaluate(() => document.body.classList.add("vscode-reduce-motion"));
    await afterNews(1500);
    const still = await afterNews(50);
    assert.ok(still.drawn < 8 && still.movedMs === 0, JSON.stringify(still));
    const step = await afterNews(1500);
    assert.ok(step.movedMs >= 1000, JSON.stringify(step));
  });
});
