import * as vscode from "vscode";
import type { TaskNode } from "../views/tasks-tree.ts";
import { splitCommandLine } from "./command-line.ts";
import { type CommandContext, chooseSwarm, requireTrust } from "./context.ts";
import { refuseJudged } from "./simulated.ts";
import { refuseTask } from "./unordered.ts";

/** Submit Task: a command line, run by whichever agent is free. */
export async function submitTask(commands: CommandContext): Promise<void> {
  const swarm = await chooseSwarm(commands);
  if (!swarm) return;
  refuseJudged(swarm);
  // A simulated one runs no program.
  if (!swarm.simulated && !(await requireTrust("Submitting a task"))) return;
  refuseTask(swarm);
  const line = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Submit Task to ${swarm.name}`,
    prompt: swarm.simulated
      ? "No program is run in a simulation: sleep SECONDS takes so long, exit CODE ends so, anything else takes a moment."
      : "A program and its arguments, run in the swarm's folder without a shell. Quotes group words.",
    placeHolder: "node --version",
    validateInput: (text) => {
      const parsed = splitCommandLine(text);
      return typeof parsed === "string" ? parsed : undefined;
    },
  });
  if (line === undefined) return;
  const words = splitCommandLine(line);
  if (typeof words === "string") throw new Error(words);
  const [command = "", ...args] = words;
  const { taskId } = await commands.coordinator.request("submitTask", { swarm: swarm.id, task: { command, args } });
  commands.output.show(swarm.id, taskId);
}

export function showTaskOutput(commands: CommandContext, node?: TaskNode): void {
  if (node?.kind === "task") commands.output.show(node.swarm, node.taskId);
}

export async function cancelTask(commands: CommandContext, node?: TaskNode): Promise<void> {
  if (node?.kind === "task")
    await commands.coordinator.request("cancelTask", { swarm: node.swarm, taskId: node.taskId });
}
