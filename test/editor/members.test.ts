// Who the members are, changed as a person does: from the palette, the Agents tree and the topology.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { FrameLocator } from "playwright-core";
import { ensurePackage } from "../../.ci/package.mjs";
import { isAlive } from "../../.ci/processes.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm, leaderNow, pointOf } from "./harness/swarm.ts";
import { chooseInMenu, menuChoices } from "./harness/views.ts";
import { briefly, patiently, until } from "./harness/waiting.ts";

const SIX = /first-swarm 6\/6 · (\S+) leads/;

describe("the members of a swarm in the editor", function () {
  this.timeout(120_000);
  let editor: Editor;
  let leader = "";
  let topology: FrameLocator;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples", theme: "dark" });
    leader = await initFirstSwarm(editor);
    await editor.runCommand("Agent Mesh: Open Topology");
    topology = await editor.webviewFrame("Topology", "editor");
    await topology.locator("canvas").first().waitFor(patiently);
  });
  after(async () => {
    await editor?.close();
  });

  const agents = () => editor.view("Agents");
  const onAgent = async (agent: string): Promise<void> => {
    const at = await until(editor.page, `${agent} to be laid out`, () =>
      pointOf(topology, agent).catch(() => undefined),
    );
    await topology.locator(".picture").click({ button: "right", position: at });
  };

  it("gain a learner from the palette, which is drawn as a small disc and told to have no vote", async () => {
    await editor.runCommand("Agent Mesh: Add Agent");
    assert.equal(await editor.quickInput.prompt(), "Add Agent to first-swarm: as what?");
    await editor.quickInput.choose(/Learner/);
    await editor.quickInput.type("helper");
    await editor.notifications.waitFor(/helper is in first-swarm and learns, without a vote/, 30_000);
    await agents().item(/^helper learner/);
    leader = await leaderNow(editor, SIX);
    await until(editor.page, "helper to be laid out", () => pointOf(topology, "helper").catch(() => undefined));
    await until(editor.page, "helper's links to be up", async () =>
      /6 of 6 agents alive/.test(await topology.locator(".picture").getAttribute("aria-label", briefly).then(String)),
    );
    await editor.screenshot("members-1-learner");
  });

  it("offer in the topology what fits: a learner is promoted, and votes", async () => {
    await onAgent("helper");
    const offered = await menuChoices(editor.page);
    assert.ok(offered.includes("Promote Learner") && offered.includes("Remove Agent"), offered.join(", "));
    assert.ok(!offered.includes("Transfer Leadership"), "who has no vote cannot lead");
    await chooseInMenu(editor.page, "Promote Learner");
    await editor.notifications.waitFor(/helper votes now: 6 voters in first-swarm/, 30_000);
    await agents().item(/^helper follower/);
  });

  it("hand the leadership over from the Agents tree", async () => {
    await agents().contextMenu("helper", "Transfer Leadership");
    await editor.notifications.waitFor(/helper leads first-swarm now, in term \d+/, 30_000);
    assert.equal(await leaderNow(editor, SIX), "helper");
    await agents().item(/^helper leader/);
  });

  it("lose the old leader, whose process ends, once that is confirmed", async () => {
    const items = await agents().items();
    const pid = Number(/PID (\d+)/.exec(items.find((item) => item.label === leader)?.description ?? "")?.[1]);
    assert.ok(isAlive(pid));
    await agents().contextMenu(leader, "Remove Agent");
    const dialog = editor.page.locator(".monaco-dialog-box");
    await until(editor.page, "the question", async () =>
      /Remove a\d from first-swarm\?/.test(await dialog.innerText(briefly)),
    );
    await dialog.getByRole("button", { name: "Remove", exact: true }).click();
    await editor.notifications.waitFor(new RegExp(`${leader} has left first-swarm\\. 5 agents vote now`), 30_000);
    assert.ok(!isAlive(pid));
    await agents().untilItems("five agents", (all) => all.length === 5 && !all.some(({ label }) => label === leader));
    assert.equal(await leaderNow(editor), "helper");
    await editor.screenshot("members-2-removed");
  });

  it("are told in the rounds view: changes of members, the handover, and who joined", async () => {
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    const rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas.space-time").waitFor(patiently);
    await rounds.locator(`.lanes > li[data-agent="${leader}"]`, { hasText: "removed" }).waitFor();
    const details = rounds.locator(".event-details");
    const find = async (text: string, said: RegExp): Promise<void> => {
      const box = rounds.locator(".search vscode-textfield input");
      await box.fill(text);
      await box.press("Enter");
      await until(editor.page, `${text} to be found`, async () => said.test(await details.innerText(briefly)));
    };
    await find("kind:leadershipTransferStarted", /hands leadership over/);
    await editor.screenshot("members-3-handover");
    await find("kind:configurationChanged", /members changed/);
    await rounds.locator('vscode-toolbar-button[label^="Table"]').click();
    const rows = rounds.locator("am-table.events tbody");
    await until(editor.page, "the change in words", async () =>
      /members changed \(voters [^)]*helper/.test(await rows.innerText(briefly)),
    );
    await editor.screenshot("members-4-table");
  });
});
