// A swarm that hangs on one agent is rewired while it runs, asked for what all its agents have, and cut in two.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { leaderNow } from "./harness/swarm.ts";
import { briefly, patiently, until } from "./harness/waiting.ts";

const WHOLE = /quick-star-6 6\/6 · (\S+) leads/;

describe("a swarm that organises itself, in the editor", function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
  });
  after(async () => {
    await editor?.close();
  });

  const agents = () => editor.view("Agents");

  it("shows a plan that frees a star of its hub, asks, and carries it out", async () => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("Quick swarm…");
    await editor.quickInput.type("6");
    await editor.quickInput.choose("star");
    await editor.quickInput.choose("raft");
    await editor.notifications.waitFor(/quick-star-6 is up: 6\/6 agents/, 30_000);
    await leaderNow(editor, WHOLE);
    await editor.runCommand("Agent Mesh: Optimise Topology");
    const dialog = editor.page.locator(".monaco-dialog-box");
    await until(editor.page, "the question", async () => {
      const asked = await dialog.innerText(briefly);
      return (
        /Optimise the topology of quick-star-6: \d+ links added/.test(asked) &&
        /Falls apart without: a1 → nobody/.test(asked)
      );
    });
    await editor.screenshot("organising-1-plan");
    await dialog.getByRole("button", { name: "Apply", exact: true }).click();
    await editor.notifications.waitFor(/quick-star-6 is rewired: \d+ links added, \d+ dropped, \d+ now/, 30_000);
    await leaderNow(editor, WHOLE);
    await editor.runCommand("Agent Mesh: Open Topology");
    const topology = await editor.webviewFrame("Topology", "editor");
    await topology.locator("canvas").first().waitFor(patiently);
    await editor.screenshot("organising-2-rewired");
    await editor.runCommand("Agent Mesh: Optimise Topology");
    await editor.notifications.waitFor(/The topology of quick-star-6 is good as it is: nothing to change/);
  });

  it("tells what all agents together have of a metric, as they came to know it by gossip", async () => {
    await editor.runCommand("Agent Mesh: Aggregate a Metric");
    await editor.quickInput.choose("links");
    const { message } = await editor.notifications.waitFor(/links over 6 of 6 agents: mean/, 30_000);
    const [, mean = "", least = "", most = ""] = /mean ([\d.]+) .*from (\d+) to (\d+)/.exec(message) ?? [];
    assert.ok(Number(least) >= 3 && Number(most) <= 5 && Number(mean) >= 3 && Number(mean) <= 5, message);
    await editor.screenshot("organising-3-aggregate");
  });

  it("copies the command by which another agent joins", async () => {
    await editor.runCommand("Agent Mesh: Copy Join Command");
    await editor.notifications.waitFor(/The command that joins quick-star-6 is in the clipboard/);
  });

  it("says which side of a partition is read-only, and that it is over", async () => {
    await editor.activityBar.open("Agent Mesh");
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Partition/);
    await editor.quickInput.chooseMany("a5", "a6");
    await editor.quickInput.choose("Until healed");
    const isReadOnly = (label: string, description: string) =>
      ["a5", "a6"].includes(label) === /read-only/.test(description);
    await agents().untilItems(
      "a5 and a6 read-only, and nobody else",
      (all) => {
        const shown = all.filter(({ level }) => level === 1);
        return shown.length === 6 && shown.every(({ label, description }) => isReadOnly(label, description));
      },
      30_000,
    );
    await editor.runCommand("Agent Mesh: Open Topology");
    await editor.webviewFrame("Topology", "editor");
    await editor.screenshot("organising-4-read-only");
    await editor.runCommand("Agent Mesh: Heal All");
    await agents().untilItems(
      "nobody read-only",
      (all) => all.length > 0 && !all.some(({ description }) => /read-only|catching up/.test(description)),
      30_000,
    );
    await leaderNow(editor, WHOLE);
    await editor.runCommand("Agent Mesh: View Metrics");
    const metrics = await editor.webviewFrame("Metrics", "editor");
    await metrics.getByText("Partition resilience").first().waitFor(patiently);
    await editor.screenshot("organising-5-metrics");
  });

  it("finds its links itself, and others when an agent dies", async () => {
    await editor.runCommand("Agent Mesh: Stop Swarm");
    await editor.notifications.waitFor(/quick-star-6 has stopped/, 30_000);
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("Quick swarm…");
    await editor.quickInput.type("10");
    await editor.quickInput.choose("hyparview");
    await editor.quickInput.choose("raft");
    await editor.notifications.waitFor(/quick-hyparview-10 is up: 10\/10 agents/, 30_000);
    // A view that was looked at all the time, in which there was another swarm, and then none.
    const beside = await editor.webviewFrame("Topology", "side bar");
    await until(editor.page, "the new swarm in the side bar", async () =>
      (await beside.locator("am-topology").innerText(briefly)).includes("quick-hyparview-10"),
    );
    await editor.runCommand("Agent Mesh: Open Topology");
    const topology = await editor.webviewFrame("Topology", "editor");
    /** How many links the table has, and how many of these are with a1. */
    const links = async (): Promise<{ readonly all: number; readonly ofA1: number }> => {
      const names = await topology.locator("am-table.links tbody tr").allInnerTexts();
      return { all: names.length, ofA1: names.filter((name) => /\ba1\b/.test(name)).length };
    };
    await topology.locator('vscode-toolbar-button[label^="Table"]').click();
    await until(editor.page, "links, at most four for each", async () => {
      const { all, ofA1 } = await links();
      return all >= 10 && all <= 20 && ofA1 >= 2 && ofA1 <= 4;
    });
    await topology.locator('vscode-toolbar-button[label^="Table"]').click();
    await editor.screenshot("organising-6-hyparview");
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/^Crash/);
    await editor.quickInput.choose("a1");
    await editor.quickInput.choose("Until healed");
    await agents().untilItems(
      "a1 is down",
      (all) => all.some(({ label, description }) => label === "a1" && /crashed/.test(description)),
      30_000,
    );
    await topology.locator('vscode-toolbar-button[label^="Table"]').click();
    await until(editor.page, "the others linked among themselves", async () => {
      const { all, ofA1 } = await links();
      return all >= 9 && ofA1 === 0;
    });
    await topology.locator('vscode-toolbar-button[label^="Table"]').click();
    await editor.screenshot("organising-7-hyparview-without-one");
    await editor.runCommand("Agent Mesh: Optimise Topology");
    await editor.notifications.waitFor(/look for their links themselves/);
  });
});
