import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { checkProposalSpec, MAX_BODY_BYTES } from "../../../server/core/proposals/limits.ts";
import { MAX_BODY_TEXT, type ProposalFields, readProposal } from "../../../server/core/proposals/read.ts";
import type { ProposalSpec } from "../../../server/core/proposals/types.ts";

const swarm = { voters: ["a3", "a1", "a10"], members: ["a1", "a10", "a2", "a3"] };
const defaults = { thresholdParts: 6700, timeoutMs: 30_000 };
const request: ProposalFields = { id: "p", subject: "deploy", body: '{ "b": 1.0, "a": [] }' };

function read(fields: ProposalFields, all = swarm): ProposalSpec {
  const answer = readProposal({ ...request, ...fields }, all, defaults);
  assert.ok("spec" in answer, "problem" in answer ? answer.problem : "");
  return answer.spec;
}

function problemOf(fields: ProposalFields, all = swarm): string {
  const answer = readProposal({ ...request, ...fields }, all, defaults);
  assert.ok("problem" in answer, "accepted");
  return answer.problem;
}

describe("a proposal from outside", () => {
  it("gets a canonical body, and what it leaves open from the swarm", () =>
    assert.deepEqual(read({}), {
      id: "p",
      subject: "deploy",
      body: '{"a":[],"b":1}',
      voters: ["a1", "a10", "a3"],
      threshold: 6700,
      timeoutMs: 30_000,
    }));

  it("keeps what it says, its voters sorted; who only listens may be asked, too", () => {
    const { voters, threshold, timeoutMs } = read({ voters: ["a2", "a10"], threshold: 0.75, timeoutMs: 1 });
    assert.deepEqual({ voters, threshold, timeoutMs }, { voters: ["a10", "a2"], threshold: 7500, timeoutMs: 1 });
  });

  it("leaves the lists that it was given as they are", () => {
    const voters = Object.freeze(["a3", "a1"]);
    read({ voters }, { voters: Object.freeze(["a2", "a1"]) as string[], members: swarm.members });
    assert.deepEqual(voters, ["a3", "a1"]);
  });

  it("keeps any threshold of four decimals exactly", () => {
    for (let parts = 5001; parts <= 10_000; parts++)
      assert.equal(read({ threshold: Number(`0.${parts}`.replace("0.10000", "1")) }).threshold, parts);
  });

  const refused: [string, ProposalFields, RegExp][] = [
    ["no id", { id: undefined }, /id is undefined; give a text/],
    ["an empty id", { id: "" }, /id is empty/],
    ["an id that is no text", { id: 7 }, /id is 7; give a text/],
    ["no subject", { subject: undefined }, /subject is undefined; give a text/],
    ["an empty subject", { subject: "" }, /subject is empty/],
    ["a body that is no text", { body: { a: 1 } }, /body is an object; give JSON, written as a text/],
    ["a body that is no JSON", { body: "yes" }, /body cannot be read as JSON: line 1, column 1/],
    ["a body whose form is too long", { body: JSON.stringify("b".repeat(MAX_BODY_BYTES)) }, /longer than the 65536/],
    ["a body that is too long to be read", { body: " ".repeat(MAX_BODY_TEXT + 1) }, /has 262145 characters; at most/],
    ["a body that grows beyond the limit", { body: `[${"1e20,".repeat(5000)}1]` }, /longer than the 65536/],
    ["voters that are no list", { voters: "all" }, /voters are "all"; give a list of agents' ids, or leave it out/],
    ["voters that are null", { voters: null }, /voters are null/],
    ["no voters", { voters: [] }, /no voters; name at least one/],
    ["a voter that is no text", { voters: ["a1", 2] }, /voter 2 is no text/],
    ["a voter that is no member", { voters: ["a1", "b9"] }, /voter "b9" is no member of the swarm/],
    ["a voter twice", { voters: ["a1", "a2", "a1"] }, /names the voter "a1" twice/],
    ["many voters", { voters: new Array<string>(1001).fill("a1") }, /1001 voters; at most 1000/],
    ["a threshold of half", { threshold: 0.5 }, /threshold is 0.5; give a share above 0.5/],
    ["a threshold above all", { threshold: 1.0001 }, /threshold is 1.0001/],
    ["five decimals", { threshold: 0.66667 }, /threshold is 0.66667; .* at most four decimals/],
    ["a little more than half", { threshold: 0.50001 }, /threshold is 0.50001/],
    ["a threshold in percent", { threshold: 67 }, /threshold is 67/],
    ["a threshold that is no number", { threshold: "0.67" }, /threshold is "0.67"/],
    ["a threshold that is NaN", { threshold: Number.NaN }, /threshold is NaN/],
    ["no time", { timeoutMs: 0 }, /timeoutMs\) is 0; give a whole number/],
    ["a time that is no number", { timeoutMs: "30s" }, /timeoutMs\) is "30s"/],
    ["time without end", { timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs\) is Infinity/],
  ];
  for (const [what, fields, sentence] of refused)
    it(`is refused with ${what}`, () => assert.match(problemOf(fields), sentence));

  it("is refused where nobody votes", () =>
    assert.match(problemOf({}, { voters: [], members: ["a1"] }), /no voters; name at least one/));

  it("leads to a spec that every agent takes or to a sentence, whatever its fields hold", () => {
    const anything = fc.oneof(
      fc.anything({ withBigInt: true, withNullPrototype: true }),
      fc.constantFrom<unknown>("p", "{}", ["a1"], ["a2", "a1"], 0.75, 1000, Symbol("a"), Object.create(null)),
    );
    const fields = fc.record(
      { id: anything, subject: anything, body: anything, voters: anything, threshold: anything, timeoutMs: anything },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fields, fc.boolean(), (some, whole) => {
        const answer = readProposal(whole ? { ...request, ...some } : some, swarm, defaults);
        if ("spec" in answer) assert.equal(checkProposalSpec(answer.spec), undefined);
        else assert.match(answer.problem, /^the proposal.*[;:]/);
      }),
      { numRuns: 1000 },
    );
  });
});
