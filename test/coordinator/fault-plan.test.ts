import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { FaultSpec } from "../../server/contract/faults.ts";
import type { PlannedFault } from "../../server/contract/mesh.ts";
import type { EventKind, TimelineEvent } from "../../server/contract/timeline.ts";
import { type PlanGround, PlanRunner } from "../../server/coordinator/fault-plan.ts";
import type { JournaledPlan } from "../../server/coordinator/plan-checks.ts";
import { FaultRefusal } from "../../server/meshfile/faults/refusal.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { until } from "./ground.ts";

const crash = (agent: string): FaultSpec => ({ kind: "crash", agent, forMs: 10 });
const at = (atMs: number, fault: FaultSpec): PlannedFault => ({ trigger: { on: "time", atMs }, fault });
const event = (kind: EventKind, wallMs = Date.now()): TimelineEvent => ({
  id: "a1.1:1",
  agent: "a1",
  hlc: { wallMs, counter: 0 },
  kind,
  fields: {},
});

describe("a fault plan in a running swarm", () => {
  const runners: PlanRunner[] = [];
  afterEach(() => {
    for (const runner of runners.splice(0)) runner.close();
  });

  function ground(refuse: (fault: FaultSpec) => Error | undefined = () => undefined) {
    const injected: FaultSpec[] = [];
    const tried: FaultSpec[] = [];
    const written: (JournaledPlan | null)[] = [];
    const notices: string[] = [];
    const of: PlanGround = {
      mesh: { agents: ["a1", "a2", "a3"], links: [], timing: { ...TIMING.local, heartbeatMs: 5 } },
      inject: async (fault) => {
        tried.push(fault);
        const error = refuse(fault);
        if (error) throw error;
        injected.push(fault);
      },
      write: (plan) => written.push(plan && (JSON.parse(JSON.stringify(plan)) as JournaledPlan)),
      notice: (_, message) => notices.push(message),
    };
    const runner = new PlanRunner(of);
    runners.push(runner);
    return { runner, injected, tried, written, notices };
  }

  it("is written down before a fault of it acts, and is gone from the journal when nothing is left", async () => {
    const { runner, injected, written } = ground();
    runner.begin([at(5, crash("a1")), at(20, crash("a2"))], null);
    assert.equal(written.length, 1);
    await until("both", () => injected.length === 2 || undefined);
    assert.deepEqual(injected, [crash("a1"), crash("a2")]);
    assert.equal(written[1]?.state.pending.length, 1, "the first is out before it acts");
    assert.equal(written.at(-1), null);
    assert.equal(runner.over, true);
  });

  it("has a fault for the leader wait until there is one", async () => {
    let leader = false;
    const none = new FaultRefusal("noLeader", "There is no leader now.");
    const { runner, injected, tried, written, notices } = ground(() => (leader ? undefined : none));
    runner.begin([at(0, crash("leader"))], null);
    await until("some tries", () => tried.length >= 4 || undefined);
    assert.equal(runner.over, false);
    const writes = written.length;
    await until("more tries", () => tried.length >= 8 || undefined);
    assert.equal(written.length, writes, "waiting writes nothing");
    leader = true;
    await until("it", () => injected.length === 1 || undefined);
    await until("written", () => written.at(-1) === null || undefined);
    assert.deepEqual(notices, []);
  });

  it("says which fault did not happen, and why, and goes on", async () => {
    const { runner, injected, notices } = ground((fault) =>
      fault.kind === "cpu" ? new FaultRefusal("notPossibleHere", "No.") : undefined,
    );
    runner.begin([at(0, { kind: "cpu", agent: "leader", slowdown: 2 }), at(5, crash("a2"))], null);
    await until("the other", () => injected.length === 1 || undefined);
    assert.deepEqual(notices, ["A planned fault (cpu) did not happen. No."]);
  });

  it("answers events from its start on, and none from before", async () => {
    const { runner, injected } = ground();
    runner.begin([{ trigger: { on: "event", event: "becameLeader", afterMs: 0 }, fault: crash("leader") }], null);
    runner.happened([event("becameLeader", Date.now() - 10_000), event("committed")]);
    runner.happened([event("becameLeader"), event("becameLeader")]);
    await until("two", () => injected.length === 2 || undefined);
  });

  it("keeps the count of events it waits for, and writes it when they have come", async () => {
    const { runner, injected, written } = ground();
    const trigger = { on: "event", event: "committed", nth: 100, afterMs: 0 } as const;
    runner.begin([{ trigger, fault: crash("a1") }], null);
    for (let count = 0; count < 60; count++) runner.happened([event("committed")]);
    await until("a count", () => written.at(-1)?.state.seen[0] === 60 || undefined);
    assert.equal(written.length, 2, "once for all sixty");
    runner.happened(Array.from({ length: 40 }, () => event("committed")));
    await until("it", () => injected.length === 1 || undefined);
  });

  it("goes on with what an earlier coordinator left, and tells what it missed", async () => {
    const first = ground();
    first.runner.begin([at(0, crash("a1")), at(30, crash("a2")), at(200, crash("a3"))], null);
    await until("the first", () => first.injected.length === 1 || undefined);
    first.runner.close();
    const left = first.written.at(-1);
    assert.ok(left);
    await until("the second's time", () => Date.now() > left.state.startedMs + 35 || undefined);
    const second = ground();
    second.runner.resume(left);
    assert.deepEqual(second.notices, ["A planned fault fell into the time without a coordinator and did not happen."]);
    await until("the third", () => second.injected.length === 1 || undefined);
    assert.deepEqual(second.injected, [crash("a3")]);
    assert.deepEqual(first.injected, [crash("a1")], "a closed one does nothing more");
  });
});
