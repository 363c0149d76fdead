import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  ILLEGAL,
  linearize,
  type SearchLimits,
  type Step,
  type TimedOperation,
} from "../../../server/sim/checkers/linearizability.ts";

/** A register of small numbers: writes always succeed, reads must see the state. */
interface RegisterOperation extends TimedOperation {
  readonly write: boolean;
  readonly value: number;
}
const stepOf =
  (operations: readonly RegisterOperation[]): Step =>
  (state, at) => {
    const { write, value } = operations[at] as RegisterOperation;
    return write || value === state ? value : ILLEGAL;
  };
const check = (operations: readonly RegisterOperation[]) => linearize(operations, 0, stepOf(operations));
const write = (value: number, invokedAt: number, returnedAt: number): RegisterOperation => ({
  write: true,
  value,
  invokedAt,
  returnedAt,
});
const read = (value: number, invokedAt: number, returnedAt: number): RegisterOperation => ({
  ...write(value, invokedAt, returnedAt),
  write: false,
});
const never = Number.POSITIVE_INFINITY;

/** All orders, one after the other: slow and obviously right. */
function explainable(operations: readonly RegisterOperation[], state = 0): boolean {
  const open = operations.filter(({ returnedAt }) => returnedAt !== never);
  if (open.length === 0) return true;
  const firstReturn = Math.min(...operations.map(({ returnedAt }) => returnedAt));
  return operations.some((operation, at) => {
    if (operation.invokedAt > firstReturn) return false;
    const next = stepOf(operations)(state, at);
    return next !== ILLEGAL && explainable(operations.toSpliced(at, 1), next);
  });
}

describe("linearizability search", () => {
  it("accepts overlapping operations in whatever order explains them", () => {
    equal(check([write(1, 0, 10), write(2, 1, 9), read(2, 11, 12), read(2, 13, 14)]).type, "linearizable");
    equal(check([write(1, 0, 10), read(0, 1, 2), read(1, 3, 4)]).type, "linearizable");
  });

  it("refuses a stale read and names it", () => {
    deepEqual(check([write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)]), {
      type: "broken",
      operation: 2,
      order: [0, 1],
      state: 2,
    });
  });

  it("refuses a new value that becomes old again while its write goes on", () => {
    const result = check([write(1, 0, 100), read(1, 1, 2), read(0, 3, 4)]);
    ok(result.type === "broken" && result.operation === 2);
  });

  it("lets an unknown write take effect late or never, but not before it was asked for", () => {
    equal(check([write(1, 0, never), read(0, 1, 2), read(1, 50, 60)]).type, "linearizable");
    equal(check([write(1, 0, never), read(0, 1, 2)]).type, "linearizable");
    equal(check([read(1, 0, 1), write(1, 2, never)]).type, "broken");
    equal(check([write(1, 0, never), read(1, 1, 2), read(0, 3, 4)]).type, "broken");
  });

  it("says when it gave up", () => {
    const history = Array.from({ length: 20 }, (_, at) => write(at, 0, 100));
    const hard = [...history, read(99, 101, 102)];
    const search = (limits: SearchLimits) => linearize(hard, 0, stepOf(hard), limits);
    deepEqual(search({ steps: 1000, bytes: 1e9 }), { type: "undecided", steps: 1000, placed: 20 });
    const small = search({ steps: 1e9, bytes: 100_000 });
    ok(small.type === "undecided" && small.steps < 100_000, "its memory is bounded too");
  });

  it("agrees with trying every order", () => {
    let broken = 0;
    const operation = fc
      .record({
        write: fc.boolean(),
        value: fc.nat(2),
        invokedAt: fc.nat(12),
        lasts: fc.nat(6),
        unknown: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0),
      })
      .map(({ write, value, invokedAt, lasts, unknown }) => ({
        write,
        value,
        invokedAt,
        returnedAt: write && unknown ? never : invokedAt + lasts,
      }));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 7 }), (operations) => {
        const expected = explainable(operations);
        if (!expected) broken++;
        equal(check(operations).type, expected ? "linearizable" : "broken");
      }),
      { numRuns: 3000, seed: 7 },
    );
    ok(broken > 300, `only ${broken} broken histories among them`);
  });

  it("judges a long history in a moment", () => {
    const operations: RegisterOperation[] = [];
    for (let at = 0; at < 3000; at++) {
      operations.push(write(at, at * 10, at * 10 + 25));
      if (at % 50 === 0) operations.push(write(-at, at * 10, never));
    }
    equal(check(operations).type, "linearizable");
  });
});
