import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { patchedCall } from "./patched.ts";
import { type Hunted, hunt } from "./proposal-hunt.ts";
import { PROPOSAL_MUTANTS } from "./proposal-mutants.ts";

const SEEDS = 120;

describe("the simulator finds proposals that are got wrong:", function () {
  this.timeout(120_000);

  for (const { name, consensus, patches, found } of PROPOSAL_MUTANTS)
    it(`an agent that ${name} (${consensus})`, async () => {
      const hunted = await patchedCall<Hunted>(patches, "./proposal-hunt.ts", "hunt", consensus, SEEDS);
      ok(hunted !== null, `none of ${SEEDS} seeds found it`);
      match(
        hunted.violation.invariant,
        /^(proposals decided once|liveness|agents do not fail)$/,
        hunted.violation.detail,
      );
      match(hunted.violation.detail, found);
    });

  it("and nothing where nothing is wrong", () => {
    for (const consensus of ["raft", "pbft"] as const) equal(hunt(consensus, 5), null);
  });
});
