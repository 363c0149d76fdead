import * as path from "node:path";
import * as vscode from "vscode";
import { MAX_SEED, paceText, SPEEDS, speedText } from "../../server/contract/simulated.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { type CommandContext, chooseSwarm, withOperation } from "./context.ts";
import { askMeshFile } from "./mesh-files.ts";

/** Watch Simulation: a mesh file's swarm in virtual time, in all views; works without Workspace Trust, since it runs no program. */
export async function watchSimulation(commands: CommandContext, target?: unknown): Promise<void> {
  const file =
    target instanceof vscode.Uri ? target.fsPath : await askMeshFile("Watch a simulation of which mesh file?");
  if (file === undefined) return;
  const judged = await askJudged(path.basename(file));
  if (judged === undefined) return;
  const seed = await askSeed(path.basename(file), judged);
  if (seed === undefined) return;
  await watch(commands, file, seed, judged);
}

/** The run that Simulate judged by this seed. */
export function watchSeed(commands: CommandContext, file: string, seed: number): Promise<void> {
  return watch(commands, file, seed, true);
}

async function watch(commands: CommandContext, file: string, seed: number, judged: boolean): Promise<void> {
  const speed = await askSpeed(`How fast shall ${path.basename(file)} go?`);
  if (speed === undefined) return;
  const wish = { file, seed, speed: speed.times, ...(judged && { judged }) };
  const view = await withOperation(commands, `Agent Mesh: simulating ${path.basename(file)}`, (operation) =>
    commands.coordinator.request("watchSimulation", { ...wish, operation }),
  );
  commands.swarms.accept(view);
  commands.swarms.select(view.id);
  await vscode.commands.executeCommand("agentMesh.topology.focus");
  const choice = await vscode.window.showInformationMessage(
    `${view.name}: ${view.agents.length} agents in virtual time; none of them is a process.${judged ? ` It is the run that Simulate judges by seed ${seed}.` : ""}`,
    "Simulation Speed…",
    "Show Rounds",
  );
  if (choice === "Show Rounds") commands.webviews.open("rounds");
  else if (choice !== undefined) await setSimulationSpeed(commands);
}

/** Simulation Speed: times real time, or as fast as it goes; the present one is marked. */
export async function setSimulationSpeed(commands: CommandContext): Promise<void> {
  const swarm = await chooseSimulated(commands);
  if (!swarm) return;
  const speed = await askSpeed(`${swarm.name}: ${paceText(swarm.simulated)}`, swarm.simulated.speed);
  if (speed === undefined) return;
  await commands.coordinator.request("paceSimulation", { swarm: swarm.id, speed: speed.times, paused: false });
}

/** Pause Simulation, Resume Simulation. */
export async function pauseSimulation(commands: CommandContext, paused: boolean): Promise<void> {
  const swarm = await chooseSimulated(commands);
  if (swarm) await commands.coordinator.request("paceSimulation", { swarm: swarm.id, paused });
}

type Simulated = SwarmView & { readonly simulated: NonNullable<SwarmView["simulated"]> };

/** The one that views show, if it is simulated; else as with any swarm. */
async function chooseSimulated(commands: CommandContext): Promise<Simulated | undefined> {
  const { current } = commands.swarms;
  const swarm = current?.simulated ? current : await chooseSwarm(commands);
  if (swarm === undefined || isSimulated(swarm)) return swarm;
  throw new Error(`${swarm.name} is no simulation: its agents are processes, which go at the pace of their machine.`);
}

function isSimulated(swarm: SwarmView): swarm is Simulated {
  return swarm.simulated !== undefined;
}

/** Whose run it is to be: the person's, or the judges'. */
async function askJudged(name: string): Promise<boolean | undefined> {
  const items = [
    {
      label: "$(beaker) A run of your own",
      detail: "The file's agents, tasks and faults. Break it, ask something of it; it has no end.",
      judged: false,
    },
    {
      label: "$(law) The run that Simulate judges",
      detail: "With its clients, its bad luck and its judges, to see how a seed breaks. It cannot be asked anything.",
      judged: true,
    },
  ];
  const picked = await vscode.window.showQuickPick(items, { ignoreFocusOut: true, title: `Watch ${name}: which run?` });
  return picked?.judged;
}

async function askSeed(name: string, judged: boolean): Promise<number | undefined> {
  const text = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Simulate ${name}: which seed?`,
    prompt: judged
      ? "The same seed shows the same run as Simulate judges."
      : "The same seed shows the same events, until somebody asks something of the swarm.",
    value: "1",
    validateInput: (typed) => (seedOf(typed) === undefined ? "A whole number from 0." : undefined),
  });
  return text === undefined ? undefined : seedOf(text);
}

function seedOf(text: string): number | undefined {
  const seed = Number(text.trim());
  return /^\d+$/.test(text.trim()) && seed <= MAX_SEED ? seed : undefined;
}

interface SpeedItem extends vscode.QuickPickItem {
  /** null: as fast as it goes. */
  readonly times: number | null;
}

async function askSpeed(title: string, present?: number | null): Promise<SpeedItem | undefined> {
  const marked = (times: number | null): string => (times === present ? "$(check) " : "");
  const items: SpeedItem[] = SPEEDS.map((times) => ({
    label: `${marked(times)}${speedText(times)}`,
    times,
    ...wordsOf(times),
  }));
  items.push({ label: `${marked(null)}As fast as it goes`, times: null });
  // Real time first: it is what Enter chooses.
  items.sort((a, b) => Number(b.times === 1) - Number(a.times === 1));
  return vscode.window.showQuickPick(items, { ignoreFocusOut: true, title });
}

function wordsOf(times: number): { readonly description: string } {
  if (times === 1) return { description: "real time" };
  return { description: times < 1 ? "slower than real time" : "faster, as far as this machine keeps pace" };
}
