import * as vscode from "vscode";
import { type CommandContext, chooseSwarm, requireTrust, withOperation } from "./context.ts";
import { changesText, linksText } from "./optimise-text.ts";
import type { RecordedStates } from "./recordings.ts";
import { refuseSimulated } from "./simulated.ts";

/** Optimise Topology: shows which links would come and go and what that is good for, asks, and rewires the running swarm. */
export async function optimiseTopology(commands: CommandContext, plans: RecordedStates): Promise<void> {
  if (!(await requireTrust("Optimising a topology"))) return;
  const swarm = await chooseSwarm(commands);
  if (!swarm) return;
  refuseSimulated(swarm, "Links are changed");
  const { coordinator } = commands;
  const plan = await coordinator.request("planTopology", { swarm: swarm.id });
  const { add, drop, basis, least, before, after, text } = plan;
  await plans.show(`${swarm.name} topology.txt`, `${text}\n`);
  if (add.length === 0 && drop.length === 0) {
    void vscode.window.showInformationMessage(`The topology of ${swarm.name} is good as it is: nothing to change.`);
    return;
  }
  const apply = "Apply";
  const answer = await vscode.window.showInformationMessage(
    `Optimise the topology of ${swarm.name}: ${linksText(add.length)} added, ${drop.length} dropped?`,
    { modal: true, detail: `${changesText(before, after)}\n\nNo link is dropped before all new ones are up.` },
    apply,
  );
  if (answer !== apply) return;
  const done = await withOperation(commands, `Rewiring ${swarm.name}`, (operation) =>
    coordinator.request("rewire", { swarm: swarm.id, operation, basis, least, add, drop }),
  );
  void vscode.window.showInformationMessage(
    `${swarm.name} is rewired: ${linksText(done.added)} added, ${done.dropped} dropped, ${done.links} now.`,
  );
}
