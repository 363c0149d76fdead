// The consensus rounds and the metrics, as a person reads them: lanes, search, an event's story, live or paused, and the figures.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { FrameLocator } from "playwright-core";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm, leaderNow } from "./harness/swarm.ts";
import { patiently, until } from "./harness/waiting.ts";

/** What the page's own element can tell of what it shows. */
interface Rounds extends Element {
  readonly diagram:
    | {
        readonly span: { readonly fromMs: number; readonly toMs: number };
        readonly stored: number;
        thingAt(x: number, y: number): { readonly kind: string };
      }
    | undefined;
}

describe("the consensus rounds and the metrics", function () {
  this.timeout(90_000);
  let editor: Editor;
  let rounds: FrameLocator;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
    const leader = await initFirstSwarm(editor);
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    await untilShown();
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Crash/);
    await editor.quickInput.choose(/The leader/);
    await editor.quickInput.choose("3 seconds");
    await leaderNow(editor, /first-swarm 4\/5 · (\S+) leads/);
    await editor.view("Faults").untilItems("the crash to heal", (all) => all.length === 0);
    assert.notEqual(await leaderNow(editor), leader);
  });
  after(async () => {
    await editor?.close();
  });

  const untilShown = async (): Promise<void> => {
    rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas.space-time").waitFor(patiently);
  };
  const lanes = () =>
    rounds.locator(".lanes > li").evaluateAll((all) =>
      all
        .map((li) => ({ agent: (li as HTMLElement).dataset.agent ?? "", top: li.getBoundingClientRect().top }))
        .sort((a, b) => a.top - b.top)
        .map(({ agent }) => agent),
    );
  const untilLanes = async (...wanted: string[]): Promise<void> => {
    await until(editor.page, `the lanes ${wanted}`, async () => (await lanes()).join() === wanted.join());
  };
  const span = () => rounds.locator("am-rounds").evaluate((view) => (view as unknown as Rounds).diagram?.span);
  const stored = () => rounds.locator("am-rounds").evaluate((view) => (view as unknown as Rounds).diagram?.stored ?? 0);
  const grown = async (by: number): Promise<void> => {
    const before = await stored();
    await until(editor.page, "more events", async () => (await stored()) > before + by);
  };

  it("4: a lane can be hidden and shown, folded and unfolded", async () => {
    await untilLanes("a1", "a2", "a3", "a4", "a5");
    await rounds.locator(".lanes > li[data-agent=a2]").hover();
    await rounds.getByRole("button", { name: "Hide a2" }).click();
    await untilLanes("a1", "a3", "a4", "a5");
    await rounds.getByRole("group", { name: "Hidden lanes" }).getByText("a2").click();
    await untilLanes("a1", "a2", "a3", "a4", "a5");
    const lane = rounds.locator(".lanes > li[data-agent=a3]");
    const before = (await lane.boundingBox())?.height ?? 0;
    await lane.hover();
    await rounds.getByRole("button", { name: "Fold a3", exact: true }).click();
    await until(editor.page, "a lower lane", async () => ((await lane.boundingBox())?.height ?? before) < before);
    await lane.hover();
    await rounds.getByRole("button", { name: "Unfold a3" }).click();
    await until(editor.page, "the whole lane", async () => (await lane.boundingBox())?.height === before);
  });

  it("4: lanes are reordered by keyboard and by dragging", async () => {
    await rounds.locator(".lanes > li[data-agent=a1]").focus();
    await editor.page.keyboard.press("Alt+ArrowDown");
    await untilLanes("a2", "a1", "a3", "a4", "a5");
    const grip = await rounds.locator(".lanes > li[data-agent=a5] .grip").boundingBox();
    const top = await rounds.locator(".lanes > li[data-agent=a2]").boundingBox();
    assert.ok(grip && top);
    await editor.page.mouse.move(grip.x + 8, grip.y + 8);
    await editor.page.mouse.down();
    await editor.page.mouse.move(grip.x + 8, top.y + 30, { steps: 6 });
    await editor.page.mouse.move(grip.x + 8, top.y + 4, { steps: 3 });
    await editor.page.mouse.up();
    await untilLanes("a5", "a2", "a1", "a3", "a4");
  });

  it("4: follows live, or is paused and stands still", async () => {
    await grown(5);
    await tool(rounds, "Pause").click();
    await rounds.getByText("Paused", { exact: true }).waitFor();
    const still = await span();
    await grown(10);
    assert.deepEqual(await span(), still);
    await tool(rounds, "Follow").click();
    await until(editor.page, "the newest events", async () => ((await span())?.toMs ?? 0) > (still?.toMs ?? 0));
    await rounds.getByText("Live", { exact: true }).waitFor();
  });

  it("4: the wheel moves through time, and with Ctrl zooms into it", async () => {
    const length = async () => {
      const shown = await span();
      return shown === undefined ? 0 : shown.toMs - shown.fromMs;
    };
    await rounds.locator("canvas.space-time").hover();
    const before = await span();
    const [fromMs, lengthMs] = [before?.fromMs ?? 0, await length()];
    await editor.page.mouse.wheel(0, -300);
    await until(editor.page, "an earlier time", async () => ((await span())?.fromMs ?? fromMs) < fromMs);
    await editor.page.keyboard.down("Control");
    await editor.page.mouse.wheel(0, -300);
    await editor.page.keyboard.up("Control");
    await until(editor.page, "a shorter time", async () => (await length()) < lengthMs * 0.9);
    await tool(rounds, "Follow").click();
  });

  it("4: search finds votes, jumps to them, and goes on to older ones", async () => {
    const box = rounds.locator(".search vscode-textfield input");
    await box.fill("kind:vote");
    await box.press("Enter");
    const status = rounds.locator(".search .status");
    await until(editor.page, "the first vote found", async () => /^1 of \d+/.test(await status.innerText()));
    const details = rounds.locator(".event-details");
    await details.waitFor();
    assert.match(await details.locator("h2").innerText(), /vote/i);
    await rounds.getByText("Paused", { exact: true }).waitFor();
    const first = await details.getAttribute("aria-label");
    const at = Number.parseFloat((await details.locator("dl.facts dd").nth(1).innerText()) ?? "");
    await until(editor.page, "the vote in sight", async () => {
      const shown = await span();
      return shown !== undefined && shown.fromMs < at && at < shown.toMs;
    });
    await box.press("Enter");
    await until(editor.page, "the second vote found", async () => /^2 of \d+/.test(await status.innerText()));
    // It is found before it is fetched.
    await until(
      editor.page,
      "another vote's details",
      async () => (await details.getAttribute("aria-label")) !== first,
    );
    await editor.screenshot("rounds-1-search");
  });

  it("4: a click on a message shows its cause chain, the message and the agent's state", async () => {
    const place = await until(editor.page, "a message in sight", () =>
      rounds.locator("am-rounds").evaluate((view) => {
        const { diagram } = view as unknown as Rounds;
        const canvas = view.querySelector("canvas.space-time");
        if (!diagram || !canvas) return undefined;
        // Beside the marks: on the arrow between two lanes.
        for (let y = 60; y < canvas.clientHeight - 20; y += 6) {
          for (let x = 20; x < canvas.clientWidth - 20; x += 2)
            if (diagram.thingAt(x, y).kind === "arrow") return { x, y };
        }
        return undefined;
      }),
    );
    await rounds.locator("canvas.space-time").click({ position: place });
    const details = rounds.locator(".event-details");
    await details.getByText("Message", { exact: true }).waitFor();
    await details.getByText("Its state after that").waitFor();
    await details.getByText("Because of").waitFor();
    await until(editor.page, "a chain of causes", async () => (await details.locator("ol.chain li").count()) > 0);
    assert.match(await details.innerText(), /a\d → a\d/);
    assert.match(await details.innerText(), /(follower|candidate|leader), term \d+/i);
    const chosen = await details.getAttribute("aria-label");
    await details.locator("ol.chain li button").first().click();
    await until(
      editor.page,
      "the cause's own story",
      async () => (await details.getAttribute("aria-label")) !== chosen,
    );
    await editor.screenshot("rounds-2-story");
    await details.locator("vscode-toolbar-button").first().click();
    await details.waitFor({ state: "detached" });
  });

  it("4: heartbeats are shown when they are asked for, also in the table", async () => {
    await tool(rounds, "Follow").click();
    await tool(rounds, "Table").click();
    const chip = rounds.locator("button.chip", { hasText: "Heartbeats" });
    const table = rounds.locator("am-table.events, am-table.counts");
    const heartbeats = async () => {
      const text = await table.innerText();
      const heads = await table.locator("thead th").allInnerTexts();
      if (!heads.some((head) => head.startsWith("Heartbeats"))) return /heartbeat/i.test(text.replace(/^.*\n/, ""));
      const column = heads.findIndex((head) => head.startsWith("Heartbeats"));
      const cells = await table.locator(`tbody tr :nth-child(${column + 1})`).allInnerTexts();
      return cells.some((cell) => Number(cell.replaceAll(",", "")) > 0);
    };
    await table.waitFor();
    assert.equal(await chip.getAttribute("aria-pressed"), "false");
    assert.equal(await heartbeats(), false);
    await chip.click();
    await until(editor.page, "heartbeats in the table", heartbeats);
    await chip.click();
    await until(editor.page, "no heartbeat in the table", async () => !(await heartbeats()));
    await tool(rounds, "Table").click();
    await rounds.locator("canvas.space-time").waitFor();
  });

  it("a hidden view is no page at all, so nothing is sent to it; shown again, it knows its lanes and what happened meanwhile", async () => {
    const pages = () => editor.page.locator("iframe.webview").count();
    const before = await stored();
    const shown = await pages();
    await editor.runCommand("Agent Mesh: View Metrics");
    await editor.webviewFrame("Metrics", "editor");
    await until(editor.page, "the hidden view's page to be gone", async () => (await pages()) === shown);
    await assert.rejects(editor.webviewFrame("Consensus Rounds", "editor", 1_000));
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    await untilShown();
    await untilLanes("a5", "a2", "a1", "a3", "a4");
    await until(editor.page, "what happened meanwhile", async () => (await stored()) > before);
    await editor.screenshot("rounds-3-shown-again");
  });

  it("7: every chart of the metrics has a table with figures", async () => {
    await editor.runCommand("Agent Mesh: View Metrics");
    const metrics = await editor.webviewFrame("Metrics", "editor");
    const charts = [
      "connectivity",
      "latency",
      "throughput",
      "decisionLatency",
      "participation",
      "elections",
      "load",
      "loadDeviation",
      "memory",
    ];
    for (const chart of charts) {
      const section = metrics.locator(`section.chart[aria-labelledby="chart-${chart}"]`);
      await until(
        editor.page,
        `figures of ${chart}`,
        async () => {
          const rows = await section.locator("am-table.series tbody tr").all();
          const figures = await Promise.all(rows.map((row) => row.locator("td").allInnerTexts()));
          return figures.length > 0 && figures.some((row) => row.some((cell) => /\d/.test(cell)));
        },
        20_000,
      );
      assert.equal(await section.locator(".uplot").count(), 1);
    }
    for (const name of ["p50", "p99", "standard deviation", "Vote participation", "Elections", "Hotspots"])
      assert.match(await metrics.locator("dl.summary").innerText(), new RegExp(name));
    assert.match(await metrics.locator(".hotspots").innerText(), /hotspot/i);
    await tool(metrics, "Table").click();
    await until(editor.page, "tables alone", async () => (await metrics.locator(".uplot").count()) === 0);
    await tool(metrics, "Table").click();
    await metrics.locator(".uplot").first().waitFor();
  });
});

function tool(frame: FrameLocator, label: string) {
  return frame.locator(`vscode-toolbar-button[label^="${label}"]`);
}
