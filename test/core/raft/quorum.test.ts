import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  jointResult,
  majorityOf,
  reachedByMajority,
  type VoteResult,
  voteResult,
} from "../../../server/core/raft/quorum.ts";

describe("the arithmetic of majorities", () => {
  it("finds the highest index that more than half hold, as trying each would", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 9 }), (matches) => {
        const holders = (index: number) => matches.filter((match) => match >= index).length;
        let expected = 0;
        for (let index = 1; index <= 9; index++) if (holders(index) > matches.length / 2) expected = index;
        assert.equal(reachedByMajority(Float64Array.from(matches)), expected);
      }),
    );
  });

  it("asks nothing of nobody: an empty half of voters holds up no commit and no election", () => {
    assert.equal(reachedByMajority(new Float64Array(0)), Number.POSITIVE_INFINITY);
    assert.equal(
      voteResult([], () => undefined),
      "won",
    );
  });

  it("says won, lost or pending as the answers still to come could turn out", () => {
    const vote = fc.constantFrom(true, false, undefined);
    fc.assert(
      fc.property(fc.array(vote, { minLength: 1, maxLength: 6 }), (votes) => {
        const voters = votes.map((_, at) => `v${at}`);
        const result = voteResult(voters, (voter) => votes[voters.indexOf(voter)]);
        const [yes, open] = [
          votes.filter((one) => one === true).length,
          votes.filter((one) => one === undefined).length,
        ];
        const needed = majorityOf(votes.length);
        assert.equal(result, yes >= needed ? "won" : yes + open < needed ? "lost" : "pending");
      }),
    );
  });

  const table: readonly (readonly [VoteResult, VoteResult, VoteResult])[] = [
    ["won", "won", "won"],
    ["won", "pending", "pending"],
    ["pending", "pending", "pending"],
    ["won", "lost", "lost"],
    ["lost", "pending", "lost"],
    ["lost", "lost", "lost"],
  ];
  for (const [one, other, both] of table)
    it(`in a joint phase, ${one} and ${other} make ${both} (thesis §4.3)`, () => {
      assert.equal(jointResult(one, other), both);
      assert.equal(jointResult(other, one), both);
    });
});
