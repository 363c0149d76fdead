import * as vscode from "vscode";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { type Coordinator, CoordinatorFailure } from "../coordinator.ts";
import type { Decisions } from "../decisions.ts";
import type { TaskOutput } from "../output.ts";
import type { Swarms } from "../swarms.ts";
import type { Webviews } from "../views/webviews.ts";

/** What commands work with. */
export interface CommandContext {
  readonly context: vscode.ExtensionContext;
  readonly coordinator: Coordinator;
  readonly swarms: Swarms;
  readonly output: TaskOutput;
  readonly webviews: Webviews;
  readonly decisions: Decisions;
  readonly log: vscode.LogOutputChannel;
}

/** Nothing runs that the person did not allow: without Workspace Trust, says so and offers to manage it. */
export async function requireTrust(what: string): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const choice = await vscode.window.showWarningMessage(
    `${what} runs programs, and this workspace is not trusted. Simulating and looking work without trust.`,
    "Manage Workspace Trust",
  );
  if (choice) await vscode.commands.executeCommand("workbench.trust.manage");
  return false;
}

/** The swarm a command is about: the named one, the only one, or the one the person picks. Undefined when there is none (and says so). */
export async function chooseSwarm(
  { coordinator, swarms }: CommandContext,
  id?: string,
): Promise<SwarmView | undefined> {
  await coordinator.start();
  if (swarms.all.length === 0) await swarms.refresh();
  const named = id === undefined ? undefined : swarms.get(id);
  if (named) return named;
  const running = swarms.all;
  if (running.length === 0) {
    const choice = await vscode.window.showInformationMessage("No swarm is running.", "Init Swarm");
    if (choice) await vscode.commands.executeCommand("agentMesh.initSwarm");
    return undefined;
  }
  if (running.length === 1) return running[0];
  const picked = await vscode.window.showQuickPick(
    running.map((swarm) => ({ label: swarm.name, description: swarm.health.summary, swarm })),
    { ignoreFocusOut: true, title: "Which swarm?" },
  );
  return picked?.swarm;
}

/** Runs a command's body; what goes wrong is told in one sentence, and logged. A cancelled one is no error. */
export function reporting<A extends unknown[]>(
  log: vscode.LogOutputChannel,
  body: (...args: A) => Promise<unknown>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await body(...args);
    } catch (error) {
      if (error instanceof CoordinatorFailure && error.cancelled) {
        void vscode.window.showInformationMessage(error.message);
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      log.error(message);
      const choice = await vscode.window.showErrorMessage(message, "Show Log");
      if (choice) log.show();
    }
  };
}

/** A long request with progress and cancelling, shown as a notification. */
export async function withOperation<T>(
  { coordinator, log }: CommandContext,
  title: string,
  run: (operation: string, token: vscode.CancellationToken) => Promise<T>,
): Promise<T> {
  const operation = `${title}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      let reported = 0;
      const listening = coordinator.on("progress", (step) => {
        if (step.operation !== operation) return;
        const percent = step.total === 0 ? 0 : (100 * step.done) / step.total;
        progress.report({ message: step.stage, increment: Math.max(0, percent - reported) });
        reported = Math.max(reported, percent);
      });
      const cancelling = token.onCancellationRequested(() => {
        coordinator.request("cancel", { operation }).then(
          ({ cancelled }) => log.info(cancelled ? `Cancelled: ${title}.` : `Too late to cancel: ${title}.`),
          (error: unknown) =>
            log.error(`${title} was not cancelled: ${error instanceof Error ? error.message : error}`),
        );
      });
      try {
        return await run(operation, token);
      } finally {
        listening.dispose();
        cancelling.dispose();
      }
    },
  );
}
