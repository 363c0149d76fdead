import { deepEqual, equal, match, ok } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Expectations } from "../../../server/contract/expect.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { EXPECTED_BY_DEFAULT } from "../../../server/meshfile/expect-defaults.ts";
import { AvailabilityMeter } from "../../../server/sim/expectations/availability.ts";
import { Bounds } from "../../../server/sim/expectations/bounds.ts";
import { drawCore } from "../../../server/sim/expectations/core.ts";
import { invariantResults } from "../../../server/sim/expectations/invariants.ts";
import { LeaderWatch } from "../../../server/sim/expectations/leader-watch.ts";
import { meshOf } from "../meshes.ts";

const AGENTS = ["a1", "a2", "a3"];

/** A mesh of three in which a1 leads term 1; what is down and cut can be changed. */
const watched = () => {
  const down = new Set<string>();
  const cut = new Set<string>();
  const watch = new LeaderWatch(AGENTS, {
    up: (agent) => !down.has(agent),
    linked: (a, b) => !cut.has(a) && !cut.has(b),
  });
  const follow = (leader: string, term: number, atMs: number, ...agents: string[]) => {
    for (const agent of agents)
      watch.stands(agent, { role: agent === leader ? "leader" : "follower", term, leader }, atMs);
  };
  follow("a1", 1, 0, ...AGENTS);
  return { watch, down, cut, follow };
};

describe("time without a leader", () => {
  it("is measured from the leader's crash until a majority follows another", () => {
    const { watch, down, follow } = watched();
    down.add("a1");
    watch.look(100);
    follow("a2", 2, 350, "a2");
    equal(watch.longest(400)?.forMs, 300, "one of three is no majority");
    follow("a2", 2, 420, "a3");
    deepEqual(watch.longest(9000), { sinceMs: 100, forMs: 320 });
  });

  it("begins when the leader is cut off from the majority, though it calls itself leader and all name it", () => {
    const { watch, cut } = watched();
    cut.add("a1");
    watch.look(100);
    deepEqual(watch.longest(150), { sinceMs: 100, forMs: 50 });
    cut.clear();
    watch.look(180);
    deepEqual(watch.longest(500), { sinceMs: 100, forMs: 80 });
  });

  it("does not count while no majority hangs together", () => {
    const { watch, down } = watched();
    down.add("a1").add("a2");
    watch.look(100);
    equal(watch.longest(5000), undefined);
    down.delete("a2");
    watch.look(5000);
    deepEqual(watch.longest(5100), { sinceMs: 5000, forMs: 100 });
  });

  it("counts those who vote now", () => {
    const voters = ["a1"];
    const watch = new LeaderWatch(AGENTS, { up: (agent) => agent !== "a3", linked: () => true, voters: () => voters });
    watch.stands("a1", { role: "leader", term: 1, leader: "a1" }, 0);
    equal(watch.longest(500), undefined, "the only voter leads itself");
    voters.push("a2", "a4");
    watch.look(500);
    equal(watch.longest(600)?.forMs, 100, "two of the three voters are there, and one of them follows nobody");
    watch.stands("a4", { role: "follower", term: 1, leader: "a1" }, 700);
    equal(watch.longest(900)?.forMs, 200);
  });

  it("does not take a leader of another term for the one that is followed", () => {
    const { watch } = watched();
    watch.stands("a1", { role: "leader", term: 2, leader: "a1" }, 10);
    equal(watch.longest(30)?.forMs, 20);
  });
});

describe("availability", () => {
  it("weighs a stall as long as it lasts, however few operations meet it", () => {
    const meter = new AvailabilityMeter(1, 100);
    for (let at = 0; at < 500; at += 10) {
      meter.called("c", at);
      meter.ended("c", true, at + 10);
    }
    meter.called("c", 500);
    meter.ended("c", true, 1000);
    const found = meter.measure(0, 1000, null);
    equal(found?.share, 0.5, "50 of 51 operations were quick, and half of the time nobody was served");
    deepEqual([found?.operations, found?.unserved], [51, 1]);
  });

  it("counts failures, and what still waits at the end", () => {
    const meter = new AvailabilityMeter(2, 100);
    meter.called("c1", 0);
    meter.ended("c1", false, 50);
    meter.called("c2", 800);
    equal(meter.measure(0, 1000, null)?.share, 1 - (50 + 200) / 2000);
  });

  it("finds the worst window", () => {
    const meter = new AvailabilityMeter(1, 10);
    for (const [from, to] of [
      [100, 200],
      [700, 900],
    ] as const) {
      meter.called("c", from);
      meter.ended("c", true, to);
    }
    const found = meter.measure(0, 1000, 250);
    ok(found && Math.abs(found.share - 0.2) < 1e-9 && found.fromMs >= 650 && found.toMs <= 950);
  });

  it("agrees with looking at every ms", () => {
    const stretch = fc.record({ from: fc.nat(60), lasts: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 5 }), fc.integer({ min: 1, max: 60 }), (stretches, window) => {
        const meter = new AvailabilityMeter(5, 0);
        for (const [client, { from, lasts }] of stretches.entries()) {
          meter.called(`c${client}`, from);
          meter.ended(`c${client}`, true, from + lasts);
        }
        const lost = (ms: number) => stretches.filter(({ from, lasts }) => ms >= from && ms < from + lasts).length;
        let worst = 0;
        for (let from = 0; from + window <= 60; from++) {
          let sum = 0;
          for (let ms = from; ms < from + window; ms++) sum += lost(ms);
          worst = Math.max(worst, sum);
        }
        const found = meter.measure(0, 60, window);
        if (stretches.length === 0) equal(found, undefined);
        else ok(Math.abs((found?.share as number) - (1 - worst / (window * 5))) < 1e-9);
      }),
      { numRuns: 1000, seed: 3 },
    );
  });
});

describe("a person's bounds", () => {
  const all = { up: () => true, linked: () => true };
  const bounds = (expect: Partial<Expectations>, clients = 1) => {
    const task = { id: "t1", command: "x", args: [], cwd: "", timeoutMs: 0, maxAttempts: 1, agent: "" };
    const mesh = { ...meshOf(3), tasks: [task], expect: { ...EXPECTED_BY_DEFAULT, ...expect } };
    const subject = new Bounds(mesh, all, clients);
    for (const agent of AGENTS) subject.event(leads(agent, "", 0), 100);
    for (const agent of AGENTS) subject.event(leads(agent, "a1", 1), 900);
    subject.begin(1000);
    return subject;
  };
  const leads = (agent: string, leader: string, term: number) =>
    ({
      kind: agent === leader ? "becameLeader" : "becameFollower",
      agent,
      fields: {},
      state: { role: agent === leader ? "leader" : "follower", term, leader, commit: 0, lastIndex: 0, applied: 0 },
    }) as const;
  const finished = { kind: "taskFinished", agent: "a1", fields: { id: "t1", state: "completed" } } as const;

  it("holds when all is well, with what was measured", () => {
    const subject = bounds({
      leaderWithinMs: 100,
      tasksDoneByMs: 500,
      maxElections: 0,
      availability: { share: 0.9, windowMs: null, answerWithinMs: null },
    });
    subject.called("c", 1100);
    subject.answered("c", true, 1110);
    subject.event(finished, 1400);
    deepEqual(
      subject.results(2000).map(({ name, held, measured, bound }) => [name, held, measured, bound]),
      [
        ["leaderWithin", true, "0 ms", "100 ms"],
        ["tasksDoneBy", true, "400 ms", "500 ms"],
        ["availability", true, "100 %", "90 %"],
        ["maxElections", true, "0", "at most 0"],
      ],
    );
  });

  it("breaks when there is no leader for too long", () => {
    const subject = bounds({ leaderWithinMs: 100 });
    subject.event(leads("a1", "", 2), 1300);
    subject.event(leads("a2", "a2", 2), 1320);
    subject.event(leads("a3", "a2", 2), 1350);
    deepEqual(subject.results(2000), [
      {
        name: "leaderWithin",
        kind: "bound",
        held: true,
        measured: "50 ms",
        bound: "100 ms",
        detail: "The longest time without a leader was from 0.300 s to 0.350 s.",
        brokenAtMs: null,
      },
    ]);
    subject.event(leads("a2", "", 3), 3000);
    const [late] = subject.results(3500);
    deepEqual([late?.held, late?.measured, late?.brokenAtMs], [false, "500 ms", 2100]);
    match(late?.detail ?? "", /no leader from 2\.000 s to 2\.500 s although a majority was up/);
  });

  it("breaks when a task ends late or not at all, and decides nothing before the time is over", () => {
    const subject = bounds({ tasksDoneByMs: 500 });
    equal(subject.results(1400)[0]?.held, null);
    deepEqual([subject.results(1600)[0]?.held, subject.results(1600)[0]?.detail], [false, "Late: t1 not yet."]);
    subject.event(finished, 1700);
    match(subject.results(1800)[0]?.detail ?? "", /Late: t1 at 0\.700 s/);
  });

  it("breaks with the election that is one too many", () => {
    const subject = bounds({ maxElections: 1 });
    subject.event(leads("a2", "a2", 2), 1300);
    equal(subject.results(1400)[0]?.held, true);
    subject.event(leads("a3", "a3", 3), 1500);
    const [many] = subject.results(1600);
    deepEqual([many?.held, many?.measured, many?.brokenAtMs], [false, "2", 500]);
    match(many?.detail ?? "", /a2 of term 2 at 0\.300 s, a3 of term 3 at 0\.500 s/);
  });

  it("breaks when clients are served too little, and decides nothing when nothing was asked", () => {
    const availability = { share: 0.95, windowMs: null, answerWithinMs: 50 };
    const subject = bounds({ availability });
    equal(subject.results(2000)[0]?.held, null);
    subject.called("c", 1000);
    subject.answered("c", true, 1100);
    const [low] = subject.results(2000);
    deepEqual([low?.held, low?.measured], [false, "90 %"]);
    equal(bounds({ availability }, 0).results(2000)[0]?.held, null);
  });
});

describe("invariants by name", () => {
  const findings = {
    expected: EXPECTED_BY_DEFAULT.invariants,
    stated: [],
    violation: null,
    judgedOn: {},
    undecided: "",
    nothingProposed: false,
  };

  it("hold when nothing broke", () => {
    ok(invariantResults(findings).every(({ held }) => held === true));
  });

  it("break with what their checkers find, and leave open what is only judged at the end", () => {
    const violation = { invariant: "single vote", atMs: 50, detail: "a1 voted twice" };
    const results = new Map(invariantResults({ ...findings, violation }).map((one) => [one.name, one]));
    equal(results.get("electionSafety")?.held, false);
    equal(results.get("electionSafety")?.brokenAtMs, 50);
    equal(results.get("logMatching")?.held, true);
    equal(results.get("linearizableMemory")?.held, null);
  });

  it("are not said to hold when the search gave up", () => {
    const [only] = invariantResults({ ...findings, expected: ["linearizableMemory"], undecided: "key k: undecided" });
    deepEqual([only?.held, only?.detail], [null, "Not decided: key k: undecided."]);
  });

  it("are not said to hold where nothing was proposed, and are told of at all only to a file that names them", () => {
    const idle = { ...findings, nothingProposed: true };
    const names = (stated: readonly "proposalsDecidedOnce"[]) =>
      invariantResults({ ...idle, stated }).filter(({ name }) => name === "proposalsDecidedOnce");
    deepEqual(names([]), []);
    const [only] = names(["proposalsDecidedOnce"]);
    deepEqual([only?.held, only?.measured], [null, ""]);
    match(only?.detail ?? "", /nothing is proposed, as the mesh file has no proposals section/);
  });
});

describe("a drawn core", () => {
  it("is a majority that hangs together, where there is one", () => {
    const star = [[1, 2, 3, 4], [0], [0], [0], [0]];
    const ring = [0, 1, 2, 3, 4].map((at) => [(at + 1) % 5, (at + 4) % 5]);
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const random = seededRandom(seed);
      const inStar = drawCore(random, star, 3);
      ok(inStar.length === 3 && inStar.includes(0), "without the hub nothing hangs together");
      const inRing = drawCore(random, ring, 3);
      equal(inRing.length, 3);
      const gaps = inRing.filter((at) => !inRing.includes((at + 1) % 5));
      equal(gaps.length, 1, "neighbours in a row");
      seen.add(inRing.join());
    }
    equal(seen.size, 5, "each is drawn some time");
  });
});
