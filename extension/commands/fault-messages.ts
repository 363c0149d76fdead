/** Rules on messages: which, what befalls them, how many, how likely. */
import { CONSENSUS, type ConsensusKind } from "../../server/contract/consensus.ts";
import type { FaultSpec, MessageAction, MessageMatch } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { BROADCAST_MESSAGE_TYPES, type MessageType } from "../../server/contract/timeline.ts";
import type { InjectTarget, MessageTarget } from "../../server/contract/webview.ts";
import { type Asker, askNumber, askShare, type Choice } from "./asking.ts";
import { leaderAndAgents } from "./fault-whom.ts";

type Way = Pick<MessageMatch, "from" | "to">;

const ANYBODY = "";
const ALL = 0;
const ANOTHER = -1;

/** One rule, or, for messages of both ways of a link, one for each. */
export async function askMessageRules(
  asker: Asker,
  swarm: SwarmView,
  action: MessageAction["action"],
  target: Partial<InjectTarget>,
): Promise<readonly FaultSpec[] | undefined> {
  const types = await askTypes(asker, swarm, target.message);
  if (types === undefined) return undefined;
  const ways = await askWays(asker, swarm, target);
  if (ways === undefined) return undefined;
  const does = await askAction(asker, action);
  if (does === undefined) return undefined;
  const count = await askCount(asker);
  if (count === undefined) return undefined;
  const probability = await askShare(asker, "With which probability, for each of them", 100);
  if (probability === undefined) return undefined;
  return ways.map((way) => ({
    kind: "message",
    match: { ...(types.length === 0 ? {} : { types }), ...way },
    action: does,
    ...(count === ALL ? {} : { count }),
    ...(probability === 1 ? {} : { probability }),
  }));
}

const OFTEN_WANTED: Readonly<Record<ConsensusKind, readonly Choice<readonly MessageType[]>[]>> = {
  raft: [
    { label: "Votes and their replies", value: ["preVote", "preVoteReply", "vote", "voteReply"] },
    { label: "Appends and heartbeats", value: ["append", "heartbeat"] },
  ],
  pbft: [
    { label: "The three phases", value: ["prePrepare", "prepare", "commit"] },
    { label: "View changes", value: ["viewChange", "newView"] },
  ],
  gossip: [
    { label: "All that brings operations", value: ["rumour", "broadcast", "delta", "state"] },
    { label: "Anti-entropy: digests and deltas", value: ["digest", "delta"] },
  ],
};

/** None: all types. */
async function askTypes(
  asker: Asker,
  { consensus, memory, links }: SwarmView,
  message: MessageTarget | undefined,
): Promise<readonly MessageType[] | undefined> {
  if (message?.type !== undefined) return [message.type];
  const types: readonly MessageType[] = [
    ...CONSENSUS[consensus].messageTypes,
    ...(memory === "eventual" ? CONSENSUS.gossip.messageTypes : []),
    ...(links.some(({ tree }) => tree !== undefined) ? BROADCAST_MESSAGE_TYPES : []),
  ];
  return asker.pick<readonly MessageType[]>("Inject Failure: messages of which type?", [
    { label: "Every type", value: [] },
    ...OFTEN_WANTED[consensus],
    { separator: "One type" },
    ...types.map((type) => ({ label: type, value: [type] })),
  ]);
}

async function askWays(
  asker: Asker,
  swarm: SwarmView,
  { message, agent, a, b }: Partial<InjectTarget>,
): Promise<readonly Way[] | undefined> {
  if (message !== undefined) return waysOfMessage(asker, message);
  if (a !== undefined && b !== undefined) return asker.pick("Inject Failure: in which direction?", waysBetween(a, b));
  if (agent !== undefined)
    return asker.pick<readonly Way[]>("Inject Failure: in which direction?", [
      { label: `What ${agent} sends`, value: [{ from: agent }] },
      { label: `What ${agent} receives`, value: [{ to: agent }] },
      { label: "Both", value: [{ from: agent }, { to: agent }] },
    ]);
  const anybody = { label: "Anybody", value: ANYBODY };
  const from = await asker.pick("Inject Failure: from whom?", [anybody, ...leaderAndAgents(swarm)]);
  if (from === undefined) return undefined;
  const others = leaderAndAgents(swarm).filter(({ value }) => value !== from);
  const to = await asker.pick("Inject Failure: to whom?", [anybody, ...others]);
  if (to === undefined) return undefined;
  return [{ ...(from === ANYBODY ? {} : { from }), ...(to === ANYBODY ? {} : { to }) }];
}

/** Of a message that was pointed at, others like it may be meant. What comes without a type is a way of a link, which was chosen already. */
async function waysOfMessage(
  asker: Asker,
  { type, from, to, bothWays = false }: MessageTarget,
): Promise<readonly Way[] | undefined> {
  const both = [
    { from, to },
    { from: to, to: from },
  ];
  if (bothWays) return both;
  if (type === undefined) return [{ from, to }];
  return asker.pick<readonly Way[]>(`Inject Failure: which messages of type ${type}?`, [
    { label: `${from} → ${to}`, value: [{ from, to }] },
    { label: `From ${from}, to anybody`, value: [{ from }] },
    { label: `To ${to}, from anybody`, value: [{ to }] },
    { label: `Between ${from} and ${to}, both ways`, value: both },
    { label: "From anybody to anybody", value: [{}] },
  ]);
}

function waysBetween(a: string, b: string): readonly Choice<readonly Way[]>[] {
  const [there, back] = [
    { from: a, to: b },
    { from: b, to: a },
  ];
  return [
    { label: `${a} → ${b}`, value: [there] },
    { label: `${b} → ${a}`, value: [back] },
    { label: "Both directions", value: [there, back] },
  ];
}

async function askAction(asker: Asker, action: MessageAction["action"]): Promise<MessageAction | undefined> {
  switch (action) {
    case "drop":
    case "corrupt":
      return { action };
    case "delay": {
      const delayMs = await askNumber(asker, { title: "Delay of each, in ms", value: 200, min: 1, max: 600_000 });
      return delayMs === undefined ? undefined : { action, delayMs };
    }
    case "duplicate": {
      const copies = await askNumber(asker, { title: "Copies of each", value: 1, min: 1, max: 100 });
      return copies === undefined ? undefined : { action, copies };
    }
  }
}

async function askCount(asker: Asker): Promise<number | undefined> {
  const picked = await asker.pick("Inject Failure: how many of them, of each sender?", [
    { label: "All of them", value: ALL },
    { label: "The first one", value: 1 },
    { label: "The first 2", value: 2 },
    { label: "The first 10", value: 10 },
    { label: "Another number…", value: ANOTHER },
  ]);
  if (picked !== ANOTHER) return picked;
  return askNumber(asker, { title: "Only the first so many, of each sender", value: 3, min: 1, max: 1_000_000_000 });
}
