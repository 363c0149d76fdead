import * as vscode from "vscode";
import { aggregateSentence } from "../../server/contract/aggregate.ts";
import { aggregateDocument, metricChoices } from "./aggregate-text.ts";
import { type CommandContext, chooseSwarm } from "./context.ts";
import { editorAsker } from "./editor-asker.ts";
import type { RecordedStates } from "./recordings.ts";
import { refuseSimulated } from "./simulated.ts";

/** Aggregate a Metric: what all agents of a swarm together have of it, by gossip among them. Reads only: works without Workspace Trust. */
export async function aggregateMetric(commands: CommandContext, states: RecordedStates): Promise<void> {
  const swarm = await chooseSwarm(commands);
  if (!swarm) return;
  refuseSimulated(swarm, "Metrics are aggregated");
  const metric = await editorAsker.pick(`Aggregate a metric of ${swarm.name}: which?`, metricChoices());
  if (metric === undefined) return;
  const info = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `The agents of ${swarm.name} come to know ${metric}` },
    () => commands.coordinator.request("aggregate", { swarm: swarm.id, metric }),
  );
  const told = aggregateSentence(info);
  const show = info.converged ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  const choice = await show(told, "Show All");
  if (choice !== undefined) await states.show(`${metric} of ${swarm.name}`, aggregateDocument(swarm.name, info));
}
