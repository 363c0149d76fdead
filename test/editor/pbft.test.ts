// A swarm of which one agent may lie, as a person brings it up, looks at it and loses its primary.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { leaderNow } from "./harness/swarm.ts";
import { patiently, until } from "./harness/waiting.ts";

const WHOLE = /quick-mesh-4 4\/4 · (\S+) leads/;

describe("a PBFT swarm in the editor", function () {
  this.timeout(90_000);
  let editor: Editor;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
  });
  after(async () => {
    await editor?.close();
  });

  it("comes up from the quick pick, which offers it, and names its primary", async () => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("Quick swarm…");
    await editor.quickInput.type("4");
    await editor.quickInput.choose("mesh");
    await editor.quickInput.choose("pbft");
    await editor.notifications.waitFor(/quick-mesh-4 is up: 4\/4 agents/, 30_000);
    assert.equal(await leaderNow(editor, WHOLE), "a1");
    await editor.activityBar.open("Agent Mesh");
    await editor.view("Agents").untilItems("a primary and its backups", (all) => {
      const roles = all.map(({ description }) => description.split(" · ")[0]);
      return (
        roles.filter((role) => role === "primary").length === 1 &&
        roles.filter((role) => role === "backup").length === 3
      );
    });
  });

  it("shows a task's batches as pre-prepare, prepare and commit", async () => {
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    const rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas.space-time").waitFor(patiently);
    await editor.runCommand("Agent Mesh: Submit Task");
    await editor.quickInput.type("node --version");
    await editor
      .view("Tasks")
      .untilItems("the task completed", (all) => all.some((item) => /^exit 0 · /.test(item.description)), 20_000);
    const box = rounds.locator(".search vscode-textfield input");
    for (const kind of ["prePrepare", "prepare", "commit"]) {
      await box.fill(`type:${kind}`);
      await box.press("Enter");
      const status = rounds.locator(".search .status");
      await until(editor.page, `a ${kind}`, async () => /^1 of \d+/.test(await status.innerText()));
    }
    await editor.screenshot("pbft-rounds");
  });

  it("changes its view when the primary is killed, and goes on", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Crash/);
    await editor.quickInput.choose(/primary/i);
    await editor.quickInput.choose("3 seconds");
    assert.equal(await leaderNow(editor, /quick-mesh-4 3\/4 · (\S+) leads/), "a2");
    await leaderNow(editor, WHOLE);
    await editor.screenshot("pbft-view-change");
    await editor.runCommand("Agent Mesh: View Metrics");
    await editor.webviewFrame("Metrics", "editor");
    await editor.screenshot("pbft-metrics");
  });
});
