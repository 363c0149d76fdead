import * as vscode from "vscode";
import { type CommandContext, chooseSwarm } from "./context.ts";
import { targetOf } from "./fault-target.ts";
import { joinCommand } from "./join-text.ts";
import { refuseSimulated } from "./simulated.ts";

/** Copy Join Command: for a terminal of this machine. */
export async function copyJoinCommand(commands: CommandContext, target?: unknown): Promise<void> {
  const { swarm: id, agent } = targetOf(target);
  const swarm = await chooseSwarm(commands, id);
  if (!swarm) return;
  refuseSimulated(swarm, "Agents join");
  await vscode.env.clipboard.writeText(joinCommand(swarm, agent));
  void vscode.window.showInformationMessage(
    `The command that joins ${swarm.name} is in the clipboard. Run it in a terminal of this machine, in a folder of your choice: tasks of the swarm run there. It fetches the join secret itself.`,
  );
}
