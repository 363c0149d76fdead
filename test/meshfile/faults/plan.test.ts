import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Chaos, FaultSpec, FaultTrigger, PresetSpec } from "../../../server/contract/faults.ts";
import type { PlannedFault } from "../../../server/contract/mesh.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { FaultPlan, type PlanState, planLengthMs } from "../../../server/meshfile/faults/plan.ts";
import { TIMING } from "../../../server/meshfile/timing.ts";

const AGENTS = ["a1", "a2", "a3", "a4", "a5"];
const MESH = {
  agents: AGENTS,
  links: AGENTS.flatMap((a, at) => AGENTS.slice(at + 1).map((b) => ({ a, b }))),
  timing: TIMING.local,
};
const crash = (agent: string): FaultSpec => ({ kind: "crash", agent, forMs: 10 });
const planned = (trigger: FaultTrigger, fault: FaultSpec | PresetSpec = crash("a1")): PlannedFault => ({
  trigger,
  fault,
});
const planOf = (faults: readonly PlannedFault[], chaos: Chaos | null = null, seed = 1) =>
  new FaultPlan(faults, chaos, MESH, seededRandom(seed));

/** "300 crash a1": what is due, and when, until a time. Deadlines are followed, never polled. */
function run(plan: FaultPlan, untilMs: number): string[] {
  const lines: string[] = [];
  for (let atMs = plan.deadline(); atMs <= untilMs; atMs = plan.deadline())
    for (const fault of plan.due(atMs)) lines.push(`${atMs} ${brief(fault)}`);
  return lines;
}

function brief(fault: FaultSpec): string {
  switch (fault.kind) {
    case "partition":
      return `partition ${fault.shape ?? fault.sides.map((side) => side.join(",")).join("|")}`;
    case "slow":
    case "lossy":
    case "link":
      return `${fault.kind} ${fault.a}${fault.b === undefined ? "" : `-${fault.b}`}`;
    case "message":
      return "message";
    default:
      return `${fault.kind} ${fault.agent}`;
  }
}

describe("a fault plan", () => {
  it("has nothing due before it started, and each fault at its time from then on", () => {
    const plan = planOf([
      planned({ on: "time", atMs: 300 }, crash("a3")),
      planned({ on: "time", atMs: 100 }, crash("a1")),
      planned({ on: "time", atMs: 300 }, crash("a2")),
    ]);
    assert.equal(plan.deadline(), Number.POSITIVE_INFINITY);
    plan.start(1000);
    assert.deepEqual(run(plan, 5000), ["1100 crash a1", "1300 crash a3", "1300 crash a2"]);
    assert.equal(plan.over, true);
  });

  it("answers every event of the kind, or the nth only, so much later", () => {
    const plan = planOf([
      planned({ on: "event", event: "becameLeader", afterMs: 100 }, crash("leader")),
      planned({ on: "event", event: "becameLeader", nth: 2, afterMs: 50 }, crash("a2")),
      planned({ on: "event", event: "memberFailed", afterMs: 0 }, crash("a3")),
    ]);
    plan.start(0);
    assert.equal(plan.event({ kind: "committed" }, 10), undefined);
    assert.equal(plan.event({ kind: "becameLeader" }, 20), "due");
    assert.deepEqual(run(plan, 199), ["120 crash leader"]);
    plan.event({ kind: "becameLeader" }, 200);
    plan.event({ kind: "becameLeader" }, 210);
    assert.deepEqual(run(plan, 400), ["250 crash a2", "300 crash leader", "310 crash leader"]);
    plan.event({ kind: "memberFailed" }, 400);
    assert.equal(plan.deadline(), 401, "never at once: what causes itself cannot stop time");
    assert.equal(plan.over, false, "another event may come");
  });

  it("hears of a view once, from its primary, as of an elected leader", () => {
    const plan = planOf([
      planned({ on: "event", event: "viewEntered", afterMs: 10 }, crash("leader")),
      planned({ on: "time", atMs: 0 }, { preset: "leaderHunt", hit: "isolate", everyMs: 70, forMs: 30, times: 2 }),
    ]);
    plan.start(0);
    assert.deepEqual(run(plan, 0), ["0 isolate leader"]);
    for (const agent of ["a1", "a3", "a4"])
      assert.equal(plan.event({ kind: "viewEntered", agent, fields: { view: 1, primary: "a2" } }, 100), undefined);
    assert.equal(plan.event({ kind: "viewEntered", agent: "a2", fields: { view: 1, primary: "a2" } }, 101), "due");
    assert.deepEqual(run(plan, 1000), ["111 crash leader", "171 isolate leader"]);
  });

  it("counts the events up to the nth, and says so", () => {
    const plan = planOf([planned({ on: "event", event: "memberFailed", nth: 2, afterMs: 0 })]);
    plan.start(0);
    const outcomes = [1, 2, 3].map((atMs) => plan.event({ kind: "memberFailed" }, atMs));
    assert.deepEqual(outcomes, ["counted", "due", undefined]);
    assert.equal(plan.over, false);
    assert.deepEqual(run(plan, 10), ["3 crash a1"]);
    assert.equal(plan.over, true);
  });

  it("repeats in intervals, as often as it is told, or without end", () => {
    const plan = planOf([
      planned({ on: "interval", atMs: 50, everyMs: 100, times: 3 }),
      planned({ on: "interval", atMs: 0, everyMs: 400 }, crash("a2")),
    ]);
    plan.start(0);
    const lines = run(plan, 1000);
    assert.deepEqual(
      lines.filter((line) => line.endsWith("a1")),
      ["50 crash a1", "150 crash a1", "250 crash a1"],
    );
    assert.deepEqual(
      lines.filter((line) => line.endsWith("a2")),
      ["0 crash a2", "400 crash a2", "800 crash a2"],
    );
    assert.equal(plan.deadline(), 1200);
  });

  it("keeps a fault that could not be injected until the time it is told", () => {
    const plan = planOf([planned({ on: "time", atMs: 0 }, crash("leader"))]);
    plan.start(0);
    const [fault] = plan.due(0);
    plan.postpone(fault as FaultSpec, 60);
    assert.deepEqual(run(plan, 100), ["60 crash leader"]);
  });

  describe("presets", () => {
    const started = (preset: PresetSpec, seed = 1) => {
      const plan = planOf([planned({ on: "time", atMs: 100 }, preset)], null, seed);
      plan.start(0);
      return plan;
    };

    it("rollingRestart: one agent after the other, each once a round", () => {
      const plan = started({ preset: "rollingRestart", everyMs: 50, forMs: 20, times: 2 });
      const once = AGENTS.map((agent, at) => `${100 + 50 * at} crash ${agent}`);
      const again = AGENTS.map((agent, at) => `${350 + 50 * at} crash ${agent}`);
      assert.deepEqual(run(plan, 10_000), [...once, ...again]);
      assert.equal(plan.over, true);
    });

    it("rollingRestart of a group: its agents only, drawn once", () => {
      const hit = run(started({ preset: "rollingRestart", whom: "minority", everyMs: 50, times: 3 }), 10_000);
      assert.equal(hit.length, 6);
      assert.equal(new Set(hit.map((line) => line.split(" ").at(-1))).size, 2);
    });

    it("leaderHunt: the leader at once, and each new one after it was let be", () => {
      const plan = started({ preset: "leaderHunt", hit: "isolate", everyMs: 70, forMs: 30, times: 3 });
      plan.event({ kind: "becameLeader" }, 50);
      assert.deepEqual(run(plan, 199), ["100 isolate leader"], "it hunts from its time on");
      plan.event({ kind: "becameLeader" }, 200);
      plan.event({ kind: "steppedDown" }, 230);
      plan.event({ kind: "becameLeader" }, 400);
      plan.event({ kind: "becameLeader" }, 500);
      assert.deepEqual(run(plan, 1000), ["270 isolate leader", "470 isolate leader"], "three in all");
      assert.equal(plan.over, true);
    });

    it("swizzleClog: isolates one by one, and heals in another order, all within its time", () => {
      const orders = new Set<string>();
      for (let seed = 0; seed < 30; seed++) {
        const plan = started({ preset: "swizzleClog", whom: "everyone", forMs: 1000 }, seed);
        const cuts: { agent: string; atMs: number; endMs: number }[] = [];
        for (let atMs = plan.deadline(); atMs < 5000; atMs = plan.deadline())
          for (const fault of plan.due(atMs)) {
            assert.ok(fault.kind === "isolate");
            cuts.push({ agent: fault.agent, atMs, endMs: atMs + (fault.forMs as number) });
          }
        assert.deepEqual(cuts.map(({ agent }) => agent).sort(), AGENTS);
        for (const { atMs, endMs } of cuts) {
          assert.ok(atMs >= 100 && atMs <= 600, `${atMs}`);
          assert.ok(endMs >= 600 && endMs <= 1101, `${endMs}`);
        }
        const healed = [...cuts].sort((a, b) => a.endMs - b.endMs);
        orders.add(`${cuts.map(({ agent }) => agent)} / ${healed.map(({ agent }) => agent)}`);
      }
      assert.ok(orders.size > 25, "orders are drawn");
      assert.ok([...orders].some((order) => order.split(" / ")[0] !== order.split(" / ")[1]));
    });

    it("swizzleClog of nobody named: a drawn part of the mesh, of two at least", () => {
      const sizes = new Set<number>();
      for (let seed = 0; seed < 40; seed++) sizes.add(run(started({ preset: "swizzleClog" }, seed), 100_000).length);
      assert.deepEqual([...sizes].sort(), [2, 3, 4, 5]);
    });

    it("flappingLink: the same link again and again", () => {
      const lines = run(started({ preset: "flappingLink", everyMs: 100 }), 1000);
      assert.equal(lines.length, 10);
      assert.equal(new Set(lines.map((line) => line.split(" ").slice(1).join(" "))).size, 1);
      assert.match(lines[0] as string, /^100 lossy a\d-a\d$/);
      const told = { preset: "flappingLink", link: { a: "a2", b: "a4" }, times: 1 } as const;
      assert.deepEqual(run(started(told), 100_000), ["100 lossy a2-a4"]);
    });

    it("greyFailure: links, processor and disk of one agent slow, and none dead", () => {
      const lines = run(started({ preset: "greyFailure" }), 100_000);
      const agent = lines[0]?.split(" ").at(-1) as string;
      assert.ok(AGENTS.includes(agent));
      assert.deepEqual(lines, [`100 slow ${agent}`, `100 cpu ${agent}`, `100 disk ${agent}`]);
    });

    it("rollingPartition: another minority each step, and everybody's turn in a round", () => {
      const sides = run(started({ preset: "rollingPartition", everyMs: 100 }), 100_000).map((line) =>
        (line.split(" ").at(-1) as string).split(","),
      );
      assert.equal(sides.length, 5);
      assert.ok(sides.every((side) => new Set(side).size === 2));
      assert.equal(new Set(sides.flat()).size, 5);
      for (const [at, side] of sides.entries())
        assert.ok(at === 0 || !side.some((agent) => sides[at - 1]?.includes(agent)), "it moves on");
    });

    it("go off again by an event, drawn anew", () => {
      const plan = planOf([
        planned({ on: "event", event: "memberFailed", afterMs: 0 }, { preset: "flappingLink", times: 1 }),
      ]);
      plan.start(0);
      const links = new Set<string>();
      for (let atMs = 10; atMs < 400; atMs += 10) {
        plan.event({ kind: "memberFailed" }, atMs);
        for (const fault of plan.due(atMs + 1)) links.add(brief(fault));
      }
      assert.ok(links.size > 3, `${links.size}`);
    });
  });

  describe("chaos", () => {
    const CHAOS: Chaos = { everyMs: 100, forMs: 80, kinds: { crash: 2, partition: 1 } };

    it("draws kinds by their weights, about one every so often, none beyond its end", () => {
      const plan = planOf([], { ...CHAOS, untilMs: 100_000 });
      plan.start(0);
      const lines = run(plan, Number.MAX_SAFE_INTEGER);
      assert.ok(Math.abs(lines.length - 1000) < 60, `${lines.length}`);
      const crashes = lines.filter((line) => line.includes(" crash ")).length;
      assert.ok(Math.abs(crashes / lines.length - 2 / 3) < 0.05, `${crashes}`);
      assert.ok(lines.every((line) => / (crash|partition) /.test(line)));
      assert.ok(Number(lines.at(-1)?.split(" ")[0]) <= 100_000);
      assert.equal(plan.over, true);
    });

    it("is drawn from the seed alone", () => {
      const lines = (seed: number) => {
        const plan = planOf([], CHAOS, seed);
        plan.start(0);
        return run(plan, 5000);
      };
      assert.deepEqual(lines(1), lines(1));
      assert.notDeepEqual(lines(1), lines(2));
    });
  });

  describe("that another process goes on with", () => {
    const trigger: fc.Arbitrary<FaultTrigger> = fc.oneof(
      fc.record({ on: fc.constant("time" as const), atMs: fc.nat(500) }),
      fc.record({
        on: fc.constant("interval" as const),
        atMs: fc.nat(500),
        everyMs: fc.integer({ min: 20, max: 300 }),
      }),
      fc.record({
        on: fc.constant("event" as const),
        event: fc.constant("becameLeader" as const),
        afterMs: fc.nat(50),
      }),
    );
    const preset = (of: PresetSpec["preset"]): PresetSpec => ({ preset: of, everyMs: 70 });
    const fault = fc.constantFrom<FaultSpec | PresetSpec>(
      crash("one"),
      preset("rollingRestart"),
      preset("leaderHunt"),
      preset("swizzleClog"),
      preset("flappingLink"),
      preset("rollingPartition"),
    );

    it("does the same as if it had never been interrupted, wherever that was", () =>
      fc.assert(
        fc.property(
          fc.array(fc.record({ trigger, fault }), { minLength: 1, maxLength: 4 }),
          fc.boolean(),
          fc.integer({ min: 1, max: 1500 }),
          fc.nat(),
          (faults, withChaos, cutMs, seed) => {
            const chaos: Chaos | null = withChaos ? { everyMs: 60, forMs: 50, kinds: { crash: 1, slow: 1 } } : null;
            const whole = planOf(faults, chaos, seed);
            const first = planOf(faults, chaos, seed);
            const second = planOf(faults, chaos, seed);
            const lines: string[][] = [[], []];
            let present = first;
            whole.start(0);
            first.start(0);
            for (let nowMs = 0; nowMs < 2000; nowMs++) {
              if (nowMs % 400 === 7) for (const plan of [whole, present]) plan.event({ kind: "becameLeader" }, nowMs);
              for (const [at, plan] of [whole, present].entries())
                for (const due of plan.due(nowMs)) lines[at]?.push(`${nowMs} ${brief(due)}`);
              if (nowMs === cutMs) {
                assert.equal(second.resume(JSON.parse(JSON.stringify(first.state)) as PlanState, nowMs), 0);
                present = second;
              }
            }
            assert.deepEqual(lines[1], lines[0]);
          },
        ),
        { numRuns: 60 },
      ));

    it("says how many faults were due in between, and does not do them", () => {
      const faults = [planned({ on: "interval", atMs: 0, everyMs: 100 })];
      const before = planOf(faults);
      before.start(0);
      assert.equal(before.due(0).length, 1);
      const after = planOf(faults);
      assert.equal(after.resume(before.state, 450), 4);
      assert.deepEqual(run(after, 600), ["500 crash a1", "600 crash a1"]);
    });
  });

  it("takes as long as its last fault lasts", () => {
    const at = (atMs: number): FaultTrigger => ({ on: "time", atMs });
    assert.equal(
      planLengthMs([planned(at(100)), planned(at(50), { kind: "pause", agent: "a1", forMs: 300 })], null, MESH),
      350,
    );
    assert.equal(planLengthMs([planned({ on: "interval", atMs: 100, everyMs: 50, times: 4 })], null, MESH), 260);
    assert.equal(
      planLengthMs([planned(at(0), { preset: "rollingRestart", everyMs: 100, forMs: 30 })], null, MESH),
      430,
    );
    assert.equal(planLengthMs([], { everyMs: 10, forMs: 5, kinds: {}, untilMs: 1000 }, MESH), 1005);
    assert.equal(planLengthMs([], null, MESH), 0);
  });
});
