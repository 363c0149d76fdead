import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { simulate } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";
import { MUTATIONS, type Mutation, mutated } from "./mutations.ts";

/** For each way to break the protocol: the invariants that may tell it, as whichever comes first does. */
const EXPECTED: Record<keyof typeof MUTATIONS, RegExp> = {
  voteTwice: /^(election safety|single vote|log matching|agents do not fail)$/,
  forgottenVote: /^(single vote|election safety)$/,
  olderTermByCounting: /^(commit rule|leader completeness|state machine safety)$/,
  ackBeforeDurable: /^(commit durability|single vote)$/,
  localReads: /^linearizable memory$/,
  anyLogWins: /^(leader completeness|state machine safety|agents do not fail)$/,
  noDeduplication: /^linearizable memory$/,
  noFencing: /^tasks exactly once$/,
};
const SEEDS_MAX = 300;

describe("the simulator finds a broken protocol:", function () {
  this.timeout(60_000);
  for (const key of Object.keys(EXPECTED) as (keyof typeof MUTATIONS)[]) {
    const mutation: Mutation = MUTATIONS[key];
    it(`an agent that ${mutation.name}`, () => {
      for (let seed = 1; seed <= SEEDS_MAX; seed++) {
        const mesh = meshOf(seed % 2 === 0 ? 3 : 5);
        const { violation } = mutated(mutation, (createAgent) =>
          simulate(mesh, seed, { durationMs: 6000, ...(createAgent && { createAgent }) }),
        );
        if (violation === null) continue;
        match(violation.invariant, EXPECTED[key], violation.detail);
        ok(violation.atMs > 0);
        // The same seed with the protocol as it is: the mutation it was, not the seed.
        equal(simulate(mesh, seed, { durationMs: 6000 }).violation, null);
        return;
      }
      throw new Error(`none of ${SEEDS_MAX} seeds found it`);
    });
  }
});
