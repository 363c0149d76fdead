import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { PlannedFault } from "../../server/contract/mesh.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";

const SEEDS = 30;
const MOST_SEEDS = 150;
const KINDS = { crash: 2, pause: 3, isolate: 3, partition: 3, lossy: 1, slow: 1 };

describe("reads by lease", function () {
  this.timeout(60_000);

  it(`stay linearizable while clocks run alike, and ask the others less: ${SEEDS} seeds`, () => {
    const asked = { lease: 0, readIndex: 0 };
    for (const reads of ["lease", "readIndex"] as const)
      for (let seed = 1; seed <= SEEDS; seed++) {
        const mesh = { ...meshOf(5), reads, chaos: { kinds: KINDS, everyMs: 500, forMs: 2000 } };
        const { violation, delivered, operations } = simulate(mesh, seed, { durationMs: 3000 });
        deepEqual({ reads, seed, violation }, { reads, seed, violation: null });
        asked[reads] += delivered / operations;
      }
    ok(asked.lease < asked.readIndex, `frames an operation: ${JSON.stringify(asked)}`);
  });

  it("are right only where clocks run alike: under a leader whose clock is half as fast, stale ones are found", () => {
    const isolation: PlannedFault = {
      trigger: { on: "interval", atMs: 400, everyMs: 1000 },
      fault: { kind: "isolate", agent: "leader", forMs: 800 },
    };
    const slowClock: PlannedFault = {
      trigger: { on: "interval", atMs: 0, everyMs: 200 },
      fault: { kind: "clock", agent: "leader", skewMs: 0, driftPpm: -500_000, forMs: 20_000 },
    };
    const run = (seed: number, faults: readonly PlannedFault[]) => {
      const mesh = { ...meshOf(3), reads: "lease" as const, faults };
      return simulate(mesh, seed, { durationMs: 5000, clients: 6, chaos: false });
    };
    const broken = (seed: number, faults: readonly PlannedFault[]) => run(seed, faults).violation?.invariant;
    let seed = 1;
    while (seed < MOST_SEEDS && broken(seed, [slowClock, isolation]) === undefined) seed++;
    equal(broken(seed, [slowClock, isolation]), "linearizable memory");
    equal(broken(seed, [isolation]), undefined);
    deepEqual(run(seed, [slowClock]).beyondPromise, [
      "reads by lease while clocks run more than 1.1 times as fast as others",
    ]);
    deepEqual(run(seed, [isolation]).beyondPromise, []);
  });
});
