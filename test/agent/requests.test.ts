import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MAX_TIMEOUT_MS, readRequest } from "../../server/agent/requests.ts";
import type { ClientRequest } from "../../server/contract/client.ts";
import { Cluster } from "./cluster.ts";

const value = new Uint8Array(3);
const task = { id: "t", command: "true" };

/** What a client might send, and what the answer must mention. */
const BAD: readonly (readonly [string, object, RegExp])[] = [
  ["an unknown operation", { op: "fly" }, /"fly" is not an operation/],
  ["a missing namespace", { op: "put", key: "k", value }, /namespace is undefined/],
  ["an empty key", { op: "put", namespace: "n", key: "", value }, /key is empty/],
  ["a key that is too long", { op: "get", namespace: "n", key: "k".repeat(1025) }, /longer than the 1024 bytes/],
  ["a key that is a number", { op: "get", namespace: "n", key: 7 }, /give a text as key/],
  ["half a surrogate pair", { op: "delete", namespace: "n", key: "\ud800" }, /not valid Unicode/],
  ["a value that is text", { op: "put", namespace: "n", key: "k", value: "v" }, /value is "v"; give bytes/],
  ["a value too large", { op: "put", namespace: "n", key: "k", value: new Uint8Array(1048577) }, /at most 1048576/],
  ["a negative time to live", { op: "put", namespace: "n", key: "k", value, ttlMs: -1 }, /time to live is -1 ms/],
  ["a time to live that is text", { op: "put", namespace: "n", key: "k", value, ttlMs: "9" }, /time to live is "9" ms/],
  ["no version to compare", { op: "compareAndSet", namespace: "n", key: "k", value }, /expected version is undefined/],
  ["a timeout of nothing", { op: "tasks", timeoutMs: 0 }, /timeoutMs is 0/],
  ["a timeout beyond measure", { op: "tasks", timeoutMs: 1e9 }, /timeoutMs is 1000000000/],
  [
    "a session without a sequence",
    { op: "delete", namespace: "n", key: "k", session: "s" },
    /sequence of session s is 0/,
  ],
  ["a session with a NUL", { op: "delete", namespace: "n", key: "k", session: "\0s", sequence: 1 }, /NUL/],
  ["a session that is a number", { op: "delete", namespace: "n", key: "k", session: 5, sequence: 1 }, /session/],
  [
    "answers not given yet",
    { op: "delete", namespace: "n", key: "k", session: "s", sequence: 1, firstUnanswered: 2 },
    /firstUnanswered is 2/,
  ],
  ["an unknown consistency", { op: "get", namespace: "n", key: "k", consistency: "some" }, /consistency is "some"/],
  ["a limit too high", { op: "list", namespace: "n", limit: 1e6 }, /limit is 1000000/],
  ["no task", { op: "submitTask" }, /no task to submit/],
  ["a task without an id", { op: "submitTask", task: { command: "true" } }, /task has no id/],
  ["a task without a command", { op: "submitTask", task: { id: "t" } }, /task's command is undefined/],
  ["a task's arguments as text", { op: "submitTask", task: { ...task, args: "-v" } }, /not a list of texts/],
  ["a task outside of the folder", { op: "submitTask", task: { ...task, cwd: "../x" } }, /leaves the swarm's folder/],
  [
    "a task for a stranger",
    { op: "submitTask", task: { ...task, agent: "a9" } },
    /"a9", which is not in this swarm; it has a1, a2/,
  ],
  ["no attempt", { op: "submitTask", task: { ...task, maxAttempts: 0 } }, /maxAttempts/],
  ["an outcome of what is no write", { op: "outcome", of: "get", session: "s", sequence: 1 }, /"get" is no write/],
  ["an outcome without a session", { op: "outcome", of: "put", sequence: 1 }, /session is undefined/],
  ["an outcome of an agent's own", { op: "outcome", of: "put", session: "\0a1.1/1", sequence: 1 }, /NUL/],
  ["an outcome without a sequence", { op: "outcome", of: "put", session: "s" }, /sequence of session s is undefined/],
  [
    "an outcome of a task without its id",
    { op: "outcome", of: "submitTask", session: "s", sequence: 1 },
    /task's id is empty/,
  ],
  ["cancelling nothing", { op: "cancelTask" }, /task's id is undefined/],
];

/** One valid request of each operation. */
const GOOD: readonly object[] = [
  { op: "put", namespace: "n", key: "k", value, ttlMs: 5 },
  { op: "compareAndSet", namespace: "n", key: "k", value, ttlMs: 5, expectedVersion: 1 },
  { op: "delete", namespace: "n", key: "k" },
  { op: "get", namespace: "n", key: "k", consistency: "linearizable" },
  { op: "list", namespace: "n", prefix: "p", limit: 5, consistency: "local" },
  { op: "submitTask", task: { ...task, args: [], cwd: "", timeoutMs: 1, maxAttempts: 1, agent: "a1" } },
  { op: "cancelTask", taskId: "t" },
  { op: "outcome", of: "cancelTask", taskId: "t" },
  { op: "tasks", consistency: "local" },
];
const COMMON = { session: "s", sequence: 1, firstUnanswered: 1, timeoutMs: 50 };

/** Nested deeper than any stack reaches. */
const DEEP = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], 1);

/** Values that cannot be turned into text, numbers or keys, besides all the usual ones. */
const HOSTILE = fc.oneof(
  fc.constantFrom<unknown>({ toString: 1, valueOf: 1 }, [{ toString: 1 }], { toJSON: 1 }, DEEP, { length: 5 }),
  fc.constantFrom<unknown>(null, undefined, NaN, -0, 1e300, 2 ** 53, 1n, "\ud800", new Uint8Array(9), Symbol("s")),
  fc.anything({ withBigInt: true, withNullPrototype: true, withTypedArray: true, withObjectString: true }),
);

describe("a client's request", () => {
  for (const [what, request, sentence] of BAD) {
    it(`with ${what} is refused with a sentence`, () => {
      const read = readRequest(
        { ...request, id: 1 } as ClientRequest,
        { members: ["a1", "a2"], voters: ["a1"] },
        { ordered: true },
      );
      assert.equal(read.type, "bad");
      if (read.type === "bad") assert.match(read.problem, sentence);
    });
  }

  it("gets an answer, whatever is in it", () => {
    const cluster = new Cluster({ size: 1 });
    cluster.elect();
    const names = ["op", "namespace", "key", "value", "ttlMs", "session", "sequence", "firstUnanswered", "task"];
    const ops = ["outcome", "put", "delete", "compareAndSet", "get", "list", "submitTask", "cancelTask", "tasks"];
    const field = fc.oneof(fc.constantFrom(...ops), fc.anything());
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), field), (fields) => {
        const id = cluster.send("a1", { timeoutMs: 50, ...fields } as never);
        cluster.run(100);
        assert.ok(cluster.node("a1").answers.has(id), JSON.stringify(fields));
      }),
    );
  });

  it("never makes an agent throw, whatever one or more of its fields hold", () => {
    const cluster = new Cluster({ size: 1 });
    cluster.elect();
    const spoil = (fields: object): fc.Arbitrary<object> => {
      const spoilt = fc.dictionary(fc.constantFrom(...Object.keys(fields)), HOSTILE, { minKeys: 1, maxKeys: 3 });
      return spoilt.map((values) => ({ ...fields, ...values }));
    };
    const requests = fc.constantFrom(...GOOD).chain((good) => {
      const whole = spoil({ ...good, ...COMMON });
      if (!("task" in good)) return whole;
      return fc.oneof(
        whole,
        spoil(good.task as object).map((task) => ({ ...good, task })),
      );
    });
    fc.assert(
      fc.property(requests, (fields) => {
        const id = cluster.send("a1", fields as never);
        cluster.run(100);
        const isAnswered = (): boolean => cluster.node("a1").answers.has(id);
        // Whoever asks what became of a write that was never made is answered when its time is up, and that may be spoilt too.
        assert.ok(isAnswered() || cluster.runUntil(isAnswered, MAX_TIMEOUT_MS) !== undefined);
      }),
      { numRuns: 2000 },
    );
  });
});
