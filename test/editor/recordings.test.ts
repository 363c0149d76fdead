// What a swarm recorded of itself, taken out of the editor as a person does.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm } from "./harness/swarm.ts";
import { briefly, until } from "./harness/waiting.ts";

describe("the recording of a swarm in the editor", function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples", theme: "dark" });
    await initFirstSwarm(editor);
  });
  after(async () => {
    await editor?.close();
  });

  const openText = () => editor.page.locator(".editor-group-container.active .monaco-editor .view-lines");
  const untilShown = (said: RegExp): Promise<string> =>
    until(editor.page, `${said} in the open document`, async () => {
      const text = (await openText().innerText(briefly)).replaceAll("\u00a0", " ");
      return said.test(text) ? text : undefined;
    });

  it("is exported from the palette into the file that was named, which opens", async () => {
    const file = join(editor.folder, "run.shiviz.log");
    await editor.runCommand("Agent Mesh: Export Recording");
    assert.match(await editor.quickInput.prompt(), /Export the Recording of first-swarm: for what\?/);
    await editor.quickInput.choose("ShiViz");
    await until(editor.page, "the dialog that asks for a file", async () =>
      /Export the Recording of first-swarm \(ShiViz\)/.test(await editor.quickInput.prompt()),
    );
    await editor.quickInput.file(file);
    await editor.notifications.waitFor(/events of first-swarm are in .*run\.shiviz\.log/, 30_000);
    const lines = readFileSync(file, "utf8").split("\n");
    assert.equal(lines[0], String.raw`(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`);
    assert.ok(lines.some((line) => /^send .* to a\d/.test(line)));
    assert.ok(!existsSync(`${file}.partial`));
    await untilShown(/\(\?<event>/);
    await editor.screenshot("recordings-1-exported");
  });

  it("tells, from the Agents tree, what an agent was at its end and at a moment, read-only", async () => {
    await editor.activityBar.open("Agent Mesh");
    await editor.view("Agents").contextMenu("a2", "Replay Agent");
    await until(editor.page, "the question for a moment", async () =>
      /Replay a2: up to which moment\?/.test(await editor.quickInput.prompt()),
    );
    await editor.quickInput.type("");
    const state = await untilShown(/a2\.\d+ at \d+\.\d+ s/);
    assert.match(state, /Raft +(leader|follower) of term \d+/);
    assert.match(state, /comparisons with what it recorded of itself, all equal/);
    await editor.screenshot("recordings-2-replayed");
    await openText().click();
    await editor.page.keyboard.type("x");
    await until(editor.page, "VS Code to refuse to edit it", async () =>
      /read-only/.test(await editor.page.locator(".monaco-editor-overlaymessage").innerText(briefly)),
    );
    await editor.runCommand("Agent Mesh: Replay Agent");
    await editor.quickInput.choose("a1");
    await until(editor.page, "the question for a moment", async () =>
      /Replay a1: up to which moment\?/.test(await editor.quickInput.prompt()),
    );
    await editor.quickInput.type("1.5");
    await untilShown(/a1\.\d+ at 1\.\d+ s/);
  });
});
