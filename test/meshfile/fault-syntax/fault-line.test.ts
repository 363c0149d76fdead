import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { parseFault } from "../../../server/meshfile/fault-syntax/fault-line.ts";
import { KIND_KEYS } from "../../../server/meshfile/fault-syntax/keys.ts";
import { checkNumbers } from "../../../server/meshfile/faults/limits.ts";

const MESH = { agents: ["a1", "a2", "a3"], links: [{ a: "a1", b: "a2" }], consensus: "raft" } as const;
const found = (text: string, mesh: typeof MESH | null = null) =>
  parseFault(text, mesh).diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`);

describe("a fault in one line", () => {
  it("is said as in a mesh file, with or without braces", () => {
    const fault = { kind: "crash", agent: "leader", forMs: 2000 };
    assert.deepEqual(parseFault("crash: leader, for: 2s"), { fault, diagnostics: [] });
    assert.deepEqual(parseFault("{ crash: leader, for: 2s }"), { fault, diagnostics: [] });
    assert.deepEqual(parseFault("message: { types: [append], to: a3, drop: true, count: 2 }").fault, {
      kind: "message",
      match: { types: ["append"], to: "a3" },
      action: { action: "drop" },
      count: 2,
    });
  });

  it("is a preset as well, with its pace", () => {
    const preset = { preset: "leaderHunt", hit: "isolate", everyMs: 100, forMs: 2000, times: 3 };
    const line = "preset: leaderHunt, hit: isolate, every: 100ms, for: 2s, times: 3";
    assert.deepEqual(parseFault(line, MESH), { preset, diagnostics: [] });
    assert.deepEqual(found("preset: rollingRestart, whom: a9", MESH), ["unknownAgent 1:31"]);
  });

  it("names any agent where the mesh is not known, and only its own where it is", () => {
    assert.ok(parseFault("slow: { a: ada, b: bob, delay: 20ms }").fault);
    assert.deepEqual(found("slow: { a: a1, b: a3, delay: 20ms }", MESH), ["noLink 1:19"]);
    assert.deepEqual(found("crash: a9", MESH), ["unknownAgent 1:8"]);
    assert.deepEqual(found("crash: '../x'"), ["unknownAgent 1:8"]);
  });

  for (const [why, text, expected] of [
    ["nothing", " ", ["empty 1:1"]],
    ["what has a time", "at: 2s, crash: a1", ["unknownKey 1:1"]],
    ["a preset that is none", "preset: leaderHurt", ["unknownValue 1:9"]],
    ["a preset with a time", "preset: leaderHunt, at: 2s", ["unknownKey 1:21"]],
    ["a preset with a fault", "preset: leaderHunt, crash: a1", ["unknownKey 1:21"]],
    ["a preset's key without one", "crash: a1, whom: a2", ["unknownKey 1:12"]],
    ["two kinds", "crash: a1, pause: a2", ["faultKind 1:1"]],
    ["a word alone", "crash", ["wrongType 1:1"]],
    ["two lines of it", "crash: a1\n}\n{pause: a2", ["notYaml"]],
    ["what does not close", "link: { a: a1", ["notYaml"]],
    ["a novel", `crash: ${"a".repeat(20_000)}`, ["tooLarge 1:1"]],
  ] as [string, string, string[]][])
    it(`refuses ${why}, and says where in the text as it was given`, () => {
      const actual = found(text);
      assert.ok(actual.length > 0);
      for (const [at, line] of expected.entries()) assert.ok(actual[at]?.startsWith(line), actual.join(", "));
    });

  it("is a fault whose numbers are within limits, or a sentence, and never an exception", () => {
    const piece = fc.constantFrom(
      ...KIND_KEYS.map(({ key }) => key),
      ...["preset", "rollingRestart", "whom", "every", "times"],
      ...[": ", ", ", "{", "}", "[", "]", "a1", "a2", "leader", "halves", "drop", "true", "toxics", "loss", "latency"],
      ...[
        "ms",
        "spread",
        "shape",
        "pareto",
        "delay",
        "slowdown",
        "agent",
        "a",
        "b",
        "0",
        "-1",
        "0.5",
        "3s",
        "1e99",
        ".inf",
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 20 }), (parts) => {
        const { fault, preset, diagnostics } = parseFault(parts.join(""), MESH);
        assert.equal(fault === undefined && preset === undefined, diagnostics.length > 0);
        if (fault) checkNumbers(fault);
        for (const { message, line, column } of diagnostics) assert.ok(message.length > 0 && line >= 1 && column >= 1);
      }),
      { numRuns: 1000 },
    );
  });
});
