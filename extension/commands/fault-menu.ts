/** Everything that Inject Failure offers, simple things first, and what of it fits what it was opened on. */
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { ByzantineBehaviour, FaultPreset, MessageAction, ToxicName } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import type { Choice, Separator } from "./asking.ts";

/** Hits agents. */
export type AgentWanted =
  | { readonly what: "crash" | "pause" | "isolate" | "skew" | "drift" | "cpu" }
  | { readonly what: "disk"; readonly trouble: "slow" | "failing" | "full" }
  | { readonly what: "byzantine"; readonly behaviour: ByzantineBehaviour };
/** Hits links. */
export type LinkWanted =
  | { readonly what: "cut" | "slow" | "lossy" }
  | { readonly what: "toxic"; readonly toxic: ToxicName };
export type FaultWanted =
  | AgentWanted
  | LinkWanted
  | { readonly what: "partition" | "shape" }
  | { readonly what: "message"; readonly action: MessageAction["action"] };
export type Wanted =
  | FaultWanted
  | { readonly what: "words" }
  | { readonly what: "preset"; readonly preset: FaultPreset };

type Entry = Choice<Wanted>;

const CRASH: Entry = {
  value: { what: "crash" },
  label: "$(close) Crash",
  detail: "Kill the process; healing starts it again from its own disk.",
};
const PAUSE: Entry = {
  value: { what: "pause" },
  label: "$(debug-pause) Pause",
  detail: "Stop the process (SIGSTOP); healing lets it go on.",
};
const ISOLATE: Entry = {
  value: { what: "isolate" },
  label: "$(debug-disconnect) Isolate",
  detail: "Nothing passes to or from the agent.",
};
const PARTITION: Entry = {
  value: { what: "partition" },
  label: "$(split-horizontal) Partition",
  detail: "Two sides that cannot hear each other.",
};
const SHAPE: Entry = {
  value: { what: "shape" },
  label: "$(split-horizontal) Drawn partition…",
  detail: "Halves, a majority, a bridge, a ring, one way: sides that are drawn.",
};
const CUT: Entry = {
  value: { what: "cut" },
  label: "$(circle-slash) Cut link",
  detail: "Nothing passes over this link.",
};
const SLOW: Entry = { value: { what: "slow" }, label: "$(watch) Slow link", detail: "Delay every frame." };
const LOSSY: Entry = { value: { what: "lossy" }, label: "$(filter) Lossy link", detail: "Drop a share of the frames." };
const WORDS: Entry = {
  value: { what: "words" },
  label: "$(edit) In words…",
  detail: "Any fault or preset in one line, as a mesh file says it.",
};

const TOXICS: readonly Entry[] = (
  [
    ["latency", "Latency", "Frames are late, by a delay that is drawn for each."],
    ["loss", "Loss", "A share of the frames is dropped, in one direction or both."],
    ["bandwidth", "Narrow bandwidth", "At most so many bytes a second."],
    ["duplicate", "Duplicated frames", "A share of the frames comes twice."],
    ["reorder", "Reordered frames", "A share is held back, and overtaken by later ones."],
    ["corrupt", "Damaged frames", "One bit of a share of the frames is flipped."],
    ["slicing", "Slices", "Frames pass in small pieces, one after the other."],
    ["timeout", "Timeout", "Nothing passes, and after a time the connection is closed."],
    ["reset", "Resets", "The connection is reset, again and again."],
    ["slowClose", "Slow close", "The other end sees a close later."],
    ["dataLimit", "Data limit", "The connection is closed once so many bytes passed."],
    ["flap", "Flapping", "Up for a while, then nothing passes for a while."],
  ] as const satisfies readonly (readonly [ToxicName, string, string])[]
).map(([toxic, label, detail]) => ({ value: { what: "toxic", toxic }, label: `$(plug) ${label}`, detail }));

const MESSAGES: readonly Entry[] = (
  [
    ["drop", "Drop messages…", "Those of a type, from or to whom, the first so many, with a probability."],
    ["delay", "Delay messages…", "They come later than others."],
    ["duplicate", "Duplicate messages…", "Copies follow them."],
    ["corrupt", "Corrupt messages…", "Their bytes are damaged; the receiver's checksum tells."],
  ] as const satisfies readonly (readonly [MessageAction["action"], string, string])[]
).map(([action, label, detail]) => ({ value: { what: "message", action }, label: `$(mail) ${label}`, detail }));

const MACHINE: readonly Entry[] = [
  { value: { what: "disk", trouble: "slow" }, label: "$(database) Slow disk", detail: "Every sync takes longer." },
  {
    value: { what: "disk", trouble: "failing" },
    label: "$(database) Failing disk",
    detail: "The next write fails: an agent without a durable log stops itself.",
  },
  { value: { what: "disk", trouble: "full" }, label: "$(database) Full disk", detail: "No write fits any more." },
  { value: { what: "skew" }, label: "$(clock) Wrong clock", detail: "Ahead of the others, or behind." },
  { value: { what: "drift" }, label: "$(clock) Drifting clock", detail: "Too fast, or too slow." },
  {
    value: { what: "cpu" },
    label: "$(dashboard) Slow processor",
    detail: "All that the agent computes takes longer.",
  },
];

/** Said with every liar. */
export function promiseOf({ consensus, health, agents }: SwarmView): string {
  const { faultsTolerated = 0 } = health;
  if (consensus !== "pbft") return `${CONSENSUS[consensus].title} does not promise to survive this.`;
  return `PBFT survives ${faultsTolerated} such ${faultsTolerated === 1 ? "agent" : "agents"} of ${agents.length}, and promises nothing with more.`;
}

const LIARS = (
  [
    ["equivocate", "Equivocate", "Tells different agents different things in the same place of the log."],
    ["silent", "Stay silent", "Receives, and sends nothing."],
    ["delay", "Delay everything", "Sends late, up to the edge of the others' patience."],
    ["replay", "Replay", "Sends old messages again."],
    ["forge", "Forge", "Claims what nobody said."],
    ["doubleVote", "Vote twice", "Votes for all that ask."],
    ["lieAboutLog", "Lie about its log", "Claims a log that it has not, and acknowledges what it does not hold."],
    ["wrongDigest", "Sign wrong digests", "Its digests are of nothing: of batches as a primary, and of states."],
    ["badProof", "Prove badly", "Leaves views, and begins them, with proofs that prove nothing."],
    ["corruptState", "Corrupt states", "Hands out another state than its own to whoever fetches it."],
  ] as const satisfies readonly (readonly [ByzantineBehaviour, string, string])[]
).map(([behaviour, label, detail]) => ({
  behaviour,
  entry: (promise: string): Entry => ({
    value: { what: "byzantine", behaviour },
    label: `$(eye-closed) ${label}`,
    detail: `${detail} ${promise}`,
  }),
}));

const PRESETS: readonly Entry[] = (
  [
    ["rollingRestart", "Rolling restart", "One agent after the other is killed and started again."],
    ["leaderHunt", "Leader hunt", "Whoever leads is hit, and each new leader again."],
    ["swizzleClog", "Swizzle-clog", "Agents are cut off one by one, and let back in another order."],
    ["flappingLink", "Flapping link", "A link is cut again and again."],
    ["greyFailure", "Grey failure", "Slow, not dead: links, processor and disk."],
    ["rollingPartition", "Rolling partition", "A minority is cut off, then the next one."],
  ] as const satisfies readonly (readonly [FaultPreset, string, string])[]
).map(([preset, label, detail]) => ({ value: { what: "preset", preset }, label: `$(sync) ${label}`, detail }));

/** Presets that are about agents, who may be named. */
const OF_AGENTS: readonly FaultPreset[] = ["rollingRestart", "swizzleClog", "greyFailure"];
const ofAgent = ({ value }: Entry): boolean => value.what === "preset" && OF_AGENTS.includes(value.preset);

const ofLeader = ({ value }: Entry): boolean => value.what === "preset" && value.preset === "leaderHunt";

/** The choices for what it was opened on: a message, a link, an agent, or nothing in particular. */
export function faultMenu(
  swarm: SwarmView,
  { message, agent, a, b }: Partial<InjectTarget>,
): readonly (Entry | Separator)[] {
  if (message !== undefined) return [...MESSAGES, WORDS];
  if (a !== undefined && b !== undefined)
    return [
      ...[CUT, SLOW, LOSSY, WORDS],
      { separator: "Messages on it" },
      ...MESSAGES,
      { separator: "Toxics, in one direction or both" },
      ...TOXICS,
    ];
  const one = agent !== undefined;
  const { leader, title } = CONSENSUS[swarm.consensus];
  return [
    ...[CRASH, PAUSE, ISOLATE, ...(one ? [] : [PARTITION]), SLOW, LOSSY, WORDS],
    { separator: "Messages" },
    ...MESSAGES,
    { separator: "Machine" },
    ...MACHINE,
    { separator: one ? "Toxics on all its links" : "Links" },
    ...(one ? [] : [SHAPE]),
    ...TOXICS,
    { separator: "Presets: step by step, until they end or are healed" },
    ...PRESETS.filter((entry) => (one ? ofAgent(entry) : leader !== "" || !ofLeader(entry))),
    { separator: swarm.consensus === "pbft" ? "Lies" : `Lies: ${title} does not promise to survive them` },
    ...LIARS.filter(({ behaviour }) => CONSENSUS[swarm.consensus].behaviours.includes(behaviour)).map(({ entry }) =>
      entry(promiseOf(swarm)),
    ),
  ];
}
