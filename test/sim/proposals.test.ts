import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { PlannedFault } from "../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { proposalRun, proposingMesh } from "./proposal-trial.ts";

const SEEDS: Readonly<Record<Exclude<ConsensusKind, "gossip">, number>> = { raft: 30, pbft: 30 };

/** What happened to proposals, as agents tell it. */
class Met {
  readonly counts = new Map<string, number>();

  readonly hear = ({ id, kind, fields }: TimelineEvent): void => {
    if (kind === "proposalDecided") this.#count(String(fields.state));
    if (kind === "voteSigned" && !/^[^:]*\.1:/.test(id)) this.#count("signed in a later life");
    if (kind === "voteNotTaken") this.#count(`refused: ${fields.reason}`);
  };

  atLeast(name: string, count: number): void {
    const met = this.counts.get(name) ?? 0;
    ok(met >= count, `${name}: ${met} times, of ${JSON.stringify([...this.counts])}`);
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

describe("simulated proposals", function () {
  this.timeout(240_000);

  it("are decided where a primary that had nothing to do learns late that its view is over, and a liar's claims are in the way (seed 116)", () => {
    const { violation, expectations } = proposalRun(proposingMesh("pbft"), 116).report;
    deepEqual(
      { violation, broken: expectations.filter(({ held }) => held === false) },
      { violation: null, broken: [] },
    );
  });

  for (const consensus of ["raft", "pbft"] as const)
    it(`are decided as their votes say, by ${consensus} under chaos${consensus === "pbft" ? ", among liars that forge votes" : ""}: ${SEEDS[consensus]} seeds`, () => {
      const mesh = proposingMesh(consensus);
      const met = new Met();
      let [acknowledged, forged] = [0, 0];
      for (let seed = 1; seed <= SEEDS[consensus]; seed++) {
        const run = proposalRun(mesh, seed, { hear: met.hear });
        const { violation, beyondPromise, expectations } = run.report;
        deepEqual({ seed, violation, beyondPromise }, { seed, violation: null, beyondPromise: [] });
        const judged = expectations.find(({ name }) => name === "proposalsDecidedOnce");
        equal(judged?.held, true);
        acknowledged += Number.parseInt(judged?.measured ?? "", 10);
        forged += run.forged.brought;
      }
      ok(acknowledged > SEEDS[consensus] * 10, `${acknowledged} acknowledged`);
      for (const state of ["approved", "rejected", "expired"]) met.atLeast(state, SEEDS[consensus] / 2);
      met.atLeast("signed in a later life", SEEDS[consensus]);
      // A voter that has not learned that all is over votes all the same.
      met.atLeast("refused: decided", SEEDS[consensus]);
      if (consensus === "raft") {
        equal(met.counts.get("refused: badSignature"), undefined);
        equal(forged, 0);
      } else {
        ok(forged > 3 * SEEDS.pbft, `${forged} forged`);
        met.atLeast("refused: badSignature", 5 * SEEDS.pbft);
        met.atLeast("refused: stranger", SEEDS.pbft / 2);
        met.atLeast("refused: votedAlready", SEEDS.pbft / 2);
      }
    });

  it("are decided differently where more lie than are survived, which the run sees and says that it was not promised", () => {
    const mesh = proposingMesh("pbft");
    const faults = ["a1", "a2"].map(
      (agent): PlannedFault => ({
        trigger: { on: "time", atMs: 10 },
        fault: { kind: "byzantine", agent, behaviour: "equivocate" },
      }),
    );
    const expect = { ...mesh.expect, invariants: ["proposalsDecidedOnce"] as const };
    for (const seed of [1, 2, 3]) {
      const { violation, beyondPromise } = proposalRun({ ...mesh, faults, expect }, seed).report;
      equal(violation?.invariant, "proposals decided once", `seed ${seed}`);
      ok(beyondPromise.some((why) => why.includes("2 agents lie (a1, a2)")));
    }
  });

  it("are made only where the mesh file says something of them, and change nothing else", () => {
    const mesh = proposingMesh("raft");
    const proposals = { ...mesh.proposals, timeoutMs: 30_000, policies: {}, policy: { kind: "approve" } as const };
    const kinds = new Set<string>();
    const onEvent = ({ kind }: TimelineEvent): unknown => kinds.add(kind);
    const { expectations } = simulate({ ...mesh, proposals }, 1, { durationMs: 3000, onEvent });
    ok(!kinds.has("proposalSubmitted"));
    ok(!expectations.some(({ name }) => name === "proposalsDecidedOnce"));
    simulate(mesh, 1, { durationMs: 3000, onEvent });
    ok(kinds.has("proposalSubmitted"));
  });

  it("are the same whenever the seed is the same", () => {
    const trace = (consensus: ConsensusKind, seed: number) =>
      proposalRun(proposingMesh(consensus), seed, { durationMs: 3000 }).report.traceHash;
    for (const consensus of ["raft", "pbft"] as const) {
      equal(trace(consensus, 3), trace(consensus, 3));
      notEqual(trace(consensus, 3), trace(consensus, 4));
    }
  });
});
