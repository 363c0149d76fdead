import * as path from "node:path";
import * as vscode from "vscode";
import { type CommandContext, withOperation } from "./context.ts";

/** Simulate: the mesh file in virtual time, many seeds; works without Workspace Trust, since it runs no program. */
export async function simulate(commands: CommandContext, target?: unknown): Promise<void> {
  const file = target instanceof vscode.Uri ? target.fsPath : await askFile();
  if (file === undefined) return;
  const count = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Simulate ${path.basename(file)}: how many seeds?`,
    value: "20",
    validateInput: (text) =>
      /^\d{1,5}$/.test(text.trim()) && Number(text) >= 1 ? undefined : "A whole number from 1 to 99999.",
  });
  if (count === undefined) return;
  const seeds = Array.from({ length: Number(count) }, (_, at) => at + 1);
  const reports = await withOperation(commands, `Simulating ${path.basename(file)}`, (operation) =>
    commands.coordinator.request("simulate", { file, seeds, operation }),
  );
  const broken = reports.filter((report) => report.violation !== null);
  for (const report of reports) {
    const verdict = report.violation
      ? `${report.violation.invariant} broken at ${(report.violation.atMs / 1000).toFixed(3)} s: ${report.violation.detail}`
      : "held";
    const open = report.expectations
      .filter(({ held }) => held === null)
      .map(({ name, detail }) => `${name}: ${detail}`);
    commands.log.info(
      `seed ${report.seed} trace ${report.traceHash} ${report.delivered} messages, ${report.elections} elections in ${(report.virtualMs / 1000).toFixed(1)} s: ${[verdict, ...open].join("; ")}`,
    );
  }
  const [first] = broken;
  if (first?.violation) {
    const choice = await vscode.window.showErrorMessage(
      `Seed ${first.seed} broke “${first.violation.invariant}” after ${(first.violation.atMs / 1000).toFixed(3)} s (${broken.length} of ${reports.length} seeds).`,
      "Show Log",
    );
    if (choice) commands.log.show();
    return;
  }
  const messages = reports.reduce((sum, report) => sum + report.delivered, 0);
  const choice = await vscode.window.showInformationMessage(
    `Every invariant held in ${reports.length} seeds (${messages.toLocaleString()} messages delivered).`,
    "Show Log",
  );
  if (choice) commands.log.show();
}

async function askFile(): Promise<string | undefined> {
  const files = await vscode.workspace.findFiles("**/*.mesh.yaml", "**/node_modules/**", 200);
  if (files.length === 0)
    throw new Error("There is no *.mesh.yaml in this workspace. “Agent Mesh: New Mesh File” makes one.");
  const picked = await vscode.window.showQuickPick(
    files
      .map((file) => ({ label: vscode.workspace.asRelativePath(file), file }))
      .sort((a, b) => a.label.localeCompare(b.label)),
    { ignoreFocusOut: true, title: "Simulate: which mesh file?" },
  );
  return picked?.file.fsPath;
}
