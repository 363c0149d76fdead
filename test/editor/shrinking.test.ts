// A seed that breaks, shrunk from VS Code to a small file that opens.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { until } from "./harness/waiting.ts";

const BROKE = /Seed 1 broke “.+” after \d+\.\d{3} s \(1 of 1 seed\)\./;

describe("a seed that breaks, in the editor", function () {
  this.timeout(120_000);
  let editor: Editor;
  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "test/editor/lying" });
  });
  after(async () => {
    await editor?.close();
  });

  it("is told, and shrinks to a file beside the original, which opens and names its seed", async () => {
    await editor.runCommand("Agent Mesh: Simulate");
    await editor.quickInput.choose("lying.mesh.yaml");
    await editor.quickInput.type("1");
    const { buttons } = await editor.notifications.waitFor(BROKE, 60_000);
    assert.deepEqual(buttons, ["Watch It", "Shrink to a Small File", "Show Log"]);
    await editor.notifications.press(BROKE, "Shrink to a Small File");
    const tab = editor.page.getByRole("tab", { name: /lying\.seed-1\.mesh\.yaml/ });
    await tab.waitFor({ timeout: 90_000 });
    const lines = editor.page.locator(".editor-instance .view-lines");
    await until(editor.page, "the small file", async () =>
      /breaks at .*simulate:\s*\{\s*seed:/s.test((await lines.innerText()).replaceAll("\u00a0", " ")),
    );
    await editor.screenshot("shrunk-file");
  });

  it("is watched as it breaks, with its verdict in every view", async () => {
    await editor.runCommand("Agent Mesh: Simulate");
    await editor.quickInput.choose("lying.mesh.yaml");
    await editor.quickInput.type("1");
    await editor.notifications.waitFor(BROKE, 60_000);
    await editor.notifications.press(BROKE, "Watch It");
    await editor.quickInput.choose("As fast as it goes");
    const begun =
      /5 agents in virtual time; none of them is a process\. It is the run that Simulate judges by seed 1\./;
    await editor.notifications.waitFor(begun);
    await editor.notifications.waitFor(/Seed 1 is over: it broke “.+” at \d+\.\d{3} s: /, 60_000);
    await editor.statusBar.item(/lying \(simulated\) .* s, “.+” broken/, 20_000);
    const topology = await editor.webviewFrame("Topology", "side bar");
    await until(editor.page, "its verdict in the topology", async () =>
      /simulated, [\d.]+ s, “.+” broken/.test(await topology.locator(".simulated").innerText()),
    );
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    const rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas").first().waitFor();
    await editor.screenshot("judged-run");
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.notifications.waitFor(/This is the run that its seed is judged by/);
  });
});
