import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readArguments, seedsFlag, UsageError } from "../../server/faces/cli/arguments.ts";
import { faultWish } from "../../server/faces/cli/fault-arguments.ts";
import { helpOf } from "../../server/faces/cli/help.ts";

const fault = (line: string): unknown => {
  const { words, flags } = readArguments(line.split(" "));
  return faultWish(words, flags).fault;
};

const written = (...line: string[]) => {
  const { words, flags } = readArguments(["fault", ...line]);
  return faultWish(words, flags);
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

  it("reads a fault or preset in one line as a mesh file says it, in quotes or without", () => {
    const rule = { kind: "message", match: { types: ["vote"] }, action: { action: "delay", delayMs: 200 } };
    assert.deepEqual(written("message: { types: [vote], delay: 200ms }"), { fault: rule });
    assert.deepEqual(written("{ crash: leader, for: 2s }"), { fault: { kind: "crash", agent: "leader", forMs: 2000 } });
    assert.deepEqual(fault("fault crash: leader, for: 2s"), { kind: "crash", agent: "leader", forMs: 2000 });
    assert.deepEqual(written("crash: leader", "--for", "3s"), {
      fault: { kind: "crash", agent: "leader", forMs: 3000 },
    });
    const preset = { preset: "leaderHunt", times: 3, forMs: 500 };
    assert.deepEqual(written("preset: leaderHunt, times: 3", "--for", "500ms"), { preset });
  });

  it("reads every example of its own help", () => {
    const examples = [...helpOf("fault").matchAll(/"(.+:.+)"/g)].map(([, line]) => line as string);
    assert.ok(examples.length >= 12, `${examples.length} examples`);
    for (const line of examples) assert.ok(Object.values(written(line))[0], line);
  });

  it("points at what is wrong with a line, and says what to do", () => {
    const said = (line: string, mesh: Parameters<typeof faultWish>[2] = null): string => {
      const { words, flags } = readArguments(["fault", line]);
      try {
        faultWish(words, flags, mesh);
      } catch (error) {
        assert.ok(error instanceof UsageError);
        return error.message;
      }
      return assert.fail(`accepted: ${line}`);
    };
    assert.equal(
      said("crash: leader, forr: 2s"),
      `this fault cannot be read:
  crash: leader, forr: 2s
                 ^^^^
  A fault has no key "forr". Did you mean "for"?`,
    );
    const mesh = { agents: ["a1", "a2"], links: [{ a: "a1", b: "a2" }], consensus: "raft" } as const;
    assert.match(said("message: { to: a9, drop: true }", mesh), /\n {17}\^\^\n {2}message\.to: there is no agent "a9"/);
    const long = said(`message: { types: [${"vote, ".repeat(40)}veto], drop: true }`).split("\n");
    assert.ok(long.slice(0, 3).every((line) => line.length < 130));
    const at = (long[2] as string).indexOf("^^^^");
    assert.equal((long[1] as string).slice(at, at + 4), "veto");
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
    "fault crash a1 --loss 0.3",
    "fault lossy a1 --loss 0.3 --delay 2s",
    "fault crash: a1, for: 2s --for 3s",
    "fault slow: { a: a1 } --delay 2s",
    "fault preset: leaderHunt, whom: a1",
    "fault crash: a1, at: 2s",
  ]) {
    it(`refuses: ${line}`, () => {
      assert.throws(() => fault(line), UsageError);
    });
  }

  it("reads seeds as a count or a range", () => {
    assert.deepEqual(seedsFlag("3"), { from: 1, to: 3 });
    assert.deepEqual(seedsFlag("5..7"), { from: 5, to: 7 });
    for (const bad of ["0", "7..5", "x", "-1", "1..9999999"]) assert.throws(() => seedsFlag(bad), UsageError);
  });
});
