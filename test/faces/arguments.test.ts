import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { faultArguments, readArguments, seedsFlag, UsageError } from "../../server/faces/cli/arguments.ts";

const fault = (line: string): unknown => {
  const { words, flags } = readArguments(line.split(" "));
  return faultArguments(words, flags);
};

describe("the command line", () => {
  it("keeps what stands behind -- untouched", () => {
    const read = readArguments(["submit", "--agent", "a2", "--", "node", "--version", "--json"]);
    assert.deepEqual(
      [read.command, read.words, read.rest, read.flags.agent, read.flags.json],
      ["submit", [], ["node", "--version", "--json"], "a2", false],
    );
  });

  it("refuses an option it does not know", () => {
    assert.throws(() => readArguments(["status", "--jason"]), UsageError);
  });

  it("reads every kind of fault", () => {
    assert.deepEqual(fault("fault crash leader --for 3s"), { kind: "crash", agent: "leader", forMs: 3000 });
    assert.deepEqual(fault("fault pause a2"), { kind: "pause", agent: "a2" });
    assert.deepEqual(fault("fault isolate a2"), { kind: "isolate", agent: "a2" });
    assert.deepEqual(fault("fault partition a1,a2 a3"), { kind: "partition", sides: [["a1", "a2"], ["a3"]] });
    assert.deepEqual(fault("fault slow a1 a2 --delay 200ms"), {
      kind: "slow",
      a: "a1",
      b: "a2",
      delayMs: 200,
      jitterMs: 0,
    });
    assert.deepEqual(fault("fault lossy a1 --loss 0.5"), { kind: "lossy", a: "a1", loss: 0.5 });
  });

  for (const line of [
    "fault",
    "fault melt a1",
    "fault crash",
    "fault crash a1 a2",
    "fault slow a1",
    "fault lossy a1 --loss 2",
    "fault partition",
    "fault crash a1 --for soon",
  ]) {
    it(`refuses: ${line}`, () => {
      assert.throws(() => fault(line), UsageError);
    });
  }

  it("reads seeds as a count or a range", () => {
    assert.deepEqual(seedsFlag("3"), [1, 2, 3]);
    assert.deepEqual(seedsFlag("5..7"), [5, 6, 7]);
    for (const bad of ["0", "7..5", "x", "-1", "1..9999999"]) assert.throws(() => seedsFlag(bad), UsageError);
  });
});
