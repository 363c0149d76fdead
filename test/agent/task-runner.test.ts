import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { TaskRunner } from "../../server/agent/task-runner.ts";
import { TaskLedger } from "../../server/core/tasks/ledger.ts";

const LEASE_MS = 500;
const SPEC = { id: "t1", command: "sleep", args: ["9"], cwd: "", timeoutMs: 0, maxAttempts: 1, agent: "" };

describe("task runner", () => {
  for (const aheadMs of [0, 200, 350, 450])
    it(`renews in time a lease that a leader with a clock ${aheadMs} ms behind granted`, () => {
      const ledger = new TaskLedger();
      ledger.apply({ type: "submit", spec: SPEC }, 1, 1000);
      ledger.apply({ type: "assign", id: "t1", agent: "a1", leaseMs: LEASE_MS }, 2, 1000);
      const started: number[] = [];
      const stopped: number[] = [];
      const extended: [number, number][] = [];
      const executor = {
        start: (_: unknown, token: number) => void started.push(token),
        extend: (_: string, token: number, untilMs: number) => void extended.push([token, untilMs]),
        stop: (_: string, token: number) => void stopped.push(token),
      };
      const config = { self: "a1", leaseMs: LEASE_MS, retryMs: 1000, recoveredIndex: () => 0 };
      const runner = new TaskRunner(config, executor, () => "event");
      const now = 1000 + aheadMs;
      runner.ledgerChanged(ledger, now, undefined);
      const dueMs = runner.deadline(true);
      runner.expire(dueMs);
      const commands = runner.takeCommands(dueMs);
      deepEqual([started, stopped], [[2], []]);
      deepEqual(
        commands.map(({ type }) => type),
        ["renew"],
      );
      ok(dueMs < 1000 + LEASE_MS, "while it holds the lease by its own clock");
      ledger.apply(commands[0] as (typeof commands)[0], 3, dueMs - aheadMs);
      runner.renewed({ type: "renewed", id: "t1", token: 2 });
      runner.ledgerChanged(ledger, dueMs + 5, undefined);
      deepEqual(extended, [
        [2, 1000 + LEASE_MS],
        [2, dueMs + LEASE_MS],
      ]);
      equal(runner.deadline(false), dueMs + LEASE_MS, "a renewal counts from when it was proposed");
    });

  it("gives a lease back that its world found over: that is no attempt of the task", () => {
    const ledger = new TaskLedger();
    ledger.apply({ type: "submit", spec: SPEC }, 1, 1000);
    ledger.apply({ type: "assign", id: "t1", agent: "a1", leaseMs: LEASE_MS }, 2, 1000);
    const executor = { start: () => {}, extend: () => {}, stop: () => {} };
    const config = { self: "a1", leaseMs: LEASE_MS, retryMs: 1000, recoveredIndex: () => 0 };
    const runner = new TaskRunner(config, executor, () => "event");
    runner.ledgerChanged(ledger, 1000, undefined);
    const outcome = { exitCode: null, signal: "SIGKILL", error: "", outputTail: "", durationMs: 9 };
    runner.ended({ taskId: "t1", token: 2, outcome, leaseOver: true }, 1490);
    const [command] = runner.takeCommands(1490);
    deepEqual(command, { type: "revoke", id: "t1", token: 2, reason: "its holder could not renew it in time" });
    equal(runner.running, 0);
  });
});
