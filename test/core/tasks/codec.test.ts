import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeTaskCommand, encodeTaskCommand } from "../../../server/core/tasks/codec.ts";
import {
  boundedOutcome,
  checkTaskCommand,
  checkTaskOutcome,
  checkTaskSpec,
  MAX_ARG_BYTES,
  MAX_ARGS,
  MAX_ARGS_BYTES,
  MAX_ERROR_BYTES,
  MAX_OUTPUT_TAIL_BYTES,
} from "../../../server/core/tasks/limits.ts";
import type { TaskCommand, TaskOutcome, TaskSpec } from "../../../server/core/tasks/types.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../codec-properties.ts";
import { anyCommand, outcome, spec } from "./arbitraries.ts";

const codec = { encode: encodeTaskCommand, decode: decodeTaskCommand };

describe("the binary form of task commands", () => {
  it("gives back every command", () => assertRoundTrips(codec, anyCommand));
  it("answers bytes from outside with a command or MalformedBytes", () => assertOnlyMalformed(codec, anyCommand));

  const specs: [string, Partial<TaskSpec>, RegExp][] = [
    ["no id", { id: "" }, /id is empty/],
    ["a long id", { id: "i".repeat(129) }, /id is longer than the 128 bytes/],
    ["no command", { command: "" }, /command is empty/],
    ["a NUL in the command", { command: "a\0b" }, /command contains a NUL/],
    ["a NUL in an argument", { args: ["", "a\0"] }, /argument 2 contains a NUL/],
    ["half a surrogate pair", { args: ["\ud83d"] }, /argument 1 is not valid Unicode/],
    ["many arguments", { args: new Array<string>(MAX_ARGS + 1).fill("") }, /1025 arguments; at most 1024/],
    ["a long argument", { args: ["é".repeat(MAX_ARG_BYTES / 2 + 1)] }, /argument 1 is longer than the 32768/],
    [
      "much text in all arguments",
      { args: new Array<string>(3).fill("é".repeat(MAX_ARGS_BYTES / 6 + 1)) },
      /arguments have 65\d\d\d bytes together/,
    ],
    ["a folder outside", { cwd: "a/../../b" }, /leaves the swarm's folder/],
    ["a folder outside, with backslashes", { cwd: "..\\b" }, /leaves the swarm's folder/],
    ["an absolute folder", { cwd: "/tmp" }, /leaves the swarm's folder/],
    ["a drive", { cwd: "C:\\tmp" }, /leaves the swarm's folder/],
    ["a negative time limit", { timeoutMs: -1 }, /timeoutMs\) is -1/],
    ["no attempts", { maxAttempts: 0 }, /maxAttempts\) is 0; give a whole number from 1 to 1000/],
    ["half an attempt", { maxAttempts: 1.5 }, /maxAttempts\) is 1.5/],
  ];
  for (const [what, fields, sentence] of specs) {
    it(`refuses a task with ${what}, with a sentence, before it reaches the log`, () => {
      const broken = spec("t", fields);
      assert.match(checkTaskSpec(broken) ?? "", sentence);
      assert.throws(() => encodeTaskCommand({ type: "submit", spec: broken }), RangeError);
    });
  }

  const commands: [string, TaskCommand, RegExp][] = [
    ["a lease without an end", { type: "assign", id: "t", agent: "a", leaseMs: Number.POSITIVE_INFINITY }, /leaseMs\)/],
    ["a lease of nobody", { type: "assign", id: "t", agent: "", leaseMs: 1 }, /the agent is empty/],
    ["token 0", { type: "renew", id: "t", token: 0, leaseMs: 1 }, /fencing token is 0/],
    ["a long reason", { type: "revoke", id: "t", token: 1, reason: "r".repeat(1025) }, /reason is longer/],
    ["half an exit code", { type: "complete", id: "t", token: 1, outcome: outcome(0.5) }, /exit code 0.5/],
    ["a large exit code", { type: "complete", id: "t", token: 1, outcome: outcome(2 ** 32) }, /exit code/],
    [
      "a duration that is none",
      { type: "complete", id: "t", token: 1, outcome: outcome(0, { durationMs: Number.NaN }) },
      /duration NaN/,
    ],
    [
      "much output",
      { type: "complete", id: "t", token: 1, outcome: outcome(0, { outputTail: "o".repeat(16385) }) },
      /output's tail is longer than the 16384/,
    ],
  ];
  for (const [what, command, sentence] of commands) {
    it(`refuses ${what}, with a sentence, before it reaches the log`, () => {
      assert.match(checkTaskCommand(command) ?? "", sentence);
      assert.throws(() => encodeTaskCommand(command), RangeError);
    });
  }

  const large: [string, Partial<TaskOutcome>][] = [
    [
      "ASCII",
      { outputTail: `${"x".repeat(MAX_OUTPUT_TAIL_BYTES)}the end`, error: `why${"!".repeat(MAX_ERROR_BYTES)}` },
    ],
    [
      "two bytes a symbol",
      { outputTail: `${"é".repeat(MAX_OUTPUT_TAIL_BYTES)}the end`, error: `why${"é".repeat(9999)}` },
    ],
    ["pairs", { outputTail: `${"🦊".repeat(MAX_OUTPUT_TAIL_BYTES)}the end`, error: `why${"🦊".repeat(9999)}` }],
    ["halves of pairs", { outputTail: `${"\udc00".repeat(20_000)}the end`, error: `why${"\ud83d".repeat(9999)}` }],
  ];
  for (const [what, fields] of large) {
    it(`cuts an outcome to the limits: the end of the output, the beginning of the error (${what})`, () => {
      const cut = boundedOutcome(outcome(1, fields));
      assert.equal(checkTaskOutcome(cut), undefined);
      assert.ok(cut.outputTail.endsWith("the end") && Buffer.byteLength(cut.outputTail) > MAX_OUTPUT_TAIL_BYTES - 4);
      assert.ok(cut.error.startsWith("why") && Buffer.byteLength(cut.error) > MAX_ERROR_BYTES - 4);
    });
  }
});
