// Everything else that can be broken, from Inject Failure: by words, by picks, with what is said of it, and undone.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm } from "./harness/swarm.ts";
import { until } from "./harness/waiting.ts";

describe("faults of every kind in the editor", function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples", theme: "dark" });
    await initFirstSwarm(editor);
    await editor.activityBar.open("Agent Mesh");
  });
  afterEach(async () => {
    await editor.runCommand("Agent Mesh: Heal All");
    await noFault();
  });
  after(async () => {
    await editor?.close();
  });

  const faults = () => editor.view("Faults");
  const noFault = () => faults().untilItems("no fault", (all) => all.length === 0);

  it("are all in one list, with the simple ones first", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    const labels = await editor.quickInput.labels();
    assert.deepEqual(labels.slice(0, 7), [
      ...["Crash", "Pause", "Isolate", "Partition", "Slow link", "Lossy link", "In words…"],
    ]);
    await editor.screenshot("faults-1-list");
    await editor.quickInput.dismiss();
  });

  it("are said in words, which are checked while they are typed", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose("In words…");
    await editor.quickInput.type("message: { types: [append], to: a9, drop: true, count: 2 }");
    await until(editor.page, "what is wrong", async () =>
      /At column 33: message\.to: there is no agent "a9"/.test(await editor.quickInput.message()),
    );
    await editor.screenshot("faults-2-words-wrong");
    await editor.quickInput.type("message: { types: [append], to: a3, drop: true, count: 2 }");
    await faults().item(/^The first 2 append messages to a3 dropped/);
    await editor.notifications.press(/The first 2 append messages to a3 dropped\./, "Heal");
    await noFault();
  });

  it("are rules on messages, asked for step by step", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose("Delay messages…");
    await editor.quickInput.choose("vote");
    await editor.quickInput.choose("Anybody");
    await editor.quickInput.choose("a2");
    await editor.quickInput.type("150");
    await editor.quickInput.choose("All of them");
    await editor.quickInput.type("50");
    await editor.quickInput.choose("30 seconds");
    const fault = await faults().item(/^Every vote message to a2 delayed by 150 ms with 50 % probability/);
    assert.match(fault.description, /^until \d+:\d\d:\d\d/);
  });

  it("are toxics on one way of a link", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose("Narrow bandwidth");
    await editor.quickInput.choose("a1 – a2");
    await editor.quickInput.choose("a2 → a1");
    await editor.quickInput.type("5000");
    await editor.quickInput.choose("Until healed");
    await faults().item(/^a2 → a1: at most 5000 bytes a second/);
  });

  it("are liars, with the note that Raft does not promise to survive them", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose("Stay silent");
    await editor.quickInput.choose("a4");
    await until(editor.page, "the note", async () =>
      /for how long\? Raft does not promise to survive this\./.test(await editor.quickInput.prompt()),
    );
    await editor.quickInput.choose("Until healed");
    await editor.notifications.waitFor(/a4 lies: silent: Raft does not promise to survive this\./);
    await faults().item(/^a4 lies: silent/);
    await editor.view("Agents").item(/^a4 .*1 fault/);
    await editor.screenshot("faults-3-liar");
  });

  it("are presets, listed with their steps while they run, and stopped by healing them", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose("Flapping link");
    await editor.quickInput.choose("a1 – a3");
    await editor.quickInput.choose("10 seconds");
    await editor.quickInput.choose("Until healed");
    const preset = await faults().item(/^a1 – a3 flapping: cut every 10s, for 5s/);
    assert.match(preset.description, /^until it ends or is healed/);
    await faults().item(/^a1 – a3 losing 100 % of frames/);
    await editor.screenshot("faults-4-preset");
    await editor.runCommand("Agent Mesh: Heal");
    await editor.quickInput.choose(/flapping/);
    await noFault();
  });
});
