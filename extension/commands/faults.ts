import * as vscode from "vscode";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { type CommandContext, chooseSwarm, requireTrust } from "./context.ts";
import { editorAsker } from "./editor-asker.ts";
import { askFault, type Plot } from "./fault-questions.ts";
import { targetOf } from "./fault-target.ts";
import { refuseJudged } from "./simulated.ts";

/** Inject Failure: what, whom, for how long. From the palette, from a node, link or message of a view, or an agent of the tree. */
export async function injectFailure(commands: CommandContext, argument?: unknown): Promise<void> {
  const target = targetOf(argument);
  const swarm = await chooseSwarm(commands, target.swarm);
  if (!swarm) return;
  refuseJudged(swarm);
  // A simulated failure runs nothing.
  if (!swarm.simulated && !(await requireTrust("Injecting a failure"))) return;
  const parse = (text: string) => commands.coordinator.request("parseFault", { swarm: swarm.id, text });
  const plot = await askFault(editorAsker, swarm, target, parse);
  if (!plot) return;
  const { ids, told } = await inject(commands, swarm, plot);
  const said = swarm.simulated ? `In ${swarm.name}: ${told}` : told;
  const choice = await vscode.window.showInformationMessage(said, "Heal", "Show Rounds");
  if (choice === "Heal")
    for (const fault of ids) await commands.coordinator.request("healFault", { swarm: swarm.id, fault });
  if (choice === "Show Rounds") commands.webviews.open("rounds");
}

async function inject(
  { coordinator }: CommandContext,
  { id: swarm }: SwarmView,
  { faults, preset }: Plot,
): Promise<{ readonly ids: readonly string[]; readonly told: string }> {
  if (preset !== undefined) {
    const { id, title } = await coordinator.request("injectPreset", { swarm, preset });
    return { ids: [id], told: `${title}.` };
  }
  const ids: string[] = [];
  const sentences: string[] = [];
  for (const fault of faults) {
    const { id, title, spec } = await coordinator.request("injectFault", { swarm, fault });
    ids.push(id);
    sentences.push(`${title}${spec.forMs === undefined ? "" : `, for ${spec.forMs / 1000} s`}.`);
  }
  return { ids, told: sentences.join(" ") };
}

/** Heal: the fault of the tree's button, all faults of the agent or link of a menu, or one that the person picks. */
export async function heal(commands: CommandContext, argument?: unknown): Promise<void> {
  const given = argument as { swarm?: unknown; fault?: { id?: unknown } } | undefined;
  if (typeof given?.swarm === "string" && typeof given.fault?.id === "string") {
    await commands.coordinator.request("healFault", { swarm: given.swarm, fault: given.fault.id });
    return;
  }
  const target = targetOf(argument);
  const swarm = await chooseSwarm(commands, target.swarm);
  if (!swarm) return;
  refuseJudged(swarm);
  const link = swarm.links.find((candidate) => candidate.a === target.a && candidate.b === target.b);
  const agent = swarm.agents.find((candidate) => candidate.id === target.agent);
  const ids = agent?.faults ?? link?.faults ?? (await askActive(swarm));
  for (const fault of ids ?? []) await commands.coordinator.request("healFault", { swarm: swarm.id, fault });
}

async function askActive(swarm: SwarmView): Promise<readonly string[] | undefined> {
  const { faults, presets = [] } = swarm;
  if (faults.length + presets.length === 0) {
    void vscode.window.showInformationMessage(`${swarm.name} has no active fault.`);
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    [
      ...presets.map(({ id, title }) => ({ label: title, description: "stops, and its steps are healed", id })),
      ...faults.map(({ id, title, agents }) => ({ label: title, description: agents.join(", "), id })),
    ],
    { ignoreFocusOut: true, title: "Heal: which fault?" },
  );
  return picked && [picked.id];
}

export async function healAll(commands: CommandContext, argument?: unknown): Promise<void> {
  const swarm = await chooseSwarm(commands, targetOf(argument).swarm);
  if (!swarm) return;
  const { healed } = await commands.coordinator.request("healAll", { swarm: swarm.id });
  void vscode.window.showInformationMessage(
    healed.length === 0
      ? `${swarm.name} has no active fault.`
      : `Healed: ${healed.length} fault${healed.length > 1 ? "s" : ""} of ${swarm.name}.`,
  );
}
