/** Checks what arrived from a socket against the contract's shapes, field by field. */
import type { AggregateInfo } from "../contract/aggregate.ts";
import { ITEM_TYPES, type ItemInfo, JOIN_REFUSALS } from "../contract/client.ts";
import { CONSENSUS_KINDS } from "../contract/consensus.ts";
import { DETECTOR_KINDS } from "../contract/mesh.ts";
import { SIDE_STATES, type SideNote } from "../contract/partition.ts";
import { CHOICES, PROPOSAL_STATES, type ProposalInfo } from "../contract/proposals.ts";
import type {
  AgentReport,
  BroadcastReport,
  DetectorReport,
  GossipReport,
  LinkReport,
  PartitionReport,
  PbftReport,
  RecordingReport,
  ReputationReport,
  TaskInfo,
} from "../contract/swarm.ts";
import { ROLE_NAMES } from "../contract/swarm.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import { EVENT_KINDS, MESSAGE_TYPES } from "../contract/timeline.ts";
import { MalformedFrame } from "./errors.ts";

export type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const shortText: Check = (value) => typeof value === "string" && value.length <= 1024;
const flag: Check = (value) => typeof value === "boolean";
const finite: Check = (value) => Number.isFinite(value);
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const bytes: Check = (value) => value instanceof Uint8Array;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const absent: Check = (value) => value === undefined;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const oneOf = (allowed: readonly string[]): Check => {
  const set = new Set<unknown>(allowed);
  return (value) => set.has(value);
};

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

const shape = (checks: Readonly<Record<string, Check>>): Check => {
  const entries = Object.entries(checks);
  return (value) => isFields(value) && entries.every(([name, check]) => check(value[name]));
};

/** A flat bag of scalars and short lists, as events carry it. */
const bag: Check = (value) => {
  if (!isFields(value)) return false;
  for (const name in value) {
    const field = value[name];
    if (!text(field) && !finite(field) && !flag(field) && !listOf(text)(field)) return false;
  }
  return true;
};

const ROLES = oneOf(ROLE_NAMES);
const MEMBER_STATES = oneOf(["alive", "suspected", "failed", "left"]);
const TASK_STATES = oneOf(["pending", "leased", "completed", "failed", "cancelled"]);

const hlc = shape({ wallMs: finite, counter: whole });

const event = shape({
  id: shortText,
  agent: shortText,
  hlc,
  kind: oneOf(EVENT_KINDS),
  cause: optional(shortText),
  message: optional(
    shape({ id: shortText, type: oneOf(MESSAGE_TYPES), from: shortText, to: shortText, bytes: whole, fields: bag }),
  ),
  fields: bag,
  state: optional(shape({ role: ROLES, term: whole, leader: text, commit: whole, lastIndex: whole, applied: whole })),
} satisfies Record<keyof TimelineEvent, Check>);

const link = shape({
  peer: shortText,
  up: flag,
  framesOut: whole,
  framesIn: whole,
  bytesOut: whole,
  bytesIn: whole,
  dropped: whole,
  delayed: whole,
  corrupted: whole,
  latencyP50Ms: orNull(finite),
  latencyP99Ms: orNull(finite),
  tree: optional(flag),
} satisfies Record<keyof LinkReport, Check>);

/** From 0 to 1. */
const share: Check = (value) => typeof value === "number" && value >= 0 && value <= 1;

const reputation = shape({
  peer: shortText,
  score: share,
  uptime: share,
  latency: share,
  honesty: share,
  proofs: whole,
} satisfies Record<keyof ReputationReport, Check>);

const spread = shape({
  members: whole,
  counted: flag,
  sameVector: whole,
  behind: whole,
  unshared: whole,
  waiting: whole,
  convergedAtMs: orNull(finite),
  agreement: finite,
} satisfies Record<keyof GossipReport, Check>);

const report = shape({
  agent: shortText,
  incarnation: whole,
  pid: whole,
  port: whole,
  atMs: finite,
  upMs: finite,
  role: ROLES,
  term: whole,
  leader: shortText,
  commit: whole,
  applied: whole,
  lastIndex: whole,
  durableIndex: whole,
  voters: listOf(shortText),
  learners: listOf(shortText),
  outgoing: listOf(shortText),
  snapshotIndex: whole,
  firstIndex: whole,
  links: listOf(link),
  members: listOf(shape({ id: shortText, state: MEMBER_STATES, sinceMs: finite })),
  reputations: listOf(reputation),
  cpuSeconds: finite,
  rssBytes: whole,
  messagesOut: whole,
  messagesIn: whole,
  electionsStarted: whole,
  electionsWon: whole,
  votesGranted: whole,
  votesRefused: whole,
  committedAsLeader: whole,
  decisionLatenciesMs: listOf(finite),
  ackParticipation: orNull(finite),
  tasksRunning: whole,
  slots: whole,
  logBytes: whole,
  fsyncs: whole,
  fsyncP99Ms: orNull(finite),
  stateHash: optional(shortText),
  stateHashIndex: optional(whole),
  convergedHash: optional(shortText),
  detector: optional(
    shape({
      kind: oneOf(DETECTOR_KINDS),
      probes: whole,
      unanswered: whole,
      refuted: whole,
      localHealth: whole,
    } satisfies Record<keyof DetectorReport, Check>),
  ),
  partition: optional(
    shape({
      state: oneOf(SIDE_STATES),
      sinceMs: finite,
      answering: listOf(shortText),
      answeringTotal: optional(whole),
      known: whole,
      voters: whole,
      votersTotal: whole,
      quorum: whole,
      seen: whole,
      apartMs: finite,
      readOnlyMs: finite,
      recovered: whole,
      recoveryMs: orNull(finite),
    } satisfies Record<keyof PartitionReport, Check>),
  ),
  recording: optional(
    shape({ bytes: whole, droppedBytes: whole, open: flag } satisfies Record<keyof RecordingReport, Check>),
  ),
  pbft: optional(
    shape({
      faultsTolerated: whole,
      liars: listOf(shortText),
      stableSeq: whole,
      executedSeq: whole,
      proposedSeq: whole,
      signed: optional(whole),
      verified: optional(whole),
      known: optional(whole),
    } satisfies Record<keyof PbftReport, Check>),
  ),
  gossip: optional(spread),
  memory: optional(spread),
  broadcasts: optional(
    shape({
      broadcast: whole,
      delivered: whole,
      redundant: whole,
      lastHops: orNull(whole),
      grafted: whole,
      pruned: whole,
    } satisfies Record<keyof BroadcastReport, Check>),
  ),
} satisfies Record<keyof AgentReport, Check>);

const task = shape({
  id: shortText,
  command: text,
  args: listOf(text),
  cwd: text,
  state: TASK_STATES,
  agent: shortText,
  token: whole,
  leases: whole,
  failures: whole,
  maxAttempts: whole,
  submittedAtMs: finite,
  finishedAtMs: orNull(finite),
  exitCode: orNull(finite),
  signal: text,
  error: text,
  outputTail: text,
  durationMs: orNull(finite),
  finishedIndex: orNull(whole),
} satisfies Record<keyof TaskInfo, Check>);

const proposal = shape({
  id: shortText,
  subject: text,
  body: text,
  voters: listOf(shortText),
  threshold: finite,
  needed: whole,
  timeoutMs: finite,
  state: oneOf(PROPOSAL_STATES),
  submittedAtMs: finite,
  deadlineMs: finite,
  decidedAtMs: orNull(finite),
  votes: listOf(
    shape({
      voter: shortText,
      choice: oneOf(CHOICES),
      reason: text,
      atMs: finite,
      signature: shortText,
    } satisfies Record<keyof ProposalInfo["votes"][number], Check>),
  ),
  // A coordinator's to say.
  spread: absent,
} satisfies Record<keyof ProposalInfo, Check>);

const item = shape({
  namespace: text,
  key: text,
  value: bytes,
  version: whole,
  expiresAtMs: finite,
  type: optional(oneOf(ITEM_TYPES)),
} satisfies Record<keyof ItemInfo, Check>);

const aggregate = shape({
  metric: shortText,
  unit: shortText,
  converged: flag,
  count: whole,
  mean: orNull(finite),
  error: orNull(finite),
  min: orNull(finite),
  max: orNull(finite),
  sum: orNull(finite),
  rounds: whole,
  contributors: whole,
  members: whole,
  missing: listOf(shortText),
} satisfies Record<keyof AggregateInfo, Check>);

const VALUES: Readonly<Record<string, Check>> = {
  written: shape({ version: whole }),
  deleted: shape({ existed: flag }),
  conflict: shape({ version: whole }),
  counted: shape({ total: (value) => Number.isSafeInteger(value) }),
  added: shape({ created: flag }),
  removed: shape({ existed: flag }),
  item: shape({ item: orNull(item) }),
  items: shape({ items: listOf(item), more: flag }),
  task: shape({ taskId: shortText, created: flag }),
  tasks: shape({ tasks: listOf(task), more: optional(flag) }),
  proposed: shape({ proposalId: shortText, created: flag }),
  proposals: shape({ proposals: listOf(proposal), more: optional(flag) }),
  proposal: shape({ proposal: orNull(proposal) }),
  members: shape({ changed: flag, voters: listOf(shortText), learners: listOf(shortText) }),
  leader: shape({ leader: shortText, term: whole }),
  aggregate: shape({ aggregate }),
  report: shape({ report }),
  done: shape({}),
};

const PUSHES: Readonly<Record<string, Check>> = {
  hello: shape({
    swarm: shortText,
    agent: shortText,
    incarnation: whole,
    pid: whole,
    consensus: optional(oneOf(CONSENSUS_KINDS)),
    faultsTolerated: optional(whole),
  }),
  events: shape({ events: listOf(event), lost: whole }),
  report: shape({ report }),
  taskOutput: shape({ taskId: shortText, token: whole, stream: oneOf(["stdout", "stderr"]), text }),
  joinRequest: shape({
    request: whole,
    agent: shortText,
    publicKey: shortText,
    port: whole,
    host: shortText,
    learner: flag,
    token: shortText,
  }),
  leaveRequest: shape({ request: whole }),
  joinsRefused: shape({ refused: listOf(shape({ why: oneOf(JOIN_REFUSALS), count: whole })) }),
};

const CODES = oneOf([
  "unavailable",
  "readOnly",
  "timeout",
  "invalid",
  "refused",
  "overloaded",
  "stopping",
  "sessionExpired",
]);
const failure = shape({ code: CODES, message: text });
const side = optional(
  shape({
    state: oneOf(["apart", "readOnly"]),
    sinceMs: finite,
    answering: whole,
    known: whole,
    voters: whole,
    votersTotal: whole,
    quorum: whole,
  } satisfies Record<keyof SideNote, Check>),
);

/** @throws MalformedFrame */
export function checkResult(element: Fields): void {
  if (!side(element.side)) throw new MalformedFrame("an answer's note of its side does not have its shape");
  if (element.ok === true) {
    const type = isFields(element.value) ? element.value.type : undefined;
    if (typeof type !== "string" || VALUES[type]?.(element.value) !== true)
      throw new MalformedFrame(`an answer of type ${shown(type)} does not have its shape`);
  } else if (element.ok !== false || !failure(element)) {
    throw new MalformedFrame("an answer is neither a success nor an error with a known code");
  }
}

/** @throws MalformedFrame */
export function checkPush(element: Fields): void {
  const { push } = element;
  if (typeof push !== "string" || PUSHES[push]?.(element) !== true)
    throw new MalformedFrame(`a push of type ${shown(push)} does not have its shape`);
}

function shown(type: unknown): string {
  return typeof type === "string" ? `"${type.slice(0, 40)}"` : typeof type;
}
