import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { MAX_FINISHED_TASKS, MAX_TASKS, TaskLedger } from "../../../server/core/tasks/ledger.ts";
import { MAX_OUTPUT_TAIL_BYTES } from "../../../server/core/tasks/limits.ts";
import type { TaskCommand, TaskObservation, TaskResult } from "../../../server/core/tasks/types.ts";
import { assertOnlyMalformed } from "../codec-properties.ts";
import { anyLife, outcome, spec, type TimedStep } from "./arbitraries.ts";
import { assertKeepsPromises, type Subject } from "./ledger-checker.ts";

function assertLives(make: () => Subject): void {
  fc.assert(
    fc.property(anyLife, (life) => assertKeepsPromises(make(), life)),
    { numRuns: 1500 },
  );
}

/** A line of a script: an entry's time, its command, what it is answered. Indices count from 1. */
type Line = readonly [timeMs: number, command: TaskCommand, answer: string];

function assertScript(ledger: TaskLedger, lines: readonly Line[]): void {
  for (const [at, [timeMs, command, answer]] of lines.entries()) {
    const result = ledger.apply(command, at + 1, timeMs);
    assert.equal(result.type === "accepted" ? "accepted" : result.reason, answer, `entry ${at + 1}: ${command.type}`);
  }
}

const submit = (id = "t", fields = {}): TaskCommand => ({ type: "submit", spec: spec(id, fields) });
const assign = (id = "t", agent = "a1", leaseMs = 100): TaskCommand => ({ type: "assign", id, agent, leaseMs });
const complete = (token: number, exitCode: number | null = 0, id = "t"): TaskCommand => ({
  type: "complete",
  id,
  token,
  outcome: outcome(exitCode),
});
const revoke = (token: number): TaskCommand => ({ type: "revoke", id: "t", token, reason: "a1 failed" });
const renew = (token: number, leaseMs = 100): TaskCommand => ({ type: "renew", id: "t", token, leaseMs });
const cancel: TaskCommand = { type: "cancel", id: "t" };

describe("the task ledger", () => {
  it("keeps its promises under random interleavings of duplicated and stale commands, revokes and expiries", () =>
    assertLives(() => new TaskLedger()));

  describe("the check of its promises notices", () => {
    class AcceptsStaleTokens extends TaskLedger {
      override apply(command: TaskCommand, index: number, timeMs: number): TaskResult {
        if (command.type !== "complete") return super.apply(command, index, timeMs);
        this.clock(timeMs);
        return super.apply({ ...command, token: this.get(command.id)?.token ?? command.token }, index, timeMs);
      }
    }
    class KeepsLapsedLeases extends TaskLedger {
      override apply(command: TaskCommand, index: number): TaskResult {
        return super.apply(command, index, 1000);
      }
      override clock(): void {
        super.clock(1000);
      }
    }
    class TellsFinishesTwice extends TaskLedger {
      override takeObservations(): TaskObservation[] {
        const twice = (one: TaskObservation) => (one.type === "taskFinished" ? 2 : 1);
        return super.takeObservations().flatMap((one) => new Array<TaskObservation>(twice(one)).fill(one));
      }
    }
    class RetriesForever extends TaskLedger {
      override apply(command: TaskCommand, index: number, timeMs: number): TaskResult {
        if (command.type !== "complete" || command.outcome.exitCode === 0) return super.apply(command, index, timeMs);
        return super.apply({ type: "revoke", id: command.id, token: command.token, reason: "" }, index, timeMs);
      }
      override list() {
        // As if the failures had been counted.
        return super.list().map((task) => ({ ...task, failures: task.leases }));
      }
    }
    const subjects: [new () => TaskLedger, RegExp][] = [
      [AcceptsStaleTokens, /only the present lease's token can complete/],
      [
        KeepsLapsedLeases,
        /only the present lease|leased exactly while a lease runs|one holder at a time|the lease is as it was granted|the deadline is/,
      ],
      [TellsFinishesTwice, /exactly one entry finishes a task/],
      [RetriesForever, /no run beyond maxAttempts/],
    ];
    for (const [Broken, promise] of subjects)
      it(`a ledger that ${Broken.name}`, () => {
        assert.throws(
          () => assertLives(() => new Broken()),
          ({ cause }: Error) => {
            assert.match(String(cause), promise);
            return true;
          },
        );
      });
  });

  const scripts: [string, readonly Line[], string][] = [
    [
      "completes with the present lease",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [2, complete(2), "accepted"],
      ],
      "completed",
    ],
    [
      "refuses a second completion",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [2, complete(2), "accepted"],
        [3, complete(2), "finished"],
      ],
      "completed",
    ],
    [
      "refuses the completion of a lease that was revoked, also when somebody else holds it now",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [2, revoke(2), "accepted"],
        [3, complete(2), "staleToken"],
        [4, assign("t", "a2"), "accepted"],
        [5, complete(2), "staleToken"],
        [6, complete(5), "accepted"],
      ],
      "completed",
    ],
    [
      "takes a completion in the last ms of the lease",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [100, complete(2), "accepted"],
      ],
      "completed",
    ],
    [
      "refuses a completion at the lease's end",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [101, complete(2), "staleToken"],
      ],
      "pending",
    ],
    [
      "keeps a lease that is renewed, and never shortens it",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [90, renew(2), "accepted"],
        [91, renew(2, 1), "accepted"],
        [189, complete(2), "accepted"],
      ],
      "completed",
    ],
    [
      "does not renew a lease that lapsed",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [101, renew(2), "staleToken"],
      ],
      "pending",
    ],
    [
      "retries a non-zero exit until all attempts are used",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [2, complete(2, 1), "accepted"],
        [3, assign(), "accepted"],
        [4, complete(4, null), "accepted"],
        [5, assign(), "finished"],
      ],
      "failed",
    ],
    [
      "does not count a lost lease as an attempt",
      [
        [0, submit("t", { maxAttempts: 1 }), "accepted"],
        [1, assign(), "accepted"],
        [2, revoke(2), "accepted"],
        [3, assign("t", "a2"), "accepted"],
        [4, complete(4), "accepted"],
      ],
      "completed",
    ],
    [
      "gives a task to one at a time",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [2, assign("t", "a2"), "notPending"],
      ],
      "leased",
    ],
    [
      "gives a task that names its agent to nobody else",
      [
        [0, submit("t", { agent: "a2" }), "accepted"],
        [1, assign(), "wrongAgent"],
      ],
      "pending",
    ],
    [
      "cancels while it runs",
      [
        [0, submit(), "accepted"],
        [1, assign(), "accepted"],
        [2, cancel, "accepted"],
        [3, complete(2), "finished"],
      ],
      "cancelled",
    ],
    [
      "knows a submission that is repeated",
      [
        [0, submit(), "accepted"],
        [1, submit(), "accepted"],
      ],
      "pending",
    ],
    [
      "refuses another task with the same id",
      [
        [0, submit(), "accepted"],
        [1, submit("t", { args: [] }), "idTaken"],
      ],
      "pending",
    ],
  ];
  for (const [what, lines, state] of scripts) {
    it(what, () => {
      const ledger = new TaskLedger();
      assertScript(ledger, lines);
      assert.equal(ledger.get("t")?.state, state);
      assert.equal(ledger.list().length, 1);
    });
  }

  it("says whether a submission made the task", () => {
    const ledger = new TaskLedger();
    assert.deepEqual(ledger.apply(submit(), 1, 0), { type: "accepted", created: true, token: 0 });
    assert.deepEqual(ledger.apply(submit(), 2, 0), { type: "accepted", created: false, token: 0 });
  });

  it("tells what happened, once, in order", () => {
    const ledger = new TaskLedger();
    const lines: Line[] = [
      [0, submit("t", { maxAttempts: 2 }), "accepted"],
      [1, assign("t", "a1", 10), "accepted"],
      [20, assign("t", "a2", 10), "accepted"],
      [21, complete(2), "staleToken"],
      [22, complete(3, 7), "accepted"],
      [23, assign(), "accepted"],
      [24, cancel, "accepted"],
    ];
    assertScript(ledger, lines);
    assert.deepEqual(ledger.takeObservations(), [
      { type: "taskSubmitted", id: "t" },
      { type: "taskLeased", id: "t", agent: "a1", token: 2, untilMs: 11 },
      { type: "taskLeaseLost", id: "t", agent: "a1", token: 2, reason: "expired", detail: "" },
      { type: "taskLeased", id: "t", agent: "a2", token: 3, untilMs: 30 },
      { type: "taskCompletionRefused", id: "t", token: 2 },
      { type: "taskRetried", id: "t", agent: "a2", failures: 1 },
      { type: "taskLeased", id: "t", agent: "a1", token: 6, untilMs: 123 },
      { type: "taskLeaseLost", id: "t", agent: "a1", token: 6, reason: "cancelled", detail: "" },
      { type: "taskFinished", id: "t", agent: "a1", state: "cancelled", token: 6 },
    ]);
    assert.deepEqual(ledger.takeObservations(), []);
  });

  it("refuses entries out of order and time that runs backwards", () => {
    const ledger = new TaskLedger();
    ledger.apply(submit(), 2, 10);
    assert.throws(() => ledger.apply(assign(), 2, 10), InvariantViolation);
    assert.throws(() => ledger.apply(assign(), 3, 9), InvariantViolation);
  });

  it("goes on from a snapshot as if it had never stopped", () => {
    fc.assert(
      fc.property(anyLife, fc.nat(), (life, cut) => {
        const place = cut % (life.length + 1);
        const whole = new Replay(life);
        const stopped = new Replay(life);
        stopped.run(0, place);
        const snapshot = stopped.ledger.snapshot();
        stopped.ledger = new TaskLedger();
        stopped.ledger.restore(snapshot);
        assert.deepEqual(stopped.ledger.snapshot(), snapshot);
        stopped.run(place, life.length);
        whole.run(0, life.length);
        assert.deepEqual(stopped.answers, whole.answers);
        assert.deepEqual(stopped.ledger.snapshot(), whole.ledger.snapshot());
        assert.deepEqual(stopped.ledger.leased(), whole.ledger.leased());
      }),
      { numRuns: 500 },
    );
  });

  it("answers a damaged snapshot with MalformedBytes, and is as it was", () => {
    const codec = {
      encode: (life: readonly TimedStep[]) => {
        const replay = new Replay(life);
        replay.run(0, life.length);
        return replay.ledger.snapshot();
      },
      decode: (bytes: Uint8Array) => {
        const ledger = new TaskLedger();
        ledger.apply(submit("kept"), 1, 1);
        const before = ledger.snapshot();
        try {
          ledger.restore(bytes);
        } catch (error) {
          assert.deepEqual(ledger.snapshot(), before);
          throw error;
        }
        return [];
      },
    };
    assertOnlyMalformed(codec, anyLife, 500);
  });

  it("forgets the task that finished first beyond the limit of finished ones, and no other", () => {
    const ledger = new TaskLedger();
    let index = 0;
    ledger.apply(submit("open"), ++index, 0);
    for (let task = 0; task <= MAX_FINISHED_TASKS; task++) {
      ledger.apply(submit(`t${task}`), ++index, 0);
      ledger.apply({ type: "cancel", id: `t${task}` }, ++index, 0);
    }
    assert.equal(ledger.size, MAX_FINISHED_TASKS + 1);
    assert.equal(ledger.get("t0"), undefined);
    assert.equal(ledger.get("t1")?.state, "cancelled");
    assert.equal(ledger.get("open")?.state, "pending");
  });

  it("forgets finished tasks when what they said takes too much room", () => {
    const ledger = new TaskLedger();
    const said = outcome(0, { outputTail: "o".repeat(MAX_OUTPUT_TAIL_BYTES) });
    let index = 0;
    for (let task = 0; task < 2100; task++) {
      const id = `t${task}`;
      ledger.apply(submit(id), ++index, 0);
      ledger.apply(assign(id), ++index, 0);
      ledger.apply({ type: "complete", id, token: index, outcome: said }, ++index, 0);
    }
    assert.ok(ledger.size > 2000 && ledger.size < 2100, `${ledger.size} kept`);
    assert.equal(ledger.get("t2099")?.state, "completed");
  });

  it("refuses more tasks than it may keep, and takes them again when there is room", () => {
    const ledger = new TaskLedger();
    for (let index = 1; index <= MAX_TASKS; index++) ledger.apply(submit(`t${index}`), index, 0);
    const more = () => ledger.apply(submit("more"), MAX_TASKS + index++, 0);
    let index = 1;
    assert.deepEqual(more(), { type: "refused", reason: "ledgerFull" });
    for (let task = 1; task <= MAX_FINISHED_TASKS + 1; task++)
      ledger.apply({ type: "cancel", id: `t${task}` }, MAX_TASKS + index++, 0);
    assert.equal(more().type, "accepted");
  });
});

/** A life applied in pieces; stale tokens are not resolved here, any token does. */
class Replay {
  ledger = new TaskLedger();
  readonly answers: TaskResult[] = [];
  readonly #life: readonly TimedStep[];
  #timeMs = 1000;

  constructor(life: readonly TimedStep[]) {
    this.#life = life;
  }

  run(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const [step, laterMs] = this.#life[at] as TimedStep;
      this.#timeMs += laterMs;
      if (step.do === "clock") {
        this.ledger.clock(this.#timeMs);
        continue;
      }
      const token = Math.max(1, this.ledger.get(step.id)?.token ?? 1);
      const { id } = step;
      const commands: Record<typeof step.do, () => TaskCommand> = {
        submit: () => submit(id, step.do === "submit" ? { maxAttempts: step.maxAttempts, agent: step.agent } : {}),
        assign: () => assign(id, step.do === "assign" ? step.agent : "a1", 30),
        renew: () => ({ type: "renew", id, token, leaseMs: 30 }),
        revoke: () => ({ type: "revoke", id, token, reason: "" }),
        complete: () => complete(token, step.do === "complete" ? step.exitCode : 0, id),
        cancel: () => ({ type: "cancel", id }),
      };
      this.answers.push(this.ledger.apply(commands[step.do](), at + 1, this.#timeMs));
    }
  }
}
