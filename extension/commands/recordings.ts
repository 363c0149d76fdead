import * as path from "node:path";
import * as vscode from "vscode";
import type { ExportFormat, RecordingPlace } from "../../server/contract/coordinator.ts";
import { type CommandContext, withOperation } from "./context.ts";
import { refuseSimulated } from "./simulated.ts";

/** `.agent-mesh/recordings/SWARM/AGENT/*.meshrec`, for those that were kept. */
const KEPT_FILES = "**/.agent-mesh/recordings/*/*/*.meshrec";
const MAX_KEPT_FILES = 20_000;

/** What the person may choose. */
interface Recording extends RecordingPlace {
  readonly name: string;
  readonly told: string;
  readonly agents: readonly string[];
}

const FORMATS: readonly { label: string; detail: string; format: ExportFormat; suffix: string }[] = [
  {
    label: "ShiViz",
    detail: "A log for https://bestchai.bitbucket.io/shiviz/: who knew of what, by vector clocks.",
    format: "shiviz",
    suffix: "shiviz.log",
  },
  {
    label: "Chrome trace",
    detail: "For chrome://tracing and https://ui.perfetto.dev: roles and messages in time.",
    format: "chrome",
    suffix: "trace.json",
  },
];

/** Export Recording: all that a swarm did, recomputed, in a file for another program. Reads only: works without Workspace Trust. */
export async function exportRecording(commands: CommandContext, target?: unknown): Promise<void> {
  const recording = await chooseRecording(commands, "Export Recording: which one?", target);
  if (!recording) return;
  const { folder, swarm, kept, name } = recording;
  const chosen = await vscode.window.showQuickPick(FORMATS, {
    ignoreFocusOut: true,
    title: `Export the Recording of ${name}: for what?`,
  });
  if (!chosen) return;
  const { format, suffix, label } = chosen;
  const file = await vscode.window.showSaveDialog({
    title: `Export the Recording of ${name} (${label})`,
    defaultUri: vscode.Uri.file(path.join(folder, `${swarm}.${suffix}`)),
  });
  if (!file) return;
  const { events, notes } = await withOperation(commands, `Exporting the recording of ${name}`, (operation) =>
    commands.coordinator.request("exportRecording", { folder, swarm, kept, format, out: file.fsPath, operation }),
  );
  for (const note of notes) commands.log.warn(note);
  // Not as a text document of this extension: of those, VS Code takes no large ones.
  await vscode.commands.executeCommand("vscode.open", file);
  void vscode.window.showInformationMessage(
    `${events.toLocaleString()} events of ${name} are in ${file.fsPath}.${notes.length === 0 ? "" : " Some could not be told: see the log."}`,
  );
}

/** Replay Agent: what an agent was at a moment, recomputed from what entered it. Reads only: works without Workspace Trust. */
export async function replayAgent(commands: CommandContext, states: RecordedStates, target?: unknown): Promise<void> {
  const recording = await chooseRecording(commands, "Replay Agent: of which recording?", target);
  if (!recording) return;
  const { folder, swarm, kept, name } = recording;
  const agent =
    textOf(target, "agent") ??
    (await vscode.window.showQuickPick([...recording.agents], {
      ignoreFocusOut: true,
      title: `Replay Agent of ${name}: which one?`,
    }));
  if (agent === undefined) return;
  const typed = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Replay ${agent}: up to which moment?`,
    prompt: "Seconds since the recording began, such as 12.4. Leave it empty for its end.",
    validateInput: (text) =>
      /^(\d{1,8}(\.\d+)?)?$/.test(text.trim()) ? undefined : "Seconds, such as 12.4, or nothing.",
  });
  if (typed === undefined) return;
  const seconds = typed.trim();
  const { text, notes } = await withOperation(commands, `Replaying ${agent}`, (operation) =>
    commands.coordinator.request("replayRecording", {
      folder,
      swarm,
      kept,
      agent,
      operation,
      ...(seconds === "" ? {} : { sinceStartMs: Number(seconds) * 1000 }),
    }),
  );
  await states.show(
    `${agent} of ${name} at ${seconds === "" ? "the end" : `${seconds} s`}`,
    [text, ...notes].join("\n"),
  );
}

/** Read-only documents: an agent's recomputed state, verdicts on proofs, a proposal. A title that ends in .json makes it one. */
export class RecordedStates implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #texts = new Map<string, string>();
  readonly #registered: readonly vscode.Disposable[];
  #count = 0;

  constructor() {
    this.#registered = [
      vscode.workspace.registerTextDocumentContentProvider("agent-mesh-state", this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => void this.#texts.delete(uri.toString())),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? "This was shown in an earlier session: ask for it again.\n";
  }

  async show(title: string, text: string): Promise<void> {
    // The same moment of a running swarm may tell something else the next time.
    const uri = vscode.Uri.from({ scheme: "agent-mesh-state", path: `/${title}`, query: String(++this.#count) });
    this.#texts.set(uri.toString(), text);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
  }

  dispose(): void {
    for (const one of this.#registered) one.dispose();
  }
}

/** The one of a menu's swarm; else the only one, or the one that the person picks. */
async function chooseRecording(
  { coordinator, swarms }: CommandContext,
  title: string,
  target: unknown,
): Promise<Recording | undefined> {
  await coordinator.start();
  if (swarms.all.length === 0) await swarms.refresh();
  const simulated = swarms.get(textOf(target, "swarm") ?? "");
  if (simulated) refuseSimulated(simulated, "Agents are recorded");
  // Of simulated ones nothing is recorded.
  const running = swarms.all
    .filter((swarm) => swarm.simulated === undefined)
    .map(
      ({ id, name, folder, agents, departed = [] }): Recording => ({
        folder,
        swarm: id,
        kept: false,
        name,
        told: `${id}, running`,
        agents: [...agents.map((agent) => agent.id), ...departed],
      }),
    );
  const named = textOf(target, "swarm");
  if (named !== undefined) return running.find(({ swarm }) => swarm === named);
  const all = [...running, ...(await keptRecordings())];
  if (all.length === 0)
    throw new Error(
      "No swarm is running, and no recording was kept: a mesh file that says “recording: { keep: true }” keeps its own.",
    );
  if (all.length === 1) return all[0];
  const items = all.map((recording) => ({ label: recording.name, description: recording.told, recording }));
  return (await vscode.window.showQuickPick(items, { ignoreFocusOut: true, title }))?.recording;
}

async function keptRecordings(): Promise<Recording[]> {
  const files = await vscode.workspace.findFiles(KEPT_FILES, null, MAX_KEPT_FILES);
  const found = new Map<string, { folder: string; swarm: string; agents: Set<string> }>();
  for (const { fsPath } of files) {
    const agent = path.dirname(fsPath);
    const swarm = path.dirname(agent);
    const kept = found.get(swarm) ?? {
      folder: path.resolve(swarm, "../../.."),
      swarm: path.basename(swarm),
      agents: new Set(),
    };
    found.set(swarm, kept);
    kept.agents.add(path.basename(agent));
  }
  return [...found.values()].map(({ folder, swarm, agents }) => ({
    folder,
    swarm,
    kept: true,
    name: swarm,
    told: `kept in ${vscode.workspace.asRelativePath(folder)}`,
    agents: [...agents].sort((a, b) => a.localeCompare(b, "en", { numeric: true })),
  }));
}

/** A field of what a context menu or a page says of its target. Comes from outside: checked. */
function textOf(argument: unknown, field: "swarm" | "agent"): string | undefined {
  if (typeof argument !== "object" || argument === null) return undefined;
  const value: unknown = (argument as Record<string, unknown>)[field];
  return typeof value === "string" && value !== "" && value.length <= 200 ? value : undefined;
}
