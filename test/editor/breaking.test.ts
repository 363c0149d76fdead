// Breaking a swarm from its picture: what a right-click on an agent or a link offers, does and undoes.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { FrameLocator } from "playwright-core";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm, leaderNow, pointOf, processState } from "./harness/swarm.ts";
import { chooseInMenu } from "./harness/views.ts";
import { patiently, until } from "./harness/waiting.ts";

describe("breaking a swarm from its topology", function () {
  this.timeout(90_000);
  let editor: Editor;
  let leader = "";
  let topology: FrameLocator;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
    leader = await initFirstSwarm(editor);
    await editor.runCommand("Agent Mesh: Open Topology");
    topology = await editor.webviewFrame("Topology", "editor");
    await topology.locator("canvas").first().waitFor(patiently);
  });
  after(async () => {
    await editor?.close();
  });

  const rightClick = async (place: () => Promise<{ x: number; y: number }>): Promise<void> => {
    await asTable(false);
    const at = await until(editor.page, "the agents to be laid out", place);
    await topology.locator(".picture").click({ button: "right", position: at });
  };
  const onAgent = (agent: string) => rightClick(() => pointOf(topology, agent));
  const onLink = (a: string, b: string) =>
    rightClick(async () => {
      const [from, to] = [await pointOf(topology, a), await pointOf(topology, b)];
      return { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
    });
  const noFault = () => editor.view("Faults").untilItems("no fault", (all) => all.length === 0);
  const asTable = async (on: boolean): Promise<void> => {
    const table = topology.locator("am-table.links");
    if ((await table.isVisible()) !== on) await topology.locator("vscode-toolbar-button[label=Table]").click();
    await until(editor.page, on ? "the tables" : "the picture", async () => (await table.isVisible()) === on);
  };

  it("3: a click on the status bar shows the topology in the side bar", async () => {
    await editor.activityBar.open("Explorer");
    await editor.statusBar.click(/first-swarm 5\/5/);
    const side = await editor.webviewFrame("Topology", "side bar");
    await side.locator("canvas").first().waitFor(patiently);
    assert.match(await side.locator(".picture").getAttribute("aria-label").then(String), /5 of 5 agents alive/);
  });

  it("5: a right-click on an agent pauses its process, and a right-click heals it", async () => {
    const agent = leader === "a1" ? "a2" : "a1";
    const items = await editor.view("Agents").items();
    const pid = Number(/PID (\d+)/.exec(items.find((item) => item.label === agent)?.description ?? "")?.[1]);
    assert.notEqual(processState(pid), "T");
    await onAgent(agent);
    await chooseInMenu(editor.page, "Inject Failure");
    assert.equal(await editor.quickInput.prompt(), `Inject Failure: what? (${agent})`);
    await editor.quickInput.choose(/Pause/);
    await editor.quickInput.choose("Until healed");
    await until(editor.page, "the process to be stopped", () => processState(pid) === "T");
    await editor.view("Faults").item(new RegExp(`${agent} paused`));
    await editor.view("Agents").item(new RegExp(`${agent} paused · 1 fault`));
    await asTable(true);
    const row = topology.locator("am-table.agents tbody tr", { has: topology.locator("th", { hasText: agent }) });
    await until(editor.page, "paused in the table", async () => /paused/.test(await row.innerText()));
    await asTable(false);
    await topology.locator("canvas").first().waitFor(patiently);
    await editor.screenshot("breaking-1-paused");
    await onAgent(agent);
    await chooseInMenu(editor.page, "Heal");
    await until(editor.page, "the process to go on", () => processState(pid) !== "T");
    await noFault();
    leader = await leaderNow(editor);
  });

  it("5: an agent that was crashed starts again and has what the others agreed on meanwhile", async () => {
    const agent = leader === "a5" ? "a4" : "a5";
    const commits = async () => {
      const cells = await topology.locator("am-table.agents tbody tr td:nth-child(4)").allInnerTexts();
      return cells.map((cell) => Number(cell.replaceAll(",", "")));
    };
    await onAgent(agent);
    await chooseInMenu(editor.page, "Inject Failure");
    await editor.quickInput.choose(/Crash/);
    await editor.quickInput.choose("Until healed");
    await editor.view("Agents").item(new RegExp(`${agent} crashed`));
    await asTable(true);
    const before = Math.max(...(await commits()).filter(Number.isFinite));
    await editor.runCommand("Agent Mesh: Submit Task");
    await editor.quickInput.type("node --version");
    await until(editor.page, "a later commit index", async () => (await commits()).some((index) => index > before));
    await onAgent(agent);
    await chooseInMenu(editor.page, "Heal");
    await noFault();
    await asTable(true);
    await until(editor.page, "one commit index for all", async () => {
      const all = await commits();
      return all.length === 5 && all.every((index) => index === all[0] && index > before);
    });
    await asTable(false);
    leader = await leaderNow(editor);
  });

  it("5: a right-click on a link slows it, and its latency is seen", async () => {
    await onLink("a1", "a2");
    await chooseInMenu(editor.page, "Inject Failure");
    assert.match(await editor.quickInput.prompt(), /link a1 – a2/);
    await editor.quickInput.choose(/Slow link/);
    await editor.quickInput.type("300");
    await editor.quickInput.choose("Until healed");
    await editor.view("Faults").item(/a1 – a2|a1.*a2/);
    await asTable(true);
    const row = topology.locator("am-table.links tbody tr", { hasText: "a1–a2" });
    await until(
      editor.page,
      "a latency of more than 200 ms in the table",
      async () => {
        const latency = await row.locator("td").nth(1).innerText();
        return latency.endsWith(" ms") && Number.parseFloat(latency) > 200;
      },
      25_000,
    );
    await asTable(false);
  });

  it("5: Heal in the link's menu undoes it", async () => {
    await onLink("a1", "a2");
    await chooseInMenu(editor.page, "Heal");
    await noFault();
  });

  it("5: a lossy link is told in the Faults view and drawn with gaps; it looks right in every theme", async () => {
    await onLink("a1", "a2");
    await chooseInMenu(editor.page, "Inject Failure");
    await editor.quickInput.choose(/Lossy link/);
    await editor.quickInput.type("60");
    await editor.quickInput.choose("Until healed");
    await editor.view("Faults").item(/a1.*a2/);
    await asTable(true);
    const row = topology.locator("am-table.links tbody tr", { hasText: "a1–a2" });
    await until(
      editor.page,
      "a share lost in the table",
      async () => Number.parseFloat(await row.locator("td").nth(4).innerText()) > 10,
      25_000,
    );
    await asTable(false);
    for (const theme of ["dark", "light", "highContrast"] as const) {
      if (theme !== "dark") await editor.setTheme(theme);
      await editor.screenshot(`breaking-2-lossy-${theme}`);
    }
    await editor.setTheme("dark");
    await editor.runCommand("Agent Mesh: Heal All");
    await noFault();
  });

  it("5: a fault for three seconds heals by itself", async () => {
    const agent = leader === "a3" ? "a4" : "a3";
    await onAgent(agent);
    await chooseInMenu(editor.page, "Inject Failure");
    await editor.quickInput.choose(/Isolate/);
    await editor.quickInput.choose("3 seconds");
    const fault = await editor.view("Faults").item(new RegExp(`${agent} isolated`));
    assert.match(fault.description, /^until \d+:\d\d:\d\d/);
    await noFault();
    await leaderNow(editor);
  });
});
