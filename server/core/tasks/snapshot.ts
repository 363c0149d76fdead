import { type ByteReader, ByteWriter, MalformedBytes, writePieces } from "../bytes.ts";
import { readTaskOutcome, readTaskSpec, writeTaskOutcome, writeTaskSpec } from "./codec.ts";
import { checkTaskOutcome, checkTaskSpec, MAX_AGENT_ID_BYTES } from "./limits.ts";
import type { Task, TaskState } from "./types.ts";

const SNAPSHOT_FORMAT = 1;
const STATES: readonly TaskState[] = ["pending", "leased", "completed", "failed", "cancelled"];

/** A task and the index of the entry that submitted it. */
export interface Submission {
  readonly task: Task;
  readonly order: number;
}

export interface LedgerState {
  readonly timeMs: number;
  /** In the order of submission. */
  readonly submissions: readonly Submission[];
}

/** @param submissions in the order of submission, so that equal ledgers give equal bytes. */
export function ledgerPieces(timeMs: number, submissions: readonly Submission[]): Iterable<Uint8Array> {
  const writer = new ByteWriter();
  writer.byte(SNAPSHOT_FORMAT);
  writer.varint(timeMs);
  writer.varint(submissions.length);
  return writePieces(writer, submissions, ({ task, order }) => {
    writer.varint(order);
    writeTaskSpec(writer, task.spec);
    writer.byte(STATES.indexOf(task.state));
    writer.text(task.assignee);
    writer.varint(task.token);
    writer.varint(task.leaseUntilMs);
    writer.varint(task.leases);
    writer.varint(task.failures);
    writer.boolean(task.outcome !== null);
    if (task.outcome !== null) writeTaskOutcome(writer, task.outcome);
    writer.varint(task.submittedAtMs);
    writer.varint(task.finishedAtMs);
    writer.varint(task.finishedIndex);
  });
}

/** @throws MalformedBytes also when the tasks contradict themselves or each other. */
export function readLedger(reader: ByteReader, maxTasks: number): LedgerState {
  if (reader.byte() !== SNAPSHOT_FORMAT) throw new MalformedBytes("not a task ledger snapshot of this format");
  const timeMs = reader.varint();
  const submissions: Submission[] = [];
  const ids = new Set<string>();
  const tokens = new Set<number>();
  const finishes = new Set<number>();
  let lastOrder = 0;
  for (let left = reader.count(maxTasks); left > 0; left--) {
    const order = reader.varint();
    if (order <= lastOrder) throw new MalformedBytes("tasks not in the order of submission");
    lastOrder = order;
    const task = readTask(reader);
    requireUnused(ids, task.spec.id, "id");
    if (task.token !== 0) requireUnused(tokens, task.token, "token");
    if (task.finishedIndex !== 0) requireUnused(finishes, task.finishedIndex, "finishing entry");
    if (task.state === "leased" && task.leaseUntilMs <= timeMs)
      throw new MalformedBytes("holds a lease that has ended");
    submissions.push({ task, order });
  }
  reader.end();
  return { timeMs, submissions };
}

function readTask(reader: ByteReader): Task {
  const spec = readTaskSpec(reader);
  const state = STATES[reader.byte()];
  if (state === undefined) throw new MalformedBytes("unknown task state");
  const task: Task = {
    spec,
    state,
    assignee: reader.text(MAX_AGENT_ID_BYTES),
    token: reader.varint(),
    leaseUntilMs: reader.varint(),
    leases: reader.varint(),
    failures: reader.varint(),
    outcome: reader.boolean() ? readTaskOutcome(reader) : null,
    submittedAtMs: reader.varint(),
    finishedAtMs: reader.varint(),
    finishedIndex: reader.varint(),
  };
  const problem = checkTaskSpec(spec) ?? (task.outcome === null ? undefined : checkTaskOutcome(task.outcome));
  if (problem !== undefined) throw new MalformedBytes(problem);
  const leased = state === "leased";
  const final = state !== "pending" && !leased;
  if (leased !== task.leaseUntilMs > 0 || (leased && (task.assignee === "" || task.token === 0)))
    throw new MalformedBytes("a lease that contradicts the task's state");
  if (final !== task.finishedIndex > 0 || (task.outcome !== null) !== (state === "completed" || state === "failed"))
    throw new MalformedBytes("an outcome that contradicts the task's state");
  return task;
}

function requireUnused<T>(used: Set<T>, value: T, what: string): void {
  if (used.has(value)) throw new MalformedBytes(`two tasks with the same ${what}`);
  used.add(value);
}
