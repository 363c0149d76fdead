import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, it } from "mocha";
import type { Hunted, ProposalHunt } from "./proposal-hunter.ts";
import { PROPOSAL_MUTANTS } from "./proposal-mutants.ts";

const SEEDS = 40;
const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

function hunt(mutant: ProposalHunt["mutant"], seeds: number): Promise<Hunted> {
  const workerData: ProposalHunt = { mutant, root: ROOT, seeds };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./proposal-hunter.ts", import.meta.url), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`${mutant.name}: its thread ended with ${code}, without a word`)));
  });
}

describe("the simulator finds proposals that are got wrong:", function () {
  this.timeout(120_000);

  for (const { found, ...mutant } of PROPOSAL_MUTANTS)
    it(`an agent that ${mutant.name} (${mutant.consensus})`, async () => {
      const hunted = await hunt(mutant, SEEDS);
      ok(hunted !== null, `none of ${SEEDS} seeds found it`);
      match(hunted.violation.invariant, /^(proposals decided once|liveness)$/, hunted.violation.detail);
      match(hunted.violation.detail, found);
      process.stdout.write(`      (seed ${hunted.seed}: ${hunted.violation.detail.slice(0, 120)})\n`);
    });

  it("and nothing where nothing is wrong", async () => {
    for (const consensus of ["raft", "pbft"] as const)
      equal(await hunt({ name: "none", consensus, patches: [] }, 5), null);
    deepEqual(new Set(PROPOSAL_MUTANTS.map(({ name }) => name)).size, PROPOSAL_MUTANTS.length);
  });
});
