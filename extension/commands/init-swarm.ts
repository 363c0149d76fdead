import * as path from "node:path";
import * as vscode from "vscode";
import type { InitSwarm, QuickMesh } from "../../server/contract/coordinator.ts";
import { consensusChoices } from "./consensus-choices.ts";
import { type CommandContext, requireTrust, withOperation } from "./context.ts";

const TOPOLOGIES: readonly { readonly label: QuickMesh["topology"]; readonly detail: string }[] = [
  { label: "mesh", detail: "Everyone has a link with everyone." },
  { label: "ring", detail: "Each has two neighbours; messages travel round." },
  { label: "star", detail: "The first agent in the middle." },
  { label: "grid", detail: "Rows and columns, up to four neighbours each." },
  { label: "hierarchical", detail: "A tree, three children each." },
  { label: "k-regular", detail: "Four links each, drawn: few hops, and two separate ways to everyone." },
  { label: "small-world", detail: "A ring with links to the two nearest on either side, and shortcuts across it." },
  { label: "hyparview", detail: "Four links each at most, which the agents look for themselves, and mend." },
];

/** Init Swarm: a mesh file of the workspace, or three short questions. `target`: a mesh file, from the explorer's or the editor's menu. */
export async function initSwarm(commands: CommandContext, target?: unknown): Promise<void> {
  if (!(await requireTrust("Bringing up a swarm"))) return;
  const request = target instanceof vscode.Uri ? { file: target.fsPath } : await askWhat();
  if (!request) return;
  const name = "file" in request ? path.basename(request.file) : request.quick.name;
  const view = await withOperation(commands, `Agent Mesh: ${name}`, async (operation, token) => {
    const begun = await commands.coordinator.request("initSwarm", { ...request, operation });
    if (!token.isCancellationRequested) return begun;
    // It was up before the coordinator heard that it shall not be.
    await commands.coordinator.request("stopSwarm", { swarm: begun.id, operation: `${operation}-stop` });
    return undefined;
  });
  if (!view) {
    void vscode.window.showInformationMessage("Starting the swarm was cancelled; nothing of it is left.");
    return;
  }
  commands.swarms.accept(view);
  commands.swarms.select(view.id);
  await vscode.commands.executeCommand("agentMesh.topology.focus");
  const choice = await vscode.window.showInformationMessage(
    `${view.name} is up: ${view.health.summary}.`,
    "Show Rounds",
    "View Metrics",
  );
  if (choice === "Show Rounds") commands.webviews.open("rounds");
  if (choice === "View Metrics") commands.webviews.open("metrics");
}

type Wanted = InitSwarm extends infer R ? (R extends unknown ? Omit<R, "operation"> : never) : never;

async function askWhat(): Promise<Wanted | undefined> {
  const files = await vscode.workspace.findFiles("**/*.mesh.yaml", "**/node_modules/**", 200);
  // First: below many files nobody would find it.
  const quick = { label: "$(add) Quick swarm…", description: "Choose agents, topology and consensus", file: undefined };
  const items = files
    .map((file) => ({
      label: `$(file) ${path.basename(file.fsPath)}`,
      description: vscode.workspace.asRelativePath(path.dirname(file.fsPath)),
      file: file.fsPath,
    }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const picked = await vscode.window.showQuickPick([quick, ...items], {
    ignoreFocusOut: true,
    title: "Init Swarm",
    placeHolder: "A quick swarm, or a mesh file of this workspace",
    matchOnDescription: true,
  });
  if (!picked) return undefined;
  return picked.file === undefined ? askQuick() : { file: picked.file };
}

async function askQuick(): Promise<Wanted | undefined> {
  const folder = vscode.workspace.workspaceFolders?.find((candidate) => candidate.uri.scheme === "file")?.uri.fsPath;
  if (folder === undefined) throw new Error("A swarm works in a folder: open one first (File: Open Folder).");
  const count = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: "Quick Swarm (1/3): how many agents?",
    value: "5",
    prompt: "1 to 100. Five tolerate two crashed agents; four tolerate one that lies.",
    validateInput: (text) =>
      /^\d{1,3}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 100
        ? undefined
        : "A whole number from 1 to 100.",
  });
  if (count === undefined) return undefined;
  const topology = await vscode.window.showQuickPick(TOPOLOGIES, {
    ignoreFocusOut: true,
    title: "Quick Swarm (2/3): who has a link with whom?",
  });
  if (!topology) return undefined;
  const consensus = await vscode.window.showQuickPick(consensusChoices(Number(count)), {
    ignoreFocusOut: true,
    title: "Quick Swarm (3/3): how do they decide?",
  });
  if (!consensus) return undefined;
  return {
    quick: {
      name: `quick-${topology.label}-${count.trim()}`,
      agents: Number(count),
      topology: topology.label,
      consensus: consensus.label,
    },
    folder,
  };
}
