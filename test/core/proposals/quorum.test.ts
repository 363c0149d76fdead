import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { THRESHOLD_PARTS } from "../../../server/core/proposals/limits.ts";
import { approvalsNeeded, decisionOf } from "../../../server/core/proposals/quorum.ts";
import type { Choice } from "../../../server/core/proposals/types.ts";
import { anyThreshold } from "./arbitraries.ts";

type Decision = ReturnType<typeof decisionOf>;
type Rule = (needed: number, voters: number, approvals: number, rejections: number) => Decision;

const theRule: Rule = (needed, voters, approvals, rejections) => {
  const threshold = [5001, 6700, 7500, 10_000].find((parts) => approvalsNeeded(voters, parts) === needed);
  assert.ok(threshold !== undefined, `no threshold of the table needs ${needed} of ${voters}`);
  return decisionOf({ voters: voterIds(voters), threshold }, votes(approvals, rejections));
};

/** Each bound from both sides: needed, voters, approvals, rejections. */
const bounds: readonly (readonly [number, number, number, number, Decision])[] = [
  [3, 4, 2, 0, undefined],
  [3, 4, 3, 0, "approved"],
  [3, 4, 3, 1, "approved"],
  [3, 4, 2, 1, undefined],
  [3, 4, 0, 1, undefined],
  [3, 4, 0, 2, "rejected"],
  [3, 4, 2, 2, "rejected"],
  [1, 1, 0, 0, undefined],
  [1, 1, 1, 0, "approved"],
  [1, 1, 0, 1, "rejected"],
  [3, 3, 2, 0, undefined],
  [3, 3, 0, 1, "rejected"],
  [3, 3, 3, 0, "approved"],
  [7, 12, 6, 5, undefined],
  [7, 12, 7, 5, "approved"],
  [7, 12, 6, 6, "rejected"],
  [7, 12, 0, 5, undefined],
  [7, 12, 0, 6, "rejected"],
];

function assertBounds(rule: Rule): void {
  for (const [needed, voters, approvals, rejections, decision] of bounds)
    assert.equal(
      rule(needed, voters, approvals, rejections),
      decision,
      `${needed} needed of ${voters}: ${approvals} for, ${rejections} against`,
    );
}

function voterIds(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `a${at}`);
}

function votes(approvals: number, rejections: number): { choice: Choice }[] {
  return Array.from({ length: approvals + rejections }, (_, at) => ({ choice: at < approvals ? "approve" : "reject" }));
}

describe("the quorum rule", () => {
  const needed: readonly (readonly [voters: number, thresholdParts: number, needed: number])[] = [
    [1, 5001, 1],
    [1, 10_000, 1],
    [2, 5001, 2],
    [3, 6600, 2],
    [3, 6667, 3],
    [4, 7500, 3],
    [4, 7501, 4],
    [10, 7000, 7],
    [10, 7001, 8],
    [100, 6700, 67],
    [100, 5001, 51],
    [1000, 5001, 501],
    [1000, 9999, 1000],
    [1000, 10_000, 1000],
  ];
  for (const [voters, parts, approvals] of needed)
    it(`needs ${approvals} of ${voters} at a threshold of ${parts / THRESHOLD_PARTS}`, () =>
      assert.equal(approvalsNeeded(voters, parts), approvals));

  it("needs the least number that is no smaller a share than the threshold, exactly, for every number of voters", () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), anyThreshold, (voters, parts) => {
        const share = BigInt(voters) * BigInt(parts);
        const least = BigInt(approvalsNeeded(voters, parts));
        assert.ok(least * 10_000n >= share && (least - 1n) * 10_000n < share);
        assert.ok(least * 2n > BigInt(voters) && least <= BigInt(voters));
      }),
    ));

  const nonsense: [string, number, number][] = [
    ["nobody", 0, 6700],
    ["half a voter", 1.5, 6700],
    ["half", 4, 5000],
    ["more than all", 4, 10_001],
    ["a threshold that is no whole number", 4, 6666.6],
  ];
  for (const [what, voters, parts] of nonsense)
    it(`stops at ${what}`, () => assert.throws(() => approvalsNeeded(voters, parts), InvariantViolation));

  it("stops at more votes than voters", () =>
    assert.throws(() => decisionOf({ voters: ["a1"], threshold: 6700 }, votes(1, 1)), InvariantViolation));

  it("decides at its bounds, and not before", () => assertBounds(theRule));

  const wrong: [string, Rule][] = [
    ["one approval too few", (n, v, a, r) => (a >= n - 1 ? "approved" : r > v - n ? "rejected" : undefined)],
    ["one approval too many", (n, v, a, r) => (a > n ? "approved" : r > v - n ? "rejected" : undefined)],
    ["one rejection too few", (n, v, a, r) => (a >= n ? "approved" : r >= v - n ? "rejected" : undefined)],
    ["one rejection too many", (n, v, a, r) => (a >= n ? "approved" : r > v - n + 1 ? "rejected" : undefined)],
    ["as many rejections as approvals", (n, _v, a, r) => (a >= n ? "approved" : r >= n ? "rejected" : undefined)],
    ["the share of those that voted", (n, v, a, r) => (a * v >= n * (a + r) && a > 0 ? "approved" : undefined)],
    [
      "rejections before approvals",
      (n, v, a, r) => (r > 0 && r >= v - n ? "rejected" : a >= n ? "approved" : undefined),
    ],
    ["approval alone", (n, _v, a) => (a >= n ? "approved" : undefined)],
  ];
  for (const [what, rule] of wrong)
    it(`is told from a rule that asks for ${what}`, () => assert.throws(() => assertBounds(rule), /needed of/));

  it("never both approves and rejects, stays decided whatever comes after, and is decided when all have voted", () =>
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom<Choice>("approve", "reject"), { minLength: 1, maxLength: 40 }),
        anyThreshold,
        (choices, threshold) => {
          const voters = voterIds(choices.length);
          let decision: Decision;
          for (let count = 0; count <= choices.length; count++) {
            const next = decisionOf(
              { voters, threshold },
              choices.slice(0, count).map((choice) => ({ choice })),
            );
            if (decision !== undefined) assert.equal(next, decision);
            decision = next;
          }
          assert.ok(decision !== undefined);
        },
      ),
    ));
});
