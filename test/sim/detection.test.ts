import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { Agent } from "../../server/agent/agent.ts";
import type { CoreReport } from "../../server/agent/types.ts";
import { CONSENSUS_KINDS } from "../../server/contract/consensus.ts";
import { DETECTOR_KINDS } from "../../server/contract/mesh.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { Patch } from "../mutants/mutant.ts";
import { type Hunted, hunt, meshOf, type Swarm } from "./detection-hunt.ts";
import { patchedCall } from "./patched.ts";

const SEEDS = 1;
const SEEDS_FOR_MUTANTS = 30;
const SWIM = "server/core/membership/swim/swim.ts";

const MUTANTS: readonly { name: string; swarm: Swarm; patches: readonly Patch[] }[] = [
  {
    name: "refutes nothing",
    swarm: { detector: "swim", topology: "mesh", consensus: "raft" },
    patches: [
      {
        file: SWIM,
        find: "if (order > 0) this.#refute(news, from, now);",
        replace: "if (order > 0) void this.#refute;",
      },
    ],
  },
  {
    name: "greets nobody, and compares itself with nobody",
    swarm: { detector: "swim", topology: "mesh", consensus: "raft", parted: true },
    patches: [
      { file: SWIM, find: "    this.#sync(place, false);", replace: "" },
      {
        file: SWIM,
        find: "    if (now >= this.#nextSyncMs) this.#syncSomebody(now);",
        replace: "    if (now >= this.#nextSyncMs) this.#nextSyncMs = now + 1e9;\n    void this.#syncSomebody;",
      },
    ],
  },
];

/** Doubts one of the others for ever. */
class Doubter extends Agent {
  override report(now: number): CoreReport {
    const report = super.report(now);
    const members = report.members.map((one) => (one.id === "a2" ? { ...one, state: "suspected" as const } : one));
    return { ...report, members };
  }
}

describe("at the end of a simulated run, when all is healed", function () {
  this.timeout(120_000);

  for (const detector of DETECTOR_KINDS)
    it(`all agree on who is alive: by ${detector}, whatever the topology and the consensus`, () => {
      for (const consensus of CONSENSUS_KINDS)
        for (const topology of ["mesh", "ring", "star"] as const)
          equal(hunt({ detector, topology, consensus }, SEEDS), null, `${topology}, ${consensus}`);
    });

  it("so do the halves of a swarm that were apart so long that each held the other failed", () => {
    for (const detector of DETECTOR_KINDS)
      for (const consensus of CONSENSUS_KINDS)
        equal(hunt({ detector, topology: "mesh", consensus, parted: true }, 3), null, `${detector}, ${consensus}`);
  });

  it("an agent that doubts another for ever is found", () => {
    const mesh = meshOf({ detector: "swim", topology: "mesh", consensus: "raft" });
    const { violation } = simulate(mesh, 1, { durationMs: 2000, createAgent: (...given) => new Doubter(...given) });
    equal(violation?.invariant, "liveness");
    match(violation?.detail ?? "", /all agree on who is alive \(a\d holds a2 suspected\): not within \d+ ms/);
  });

  for (const { name, swarm, patches } of MUTANTS)
    it(`so is one that ${name}`, async () => {
      const hunted = await patchedCall<Hunted>(patches, "./detection-hunt.ts", "hunt", swarm, SEEDS_FOR_MUTANTS);
      ok(hunted !== null, `none of ${SEEDS_FOR_MUTANTS} seeds found it`);
      match(hunted.violation.detail, /all agree on who is alive/);
    });
});
