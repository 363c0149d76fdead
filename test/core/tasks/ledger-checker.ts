import assert from "node:assert/strict";
import type { TaskLedger } from "../../../server/core/tasks/ledger.ts";
import type { Task, TaskCommand, TaskObservation, TaskResult } from "../../../server/core/tasks/types.ts";
import { outcome, type Step, spec, type TimedStep } from "./arbitraries.ts";

export type Subject = Pick<
  TaskLedger,
  "apply" | "clock" | "takeObservations" | "get" | "list" | "leasedTo" | "deadlineMs"
> & {
  pending(): Iterable<Task>;
};

interface Lease {
  readonly agent: string;
  readonly token: number;
  untilMs: number;
}

/**
 * Lives one life of a ledger and checks its promises from outside: what it answers and tells is all that is used, with the plainest account of leases
 * kept beside it. @throws AssertionError naming the promise.
 */
export function assertKeepsPromises(ledger: Subject, life: readonly TimedStep[]): void {
  const granted = new Map<string, number[]>();
  const leases = new Map<string, Lease>();
  const finished = new Map<string, { readonly index: number }>();
  let timeMs = 1000;
  let index = 0;
  for (const [step, laterMs] of life) {
    timeMs += laterMs;
    index++;
    for (const [id, lease] of leases) if (lease.untilMs <= timeMs) leases.delete(id);
    const command = commandOf(step, granted);
    let result: TaskResult | undefined;
    if (command === undefined) ledger.clock(timeMs);
    else result = ledger.apply(command, index, timeMs);
    if (command !== undefined && result?.type === "accepted") account(command, index, timeMs, ledger, leases, granted);
    for (const observation of ledger.takeObservations()) countFinish(observation, index, finished);
    for (const task of ledger.list()) checkTask(task, leases.get(task.spec.id), finished.get(task.spec.id));
    checkQueues(ledger, leases);
  }
}

function commandOf(step: Step, granted: ReadonlyMap<string, readonly number[]>): TaskCommand | undefined {
  if (step.do === "clock") return undefined;
  const { id } = step;
  const token = "ago" in step ? (granted.get(id)?.at(-1 - step.ago) ?? 999) : 0;
  switch (step.do) {
    case "submit":
      return { type: "submit", spec: spec(id, { maxAttempts: step.maxAttempts, agent: step.agent }) };
    case "assign":
      return { type: "assign", id, agent: step.agent, leaseMs: step.leaseMs };
    case "renew":
      return { type: "renew", id, token, leaseMs: 20 };
    case "revoke":
      return { type: "revoke", id, token, reason: "a1 failed" };
    case "complete":
      return { type: "complete", id, token, outcome: outcome(step.exitCode) };
    case "cancel":
      return { type: "cancel", id };
  }
}

/** What an accepted command does to leases, and whether it might be accepted at all. */
function account(
  command: TaskCommand,
  index: number,
  timeMs: number,
  ledger: Subject,
  leases: Map<string, Lease>,
  granted: Map<string, number[]>,
): void {
  if (command.type === "submit") return;
  const { id } = command;
  const lease = leases.get(id);
  switch (command.type) {
    case "assign": {
      assert.equal(lease, undefined, "one holder at a time");
      const pinned = ledger.get(id)?.spec.agent ?? "";
      assert.ok(pinned === "" || pinned === command.agent, "a task that names its agent runs there");
      leases.set(id, { agent: command.agent, token: index, untilMs: timeMs + command.leaseMs });
      granted.set(id, [...(granted.get(id) ?? []), index]);
      return;
    }
    case "renew":
      assert.equal(lease?.token, command.token, "only the present lease is renewed");
      lease.untilMs = Math.max(lease.untilMs, timeMs + command.leaseMs);
      return;
    case "revoke":
    case "complete":
      assert.equal(lease?.token, command.token, `only the present lease's token can ${command.type}`);
      leases.delete(id);
      return;
    case "cancel":
      leases.delete(id);
      return;
  }
}

function countFinish(
  observation: TaskObservation,
  index: number,
  finished: Map<string, { readonly index: number }>,
): void {
  if (observation.type !== "taskFinished") return;
  assert.equal(finished.get(observation.id), undefined, "exactly one entry finishes a task");
  finished.set(observation.id, { index });
}

function checkTask(task: Task, lease: Lease | undefined, finish: { readonly index: number } | undefined): void {
  const { id, maxAttempts } = task.spec;
  const final = task.state !== "pending" && task.state !== "leased";
  assert.equal(final, finish !== undefined, `${id}: a finish is told, and told only when it is one`);
  assert.equal(task.finishedIndex, finish?.index ?? 0, `${id}: the finishing entry never changes`);
  assert.equal(task.state === "leased", lease !== undefined, `${id}: leased exactly while a lease runs`);
  if (lease !== undefined)
    assert.deepEqual(
      [task.assignee, task.token, task.leaseUntilMs],
      [lease.agent, lease.token, lease.untilMs],
      `${id}: the lease is as it was granted`,
    );
  assert.ok(task.failures <= maxAttempts && (task.failures < maxAttempts || final), `${id}: no run beyond maxAttempts`);
  if (task.state === "failed")
    assert.equal(task.failures, maxAttempts, `${id}: failed only when all attempts are used`);
  if (task.state === "completed") assert.equal(task.outcome?.exitCode, 0, `${id}: completed only by success`);
}

function checkQueues(ledger: Subject, leases: ReadonlyMap<string, Lease>): void {
  const tasks = ledger.list();
  const waiting = tasks.filter(({ state }) => state === "pending");
  assert.deepEqual([...ledger.pending()], waiting, "pending tasks wait in the order of submission");
  for (const agent of ["a1", "a2"]) {
    const held = tasks.filter((task) => task.state === "leased" && task.assignee === agent);
    assert.deepEqual(
      ledger.leasedTo(agent),
      held.sort((a, b) => a.token - b.token),
      "leasedTo tells who holds what",
    );
  }
  const ends = [...leases.values()].map(({ untilMs }) => untilMs);
  assert.equal(ledger.deadlineMs(), Math.min(...ends), "the deadline is the earliest end of a lease");
}
