/** Checks what faces and control clients ask, method by method, before anything is done. */

import { AGGREGATE_METRICS } from "../contract/aggregate.ts";
import { MEMORY_OPERATIONS } from "../contract/client.ts";
import { CONSENSUS_KINDS } from "../contract/consensus.ts";
import type {
  CoordinatorMethod,
  CoordinatorRequests,
  InitSwarm,
  MembersRequest,
  MemoryOperation,
  MemoryRequest,
  QuickMesh,
  RecordingPlace,
} from "../contract/coordinator.ts";
import { TOPOLOGY_NAMES } from "../contract/mesh.ts";
import type { ProposalRequest } from "../contract/proposals.ts";
import { MAX_SEED, SPEED } from "../contract/simulated.ts";
import type { SeedRange } from "../contract/simulation.ts";
import type { TaskRequest } from "../contract/swarm.ts";
import type { TimelineQuery, TimelineSearch } from "../contract/timeline.ts";
import { EVENT_KINDS, MESSAGE_TYPES } from "../contract/timeline.ts";
import { DEGREE } from "../core/overlay/types.ts";
import type { Fields } from "../live/checked-json.ts";
import { asFields, flag, integer, list, number, oneOf, text, WrongShape } from "../live/checked-json.ts";
import { checkedFault } from "../live/fault-checks.ts";
import { MAX_PROOFS_CHARACTERS } from "../live/proofs/verify.ts";
import { EXPORT_FORMATS } from "../live/recordings/export/write.ts";
import { MAX_AGENTS } from "../live/swarm-file.ts";
import { checkedPreset } from "./plan-checks.ts";

export type Params<M extends CoordinatorMethod> = CoordinatorRequests[M]["params"];

const MAX_TEXT = 1024 * 1024;
const MAX_PATH = 4096;
const MAX_DURATION_MS = 365 * 24 * 3_600_000;
const HIDEABLE = [...EVENT_KINDS, ...MESSAGE_TYPES];

type Checks = { readonly [M in CoordinatorMethod]: (fields: Fields, where: string) => Params<M> };

const CHECKS: Checks = {
  swarms: () => ({}),
  swarm: (fields, where) => ({ swarm: id(fields, "swarm", where) }),
  initSwarm,
  stopSwarm: (fields, where) => ({ swarm: id(fields, "swarm", where), operation: id(fields, "operation", where) }),
  cancel: (fields, where) => ({ operation: id(fields, "operation", where) }),
  injectFault: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    fault: checkedFault(fields.fault, `${where}.fault`),
  }),
  injectPreset: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    preset: checkedPreset(asFields(fields.preset, `${where}.preset`), `${where}.preset`),
  }),
  parseFault: (fields, where) => ({ swarm: id(fields, "swarm", where), text: text(fields, "text", where, MAX_TEXT) }),
  healFault: (fields, where) => ({ swarm: id(fields, "swarm", where), fault: id(fields, "fault", where) }),
  healAll: (fields, where) => ({ swarm: id(fields, "swarm", where) }),
  changeMembers: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    change: membersChange(asFields(fields.change, `${where}.change`), `${where}.change`),
  }),
  transferLeader: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    ...(fields.to === undefined ? {} : { to: id(fields, "to", where) }),
  }),
  planTopology: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    ...(fields.least !== undefined && { least: integer(fields, "least", where, DEGREE.min, DEGREE.max) }),
    ...(fields.most !== undefined && { most: integer(fields, "most", where, DEGREE.min, DEGREE.max) }),
  }),
  rewire: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    operation: id(fields, "operation", where),
    basis: id(fields, "basis", where),
    least: integer(fields, "least", where, DEGREE.min, DEGREE.max),
    add: links(fields, "add", where),
    drop: links(fields, "drop", where),
  }),
  submitTask: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    task: task(asFields(fields.task, `${where}.task`), `${where}.task`),
  }),
  cancelTask: (fields, where) => ({ swarm: id(fields, "swarm", where), taskId: id(fields, "taskId", where) }),
  tasks: (fields, where) => ({ swarm: id(fields, "swarm", where) }),
  propose: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    proposal: proposal(asFields(fields.proposal, `${where}.proposal`), `${where}.proposal`),
    wait: flag(fields, "wait", where),
  }),
  proposals: (fields, where) => ({ swarm: id(fields, "swarm", where) }),
  proposal: proposalPlace,
  certificate: proposalPlace,
  memory,
  aggregate: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    metric: oneOf(
      fields,
      "metric",
      where,
      AGGREGATE_METRICS.map(({ name }) => name),
    ),
  }),
  metrics: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    lastMs: number(fields, "lastMs", where, 0, MAX_DURATION_MS),
  }),
  timeline,
  timelineEvent: (fields, where) => ({ swarm: id(fields, "swarm", where), id: id(fields, "id", where) }),
  timelineSearch,
  evidence: (fields, where) => ({ swarm: id(fields, "swarm", where) }),
  verify: (fields, where) => ({
    text: text(fields, "text", where, MAX_PROOFS_CHARACTERS),
    ...(fields.swarm === undefined ? {} : { swarm: id(fields, "swarm", where) }),
  }),
  check: (fields, where) => ({ file: text(fields, "file", where, MAX_PATH) }),
  simulate: (fields, where) => ({
    file: text(fields, "file", where, MAX_PATH),
    operation: id(fields, "operation", where),
    seeds: seedRange(asFields(fields.seeds, `${where}.seeds`), `${where}.seeds`),
  }),
  watchSimulation: (fields, where) => ({
    file: text(fields, "file", where, MAX_PATH),
    operation: id(fields, "operation", where),
    seed: integer(fields, "seed", where, 0, MAX_SEED),
    ...speedOf(fields, where),
    ...(fields.judged === undefined ? {} : { judged: flag(fields, "judged", where) }),
    ...(fields.chaos === undefined ? {} : { chaos: flag(fields, "chaos", where) }),
  }),
  paceSimulation: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    ...speedOf(fields, where),
    ...(fields.paused === undefined ? {} : { paused: flag(fields, "paused", where) }),
  }),
  shrink: (fields, where) => ({
    file: text(fields, "file", where, MAX_PATH),
    operation: id(fields, "operation", where),
    seed: integer(fields, "seed", where, 0, Number.MAX_SAFE_INTEGER),
  }),
  exportRecording: (fields, where) => ({
    ...recordingPlace(fields, where),
    format: oneOf(fields, "format", where, EXPORT_FORMATS),
    out: text(fields, "out", where, MAX_PATH),
    operation: id(fields, "operation", where),
  }),
  replayRecording: (fields, where) => ({
    ...recordingPlace(fields, where),
    agent: id(fields, "agent", where),
    ...(fields.sinceStartMs === undefined
      ? {}
      : { sinceStartMs: number(fields, "sinceStartMs", where, 0, MAX_DURATION_MS) }),
    operation: id(fields, "operation", where),
  }),
  expectations: (fields, where) => ({ swarm: id(fields, "swarm", where) }),
  history: (fields, where) => ({
    swarm: id(fields, "swarm", where),
    from: integer(fields, "from", where, 0, Number.MAX_SAFE_INTEGER),
  }),
  subscribe: (fields, where) => ({
    swarms: flag(fields, "swarms", where),
    timeline: flag(fields, "timeline", where),
    metrics: flag(fields, "metrics", where),
  }),
};

export const COORDINATOR_METHODS = Object.keys(CHECKS) as CoordinatorMethod[];

export function isMethod(name: unknown): name is CoordinatorMethod {
  return typeof name === "string" && Object.hasOwn(CHECKS, name);
}

/** @throws WrongShape naming the field */
export function checkedParams<M extends CoordinatorMethod>(method: M, params: unknown): Params<M> {
  return CHECKS[method](asFields(params ?? {}, method), method);
}

function initSwarm(fields: Fields, where: string): InitSwarm {
  const operation = id(fields, "operation", where);
  if (fields.quick === undefined)
    return {
      file: text(fields, "file", where, MAX_PATH),
      operation,
      ...(fields.workload === undefined ? {} : { workload: flag(fields, "workload", where) }),
    };
  const quick = asFields(fields.quick, `${where}.quick`);
  const checked: QuickMesh = {
    name: text(quick, "name", `${where}.quick`, 40),
    agents: integer(quick, "agents", `${where}.quick`, 1, 1000),
    topology: oneOf(quick, "topology", `${where}.quick`, TOPOLOGY_NAMES),
    consensus: oneOf(quick, "consensus", `${where}.quick`, CONSENSUS_KINDS),
  };
  return { quick: checked, folder: text(fields, "folder", where, MAX_PATH), operation };
}

/** null: as fast as it goes. */
function speedOf(fields: Fields, where: string): { readonly speed?: number | null } {
  if (fields.speed === undefined) return {};
  return { speed: fields.speed === null ? null : number(fields, "speed", where, SPEED.min, SPEED.max) };
}

const MAX_SEEDS = 1_000_000;

function seedRange(fields: Fields, where: string): SeedRange {
  const from = integer(fields, "from", where, 0, Number.MAX_SAFE_INTEGER);
  return { from, to: integer(fields, "to", where, from, Math.min(from + MAX_SEEDS - 1, Number.MAX_SAFE_INTEGER)) };
}

function recordingPlace(fields: Fields, where: string): RecordingPlace {
  return {
    folder: text(fields, "folder", where, MAX_PATH),
    swarm: id(fields, "swarm", where),
    kept: flag(fields, "kept", where),
  };
}

function membersChange(fields: Fields, where: string): MembersRequest {
  const kind = oneOf(fields, "kind", where, ["add", "promote", "remove"]);
  if (kind !== "add") return { kind, agent: id(fields, "agent", where) };
  const agent = fields.agent === undefined ? {} : { agent: id(fields, "agent", where) };
  return { kind, ...agent, learner: flag(fields, "learner", where) };
}

function links(fields: Fields, name: "add" | "drop", where: string): Params<"rewire">["add"] {
  return list(fields, name, where, MAX_AGENTS * MAX_AGENTS).map((one, at) => {
    const link = asFields(one, `${where}.${name}[${at}]`);
    return { a: id(link, "a", `${where}.${name}[${at}]`), b: id(link, "b", `${where}.${name}[${at}]`) };
  });
}

function task(fields: Fields, where: string): TaskRequest {
  const optionalText = (name: "id" | "cwd" | "agent"): Partial<TaskRequest> =>
    fields[name] === undefined ? {} : { [name]: text(fields, name, where, MAX_PATH) };
  return {
    command: text(fields, "command", where, MAX_PATH),
    ...optionalText("id"),
    ...optionalText("cwd"),
    ...optionalText("agent"),
    ...(fields.args === undefined ? {} : { args: texts(fields, "args", where, 1000, MAX_TEXT) }),
    ...(fields.timeoutMs === undefined ? {} : { timeoutMs: number(fields, "timeoutMs", where, 0, MAX_DURATION_MS) }),
    ...(fields.maxAttempts === undefined ? {} : { maxAttempts: integer(fields, "maxAttempts", where, 1, 100) }),
  };
}

/** Its size and form; what it says is for the agents to judge. */
function proposal(fields: Fields, where: string): ProposalRequest {
  return {
    ...(fields.id === undefined ? {} : { id: id(fields, "id", where) }),
    subject: text(fields, "subject", where),
    body: text(fields, "body", where, MAX_TEXT),
    ...(fields.voters === undefined ? {} : { voters: texts(fields, "voters", where, MAX_AGENTS, 200) }),
    ...(fields.threshold === undefined ? {} : { threshold: number(fields, "threshold", where, 0, 1) }),
    ...(fields.timeoutMs === undefined ? {} : { timeoutMs: number(fields, "timeoutMs", where, 0, MAX_DURATION_MS) }),
  };
}

function proposalPlace(fields: Fields, where: string): Params<"proposal"> {
  return { swarm: id(fields, "swarm", where), proposalId: id(fields, "proposalId", where) };
}

function memory(fields: Fields, where: string): MemoryRequest {
  const agent = fields.agent === undefined ? {} : { agent: id(fields, "agent", where) };
  return { ...memoryOperation(fields, where), ...agent };
}

function memoryOperation(fields: Fields, where: string): MemoryOperation {
  const swarm = id(fields, "swarm", where);
  const op = oneOf(fields, "op", where, MEMORY_OPERATIONS);
  const namespace = text(fields, "namespace", where, 256);
  const key = (): string => text(fields, "key", where, 1024);
  const local = fields.consistency === undefined ? {} : { consistency: oneOf(fields, "consistency", where, ["local"]) };
  const value = () => ({
    text: text(fields, "text", where, MAX_TEXT),
    ...(fields.ttlMs === undefined ? {} : { ttlMs: number(fields, "ttlMs", where, 0, Number.MAX_SAFE_INTEGER) }),
  });
  switch (op) {
    case "get":
      return { swarm, op, namespace, key: key(), ...local };
    case "delete":
      return { swarm, op, namespace, key: key() };
    case "increment": {
      const by = integer(fields, "by", where, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      return { swarm, op, namespace, key: key(), by };
    }
    case "add":
    case "remove":
      return { swarm, op, namespace, key: key(), element: text(fields, "element", where, 1024) };
    case "put":
      return { swarm, op, namespace, key: key(), ...value() };
    case "compareAndSet": {
      const expectedVersion = integer(fields, "expectedVersion", where, 0, Number.MAX_SAFE_INTEGER);
      return { swarm, op, namespace, key: key(), expectedVersion, ...value() };
    }
    case "list":
      return {
        swarm,
        op,
        namespace,
        ...local,
        ...(fields.prefix === undefined ? {} : { prefix: text(fields, "prefix", where, 1024) }),
        ...(fields.limit === undefined ? {} : { limit: integer(fields, "limit", where, 1, 10_000) }),
      };
  }
}

function timeline(fields: Fields, where: string): TimelineQuery {
  const fromMs = number(fields, "fromMs", where, 0, Number.MAX_SAFE_INTEGER);
  const toMs = number(fields, "toMs", where, 0, Number.MAX_SAFE_INTEGER);
  if (toMs <= fromMs) throw new WrongShape(`${where}.toMs must be after fromMs`);
  return {
    swarm: id(fields, "swarm", where),
    fromMs,
    toMs,
    maxEvents: integer(fields, "maxEvents", where, 0, 20_000),
    buckets: integer(fields, "buckets", where, 1, 4000),
    ...(fields.lanes === undefined ? {} : { lanes: [...new Set(texts(fields, "lanes", where, 1000, 100))] }),
    ...(fields.hiddenKinds === undefined
      ? {}
      : {
          hiddenKinds: list(fields, "hiddenKinds", where, 200).map((kind) =>
            oneOf({ kind }, "kind", `${where}.hiddenKinds`, HIDEABLE),
          ),
        }),
  };
}

function timelineSearch(fields: Fields, where: string): TimelineSearch {
  return {
    swarm: id(fields, "swarm", where),
    text: text(fields, "text", where, 500),
    limit: integer(fields, "limit", where, 1, 10_000),
    ...(fields.before === undefined ? {} : { before: id(fields, "before", where) }),
  };
}

function id(fields: Fields, name: string, where: string): string {
  return text(fields, name, where, 200);
}

function texts(fields: Fields, name: string, where: string, maxLength: number, maxText: number): string[] {
  return list(fields, name, where, maxLength).map((one) => {
    if (typeof one !== "string" || one.length > maxText)
      throw new WrongShape(`${where}.${name} must be texts of at most ${maxText} characters`);
    return one;
  });
}
