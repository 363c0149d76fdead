import * as path from "node:path";
import * as vscode from "vscode";
import type { CoordinatorNotifications } from "../../server/contract/coordinator.ts";
import type { Certificate, ProposalView } from "../../server/contract/proposals.ts";
import { isProvable, newestFirst, outcomeText, proposalFace } from "../views/proposal-faces.ts";
import { type CommandContext, chooseSwarm, requireTrust } from "./context.ts";
import { editorAsker } from "./editor-asker.ts";
import { askProposal, emptyDraft, idOf, type OpenText, type ProposalDraft } from "./proposal-questions.ts";
import { proposalDocument } from "./proposal-text.ts";
import type { RecordedStates } from "./recordings.ts";
import { refuseSimulated } from "./simulated.ts";

/** What was answered for a swarm's next proposal and not put to the vote. */
export type Drafts = Map<string, ProposalDraft>;

/** Propose: any JSON, put to the vote of the swarm's agents. */
export async function propose(commands: CommandContext, drafts: Drafts): Promise<void> {
  if (!(await requireTrust("Voting on a proposal"))) return;
  const swarm = await chooseSwarm(commands);
  if (!swarm) return;
  refuseSimulated(swarm, "Proposals are made");
  const draft = drafts.get(swarm.id) ?? emptyDraft();
  drafts.set(swarm.id, draft);
  const asked = await askProposal(editorAsker, swarm, openTexts(), draft);
  if (asked === undefined) return;
  const id = idOf(draft, asked);
  commands.decisions.expect(swarm.id, id);
  try {
    await vscode.window.withProgress(
      { location: { viewId: "agentMesh.proposals" }, title: `Putting “${asked.subject}” to the vote` },
      () => commands.coordinator.request("propose", { swarm: swarm.id, proposal: { ...asked, id }, wait: false }),
    );
  } catch (error) {
    commands.decisions.forget(swarm.id, id);
    throw error;
  }
  drafts.delete(swarm.id);
  if (commands.swarms.current?.id === swarm.id) await vscode.commands.executeCommand("agentMesh.proposals.focus");
}

/** A decision that this window asked for is there. */
export async function tellDecision({ swarm, proposal }: CoordinatorNotifications["proposalDecided"]): Promise<void> {
  const show = "Show";
  const copy = "Copy Certificate";
  const choice = await vscode.window.showInformationMessage(
    outcomeText(proposal),
    show,
    ...(isProvable(proposal) ? [copy] : []),
  );
  const command =
    choice === show ? "agentMesh.showProposal" : choice === copy ? "agentMesh.copyCertificate" : undefined;
  if (command !== undefined) await vscode.commands.executeCommand(command, { swarm, proposalId: proposal.id });
}

/** Show Proposal: all there is to know of it, as JSON to read. */
export async function showProposal(commands: CommandContext, states: RecordedStates, node?: unknown): Promise<void> {
  const target = await chooseProposal(commands, node, "Show Proposal: which one?", () => true);
  if (!target) return;
  const info = await commands.coordinator.request("proposal", target);
  await states.show(`${info.id}.json`, proposalDocument(info));
}

/** Copy Certificate: proof of a decision, for whoever wants to verify it. */
export async function copyCertificate(commands: CommandContext, node?: unknown): Promise<void> {
  const certificate = await certify(commands, node, "Copy Certificate: of which decision?");
  if (!certificate) return;
  await vscode.env.clipboard.writeText(written(certificate));
  void vscode.window.showInformationMessage(
    `${told(certificate)} is in the clipboard: “Verify Evidence or Certificate” or agent-mesh verify checks it anywhere.`,
  );
}

/** Save Certificate: the same into a file. */
export async function saveCertificate(commands: CommandContext, node?: unknown): Promise<void> {
  const certificate = await certify(commands, node, "Save Certificate: of which decision?");
  if (!certificate) return;
  const folder = commands.swarms.get(certificate.swarm)?.folder;
  const name = `${certificate.proposal.id}.certificate.json`;
  const file = await vscode.window.showSaveDialog({
    title: "Save Certificate",
    filters: { Certificate: ["json"] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.file(path.join(folder, name)) }),
  });
  if (!file) return;
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(written(certificate)));
  void vscode.window.showInformationMessage(`${told(certificate)} is in ${file.fsPath}: agent-mesh verify checks it.`);
}

async function certify(commands: CommandContext, node: unknown, title: string): Promise<Certificate | undefined> {
  const target = await chooseProposal(commands, node, title, isProvable);
  return target && commands.coordinator.request("certificate", target);
}

/** In one line, as evidence is: files with one proof a line can be verified together. */
function written(certificate: Certificate): string {
  return `${JSON.stringify(certificate)}\n`;
}

function told({ proposal, outcome }: Certificate): string {
  return `The certificate that “${proposal.subject}” was ${outcome}`;
}

/** The one of the tree or of a message; else one that the person picks. */
async function chooseProposal(
  commands: CommandContext,
  node: unknown,
  title: string,
  fits: (proposal: ProposalView) => boolean,
): Promise<{ readonly swarm: string; readonly proposalId: string } | undefined> {
  const { swarm: named, proposalId } = targetOf(node);
  if (named !== undefined && proposalId !== undefined) return { swarm: named, proposalId };
  const swarm = await chooseSwarm(commands);
  if (!swarm) return undefined;
  const proposals = newestFirst(swarm.proposals ?? []).filter(fits);
  if (proposals.length === 0)
    throw new Error(`${swarm.name} has no such proposal yet. “Agent Mesh: Propose” makes one.`);
  const items = proposals.map((proposal) => {
    const { label, description } = proposalFace(proposal);
    return { label, description, detail: proposal.id };
  });
  const picked = await vscode.window.showQuickPick(items, { ignoreFocusOut: true, title, matchOnDetail: true });
  return picked && { swarm: swarm.id, proposalId: picked.detail };
}

const LONGEST_ID = 200;

/** Comes from outside: checked. */
function targetOf(node: unknown): { readonly swarm?: string; readonly proposalId?: string } {
  if (typeof node !== "object" || node === null) return {};
  const { swarm, proposalId } = node as Readonly<Record<string, unknown>>;
  return { ...(isId(swarm) && { swarm }), ...(isId(proposalId) && { proposalId }) };
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= LONGEST_ID;
}

/** What is open and could be meant: what is selected, and the whole document where that is JSON. */
function openTexts(): readonly OpenText[] {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return [];
  const { document, selection } = editor;
  const name = path.posix.basename(document.uri.path);
  const isJson = document.languageId === "json" || document.languageId === "jsonc";
  return [
    ...(selection.isEmpty ? [] : [{ name: `the selection in ${name}`, text: document.getText(selection) }]),
    ...(isJson ? [{ name, text: document.getText() }] : []),
  ];
}
