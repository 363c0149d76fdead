/** What happens on a timeline, in words and in groups that a person switches on and off. */
import type { EventKind, MessageType, TimelineEvent } from "../../server/contract/timeline.ts";
import { formatBytes } from "../format.ts";

export type GroupId =
  | "votes"
  | "elections"
  | "appends"
  | "commits"
  | "heartbeats"
  | "requests"
  | "members"
  | "tasks"
  | "faults";

export interface Group {
  readonly id: GroupId;
  readonly name: string;
  readonly kinds: readonly EventKind[];
  readonly messages: readonly MessageType[];
}

/** Every kind and message type but `send` and `receive` is in exactly one group; those follow their message's type. */
export const GROUPS: readonly Group[] = [
  {
    id: "elections",
    name: "Elections",
    kinds: [
      "becameFollower",
      "becamePreCandidate",
      "becameCandidate",
      "becameLeader",
      "steppedDown",
      "leaderKnown",
      "electionTimedOut",
      "leadershipTransferStarted",
      "leadershipTransferEnded",
    ],
    messages: ["timeoutNow"],
  },
  {
    id: "votes",
    name: "Votes",
    kinds: ["votedFor", "voteRefused", "voteReceived"],
    messages: ["preVote", "preVoteReply", "vote", "voteReply"],
  },
  {
    id: "appends",
    name: "Appends",
    kinds: ["appended", "truncated", "snapshotTaken", "snapshotSending", "snapshotInstalled", "compacted"],
    messages: ["append", "appendReply", "installSnapshot", "installSnapshotReply"],
  },
  { id: "commits", name: "Commits", kinds: ["committed"], messages: [] },
  { id: "heartbeats", name: "Heartbeats", kinds: [], messages: ["heartbeat", "heartbeatReply"] },
  { id: "requests", name: "Requests", kinds: [], messages: ["forward", "readIndex", "readIndexReply"] },
  {
    id: "members",
    name: "Members",
    kinds: [
      "configurationChanged",
      "memberAlive",
      "memberSuspected",
      "memberFailed",
      "memberLeft",
      "linkUp",
      "linkDown",
    ],
    messages: [],
  },
  {
    id: "tasks",
    name: "Tasks",
    kinds: [
      "taskSubmitted",
      "taskLeased",
      "taskLeaseLost",
      "taskRetried",
      "taskFinished",
      "taskCompletionRefused",
      "taskStarted",
      "taskEnded",
    ],
    messages: [],
  },
  {
    id: "faults",
    name: "Faults",
    kinds: ["faultInjected", "faultHealed", "processStarted", "processEnded", "started", "stopping"],
    messages: [],
  },
];

const NAMES: Readonly<Record<EventKind | MessageType, string>> = {
  send: "sent",
  receive: "received",
  started: "started",
  stopping: "stopping",
  linkUp: "link up",
  linkDown: "link down",
  becameFollower: "became follower",
  becamePreCandidate: "became pre-candidate",
  becameCandidate: "became candidate",
  becameLeader: "became leader",
  steppedDown: "stepped down",
  leaderKnown: "knows the leader",
  votedFor: "voted",
  voteRefused: "refused a vote",
  voteReceived: "got a vote",
  electionTimedOut: "election timed out",
  truncated: "log truncated",
  appended: "appended",
  committed: "committed",
  configurationChanged: "members changed",
  leadershipTransferStarted: "hands leadership over",
  leadershipTransferEnded: "leadership handed over",
  snapshotTaken: "snapshot taken",
  snapshotSending: "sends a snapshot",
  snapshotInstalled: "snapshot installed",
  compacted: "log compacted",
  memberAlive: "member alive",
  memberSuspected: "member suspected",
  memberFailed: "member failed",
  memberLeft: "member left",
  taskSubmitted: "task submitted",
  taskLeased: "task leased",
  taskLeaseLost: "task lease lost",
  taskRetried: "task retried",
  taskFinished: "task finished",
  taskCompletionRefused: "task completion refused",
  taskStarted: "task started",
  taskEnded: "task ended",
  faultInjected: "fault injected",
  faultHealed: "fault healed",
  processStarted: "process started",
  processEnded: "process ended",
  preVote: "pre-vote",
  preVoteReply: "pre-vote reply",
  vote: "vote request",
  voteReply: "vote reply",
  append: "append",
  appendReply: "append reply",
  heartbeat: "heartbeat",
  heartbeatReply: "heartbeat reply",
  forward: "forward",
  readIndex: "read index",
  readIndexReply: "read index reply",
  installSnapshot: "install snapshot",
  installSnapshotReply: "install snapshot reply",
  timeoutNow: "timeout now",
};

export function kindName(kind: EventKind | MessageType): string {
  return NAMES[kind];
}

/** One event in one line: "sent append to a3". */
export function describe(event: TimelineEvent): string {
  const { message } = event;
  if (message !== undefined && event.kind === "send") return `sent ${NAMES[message.type]} to ${message.to}`;
  if (message !== undefined && event.kind === "receive") return `received ${NAMES[message.type]} from ${message.from}`;
  const detail = SAID[event.kind]?.(event.fields) ?? firstFields(event.fields);
  return detail === "" ? NAMES[event.kind] : `${NAMES[event.kind]} (${detail})`;
}

type Fields = TimelineEvent["fields"];

/** What matters of events whose first fields do not say it. */
const SAID: Partial<Readonly<Record<EventKind, (fields: Fields) => string>>> = {
  configurationChanged: ({ voters, outgoing, learners }) => {
    const parts = [`voters ${listText(voters)}`];
    if (listText(outgoing) !== "") parts.push(`joint with ${listText(outgoing)}`);
    if (listText(learners) !== "") parts.push(`learners ${listText(learners)}`);
    return parts.join("; ");
  },
  leadershipTransferStarted: ({ to }) => `to ${to}`,
  leadershipTransferEnded: ({ to, ok }) => (ok === true ? `to ${to}` : `${to} did not take over`),
  snapshotSending: ({ to, index, bytes }) => `to ${to}, up to entry ${index}, ${formatBytes(Number(bytes))}`,
  snapshotInstalled: ({ from, index }) => `from ${from}, up to entry ${index}`,
  snapshotTaken: ({ index, bytes }) => `up to entry ${index}, ${formatBytes(Number(bytes))}`,
  compacted: ({ index }) => `up to entry ${index}`,
};

function firstFields(fields: Fields): string {
  return Object.entries(fields)
    .slice(0, 2)
    .map(([name, value]) => `${name} ${fieldText(value)}`)
    .join(", ");
}

function listText(value: Fields[string] | undefined): string {
  return value === undefined ? "" : fieldText(value);
}

export function fieldText(value: string | number | boolean | readonly string[]): string {
  return typeof value === "object" ? value.join(", ") : String(value);
}

/** What a query leaves out when these groups are off. */
export function hiddenKinds(off: readonly string[]): readonly (EventKind | MessageType)[] {
  return GROUPS.filter((group) => off.includes(group.id)).flatMap((group) => [...group.kinds, ...group.messages]);
}

const GROUP_OF: ReadonlyMap<string, GroupId> = new Map(
  GROUPS.flatMap((group) => [...group.kinds, ...group.messages].map((kind) => [kind, group.id] as const)),
);

/** The group of a kind or a message type; undefined for `send` and `receive` themselves. */
export function groupOf(kind: string): GroupId | undefined {
  return GROUP_OF.get(kind);
}
