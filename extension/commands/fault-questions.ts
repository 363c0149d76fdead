/** From what Inject Failure was opened on to what is to be injected: asks for the rest, and says nothing to the swarm. */
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { WrittenFault } from "../../server/contract/coordinator.ts";
import type { FaultSpec, PresetSpec } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { MessageType } from "../../server/contract/timeline.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import { type Asker, askNumber, askShare } from "./asking.ts";
import { type AgentWanted, type FaultWanted, faultMenu, type LinkWanted, promiseOf } from "./fault-menu.ts";
import { askMessageRules } from "./fault-messages.ts";
import { askPreset } from "./fault-presets.ts";
import { askToxic } from "./fault-toxics.ts";
import { askDirection, askEnds, askShape, askSides, askWhom } from "./fault-whom.ts";

export interface Plot {
  /** Usually one; two where messages of both ways are meant. */
  readonly faults: readonly FaultSpec[];
  readonly preset?: PresetSpec;
}

/** Reads a line as the coordinator would. */
export type ParseFault = (text: string) => Promise<WrittenFault>;

const UNTIL_HEALED = 0;
const ANOTHER = -1;

/** @throws Error with a sentence when what was chosen makes no sense */
export async function askFault(
  asker: Asker,
  swarm: SwarmView,
  target: Partial<InjectTarget>,
  parse: ParseFault,
): Promise<Plot | undefined> {
  const { message } = target;
  const wanted =
    message?.action === undefined
      ? await asker.pick(`Inject Failure: what? (${aboutOf(swarm, target)})`, faultMenu(swarm, target))
      : ({ what: "message", action: message.action } as const);
  if (wanted === undefined) return undefined;
  if (wanted.what === "words") return askWords(asker, swarm, target, parse);
  if (wanted.what === "preset") {
    const preset = await askPreset(asker, swarm, wanted.preset, target);
    return preset && { faults: [], preset };
  }
  const faults = await askFaults(asker, swarm, wanted, target);
  if (faults === undefined) return undefined;
  const forMs = await askDuration(asker, swarm, wanted);
  if (forMs === undefined) return undefined;
  return { faults: forMs === UNTIL_HEALED ? faults : faults.map((fault) => ({ ...fault, forMs })) };
}

function aboutOf(swarm: SwarmView, { message, agent, a, b }: Partial<InjectTarget>): string {
  if (message !== undefined) {
    const { type, from, to, bothWays } = message;
    return `${type ?? "messages"} ${from} ${bothWays ? "–" : "→"} ${to}`;
  }
  return a !== undefined && b !== undefined ? `link ${a} – ${b}` : (agent ?? swarm.name);
}

async function askFaults(
  asker: Asker,
  swarm: SwarmView,
  wanted: FaultWanted,
  target: Partial<InjectTarget>,
): Promise<readonly FaultSpec[] | undefined> {
  switch (wanted.what) {
    case "message":
      return askMessageRules(asker, swarm, wanted.action, target);
    case "partition":
      return listed(await askSides(asker, swarm));
    case "shape":
      return listed(await askShape(asker));
    case "cut":
    case "slow":
    case "lossy":
    case "toxic":
      return listed(await askLinkFault(asker, swarm, wanted, target));
    default: {
      const agent = await askWhom(asker, swarm, target);
      return agent === undefined ? undefined : listed(await askAgentFault(asker, wanted, agent));
    }
  }
}

async function askLinkFault(
  asker: Asker,
  swarm: SwarmView,
  wanted: LinkWanted,
  target: Partial<InjectTarget>,
): Promise<FaultSpec | undefined> {
  const ends = await askEnds(asker, swarm, target);
  if (ends === undefined) return undefined;
  switch (wanted.what) {
    case "cut":
      return { kind: "lossy", ...ends, loss: 1 };
    case "slow": {
      const delayMs = await askNumber(asker, { title: "Delay of every frame, in ms", value: 200, min: 1, max: 60_000 });
      return delayMs === undefined ? undefined : { kind: "slow", ...ends, delayMs, jitterMs: Math.round(delayMs / 4) };
    }
    case "lossy": {
      const loss = await askShare(asker, "Share of frames to drop", 30);
      return loss === undefined ? undefined : { kind: "lossy", ...ends, loss };
    }
    case "toxic": {
      const direction = await askDirection(asker, ends);
      const toxic = direction && (await askToxic(asker, wanted.toxic));
      return toxic && { kind: "link", ...ends, direction, toxics: [toxic] };
    }
  }
}

async function askAgentFault(asker: Asker, wanted: AgentWanted, agent: string): Promise<FaultSpec | undefined> {
  switch (wanted.what) {
    case "crash":
    case "pause":
    case "isolate":
      return { kind: wanted.what, agent };
    case "disk": {
      const { trouble } = wanted;
      if (trouble !== "slow") return { kind: "disk", agent, disk: { trouble } };
      const title = "What every sync takes longer, in ms";
      const delayMs = await askNumber(asker, { title, value: 50, min: 1, max: 600_000 });
      return delayMs === undefined ? undefined : { kind: "disk", agent, disk: { trouble, delayMs } };
    }
    case "skew": {
      const title = "How far it is ahead, in ms; behind with a minus";
      const skewMs = await askNumber(asker, { title, value: 300, min: -86_400_000, max: 86_400_000 });
      return skewMs === undefined ? undefined : { kind: "clock", agent, skewMs };
    }
    case "drift": {
      const title = "How much too fast it is, in parts per million; too slow with a minus";
      const driftPpm = await askNumber(asker, { title, value: 50_000, min: -500_000, max: 500_000 });
      return driftPpm === undefined ? undefined : { kind: "clock", agent, skewMs: 0, driftPpm };
    }
    case "cpu": {
      const title = "How many times as long everything takes";
      const slowdown = await askNumber(asker, { title, value: 5, min: 1, max: 1000 });
      return slowdown === undefined ? undefined : { kind: "cpu", agent, slowdown };
    }
    case "byzantine":
      return { kind: "byzantine", agent, behaviour: wanted.behaviour };
  }
}

/** A message that every swarm of the kind sends. */
const EXAMPLES: Readonly<Record<ConsensusKind, MessageType>> = { raft: "append", pbft: "prepare", gossip: "rumour" };

async function askWords(
  asker: Asker,
  { consensus }: SwarmView,
  target: Partial<InjectTarget>,
  parse: ParseFault,
): Promise<Plot | undefined> {
  const text = await asker.text({
    title: "Inject Failure: in words",
    prompt: "As an item of faults: in a mesh file, without when. `for: 5s` says how long.",
    placeholder: `message: { types: [${EXAMPLES[consensus]}], to: a3, drop: true, count: 2 }`,
    value: beginning(target),
    check: async (typed) => problemOf(await parse(typed)),
  });
  if (text === undefined) return undefined;
  const { fault, preset } = await parse(text);
  if (preset !== null) return { faults: [], preset };
  return fault === null ? undefined : { faults: [fault] };
}

/** The first one; where it stands is said in words, because an input box cannot point. */
export function problemOf({ diagnostics }: WrittenFault): string | undefined {
  const [first] = diagnostics;
  return first && `At column ${first.column}: ${first.message}`;
}

/** What a line about the target begins as. */
function beginning({ message, agent, a, b }: Partial<InjectTarget>): string {
  if (message !== undefined) {
    const types = message.type === undefined ? "" : `types: [${message.type}], `;
    return `message: { ${types}from: ${message.from}, to: ${message.to}, drop: true }`;
  }
  if (a !== undefined && b !== undefined) return `link: { a: ${a}, b: ${b}, direction: both, toxics: [{ loss: 0.1 }] }`;
  return agent === undefined ? "" : `crash: ${agent}`;
}

async function askDuration(asker: Asker, swarm: SwarmView, wanted: FaultWanted): Promise<number | undefined> {
  const note = wanted.what === "byzantine" ? ` ${promiseOf(swarm)}` : "";
  const picked = await asker.pick(`Inject Failure: for how long?${note}`, [
    { label: "Until healed", value: UNTIL_HEALED },
    { label: "3 seconds", value: 3000 },
    { label: "10 seconds", value: 10_000 },
    { label: "30 seconds", value: 30_000 },
    { label: "Another time…", value: ANOTHER },
  ]);
  if (picked !== ANOTHER) return picked;
  const seconds = await askNumber(asker, { title: "For how many seconds?", value: 5, min: 1, max: 86_400 });
  return seconds === undefined ? undefined : seconds * 1000;
}

function listed(fault: FaultSpec | undefined): readonly FaultSpec[] | undefined {
  return fault && [fault];
}
