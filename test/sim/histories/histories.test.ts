import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, it } from "mocha";
import { judgeMemory, type KeyVerdict, unexplainedLines } from "../../../server/sim/checkers/memory-verdict.ts";
import { historyLines, historyText } from "../../../server/sim/histories/lines.ts";
import { HistoryProblem, readHistory } from "../../../server/sim/histories/read.ts";
import type { MemoryCall, MemoryOperation, MemoryOutcome } from "../../../server/sim/history.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import { meshOf } from "../meshes.ts";

const never = Number.POSITIVE_INFINITY;

const example = (name: string): string =>
  readFileSync(new URL(`../../../examples/histories/${name}.jsonl`, import.meta.url), "utf8");
const judged = (text: string): KeyVerdict[] => judgeMemory(readHistory(text).operations);
/** Of the only key that is broken. */
const broken = (text: string): string => {
  const found = judged(text).filter((verdict) => verdict.type === "broken");
  equal(found.length, 1);
  return unexplainedLines((found[0] as Extract<KeyVerdict, { type: "broken" }>).unexplained).join("\n");
};

/** What the sequential object answers: the state after the operation, or undefined when it cannot come next. */
function next(held: string | null, { call, outcome }: MemoryOperation): string | null | undefined {
  switch (call.type) {
    case "get":
      return outcome.type === "item" && outcome.value !== held ? undefined : held;
    case "put":
      return call.value;
    case "delete":
      return outcome.type === "deleted" && outcome.existed !== undefined && outcome.existed !== (held !== null)
        ? undefined
        : null;
    case "compareAndSwap":
      return held === call.expected ? call.value : undefined;
    case "compareAndSet":
      throw new RangeError("has no versions");
  }
}

/** All orders, one after the other: slow and obviously right. */
function explainable(operations: readonly MemoryOperation[], held: string | null = null): boolean {
  if (operations.every(({ returnedUs }) => returnedUs === never)) return true;
  const firstReturn = Math.min(...operations.map(({ returnedUs }) => returnedUs));
  return operations.some((operation, at) => {
    if (operation.invokedUs > firstReturn) return false;
    const after = next(held, operation);
    return after !== undefined && explainable(operations.toSpliced(at, 1), after);
  });
}

const VALUE = fc.constantFrom("1", "2", "3");
const CALL: fc.Arbitrary<MemoryCall> = fc.oneof(
  fc.constant({ type: "get" } as const),
  VALUE.map((value) => ({ type: "put", value }) as const),
  fc.constant({ type: "delete" } as const),
  fc
    .record({ expected: fc.option(VALUE), value: VALUE })
    .map(({ expected, value }) => ({ type: "compareAndSwap", expected, value }) as const),
);
const OPERATION: fc.Arbitrary<MemoryOperation> = fc
  .record({
    call: CALL,
    read: fc.option(VALUE),
    existed: fc.boolean(),
    invokedUs: fc.nat(12),
    lasts: fc.nat(6),
    end: fc.constantFrom("ok", "ok", "ok", "ok", "unknown", "failed"),
  })
  .map(({ call, read, existed, invokedUs, lasts, end }) => {
    const answers: Record<MemoryCall["type"], MemoryOutcome> = {
      get: { type: "item", value: read },
      put: { type: "written" },
      delete: { type: "deleted", existed },
      compareAndSwap: { type: "written" },
      compareAndSet: { type: "written" },
    };
    const outcome: MemoryOutcome = end === "ok" ? answers[call.type] : { type: end as "unknown" | "failed" };
    const returnedUs = end === "unknown" ? never : invokedUs + lasts;
    return { client: "c", key: "k", call, outcome, invokedUs, returnedUs };
  });

describe("histories", () => {
  it("judges small histories as trying every order does", () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(OPERATION, { maxLength: 6 }), (operations) => {
        const effective = operations.filter(
          ({ call, outcome }) => outcome.type !== "failed" && !(call.type === "get" && outcome.type === "unknown"),
        );
        const expected = explainable(effective);
        if (!expected) refused++;
        const verdict = judgeMemory(operations)[0];
        equal(verdict?.type ?? "linearizable", expected ? "linearizable" : "broken");
      }),
      { numRuns: 4000, seed: 11 },
    );
    ok(refused > 800 && refused < 3600, `${refused} of 4000 were broken`);
  });

  it("judges reads and writes of unknown outcome alone as trying every order does", () => {
    let refused = 0;
    const plain = OPERATION.filter(({ call }) => call.type === "get" || call.type === "put");
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 7 }), (operations) => {
        const effective = operations.filter(
          ({ call, outcome }) => outcome.type !== "failed" && !(call.type === "get" && outcome.type === "unknown"),
        );
        const expected = explainable(effective);
        if (!expected) refused++;
        equal(judgeMemory(operations)[0]?.type ?? "linearizable", expected ? "linearizable" : "broken");
      }),
      { numRuns: 2000, seed: 14 },
    );
    ok(refused > 300, `${refused} of 2000 were broken`);
  });

  it("decides in spite of many writes that nobody knows the end of, and nobody read", () => {
    const write = (value: number, outcome: MemoryOutcome): MemoryOperation => ({
      client: `c${value}`,
      key: "k",
      call: { type: "put", value: String(value) },
      outcome,
      invokedUs: value,
      returnedUs: outcome.type === "unknown" ? never : 1000,
    });
    const read = (value: number, at: number): MemoryOperation => ({
      ...write(value, { type: "item", value: String(value) }),
      call: { type: "get" },
      invokedUs: at,
      returnedUs: at + 1,
    });
    const writes = Array.from({ length: 60 }, (_, at) => write(at, { type: at < 6 ? "written" : "unknown" }));
    equal(judgeMemory([...writes, read(8, 2000), read(9, 2010)])[0]?.type, "linearizable");
    equal(judgeMemory([...writes, read(8, 2000), read(3, 2010)])[0]?.type, "broken");
  });

  it("judges a history that went through a file as the one it came from", () => {
    fc.assert(
      fc.property(fc.array(OPERATION, { maxLength: 6 }), (operations) => {
        const told = judgeMemory(operations).map(({ type }) => type);
        deepEqual(
          judged(historyText(operations)).map(({ type }) => type),
          told,
        );
      }),
      { numRuns: 1000, seed: 12 },
    );
  });

  it("writes processes that do one thing at a time, and nothing more once an outcome is unknown", () => {
    fc.assert(
      fc.property(fc.array(OPERATION, { maxLength: 12 }), (operations) => {
        const open = new Set<number>();
        const gone = new Set<number>();
        let last = 0;
        for (const [at, { index, process, type, time }] of historyLines(operations).entries()) {
          equal(index, at);
          ok(time >= last && !gone.has(process));
          last = time;
          if (type === "invoke") {
            ok(!open.has(process));
            open.add(process);
          } else ok(open.delete(process));
          if (type === "info") gone.add(process);
        }
        equal(open.size, 0);
      }),
      { numRuns: 500, seed: 13 },
    );
  });

  it("accepts a history in which an operation of unknown outcome took effect late", () => {
    deepEqual(
      judged(example("correct")).map(({ key, type }) => `${key} ${type}`),
      ["x linearizable", "y linearizable"],
    );
  });

  it("names the stale read, what the key held, and what came before and after", () => {
    const text = broken(example("stale-read"));
    match(
      text,
      /^no order of its 5 operations explains process 0's get -> 1 \[lines 7 and 8, 0\.005000 to 0\.006000 s\]/,
    );
    match(text, /the longest places 3 and then has value 2/);
    match(
      text,
      /placed last before it, and the key then holds value 2:\n {2}process 0's put 1 .*\n {2}process 1's put 2 .*\n {2}process 2's get -> 2/,
    );
    match(text, /asked next:\n {2}process 1's get -> 2 \[lines 9 and 10/);
  });

  it("names the lost update", () => {
    match(broken(example("lost-update")), /explains process [01]'s compareAndSwap 10 to 1[57]/);
  });

  it("names the dirty read, and the write that failed", () => {
    match(
      broken(example("dirty-read")),
      /^process 2's get -> "new" \[lines 5 and 6.*\] read a value that nobody wrote: process 1's put "new" -> failed \[lines 3 and 4/,
    );
  });

  it("takes the order of the lines where there are no times, and a call without an end as unknown", () => {
    const lines = [
      { process: 0, type: "invoke", f: "write", value: 1 },
      { process: 1, type: "invoke", f: "read" },
      { process: 1, type: "ok", f: "read", value: 1 },
      { process: "nemesis", type: "info", f: "start" },
      { process: 1, type: "invoke", f: "read" },
      { process: 1, type: "ok", f: "read", value: null },
    ];
    const text = lines.map((line) => JSON.stringify(line)).join("\n");
    const { operations, unknown, skipped, processes } = readHistory(text);
    deepEqual([operations.length, unknown, skipped, processes], [3, 1, 1, 2]);
    match(broken(text), /process 1's get -> nothing \[lines 5 and 6\]/);
  });

  it("says which line is wrong, and why", () => {
    const refused = (lines: readonly unknown[], line: number, message: RegExp) =>
      throws(
        () => readHistory(lines.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("\n")),
        (error) => error instanceof HistoryProblem && error.line === line && message.test(error.message),
      );
    const call = { process: 0, type: "invoke", f: "write", value: 1 };
    refused(["{process: 0}"], 1, /Not JSON/);
    refused([{ ...call, type: "call" }], 1, /invoke, ok, fail, info/);
    refused([{ ...call, f: "append" }], 1, /read, get, write/);
    refused([{ ...call, value: null }], 1, /delete/);
    refused([{ ...call, f: "cas", value: 3 }], 1, /expected, new/);
    refused([call, call], 2, /under way/);
    refused([{ ...call, type: "ok" }], 1, /without having called/);
    refused([call, { ...call, type: "ok", key: "other" }], 2, /of key other/);
    refused(
      [
        { ...call, time: 1 },
        { ...call, type: "ok" },
      ],
      2,
      /no `time`/,
    );
  });

  it("is told by a simulated mesh, every operation, and judged the same from its lines", () => {
    const operations: MemoryOperation[] = [];
    const report = simulate(meshOf(3), 4, { durationMs: 4000, onOperation: (operation) => operations.push(operation) });
    equal(report.violation, null);
    ok(operations.length > 100, `only ${operations.length} operations`);
    ok(judgeMemory(operations).every(({ type }) => type === "linearizable"));
    const read = readHistory(historyText(operations));
    equal(read.operations.length, operations.length);
    ok(judgeMemory(read.operations).every(({ type }) => type === "linearizable"));
  });
});
