import * as vscode from "vscode";
import type { FaultSpec, MessageAction } from "../../server/contract/faults.ts";
import { MESSAGE_TYPES, type MessageType } from "../../server/contract/timeline.ts";
import type { InjectTarget, MessageTarget } from "../../server/contract/webview.ts";
import { type CommandContext, chooseSwarm, requireTrust } from "./context.ts";

type MessageFault = Extract<FaultSpec, { readonly kind: "message" }>;

/** Each answer of a pick stands for a value. */
interface Choice<T> extends vscode.QuickPickItem {
  readonly value: T;
}

const ID_CHARACTERS_MAX = 200;

/**
 * A rule for messages such as one that a page or its menu is about, or for what passes a link: whatever that does not say is asked for.
 * @param action what shall befall them; absent: as the argument says, or else the person
 */
export async function messageRule(
  commands: CommandContext,
  argument: unknown,
  action?: MessageAction["action"],
): Promise<void> {
  if (!(await requireTrust("Injecting a failure"))) return;
  const target = checked(argument);
  const swarm = await chooseSwarm(commands, target.swarm);
  if (!swarm) return;
  const message = target.message ?? (await askWay(target.a, target.b));
  if (!message) return;
  const faults = await askMessageFaults(action === undefined ? message : { ...message, action });
  if (!faults) return;
  const active = [];
  for (const fault of faults)
    active.push(await commands.coordinator.request("injectFault", { swarm: swarm.id, fault }));
  const choice = await vscode.window.showInformationMessage(
    `${active.map(({ title }) => title).join("; ")}.`,
    "Heal",
    "Show Rounds",
  );
  if (choice === "Heal")
    for (const { id } of active) await commands.coordinator.request("healFault", { swarm: swarm.id, fault: id });
  if (choice === "Show Rounds") commands.webviews.open("rounds");
}

/** The faults that make the rule, one a way; undefined where the person gave up. */
export async function askMessageFaults(target: MessageTarget): Promise<readonly MessageFault[] | undefined> {
  const action = await askAction(target.action);
  if (!action) return undefined;
  const types = target.type === undefined ? await askTypes() : [target.type];
  if (!types) return undefined;
  const ways = target.type === undefined ? waysOf(target) : await askWhom(target);
  if (!ways) return undefined;
  const count = await askCount();
  if (count === undefined) return undefined;
  const probability = await askProbability();
  if (probability === undefined) return undefined;
  const forMs = await askDuration();
  if (forMs === undefined) return undefined;
  return ways.map((way) => ({
    kind: "message",
    match: { ...(types.length > 0 && { types }), ...way },
    action,
    ...(count > 0 && { count }),
    ...(probability < 1 && { probability }),
    ...(forMs > 0 && { forMs }),
  }));
}

interface Way {
  readonly from?: string;
  readonly to?: string;
}

function waysOf({ from, to, bothWays }: MessageTarget): readonly Way[] {
  return bothWays === true
    ? [
        { from, to },
        { from: to, to: from },
      ]
    : [{ from, to }];
}

async function askWay(a: string | undefined, b: string | undefined): Promise<MessageTarget | undefined> {
  if (a === undefined || b === undefined)
    throw new Error("Message Rule is about a message of the rounds view or a link of the topology. Choose one there.");
  return pick<MessageTarget>("Message Rule: which way?", [
    { label: `${a} \u2192 ${b}`, description: `what ${a} sends to ${b}`, value: { from: a, to: b } },
    { label: `${b} \u2192 ${a}`, description: `what ${b} sends to ${a}`, value: { from: b, to: a } },
    { label: "Both ways", value: { from: a, to: b, bothWays: true } },
  ]);
}

async function askAction(given: MessageAction["action"] | undefined): Promise<MessageAction | undefined> {
  const action =
    given ??
    (await pick<MessageAction["action"]>("Message Rule: what shall befall them?", [
      { label: "$(circle-slash) Drop", value: "drop" },
      { label: "$(watch) Delay", value: "delay" },
      { label: "$(bug) Corrupt", detail: "The receiver's checksum tells.", value: "corrupt" },
      { label: "$(copy) Duplicate", value: "duplicate" },
    ]));
  switch (action) {
    case "delay": {
      const delayMs = await askNumber("Delay of each message, in ms", "200", 1, 60_000);
      return delayMs === undefined ? undefined : { action, delayMs };
    }
    case "duplicate": {
      const copies = await askNumber("Copies of each message, beside itself", "1", 1, 10);
      return copies === undefined ? undefined : { action, copies };
    }
    default:
      return action && { action };
  }
}

/** Empty: every type. */
function askTypes(): Promise<readonly MessageType[] | undefined> {
  return pick<readonly MessageType[]>("Message Rule: which messages?", [
    { label: "Every message", value: [] },
    ...MESSAGE_TYPES.map((type) => ({ label: type, value: [type] })),
  ]);
}

function askWhom(target: MessageTarget): Promise<readonly Way[] | undefined> {
  const { from, to } = target;
  return pick<readonly Way[]>("Message Rule: between whom?", [
    { label: `From ${from} to ${to}`, value: [{ from, to }] },
    { label: `From ${from} to anyone`, value: [{ from }] },
    { label: `From anyone to ${to}`, value: [{ to }] },
    { label: `Between ${from} and ${to}, both ways`, value: waysOf({ from, to, bothWays: true }) },
    { label: "From anyone to anyone", value: [{}] },
  ]);
}

/** 0: all. Every sender counts its own. */
async function askCount(): Promise<number | undefined> {
  const count = await pick("Message Rule: how many of them?", [
    { label: "Every one", value: 0 },
    { label: "The first one", value: 1 },
    { label: "The first two", value: 2 },
    { label: "Another number…", value: -1 },
  ]);
  return count === -1 ? askNumber("How many of them?", "10", 1, 1_000_000) : count;
}

async function askProbability(): Promise<number | undefined> {
  const share = await pick("Message Rule: with which probability?", [
    { label: "Always", value: 1 },
    { label: "One in two", value: 0.5 },
    { label: "One in ten", value: 0.1 },
    { label: "One in a hundred", value: 0.01 },
    { label: "Another probability…", value: -1 },
  ]);
  if (share !== -1) return share;
  const percent = await askNumber("Probability of each, in %", "30", 1, 100);
  return percent === undefined ? undefined : percent / 100;
}

/** Ms; 0: until healed. */
async function askDuration(): Promise<number | undefined> {
  const ms = await pick("Message Rule: for how long?", [
    { label: "Until healed", value: 0 },
    { label: "3 seconds", value: 3000 },
    { label: "10 seconds", value: 10_000 },
    { label: "30 seconds", value: 30_000 },
    { label: "Another time…", value: -1 },
  ]);
  if (ms !== -1) return ms;
  const seconds = await askNumber("For how many seconds?", "5", 1, 86_400);
  return seconds === undefined ? undefined : seconds * 1000;
}

async function pick<T>(title: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
  return (await vscode.window.showQuickPick(choices, { ignoreFocusOut: true, title }))?.value;
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

/** Whether an argument of Inject Failure is about messages. */
export function isAboutMessages(argument: unknown): boolean {
  return isObject(argument) && isObject(argument.message);
}

/** What a page or a menu says comes from outside: what is not as it should be is as if it were not said. */
function checked(argument: unknown): Partial<InjectTarget> {
  if (!isObject(argument)) return {};
  const { swarm, a, b, message } = argument;
  const said = {
    ...(isId(swarm) && { swarm }),
    ...(isId(a) && isId(b) && { a, b }),
  };
  if (!isObject(message) || !isId(message.from) || !isId(message.to)) return said;
  const { from, to } = message;
  const type = MESSAGE_TYPES.find((one) => one === message.type);
  const action = ACTIONS.find((one) => one === message.action);
  const rest = { ...(type && { type }), ...(action && { action }), bothWays: message.bothWays === true };
  return { ...said, message: { from, to, ...rest } };
}

const ACTIONS: readonly MessageAction["action"][] = ["drop", "delay", "duplicate", "corrupt"];

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= ID_CHARACTERS_MAX;
}
