import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeFrame, encodeFrame } from "../../server/agent/frame.ts";
import type { DiskTrouble, FaultSpec } from "../../server/contract/faults.ts";
import { makeEntry } from "../../server/core/raft/log.ts";
import { direct, HEAD, heartbeat } from "../agent/tamper/frames.ts";
import { FakeMesh } from "./fake-mesh.ts";

const entry = (index: number) => makeEntry(index, 1, 1, 0, Uint8Array.of(index));
const disk = (trouble: DiskTrouble): FaultSpec => ({ kind: "disk", agent: "a1", disk: trouble });
const world = (mesh: FakeMesh) => mesh.worlds[0] as (typeof mesh.worlds)[number];

/** Appends entries until one of them is not durable within a second; then how many are. */
const append = (mesh: FakeMesh, from: number, count: number) => {
  let durable = 0;
  for (let index = from; index < from + count; index++) {
    mesh.agent(0).world.log.append({ entries: [entry(index)] }, () => durable++);
    mesh.wait(1000);
  }
  return durable;
};
const restart = (mesh: FakeMesh) => {
  const fault = mesh.board.inject({ kind: "crash", agent: "a1" });
  mesh.board.heal(fault.id);
};
const indexes = (mesh: FakeMesh) => mesh.agent(0).recovered.entries.map(({ index }) => index);

describe("troubles with a disk in the simulated world", () => {
  it("slow: each sync takes so much longer", () => {
    const mesh = new FakeMesh(1);
    mesh.board.inject({ ...disk({ trouble: "slow", delayMs: 500 }), forMs: 3000 });
    const took: number[] = [];
    for (const index of [1, 2]) {
      const beganMs = mesh.schedule.nowMs;
      mesh.agent(0).world.log.append({ entries: [entry(index)] }, () => took.push(mesh.schedule.nowMs - beganMs));
      mesh.wait(3500);
    }
    ok((took[0] as number) > 500 && (took[0] as number) < 502, `${took[0]}`);
    ok((took[1] as number) < 2, `${took[1]} once it healed`);
  });

  for (const trouble of ["failing", "full"] as const)
    it(`${trouble}: the next write stops the agent, nobody is told that it is durable, and it does not start before it heals`, () => {
      const mesh = new FakeMesh(1);
      equal(append(mesh, 1, 3), 3);
      const fault = mesh.board.inject(disk({ trouble }));
      mesh.wait(1000);
      equal(world(mesh).state, "running", "as long as it writes nothing");
      equal(append(mesh, 4, 1), 0);
      equal(world(mesh).state, "down");
      match(world(mesh).refusal, trouble === "full" ? /the disk is full/ : /the disk fails/);
      deepEqual(mesh.failures, [], "which is no fault of the agent's");
      restart(mesh);
      equal(world(mesh).state, "down");
      mesh.board.heal(fault.id);
      equal(world(mesh).state, "running");
      equal(world(mesh).refusal, "");
      deepEqual(indexes(mesh).slice(0, 3), [1, 2, 3]);
      equal(append(mesh, indexes(mesh).length + 1, 1), 1);
    });

  it("failing: an agent that is killed besides stays down until both are healed", () => {
    const mesh = new FakeMesh(1);
    const failing = mesh.board.inject(disk({ trouble: "failing" }));
    append(mesh, 1, 1);
    const crash = mesh.board.inject({ kind: "crash", agent: "a1" });
    mesh.board.heal(failing.id);
    equal(world(mesh).state, "down");
    mesh.board.heal(crash.id);
    equal(world(mesh).state, "running");
  });

  it("bitRot: the agent that meets it at its next start stays down and says why; behind the last record it does no harm", () => {
    const seen = { refused: 0, started: 0 };
    for (let records = 1; records <= 60; records++) {
      const mesh = new FakeMesh(1);
      append(mesh, 1, records);
      const fault = mesh.board.inject(disk({ trouble: "bitRot" }));
      equal(append(mesh, records + 1, 1), 1, "at rest nobody notices");
      restart(mesh);
      if (world(mesh).state === "down") {
        seen.refused++;
        match(world(mesh).refusal, /The log is damaged: the checksum of record \d+ of \d+ does not match\./);
        mesh.board.heal(fault.id);
      } else seen.started++;
      equal(world(mesh).state, "running");
      equal(indexes(mesh).length, records + 1, "what was acknowledged is there, or nobody is told anything");
    }
    ok(seen.refused > 10 && seen.started > 5, JSON.stringify(seen));
  });

  it("tornTail: of what is being written at a crash nothing is whole; without it some is, now and then", () => {
    const survived = (trouble: boolean) => {
      let count = 0;
      for (let round = 0; round < 40; round++) {
        const mesh = new FakeMesh(1);
        append(mesh, 1, round % 7);
        if (trouble) mesh.board.inject(disk({ trouble: "tornTail" }));
        mesh.agent(0).world.log.append({ entries: [entry((round % 7) + 1)] }, () => {});
        restart(mesh);
        count += indexes(mesh).length - (round % 7);
        equal(world(mesh).state, "running");
      }
      return count;
    };
    equal(survived(true), 0);
    ok(survived(false) > 5);
  });

  it("lostSyncs: a crash takes back what was reported durable since; healed before, nothing is lost; the run says that it is not promised", () => {
    const mesh = new FakeMesh(1);
    append(mesh, 1, 3);
    const fault = mesh.board.inject(disk({ trouble: "lostSyncs" }));
    equal(append(mesh, 4, 2), 2);
    restart(mesh);
    deepEqual(indexes(mesh), [1, 2, 3]);
    equal(append(mesh, 4, 2), 2);
    mesh.board.heal(fault.id);
    restart(mesh);
    deepEqual(indexes(mesh), [1, 2, 3, 4, 5]);
    equal(mesh.beyondPromise.reasons.length, 1);
    match(mesh.beyondPromise.reasons[0] as string, /a1/);
  });
});

describe("troubles with clocks and processors in the simulated world", () => {
  const shown = (mesh: FakeMesh) => world(mesh).now - mesh.schedule.nowMs;

  it("skew: forwards at once; back by standing still until time has caught up, never backwards", () => {
    const mesh = new FakeMesh(1);
    const before = shown(mesh);
    const fault = mesh.board.inject({ kind: "clock", agent: "a1", skewMs: 300 });
    ok(Math.abs(shown(mesh) - before - 300) < 0.01);
    const stoodMs = world(mesh).now;
    mesh.board.heal(fault.id);
    for (const waited of [100, 200, 299]) {
      mesh.wait(waited - (mesh.schedule.nowMs - 100));
      equal(world(mesh).now, stoodMs);
    }
    mesh.wait(100);
    ok(Math.abs(shown(mesh) - before) < 0.01);
    mesh.board.inject({ kind: "clock", agent: "a1", skewMs: -300, forMs: 100 });
    mesh.wait(100);
    ok(Math.abs(shown(mesh) - before) < 0.01);
  });

  it("drift: as much faster as it says, and several add up; an alarm rings by the agent's own clock", () => {
    const mesh = new FakeMesh(1);
    const before = shown(mesh);
    for (const driftPpm of [100_000, 150_000]) mesh.board.inject({ kind: "clock", agent: "a1", skewMs: 0, driftPpm });
    const agent = mesh.agent(0);
    const alarmMs = world(mesh).now + 1000;
    agent.world.setAlarm(alarmMs);
    mesh.wait(1000);
    ok(Math.abs(shown(mesh) - before - 250) < 0.01, `${shown(mesh) - before}`);
    equal(agent.alarms.length, 1);
    ok((agent.alarms[0] as number) - alarmMs < 0.01);
  });

  it("drift: half as fast at the least, however many faults slow it down", () => {
    const mesh = new FakeMesh(1);
    const before = shown(mesh);
    for (let fault = 0; fault < 3; fault++)
      mesh.board.inject({ kind: "clock", agent: "a1", skewMs: 0, driftPpm: -500_000 });
    const agent = mesh.agent(0);
    agent.world.setAlarm(world(mesh).now + 500);
    mesh.wait(1000);
    ok(Math.abs(shown(mesh) - before + 500) < 0.01, `${shown(mesh) - before}`);
    equal(agent.alarms.length, 1);
  });

  it("an alarm that was set before a clock jumps rings when the clock then shows its time", () => {
    const mesh = new FakeMesh(1);
    const agent = mesh.agent(0);
    agent.world.setAlarm(world(mesh).now + 1000);
    mesh.wait(100);
    mesh.board.inject({ kind: "clock", agent: "a1", skewMs: 2000, forMs: 50 });
    mesh.wait(1);
    equal(agent.alarms.length, 1);
    agent.world.setAlarm(world(mesh).now + 100);
    mesh.wait(49 + 1000);
    equal(agent.alarms.length, 1, "the clock stands still");
    mesh.wait(1100);
    equal(agent.alarms.length, 2);
  });

  it("cpu: a turn comes so many times as late", () => {
    const mesh = new FakeMesh(1);
    const agent = mesh.agent(0);
    const delayOf = () => {
      const turns = agent.turns;
      const beganUs = mesh.schedule.nowUs;
      agent.world.requestTurn();
      while (agent.turns === turns) mesh.wait(0.001);
      return mesh.schedule.nowUs - beganUs;
    };
    const delays = (count: number) => Array.from({ length: count }, delayOf);
    ok(Math.max(...delays(50)) <= 61);
    mesh.board.inject({ kind: "cpu", agent: "a1", slowdown: 10, forMs: 1000 });
    mesh.board.inject({ kind: "cpu", agent: "a1", slowdown: 2, forMs: 1000 });
    ok(Math.min(...delays(50)) >= 100);
    mesh.wait(1000);
    ok(Math.max(...delays(50)) <= 61);
  });

  it("all at once: a pause, a skew, a slow disk and a slow processor, each healed by itself", () => {
    const mesh = new FakeMesh(2);
    const kinds: FaultSpec[] = [
      { kind: "pause", agent: "everyone" },
      { kind: "clock", agent: "everyone", skewMs: 50 },
      { kind: "cpu", agent: "everyone", slowdown: 5 },
      { kind: "disk", agent: "everyone", disk: { trouble: "slow", delayMs: 5 } },
    ];
    const faults = kinds.map((kind) => mesh.board.inject(kind));
    deepEqual(
      mesh.worlds.map(({ state }) => state),
      ["paused", "paused"],
    );
    for (const { id } of faults) mesh.board.heal(id);
    equal(append(mesh, 1, 1), 1);
    deepEqual(mesh.beyondPromise.reasons, []);
  });
});

describe("tampering in the simulated world", () => {
  const frame = encodeFrame(HEAD, [direct(heartbeat())]);
  const heard = (mesh: FakeMesh) => {
    const agent = mesh.agent(1);
    agent.frames.length = 0;
    mesh.agent(0).world.network.send("a2", frame.slice());
    mesh.wait(100);
    return agent.frames.length;
  };

  it("message rules and liars stand between an agent and the network, and are gone when healed", () => {
    const mesh = new FakeMesh(3);
    equal(heard(mesh), 1);
    const drop = mesh.board.inject({ kind: "message", match: { from: "a1", to: "a2" }, action: { action: "drop" } });
    equal(heard(mesh), 0);
    mesh.board.heal(drop.id);
    const copies = mesh.board.inject({ kind: "message", match: {}, action: { action: "duplicate", copies: 2 } });
    equal(heard(mesh), 3);
    mesh.board.heal(copies.id);
    mesh.board.inject({ kind: "message", match: {}, action: { action: "delay", delayMs: 1000 } });
    equal(heard(mesh), 0);
    mesh.wait(1000);
    equal(mesh.agent(1).frames.length, 1);
    deepEqual(mesh.beyondPromise.reasons, []);
    mesh.board.healAll();
    mesh.board.inject({ kind: "byzantine", agent: "a1", behaviour: "silent" });
    equal(heard(mesh), 0);
    equal(mesh.beyondPromise.reasons.length, 1);
  });

  it("a rule's count is each sender's own, and goes on while other faults come and go", () => {
    const mesh = new FakeMesh(2);
    mesh.board.inject({ kind: "message", match: {}, action: { action: "drop" }, count: 2 });
    equal(heard(mesh), 0);
    mesh.board.inject({ kind: "cpu", agent: "a1", slowdown: 2 });
    equal(heard(mesh), 0);
    equal(heard(mesh), 1);
  });

  it("what an agent held back when it was killed never leaves", () => {
    const mesh = new FakeMesh(2);
    mesh.board.inject({ kind: "message", match: {}, action: { action: "delay", delayMs: 500 } });
    equal(heard(mesh), 0);
    restart(mesh);
    mesh.wait(1000);
    equal(mesh.agent(1).frames.length, 0);
  });

  it("a damaged frame that an agent cannot read closes the link, which comes back; one that it reads is a mistake", () => {
    const mesh = new FakeMesh(2);
    const agent = mesh.agent(1);
    agent.receive = (_peer, bytes) => {
      decodeFrame(bytes);
    };
    agent.links.length = 0;
    mesh.board.inject({ kind: "message", match: {}, action: { action: "corrupt" }, count: 1 });
    heard(mesh);
    deepEqual(agent.links, ["down a1", "up a1"]);
    deepEqual(mesh.failures, []);
    agent.receive = () => {};
    mesh.board.inject({ kind: "link", a: "a1", b: "a2", toxics: [{ toxic: "corrupt", share: 1 }] });
    heard(mesh);
    deepEqual(mesh.failures, ["1: it read a frame of a1 that was damaged"]);
  });
});
