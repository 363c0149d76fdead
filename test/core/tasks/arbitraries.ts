import fc from "fast-check";
import { MAX_ATTEMPTS, MAX_LEASE_MS, MAX_TIMEOUT_MS } from "../../../server/core/tasks/limits.ts";
import type { TaskCommand, TaskOutcome, TaskSpec } from "../../../server/core/tasks/types.ts";
import { textOf } from "../codec-properties.ts";

const printable = (maxLength: number, minLength = 0) =>
  textOf(maxLength, minLength).map((text) => text.replaceAll("\0", "-"));

export const anySpec: fc.Arbitrary<TaskSpec> = fc.record({
  id: textOf(20, 1),
  command: printable(20, 1),
  args: fc.array(printable(10), { maxLength: 5 }),
  cwd: fc.constantFrom("", "src", "a/b", "ü"),
  timeoutMs: fc.nat(MAX_TIMEOUT_MS),
  maxAttempts: fc.integer({ min: 1, max: MAX_ATTEMPTS }),
  agent: textOf(8),
});

export const anyOutcome: fc.Arbitrary<TaskOutcome> = fc.record({
  exitCode: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 })),
  signal: fc.constantFrom("", "SIGKILL"),
  error: textOf(20),
  outputTail: textOf(50),
  durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
});

const token = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const leaseMs = fc.integer({ min: 1, max: MAX_LEASE_MS });
const id = textOf(20, 1);

/** Any command within the limits. */
export const anyCommand: fc.Arbitrary<TaskCommand> = fc.oneof(
  fc.record({ type: fc.constant("submit" as const), spec: anySpec }),
  fc.record({ type: fc.constant("assign" as const), id, agent: textOf(8, 1), leaseMs }),
  fc.record({ type: fc.constant("renew" as const), id, token, leaseMs }),
  fc.record({ type: fc.constant("revoke" as const), id, token, reason: textOf(20) }),
  fc.record({ type: fc.constant("complete" as const), id, token, outcome: anyOutcome }),
  fc.record({ type: fc.constant("cancel" as const), id }),
);

export function spec(id: string, fields: Partial<TaskSpec> = {}): TaskSpec {
  return { id, command: "make", args: ["all"], cwd: "", timeoutMs: 0, maxAttempts: 2, agent: "", ...fields };
}

export function outcome(exitCode: number | null, fields: Partial<TaskOutcome> = {}): TaskOutcome {
  return { exitCode, signal: "", error: "", outputTail: "", durationMs: 1, ...fields };
}

/**
 * A step of a crowded life: few tasks, few agents, and commands that name a lease by how many leases of that task ago it was granted (0 = the present
 * one), so that duplicated and stale ones are common.
 */
export type Step =
  | { readonly do: "submit"; readonly id: string; readonly maxAttempts: number; readonly agent: string }
  | { readonly do: "assign"; readonly id: string; readonly agent: string; readonly leaseMs: number }
  | { readonly do: "renew" | "revoke"; readonly id: string; readonly ago: number }
  | { readonly do: "complete"; readonly id: string; readonly ago: number; readonly exitCode: number | null }
  | { readonly do: "cancel"; readonly id: string }
  | { readonly do: "clock" };
export type TimedStep = readonly [step: Step, laterMs: number];

const someId = fc.constantFrom("t1", "t2", "t3");
const someAgent = fc.constantFrom("a1", "a2");
const ago = fc.constantFrom(0, 0, 0, 1, 2);

export const anyLife: fc.Arbitrary<readonly TimedStep[]> = fc.array(
  fc.tuple(
    fc.oneof(
      fc.record({
        do: fc.constant("submit" as const),
        id: someId,
        maxAttempts: fc.integer({ min: 1, max: 3 }),
        agent: fc.constantFrom("", "", "", "a1"),
      }),
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("assign" as const),
          id: someId,
          agent: someAgent,
          leaseMs: fc.constantFrom(10, 30, 100),
        }),
      },
      fc.record({ do: fc.constantFrom("renew" as const, "revoke" as const), id: someId, ago }),
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("complete" as const),
          id: someId,
          ago,
          exitCode: fc.constantFrom(0, 0, 1, null),
        }),
      },
      fc.record({ do: fc.constant("cancel" as const), id: someId }),
      fc.record({ do: fc.constant("clock" as const) }),
    ),
    fc.nat(15),
  ),
  { maxLength: 80 },
);
