import type { ClientOperation, ClientRequest, WriteOperation } from "../contract/client.ts";
import { DEFAULT_PROPOSAL_TIMEOUT_MS, DEFAULT_THRESHOLD } from "../contract/proposals.ts";
import type { AgentId } from "../core/consensus.ts";
import { checkMemoryCommand, MAX_KEY_BYTES, MAX_NAMESPACE_BYTES } from "../core/memory/limits.ts";
import type { MemoryCommand } from "../core/memory/types.ts";
import { MAX_PROPOSAL_ID_BYTES, THRESHOLD_PARTS } from "../core/proposals/limits.ts";
import { readProposal } from "../core/proposals/read.ts";
import { checkTaskCommand, MAX_TASK_ID_BYTES } from "../core/tasks/limits.ts";
import type { TaskCommand } from "../core/tasks/types.ts";
import { shownValue, textProblem } from "../core/text.ts";
import { MAX_SESSION_BYTES, type SessionCommand } from "./command.ts";

export const DEFAULT_TIMEOUT_MS = 10_000;
export const MAX_TIMEOUT_MS = 600_000;
export const DEFAULT_LIST_LIMIT = 1000;
export const MAX_LIST_LIMIT = 10_000;

/** A read of the local state machine. */
export type Query =
  | { readonly type: "get"; readonly namespace: string; readonly key: string }
  | {
      readonly type: "list";
      readonly namespace: string;
      readonly prefix: string;
      readonly limit: number;
      /** Only keys after this one; empty: all. */
      readonly after: string;
    }
  /** `before`: only tasks submitted before this one; empty: all. */
  | { readonly type: "tasks"; readonly before: string }
  | { readonly type: "proposals"; readonly before: string }
  | { readonly type: "proposal"; readonly id: string };

/** What is written, as far as its answer depends on it. */
export type WriteKind = "memory" | "submit" | "cancel" | "propose";

export interface WriteRequest {
  readonly type: "write";
  readonly kind: WriteKind;
  /** Empty: the agent's own. */
  readonly session: string;
  readonly sequence: number;
  readonly firstUnanswered: number;
  readonly command: SessionCommand["command"];
  /** The task or proposal it is about; empty for memory. */
  readonly about: string;
  readonly timeoutMs: number;
}

export interface ReadRequest {
  readonly type: "read";
  readonly query: Query;
  readonly linearizable: boolean;
  readonly timeoutMs: number;
}

/** What became of a write that an agent was asked for, this one or another. */
export interface OutcomeRequest {
  readonly type: "outcome";
  readonly kind: WriteKind;
  readonly session: string;
  readonly sequence: number;
  /** The task or proposal it is about; empty for memory. */
  readonly about: string;
  readonly timeoutMs: number;
}

/** Of whom a request may speak. */
export interface Members {
  /** All agents that a task may be meant for. */
  readonly members: readonly AgentId[];
  /** Those that vote. */
  readonly voters: readonly AgentId[];
}

export interface Ordering {
  /** There is one order for all. */
  readonly ordered: boolean;
  /** It is a memory's that has none, beside a consensus that has one. */
  readonly beside?: boolean;
}

/** A sentence for whoever asked. */
export interface BadRequest {
  readonly type: "bad";
  readonly problem: string;
  /** Another agent may serve it: this one does not know enough. Absent: none can. */
  readonly elsewhere?: boolean;
}

/**
 * Checks what a client sent, whatever its fields hold, and brings it into the form the agent works with. What passes can be encoded, and
 * what is encoded can be read by every agent.
 */
export function readRequest(
  request: ClientRequest,
  members: Members,
  { ordered, beside = false }: Ordering,
): WriteRequest | ReadRequest | OutcomeRequest | BadRequest {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = request;
  if (!isWhole(timeoutMs, 1, MAX_TIMEOUT_MS))
    return bad(`timeoutMs is ${shownValue(timeoutMs)}; give a whole number of ms from 1 to ${MAX_TIMEOUT_MS}`);
  const unserved = ordered ? withOrder(request) : withoutOrder(request, beside);
  if (unserved !== undefined) return unserved;
  switch (request.op) {
    case "put":
    case "compareAndSet":
    case "delete":
    case "increment":
    case "add":
    case "remove":
    case "submitTask":
    case "cancelTask":
    case "propose":
      return readWrite(request, timeoutMs, members);
    case "get":
    case "list":
    case "tasks":
    case "proposals":
    case "proposal":
      return readQuery(request, timeoutMs, ordered);
    case "outcome":
      return readOutcome(request, timeoutMs);
    default:
      return bad(`${shownValue(request.op)} is not an operation that an agent's memory, tasks and proposals know`);
  }
}

/** Why a request cannot be served where there is one order for all; undefined: it can. */
function withOrder({ op }: ClientRequest): BadRequest | undefined {
  if (op === "increment")
    return bad(
      "counters are of an eventual memory (memory: eventual, or consensus: gossip); here get the value, and compareAndSet it",
    );
  if (op === "add" || op === "remove")
    return bad(
      "sets are of an eventual memory (memory: eventual, or consensus: gossip); here give every element a key, and list them by a prefix",
    );
  return undefined;
}

/** Why a request cannot be served where each agent has an order of its own; undefined: it can. */
function withoutOrder(request: ClientRequest, beside: boolean): BadRequest | undefined {
  const instead = beside
    ? "this swarm's memory is eventual, which gives no order; use memory: consensus for it"
    : "this swarm decides by gossip, which gives no order; use consensus: raft or pbft for it";
  switch (request.op) {
    case "compareAndSet":
      return bad(`compareAndSet takes one order for all: ${instead}`);
    case "submitTask":
    case "cancelTask":
      return bad(`a task is leased to one agent at a time, which takes one order for all: ${instead}`);
    case "get":
    case "list":
    case "tasks":
    case "proposals":
    case "proposal":
      if (request.consistency !== "linearizable") return undefined;
      return bad(`a linearizable read takes one order for all: ${instead}, or read with consistency "local"`);
    default:
      return undefined;
  }
}

function readWrite(request: ClientRequest, timeoutMs: number, members: Members): WriteRequest | BadRequest {
  const { session = "", sequence = 0, firstUnanswered = 1 } = request;
  if (typeof session !== "string") return bad(`the session is ${shownValue(session)}; give a text`);
  const problem = session === "" ? undefined : sessionProblem(session);
  if (problem !== undefined) return bad(problem);
  if (session !== "" && !isWhole(sequence, 1, Number.MAX_SAFE_INTEGER))
    return bad(`the sequence of session ${session} is ${shownValue(sequence)}; number its writes from 1`);
  if (!isWhole(firstUnanswered, 1, Number.MAX_SAFE_INTEGER) || (session !== "" && firstUnanswered > sequence))
    return bad(
      `firstUnanswered is ${shownValue(firstUnanswered)}; give a sequence from 1 to this write's own, ${shownValue(sequence)}`,
    );
  const command = readCommand(request, members);
  if ("problem" in command) return command;
  return { type: "write", session, sequence, firstUnanswered, timeoutMs, ...command };
}

type Asked = Pick<WriteRequest, "kind" | "command" | "about">;

function readCommand(request: ClientOperation, members: Members): Asked | BadRequest {
  switch (request.op) {
    case "put": {
      const { namespace, key, value, ttlMs = 0 } = request;
      return memory({ type: "put", namespace, key, value, ttlMs });
    }
    case "compareAndSet": {
      const { namespace, key, expectedVersion, value, ttlMs = 0 } = request;
      return memory({ type: "compareAndSet", namespace, key, expectedVersion, value, ttlMs });
    }
    case "delete": {
      const { namespace, key } = request;
      return memory({ type: "delete", namespace, key });
    }
    case "increment": {
      const { namespace, key, by = 1 } = request;
      return memory({ type: "increment", namespace, key, by });
    }
    case "add":
    case "remove": {
      const { op: type, namespace, key, element } = request;
      // What of it is known here is said when it is proposed.
      return memory({ type, namespace, key, element, replaces: [] });
    }
    case "submitTask": {
      const spec: unknown = request.task;
      if (typeof spec !== "object" || spec === null) return bad("there is no task to submit; give one");
      const { id, command, args = [], cwd = "", timeoutMs = 0, maxAttempts = 1, agent = "" } = request.task;
      if (id === undefined || id === "")
        return bad("the task has no id; give one of your own choice, so that a repeated submission is recognised");
      for (const [what, text] of Object.entries({ id, command, cwd, agent }))
        if (typeof text !== "string") return bad(`the task's ${what} is ${shownValue(text)}; give a text`);
      if (!Array.isArray(args) || args.some((arg) => typeof arg !== "string"))
        return bad("the task's arguments (args) are not a list of texts; give one text for each argument");
      if (agent !== "" && !members.members.includes(agent))
        return bad(
          `the task is for agent ${shownValue(agent)}, which is not in this swarm; it has ${members.members.join(", ")}`,
        );
      return task({ type: "submit", spec: { id, command, args, cwd, timeoutMs, maxAttempts, agent } });
    }
    case "cancelTask":
      if (typeof request.taskId !== "string") return bad(`the task's id is ${shownValue(request.taskId)}; give a text`);
      return task({ type: "cancel", id: request.taskId });
    case "propose": {
      if (members.voters.length === 0) return { ...bad("this agent does not know yet who votes"), elsewhere: true };
      const read = readProposal(request.proposal, members, PROPOSAL_DEFAULTS);
      if ("problem" in read) return bad(read.problem);
      const { spec } = read;
      return { kind: "propose", command: { on: "proposal", proposal: { type: "propose", spec } }, about: spec.id };
    }
    default:
      return bad(`${shownValue(request.op)} is no write`);
  }
}

/** Of who says nothing else; a swarm's own are filled in by whoever knows them. */
const PROPOSAL_DEFAULTS = {
  thresholdParts: Math.round(DEFAULT_THRESHOLD * THRESHOLD_PARTS),
  timeoutMs: DEFAULT_PROPOSAL_TIMEOUT_MS,
};

function memory(command: MemoryCommand): Asked | BadRequest {
  const { namespace, key } = command;
  if (typeof namespace !== "string") return bad(`the namespace is ${shownValue(namespace)}; give a text`);
  if (typeof key !== "string") return bad(`the key is ${shownValue(key)}; give a text`);
  if ("element" in command && typeof command.element !== "string")
    return bad(`the element is ${shownValue(command.element)}; give a text`);
  if ("value" in command && !(command.value instanceof Uint8Array))
    return bad(`the value is ${shownValue(command.value)}; give bytes`);
  const problem = checkMemoryCommand(command);
  if (problem !== undefined) return bad(problem);
  return { kind: "memory", command: { on: "memory", memory: command }, about: "" };
}

function task(command: TaskCommand & { readonly type: "submit" | "cancel" }): Asked | BadRequest {
  const problem = checkTaskCommand(command);
  if (problem !== undefined) return bad(problem);
  const about = command.type === "submit" ? command.spec.id : command.id;
  return { kind: command.type, command: { on: "task", task: command }, about };
}

const KINDS: ReadonlyMap<unknown, WriteKind> = new Map<WriteOperation, WriteKind>([
  ["put", "memory"],
  ["delete", "memory"],
  ["compareAndSet", "memory"],
  ["increment", "memory"],
  ["add", "memory"],
  ["remove", "memory"],
  ["submitTask", "submit"],
  ["cancelTask", "cancel"],
  ["propose", "propose"],
]);

function readOutcome(
  request: ClientRequest & { readonly op: "outcome" },
  timeoutMs: number,
): OutcomeRequest | BadRequest {
  const { of, session, sequence } = request;
  const kind = KINDS.get(of);
  if (kind === undefined) return bad(`${shownValue(of)} is no write; give the operation of the write in question`);
  if (typeof session !== "string") return bad(`the session is ${shownValue(session)}; give that of the write, a text`);
  const problem = sessionProblem(session);
  if (problem !== undefined) return bad(problem);
  if (!isWhole(sequence, 1, Number.MAX_SAFE_INTEGER))
    return bad(`the sequence of session ${session} is ${shownValue(sequence)}; give that of the write, from 1`);
  const about = readAbout(request, kind);
  if (typeof about !== "string") return about;
  return { type: "outcome", kind, session, sequence, about, timeoutMs };
}

/** The id of what a write of this kind is about; empty for memory. */
function readAbout(
  { taskId = "", proposalId = "" }: ClientRequest & { readonly op: "outcome" },
  kind: WriteKind,
): string | BadRequest {
  if (kind === "memory") return "";
  const [what, id, maxBytes] =
    kind === "propose"
      ? (["the proposal's id", proposalId, MAX_PROPOSAL_ID_BYTES] as const)
      : (["the task's id", taskId, MAX_TASK_ID_BYTES] as const);
  if (typeof id !== "string") return bad(`${what} is ${shownValue(id)}; give a text`);
  const problem = textProblem(what, id, { maxBytes, mayBeEmpty: false });
  return problem === undefined ? id : bad(problem);
}

function readQuery(
  request: ClientOperation & { readonly op: "get" | "list" | "tasks" | "proposals" | "proposal" },
  timeoutMs: number,
  ordered: boolean,
): ReadRequest | BadRequest {
  const { consistency = ordered ? "linearizable" : "local" } = request;
  if (consistency !== "linearizable" && consistency !== "local")
    return bad(`the consistency is ${shownValue(consistency)}; give "linearizable" or "local"`);
  const linearizable = consistency === "linearizable";
  if (request.op === "tasks" || request.op === "proposals") {
    const { op, before = "" } = request;
    const maxBytes = op === "tasks" ? MAX_TASK_ID_BYTES : MAX_PROPOSAL_ID_BYTES;
    if (typeof before !== "string") return bad(`give a ${op === "tasks" ? "task" : "proposal"}'s id as before`);
    const beforeProblem = textProblem("before", before, { maxBytes, mayBeEmpty: true });
    if (beforeProblem !== undefined) return bad(beforeProblem);
    return { type: "read", query: { type: op, before }, linearizable, timeoutMs };
  }
  if (request.op === "proposal") {
    const { proposalId: id } = request;
    if (typeof id !== "string") return bad(`the proposal's id is ${shownValue(id)}; give a text`);
    const idProblem = textProblem("the proposal's id", id, { maxBytes: MAX_PROPOSAL_ID_BYTES, mayBeEmpty: false });
    if (idProblem !== undefined) return bad(idProblem);
    return { type: "read", query: { type: "proposal", id }, linearizable, timeoutMs };
  }
  const { namespace } = request;
  const problem = typeof namespace === "string" ? nameProblem("the namespace", namespace) : "give a text as namespace";
  if (problem !== undefined) return bad(problem);
  if (request.op === "get") {
    const { key } = request;
    const keyProblem =
      typeof key === "string"
        ? textProblem("the key", key, { maxBytes: MAX_KEY_BYTES, mayBeEmpty: false })
        : "give a text as key";
    if (keyProblem !== undefined) return bad(keyProblem);
    return { type: "read", query: { type: "get", namespace, key }, linearizable, timeoutMs };
  }
  const { prefix = "", limit = DEFAULT_LIST_LIMIT, after = "" } = request;
  for (const [name, part] of [
    ["prefix", prefix],
    ["after", after],
  ] as const) {
    if (typeof part !== "string") return bad(`give a text as ${name}`);
    const partProblem = textProblem(name, part, { maxBytes: MAX_KEY_BYTES, mayBeEmpty: true });
    if (partProblem !== undefined) return bad(partProblem);
  }
  if (!isWhole(limit, 1, MAX_LIST_LIMIT))
    return bad(`the limit is ${shownValue(limit)}; give a whole number from 1 to ${MAX_LIST_LIMIT}`);
  return { type: "read", query: { type: "list", namespace, prefix, limit, after }, linearizable, timeoutMs };
}

function nameProblem(what: string, text: string): string | undefined {
  return textProblem(what, text, { maxBytes: MAX_NAMESPACE_BYTES, mayBeEmpty: false });
}

/** A NUL at the beginning is what tells agents' own sessions from clients'. */
function sessionProblem(session: string): string | undefined {
  if (session.includes("\0")) return "the session contains a NUL character; remove it";
  return textProblem("the session", session, { maxBytes: MAX_SESSION_BYTES, mayBeEmpty: false });
}

function bad(problem: string): BadRequest {
  return { type: "bad", problem };
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}
