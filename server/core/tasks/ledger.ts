import { ByteReader, joinBytes } from "../bytes.ts";
import type { AgentId, StateMachine } from "../consensus.ts";
import { DeadlineQueue } from "../deadlines.ts";
import { invariant, unreachable } from "../invariant.ts";
import { succeeded } from "./limits.ts";
import { PendingTasks } from "./pending.ts";
import { ledgerPieces, readLedger } from "./snapshot.ts";
import type { Task, TaskCommand, TaskObservation, TaskOutcome, TaskResult, TaskSpec } from "./types.ts";

/** Tasks kept in all; a submission beyond it is refused with "ledgerFull". */
export const MAX_TASKS = 100_000;
/** Finished tasks kept; beyond it the one that finished first is forgotten, and its id with it. */
export const MAX_FINISHED_TASKS = 10_000;
/** Text (UTF-16 code units) that finished tasks may hold together; beyond it the one that finished first is forgotten. */
export const MAX_FINISHED_TEXT = 32 * 1024 * 1024;
/** The same for tasks not yet finished; a submission beyond it is refused with "ledgerFull". */
export const MAX_OPEN_TEXT = 64 * 1024 * 1024;

/**
 * Who runs what, until when, and how it ended: a replicated state machine (see README.md here for the life of a task and what fencing means).
 *
 * Invariant: the outcome of a task is recorded by exactly one entry, and only from the holder of its present lease. It holds for as long as the ledger
 * remembers the task: finished ones are forgotten oldest first beyond MAX_FINISHED_TASKS or MAX_FINISHED_TEXT, the same at every replica.
 */
export class TaskLedger implements StateMachine<TaskCommand, TaskResult> {
  /** By id, in the order of submission. */
  #tasks = new Map<string, Task>();
  /** Index of the entry that submitted each. */
  #orders = new Map<string, number>();
  #pending = new PendingTasks();
  #leaseEnds = new DeadlineQueue<string>();
  #held = new Map<AgentId, Set<string>>();
  /** Ids in the order in which they finished. */
  #finished = new Set<string>();
  #finishedText = 0;
  #openText = 0;
  #timeMs = 0;
  #lastIndex = 0;
  #observations: TaskObservation[] = [];

  get size(): number {
    return this.#tasks.size;
  }

  /** Time (ms) of the last entry applied. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** @throws InvariantViolation when the index does not rise or the time runs backwards. */
  apply(command: TaskCommand, index: number, timeMs: number): TaskResult {
    invariant(
      index > this.#lastIndex,
      `tasks: entries are applied in rising order (${index} after ${this.#lastIndex})`,
    );
    // First what fell due: a holder whose lease lapsed before this entry has lost it, however close the entry came.
    this.clock(timeMs);
    this.#lastIndex = index;
    if (command.type === "submit") return this.#submit(command.spec, index);
    const task = this.#tasks.get(command.id);
    if (command.type === "complete") return this.#complete(task, command.id, command.token, command.outcome, index);
    if (task === undefined) return { type: "refused", reason: "unknownTask" };
    if (isFinal(task)) return { type: "refused", reason: "finished" };
    switch (command.type) {
      case "assign":
        return this.#assign(task, command.agent, command.leaseMs, index);
      case "renew":
        if (!holds(task, command.token)) return { type: "refused", reason: "staleToken" };
        this.#lease(task, { ...task, leaseUntilMs: Math.max(task.leaseUntilMs, this.#timeMs + command.leaseMs) });
        return accepted(command.token);
      case "revoke":
        if (!holds(task, command.token)) return { type: "refused", reason: "staleToken" };
        this.#observeLost(task, "revoked", command.reason);
        this.#release(task, task.failures);
        return accepted(command.token);
      case "cancel":
        if (task.state === "leased") this.#observeLost(task, "cancelled", "");
        this.#finish(task, "cancelled", null, index);
        return accepted(task.token);
      default:
        return unreachable(command, "task command");
    }
  }

  /**
   * Time passes without a command: leases that ended by then are lost, and their tasks pending again.
   * @throws InvariantViolation when it runs backwards.
   */
  clock(timeMs: number): void {
    invariant(timeMs >= this.#timeMs, `tasks: entry time never runs backwards (${timeMs} after ${this.#timeMs})`);
    this.#timeMs = timeMs;
    for (let id = this.#leaseEnds.takeDue(timeMs); id !== undefined; id = this.#leaseEnds.takeDue(timeMs)) {
      const task = this.#tasks.get(id);
      invariant(task?.state === "leased", "tasks: only leased tasks have a lease that ends");
      this.#observeLost(task, "expired", "");
      this.#release(task, task.failures);
    }
  }

  deadlineMs(): number {
    return this.#leaseEnds.earliestMs();
  }

  /** What changed since the last call, in order. Not part of the replicated state. */
  takeObservations(): TaskObservation[] {
    const taken = this.#observations;
    this.#observations = [];
    return taken;
  }

  get(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** All that are kept, in the order of submission. */
  list(): Task[] {
    return [...this.#tasks.values()];
  }

  /** In the order of submission, also those that have been leased before. Finished and leased tasks are not looked at. Valid until the next apply. */
  *pending(): IterableIterator<Task> {
    for (const id of this.#pending.ids()) yield this.#tasks.get(id) as Task;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Those pending and those leased. */
  get openCount(): number {
    return this.#pending.size + this.#leaseEnds.size;
  }

  /** Who holds leases. */
  holders(): AgentId[] {
    return [...this.#held.keys()];
  }

  /** What an agent holds a lease of, longest held first. */
  leasedTo(agent: AgentId): Task[] {
    const ids = this.#held.get(agent);
    const tasks: Task[] = [];
    if (ids !== undefined) for (const id of ids) tasks.push(this.#tasks.get(id) as Task);
    return tasks;
  }

  /** All leased tasks, by holder, longest held first. */
  leased(): Task[] {
    return [...this.#held.keys()].sort().flatMap((agent) => this.leasedTo(agent));
  }

  snapshot(): Uint8Array {
    return joinBytes([...this.snapshotPieces()]);
  }

  /** What `snapshot` gives at this moment, in pieces that are made as they are asked for; the ledger may change meanwhile. */
  snapshotPieces(): Iterable<Uint8Array> {
    const submissions = Array.from(this.#tasks.values(), (task) => ({ task, order: this.#orderOf(task) }));
    return ledgerPieces(this.#timeMs, submissions);
  }

  /** Observations not yet taken are dropped. @throws MalformedBytes unless it is exactly what `snapshot` writes; nothing has changed then. */
  restore(snapshot: Uint8Array): void {
    const { timeMs, submissions } = readLedger(new ByteReader(snapshot), MAX_TASKS);
    this.#tasks = new Map();
    this.#orders = new Map();
    this.#pending = new PendingTasks();
    this.#leaseEnds = new DeadlineQueue();
    this.#held = new Map();
    this.#finished = new Set();
    this.#finishedText = 0;
    this.#openText = 0;
    this.#timeMs = timeMs;
    this.#lastIndex = 0;
    this.#observations = [];
    for (const { task, order } of submissions) {
      this.#tasks.set(task.spec.id, task);
      this.#orders.set(task.spec.id, order);
      this.#lastIndex = Math.max(this.#lastIndex, order, task.token, task.finishedIndex);
      if (isFinal(task)) this.#finishedText += textOf(task);
      else this.#openText += textOf(task);
      if (task.state === "pending") this.#pending.add(task.spec.id, order);
    }
    const tasks = submissions.map(({ task }) => task);
    for (const task of tasks.filter((one) => one.state === "leased").sort((a, b) => a.token - b.token))
      this.#lease(task, task);
    for (const task of tasks.filter(isFinal).sort((a, b) => a.finishedIndex - b.finishedIndex))
      this.#finished.add(task.spec.id);
  }

  #submit(spec: TaskSpec, index: number): TaskResult {
    const known = this.#tasks.get(spec.id);
    if (known !== undefined) {
      if (!sameSpec(known.spec, spec)) return { type: "refused", reason: "idTaken" };
      return { type: "accepted", created: false, token: known.token };
    }
    const task: Task = {
      spec,
      state: "pending",
      assignee: "",
      token: 0,
      leaseUntilMs: 0,
      leases: 0,
      failures: 0,
      outcome: null,
      submittedAtMs: this.#timeMs,
      finishedAtMs: 0,
      finishedIndex: 0,
    };
    if (this.#tasks.size >= MAX_TASKS || this.#openText + textOf(task) > MAX_OPEN_TEXT)
      return { type: "refused", reason: "ledgerFull" };
    this.#openText += textOf(task);
    this.#tasks.set(spec.id, task);
    this.#orders.set(spec.id, index);
    this.#pending.add(spec.id, index);
    this.#observations.push({ type: "taskSubmitted", id: spec.id });
    return { type: "accepted", created: true, token: 0 };
  }

  #assign(task: Task, agent: AgentId, leaseMs: number, index: number): TaskResult {
    if (task.state !== "pending") return { type: "refused", reason: "notPending" };
    if (task.spec.agent !== "" && task.spec.agent !== agent) return { type: "refused", reason: "wrongAgent" };
    const leaseUntilMs = this.#timeMs + leaseMs;
    this.#pending.delete(task.spec.id, this.#orderOf(task));
    this.#lease(task, {
      ...task,
      state: "leased",
      assignee: agent,
      token: index,
      leaseUntilMs,
      leases: task.leases + 1,
    });
    this.#observations.push({ type: "taskLeased", id: task.spec.id, agent, token: index, untilMs: leaseUntilMs });
    return accepted(index);
  }

  #complete(task: Task | undefined, id: string, token: number, outcome: TaskOutcome, index: number): TaskResult {
    if (task === undefined || !holds(task, token)) {
      this.#observations.push({ type: "taskCompletionRefused", id, token });
      const reason = task === undefined ? "unknownTask" : isFinal(task) ? "finished" : "staleToken";
      return { type: "refused", reason };
    }
    if (succeeded(outcome)) {
      this.#finish(task, "completed", outcome, index);
      return accepted(token);
    }
    const failures = task.failures + 1;
    if (failures >= task.spec.maxAttempts) {
      this.#finish({ ...task, failures }, "failed", outcome, index);
      return accepted(token);
    }
    this.#observations.push({ type: "taskRetried", id, agent: task.assignee, failures });
    this.#release(task, failures);
    return accepted(token);
  }

  /** The lease begins, or its end moves. */
  #lease(before: Task, leased: Task): void {
    const { id } = before.spec;
    this.#tasks.set(id, leased);
    this.#leaseEnds.set(id, leased.leaseUntilMs, leased.token);
    let held = this.#held.get(leased.assignee);
    if (held === undefined) {
      held = new Set();
      this.#held.set(leased.assignee, held);
    }
    held.add(id);
  }

  /** The lease is over and the task pending again, where it was in the queue. */
  #release(task: Task, failures: number): void {
    this.#endLease(task);
    this.#tasks.set(task.spec.id, { ...task, state: "pending", assignee: "", leaseUntilMs: 0, failures });
    this.#pending.add(task.spec.id, this.#orderOf(task));
  }

  #endLease(task: Task): void {
    const held = this.#held.get(task.assignee);
    invariant(held?.delete(task.spec.id) === true, "tasks: a leased task is held by its assignee");
    if (held.size === 0) this.#held.delete(task.assignee);
    this.#leaseEnds.delete(task.spec.id);
  }

  #finish(task: Task, state: "completed" | "failed" | "cancelled", outcome: TaskOutcome | null, index: number): void {
    const { id } = task.spec;
    invariant(!isFinal(task) && task.finishedIndex === 0, `tasks: exactly one entry finishes a task (${id})`);
    invariant(!this.#finished.has(id), `tasks: exactly one entry finishes a task (${id})`);
    if (task.state === "leased") this.#endLease(task);
    else this.#pending.delete(id, this.#orderOf(task));
    const finished: Task = {
      ...task,
      state,
      leaseUntilMs: 0,
      outcome,
      finishedAtMs: this.#timeMs,
      finishedIndex: index,
    };
    this.#openText -= textOf(task);
    this.#finishedText += textOf(finished);
    this.#tasks.set(id, finished);
    this.#finished.add(id);
    this.#observations.push({ type: "taskFinished", id, agent: task.assignee, state, token: task.token });
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const id of this.#finished) {
      if (this.#finished.size <= MAX_FINISHED_TASKS && this.#finishedText <= MAX_FINISHED_TEXT) return;
      this.#finishedText -= textOf(this.#tasks.get(id) as Task);
      this.#finished.delete(id);
      this.#tasks.delete(id);
      this.#orders.delete(id);
    }
  }

  #orderOf(task: Task): number {
    const order = this.#orders.get(task.spec.id);
    invariant(order !== undefined, "tasks: every task kept has its place in the order of submission");
    return order;
  }

  #observeLost(task: Task, reason: "revoked" | "expired" | "cancelled", detail: string): void {
    const { assignee: agent, token } = task;
    this.#observations.push({ type: "taskLeaseLost", id: task.spec.id, agent, token, reason, detail });
  }
}

function isFinal(task: Task): boolean {
  return task.state === "completed" || task.state === "failed" || task.state === "cancelled";
}

function holds(task: Task, token: number): boolean {
  return task.state === "leased" && task.token === token;
}

function accepted(token: number): TaskResult {
  return { type: "accepted", created: false, token };
}

function sameSpec(a: TaskSpec, b: TaskSpec): boolean {
  return (
    a.command === b.command &&
    a.args.length === b.args.length &&
    a.args.every((arg, at) => arg === b.args[at]) &&
    a.cwd === b.cwd &&
    a.timeoutMs === b.timeoutMs &&
    a.maxAttempts === b.maxAttempts &&
    a.agent === b.agent
  );
}

/** What the text of a task takes, in code units. */
function textOf({ spec, outcome }: Task): number {
  let text = spec.id.length + spec.command.length + spec.cwd.length + spec.agent.length;
  for (const arg of spec.args) text += arg.length;
  if (outcome !== null) text += outcome.signal.length + outcome.error.length + outcome.outputTail.length;
  return text;
}
