import type { ClientErrorCode, ClientResult, ItemInfo } from "../contract/client.ts";
import type { TaskInfo } from "../contract/swarm.ts";
import { unreachable } from "../core/invariant.ts";
import type { MemoryItem } from "../core/memory/types.ts";
import type { TaskLedger } from "../core/tasks/ledger.ts";
import type { Task } from "../core/tasks/types.ts";
import type { Machine } from "./machine.ts";
import { MAX_ANSWER_SIZE, page } from "./pages.ts";
import { proposalAnswer, proposalBytes, proposalsAnswer } from "./proposal-answers.ts";
import type { Query, WriteRequest } from "./requests.ts";
import type { MachineResult, Refusal } from "./results.ts";

/** What a task's or item's fields take besides their text, at most: names, ids, numbers. */
const FIELDS_SIZE = 640;

/** Bytes that an answer takes in a client's frame, at most; counted without encoding it. */
export function answerBytes(result: ClientResult): number {
  if (!result.ok) return FIELDS_SIZE + result.message.length * 3;
  const { value } = result;
  switch (value.type) {
    case "item":
      return FIELDS_SIZE + (value.item === null ? 0 : itemBytes(value.item));
    case "items":
      return value.items.reduce((bytes, item) => bytes + itemBytes(item), FIELDS_SIZE);
    case "tasks":
      return value.tasks.reduce((bytes, task) => bytes + FIELDS_SIZE + taskCharacters(task) * 3, FIELDS_SIZE);
    case "proposals":
      return value.proposals.reduce((bytes, proposal) => bytes + proposalBytes(proposal), FIELDS_SIZE);
    case "proposal":
      return FIELDS_SIZE + (value.proposal === null ? 0 : proposalBytes(value.proposal));
    case "aggregate":
      return FIELDS_SIZE * 2 + value.aggregate.missing.reduce((bytes, id) => bytes + id.length * 3 + 5, 0);
    case "report": {
      const { links, members, decisionLatenciesMs } = value.report;
      return 2048 + links.length * FIELDS_SIZE + members.length * FIELDS_SIZE + decisionLatenciesMs.length * 9;
    }
    default:
      return FIELDS_SIZE * 2;
  }
}

function itemBytes({ namespace, key, value }: ItemInfo): number {
  return FIELDS_SIZE + value.length + (namespace.length + key.length) * 3;
}

function taskCharacters({ command, cwd, outputTail, error, args }: TaskInfo): number {
  // Five bytes say how long an argument is.
  return (
    command.length + cwd.length + outputTail.length + error.length + args.reduce((sum, arg) => sum + arg.length + 2, 0)
  );
}

export function failure(code: ClientErrorCode, message: string): ClientResult {
  return { ok: false, code, message };
}

/** What a client's write gave. */
export function writeAnswer(
  result: MachineResult,
  { kind, about }: Pick<WriteRequest, "kind" | "about">,
): ClientResult {
  switch (result.type) {
    case "written":
    case "deleted":
    case "conflict":
    case "counted":
    case "added":
    case "removed":
      return { ok: true, value: result };
    case "accepted":
      if (kind === "cancel") return { ok: true, value: { type: "done" } };
      return { ok: true, value: { type: "task", taskId: about, created: result.created } };
    case "proposed":
      return { ok: true, value: { type: "proposed", proposalId: about, created: result.created } };
    case "voted":
      return { ok: true, value: { type: "done" } };
    case "refused":
      return failure("refused", refusal(result.reason, about));
    case "sessionExpired":
      return failure(
        "sessionExpired",
        "the session was forgotten, or this write of it was answered before; begin a new session, and read first if a second application would do harm",
      );
    default:
      return unreachable(result, "result");
  }
}

function refusal(reason: Refusal, about: string): string {
  switch (reason) {
    case "unknownTask":
      return `there is no task ${about}; list the tasks to see those that are known`;
    case "finished":
      return `task ${about} is finished already`;
    case "idTaken":
      return `there is another task ${about}; choose another id`;
    case "ledgerFull":
      return "the swarm keeps as many unfinished tasks as it can; wait until some are finished, or cancel some";
    case "notPending":
    case "staleToken":
    case "wrongAgent":
      return `task ${about} has moved on meanwhile (${reason})`;
    case "proposalIdTaken":
      return `there is another proposal ${about}; choose another id`;
    case "tooManyProposals":
      return "as many proposals are open as the swarm keeps; wait until some are decided";
    case "unknownProposal":
      return `there is no proposal ${about}; list the proposals to see those that are known`;
    case "decided":
      return `proposal ${about} is decided already`;
    case "stranger":
    case "votedAlready":
    case "badSignature":
      return `the vote on proposal ${about} does not count (${reason})`;
    case "eventualOnly":
      return "counters and sets are of an eventual memory; use memory: eventual or consensus: gossip for them";
    default:
      return unreachable(reason, "refusal");
  }
}

/** @param timeMs hides items that have expired by then. */
export function queryAnswer(query: Query, machine: Machine, timeMs: number): ClientResult {
  switch (query.type) {
    case "get": {
      const item = machine.memory.get(query.namespace, query.key, timeMs);
      return { ok: true, value: { type: "item", item: item === undefined ? null : itemInfo(item) } };
    }
    case "list": {
      const items: ItemInfo[] = [];
      let size = 0;
      for (const item of machine.memory.items(query.namespace, query.prefix, query.after, timeMs)) {
        size += item.value.length + item.key.length * 3 + FIELDS_SIZE;
        if (items.length === query.limit || (size > MAX_ANSWER_SIZE && items.length > 0))
          return { ok: true, value: { type: "items", items, more: true } };
        items.push(itemInfo(item));
      }
      return { ok: true, value: { type: "items", items, more: false } };
    }
    case "tasks":
      return tasksAnswer(machine.tasks, query.before);
    case "proposals":
      return proposalsAnswer(machine.proposals, query.before);
    case "proposal":
      return proposalAnswer(machine.proposals, query.id);
    default:
      return unreachable(query, "query");
  }
}

function itemInfo({ namespace, key, value, version, expiresAtMs, type }: MemoryItem): ItemInfo {
  return { namespace, key, value, version, expiresAtMs, ...(type && { type }) };
}

/** In the order of submission. When they are too many for one answer, the oldest are left out, and `more` says so. @param before only older ones */
function tasksAnswer(ledger: TaskLedger, before: string): ClientResult {
  const size = (info: TaskInfo): number => FIELDS_SIZE + taskCharacters(info);
  const listed = page(ledger.list(), before, ({ spec }) => spec.id, taskInfo, size);
  if (listed === undefined)
    return failure("refused", `there is no task ${before} any more; list the tasks from the newest again`);
  const { infos: tasks, more } = listed;
  return { ok: true, value: { type: "tasks", tasks, ...(more && { more }) } };
}

function taskInfo(task: Task): TaskInfo {
  const { spec, outcome } = task;
  const finished = task.finishedIndex > 0;
  return {
    id: spec.id,
    command: spec.command,
    args: spec.args,
    cwd: spec.cwd,
    state: task.state,
    agent: task.assignee,
    token: task.token,
    leases: task.leases,
    failures: task.failures,
    maxAttempts: spec.maxAttempts,
    submittedAtMs: task.submittedAtMs,
    finishedAtMs: finished ? task.finishedAtMs : null,
    exitCode: outcome?.exitCode ?? null,
    signal: outcome?.signal ?? "",
    error: outcome?.error ?? "",
    outputTail: outcome?.outputTail ?? "",
    durationMs: outcome?.durationMs ?? null,
    finishedIndex: finished ? task.finishedIndex : null,
  };
}
