import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "mocha";
import { LinearizableMemory } from "../../../server/sim/checkers/linearizable-memory.ts";
import type { MemoryCall, MemoryOperation, MemoryOutcome } from "../../../server/sim/history.ts";

const never = Number.POSITIVE_INFINITY;
const put = (value: string): MemoryCall => ({ type: "put", value });
const cas = (expectedVersion: number, value: string): MemoryCall => ({ type: "compareAndSet", expectedVersion, value });
const get: MemoryCall = { type: "get" };
const remove: MemoryCall = { type: "delete" };
const written = (version: number): MemoryOutcome => ({ type: "written", version });
const conflict = (version: number): MemoryOutcome => ({ type: "conflict", version });
const deleted = (existed: boolean): MemoryOutcome => ({ type: "deleted", existed });
const item = (value: string, version: number): MemoryOutcome => ({ type: "item", value, version });
const nothing: MemoryOutcome = { type: "item", value: null, version: 0 };
const unknown: MemoryOutcome = { type: "unknown" };

/** One after the other, unless given times. */
const history = (...steps: readonly (readonly [MemoryCall, MemoryOutcome, number?, number?, string?])[]) =>
  steps.map(
    ([call, outcome, invokedUs, returnedUs, key], at): MemoryOperation => ({
      client: `c${at + 1}`,
      key: key ?? "k",
      call,
      outcome,
      invokedUs: invokedUs ?? at * 10,
      returnedUs: returnedUs ?? (outcome.type === "unknown" ? never : at * 10 + 5),
    }),
  );

const verdicts = (operations: readonly MemoryOperation[]): string[] => {
  const found: string[] = [];
  new LinearizableMemory((invariant, detail) => found.push(`${invariant}: ${detail}`)).check(operations);
  return found;
};
const accepted = (operations: readonly MemoryOperation[]) => deepEqual(verdicts(operations), []);
const refused = (operations: readonly MemoryOperation[], reason: RegExp) => {
  const found = verdicts(operations);
  equal(found.length, 1);
  match(found[0] as string, reason);
};

describe("linearizable memory checker", () => {
  it("accepts what one copy would answer", () => {
    accepted(
      history(
        [get, nothing],
        [put("a"), written(3)],
        [get, item("a", 3)],
        [cas(3, "b"), written(5)],
        [cas(3, "c"), conflict(5)],
        [remove, deleted(true)],
        [remove, deleted(false)],
        [cas(0, "d"), written(9)],
        [get, item("d", 9)],
      ),
    );
  });

  it("refuses a stale read, and says which operation it was", () => {
    refused(
      history([put("a"), written(1)], [put("b"), written(2)], [get, item("a", 1)]),
      /key k: no order .* explains c3's get -> a \(version 1\) .* then has value b \(version 2\)/,
    );
  });

  it("refuses a lost write", () => refused(history([put("a"), written(1)], [get, nothing]), /c2's get -> nothing/));

  it("refuses a read of what nobody wrote", () =>
    refused(history([put("a"), written(1)], [get, item("z", 1)]), /a value that nobody wrote/));

  it("refuses a write that was applied twice", () =>
    refused(history([get, item("a", 2), 1, 2], [put("a"), written(4), 0, 5]), /a write that has version/));

  it("refuses two writes with one version", () =>
    refused(history([put("a"), written(4)], [put("b"), written(4)]), /two writes have version 4/));

  it("refuses a compare-and-set that succeeded on another version", () =>
    refused(
      history([put("a"), written(1)], [put("b"), written(2)], [cas(1, "c"), written(3)]),
      /compareAndSet 1 to c/,
    ));

  it("refuses a conflict with the version that was expected, or that was not there", () => {
    refused(history([put("a"), written(1)], [cas(1, "b"), conflict(1)]), /conflict with version 1/);
    refused(history([put("a"), written(1)], [cas(7, "b"), conflict(0)]), /conflict with version 0/);
  });

  it("refuses a delete of what was not there", () => refused(history([remove, deleted(true)]), /existed true/));

  it("lets a write of unknown outcome have happened or not", () => {
    accepted(history([put("a"), unknown], [get, nothing], [get, item("a", 6)]));
    accepted(history([put("a"), unknown], [remove, deleted(true)]));
    accepted(history([put("a"), unknown], [cas(1, "b"), conflict(5)]));
    refused(history([put("a"), unknown], [get, item("a", 6)], [get, nothing]), /c3's get -> nothing/);
    refused(history([get, item("a", 6)], [put("a"), unknown]), /c1's get -> a/);
  });

  it("judges each key by itself", () => {
    accepted(
      history([put("a"), written(1), 0, 1, "x"], [put("b"), written(2), 2, 3, "y"], [get, item("a", 1), 4, 5, "x"]),
    );
    refused(history([put("a"), written(1), 0, 1, "x"], [get, nothing, 4, 5, "x"], [get, nothing, 4, 5, "y"]), /key x/);
  });
});
