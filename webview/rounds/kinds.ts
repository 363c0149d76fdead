/** What happens on a timeline, in words and in groups that a person switches on and off. */
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { EventKind, Fields, MessageType, TimelineEvent } from "../../server/contract/timeline.ts";
import { formatBytes, formatDuration, plural } from "../format.ts";
import { durableHere, isTermless, SAID_OF_GOSSIP } from "./gossip-words.ts";
import { PROPOSAL_KINDS } from "./proposal-marks.ts";
import { SAID_OF_PROPOSALS } from "./proposal-words.ts";

export type GroupId =
  | "votes"
  | "elections"
  | "appends"
  | "commits"
  | "heartbeats"
  | "requests"
  | "members"
  | "tasks"
  | "proposals"
  | "aggregates"
  | "faults"
  | "rumours"
  | "broadcasts"
  | "antiEntropy"
  | "convergence";

export interface Group {
  readonly id: GroupId;
  /** null: such a swarm has nothing of it. */
  readonly name: Readonly<Record<ConsensusKind, string | null>>;
  readonly kinds: readonly EventKind[];
  readonly messages: readonly MessageType[];
}

function everywhere(name: string): Group["name"] {
  return { raft: name, pbft: name, gossip: name };
}

/** What takes an order that all share. */
function ordered(name: string): Group["name"] {
  return { raft: name, pbft: name, gossip: null };
}

function ofGossip(name: string): Group["name"] {
  return { raft: null, pbft: null, gossip: name };
}

/** Every kind and message type but `send` and `receive` is in exactly one group; those follow their message's type. */
export const GROUPS: readonly Group[] = [
  {
    id: "rumours",
    name: ofGossip("Rumours"),
    kinds: ["issued", "rumourHeard", "heldBack"],
    messages: ["rumour"],
  },
  {
    id: "broadcasts",
    name: everywhere("Broadcasts"),
    kinds: ["grafted", "pruned"],
    messages: ["broadcast", "ihave", "graft", "prune"],
  },
  { id: "antiEntropy", name: ofGossip("Anti-entropy"), kinds: ["antiEntropy"], messages: ["delta"] },
  { id: "convergence", name: ofGossip("Convergence"), kinds: ["converged"], messages: [] },
  {
    id: "elections",
    name: { raft: "Elections", pbft: "View changes", gossip: null },
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
      "viewChangeStarted",
      "viewChangeReceived",
      "viewEntered",
    ],
    messages: ["timeoutNow", "viewChange", "newView", "fetchViewChange"],
  },
  {
    id: "votes",
    name: { raft: "Votes", pbft: "Prepares and commits", gossip: null },
    kinds: ["votedFor", "voteRefused", "voteReceived", "prepared"],
    messages: ["preVote", "preVoteReply", "vote", "voteReply", "prepare", "commit"],
  },
  {
    id: "appends",
    name: { raft: "Appends", pbft: "Batches and state", gossip: "State" },
    kinds: [
      "appended",
      "truncated",
      "snapshotTaken",
      "snapshotSending",
      "snapshotInstalled",
      "compacted",
      "prePrepared",
      "checkpointTaken",
      "checkpointStable",
      "stateTransferStarted",
      "stateTransferRefused",
      "stateInstalled",
    ],
    messages: [
      "append",
      "appendReply",
      "installSnapshot",
      "installSnapshotReply",
      "prePrepare",
      "fetchBatch",
      "batch",
      "decided",
      "checkpoint",
      "fetchState",
      "stateChunk",
      "state",
      "stateReply",
    ],
  },
  { id: "commits", name: { raft: "Commits", pbft: "Decided", gossip: "Commits" }, kinds: ["committed"], messages: [] },
  {
    id: "heartbeats",
    name: { raft: "Heartbeats", pbft: "Heartbeats", gossip: "Digests" },
    kinds: [],
    messages: ["heartbeat", "heartbeatReply", "status", "digest", "checksum", "ranges"],
  },
  {
    id: "requests",
    name: ordered("Requests"),
    kinds: [],
    messages: ["forward", "readIndex", "readIndexReply", "request", "read", "readReply"],
  },
  {
    id: "members",
    name: everywhere("Members"),
    kinds: [
      "configurationChanged",
      "memberAlive",
      "memberSuspected",
      "memberFailed",
      "memberLeft",
      "neighbourUp",
      "neighbourDown",
      "partitioned",
      "healed",
      "recovered",
      "linkUp",
      "linkDown",
    ],
    messages: [],
  },
  {
    id: "tasks",
    name: ordered("Tasks"),
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
    id: "proposals",
    name: everywhere("Proposals"),
    kinds: PROPOSAL_KINDS,
    messages: [],
  },
  {
    id: "aggregates",
    name: everywhere("Aggregates"),
    kinds: ["aggregateBegun", "aggregateEnded"],
    messages: [],
  },
  {
    id: "faults",
    name: everywhere("Faults"),
    kinds: [
      "faultInjected",
      "faultHealed",
      "processStarted",
      "processEnded",
      "rewiringBegun",
      "rewired",
      "rewiringUndone",
      "promiseBroken",
      "joinAccepted",
      "joinRefused",
      "started",
      "stopping",
      "disbelieved",
      "equivocation",
    ],
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
  prePrepared: "pre-prepared",
  prepared: "prepared",
  viewChangeStarted: "gave up on a view",
  viewChangeReceived: "got a view change",
  viewEntered: "entered a view",
  disbelieved: "did not believe",
  equivocation: "proof of a lie",
  issued: "issued",
  rumourHeard: "heard a rumour",
  antiEntropy: "anti-entropy",
  heldBack: "held back",
  converged: "converged",
  checkpointTaken: "checkpoint taken",
  checkpointStable: "checkpoint stable",
  stateTransferStarted: "fetches the state",
  stateTransferRefused: "refused a state",
  stateInstalled: "state installed",
  memberAlive: "member alive",
  memberSuspected: "member suspected",
  memberFailed: "member failed",
  memberLeft: "member left",
  neighbourUp: "new neighbour",
  neighbourDown: "neighbour gone",
  grafted: "link into the tree",
  pruned: "link out of the tree",
  partitioned: "partitioned",
  healed: "side healed",
  recovered: "caught up after a partition",
  taskSubmitted: "task submitted",
  taskLeased: "task leased",
  taskLeaseLost: "task lease lost",
  taskRetried: "task retried",
  taskFinished: "task finished",
  taskCompletionRefused: "task completion refused",
  taskStarted: "task started",
  taskEnded: "task ended",
  proposalSubmitted: "proposal submitted",
  voteSigned: "vote signed",
  voteCast: "vote cast",
  voteNotTaken: "vote not taken",
  proposalDecided: "proposal decided",
  aggregateBegun: "aggregate begun",
  aggregateEnded: "aggregate known",
  faultInjected: "fault injected",
  faultHealed: "fault healed",
  processStarted: "process started",
  processEnded: "process ended",
  rewiringBegun: "rewiring begun",
  rewired: "rewired",
  rewiringUndone: "rewiring undone",
  promiseBroken: "promise broken",
  joinAccepted: "took an agent in",
  joinRefused: "refused to take agents in",
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
  request: "request",
  prePrepare: "pre-prepare",
  prepare: "prepare",
  commit: "commit",
  checkpoint: "checkpoint",
  viewChange: "view change",
  newView: "new view",
  status: "status",
  fetchBatch: "fetch batch",
  batch: "batch",
  fetchViewChange: "fetch view change",
  decided: "decided batch",
  fetchState: "fetch state",
  stateChunk: "state chunk",
  read: "read",
  readReply: "read reply",
  rumour: "rumour",
  digest: "digest",
  checksum: "checksum",
  ranges: "ranges",
  delta: "delta",
  state: "state",
  stateReply: "state reply",
  broadcast: "broadcast",
  ihave: "I have",
  graft: "graft",
  prune: "prune",
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

/** What matters of events whose first fields do not say it. */
const SAID: Partial<Readonly<Record<EventKind, (fields: Fields) => string>>> = {
  ...SAID_OF_PROPOSALS,
  ...SAID_OF_GOSSIP,
  configurationChanged: ({ voters, outgoing, learners }) => {
    const parts = [`voters ${listText(voters)}`];
    if (listText(outgoing) !== "") parts.push(`joint with ${listText(outgoing)}`);
    if (listText(learners) !== "") parts.push(`learners ${listText(learners)}`);
    return parts.join("; ");
  },
  grafted: ({ peer, reason }) =>
    `to ${peer}: ${reason === "missing" ? "a broadcast did not come otherwise" : "it is the shorter way"}`,
  pruned: ({ peer }) => `to ${peer}: there is another way`,
  rewiringBegun: ({ add, drop }) => `${plural(Number(add), "link")} to add, ${drop} to drop`,
  rewired: ({ added, dropped, links, tookMs }) =>
    `${plural(Number(added), "link")} added, ${dropped} dropped, ${links} now, in ${formatDuration(Number(tookMs))}`,
  rewiringUndone: ({ reason }) => `all links are as they were: ${reason}`,
  promiseBroken: ({ invariant, atMs, detail }) =>
    `${invariant}, ${(Number(atMs) / 1000).toFixed(3)} s after the start: ${detail}`,
  aggregateBegun: ({ metric, initiator }) => `${metric}, asked of ${initiator}`,
  aggregateEnded: ({ metric, initiator, converged, count, mean, error, rounds }) => {
    const whose = `${metric}, asked of ${initiator}`;
    if (mean === undefined) return `${whose}: no agent has it`;
    const within = error === undefined ? "" : ` ± ${Number(Number(error).toPrecision(2))}`;
    const how = `${plural(Number(count), "value")}, ${plural(Number(rounds), "round")}`;
    return `${whose}: mean ${Number(Number(mean).toPrecision(4))}${within} of ${how}${converged === true ? "" : ", not certain"}`;
  },
  leadershipTransferStarted: ({ to }) => `to ${to}`,
  leadershipTransferEnded: ({ to, ok }) => (ok === true ? `to ${to}` : `${to} did not take over`),
  snapshotSending: ({ to, index, bytes }) => `to ${to}, up to entry ${index}, ${formatBytes(Number(bytes))}`,
  snapshotInstalled: ({ from, index }) => `from ${from}, up to entry ${index}`,
  snapshotTaken: ({ index, bytes }) => `up to entry ${index}, ${formatBytes(Number(bytes))}`,
  compacted: ({ index }) => `up to entry ${index}`,
  prePrepared: ({ view, seq, requests }) => `view ${view}, sequence ${seq}, ${plural(Number(requests), "request")}`,
  prepared: ({ view, seq, by, needed }) => `view ${view}, sequence ${seq}, by ${listText(by)}; ${needed} needed`,
  committed: ({ seq, ...fields }) => {
    if (seq !== undefined) return `view ${fields.term}, sequence ${seq}`;
    return isTermless(fields) ? durableHere(fields) : firstFields(fields);
  },
  viewChangeStarted: ({ view, reason }) => `for view ${view}: ${whyGivenUp(String(reason))}`,
  viewChangeReceived: ({ view, from, have, needed }) => `for view ${view} from ${from}, ${have} of ${needed}`,
  viewEntered: ({ view, primary, by }) => `view ${view}, primary ${primary}, called for by ${listText(by)}`,
  disbelieved: ({ from, message, about, reason }) => {
    const what = about === undefined ? messageName(String(message)) : `the links of ${about}`;
    const whose = from === undefined ? "by a broadcast" : `from ${from}`;
    return `${what} ${whose}: ${WHY_DISBELIEVED[String(reason)] ?? reason}`;
  },
  equivocation: ({ culprit, kind, view, seq }) => signedTwo(String(culprit), String(kind), Number(view), Number(seq)),
  checkpointTaken: ({ seq, index, bytes }) =>
    `after sequence ${seq}, up to entry ${index}, ${formatBytes(Number(bytes))}`,
  checkpointStable: ({ seq, by }) => `after sequence ${seq}, the same at ${listText(by)}`,
  stateTransferStarted: ({ from, seq }) => `from ${from}, after sequence ${seq}`,
  stateTransferRefused: ({ from, seq, reason }) =>
    `from ${from}, after sequence ${seq}: ${reason === "wrongDigest" ? "it is not what the checkpoint's proof says" : reason}`,
  partitioned: ({ readOnly, answering, known, voters, votersTotal, quorum }) =>
    readOnly === true
      ? `read-only: ${voters} of ${votersTotal} voters answer, ${quorum} decide; ${listText(answering)}`
      : `cut off: ${listText(answering)} of ${known} members answer`,
  healed: ({ apartMs, answering, known }) =>
    `after ${formatDuration(Number(apartMs))}, ${answering} of ${known} members answer`,
  recovered: ({ tookMs }) => `in ${formatDuration(Number(tookMs))}`,
  stateInstalled: ({ from, seq, index }) => `from ${from}, after sequence ${seq}, up to entry ${index}`,
};

/** How somebody lied: with two signatures that contradict each other. A checkpoint is of no view. */
export function signedTwo(culprit: string, signed: string, view: number, seq: number): string {
  const ofView = signed === "checkpoint" ? "" : `view ${view}, `;
  return `${culprit} signed two ${messageName(signed)}s for ${ofView}sequence ${seq}`;
}

/** Of a message as an event's field names it. */
export function messageName(type: string): string {
  return NAMES[type as MessageType] ?? type;
}

/** Why an agent gave up on a view. */
export function whyGivenUp(reason: string): string {
  return WHY_GIVEN_UP[reason] ?? reason;
}

const WHY_GIVEN_UP: Readonly<Record<string, string>> = {
  timeout: "what it knows of was not decided in time",
  others: "others gave up on theirs",
  badPrimary: "the primary lied",
  restart: "it was started again",
  asked: "the primary asked for it",
};

const WHY_DISBELIEVED: Readonly<Record<string, string>> = {
  badSignature: "the signature is wrong",
  wrongDigest: "the digest is wrong",
  notPrimary: "it is not the view's primary",
  notReplica: "it is no replica",
  badTime: "its time is impossible",
  badRequest: "a request in it was not signed by whom it names",
  badProof: "its proof proves nothing",
  wrongProposals: "the new view begins with something else than its proof says",
  outOfWindow: "its sequence number is out of the window",
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

/** What such a swarm has something of, by the names that it has there. */
export function groupsOf(consensus: ConsensusKind): readonly { readonly id: GroupId; readonly name: string }[] {
  return GROUPS.flatMap(({ id, name }) => {
    const own = name[consensus];
    return own === null ? [] : [{ id, name: own }];
  });
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
