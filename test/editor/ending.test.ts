// How a swarm begins and ends: the stages it tells, what Cancel leaves, and what a window leaves that is closed.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { isAlive } from "../../.ci/processes.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { until } from "./harness/waiting.ts";

describe("the beginning and the end of a swarm", function () {
  this.timeout(90_000);
  let editor: Editor;

  beforeEach(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
  });
  afterEach(async () => {
    await editor?.close();
  });

  const askFor = async (agents: number, topology: string): Promise<void> => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("Quick swarm…");
    await editor.quickInput.type(String(agents));
    await editor.quickInput.choose(topology);
    await editor.quickInput.choose("raft");
  };
  const state = () => join(editor.folder, ".agent-mesh");

  it("2: a notification names each stage, and Cancel leaves no process and no file", async () => {
    const told = await editor.notifications.record();
    await askFor(30, "ring");
    await until(editor.page, "agents that are starting", () => editor.agentPids().length > 0);
    await editor.notifications.waitFor(/quick-ring-30: Starting/);
    const pids = editor.agentPids();
    await editor.notifications.press(/quick-ring-30/, "Cancel");
    const gone = () => !pids.some(isAlive) && editor.agentPids().length === 0;
    await until(editor.page, "all agents to be gone", gone, 20_000);
    await editor.notifications.waitFor(/ancelled/);
    await until(editor.page, "no folder of a swarm", () => !existsSync(state()));
    await editor.statusBar.item(/No swarm is running/);
    assert.match((await told()).join("\n"), /Agent Mesh: quick-ring-30: Starting/);
  });

  it("2, 8: a quick swarm tells its stages in turn; closing the window ends it", async () => {
    const told = await editor.notifications.record();
    await askFor(3, "mesh");
    await editor.notifications.waitFor(/quick-mesh-3 is up: 3\/3 agents/, 30_000);
    const all = (await told()).join("\n");
    // A stage that is over within a tenth of a second is not seen.
    const seen = STAGES.filter((stage) => all.includes(stage));
    assert.ok(seen.includes("Starting agents") && seen.length >= 2, all);
    const places = seen.map((stage) => all.indexOf(stage));
    assert.deepEqual(
      places.toSorted((a, b) => a - b),
      places,
      all,
    );
    await editor.statusBar.item(/quick-mesh-3 3\/3 · \S+ leads/);
    const pids = [...editor.agentPids(), ...editor.coordinatorPids(), await editor.extensionHostPid()];
    assert.ok(pids.length >= 5);
    await editor.page.close();
    await until(editor.page, "every process to be gone", () => !pids.some(isAlive), 30_000);
    assert.ok(!existsSync(state()), "A closed window leaves no folder of a swarm.");
  });
});

/** What bringing up tells, in this order. */
const STAGES = [
  "Checking the mesh",
  "Choosing ports and making keys",
  "Starting agents",
  "Linking",
  "Electing a leader",
];
