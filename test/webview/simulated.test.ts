// What the views show of a simulated swarm: in each that it is one, and nothing that only a process has.

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { sideText } from "../../server/contract/partition.ts";
import type { SimulatedView } from "../../server/contract/simulated.ts";
import type { PartitionReport, SwarmView } from "../../server/contract/swarm.ts";
import { makeMetrics } from "./harness/metrics-data.ts";
import { makeSwarm } from "./harness/swarm-data.ts";
import { THEMES } from "./harness/theme-variables.ts";
import { eventually, type WebviewPage } from "./harness/webview-page.ts";
import { webviews } from "./harness/webviews.ts";

const VIEW: SimulatedView = { seed: 7, virtualMs: 12_345, nowMs: 0, speed: 10, reached: 3.2, paused: false };
const TEXT = "simulated, seed 7, 12.3 s of virtual time, at 3.2x real time (10x asked for)";

function simulated(changes: Partial<SimulatedView> = {}, revision = 1): SwarmView {
  const swarm = makeSwarm({ agents: 5, revision });
  const agents = swarm.agents.map((agent) => ({ ...agent, pid: null, port: 0, cpu: null, rssBytes: null }));
  return { ...swarm, agents, name: "first-swarm (simulated)", simulated: { ...VIEW, ...changes } };
}

describe("the views of a simulated swarm", function () {
  this.timeout(60_000);
  let view: WebviewPage;
  const harness = webviews(() => view);

  const show = async (kind: "topology" | "rounds" | "metrics", swarm: SwarmView, state = {}): Promise<void> => {
    const timeline = { swarm: swarm.id, total: 0, events: [], buckets: [], terms: [], landmarks: [], stored: 0 };
    const window = { ...timeline, fromMs: 0, toMs: 1, firstMs: 0, lastMs: 0 };
    const charts = makeMetrics(5, 60);
    const metrics = { ...charts, charts: charts.charts.filter(({ id }) => id !== "load") };
    view = await harness.open(kind, { state, answer: ({ method }) => (method === "metrics" ? metrics : window) });
    const swarms = [{ id: swarm.id, name: swarm.name }];
    await view.send({ type: "snapshot", view: kind, swarm, swarms, trusted: false });
  };
  const text = (selector: string): Promise<string> => view.page.locator(selector).first().innerText();

  for (const kind of ["topology", "rounds", "metrics"] as const)
    it(`say so in the ${kind} view, with seed, virtual time and the speed that is really reached, in every theme`, async () => {
      await show(kind, simulated());
      assert.equal((await text(".simulated")).trim(), TEXT);
      assert.match(await text("h1"), /\(simulated\)/);
      for (const theme of THEMES) {
        await view.setTheme(theme);
        assert.deepEqual(await view.clipped(".bar *"), [], theme);
      }
      await view.screenshot(`simulated-${kind}`);
      assert.equal(await view.page.getByText("hotspot").count(), 0);
      if (kind === "metrics") {
        const edges = await view.page.evaluate(() => [
          document.querySelector(".summary > div:last-child")?.getBoundingClientRect().bottom ?? 0,
          document.querySelector("section.chart")?.getBoundingClientRect().top ?? 0,
        ]);
        assert.ok((edges[1] as number) - (edges[0] as number) >= 8, `figures and charts apart: ${edges.join(" to ")}`);
      }
      await view.page.getByTitle("Pause Simulation").click();
      await view.page.getByTitle("Simulation Speed…").click();
      await view.send({ type: "swarmChanged", swarm: simulated({ paused: true }, 2) });
      await eventually(async () => (await text(".simulated")).includes("virtual time, paused"));
      await view.page.getByTitle("Resume Simulation").click();
      assert.deepEqual(
        view.messages.flatMap((message) => (message.type === "command" ? [message.command] : [])),
        ["agentMesh.pauseSimulation", "agentMesh.setSimulationSpeed", "agentMesh.resumeSimulation"],
      );
    });

  it("say it in a line of a side bar", async () => {
    view = await harness.open("topology", { width: 300, height: 400 });
    await view.send({ type: "snapshot", view: "topology", swarm: simulated(), swarms: [], trusted: true });
    await eventually(async () => (await text(".simulated")).trim() === "simulated, 12.3 s at 3.2x");
    const { height } = (await view.page.locator(".simulated").boundingBox()) as { readonly height: number };
    assert.ok(height < 30, `${height} px`);
    assert.deepEqual(await view.clipped(".bar *"), []);
    await view.screenshot("simulated-narrow");
  });

  it("say how a judged run ended, and offer no pace any more", async () => {
    const detail = "index 55 committed with durable copies at a4, a5; the voters are a1, a2, a3, a4, a5";
    const verdict = {
      kept: false,
      invariant: "commit durability",
      atMs: 1288,
      detail,
      text: `broke it: ${detail}`,
    } as const;
    const over = simulated({ judged: true, paused: true, verdict });
    await show("topology", over);
    await eventually(async () => (await text(".simulated")).includes(`simulated and judged, seed 7`));
    assert.match(await text(".simulated"), /over: it broke it: index 55 committed/);
    assert.equal(await view.page.locator(".simulated button").count(), 0);
    assert.deepEqual(await view.clipped(".bar *"), []);
    await view.send({ type: "swarmChanged", swarm: simulated({ judged: true, paused: false }, 2) });
    await view.page.getByTitle("Pause Simulation").waitFor();
  });

  it("have no column and no line of what only a process has", async () => {
    await show("topology", simulated(), { table: true });
    const heads = (await view.page.locator("th").allInnerTexts()).join(" ");
    assert.match(heads, /Agent .*Links/);
    assert.ok(!/PID|CPU|Memory/.test(heads), heads);
    await view.send({ type: "reveal", agent: "a2" });
    const card = view.page.getByRole("region", { name: "Agent a2" });
    await card.waitFor();
    assert.match(await card.innerText(), /Process\s+none: it is simulated/);
    assert.ok(!/CPU|Memory|PID/.test(await card.innerText()));
  });

  it("say nothing of it where agents are processes", async () => {
    await show("topology", makeSwarm({ agents: 5 }), { table: true });
    assert.equal(await view.page.locator(".simulated").count(), 0);
    assert.match((await view.page.locator("th").allInnerTexts()).join(" "), /PID.*CPU.*Memory/);
  });

  it("offer to watch one where nothing runs, also without trust", async () => {
    view = await harness.open("topology");
    for (const trusted of [false, true]) {
      await view.send({ type: "snapshot", view: "topology", swarm: null, swarms: [], trusted });
      await view.page.getByText("Watch Simulation").click();
    }
    const commands = view.messages.flatMap((message) => (message.type === "command" ? [message.command] : []));
    assert.deepEqual(commands, ["agentMesh.watchSimulation", "agentMesh.watchSimulation"]);
  });
});

it("a side of a thousand agents is told by its number where not all of it are named", () => {
  const told: Pick<
    PartitionReport,
    "state" | "answering" | "answeringTotal" | "known" | "voters" | "votersTotal" | "quorum"
  > = {
    state: "apart",
    answering: ["a1", "a2", "a3"],
    answeringTotal: 400,
    known: 1000,
    voters: 400,
    votersTotal: 1000,
    quorum: 1,
  };
  assert.equal(sideText("a1", told), "cut off with a2, a3 and 397 more: 400 of 1000 members answer");
});
