import * as vscode from "vscode";
import { type CommandContext, chooseSwarm } from "./context.ts";
import { evidenceLines, told } from "./evidence-text.ts";
import { targetOf } from "./fault-target.ts";
import type { RecordedStates } from "./recordings.ts";

const MAX_FILE_BYTES = 1024 * 1024;

/** Verify Evidence or Certificate: whether proof of a lie, or of a decision, holds, of the clipboard or a file. Needs neither a swarm nor Workspace Trust. */
export async function verifyEvidence(commands: CommandContext, states: RecordedStates): Promise<void> {
  await commands.coordinator.start();
  const text = await askProof();
  if (text === undefined) return;
  const verdicts = await commands.coordinator.request("verify", { text });
  const { title, text: said, holds } = told(verdicts);
  if (verdicts.length > 1) await states.show(title, said);
  else if (holds) void vscode.window.showInformationMessage(said);
  else void vscode.window.showErrorMessage(said);
}

/** Copy Evidence, of a liar in the agents tree: a JSON line for each proof. */
export async function copyEvidence(commands: CommandContext, target?: unknown): Promise<void> {
  const { swarm: id, agent } = targetOf(target);
  const swarm = await chooseSwarm(commands, id);
  if (!swarm || agent === undefined) return;
  const held = await commands.coordinator.request("evidence", { swarm: swarm.id });
  const lines = evidenceLines(held, agent);
  if (lines.length === 0) throw new Error(`No proof that ${agent} lies is held any more.`);
  await vscode.env.clipboard.writeText(`${lines.join("\n")}\n`);
  void vscode.window.showInformationMessage(
    `${lines.length === 1 ? "The proof" : `${lines.length} proofs`} that ${agent} lies ${lines.length === 1 ? "is" : "are"} in the clipboard: “Verify Evidence or Certificate” or agent-mesh verify checks ${lines.length === 1 ? "it" : "them"} anywhere.`,
  );
}

/** The clipboard's, or a file's. undefined: the person gave up. */
async function askProof(): Promise<string | undefined> {
  const places = [
    { label: "The Clipboard", detail: "Digits of evidence, its JSON, or that of a certificate.", file: false },
    {
      label: "A File…",
      detail: "Lines of these, such as .agent-mesh/ID/evidence.jsonl, or a certificate that was saved.",
      file: true,
    },
  ];
  const place = await vscode.window.showQuickPick(places, {
    ignoreFocusOut: true,
    title: "Verify Evidence or Certificate: which?",
  });
  if (place === undefined) return undefined;
  if (!place.file) return vscode.env.clipboard.readText();
  const [file] =
    (await vscode.window.showOpenDialog({ title: "Verify Evidence or Certificate", canSelectMany: false })) ?? [];
  if (file === undefined) return undefined;
  const { size } = await vscode.workspace.fs.stat(file);
  if (size > MAX_FILE_BYTES)
    throw new Error(`${file.fsPath} has ${size} bytes; of proofs at most ${MAX_FILE_BYTES} are read.`);
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
}
