import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import type { ToExtension } from "../../../server/contract/webview.ts";
import type { RoundsView } from "../../../webview/rounds/rounds-view.ts";
import { countPixels } from "../harness/pixels.ts";
import { makeSwarm } from "../harness/swarm-data.ts";
import { FakeTimeline } from "../harness/timeline-data.ts";
import { eventually, type OpenOptions, type WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const CANVAS = "canvas.space-time";
const DARK = { leader: "#cca700", append: "#3794ff", vote: "#b180d7", red: "#f14c4c" };

type TimelineRequest = Extract<ToExtension, { type: "request"; method: "timeline" }>;

describe("the rounds view", function () {
  this.timeout(30_000);
  let view: WebviewPage;
  const harness = webviews(() => view);
  let five: FakeTimeline;
  let hundredThousand: FakeTimeline;

  before(() => {
    five = new FakeTimeline(5).run(12_000);
    hundredThousand = new FakeTimeline(12).run(100_000);
  });

  /** Opens the view on a timeline; `untilMs` may hide its newest part. */
  async function show(
    timeline: FakeTimeline,
    options: OpenOptions = {},
    untilMs = () => Number.POSITIVE_INFINITY,
  ): Promise<void> {
    view = await harness.open("rounds", {
      answer: (request) => {
        if (request.method === "timeline") return timeline.query(request.params, untilMs());
        if (request.method === "timelineEvent") return timeline.story(request.params.id);
        if (request.method === "timelineSearch") return timeline.search(request.params);
        return null;
      },
      width: 1400,
      height: 800,
      ...options,
    });
    const agents = timeline.agents.length;
    const swarm = makeSwarm({ agents, topology: agents > 100 ? "ring" : "mesh" });
    await view.send({ type: "snapshot", view: "rounds", swarm, swarms: [], trusted: true });
    await shown();
  }

  /** Waits until what is in sight has been fetched. */
  const shown = (): Promise<unknown> =>
    view.page.waitForFunction(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const shown = diagram?.window;
      return diagram && shown && !diagram.loading && shown.fromMs <= diagram.span.fromMs + 1;
    });

  const span = (): Promise<{ fromMs: number; toMs: number }> =>
    view.page.evaluate(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      return diagram ? { ...diagram.span } : { fromMs: 0, toMs: 0 };
    });

  /** Brings an election of the timeline into sight, and returns the event of the new leader. */
  async function showElection(timeline: FakeTimeline, spanMs = 120): Promise<string> {
    const led = timeline.events.filter((event) => event.kind === "becameLeader").at(-2);
    assert.ok(led !== undefined);
    await view.page.evaluate(
      ({ atMs, lengthMs }) => {
        document
          .querySelector<RoundsView>("am-rounds")
          ?.diagram?.show({ fromMs: atMs - lengthMs / 2, toMs: atMs + lengthMs / 2 });
      },
      { atMs: led.hlc.wallMs, lengthMs: spanMs },
    );
    await shown();
    await view.frames(2);
    return led.id;
  }

  const requests = (): readonly TimelineRequest[] =>
    view.messages.filter(
      (message): message is TimelineRequest => message.type === "request" && message.method === "timeline",
    );

  it("draws leaders' bars, appends, votes and faults, each told apart, and none of them where there is none", async () => {
    await show(five);
    await showElection(five, 600);
    for (const [what, colour] of Object.entries(DARK)) {
      assert.ok((await countPixels(view, CANVAS, colour)) > 30, what);
    }
    await view.screenshot("rounds-5-election-dark");
    await view.page.evaluate(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      diagram?.show({ fromMs: diagram.extent.toMs + 60_000, toMs: diagram.extent.toMs + 61_000 });
    });
    await view.frames(2);
    assert.ok((await countPixels(view, CANVAS, DARK.append)) < 5, "an empty stretch of time is empty");
  });

  it("leaves heartbeats out until one click asks for them", async () => {
    await show(five);
    const before = requests().at(-1);
    assert.ok(before?.params.hiddenKinds?.includes("heartbeat"));
    await view.page.getByRole("button", { name: "Heartbeats" }).click();
    await eventually(async () => requests().at(-1)?.params.hiddenKinds?.length === 0);
    await view.page.getByRole("button", { name: "Votes" }).click();
    await eventually(async () => requests().at(-1)?.params.hiddenKinds?.includes("voteReply") === true);
    await shown();
    await eventually(async () => (await countPixels(view, CANVAS, "#9d9d9d")) > 200);
  });

  it("follows the newest events, stops when paused, and comes back to them", async () => {
    let untilMs = five.lastMs - 4000;
    await show(five, {}, () => untilMs);
    const grow = async (byMs: number): Promise<void> => {
      untilMs += byMs;
      const stored = five.events.filter((event) => event.hlc.wallMs <= untilMs).length;
      await view.send({ type: "timelineGrew", swarm: "swarm-1", stored, lastMs: untilMs });
    };
    const before = await span();
    const asked = requests().length;
    await grow(1500);
    await eventually(async () => (await span()).toMs >= before.toMs + 1400);
    await shown();
    const tail = requests()
      .slice(asked)
      .find((request) => request.params.lanes !== undefined);
    assert.ok(tail !== undefined && tail.params.fromMs > before.toMs - 4000, "only the new part is fetched");
    await view.page.getByTitle("Pause: stop following the newest events").click();
    const paused = await span();
    await grow(1000);
    await view.frames(10);
    assert.deepEqual(await span(), paused);
    await view.page.getByTitle("Follow the newest events").click();
    await eventually(async () => (await span()).toMs > paused.toMs + 900);
  });

  it("tells an event's whole story when its mark is clicked, and its causes lead on", async () => {
    await show(five);
    const id = await showElection(five);
    const led = five.story(id);
    assert.ok(led !== null);
    const canvas = await view.page.locator(CANVAS).boundingBox();
    const header = await view.page.locator(`.lanes [data-agent="${led.event.agent}"]`).boundingBox();
    assert.ok(canvas !== null && header !== null);
    await view.page.mouse.move(canvas.x + canvas.width / 2, header.y + Math.round(header.height * 0.4));
    await view.page.locator(".tooltip").waitFor();
    assert.match(await view.page.locator(".tooltip").innerText(), /became leader/);
    await view.page.mouse.down();
    await view.page.mouse.up();
    await view.page.locator(".event-details").waitFor();
    const words = await view.page.locator(".event-details").innerText();
    assert.match(
      words,
      /became leader[\s\S]*HLC[\s\S]*Its state after that[\s\S]*leader, term[\s\S]*Because of[\s\S]*election timed out/,
    );
    assert.equal(await view.page.locator(".chain").first().locator("li").count(), led.causes.length);
    await view.screenshot("rounds-5-story-dark");
    await view.page.locator(".chain button").first().click();
    await view.page.locator(".event-details h2", { hasText: "election timed out" }).waitFor();
    assert.match(await view.page.locator(".event-details").innerText(), /Nothing caused it/);
  });

  it("describes a message by its arrow", async () => {
    await show(five);
    await showElection(five, 40);
    const at = await view.page.evaluate(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const box = document.querySelector("canvas.space-time")?.getBoundingClientRect();
      if (!diagram || !box) return null;
      for (let y = 30; y < box.height; y += 3) {
        for (let x = 20; x < box.width; x += 5) {
          const found = diagram.thingAt(x, y);
          if (found.kind === "arrow") return { x: box.left + x, y: box.top + y, type: found.arrow.message.type };
        }
      }
      return null;
    });
    assert.ok(at !== null);
    await view.page.mouse.click(at.x, at.y);
    await view.page.locator(".event-details").waitFor();
    assert.match(
      await view.page.locator(".event-details").innerText(),
      /Message[\s\S]*Type[\s\S]*Way\s+a\d → a\d[\s\S]*Size/,
    );
  });

  it("finds events in the whole timeline, older and newer", async () => {
    await show(five);
    await view.page.locator("vscode-textfield input").fill("becameLeader a3");
    await view.page.keyboard.press("Enter");
    const led = five.events.filter((event) => event.kind === "becameLeader" && event.agent === "a3");
    const status = view.page.locator(".search .status");
    await status.getByText(`1 of ${led.length}`).waitFor();
    await view.page.locator(".event-details h2", { hasText: "a3: became leader" }).waitFor();
    await view.page.getByRole("button", { name: "Next older" }).click();
    await status.getByText(`2 of ${led.length}`).waitFor();
    const older = led.at(-2);
    await eventually(async () => {
      const { fromMs, toMs } = await span();
      return older !== undefined && fromMs < older.hlc.wallMs && older.hlc.wallMs < toMs;
    });
    await view.page.getByRole("button", { name: "Next newer" }).click();
    await status.getByText(`1 of ${led.length}`).waitFor();
    await view.page.locator("vscode-textfield input").fill("no such thing");
    await view.page.keyboard.press("Enter");
    await status.getByText("nothing found").waitFor();
  });

  it("moves, folds and hides lanes by keyboard and mouse, and remembers that", async () => {
    await show(five);
    const order = (): Promise<readonly string[]> =>
      view.page
        .locator(".lanes li")
        .evaluateAll((items) =>
          items
            .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
            .map((item) => item.getAttribute("data-agent") ?? ""),
        );
    await view.page.locator('.lanes [data-agent="a1"]').focus();
    await view.page.keyboard.press("Alt+ArrowDown");
    assert.deepEqual(await order(), ["a2", "a1", "a3", "a4", "a5"]);
    await view.page.keyboard.press("f");
    await view.page.locator('.lanes [data-agent="a1"].folded').waitFor();
    await view.page.locator('.lanes [data-agent="a3"]').focus();
    await view.page.keyboard.press("h");
    await eventually(async () => (await order()).join() === "a2,a1,a4,a5");
    await eventually(async () => requests().at(-1)?.params.lanes?.join() === "a2,a1,a4,a5");
    const grip = await view.page.locator('.lanes [data-agent="a5"] .grip').boundingBox();
    const top = await view.page.locator('.lanes [data-agent="a2"]').boundingBox();
    assert.ok(grip !== null && top !== null);
    await view.page.mouse.move(grip.x + 10, grip.y + 8);
    await view.page.mouse.down();
    await view.page.mouse.move(top.x + 10, top.y + 4, { steps: 8 });
    await view.page.mouse.up();
    assert.deepEqual(await order(), ["a5", "a2", "a1", "a4"]);
    const kept = await view.page.evaluate(
      () => (window as unknown as { harnessState: { hidden: string[]; folded: string[] } }).harnessState,
    );
    assert.deepEqual([kept.hidden, kept.folded], [["a3"], ["a1"]]);
    await view.page.getByTitle("Show a3").click();
    assert.equal((await order()).length, 5);
  });

  it("zooms from the whole timeline down to a millisecond, by wheel and keys, and pans by dragging", async () => {
    await show(five);
    await showElection(five, 1000);
    const box = await view.page.locator(CANVAS).boundingBox();
    assert.ok(box !== null);
    await view.page.mouse.move(box.x + 400, box.y + 200);
    await view.page.keyboard.down("Control");
    for (let i = 0; i < 16; i++) await view.page.mouse.wheel(0, -120);
    await view.page.keyboard.up("Control");
    await eventually(async () => {
      const { fromMs, toMs } = await span();
      return toMs - fromMs <= 1.01;
    });
    await shown();
    const narrow = await span();
    await view.page.mouse.down();
    await view.page.mouse.move(box.x + 500, box.y + 200, { steps: 4 });
    await view.page.mouse.up();
    assert.ok((await span()).fromMs < narrow.fromMs);
    await view.page.getByTitle("Show the whole timeline").click();
    await shown();
    const whole = await span();
    assert.ok(whole.fromMs <= five.firstMs && whole.toMs >= five.lastMs);
    await view.page.locator(CANVAS).focus();
    await view.page.keyboard.press("+");
    const zoomed = await span();
    assert.ok(zoomed.toMs - zoomed.fromMs < (whole.toMs - whole.fromMs) * 0.75);
    await view.page.keyboard.press("End");
    await view.page.getByTitle("Pause: stop following the newest events").waitFor();
  });

  it("goes where the overview is clicked", async () => {
    await show(five);
    const box = await view.page.locator("canvas.overview").boundingBox();
    assert.ok(box !== null);
    await view.page.mouse.click(box.x + box.width / 4, box.y + 20);
    const { fromMs, toMs } = await span();
    const wanted = five.firstMs + (five.lastMs - five.firstMs) / 4;
    assert.ok(Math.abs((fromMs + toMs) / 2 - wanted) < (five.lastMs - five.firstMs) / 50);
  });

  it("lists the events in sight as a table; where they are too many, counts them by agent and kind", async () => {
    await show(hundredThousand);
    await showElection(hundredThousand);
    await view.page.getByTitle("Table").click();
    await view.page.locator("am-table.events tbody tr").first().waitFor();
    const words = await view.page.locator("am-table.events").innerText();
    assert.match(words, /\d+ events/);
    await view.page.locator("am-table.events tbody tr", { hasText: "pre-vote" }).first().click();
    await view.page.locator(".event-details").waitFor();
    await view.screenshot("rounds-12-table-dark");
    await view.page.getByTitle("Show the whole timeline").click();
    await view.page.locator("am-table.counts tbody tr").first().waitFor();
    const names = await view.page.locator("am-table.counts tbody th").allInnerTexts();
    assert.deepEqual(names, [...hundredThousand.agents, "coordinator"]);
    assert.match(
      await view.page.locator("am-table.counts caption").innerText(),
      /[\d,]+ events, counted: zoom in to list them/,
    );
  });

  it("pans smoothly over 100,000 events at every zoom, with few requests, one at a time", async () => {
    let active = 0;
    let mostActive = 0;
    await show(hundredThousand, {
      height: 900,
      answer: async (request) => {
        mostActive = Math.max(mostActive, ++active);
        await new Promise((resolve) => setTimeout(resolve, 15)); // as far away as a coordinator
        active--;
        return request.method === "timeline" ? hundredThousand.query(request.params) : null;
      },
    });
    let under = 0;
    let most = 0;
    for (const spanMs of [100, 2000, 10_000, 60_000]) {
      await showElection(hundredThousand, spanMs);
      const from = requests().length;
      const frames = await view.page.evaluate(async () => {
        const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
        const gaps: number[] = [];
        const draws: number[] = [];
        let last = performance.now();
        for (let i = 0; i < 60; i++) {
          diagram?.panPx(i < 30 ? 25 : -25);
          await new Promise((resolve) => requestAnimationFrame(resolve));
          const now = performance.now();
          gaps.push(now - last);
          last = now;
          draws.push(diagram?.drawMs ?? Number.NaN);
        }
        const sorted = (list: number[]): number[] => list.sort((a, b) => a - b);
        return {
          gaps: sorted(gaps),
          draws: sorted(draws),
          total: diagram?.window?.total ?? 0,
          complete: diagram?.window?.complete,
        };
      });
      const asked = requests().length - from;
      const ms = (list: readonly number[], share: number): string =>
        (list[Math.floor(60 * share)] ?? Number.NaN).toFixed(1);
      console.log(
        `      ${spanMs} ms in sight (${frames.total} events ${frames.complete ? "drawn" : "counted"}): a frame every ${ms(frames.gaps, 0.5)} ms (p95 ${ms(frames.gaps, 0.95)}), drawn in ${ms(frames.draws, 0.5)} ms (p95 ${ms(frames.draws, 0.95)}), ${asked} requests`,
      );
      under = Math.max(under, frames.draws[30] ?? Number.NaN);
      most = Math.max(most, asked);
    }
    assert.ok(under < 16, `the slowest median drawing took ${under} ms`);
    assert.ok(most <= 6, `${most} requests for one sweep`);
    assert.ok(mostActive <= 2, `${mostActive} requests at once, of the diagram and the overview`);
  });

  it("shows 1,000 lanes without asking for all of them", async () => {
    const many = new FakeTimeline(1000).run(9000);
    await show(many);
    assert.ok((await view.page.locator(".lanes li").count()) < 60);
    const asked = requests().at(-1);
    assert.ok((asked?.params.lanes?.length ?? 1000) < 200);
    await view.page.locator(".gutter").evaluate((gutter) => {
      gutter.scrollTop = gutter.scrollHeight;
    });
    await view.page.locator('.lanes [data-agent="a1000"]').waitFor();
    await eventually(async () => requests().at(-1)?.params.lanes?.includes("a1000") === true);
  });

  it("says what is wrong when the coordinator refuses, and goes on when it is back", async () => {
    let broken = true;
    view = await harness.open("rounds", {
      answer: (request) => {
        if (broken) throw new Error("The coordinator is restarting.");
        return request.method === "timeline" ? five.query(request.params) : null;
      },
    });
    const swarm = makeSwarm({ agents: 5 });
    await view.send({ type: "snapshot", view: "rounds", swarm, swarms: [], trusted: true });
    await view.page.getByText("The coordinator is restarting.").waitFor();
    broken = false;
    await view.send({ type: "timelineGrew", swarm: "swarm-1", stored: five.events.length, lastMs: five.lastMs });
    await shown();
    await eventually(async () => (await view.page.locator("[role=alert]").count()) === 0);
  });

  it("opens its table at the event that is selected", async () => {
    await show(hundredThousand);
    const led = await showElection(hundredThousand, 400);
    await view.send({ type: "reveal", event: led });
    await view.page.locator(".event-details").waitFor();
    await view.page.getByTitle("Table").click();
    const row = view.page.locator(`am-table.events tr[data-key="${led}"]`);
    await row.waitFor();
    const above = await view.page.locator("am-table.events .table-scroller").boundingBox();
    const box = await row.boundingBox();
    assert.ok(above !== null && box !== null);
    assert.ok(box.y >= above.y && box.y + box.height <= above.y + above.height, "in sight, not only drawn");
  });

  it("reveals an event that another view names", async () => {
    await show(five);
    const event = five.events.find((candidate) => candidate.kind === "faultInjected");
    assert.ok(event !== undefined);
    await view.send({ type: "reveal", event: event.id });
    await view.page.locator(".event-details h2", { hasText: "fault injected" }).waitFor();
    await eventually(async () => (await span()).fromMs < event.hlc.wallMs && event.hlc.wallMs < (await span()).toMs);
  });

  it("brings the lane of an agent that another view names into sight, though it was hidden", async () => {
    await show(five, { height: 300, state: { hidden: ["a5"] } });
    assert.equal(await view.page.locator('.lanes [data-agent="a5"]').count(), 0);
    await view.send({ type: "reveal", agent: "a5" });
    await view.page.locator('.lanes [data-agent="a5"]:focus').waitFor();
  });

  it("catches up with what happened while it was hidden", async () => {
    let untilMs = five.lastMs - 3000;
    await show(five, {}, () => untilMs);
    const before = await span();
    untilMs = five.lastMs;
    await view.send({ type: "snapshot", view: "rounds", swarm: makeSwarm({ agents: 5 }), swarms: [], trusted: true });
    await eventually(async () => (await span()).toMs > before.toMs + 2500);
  });

  it("draws the landmarks of every lane where events are counted", async () => {
    await show(hundredThousand);
    await showElection(hundredThousand, 60_000);
    const { elections, starred } = await view.page.evaluate(() => {
      const diagram = document.querySelector<RoundsView>("am-rounds")?.diagram;
      const canvas = document.querySelector<HTMLCanvasElement>("canvas.space-time");
      const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      if (!diagram?.window || !canvas || !copy) return { elections: 0, starred: 0 };
      copy.canvas.width = canvas.width;
      copy.canvas.height = canvas.height;
      copy.drawImage(canvas, 0, 0);
      const { fromMs, toMs } = diagram.span;
      const led = diagram.window.landmarks.filter(
        (event) => event.kind === "becameLeader" && event.hlc.wallMs > fromMs && event.hlc.wallMs < toMs,
      );
      const hasStar = led.filter((event) => {
        const lane = document.querySelector(`.lanes [data-agent="${event.agent}"]`)?.getBoundingClientRect();
        if (lane === undefined) return false;
        const x = ((event.hlc.wallMs - fromMs) / (toMs - fromMs)) * canvas.clientWidth;
        const y = lane.top - canvas.getBoundingClientRect().top + Math.round(lane.height * 0.4);
        const { data } = copy.getImageData(Math.round(x) - 2, y - 3, 5, 6);
        for (let i = 0; i < data.length; i += 4)
          if (data[i]! > 190 && data[i + 1]! > 150 && data[i + 2]! < 40) return true;
        return false;
      });
      return { elections: led.length, starred: hasStar.length };
    });
    assert.ok(elections > 8, `${elections} elections in sight`);
    assert.equal(starred, elections);
    await view.screenshot("rounds-12-minute-dark");
  });

  it("is readable in light, in high contrast and 300 pixels wide", async () => {
    await show(five);
    await showElection(five);
    for (const [theme, append] of [
      ["light", "#1a85ff"],
      ["highContrast", "#3794ff"],
      ["highContrastLight", "#1a85ff"],
    ] as const) {
      await view.setTheme(theme);
      assert.ok((await countPixels(view, CANVAS, append)) > 30, theme);
      await view.screenshot(`rounds-5-${theme}`);
    }
    await view.setTheme("dark");
    await view.page.setViewportSize({ width: 300, height: 700 });
    await view.frames(4);
    assert.deepEqual(await view.clipped(".bar *, .lanes *, .legend *"), []);
    await view.screenshot("rounds-5-narrow-dark");
  });
});
