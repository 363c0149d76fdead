import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import type { Chaos } from "../../server/contract/faults.ts";
import type { PlannedFault } from "../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { seededRandom } from "../../server/core/random.ts";
import { FaultPlan } from "../../server/meshfile/faults/plan.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { PlanFollower } from "../../server/sim/plan-follower.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { FakeMesh } from "./fake-mesh.ts";

function followed(mesh: FakeMesh, faults: readonly PlannedFault[], chaos: Chaos | null = null): PlanFollower {
  const agents = mesh.worlds.map(({ id }) => id);
  const plan = new FaultPlan(faults, chaos, { agents, links: [], timing: TIMING.local }, seededRandom(1));
  const follower = new PlanFollower(mesh.schedule, plan, mesh.board, 5);
  follower.start();
  return follower;
}

const states = (mesh: FakeMesh) => mesh.worlds.map(({ state }) => state).join(" ");

describe("a fault plan in virtual time", () => {
  it("unfolds at its times, to the microsecond, wherever between two ms it was started", () => {
    const mesh = new FakeMesh(2);
    mesh.schedule.runUntil(mesh.schedule.nowUs + 333, () => false);
    followed(mesh, [
      { trigger: { on: "time", atMs: 50 }, fault: { kind: "crash", agent: "a1", forMs: 20 } },
      {
        trigger: { on: "interval", atMs: 100, everyMs: 40, times: 2 },
        fault: { kind: "pause", agent: "a2", forMs: 10 },
      },
    ]);
    const seen: string[] = [];
    mesh.wait(9.999);
    for (let ms = 10; ms < 200; ms += 10) {
      seen.push(`${ms}- ${states(mesh)}`);
      mesh.wait(0.002);
      seen.push(`${ms}+ ${states(mesh)}`);
      mesh.wait(9.998);
    }
    const changes = seen.filter(
      (line, at) => at > 0 && line.split(" ").slice(1).join() !== seen[at - 1]?.split(" ").slice(1).join(),
    );
    deepEqual(changes, [
      "50+ down running",
      "70+ running running",
      "100+ running paused",
      "110+ running running",
      "140+ running paused",
      "150+ running running",
    ]);
  });

  it("answers what agents tell, and what happens to processes and faults", () => {
    const mesh = new FakeMesh(3);
    const answer = (event: "becameLeader" | "processEnded" | "faultHealed", agent: string): PlannedFault => ({
      trigger: { on: "event", event, nth: 1, afterMs: 10 },
      fault: { kind: "pause", agent },
    });
    const follower = followed(mesh, [
      { trigger: { on: "time", atMs: 300 }, fault: { kind: "isolate", agent: "a1", forMs: 100 } },
      answer("becameLeader", "a1"),
      answer("processEnded", "a2"),
      answer("faultHealed", "a3"),
    ]);
    follower.happened({ kind: "committed" });
    mesh.wait(100);
    equal(states(mesh), "running running running");
    follower.happened({ kind: "becameLeader" });
    mesh.wait(11);
    equal(states(mesh), "paused running running");
    follower.crashed();
    mesh.wait(11);
    equal(states(mesh), "paused paused running");
    mesh.wait(278 + 9);
    equal(states(mesh), "paused paused running");
    mesh.wait(2);
    equal(states(mesh), "paused paused paused");
  });

  it("keeps a fault for the leader until somebody leads", () => {
    const mesh = new FakeMesh(2);
    followed(mesh, [{ trigger: { on: "time", atMs: 10 }, fault: { kind: "pause", agent: "leader" } }]);
    mesh.wait(100);
    equal(states(mesh), "running running");
    mesh.leader = 1;
    mesh.wait(6);
    equal(states(mesh), "running paused");
  });

  it("does nothing more once it was stopped", () => {
    const mesh = new FakeMesh(2);
    const follower = followed(mesh, [{ trigger: { on: "time", atMs: 10 }, fault: { kind: "crash", agent: "a1" } }]);
    follower.stop();
    mesh.wait(100);
    equal(states(mesh), "running running");
  });

  it("says aloud what never makes sense", () => {
    const mesh = new FakeMesh(2);
    followed(mesh, [{ trigger: { on: "time", atMs: 10 }, fault: { kind: "crash", agent: "a9" } }]);
    throws(() => mesh.wait(100), /There is no agent a9/);
  });
});

describe("a simulated mesh file", function () {
  this.timeout(60_000);
  const FILE = `agents: 5
faults:
  - { at: 0s, preset: rollingRestart, every: 600ms, for: 300ms }
  - { at: 4s, preset: leaderHunt, hit: isolate, every: 100ms, for: 700ms, times: 3 }
  - { on: steppedDown, nth: 1, partition: ring, for: 500ms }
  - { every: 3s, pause: minority, for: 400ms }
  - { at: 8s, preset: swizzleClog, for: 2s }
chaos: { every: 900ms, for: 500ms, kinds: { crash: 2, partition: 1, lossy: 1 } }
`;
  const { mesh } = parseMesh(FILE, "x.mesh.yaml");
  ok(mesh);

  it("with presets, events and chaos keeps every promise, and repeats to the bit", () => {
    const traces = new Set<string>();
    for (let seed = 1; seed <= 5; seed++) {
      const events: TimelineEvent[] = [];
      const report = simulate(mesh, seed, { onEvent: (event) => events.push(event) });
      deepEqual({ seed, violation: report.violation }, { seed, violation: null });
      ok(events.filter(({ kind }) => kind === "started").length >= 10, "each agent was restarted once at least");
      ok(report.elections >= 4, `${report.elections} elections: three leaders were hunted`);
      equal(simulate(mesh, seed, { onEvent: () => {} }).traceHash, report.traceHash);
      traces.add(report.traceHash);
    }
    equal(traces.size, 5);
  });
});
