import * as vscode from "vscode";
import type { TaskNode } from "../views/tasks-tree.ts";
import { aggregateMetric } from "./aggregate.ts";
import { type CommandContext, chooseSwarm, reporting, withOperation } from "./context.ts";
import { copyEvidence, verifyEvidence } from "./evidence.ts";
import { heal, healAll, injectFailure } from "./faults.ts";
import { initSwarm } from "./init-swarm.ts";
import { copyJoinCommand } from "./join.ts";
import { addAgent, promoteLearner, removeAgent, transferLeadership } from "./members.ts";
import { befallMessages } from "./message-rules.ts";
import { optimiseTopology } from "./optimise.ts";
import { copyCertificate, type Drafts, propose, saveCertificate, showProposal } from "./proposals.ts";
import { exportRecording, RecordedStates, replayAgent } from "./recordings.ts";
import { simulate } from "./simulate.ts";
import { cancelTask, showTaskOutput, submitTask } from "./tasks.ts";
import { pauseSimulation, setSimulationSpeed, watchSimulation } from "./watch-simulation.ts";

const NEW_MESH_FILE = `# A mesh file: see “Mesh file” in the Agent Mesh documentation.
name: my-swarm
agents: 5
# Or ring, star, grid, hierarchical, small-world, k-regular, hyparview, or { kind: k-regular, degree: 3 }.
topology: mesh
# Or pbft, which survives agents that lie and takes 4 at least; or gossip, without a leader, an order and tasks.
consensus: raft
tasks:
  - id: hello
    run: [node, -e, "console.log('hello from', process.pid)"]
`;

/** Every command of the extension, by the id that package.json gives it. */
export function registerCommands(commands: CommandContext): vscode.Disposable[] {
  const states = new RecordedStates();
  const drafts: Drafts = new Map();
  const bodies: Readonly<Record<string, (argument?: unknown) => Promise<unknown>>> = {
    "agentMesh.initSwarm": (target) => initSwarm(commands, target),
    "agentMesh.stopSwarm": () => stopSwarm(commands),
    "agentMesh.injectFailure": (target) => injectFailure(commands, target),
    "agentMesh.dropMessages": (target) => befallMessages(commands, "drop", target),
    "agentMesh.delayMessages": (target) => befallMessages(commands, "delay", target),
    "agentMesh.corruptMessages": (target) => befallMessages(commands, "corrupt", target),
    "agentMesh.duplicateMessages": (target) => befallMessages(commands, "duplicate", target),
    "agentMesh.heal": (target) => heal(commands, target),
    "agentMesh.healAll": (target) => healAll(commands, target),
    "agentMesh.addAgent": (target) => addAgent(commands, target),
    "agentMesh.removeAgent": (target) => removeAgent(commands, target),
    "agentMesh.promoteLearner": (target) => promoteLearner(commands, target),
    "agentMesh.transferLeadership": (target) => transferLeadership(commands, target),
    "agentMesh.copyJoinCommand": (target) => copyJoinCommand(commands, target),
    "agentMesh.optimiseTopology": () => optimiseTopology(commands, states),
    "agentMesh.submitTask": () => submitTask(commands),
    "agentMesh.showTaskOutput": async (node) => showTaskOutput(commands, node as TaskNode | undefined),
    "agentMesh.cancelTask": (node) => cancelTask(commands, node as TaskNode | undefined),
    "agentMesh.propose": () => propose(commands, drafts),
    "agentMesh.showProposal": (node) => showProposal(commands, states, node),
    "agentMesh.copyCertificate": (node) => copyCertificate(commands, node),
    "agentMesh.saveCertificate": (node) => saveCertificate(commands, node),
    "agentMesh.openTopology": async () => commands.webviews.open("topology"),
    "agentMesh.showRounds": async (target) => {
      commands.webviews.open("rounds");
      const agent = (target as { agent?: unknown } | undefined)?.agent;
      if (typeof agent === "string") commands.webviews.reveal("rounds", { agent });
    },
    "agentMesh.viewMetrics": async () => commands.webviews.open("metrics"),
    "agentMesh.aggregateMetric": () => aggregateMetric(commands, states),
    "agentMesh.selectSwarm": async () => {
      const swarm = await chooseSwarm(commands);
      if (swarm) commands.swarms.select(swarm.id);
    },
    "agentMesh.exportRecording": (target) => exportRecording(commands, target),
    "agentMesh.replayAgent": (target) => replayAgent(commands, states, target),
    "agentMesh.verifyEvidence": () => verifyEvidence(commands, states),
    "agentMesh.copyEvidence": (target) => copyEvidence(commands, target),
    "agentMesh.simulate": (target) => simulate(commands, target),
    "agentMesh.watchSimulation": (target) => watchSimulation(commands, target),
    "agentMesh.setSimulationSpeed": () => setSimulationSpeed(commands),
    "agentMesh.pauseSimulation": () => pauseSimulation(commands, true),
    "agentMesh.resumeSimulation": () => pauseSimulation(commands, false),
    "agentMesh.newMeshFile": async () => {
      const document = await vscode.workspace.openTextDocument({ language: "yaml", content: NEW_MESH_FILE });
      await vscode.window.showTextDocument(document);
    },
    "agentMesh.restartCoordinator": () => commands.coordinator.restart(),
    "agentMesh.showLog": async () => commands.log.show(),
  };
  const registered = Object.entries(bodies).map(([id, body]) =>
    vscode.commands.registerCommand(id, reporting(commands.log, body)),
  );
  return [states, ...registered];
}

async function stopSwarm(commands: CommandContext): Promise<void> {
  const swarm = await chooseSwarm(commands);
  if (!swarm) return;
  const { ended } = await withOperation(commands, `Stopping ${swarm.name}`, (operation) =>
    commands.coordinator.request("stopSwarm", { swarm: swarm.id, operation }),
  );
  void vscode.window.showInformationMessage(
    swarm.simulated
      ? `${swarm.name} has ended, nothing left.`
      : `${swarm.name} has stopped: ${ended.length} process${ended.length === 1 ? "" : "es"} ended, nothing left.`,
  );
}
