import * as vscode from "vscode";
import type { FaultKind, FaultSpec } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { type CommandContext, chooseSwarm, requireTrust } from "./context.ts";

/** What a context menu or a page may say of its target. Comes from outside: every field is checked. */
interface Target {
  readonly swarm?: string;
  readonly agent?: string;
  readonly a?: string;
  readonly b?: string;
}

function targetOf(argument: unknown): Target {
  if (typeof argument !== "object" || argument === null) return {};
  const text = (key: string): string | undefined => {
    const value: unknown = (argument as Record<string, unknown>)[key];
    return typeof value === "string" && value.length <= 200 ? value : undefined;
  };
  const found = { swarm: text("swarm"), agent: text("agent"), a: text("a"), b: text("b") };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

type What = FaultKind | "cut";
interface WhatItem extends vscode.QuickPickItem {
  readonly what: What;
}

const AGENT_FAULTS: readonly WhatItem[] = [
  { what: "crash", label: "$(close) Crash", detail: "Kill the process; healing starts it again from its own disk." },
  { what: "pause", label: "$(debug-pause) Pause", detail: "Stop the process (SIGSTOP); healing lets it go on." },
  { what: "isolate", label: "$(debug-disconnect) Isolate", detail: "Nothing passes to or from the agent." },
];
const LINK_FAULTS: readonly WhatItem[] = [
  { what: "slow", label: "$(watch) Slow link", detail: "Delay every frame." },
  { what: "lossy", label: "$(filter) Lossy link", detail: "Drop a share of the frames." },
];
const CUT: WhatItem = { what: "cut", label: "$(circle-slash) Cut link", detail: "Nothing passes over this link." };
const PARTITION: WhatItem = {
  what: "partition",
  label: "$(split-horizontal) Partition",
  detail: "Two sides that cannot hear each other.",
};

/** Inject Failure: what, whom, for how long. From the palette, a node or link of the topology, or an agent of the tree. */
export async function injectFailure(commands: CommandContext, argument?: unknown): Promise<void> {
  if (!(await requireTrust("Injecting a failure"))) return;
  const target = targetOf(argument);
  const swarm = await chooseSwarm(commands, target.swarm);
  if (!swarm) return;
  const onLink = target.a !== undefined && target.b !== undefined;
  const about = onLink ? `link ${target.a} – ${target.b}` : (target.agent ?? swarm.name);
  const offered = onLink
    ? [CUT, ...LINK_FAULTS]
    : target.agent !== undefined
      ? [...AGENT_FAULTS, ...LINK_FAULTS]
      : [...AGENT_FAULTS, PARTITION, ...LINK_FAULTS];
  const what = (
    await vscode.window.showQuickPick(offered, { ignoreFocusOut: true, title: `Inject Failure: what? (${about})` })
  )?.what;
  if (!what) return;
  const spec = await askWhom(swarm, what, target);
  if (!spec) return;
  const forMs = await askDuration();
  if (forMs === undefined) return;
  const fault: FaultSpec = forMs === 0 ? spec : { ...spec, forMs };
  const active = await commands.coordinator.request("injectFault", { swarm: swarm.id, fault });
  const choice = await vscode.window.showInformationMessage(
    `${active.title}${forMs === 0 ? "" : `, for ${forMs / 1000} s`}.`,
    "Heal",
    "Show Rounds",
  );
  if (choice === "Heal") await commands.coordinator.request("healFault", { swarm: swarm.id, fault: active.id });
  if (choice === "Show Rounds") commands.webviews.open("rounds");
}

async function askWhom(swarm: SwarmView, what: What, target: Target): Promise<FaultSpec | undefined> {
  if (what === "crash" || what === "pause" || what === "isolate") {
    const agent = target.agent ?? (await askAgent(swarm, "Inject Failure: whom?"));
    return agent === undefined ? undefined : { kind: what, agent };
  }
  if (what === "partition") return askSides(swarm);
  const ends =
    target.a !== undefined && target.b !== undefined
      ? { a: target.a, b: target.b }
      : target.agent !== undefined
        ? { a: target.agent }
        : await askLink(swarm);
  if (!ends) return undefined;
  if (what === "cut") return { kind: "lossy", ...ends, loss: 1 };
  if (what === "slow") {
    const delayMs = await askNumber("Delay of every frame, in ms", "200", 1, 60_000);
    return delayMs === undefined ? undefined : { kind: "slow", ...ends, delayMs, jitterMs: Math.round(delayMs / 4) };
  }
  const percent = await askNumber("Share of frames to drop, in %", "30", 1, 100);
  return percent === undefined ? undefined : { kind: "lossy", ...ends, loss: percent / 100 };
}

async function askAgent(swarm: SwarmView, title: string): Promise<string | undefined> {
  const leader = swarm.health.leader;
  const items = swarm.agents.map((agent) => ({
    label: agent.id,
    description: agent.process === "running" ? (agent.role ?? "") : agent.process,
    id: agent.id,
  }));
  const choices =
    leader === null ? items : [{ label: "$(star-full) The leader", description: leader, id: "leader" }, ...items];
  return (await vscode.window.showQuickPick(choices, { ignoreFocusOut: true, title }))?.id;
}

async function askLink(swarm: SwarmView): Promise<{ a: string; b?: string } | undefined> {
  const all = swarm.agents.map((agent) => ({
    label: `All links of ${agent.id}`,
    ends: { a: agent.id } as { a: string; b?: string },
  }));
  const single = swarm.links.map((link) => ({
    label: `${link.a} – ${link.b}`,
    description: link.state,
    ends: { a: link.a, b: link.b } as { a: string; b?: string },
  }));
  return (
    await vscode.window.showQuickPick([...all, ...single], {
      ignoreFocusOut: true,
      title: "Inject Failure: which link?",
    })
  )?.ends;
}

async function askSides(swarm: SwarmView): Promise<FaultSpec | undefined> {
  const picked = await vscode.window.showQuickPick(
    swarm.agents.map((agent) => ({ label: agent.id, description: agent.role ?? agent.process })),
    {
      ignoreFocusOut: true,
      title: "Inject Failure: which agents stand on one side? The others form the other side.",
      canPickMany: true,
    },
  );
  if (!picked || picked.length === 0) return undefined;
  const side = picked.map((item) => item.label);
  const rest = swarm.agents.map((agent) => agent.id).filter((id) => !side.includes(id));
  if (rest.length === 0) throw new Error("A partition needs two sides: leave at least one agent out.");
  return { kind: "partition", sides: [side, rest] };
}

async function askNumber(title: string, value: string, min: number, max: number): Promise<number | undefined> {
  const text = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title,
    value,
    validateInput: (typed) =>
      /^\d+$/.test(typed.trim()) && Number(typed) >= min && Number(typed) <= max
        ? undefined
        : `A whole number from ${min} to ${max}.`,
  });
  return text === undefined ? undefined : Number(text);
}

/** 0: until healed. */
async function askDuration(): Promise<number | undefined> {
  const items = [
    { label: "Until healed", ms: 0 },
    { label: "3 seconds", ms: 3000 },
    { label: "10 seconds", ms: 10_000 },
    { label: "30 seconds", ms: 30_000 },
    { label: "Another time…", ms: -1 },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    ignoreFocusOut: true,
    title: "Inject Failure: for how long?",
  });
  if (!picked) return undefined;
  if (picked.ms >= 0) return picked.ms;
  const seconds = await askNumber("For how many seconds?", "5", 1, 86_400);
  return seconds === undefined ? undefined : seconds * 1000;
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
  const link = swarm.links.find((candidate) => candidate.a === target.a && candidate.b === target.b);
  const agent = swarm.agents.find((candidate) => candidate.id === target.agent);
  const ids = agent?.faults ?? link?.faults ?? (await askFault(swarm));
  for (const fault of ids ?? []) await commands.coordinator.request("healFault", { swarm: swarm.id, fault });
}

async function askFault(swarm: SwarmView): Promise<readonly string[] | undefined> {
  if (swarm.faults.length === 0) {
    void vscode.window.showInformationMessage(`${swarm.name} has no active fault.`);
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    swarm.faults.map((fault) => ({ label: fault.title, description: fault.agents.join(", "), id: fault.id })),
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
