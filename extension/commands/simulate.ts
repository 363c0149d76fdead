import * as path from "node:path";
import * as vscode from "vscode";
import { FAULT_EFFECTS, type SearchSummary, type SeedRange, transitionsOf } from "../../server/contract/simulation.ts";
import { type CommandContext, withOperation } from "./context.ts";
import { askMeshFile } from "./mesh-files.ts";
import { watchSeed } from "./watch-simulation.ts";

/** Simulate: the mesh file in virtual time, many seeds; works without Workspace Trust, since it runs no program. */
export async function simulate(commands: CommandContext, target?: unknown): Promise<void> {
  const file = target instanceof vscode.Uri ? target.fsPath : await askMeshFile("Simulate: which mesh file?");
  if (file === undefined) return;
  const seeds = await askSeeds(path.basename(file));
  if (seeds === undefined) return;
  const began = Date.now();
  const summary = await withOperation(commands, `Simulating ${path.basename(file)}`, (operation) =>
    commands.coordinator.request("simulate", { file, seeds, operation }),
  );
  for (const line of summaryLines(summary, Date.now() - began)) commands.log.info(line);
  const [first] = summary.broken;
  if (first === undefined) {
    const held = `Everything that is expected held in ${plural(summary.seeds)} (${summary.delivered.toLocaleString()} messages delivered).`;
    if (await vscode.window.showInformationMessage(held, "Show Log")) commands.log.show();
    return;
  }
  const choice = await vscode.window.showErrorMessage(
    `Seed ${first.seed} broke “${first.invariant}” after ${(first.atMs / 1000).toFixed(3)} s (${summary.brokenCount} of ${plural(summary.seeds)}).`,
    "Watch It",
    "Shrink to a Small File",
    "Show Log",
  );
  if (choice === "Show Log") commands.log.show();
  else if (choice === "Watch It") await watchSeed(commands, file, first.seed);
  else if (choice !== undefined) await shrink(commands, file, first.seed);
}

/** To a file beside the original, which opens. */
async function shrink(commands: CommandContext, file: string, seed: number): Promise<void> {
  const { path: place, text } = await withOperation(
    commands,
    `Shrinking seed ${seed} of ${path.basename(file)}`,
    (operation) => commands.coordinator.request("shrink", { file, seed, operation }),
  );
  const uri = await written(place, text);
  await vscode.window.showTextDocument(uri);
}

/** Under another name where a file of that one says something else. */
async function written(place: string, text: string): Promise<vscode.Uri> {
  for (let again = 1; ; again++) {
    const uri = vscode.Uri.file(again === 1 ? place : place.replace(/\.mesh\.yaml$/, `-${again}.mesh.yaml`));
    const found = await vscode.workspace.fs.readFile(uri).then(
      (bytes) => new TextDecoder().decode(bytes),
      () => undefined,
    );
    if (found === undefined) await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    if (found === undefined || found === text) return uri;
  }
}

async function askSeeds(name: string): Promise<SeedRange | undefined> {
  const text = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Simulate ${name}: how many seeds, or which (5..20)?`,
    value: "20",
    validateInput: (typed) =>
      seedsOf(typed) === undefined ? "A number such as 100, or a range such as 5..20; at most a million." : undefined,
  });
  return text === undefined ? undefined : seedsOf(text);
}

function seedsOf(text: string): SeedRange | undefined {
  const match = /^(?:(\d{1,15})\.\.)?(\d{1,15})$/.exec(text.trim());
  if (!match) return undefined;
  const range = { from: Number(match[1] ?? 1), to: Number(match[2]) };
  return range.to >= range.from && range.to - range.from < 1_000_000 ? range : undefined;
}

function summaryLines(summary: SearchSummary, realMs: number): string[] {
  const { consensus, broken, brokenCount, expectations, coverage } = summary;
  const met = Object.keys(coverage.faults).filter((name) => coverage.faults[name] !== 0);
  const idle = Object.keys(coverage.faults).filter((name) => coverage.faults[name] === 0);
  const all = transitionsOf(consensus, coverage.transitions);
  const never = all.filter((name) => !(name in coverage.transitions));
  return [
    `${plural(summary.seeds)}, ${brokenCount} broken; ${summary.delivered.toLocaleString()} messages and ${(summary.virtualMs / 1000).toFixed(0)} s of virtual time in ${(realMs / 1000).toFixed(1)} s`,
    ...broken.map(
      ({ seed, invariant, atMs, detail }) =>
        `seed ${seed}: ${invariant} broken at ${(atMs / 1000).toFixed(3)} s: ${detail}`,
    ),
    ...expectations
      .filter(({ openCount }) => openCount > 0)
      .map(({ name, openCount, open }) => `${name} was not decided in ${plural(openCount)}, such as ${open[0]}`),
    `faults met: ${met.join(", ") || "none"} (${met.length} of ${FAULT_EFFECTS[consensus].length} kinds)${idle.length === 0 ? "" : `; always without consequence: ${idle.join(", ")}`}`,
    `transitions met: ${all.length - never.length} of ${all.length}${never.length === 0 ? "" : `; never: ${never.join(", ")}`}`,
  ];
}

function plural(seeds: number): string {
  return `${seeds.toLocaleString()} ${seeds === 1 ? "seed" : "seeds"}`;
}
