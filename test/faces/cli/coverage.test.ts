import { deepEqual, match } from "node:assert/strict";
import { describe, it } from "mocha";
import { TRANSITIONS } from "../../../server/contract/simulation.ts";
import { coverageLines } from "../../../server/faces/cli/coverage.ts";

describe("what a search met, in words", () => {
  it("names what took effect with its count, and what was injected for nothing", () => {
    const faults = { crash: 1200, "disk tornTail": 0, "link loss": 3 };
    deepEqual(
      coverageLines({ faults, transitions: {} }, "raft")[0],
      ["  faults met: crash 1,200, link loss 3 (2 of 37 kinds); always without consequence: disk tornTail"].join(""),
    );
    match(coverageLines({ faults: {}, transitions: {} }, "raft")[0] ?? "", /^ {2}faults met: none \(0 of \d+ kinds\)$/);
  });

  it("names the transitions that were never met, and none where all were", () => {
    const all = Object.fromEntries(TRANSITIONS.raft.map((name) => [name, 1]));
    const { "log truncated": _, ...most } = all;
    const count = TRANSITIONS.raft.length;
    deepEqual(coverageLines({ faults: {}, transitions: all }, "raft")[1], `  transitions met: ${count} of ${count}`);
    deepEqual(
      coverageLines({ faults: {}, transitions: most }, "raft")[1],
      `  transitions met: ${count - 1} of ${count}; never: log truncated`,
    );
  });
});
