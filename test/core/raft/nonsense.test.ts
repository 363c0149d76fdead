import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { arbitraryMessages } from "./arbitraries.ts";
import { logOf, SubjectAgent } from "./subject.ts";

const { message } = arbitraryMessages(fc.oneof(fc.nat(6), fc.nat(1000)));
const from = fc.constantFrom("b", "c", "a", "stranger", "");
const input = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("message" as const), from, message }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lead" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("propose" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("read" as const) }) },
);

describe("messages that make no sense", () => {
  it("are ignored, or stop the agent by an InvariantViolation; nothing else comes of them, and no promise of its own is broken", () => {
    let runs = 0;
    let stopped = 0;
    fc.assert(
      fc.property(fc.array(input, { maxLength: 40 }), fc.array(fc.nat(1), { maxLength: 6 }), (inputs, steps) => {
        const log = logOf(...rising(steps));
        const agent = new SubjectAgent({ log });
        let { term: lastTerm, commit } = agent.status;
        let applied = 0;
        runs++;
        try {
          for (const given of inputs) {
            if (given.kind === "message") agent.step(given.from, given.message);
            else if (given.kind === "lead" && agent.status.role === "follower") agent.lead(false);
            else if (given.kind === "pass") agent.pass(given.ms);
            else if (given.kind === "propose") agent.propose("x");
            else if (given.kind === "read") agent.read(1);
            const { committed, install } = agent.settle();
            if (install !== undefined) {
              assert.ok(install.index > applied, "a snapshot takes nobody back");
              applied = install.index;
            }
            // What is given out before and after an installation in one go goes on after it.
            for (const { index } of committed) assert.equal(index, ++applied);
            const status = agent.status;
            assert.ok(status.term >= lastTerm, "terms never fall");
            assert.ok(status.commit >= commit, "the commit index never falls");
            assert.ok(status.commit <= status.lastIndex && status.durableIndex <= status.lastIndex);
            assert.equal(status.role === "leader", status.leader === "a");
            for (const { match, next, inflight } of status.followers)
              assert.ok(match < next && next <= status.lastIndex + 1 && inflight <= 3);
            lastTerm = status.term;
            commit = status.commit;
          }
        } catch (error) {
          if (!(error instanceof InvariantViolation)) throw error;
          stopped++;
        }
      }),
      { numRuns: 3000 },
    );
    // Else the property would have been about a stopped agent.
    assert.ok(stopped < runs / 2, `${stopped} of ${runs} stopped`);
  });
});

function rising(steps: readonly number[]): number[] {
  let term = 1;
  return steps.map((step) => {
    term += step;
    return term;
  });
}
