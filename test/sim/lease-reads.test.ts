import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { simulate } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";

const SEEDS = 30;
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
});
