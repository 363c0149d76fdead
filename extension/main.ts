import * as vscode from "vscode";
import { tellDecision } from "./commands/proposals.ts";
import { registerCommands } from "./commands/register.ts";
import { Coordinator } from "./coordinator.ts";
import { Decisions } from "./decisions.ts";
import { TaskOutput } from "./output.ts";
import { StatusItem } from "./status.ts";
import { Swarms } from "./swarms.ts";
import { AgentsTree } from "./views/agents-tree.ts";
import { FaultsTree } from "./views/faults-tree.ts";
import { ProposalsTree } from "./views/proposals-tree.ts";
import { TasksTree } from "./views/tasks-tree.ts";
import { Webviews } from "./views/webviews.ts";

/** What nobody has to act on is not said twice in a row within this time: a coordinator that starts again and again finds the same swarm each time. */
const SAID_AGAIN_MS = 60_000;

let coordinator: Coordinator | undefined;

/** Cheap: registers what VS Code may ask for. The coordinator's process starts when something needs it. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Agent Mesh", { log: true });
  coordinator = new Coordinator(context, log);
  const swarms = new Swarms(coordinator);
  const output = new TaskOutput(coordinator);
  const webviews = new Webviews(context, coordinator, swarms);
  const decisions = new Decisions(coordinator, (decided) => void tellDecision(decided));
  let told = { message: "", atMs: 0 };
  context.subscriptions.push(
    log,
    coordinator,
    swarms,
    output,
    webviews,
    decisions,
    new StatusItem(swarms, coordinator),
    new AgentsTree(swarms),
    new TasksTree(swarms),
    new ProposalsTree(swarms),
    new FaultsTree(swarms),
    ...registerCommands({ context, coordinator, swarms, output, webviews, decisions, log }),
    coordinator.on("notice", ({ level, message }) => {
      log.info(message);
      if (level === "error") void vscode.window.showErrorMessage(message);
      else if (level === "warning") void vscode.window.showWarningMessage(message);
      else if (message !== told.message || Date.now() - told.atMs > SAID_AGAIN_MS) {
        told = { message, atMs: Date.now() };
        void vscode.window.showInformationMessage(message);
      }
    }),
  );
  void startIfNeeded(coordinator, log);
}

export async function deactivate(): Promise<void> {
  await coordinator?.stop();
}

/** A running swarm of an earlier coordinator, or an open mesh file, needs it now; everything else can wait. */
async function startIfNeeded(coordinator: Coordinator, log: vscode.LogOutputChannel): Promise<void> {
  const isMesh = (document: vscode.TextDocument): boolean => document.fileName.endsWith(".mesh.yaml");
  const start = (): void => {
    coordinator.start().catch((error: unknown) => log.error(String(error)));
  };
  if (vscode.workspace.textDocuments.some(isMesh)) return start();
  const opened = vscode.workspace.onDidOpenTextDocument((document) => {
    if (!isMesh(document)) return;
    opened.dispose();
    start();
  });
  const left = await vscode.workspace.findFiles("**/.agent-mesh/*/swarm.json", null, 1);
  if (left.length > 0) start();
}
