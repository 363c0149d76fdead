import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { ByzantineBehaviour, FaultSpec } from "../../server/contract/faults.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";

/** One run of five agents, under these faults from the start, and chaos besides if it is asked for. */
const run = (seed: number, faults: readonly FaultSpec[], chaos: boolean) => {
  const planned = faults.map((fault) => ({ trigger: { on: "time", atMs: 100 }, fault }) as const);
  return simulate(meshOf(5, "mesh", { faults: planned }), seed, { chaos, durationMs: 4000 });
};
const liar = (behaviour: ByzantineBehaviour, agent: string): FaultSpec => ({ kind: "byzantine", behaviour, agent });
const seeds = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

describe("faults that Raft does not promise to survive", function () {
  this.timeout(60_000);

  it("a leader that equivocates breaks the log, and the run says that this was not promised", () => {
    for (const seed of seeds(5)) {
      const { violation, beyondPromise } = run(seed, [liar("equivocate", "leader")], false);
      ok(violation, `seed ${seed}`);
      match(violation.invariant, /log matching|state machine safety|durability/);
      equal(beyondPromise.length, 1);
      match(beyondPromise[0] as string, /^a\d .*equivocate/);
    }
  });

  it("agents that vote twice break elections in some seed, and only then: without them the same seeds hold", () => {
    const broken: number[] = [];
    for (let seed = 1; seed <= 120 && broken.length < 2; seed++) {
      const { violation, beyondPromise } = run(seed, [liar("doubleVote", "minority")], true);
      equal(beyondPromise.length, 1);
      if (violation && /single vote|election safety/.test(violation.invariant)) broken.push(seed);
    }
    equal(broken.length, 2, "nobody noticed two votes of one agent in a term");
    for (const seed of broken) {
      const { violation, beyondPromise } = run(seed, [], true);
      deepEqual([violation, beyondPromise], [null, []], `seed ${seed}`);
    }
  });

  for (const behaviour of ["lieAboutLog", "forge"] as const)
    it(`${behaviour}: breaks a promise in most seeds`, () => {
      const broken = seeds(8).filter((seed) => run(seed, [liar(behaviour, "one")], true).violation !== null);
      ok(broken.length >= 4, `${broken.length} of 8`);
    });

  for (const behaviour of ["silent", "delay", "replay"] as const)
    it(`${behaviour}: does no more than a bad network would, and is named all the same`, () => {
      for (const seed of seeds(5)) {
        const { violation, beyondPromise } = run(seed, [liar(behaviour, "one")], true);
        deepEqual({ seed, violation, named: beyondPromise.length }, { seed, violation: null, named: 1 });
      }
    });

  it("disks that lose what they said was safe take back what committed, when a majority crashes", () => {
    const faults: FaultSpec[] = [{ kind: "disk", agent: "everyone", disk: { trouble: "lostSyncs" } }];
    const crash = {
      trigger: { on: "time", atMs: 2000 },
      fault: { kind: "crash", agent: "everyone", forMs: 100 },
    } as const;
    const lost = faults.map((fault) => ({ trigger: { on: "time", atMs: 100 }, fault }) as const);
    const { violation, beyondPromise } = simulate(meshOf(5, "mesh", { faults: [...lost, crash] }), 1, { chaos: false });
    ok(violation);
    match(beyondPromise.join(), /everyone|a1/);
    equal(simulate(meshOf(5, "mesh", { faults: [crash] }), 1, { chaos: false }).violation, null);
  });

  it("bit rot is noticed: the agent that meets it stays down until it heals, and nothing is broken", () => {
    let refused = 0;
    for (const seed of seeds(10)) {
      const mesh = meshOf(5, "mesh", {
        faults: [
          { trigger: { on: "time", atMs: 1000 }, fault: { kind: "disk", agent: "a2", disk: { trouble: "bitRot" } } },
          { trigger: { on: "time", atMs: 1002 }, fault: { kind: "crash", agent: "a2", forMs: 100 } },
        ],
      });
      const startsMs: number[] = [];
      const report = simulate(mesh, seed, {
        chaos: false,
        durationMs: 4000,
        onEvent: ({ kind, agent, hlc }) => {
          if (kind === "started" && agent === "a2") startsMs.push(hlc.wallMs);
        },
      });
      deepEqual([report.violation, report.beyondPromise], [null, []]);
      const [first, second] = startsMs as [number, number];
      // Healed, it starts 1.1 s after the others were ready; else when all faults end.
      if (second - first > 3500) refused++;
    }
    ok(refused >= 3, `${refused} of 10 met the damage`);
  });
});
