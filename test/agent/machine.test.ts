import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  CommandEncoder,
  decodeAgentCommand,
  encodeClockCommand,
  encodeOwnTaskCommand,
} from "../../server/agent/command.ts";
import { type Applied, Machine } from "../../server/agent/machine.ts";
import { MAX_ANSWERS_A_SESSION, MAX_SESSIONS } from "../../server/agent/sessions.ts";
import { MalformedBytes } from "../../server/core/bytes.ts";
import type { Entry } from "../../server/core/consensus.ts";

const encoder = new CommandEncoder();
const START_MS = 1000;

function putData(session: string, sequence: number, key: string, firstUnanswered = 1, ttlMs = 0): Uint8Array {
  const memory = { type: "put", namespace: "n", key, value: Uint8Array.of(sequence % 256), ttlMs } as const;
  return encoder.encode({ session, sequence, firstUnanswered, command: { on: "memory", memory } });
}

function submitData(session: string, sequence: number, id: string): Uint8Array {
  const spec = { id, command: "true", args: [], cwd: "", timeoutMs: 0, maxAttempts: 1, agent: "" };
  return encoder.encode({
    session,
    sequence,
    firstUnanswered: 1,
    command: { on: "task", task: { type: "submit", spec } },
  });
}

/** Entries from commands, a ms apart. */
function log(...datas: Uint8Array[]): Entry[] {
  return datas.map((data, at) => ({ index: at + 1, term: 1, kind: 1, timeMs: START_MS + at, data }));
}

const command = fc.oneof(
  fc
    .tuple(fc.constantFrom("s", "t", "u"), fc.integer({ min: 1, max: 9 }), fc.constantFrom("k", "l"), fc.nat(3))
    .map(([session, sequence, key, ttlMs]) => putData(session, sequence, key, 1, ttlMs)),
  fc
    .tuple(fc.constantFrom("s", "t"), fc.integer({ min: 1, max: 9 }), fc.constantFrom("x", "y"))
    .map(([session, sequence, id]) => submitData(session, sequence, id)),
  fc.constantFrom("x", "y").map((id) => encodeOwnTaskCommand({ type: "assign", id, agent: "a1", leaseMs: 5 })),
  fc.constant(encodeClockCommand()),
  fc.uint8Array({ maxLength: 30 }),
);

const MEMORY_KEYS = fc.constantFrom("k", "l", "m");
const TASK_IDS = fc.constantFrom("x", "y", "z");
/** Tokens are indexes of entries: of short logs, some of these are right. */
const TOKENS = fc.integer({ min: 1, max: 40 });
const OUTCOME = { exitCode: 0, signal: "", error: "", outputTail: "done", durationMs: 5 };

/** All that a log can hold, written by clients and by agents; enough of it fits together to have an effect. */
const anyCommand = fc.oneof(
  command,
  fc
    .record({
      session: fc.constantFrom("s", "t", "u"),
      sequence: fc.integer({ min: 1, max: 9 }),
      firstUnanswered: fc.integer({ min: 1, max: 3 }),
      command: fc.oneof(
        fc.record({
          on: fc.constant("memory" as const),
          memory: fc.oneof(
            fc.record({ type: fc.constant("delete" as const), namespace: fc.constant("n"), key: MEMORY_KEYS }),
            fc.record({
              type: fc.constant("compareAndSet" as const),
              namespace: fc.constant("n"),
              key: MEMORY_KEYS,
              expectedVersion: fc.integer({ min: 0, max: 40 }),
              value: fc.uint8Array({ maxLength: 9 }),
              ttlMs: fc.nat(9),
            }),
          ),
        }),
        fc.record({
          on: fc.constant("task" as const),
          task: fc.record({ type: fc.constant("cancel" as const), id: TASK_IDS }),
        }),
      ),
    })
    .map((write) => encoder.encode(write)),
  fc
    .oneof(
      fc.record({
        type: fc.constant("renew" as const),
        id: TASK_IDS,
        token: TOKENS,
        leaseMs: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ type: fc.constant("revoke" as const), id: TASK_IDS, token: TOKENS, reason: fc.constant("failed") }),
      fc.record({ type: fc.constant("complete" as const), id: TASK_IDS, token: TOKENS, outcome: fc.constant(OUTCOME) }),
    )
    .map(encodeOwnTaskCommand),
);

/** The kind of answer that a client's write got. */
function writeResult(applied: Applied | undefined): string | undefined {
  return applied?.type === "write" ? applied.result.type : undefined;
}

describe("the replicated machine", () => {
  it("is the same after the same entries, whether or not it was restored in between", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), fc.nat(), (datas, split) => {
        const entries = log(...datas);
        const straight = new Machine();
        const results = entries.map((entry) => straight.apply(entry));
        const cut = entries.length === 0 ? 0 : split % entries.length;
        const first = new Machine();
        for (const entry of entries.slice(0, cut)) first.apply(entry);
        const second = new Machine();
        second.restore(first.snapshot());
        assert.deepEqual(
          entries.slice(cut).map((entry) => second.apply(entry)),
          results.slice(cut),
        );
        assert.deepEqual(second.snapshot(), straight.snapshot());
      }),
    );
  });

  it("restored from a snapshot is identical to one that applied the log: same bytes, same answers, now and after all that comes", () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 60 }), fc.array(anyCommand, { maxLength: 30 }), (before, later) => {
        const entries = log(...before, ...later);
        const applied = new Machine();
        for (const entry of entries.slice(0, before.length)) applied.apply(entry);
        const restored = new Machine();
        // Whatever it held before is gone.
        for (const entry of entries.slice(0, 5)) restored.apply(entry);
        restored.restore(applied.snapshot());
        const same = () => {
          assert.deepEqual(restored.snapshot(), applied.snapshot());
          assert.deepEqual(
            [restored.index, restored.term, restored.timeMs],
            [applied.index, applied.term, applied.timeMs],
          );
          assert.equal(restored.deadlineMs(), applied.deadlineMs());
          for (const session of ["s", "t", "u"])
            for (let sequence = 1; sequence <= 9; sequence++)
              assert.deepEqual(restored.answerOf(session, sequence), applied.answerOf(session, sequence));
          for (const key of ["k", "l", "m"])
            assert.deepEqual(
              restored.memory.get("n", key, applied.timeMs),
              applied.memory.get("n", key, applied.timeMs),
            );
          for (const id of ["x", "y", "z"]) assert.deepEqual(restored.tasks.get(id), applied.tasks.get(id));
        };
        same();
        for (const entry of entries.slice(before.length)) {
          const answer = applied.apply(entry);
          assert.deepEqual(restored.apply(entry), answer);
          reached.add(writeResult(answer) ?? answer?.type ?? "nothing");
        }
        same();
      }),
      { numRuns: 300 },
    );
    for (const kind of ["written", "deleted", "conflict", "accepted", "refused", "nothing"])
      assert.ok(reached.has(kind), `no command was ${kind}: ${[...reached]}`);
  });

  it("applies each write of a session once, and answers it the same ever after", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (datas) => {
        const machine = new Machine();
        const answers = new Map<string, string>();
        for (const entry of log(...datas)) {
          const applied = machine.apply(entry);
          if (applied?.type !== "write") continue;
          const key = `${applied.session}/${applied.sequence}`;
          const answer = JSON.stringify(applied.result);
          assert.equal(answer, answers.get(key) ?? answer);
          answers.set(key, answer);
        }
      }),
    );
  });

  it("ignores what cannot be read, but lets time pass by it", () => {
    const machine = new Machine();
    const [first, second] = log(putData("s", 1, "k", 1, 1), Uint8Array.of(77, 1, 2));
    machine.apply(first as Entry);
    assert.equal(machine.memory.size, 1);
    assert.equal(machine.apply(second as Entry), undefined);
    assert.equal(machine.memory.size, 0);
    assert.equal(machine.index, 2);
  });

  it("keeps its time when a leader's clock is behind the one before", () => {
    const machine = new Machine();
    const [first, second] = log(putData("s", 1, "k"), putData("s", 2, "k"));
    machine.apply(first as Entry);
    machine.apply({ ...(second as Entry), timeMs: 1 });
    assert.equal(machine.timeMs, START_MS);
  });

  it("forgets a session's answers that are no longer asked for, and refuses those writes", () => {
    const machine = new Machine();
    const entries = log(
      putData("s", 1, "k"),
      putData("s", 2, "k"),
      putData("s", 3, "k", 3),
      putData("s", 2, "k", 3),
      putData("s", 3, "k", 3),
    );
    const results = entries.map((entry) => writeResult(machine.apply(entry)));
    assert.deepEqual(results, ["written", "written", "written", "sessionExpired", "written"]);
    assert.equal(machine.memory.get("n", "k", 0)?.version, 3);
  });

  it("bounds a session's answers and the number of sessions, forgetting the least recently used", () => {
    const machine = new Machine();
    let index = 0;
    const apply = (data: Uint8Array) => machine.apply({ index: ++index, term: 1, kind: 1, timeMs: START_MS, data });
    for (let sequence = 1; sequence <= MAX_ANSWERS_A_SESSION + 1; sequence++) apply(putData("many", sequence, "k"));
    assert.equal(machine.answerOf("many", 1), undefined);
    assert.notEqual(machine.answerOf("many", 2), undefined);
    apply(putData("old", 1, "k"));
    for (let at = 0; at < MAX_SESSIONS - 1; at++) {
      apply(putData(`s${at}`, 1, "k"));
      // Used again and again: never the least recently used.
      if (at % 1000 === 0) apply(putData("many", 2, "k"));
    }
    assert.equal(machine.answerOf("old", 1), undefined);
    assert.equal(writeResult(apply(putData("old", 2, "k", 2))), "sessionExpired");
    assert.notEqual(machine.answerOf("many", 2), undefined);
    const restored = new Machine();
    restored.restore(machine.snapshot());
    assert.deepEqual(restored.snapshot(), machine.snapshot());
  });

  it("gives the snapshot of the moment at which it was begun, whatever is applied while it is being made", () => {
    const machine = new Machine();
    let index = 0;
    const apply = (data: Uint8Array) =>
      machine.apply({ index: ++index, term: 1, kind: 1, timeMs: START_MS + index, data });
    const touch = (at: number) => {
      apply(putData(`s${at % 40}`, Math.floor(at / 40) + 1, `k${(at * 7) % 9000}`, 1, at % 5 === 0 ? 9000 : 0));
      if (at % 50 === 0) apply(submitData("submits", at + 1, `t${at}`));
      if (at % 100 === 0) apply(encodeOwnTaskCommand({ type: "assign", id: `t${at}`, agent: "a1", leaseMs: 500 }));
    };
    for (let at = 0; at < 10_000; at++) touch(at);
    const straight = machine.snapshot();
    const taking = machine.snapshotInSteps();
    let steps = 0;
    for (let at = 10_000; ; at++) {
      touch(at);
      const { done, value } = taking.next();
      if (done) {
        assert.deepEqual(value, straight);
        break;
      }
      steps++;
    }
    assert.ok(steps >= 5, `${steps} steps`);
    assert.notDeepEqual(machine.snapshot(), straight);
  });

  it("refuses snapshots that are none, and stays as it was", () => {
    const machine = new Machine();
    for (const entry of log(putData("s", 1, "k"), submitData("s", 2, "x"))) machine.apply(entry);
    const snapshot = machine.snapshot();
    fc.assert(
      fc.property(fc.nat(snapshot.length - 1), fc.uint8Array({ maxLength: 40 }), (length, noise) => {
        assert.throws(() => machine.restore(snapshot.subarray(0, length)), MalformedBytes);
        assert.throws(() => machine.restore(noise), MalformedBytes);
        assert.deepEqual(machine.snapshot(), snapshot);
      }),
    );
  });
});

describe("commands", () => {
  it("of random bytes lead to nothing but MalformedBytes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.uint8Array({ maxLength: 60 }), (tag, rest) => {
        try {
          decodeAgentCommand(Uint8Array.of(tag, ...rest));
        } catch (error) {
          assert.ok(error instanceof MalformedBytes, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("stay as they were encoded when more are", () => {
    const first = putData("s", 1, "k");
    const copy = first.slice();
    for (let at = 0; at < 2000; at++) putData("s", at + 2, `k${at}`);
    assert.deepEqual(first, copy);
  });
});
