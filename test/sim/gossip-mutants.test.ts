import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { COUNTING_MUTANTS, GOSSIP_MUTANTS, LITTLE_KEPT } from "./gossip-mutants.ts";
import { type Hunted, hunt, type Searched } from "./gossip-trial.ts";
import { patchedCall } from "./patched.ts";

const SEEDS = 20;

describe("the simulator finds gossip that is got wrong:", function () {
  this.timeout(120_000);

  for (const { name, patches, found } of GOSSIP_MUTANTS)
    it(`an agent that ${name}`, async () => {
      const hunted = await patchedCall<Hunted>(patches, "./gossip-trial.ts", "hunt", SEEDS);
      ok(hunted !== null, `none of ${SEEDS} seeds found it`);
      match(hunted.violation.invariant, /^(convergence|proposals decided once|agents do not fail)$/);
      match(hunted.violation.detail, found);
    });

  for (const { name, patches, found } of COUNTING_MUTANTS)
    it(`an agent that ${name}`, async () => {
      const hunted = await patchedCall<Hunted>(patches, "./gossip-trial.ts", "huntCounting", SEEDS);
      ok(hunted !== null, `none of ${SEEDS} seeds found it`);
      match(hunted.violation.invariant, /^(convergence|agents do not fail)$/);
      match(hunted.violation.detail, found);
    });

  it("and nothing where nothing is wrong", () => equal(hunt(5), null));

  it("and nothing where little is kept, so that states travel, which they do", async () => {
    const { broken, coverage } = await patchedCall<Searched>(LITTLE_KEPT, "./gossip-trial.ts", "searchFive", SEEDS);
    equal(broken.join("\n"), "");
    ok((coverage.transitions["snapshot sent"] ?? 0) > SEEDS, JSON.stringify(coverage.transitions));
    ok((coverage.transitions["snapshot installed"] ?? 0) > SEEDS / 2, JSON.stringify(coverage.transitions));
  });

  it("nor where counters and sets travel in those states", async () => {
    const { broken, coverage } = await patchedCall<Searched>(LITTLE_KEPT, "./gossip-trial.ts", "searchCounting", 4);
    equal(broken.join("\n"), "");
    ok((coverage.transitions["snapshot installed"] ?? 0) > 0, JSON.stringify(coverage.transitions));
  });
});
