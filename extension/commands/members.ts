import * as vscode from "vscode";
import { CONSENSUS, roleTitle } from "../../server/contract/consensus.ts";
import type { MembersRequest } from "../../server/contract/coordinator.ts";
import type { AgentView, SwarmView } from "../../server/contract/swarm.ts";
import { type CommandContext, chooseSwarm, requireTrust } from "./context.ts";
import { refuseSimulated } from "./simulated.ts";
import { refuseIfFixed, refuseTransfer } from "./unordered.ts";

/** Add Agent: a process more, which catches up and then votes, or only learns. */
export async function addAgent(commands: CommandContext, argument?: unknown): Promise<void> {
  if (!(await requireTrust("Adding an agent"))) return;
  const swarm = await chooseSwarm(commands, textOf(argument, "swarm"));
  if (!swarm) return;
  refuseSimulated(swarm, "Agents come and go");
  refuseIfFixed(swarm);
  // By gossip all are alike.
  const learner = CONSENSUS[swarm.consensus].leader === "" ? false : await askWhetherItLearns(swarm);
  if (learner === undefined) return;
  const typed = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Add Agent to ${swarm.name}: its id`,
    prompt: "Letters, digits, - and _. Leave it empty for the next free one.",
    validateInput: (text) =>
      /^([A-Za-z0-9][A-Za-z0-9_-]{0,63})?$/.test(text.trim())
        ? undefined
        : "Letters, digits, - and _, beginning with a letter or digit.",
  });
  if (typed === undefined) return;
  const id = typed.trim();
  const change = { kind: "add", learner, ...(id === "" ? {} : { agent: id }) } as const;
  const what = id === "" ? "an agent" : id;
  const { agent, members } = await changeMembers(commands, swarm, change, `Adding ${what} to ${swarm.name}`);
  const role = members.voters.includes(agent) ? "votes: it has caught up with the others" : "learns, without a vote";
  void vscode.window.showInformationMessage(`${agent} is in ${swarm.name} and ${role}.`);
}

async function askWhetherItLearns({ name }: SwarmView): Promise<boolean | undefined> {
  const kinds = [
    { label: "$(circle-filled) Voter", detail: "Catches up with the others, then gets a vote.", learner: false },
    { label: "$(circle-small-filled) Learner", detail: "Gets all that is decided and has no vote.", learner: true },
  ];
  const title = `Add Agent to ${name}: as what?`;
  return (await vscode.window.showQuickPick(kinds, { ignoreFocusOut: true, title }))?.learner;
}

/** Remove Agent: it leaves the members, and its process ends, for good. */
export async function removeAgent(commands: CommandContext, argument?: unknown): Promise<void> {
  if (!(await requireTrust("Removing an agent"))) return;
  const found = await chooseAgent(commands, argument, "Remove Agent: which one?", () => true);
  if (!found) return;
  const { swarm, agent } = found;
  const remove = "Remove";
  const answer = await vscode.window.showWarningMessage(
    `Remove ${agent} from ${swarm.name}?`,
    { modal: true, detail: "Its process ends, and it does not come back: its id is not used again in this swarm." },
    remove,
  );
  if (answer !== remove) return;
  const change = { kind: "remove", agent } as const;
  const { members, warning } = await changeMembers(commands, swarm, change, `Removing ${agent} from ${swarm.name}`);
  if (warning !== undefined) void vscode.window.showWarningMessage(warning);
  void vscode.window.showInformationMessage(
    `${agent} has left ${swarm.name}. ${members.voters.length} ${members.voters.length === 1 ? "agent votes" : "agents vote"} now.`,
  );
}

/** Promote Learner: it gets a vote. */
export async function promoteLearner(commands: CommandContext, argument?: unknown): Promise<void> {
  if (!(await requireTrust("Promoting a learner"))) return;
  const learns = ({ member }: AgentView): boolean => member === "learner";
  const found = await chooseAgent(commands, argument, "Promote Learner: which one?", learns);
  if (!found) return;
  const { swarm, agent } = found;
  const { members } = await changeMembers(commands, swarm, { kind: "promote", agent }, `Promoting ${agent}`);
  void vscode.window.showInformationMessage(`${agent} votes now: ${members.voters.length} voters in ${swarm.name}.`);
}

/** Transfer Leadership: to the agent of the menu, or one that the person picks. */
export async function transferLeadership(commands: CommandContext, argument?: unknown): Promise<void> {
  const swarm = await chooseSwarm(commands, textOf(argument, "swarm"));
  if (!swarm) return;
  refuseSimulated(swarm, "Leadership is handed over");
  refuseTransfer(swarm);
  // PBFT's primaries follow one another in a fixed order: there is nothing to choose.
  const chosen = textOf(argument, "agent") ?? (swarm.consensus === "pbft" ? ANYBODY : undefined);
  const to = chosen ?? (await askSuccessor(swarm));
  if (to === undefined) return;
  const { leader, term } = await commands.coordinator.request("transferLeader", {
    swarm: swarm.id,
    ...(to === ANYBODY ? {} : { to }),
  });
  void vscode.window.showInformationMessage(
    `${leader} leads ${swarm.name} now, in ${CONSENSUS[swarm.consensus].term} ${term}.`,
  );
}

const ANYBODY = "";

async function askSuccessor(swarm: SwarmView): Promise<string | undefined> {
  const voters = swarm.agents.filter(({ id, member }) => member === "voter" && id !== swarm.health.leader);
  const items = [
    { label: "$(sparkle) Whoever is the most up to date", description: "", id: ANYBODY },
    ...voters.map(({ id, lastIndex }) => ({
      label: id,
      description: lastIndex === null ? "" : `log to ${lastIndex}`,
      id,
    })),
  ];
  const title = `Transfer Leadership of ${swarm.name}: to whom?`;
  return (await vscode.window.showQuickPick(items, { ignoreFocusOut: true, title }))?.id;
}

async function changeMembers(
  { coordinator }: CommandContext,
  swarm: SwarmView,
  change: MembersRequest,
  title: string,
): ReturnType<typeof coordinator.request<"changeMembers">> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () =>
    coordinator.request("changeMembers", { swarm: swarm.id, change }),
  );
}

/** The agent of a context menu, the only one that fits, or one that the person picks. */
async function chooseAgent(
  commands: CommandContext,
  argument: unknown,
  title: string,
  fits: (agent: AgentView) => boolean,
): Promise<{ readonly swarm: SwarmView; readonly agent: string } | undefined> {
  const swarm = await chooseSwarm(commands, textOf(argument, "swarm"));
  if (!swarm) return undefined;
  refuseSimulated(swarm, "Agents come and go");
  refuseIfFixed(swarm);
  const named = textOf(argument, "agent");
  if (named !== undefined) return { swarm, agent: named };
  const agents = swarm.agents.filter(fits);
  if (agents.length === 0) throw new Error(`${swarm.name} has no learner. Add one first.`);
  const items = agents.map(({ id, member, role, process }) => ({
    label: id,
    description: process === "running" ? [member, ...(role === null ? [] : [roleTitle(role)])].join(", ") : process,
  }));
  const picked = await vscode.window.showQuickPick(items, { ignoreFocusOut: true, title });
  return picked && { swarm, agent: picked.label };
}

/** A field of what a context menu or a page says of its target. Comes from outside: checked. */
function textOf(argument: unknown, field: "swarm" | "agent"): string | undefined {
  if (typeof argument !== "object" || argument === null) return undefined;
  const value: unknown = (argument as Record<string, unknown>)[field];
  return typeof value === "string" && value !== "" && value.length <= 200 ? value : undefined;
}
