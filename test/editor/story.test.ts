// The whole main job, as a person does it in a real VS Code: bring up, watch, break, heal, submit, measure, stop.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { isAlive } from "../../.ci/processes.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import type { TreeItem } from "./harness/views.ts";
import { patiently, until } from "./harness/waiting.ts";

const LEADS = /first-swarm 5\/5 · (\S+) leads/;

describe("the main job in a real VS Code", function () {
  this.timeout(120_000);
  let editor: Editor;
  let leader = "";

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
  });
  after(async () => {
    await editor?.close();
  });

  const leaderNow = async (pattern = LEADS, deadlineMs = 20_000): Promise<string> => {
    const text = await editor.statusBar.item(pattern, deadlineMs);
    return pattern.exec(text)?.[1] ?? "";
  };
  const agents = () => editor.view("Agents");

  it("1, 2: Init Swarm brings up real agents from a mesh file of the workspace", async () => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await until(editor.page, "the quick swarm among the choices", async () =>
      (await editor.quickInput.labels()).includes("Quick swarm…"),
    );
    await editor.screenshot("story-0-init-dark");
    await editor.quickInput.choose("first-swarm.mesh.yaml");
    await editor.notifications.waitFor(/first-swarm is up: 5\/5 agents/, 30_000);
    leader = await leaderNow();
    assert.equal(editor.agentPids().length, 5);
    await editor.notifications.press(/first-swarm is up/, "Show Rounds");
  });

  it("3: shows agents with role, PID and links in the tree, and the mesh as a picture and as a table", async () => {
    await editor.activityBar.open("Agent Mesh");
    const items = await agents().untilItems(
      "five agents, one of them leading",
      (all) =>
        all.filter((item) => item.level === 1).length === 5 &&
        all.filter((item) => /^leader · .*PID \d+/.test(item.description)).length === 1 &&
        all.every((item) => / · \d+ % · \d+ MB · /.test(item.description)),
      20_000,
    );
    const pids = items.map((item) => Number(/PID (\d+)/.exec(item.description)?.[1]));
    assert.deepEqual([...pids].sort(), [...editor.agentPids()].sort());
    for (const item of items) assert.match(item.description, /4\/4 links/);
    const topology = await editor.webviewFrame("Topology", "side bar");
    await topology.locator("canvas").first().waitFor(patiently);
    await editor.screenshot("story-1-topology-dark");
  });

  it("6: tasks of the mesh file did real work on the folder, each completed exactly once", async () => {
    const tasks = editor.view("Tasks");
    await tasks.untilItems(
      "five completed tasks",
      (all) => all.filter((item) => /^exit 0 · /.test(item.description)).length >= 5,
      30_000,
    );
  });

  it("6: Submit Task runs a command and shows its live output", async () => {
    await editor.runCommand("Agent Mesh: Submit Task");
    await editor.quickInput.type("node -e \"console.log('hello from task', 6 * 7)\"");
    const task = await editor
      .view("Tasks")
      .untilItems(
        "the submitted task completed",
        (all) => all.filter((item) => /^exit 0 · /.test(item.description)).length >= 6,
        20_000,
      );
    const submitted = task[0]?.label ?? "";
    await editor.outputChannel(`Agent Mesh Task ${submitted}`).waitFor("hello from task 42");
  });

  it("4: shows the rounds as they happen", async () => {
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    const rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas").first().waitFor(patiently);
    await editor.screenshot("story-2-rounds-dark");
  });

  it("5: Inject Failure crashes the leader, and another agent leads within seconds", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Crash/);
    await editor.quickInput.choose(/The leader/);
    await editor.quickInput.choose("Until healed");
    await editor.notifications.waitFor(new RegExp(`${leader} crashed`));
    const next = await leaderNow(/first-swarm 4\/5 · (\S+) leads/);
    assert.notEqual(next, leader);
    assert.equal(editor.agentPids().length, 4);
    await editor.view("Faults").item(new RegExp(`${leader} crashed`));
    await editor.screenshot("story-3-crash-dark");
  });

  it("5: the heal button starts the crashed agent again from its own disk, and it catches up", async () => {
    await editor.view("Faults").inlineAction(new RegExp(`${leader} crashed`), "Heal");
    await leaderNow();
    assert.equal(editor.agentPids().length, 5);
    await editor.view("Faults").untilItems("no fault", (all) => all.length === 0);
  });

  it("5: an agent's context menu isolates it, and Heal All undoes it", async () => {
    const items = await agents().items();
    const follower = items.find((item) => item.description.startsWith("follower"))?.label ?? "";
    await agents().contextMenu(follower, "Inject Failure");
    await editor.quickInput.choose(/Isolate/);
    await editor.quickInput.choose("Until healed");
    await editor.view("Faults").item(new RegExp(`${follower} isolated`));
    await editor.runCommand("Agent Mesh: Heal All");
    await leaderNow();
    await editor.view("Faults").untilItems("no fault", (all) => all.length === 0);
  });

  it("5: a partition is seen in the topology, and the majority goes on", async () => {
    const [a, b] = (await agents().items()).filter((item) => item.level === 1).map((item) => item.label);
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Partition/);
    await editor.quickInput.chooseMany(a as string, b as string);
    await editor.quickInput.choose("Until healed");
    await editor.view("Faults").item(/partitioned/);
    await editor.statusBar.item(/first-swarm \d\/5 · (a3|a4|a5) leads/, 20_000);
    await editor.runCommand("Agent Mesh: Open Topology");
    const topology = await editor.webviewFrame("Topology", "editor");
    await topology.locator("canvas").first().waitFor(patiently);
    await editor.screenshot("story-4-partition-dark");
    await editor.runCommand("Agent Mesh: Heal All");
    await leaderNow();
  });

  it("6: when the agent running a task is killed, another one runs it again, and one completion is recorded", async () => {
    const before = (await editor.view("Tasks").items()).map(({ label }) => label);
    await editor.runCommand("Agent Mesh: Submit Task");
    const may = join(editor.folder, "may-end");
    const script = `const look = () => require('fs').existsSync('${may}') ? console.log('done') : setTimeout(look, 100); look()`;
    await editor.quickInput.type(`node -e "${script}"`);
    // A row that is being drawn again may show one task's name beside another's state: it is the one that was not there before.
    const isNew = ({ label, description }: TreeItem): boolean =>
      !before.includes(label) && /^running on \S+/.test(description);
    const running = (await editor.view("Tasks").untilItems("the task running", (all) => all.some(isNew), 15_000)).find(
      isNew,
    );
    const task = running?.label ?? "";
    const first = /^running on (\S+)/.exec(running?.description ?? "")?.[1] ?? "";
    await agents().contextMenu(first, "Inject Failure");
    await editor.quickInput.choose(/Crash/);
    await editor.quickInput.choose("Until healed");
    await editor.view("Faults").item(new RegExp(`${first} crashed`));
    writeFileSync(may, "");
    const of = (all: readonly TreeItem[]): string => all.find((item) => item.label === task)?.description ?? "";
    const done = of(
      await editor.view("Tasks").untilItems("the task completed", (all) => of(all).startsWith("exit 0"), 30_000),
    );
    // A lease that was lost for another reason besides may have cost a run more.
    assert.match(done, /^exit 0 · \S+ · .* · run [2-9]$/);
    assert.ok(!done.includes(` ${first} `), done);
    await editor.runCommand("Agent Mesh: Heal All");
    await leaderNow();
  });

  it("7: View Metrics draws live charts with tables beside them", async () => {
    await editor.runCommand("Agent Mesh: View Metrics");
    const metrics = await editor.webviewFrame("Metrics", "editor");
    await metrics.locator(".uplot").first().waitFor(patiently);
    await until(editor.page, "nine charts", async () => (await metrics.locator(".uplot").count()) >= 8);
    await editor.screenshot("story-5-metrics-dark");
  });

  it("looks right in the light and the high contrast theme", async () => {
    for (const theme of ["light", "highContrast"] as const) {
      await editor.setTheme(theme);
      for (const [command, name] of [
        ["Agent Mesh: Open Topology", "topology"],
        ["Agent Mesh: Show Consensus Rounds", "rounds"],
        ["Agent Mesh: View Metrics", "metrics"],
      ] as const) {
        await editor.runCommand(command);
        await (
          await editor.webviewFrame(
            name === "topology" ? "Topology" : name === "rounds" ? "Consensus Rounds" : "Metrics",
            "editor",
          )
        )
          .locator("canvas")
          .first()
          .waitFor(patiently);
        await editor.screenshot(`story-6-${name}-${theme}`);
      }
    }
    await editor.setTheme("dark");
  });

  it("8: killing only the coordinator does not stop the mesh, and the restarted one finds it again with its faults", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Isolate/);
    await editor.quickInput.choose("a5");
    await editor.quickInput.choose("Until healed");
    await editor.view("Faults").item(/a5 isolated/);
    const before = editor.agentPids();
    const [coordinator] = editor.coordinatorPids();
    process.kill(coordinator as number, "SIGKILL");
    await until(editor.page, "another coordinator", () => editor.coordinatorPids().find((pid) => pid !== coordinator));
    await editor.view("Faults").item(/a5 isolated/);
    assert.deepEqual(editor.agentPids().sort(), before.sort());
    await editor.runCommand("Agent Mesh: Heal All");
    await leaderNow();
  });

  it("8: Stop Swarm leaves no process, no port and no lock", async () => {
    const pids = editor.agentPids();
    await agents().expandItem("a1");
    const port = Number((await agents().item(/^Port \d/)).description);
    assert.equal(await isListening(port), true);
    await editor.runCommand("Agent Mesh: Stop Swarm");
    await editor.notifications.waitFor(/first-swarm has stopped: \d+ processes ended, nothing left/);
    await until(editor.page, "all agents to be gone", () => pids.every((pid) => !isAlive(pid)));
    assert.ok(!existsSync(join(editor.folder, ".agent-mesh")));
    assert.equal(await isListening(port), false);
  });

  it("8: when the extension host is killed, nothing is left", async () => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("Quick swarm…");
    await editor.quickInput.type("3");
    await editor.quickInput.choose("ring");
    await editor.quickInput.choose("raft");
    await editor.statusBar.item(/quick-ring-3 3\/3 · \S+ leads/, 30_000);
    const pids = [...editor.agentPids(), ...editor.coordinatorPids()];
    assert.ok(pids.length >= 4);
    process.kill(await editor.extensionHostPid(), "SIGKILL");
    await until(editor.page, "agents and coordinator to be gone", () => pids.every((pid) => !isAlive(pid)), 20_000);
  });
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
}

describe("a folder that is not trusted", function () {
  this.timeout(90_000);
  let editor: Editor;
  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples", trust: false });
  });
  after(async () => {
    await editor?.close();
  });

  it("starts no agent, and says why", async () => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.notifications.waitFor(/Bringing up a swarm runs programs, and this workspace is not trusted/);
    assert.deepEqual(editor.agentPids(), []);
  });

  it("simulates all the same", async () => {
    await editor.runCommand("Agent Mesh: Simulate");
    await editor.quickInput.choose("unfolding-faults.mesh.yaml");
    await editor.quickInput.type("3");
    await editor.notifications.waitFor(/Everything that is expected held in 3 seeds/, 60_000);
    assert.deepEqual(editor.agentPids(), []);
  });

  it("shows a simulated swarm in all views, breaks it and stops it, without a process", async () => {
    await editor.runCommand("Agent Mesh: Watch Simulation");
    await editor.quickInput.choose("first-swarm.mesh.yaml");
    await editor.quickInput.choose(/A run of your own/);
    await editor.quickInput.type("7");
    await editor.quickInput.choose("1x");
    await editor.notifications.waitFor(
      /first-swarm \(simulated\): 5 agents in virtual time; none of them is a process/,
    );
    const leads = /first-swarm \(simulated\) 5\/5 · (\S+) leads · .* s at [\d.]+x/;
    const [, leader] = leads.exec(await editor.statusBar.item(leads, 20_000)) ?? [];
    const topology = await editor.webviewFrame("Topology", "side bar");
    await until(editor.page, "its label in the topology", async () =>
      /simulated, [\d.]+ s at [\d.]+x/.test(await topology.locator(".simulated").innerText()),
    );
    const agents = await editor
      .view("Agents")
      .untilItems(
        "a leader",
        (all) => all.some(({ description }) => /^leader · .*simulated$/.test(description)),
        20_000,
      );
    assert.ok(agents.every(({ description }) => !/PID|MB|%/.test(description)));
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Crash/);
    await editor.quickInput.choose(/The leader/);
    await editor.quickInput.choose("Until healed");
    await editor.notifications.waitFor(new RegExp(`${leader} crashed`));
    await editor.statusBar.item(/first-swarm \(simulated\) 4\/5 · \S+ leads/, 20_000);
    await editor.view("Faults").item(new RegExp(`${leader} crashed`));
    await editor.screenshot("simulated-crash");
    await editor.runCommand("Agent Mesh: Pause Simulation");
    await editor.statusBar.item(/first-swarm \(simulated\) .* s, paused/);
    await editor.runCommand("Agent Mesh: Stop Swarm");
    await editor.notifications.waitFor(/first-swarm \(simulated\) has ended, nothing left\./);
    assert.deepEqual(editor.agentPids(), []);
  });
});

describe("mesh files in the editor", function () {
  this.timeout(90_000);
  let editor: Editor;
  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "test/editor/broken" });
  });
  after(async () => {
    await editor?.close();
  });

  it("shows what is wrong with a file at its place", async () => {
    await editor.page.locator(".explorer-folders-view .monaco-list-row", { hasText: "broken.mesh.yaml" }).dblclick();
    await editor.page.keyboard.press("Control+Shift+M");
    const problems = editor.page.locator(".markers-panel");
    await until(editor.page, "the problem in the problems panel", async () =>
      /There is an agent "a1" already/.test(await problems.innerText()),
    );
    assert.match(await problems.innerText(), /Ln 2, Col 14/);
    await editor.screenshot("story-7-diagnostics");
  });

  it("starts nothing from it", async () => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("broken.mesh.yaml");
    await editor.notifications.waitFor(/broken\.mesh\.yaml:2:14/);
    assert.deepEqual(editor.agentPids(), []);
  });
});
