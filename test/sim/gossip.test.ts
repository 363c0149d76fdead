import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { TRANSITIONS } from "../../server/contract/simulation.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { countingMesh, gossipMesh, OPTIONS, type Searched, search } from "./gossip-trial.ts";

const SEEDS = 50;
const seeds = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at + 1);

function whole({ broken }: Searched): void {
  equal(broken.join("\n"), "");
}

describe("simulated gossip", function () {
  this.timeout(300_000);

  it(`comes to the same everywhere, and loses nothing, whatever happens: ${SEEDS} seeds under chaos`, () => {
    const searched = search(gossipMesh(), SEEDS);
    whole(searched);
    const { faults, transitions } = searched.coverage;
    for (const name of ["crash", "pause", "link loss", "link latency", "clock", "disk failing", "broken connection"])
      ok((faults[name] ?? 0) >= SEEDS / 20, `${name}: ${faults[name]}`);
    for (const name of TRANSITIONS.gossip) {
      // States travel where little is kept, and nobody is held back whose clock is right: there are tests of both.
      if (/^snapshot (sent|installed)$|^operation held back/.test(name)) continue;
      ok((transitions[name] ?? 0) >= SEEDS / 20, `${name}: ${transitions[name]}`);
    }
    // Few run out of time: votes come by gossip's many ways, of which chaos spoils some.
    for (const [name, share] of [
      ["approved", 6],
      ["rejected", 6],
      ["expired", 10],
    ] as const)
      ok(
        (transitions[`proposal ${name}`] ?? 0) >= SEEDS / share,
        `proposal ${name}: ${transitions[`proposal ${name}`]}`,
      );
    for (const name of Object.keys(transitions))
      ok(!/leader|election|candidacy|vote refused|view|task|learner|joint/.test(name), `${name} is not of gossip`);
  });

  it("does so with counters and sets, of which each acknowledged write counts once", () => {
    whole(search(countingMesh(), 8));
    const held = (seed: number): string =>
      simulate(countingMesh(), seed, OPTIONS).expectations.find(({ name }) => name === "convergence")?.measured ?? "";
    const acknowledged = (text: string): number => Number(/ (\d+) acknowledged/.exec(text)?.[1]);
    ok(acknowledged(held(1)) > 100, held(1));
    equal(simulate(countingMesh(), 2, OPTIONS).traceHash, simulate(countingMesh(), 2, OPTIONS).traceHash);
  });

  for (const [what, agents, more] of [
    ["alone", 1, ""],
    ["where agents reach each other through others", 7, "topology: ring"],
    ["where writes are broadcast along a tree of drawn links", 12, "topology: k-regular"],
    ["in a tree, over a wide area", 6, "topology: hierarchical\ntiming: wan"],
    [
      "in partitions of all shapes",
      7,
      `faults: [${["halves", "majority", "bridge", "ring", "oneWay"].map((shape, at) => `{ at: ${at * 800}ms, partition: ${shape}, for: 700ms }`)}]`,
    ],
  ] as const)
    it(`does so ${what}`, () => whole(search(gossipMesh(agents, more), agents > 10 ? 4 : 15)));

  it("begins at once, and goes on without most of the others: nobody has to be elected", () => {
    for (const seed of seeds(20)) {
      const { expectations, elections } = simulate(gossipMesh(), seed, OPTIONS);
      equal(elections, 0);
      const recovery = expectations.find(({ name }) => name === "recovery");
      equal(recovery?.held, true);
      match(recovery.detail, /healed/);
    }
    const alone = seeds(20).filter((seed) => {
      const { expectations } = simulate(gossipMesh(), seed, { ...OPTIONS, durationMs: 500 });
      return /^a\d healed; /.test(expectations.find(({ name }) => name === "recovery")?.detail ?? "");
    });
    ok(alone.length > 0, "never was a single one healed");
  });

  it("holds back what a clock too far ahead wrote until the others' are as far, and the run says that this is not promised", () => {
    const mesh = gossipMesh(5, "faults: [{ at: 200ms, clock: { agent: a2, skew: 62s }, for: 1s }]");
    let heldBack = 0;
    for (const seed of seeds(10)) {
      const { violation, beyondPromise, coverage } = simulate(mesh, seed, OPTIONS);
      deepEqual({ seed, violation }, { seed, violation: null });
      deepEqual(beyondPromise.length, 1);
      match(beyondPromise[0] as string, /a2.*clock/);
      heldBack += coverage.transitions["operation held back: clock ahead"] ?? 0;
    }
    ok(heldBack > 100, `${heldBack} were held back`);
    const near = gossipMesh(5, "faults: [{ at: 200ms, clock: { agent: a2, skew: 59s }, for: 1s }]");
    for (const seed of seeds(3)) {
      const { violation, beyondPromise, coverage } = simulate(near, seed, OPTIONS);
      deepEqual({ seed, violation, beyondPromise }, { seed, violation: null, beyondPromise: [] });
      equal(coverage.transitions["operation held back: clock ahead"], undefined);
    }
  });

  for (const behaviour of ["silent", "delay", "replay"] as const)
    it(`${behaviour}: a liar of this kind does no more than a bad network would, and is named all the same`, () => {
      const fault = `{ at: 100ms, byzantine: { agent: minority, behaviour: ${behaviour} }, for: 3s }`;
      for (const seed of seeds(5)) {
        const { violation, beyondPromise } = simulate(gossipMesh(5, `faults: [${fault}]`), seed, OPTIONS);
        deepEqual({ seed, violation, named: beyondPromise.length }, { seed, violation: null, named: 1 });
      }
    });

  it("notices disks that lose what they said was safe, and that this is not promised", () => {
    const faults = [
      "{ at: 100ms, disk: { agent: everyone, trouble: lostSyncs } }",
      "{ at: 1500ms, crash: everyone, for: 100ms }",
    ];
    const mesh = gossipMesh(5, `faults: [${faults.join(", ")}]`);
    const broken = seeds(10).filter((seed) => {
      const { violation, beyondPromise } = simulate(mesh, seed, { ...OPTIONS, chaos: false });
      if (violation !== null) match(violation.detail, /starts with \d+ operations of a\d, and had \d+ on its disk/);
      equal(beyondPromise.length, 1);
      return violation !== null;
    });
    ok(broken.length > 5, `${broken.length} of 10`);
  });

  it("asks for nothing that takes an order, and tells of nobody that leads", () => {
    const kinds = new Set<string>();
    const leaders = new Set<string>();
    const onEvent = ({ kind, state }: TimelineEvent): void => {
      kinds.add(kind);
      if (state !== undefined) leaders.add(`${state.role} ${state.term} ${state.leader}`);
    };
    const { violation } = simulate(gossipMesh(), 1, { ...OPTIONS, onEvent });
    equal(violation, null);
    deepEqual([...leaders], ["peer 0 "]);
    for (const kind of ["issued", "rumourHeard", "antiEntropy", "converged"]) ok(kinds.has(kind), kind);
    ok(![...kinds].some((kind) => kind.startsWith("task")));
  });

  it("is the same whenever the seed is the same", () => {
    const trace = (seed: number): string => simulate(gossipMesh(), seed, OPTIONS).traceHash;
    equal(trace(3), trace(3));
    notEqual(trace(3), trace(4));
  });
});
