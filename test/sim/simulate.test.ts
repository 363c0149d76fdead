import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, it } from "mocha";
import { Agent } from "../../server/agent/agent.ts";
import type { SeedReport } from "../../server/contract/coordinator.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { simulate, simulateSeeds } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";

const SHAPES = [
  [3, "mesh"],
  [5, "mesh"],
  [7, "mesh"],
  [12, "mesh"],
  [5, "ring"],
  [7, "ring"],
  [12, "ring"],
  [5, "star"],
  [7, "star"],
  [12, "star"],
  [12, "k-regular"],
  [12, "small-world"],
] as const;
const SEEDS_A_SHAPE = 10;

describe("simulated mesh", function () {
  this.timeout(60_000);

  for (const [agents, topology] of SHAPES)
    it(`keeps every promise under chaos: ${agents} agents, ${topology}, ${SEEDS_A_SHAPE} seeds`, () => {
      let elections = 0;
      let committed = 0;
      for (let seed = 1; seed <= SEEDS_A_SHAPE; seed++) {
        const report = simulate(meshOf(agents, topology), seed, { durationMs: 4000 });
        deepEqual({ seed, violation: report.violation }, { seed, violation: null });
        elections += report.elections;
        committed += report.committed;
      }
      ok(elections > SEEDS_A_SHAPE * 1.5, `only ${elections} elections: nothing much went wrong`);
      ok(committed > SEEDS_A_SHAPE * 10, `only ${committed} entries: nothing much went on`);
    });

  for (const timing of ["lan", "wan", "seed"] as const)
    it(`keeps every promise with the timing of ${timing}`, () => {
      for (let seed = 1; seed <= 5; seed++)
        deepEqual(simulate(meshOf(5, "mesh", { timing }), seed, { durationMs: 60_000 }).violation, null);
    });

  it("runs one agent and two alone", () => {
    for (const agents of [1, 2])
      for (let seed = 1; seed <= 5; seed++) equal(simulate(meshOf(agents), seed, { durationMs: 4000 }).violation, null);
  });

  it("follows a mesh file's fault plan, with nothing else going wrong", () => {
    const events: TimelineEvent[] = [];
    const faults = [
      { trigger: { on: "time", atMs: 1000 }, fault: { kind: "crash", agent: "leader", forMs: 2000 } },
      { trigger: { on: "time", atMs: 4000 }, fault: { kind: "partition", sides: [["a1", "a2"]], forMs: 1500 } },
      { trigger: { on: "time", atMs: 7000 }, fault: { kind: "pause", agent: "leader", forMs: 1500 } },
      { trigger: { on: "time", atMs: 10_000 }, fault: { kind: "slow", a: "a1", delayMs: 50, forMs: 500 } },
      { trigger: { on: "time", atMs: 11_000 }, fault: { kind: "lossy", a: "a1", b: "a2", loss: 0.5, forMs: 500 } },
      { trigger: { on: "time", atMs: 12_000 }, fault: { kind: "isolate", agent: "a5", forMs: 1500 } },
    ] as const;
    const mesh = meshOf(5, "mesh", { faults });
    const only = { ...mesh, expect: { ...mesh.expect, recovery: null } };
    const report = simulate(only, 1, { onEvent: (event) => events.push(event) });
    equal(report.violation, null);
    const starts = events.filter(({ kind }) => kind === "started");
    equal(starts.length, 6, "one agent started twice");
    ok(report.elections >= 3, `${report.elections} elections: the first, after the crash, after the pause`);
    ok(report.virtualMs > 13_500);
  });

  it("submits a mesh file's tasks, and each finishes once", () => {
    const finished: string[] = [];
    const task = { command: "work", args: [], cwd: "", timeoutMs: 0, maxAttempts: 50, agent: "" };
    const mesh = {
      ...meshOf(3),
      tasks: [
        { ...task, id: "build" },
        { ...task, id: "test", agent: "a2" },
      ],
    };
    const report = simulate(mesh, 3, {
      durationMs: 4000,
      onEvent: ({ kind, fields, agent }) => {
        if (kind === "taskFinished" && agent === "a1") finished.push(`${fields.id} ${fields.state}`);
      },
    });
    equal(report.violation, null);
    for (const id of ["build", "test"])
      deepEqual(
        finished.filter((line) => line.startsWith(`${id} `)),
        [`${id} completed`],
      );
  });

  it("gives the same report and trace hash whenever it is asked again", () => {
    for (const seed of [1, 2, 3]) {
      const first = simulate(meshOf(5), seed, { durationMs: 3000 });
      match(first.traceHash, /^[0-9a-f]{16}$/);
      deepEqual(simulate(meshOf(5), seed, { durationMs: 3000 }), first);
    }
  });

  it("gives the same in another process", () => {
    const here = [11, 12].map((seed) => simulate(meshOf(7, "ring"), seed, { durationMs: 3000 }));
    const script = fileURLToPath(new URL("./fixtures/print-reports.ts", import.meta.url));
    const there = JSON.parse(execFileSync(process.execPath, [script, "7", "ring", "11", "12"], { encoding: "utf8" }));
    deepEqual(there, here);
  });

  it("gives the same whether or not somebody watches every event", () => {
    const kinds = new Set<string>();
    const watched = simulate(meshOf(3), 21, { durationMs: 2000, onEvent: ({ kind }) => kinds.add(kind) });
    ok(kinds.has("send") && kinds.has("receive") && kinds.has("becameLeader"));
    deepEqual(simulate(meshOf(3), 21, { durationMs: 2000 }), watched);
  });

  it("gives another hash for another seed", () => {
    const hashes = [1, 2, 3, 4, 5].map((seed) => simulate(meshOf(3), seed, { durationMs: 1000 }).traceHash);
    equal(new Set(hashes).size, hashes.length);
    notEqual(hashes[0], hashes[1]);
  });

  it("names seed, virtual time, invariant and detail when an agent finds itself contradictory", () => {
    class Fragile extends Agent {
      override alarm(now: number): void {
        if (this.machine.index > 20) throw new RangeError("more than twenty");
        super.alarm(now);
      }
    }
    const report = simulate(meshOf(3), 5, {
      createAgent: (config, world, recovered, now) => new Fragile(config, world, recovered, now),
    });
    equal(report.seed, 5);
    equal(report.violation?.invariant, "agents do not fail");
    match(report.violation?.detail ?? "", /^a\d stopped itself: RangeError: more than twenty$/);
    ok((report.violation?.atMs ?? 0) > 0);
  });

  it("says so when nobody can be elected", () => {
    class Mute extends Agent {
      override receive(): void {}
    }
    const { violation } = simulate(meshOf(3), 1, {
      createAgent: (config, world, recovered, now) => new Mute(config, world, recovered, now),
    });
    equal(violation?.invariant, "liveness");
    match(violation?.detail ?? "", /a first leader: not within \d+ ms without faults; a1 .*a2 .*a3 /);
  });

  it("reports seed by seed, and stops when it is told to", async () => {
    const seen: SeedReport[] = [];
    const signal = { aborted: false };
    await simulateSeeds(
      meshOf(3),
      { from: 4, to: 6 },
      (report) => {
        seen.push(report);
        signal.aborted = seen.length === 2;
      },
      signal,
      { durationMs: 500 },
    );
    deepEqual(
      seen.map(({ seed }) => seed),
      [4, 5],
    );
  });
});
