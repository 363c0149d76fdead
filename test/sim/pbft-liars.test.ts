import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { ByzantineBehaviour, FaultSpec } from "../../server/contract/faults.ts";
import type { Mesh, PlannedFault } from "../../server/contract/mesh.ts";
import { FAULT_EFFECTS } from "../../server/contract/simulation.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";

const PBFT = quickMesh({ name: "pbft4", agents: 4, topology: "mesh", consensus: "pbft" });

const planned = (atMs: number, fault: FaultSpec): PlannedFault => ({ trigger: { on: "time", atMs }, fault });
const liar = (agent: string, behaviour: ByzantineBehaviour): PlannedFault =>
  planned(10, { kind: "byzantine", agent, behaviour });
const under = (...faults: readonly PlannedFault[]): Mesh => ({ ...PBFT, faults });

describe("liars among simulated PBFT agents", function () {
  this.timeout(60_000);

  it("break nothing in any way of lying while they are no more than are survived, and each way has its effect", () => {
    const met = new Set<string>();
    for (const behaviour of CONSENSUS.pbft.behaviours)
      for (const seed of [1, 2]) {
        // The first primary goes, its view with it, and comes back to catch up.
        const crashes = [1500, 3000].map((atMs) => planned(atMs, { kind: "crash", agent: "a1", forMs: 900 }));
        const { violation, beyondPromise, coverage, committed } = simulate(
          under(liar("a2", behaviour), ...crashes),
          seed,
          { durationMs: 6000 },
        );
        deepEqual([violation, beyondPromise], [null, []], `${behaviour}, seed ${seed}`);
        ok(committed > 0);
        for (const [name, count] of Object.entries(coverage.faults)) if (count > 0) met.add(name);
      }
    const lies = FAULT_EFFECTS.pbft.filter((name) => name.startsWith("byzantine"));
    deepEqual(
      lies.filter((name) => !met.has(name)),
      [],
    );
  });

  it("break agreement where they are more, which the run sees and says that it was not promised", () => {
    for (const seed of [1, 2, 3]) {
      const { violation, beyondPromise } = simulate(under(liar("a1", "equivocate"), liar("a2", "equivocate")), seed, {
        durationMs: 6000,
      });
      equal(violation?.invariant, "state machine safety", `seed ${seed}`);
      ok(beyondPromise.some((why) => why.includes("2 agents lie (a1, a2)")));
    }
  });

  it("lie in the same way whenever the seed is the same", () => {
    const trace = () =>
      simulate(under(liar("a1", "equivocate"), liar("a1", "badProof")), 5, { durationMs: 3000 }).traceHash;
    equal(trace(), trace());
  });
});
