// The harness itself, tried on a small extension of its own: if this fails, the other editor tests say nothing.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { isAlive } from "../../.ci/processes.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { patiently } from "./harness/waiting.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const manifest = {
  name: "probe",
  displayName: "Probe",
  description: "Shows one of everything that the harness reads.",
  publisher: "agent-mesh",
  version: "1.0.0",
  engines: { vscode: "^1.100.0" },
  main: "./main.js",
  activationEvents: ["onStartupFinished"],
  contributes: {
    commands: [
      { command: "probe.ask", title: "Ask", category: "Probe" },
      { command: "probe.panel", title: "Open Panel", category: "Probe" },
      { command: "probe.pet", title: "Pet" },
    ],
    viewsContainers: { activitybar: [{ id: "probe", title: "Probe", icon: "$(beaker)" }] },
    views: {
      probe: [
        { id: "probe.animals", name: "Animals" },
        { id: "probe.card", name: "Card", type: "webview" },
      ],
    },
    menus: { "view/item/context": [{ command: "probe.pet", when: "view == probe.animals" }] },
  },
};

const source = `
const vscode = require("vscode");
const { spawn } = require("node:child_process");
const { join } = require("node:path");
exports.activate = () => {
  const output = vscode.window.createOutputChannel("Probe Log");
  output.appendLine("trusted: " + vscode.workspace.isTrusted);
  spawn(process.execPath, [join(__dirname, "coordinator.cjs")], { detached: true, stdio: "ignore" }).unref();
  const status = vscode.window.createStatusBarItem();
  status.text = "$(beaker) Probe ready";
  status.show();
  vscode.commands.registerCommand("probe.ask", async () => {
    const colour = await vscode.window.showQuickPick(["red", "green"], { title: "Colour" });
    const count = await vscode.window.showInputBox({ title: "Count", value: "1" });
    const answer = await vscode.window.showInformationMessage(colour + " times " + count, "Again", "Enough");
    output.appendLine("answer: " + answer);
  });
  vscode.commands.registerCommand("probe.pet", (animal) => vscode.window.showInformationMessage("petted " + animal));
  vscode.window.createTreeView("probe.animals", { treeDataProvider: {
    getChildren: (animal) => (animal === undefined ? ["cat", "dog"] : animal === "cat" ? ["kitten"] : []),
    getTreeItem: (animal) => Object.assign(new vscode.TreeItem(animal, animal === "cat" ? 1 : 0), { description: "a pet" }),
  } });
  const html = "<h1>inside</h1><button onclick=\\"this.textContent='pressed'\\">press</button>";
  vscode.window.registerWebviewViewProvider("probe.card", { resolveWebviewView: (view) => {
    view.webview.options = { enableScripts: true };
    view.webview.html = html;
  } });
  vscode.commands.registerCommand("probe.panel", () => {
    vscode.window.createWebviewPanel("probe", "Probe Panel", 1, { enableScripts: true }).webview.html = html;
  });
};
`;

describe("the editor harness", function () {
  this.timeout(60_000);
  let directory: string;
  let editor: Editor;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "agent-mesh-probe-"));
    const vsix = await packageProbe(join(directory, "extension"));
    const folder = join(directory, "folder");
    mkdirSync(folder);
    writeFileSync(join(folder, "note.txt"), "original");
    editor = await startEditor({ vsix, folder });
    await editor.statusBar.item("Probe ready");
  });

  after(async () => {
    await editor?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it("runs a command, answers its questions, and presses a notification's button", async () => {
    await editor.runCommand("Probe: Ask");
    assert.equal(await editor.quickInput.prompt(), "Colour");
    assert.deepEqual(await editor.quickInput.labels(), ["red", "green"]);
    await editor.quickInput.choose("green");
    await editor.quickInput.type("3");
    const shown = await editor.notifications.waitFor("green times 3");
    assert.deepEqual(shown.buttons, ["Again", "Enough"]);
    await editor.notifications.press("green times 3", "Enough");
    await editor.notifications.untilGone("green times 3");
    await editor.outputChannel("Probe Log").waitFor("answer: Enough");
  });

  it("reads a tree, unfolds an item, and uses its context menu", async () => {
    await editor.activityBar.open("Probe");
    const animals = editor.view("Animals");
    assert.equal((await animals.item("cat")).description, "a pet");
    await animals.expandItem("cat");
    const items = await animals.untilItems("the kitten", (all) => all.some((item) => item.label === "kitten"));
    assert.deepEqual(
      items.map(({ label, level }) => `${level} ${label}`),
      ["1 cat", "2 kitten", "1 dog"],
    );
    await animals.contextMenu("dog", "Pet");
    await editor.notifications.waitFor("petted dog");
  });

  it("reaches into webviews in the side bar and in an editor tab", async () => {
    await editor.activityBar.open("Probe");
    await editor.view("Card").expand();
    for (const title of ["Card", "Probe Panel"]) {
      if (title === "Probe Panel") await editor.runCommand("Probe: Open Panel");
      const frame = await editor.webviewFrame(title);
      assert.equal(await frame.locator("h1").innerText(patiently), "inside");
      await frame.locator("button").click();
      assert.equal(await frame.locator("button").innerText(), "pressed");
    }
  });

  it("changes the theme", async () => {
    await editor.setTheme("light");
    await editor.setTheme("highContrast");
    await editor.setTheme("dark");
  });

  it("opens a copy of the folder and trusts it", async () => {
    writeFileSync(join(editor.folder, "note.txt"), "changed");
    assert.equal(readFileSync(join(directory, "folder", "note.txt"), "utf8"), "original");
    await editor.outputChannel("Probe Log").waitFor("trusted: true");
  });

  it("says what was waited for in vain, with a screenshot", async () => {
    await assert.rejects(editor.statusBar.item("no such text", 300), (error: Error) => {
      const [, path] =
        /Waited in vain for no such text in the status bar .*Screenshot: (\S+\.png)\./.exec(error.message) ?? [];
      assert.ok(path, error.message);
      assert.equal(readFileSync(path).subarray(1, 4).toString(), "PNG");
      return true;
    });
  });

  it("knows the processes, also those that lost their parent, and ends them all when it closes", async () => {
    const [coordinator] = editor.coordinatorPids();
    assert.ok(coordinator);
    const extensionHost = await editor.extensionHostPid();
    process.kill(extensionHost, "SIGKILL");
    assert.ok(editor.coordinatorPids().includes(coordinator));
    const processes = editor.server.processes();
    await editor.close();
    assert.deepEqual(processes.filter(isAlive), []);
  });

  it("starts without trust, and grants it", async () => {
    editor = await startEditor({
      vsix: join(directory, "extension", "probe.vsix"),
      folder: join(directory, "folder"),
      trust: false,
    });
    await editor.statusBar.item("Restricted Mode");
    await editor.grantTrust();
  });
});

/** Makes the small extension's package in this folder. */
async function packageProbe(folder: string): Promise<string> {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "README.md"), "Shows one of everything that the harness reads.\n");
  writeFileSync(join(folder, "main.js"), source);
  writeFileSync(join(folder, "coordinator.cjs"), "setInterval(() => {}, 1000);\n");
  const vsix = join(folder, "probe.vsix");
  const vsce = join(root, "node_modules", "@vscode", "vsce", "vsce");
  const options = ["--no-dependencies", "--allow-missing-repository", "--skip-license", "--out", vsix];
  await promisify(execFile)(process.execPath, [vsce, "package", ...options], { cwd: folder, timeout: 60_000 });
  return vsix;
}
