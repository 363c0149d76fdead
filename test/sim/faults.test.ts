import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { FAULT_KINDS, PARTITION_SHAPES } from "../../server/contract/faults.ts";
import { seededRandom } from "../../server/core/random.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { chaosPlan } from "../../server/sim/chaos.ts";
import { FakeMesh } from "./fake-mesh.ts";

const running = (mesh: FakeMesh) => mesh.worlds.map(({ state }) => state);

describe("faults in the simulated world", () => {
  it("crash: kills the agent and starts it again from its disk when healed", () => {
    const mesh = new FakeMesh(3);
    const fault = mesh.board.inject({ kind: "crash", agent: "a2" });
    deepEqual(running(mesh), ["running", "down", "running"]);
    deepEqual([fault.title, fault.agents, fault.untilMs], ["a2 crashed", ["a2"], null]);
    mesh.board.heal(fault.id);
    mesh.wait(100);
    deepEqual(running(mesh), ["running", "running", "running"]);
    deepEqual(mesh.agent(1).config.incarnation, 2);
    deepEqual(mesh.board.active, []);
  });

  it("pause: what arrives waits, and comes in order when it goes on", () => {
    const mesh = new FakeMesh(2);
    mesh.board.inject({ kind: "pause", agent: "a2", forMs: 500 });
    for (let number = 0; number < 20; number++) mesh.send(0, 1, number);
    mesh.wait(400);
    deepEqual(mesh.agent(1).frames, []);
    ok(mesh.network.isUp(0, 1), "links stay up");
    mesh.wait(200);
    deepEqual(
      mesh.agent(1).frames,
      Array.from({ length: 20 }, (_, number) => number),
    );
  });

  it("partition: the sides hear only themselves; who is named on none forms one more", () => {
    const mesh = new FakeMesh(5);
    const fault = mesh.board.inject({ kind: "partition", sides: [["a1", "a2"], ["a3"]] });
    equal(fault.title, "a1, a2 | a3 | a4, a5 partitioned");
    deepEqual(mesh.reach(), ["a1>a2", "a2>a1", "a4>a5", "a5>a4"]);
    mesh.board.healAll();
    equal(mesh.reach().length, 20);
  });

  it("isolate: nothing passes to or from one", () => {
    const mesh = new FakeMesh(3);
    mesh.board.inject({ kind: "isolate", agent: "a1" });
    deepEqual(mesh.reach(), ["a2>a3", "a3>a2"]);
  });

  it("lossy and slow: one link or all of an agent's, both ways, and over after forMs", () => {
    const mesh = new FakeMesh(3);
    mesh.board.inject({ kind: "lossy", a: "a1", b: "a2", loss: 1, forMs: 1000 });
    deepEqual(mesh.reach(), ["a1>a3", "a2>a3", "a3>a1", "a3>a2"]);
    mesh.wait(1000);
    equal(mesh.reach().length, 6);
    mesh.board.inject({ kind: "slow", a: "a3", delayMs: 300, forMs: 1000 });
    deepEqual(mesh.reach(), ["a1>a2", "a2>a1"], "within 100 ms");
  });

  it("resolves leader when it strikes, and is refused while there is none", () => {
    const mesh = new FakeMesh(3);
    throws(() => mesh.board.inject({ kind: "crash", agent: "leader" }), { reason: "noLeader" });
    mesh.leader = 2;
    const fault = mesh.board.inject({ kind: "isolate", agent: "leader" });
    mesh.leader = 0;
    deepEqual([fault.agents, fault.title], [["a3"], "a3 isolated"]);
    deepEqual(mesh.reach(), ["a1>a2", "a2>a1"]);
  });

  it("takes minorities and majorities from those that vote, as the leader knows them", () => {
    const mesh = new FakeMesh(7);
    mesh.leader = 0;
    mesh.agent(0).voters = ["a1", "a2", "a3"];
    mesh.agent(1).voters = ["a4", "a5", "a6", "a7"];
    for (let draw = 0; draw < 20; draw++) {
      const minority = mesh.board.inject({ kind: "isolate", agent: "minority" });
      const majority = mesh.board.inject({ kind: "isolate", agent: "majority" });
      deepEqual([minority.agents.length, majority.agents.length], [1, 2]);
      for (const agent of [...minority.agents, ...majority.agents]) ok(["a1", "a2", "a3"].includes(agent), agent);
      mesh.board.healAll();
    }
  });

  it("undoes each fault by itself: what two do together stays until both are healed", () => {
    const mesh = new FakeMesh(2);
    const first = mesh.board.inject({ kind: "crash", agent: "a1" });
    const second = mesh.board.inject({ kind: "crash", agent: "a1" });
    const pause = mesh.board.inject({ kind: "pause", agent: "a1" });
    mesh.board.heal(first.id);
    equal(mesh.worlds[0]?.state, "down");
    mesh.board.heal(second.id);
    equal(mesh.worlds[0]?.state, "paused", "the pause is still there");
    mesh.board.heal(pause.id);
    equal(mesh.worlds[0]?.state, "running");
    mesh.board.heal("f99");
  });

  it("refuses an agent that is not in the roster", () =>
    throws(
      () => new FakeMesh(2).board.inject({ kind: "crash", agent: "a9" }),
      /There is no agent a9\. The agents are a1, a2\./,
    ));
});

describe("simulated agent's life", () => {
  it("gives a turn after inputs, and the alarm at its time, once, the newest one", () => {
    const mesh = new FakeMesh(1);
    const agent = mesh.agent(0);
    const startMs = agent.startedMs;
    agent.world.setAlarm(startMs + 50);
    agent.world.setAlarm(startMs + 200);
    agent.world.setAlarm(startMs + 100);
    mesh.wait(150);
    equal(agent.alarms.length, 1);
    ok((agent.alarms[0] as number) >= startMs + 100 && (agent.alarms[0] as number) < startMs + 100.01);
    agent.world.setAlarm(startMs + 300);
    agent.world.setAlarm(Number.POSITIVE_INFINITY);
    mesh.wait(500);
    equal(agent.alarms.length, 1);
    const turns = agent.turns;
    agent.world.requestTurn();
    agent.world.requestTurn();
    mesh.wait(1);
    equal(agent.turns, turns + 1);
  });

  it("keeps its log over a crash, and the older life hears nothing more", () => {
    const mesh = new FakeMesh(2);
    const old = mesh.agent(0);
    let durable = 0;
    old.world.log.append(
      { entries: [{ index: 1, term: 1, kind: 1, timeMs: 0, data: new Uint8Array() }] },
      () => durable++,
    );
    mesh.wait(100);
    equal(durable, 1);
    old.world.setAlarm(old.startedMs + 1000);
    const fault = mesh.board.inject({ kind: "crash", agent: "a1" });
    mesh.board.heal(fault.id);
    const turns = old.turns;
    mesh.wait(2000);
    deepEqual([old.alarms.length, old.turns], [0, turns]);
    equal(mesh.agent(0).recovered.entries.length, 1);
    deepEqual(mesh.agent(1).links, ["up a1", "down a1", "up a1"]);
  });

  it("is down, and named, when it throws", () => {
    const mesh = new FakeMesh(2);
    mesh.agent(1).receive = () => {
      throw new RangeError("cannot read this");
    };
    mesh.send(0, 1, 1);
    mesh.wait(100);
    deepEqual(running(mesh), ["running", "down"]);
    deepEqual(mesh.failures, ["1: cannot read this"]);
  });
});

describe("chaos plan", () => {
  const roster = ["a1", "a2", "a3", "a4", "a5"];
  const LINKS = roster.flatMap((a, at) => roster.slice(at + 1).map((b) => ({ a, b })));
  const plans = Array.from({ length: 300 }, (_, seed) =>
    chaosPlan(seededRandom(seed), roster, LINKS, TIMING.local, 10_000),
  );

  it("heals every fault within its length", () => {
    for (const { faults } of plans)
      for (const { atMs, fault } of faults) {
        ok(fault.forMs !== undefined && fault.forMs > 0);
        ok(atMs >= 0 && atMs + fault.forMs <= 10_001, `${atMs} + ${fault.forMs}`);
      }
  });

  it("has, over the seeds, every kind of fault and weather, and seeds without", () => {
    const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ fault }) => fault.kind)));
    deepEqual([...kinds].sort(), FAULT_KINDS.filter((kind) => kind !== "byzantine").sort());
    for (const part of ["loss", "duplication", "reordering"] as const) {
      ok(plans.some(({ weather }) => weather[part] > 0));
      ok(plans.some(({ weather }) => weather[part] === 0));
    }
    const crashesAtOnce = ({ faults }: (typeof plans)[number]) =>
      faults.filter(
        ({ atMs, fault }) => fault.kind === "crash" && faults.some((f) => f.atMs === atMs && f.fault !== fault),
      );
    ok(
      plans.some((plan) => crashesAtOnce(plan).length >= 3),
      "a power cut",
    );
  });

  it("draws toxics of links, shapes of partitions, and of disks only what an agent can recover from", () => {
    const all = plans.flatMap(({ faults }) => faults.map(({ fault }) => fault));
    const of = (values: readonly (string | undefined)[]) =>
      [...new Set(values)].filter((one) => one !== undefined).sort();
    deepEqual(of(all.map((fault) => (fault.kind === "disk" ? fault.disk.trouble : undefined))), [
      "failing",
      "full",
      "slow",
      "tornTail",
    ]);
    deepEqual(
      of(all.map((fault) => (fault.kind === "partition" ? fault.shape : undefined))),
      [...PARTITION_SHAPES].sort(),
    );
    const toxics = of(all.map((fault) => (fault.kind === "link" ? fault.toxics[0]?.toxic : undefined)));
    for (const toxic of ["latency", "corrupt", "reset", "flap", "bandwidth", "reorder", "duplicate"])
      ok(toxics.includes(toxic), toxic);
  });

  it("is the same for the same seed", () => {
    deepEqual(chaosPlan(seededRandom(7), roster, LINKS, TIMING.local, 10_000), plans[7]);
  });
});
