// A simulated swarm, as a person's window or terminal has it: no process, the same views.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { SeedReport } from "../../server/contract/coordinator.ts";
import type { Mesh } from "../../server/contract/mesh.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Refusal, type RefusalReason } from "../../server/coordinator/refusal.ts";
import { SimulatedEvidence } from "../../server/coordinator/simulated/simulated-evidence.ts";
import { SimulationThread } from "../../server/coordinator/simulated/simulation-thread.ts";
import { parseMesh, quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { Ground, until, untilTask, untilView } from "./ground.ts";

const MESH = `name: demo
agents: 5
tasks:
  - { id: hi, run: [node, -e, "process.exit(3)"] }
`;
/** Times real time: elections and failures take a second or two. */
const SPEED = 4;

async function refused(asked: Promise<unknown>, reason: RefusalReason, sentence?: RegExp): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof Refusal, String(error));
    assert.equal(error.reason, reason, error.message);
    if (sentence) assert.match(error.message, sentence);
    return true;
  });
}

/** What a simulation's clocks begin at. */
const START_MS = Date.UTC(2025, 0, 1);

/** The same seed as it is judged without anybody watching. */
function judgedApart(text: string, seed: number): { readonly report: SeedReport; readonly mesh: Mesh } {
  const { mesh } = parseMesh(text, "demo.mesh.yaml");
  assert.ok(mesh);
  return { report: simulate(mesh, seed), mesh };
}

/** Threads of this process, as far as they keep it going. */
function threads(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
}

describe("a simulated swarm", function () {
  this.timeout(60_000);
  let ground: Ground;
  let coordinator: Coordinator;

  beforeEach(() => {
    ground = new Ground();
    // Nothing is run: no trust is needed.
    coordinator = ground.coordinator();
    coordinator.trusted = false;
  });
  afterEach(() => ground.end());

  const watch = async (text = MESH, { seed = 7, speed = SPEED as number | null } = {}): Promise<SwarmView> =>
    coordinator.handle("watchSimulation", { file: ground.mesh(text), seed, speed, operation: "watch" });
  const elected = (swarm: string): Promise<SwarmView> =>
    untilView(coordinator, swarm, "a leader and all links", ({ health }) => health.level === "ok");

  it("elects in a workspace that is not trusted, and is shown with what it has, and without what it has not", async () => {
    const { id } = await watch();
    const view = await elected(id);
    assert.equal(view.name, "demo (simulated)");
    assert.deepEqual([view.simulated?.seed, view.simulated?.speed, view.simulated?.paused], [7, SPEED, false]);
    assert.ok((view.simulated?.virtualMs ?? 0) > 0);
    assert.equal(view.agents.length, 5);
    for (const agent of view.agents) {
      assert.deepEqual([agent.pid, agent.port, agent.cpu, agent.rssBytes], [null, 0, null, null]);
      assert.deepEqual([agent.process, agent.observed, agent.member], ["running", true, "voter"]);
      assert.deepEqual([agent.leader, agent.linksUp, agent.linksTotal], [view.health.leader, 4, 4]);
    }
    assert.ok(view.agents.every(({ reputation, health }) => reputation?.opinions === 4 && health === "alive"));
    assert.ok(view.links.every(({ state }) => state === "up"));
    // Of each a latency where frames have come since it was asked last, which is not often where the machine is slow.
    const measured = new Set<string>();
    await untilView(coordinator, id, "a latency of each link", ({ links }) => {
      for (const { a, b, latencyP50Ms } of links) if (latencyP50Ms !== null) measured.add(`${a} ${b}`);
      return measured.size === links.length;
    });
    const task = await untilTask(coordinator, id, "hi", ({ state }) => state === "completed");
    assert.equal(task.outputTail, "Simulated: no program was run.");
    assert.equal((await until("its end is told", () => ground.all("taskFinished")[0])).task.id, "hi");
    await coordinator.handle("subscribe", { swarms: true, timeline: true, metrics: true });
    await until("it is told of", () => ground.all("swarmChanged").length > 2 && ground.all("timelineGrew").length > 2);
  });

  it("tells its rounds as those of any swarm, and measures what exists in virtual time", async () => {
    const { id } = await watch();
    await elected(id);
    const window = await coordinator.handle("timeline", {
      swarm: id,
      fromMs: 0,
      toMs: Number.MAX_SAFE_INTEGER,
      hiddenKinds: ["heartbeat", "heartbeatReply"],
      maxEvents: 5000,
      buckets: 10,
    });
    assert.ok(window.events.some(({ kind }) => kind === "becameLeader"));
    assert.ok(window.terms.some(({ role }) => role === "leader"));
    const won = window.events.find(({ kind }) => kind === "becameLeader") as TimelineEvent;
    const told = await coordinator.handle("timelineEvent", { swarm: id, id: won.id });
    assert.ok((told?.causes.length ?? 0) > 0);
    const found = await coordinator.handle("timelineSearch", { swarm: id, text: "kind:becameLeader", limit: 1 });
    assert.equal(found.events.length, 1);
    const metrics = await until("samples", async () => {
      const view = await coordinator.handle("metrics", { swarm: id, lastMs: 60_000 });
      return view.timesMs.length >= 2 ? view : undefined;
    });
    const [first, second] = metrics.timesMs.slice(-2) as [number, number];
    assert.ok(second - first >= 1000, "at most a sample a virtual second");
    const charts = metrics.charts.map((chart) => chart.id);
    assert.ok(charts.includes("latency") && charts.includes("elections") && charts.includes("reputation"));
    assert.ok(!charts.some((name) => ["load", "loadDeviation", "memory"].includes(name)), charts.join());
    assert.deepEqual(metrics.hotspots, []);
    assert.ok(!metrics.summary.some(({ name }) => /^(Load|Hotspots)/.test(name)));
  });

  it("takes faults and heals them, shown as those of any swarm", async () => {
    const { id } = await watch();
    const { health } = await elected(id);
    const leader = health.leader as string;
    const crash = await coordinator.handle("injectFault", { swarm: id, fault: { kind: "crash", agent: "leader" } });
    assert.deepEqual([crash.agents, crash.source], [[leader], "person"]);
    const now = await coordinator.handle("swarm", { swarm: id });
    assert.deepEqual(
      now.faults.map((fault) => fault.id),
      [crash.id],
      "whoever is answered finds it",
    );
    assert.ok(!("effects" in (now.faults[0] as object)));
    const without = await untilView(coordinator, id, "another leader", (view) => {
      const next = view.health.leader;
      return next !== null && next !== leader && view.health.agentsAlive === 4;
    });
    assert.equal(without.agents.find((agent) => agent.id === leader)?.process, "crashed");
    await untilView(coordinator, id, "held for failed", (view) =>
      view.agents.some((agent) => agent.id === leader && agent.health === "failed" && agent.suspectedBy.length > 0),
    );
    const [a, b, c] = without.agents.flatMap((agent) => (agent.id === leader ? [] : [agent.id]));
    const fault = { kind: "partition", sides: [[a as string, b as string]] } as const;
    await coordinator.handle("injectFault", { swarm: id, fault });
    const cut = await untilView(coordinator, id, "read-only", (view) => (view.health.readOnly?.length ?? 0) >= 2);
    assert.equal(cut.links.find((link) => link.a === a && link.b === c)?.state, "cut");
    assert.deepEqual((await coordinator.handle("healFault", { swarm: id, fault: crash.id })).healed, [crash.id]);
    await coordinator.handle("healAll", { swarm: id });
    const healed = await elected(id);
    assert.deepEqual(healed.faults, []);
    const preset = { preset: "rollingRestart", everyMs: 400, forMs: 100 } as const;
    const { id: running } = await coordinator.handle("injectPreset", { swarm: id, preset });
    await untilView(coordinator, id, "a step", ({ faults }) => faults.some((fault) => fault.preset === running));
    await coordinator.handle("healFault", { swarm: id, fault: running });
    assert.equal((await elected(id)).presets, undefined);
    await refused(coordinator.handle("healFault", { swarm: id, fault: "f99" }), "refused", /no active fault f99/);
    const stranger = { kind: "crash", agent: "a9" } as const;
    await refused(coordinator.handle("injectFault", { swarm: id, fault: stranger }), "refused", /a9/);
  });

  it("does at its own speed, pauses, and goes on", async () => {
    const { id } = await watch(MESH, { speed: 1 });
    const paused = await coordinator.handle("paceSimulation", { swarm: id, paused: true });
    assert.deepEqual([paused.paused, paused.speed, paused.reached], [true, 1, null]);
    const { simulated } = await untilView(coordinator, id, "paused", (view) => view.simulated?.paused === true);
    const put = { swarm: id, op: "put", namespace: "n", key: "k", text: "v" } as const;
    await refused(coordinator.handle("memory", put), "unavailable", /paused/);
    await coordinator.handle("injectFault", { swarm: id, fault: { kind: "crash", agent: "a1" } });
    const still = await untilView(coordinator, id, "crashed", (view) => view.agents[0]?.process === "crashed");
    assert.equal(still.simulated?.virtualMs, simulated?.virtualMs, "time stands still, whatever is asked");
    await coordinator.handle("paceSimulation", { swarm: id, speed: null, paused: false });
    const fast = await untilView(coordinator, id, "a minute", (view) => (view.simulated?.virtualMs ?? 0) > 60_000);
    assert.ok((fast.simulated?.reached ?? 2) > 1, JSON.stringify(fast.simulated));
  });

  it("takes tasks and what is about its memory, without running anything", async () => {
    const { id } = await watch();
    await elected(id);
    const item = { swarm: id, namespace: "n", key: "k" };
    assert.equal((await coordinator.handle("memory", { ...item, op: "put", text: "v" })).type, "written");
    const got = await coordinator.handle("memory", { ...item, op: "get" });
    assert.ok(got.type === "item" && got.item?.text === "v");
    const listed = await coordinator.handle("memory", { swarm: id, op: "list", namespace: "n" });
    assert.ok(listed.type === "items" && listed.items.length === 1);
    const marker = join(ground.folder, "ran");
    const { taskId } = await coordinator.handle("submitTask", {
      swarm: id,
      task: { command: "touch", args: [marker] },
    });
    await untilTask(coordinator, id, taskId, ({ state }) => state === "completed");
    await assert.rejects(async () => (await import("node:fs/promises")).access(marker), "nothing was run");
  });

  it("shows a liar as soon as an honest agent has proof of it, and believes no liar", async () => {
    const { id } = await watch("agents: 4\nconsensus: pbft\n");
    const { health } = await elected(id);
    const liar = health.leader as string;
    const fault = { kind: "byzantine", agent: liar, behaviour: "equivocate" } as const;
    await coordinator.handle("injectFault", { swarm: id, fault });
    await coordinator.handle("memory", { swarm: id, op: "put", namespace: "n", key: "k", text: "v" });
    const proved = await untilView(coordinator, id, "proof", ({ agents }) =>
      agents.some((agent) => agent.id === liar && (agent.lies?.length ?? 0) > 0),
    );
    const { provenLiarBy, lies } = proved.agents.find((agent) => agent.id === liar) ?? {};
    assert.ok(provenLiarBy !== undefined && !provenLiarBy.includes(liar));
    assert.match(lies?.[0] ?? "", new RegExp(`^${liar} signed two pre-prepares for view 0`));
    assert.ok(proved.agents.every((agent) => agent.id === liar || agent.provenLiarBy === undefined));
    const search = { swarm: id, text: "kind:equivocation", limit: 1 };
    const { fields } = (await coordinator.handle("timelineSearch", search)).events[0] as TimelineEvent;
    const evidence = new SimulatedEvidence();
    evidence.believeNot([liar]);
    assert.equal(evidence.told(liar, fields), false);
    assert.equal(evidence.told("a9", { evidence: "no digits" }), false, "what cannot be read proves nothing");
    assert.equal(evidence.liars.size, 0);
    assert.equal(evidence.told("a9", fields), true, "the same of an honest one");
  });

  it("shows the same events for the same seed", async () => {
    const eventsOf = async (): Promise<readonly string[]> => {
      const { id } = await watch(MESH, { speed: null });
      await untilView(coordinator, id, "two seconds", ({ simulated }) => (simulated?.virtualMs ?? 0) > 2000);
      const window = await coordinator.handle("timeline", {
        swarm: id,
        fromMs: 0,
        toMs: START_MS + 1500,
        maxEvents: 20_000,
        buckets: 1,
      });
      await coordinator.handle("stopSwarm", { swarm: id, operation: "stop" });
      return window.events.map((event) => JSON.stringify([event.id, event.kind, event.hlc, event.fields]));
    };
    const first = await eventsOf();
    assert.ok(first.length > 100, `${first.length}`);
    assert.deepEqual(await eventsOf(), first);
  });

  it("refuses what takes processes with a sentence, and another pace for processes", async () => {
    const { id } = await watch();
    await elected(id);
    const change = { kind: "add", learner: false } as const;
    coordinator.trusted = true;
    const sentence = /only in a swarm of processes, and demo \(simulated\) has none\.$/;
    await refused(coordinator.handle("changeMembers", { swarm: id, change }), "refused", sentence);
    await refused(coordinator.handle("transferLeader", { swarm: id }), "refused", sentence);
    await refused(coordinator.handle("planTopology", { swarm: id }), "refused", sentence);
    await refused(coordinator.handle("expectations", { swarm: id }), "refused", sentence);
    await refused(coordinator.handle("evidence", { swarm: id }), "refused", sentence);
    await refused(coordinator.handle("aggregate", { swarm: id, metric: "links" }), "refused", sentence);
    const local = { swarm: id, op: "get", namespace: "n", key: "k", agent: "a1" } as const;
    await refused(coordinator.handle("memory", local), "refused", sentence);
    const real = await ground.quick(coordinator, 1);
    await refused(coordinator.handle("paceSimulation", { swarm: real.id, paused: true }), "refused", /no simulation/);
  });

  it("shows the run that a seed is judged by, which nobody may ask anything of, to its verdict", async () => {
    const text = "name: demo\nagents: 3\nsimulate: { for: 3s, members: true }\n";
    const file = ground.mesh(text);
    const asked = { file, seed: 1, speed: null, judged: true, operation: "watch" };
    const { id, agents, simulated } = await coordinator.handle("watchSimulation", asked);
    assert.deepEqual([simulated?.judged, agents.length >= 3], [true, true]);
    const nobodys = /the run that its seed is judged by: whatever is asked of it would make it another one/;
    const fault = { kind: "crash", agent: "leader" } as const;
    await refused(coordinator.handle("injectFault", { swarm: id, fault }), "refused", nobodys);
    await refused(coordinator.handle("submitTask", { swarm: id, task: { command: "sleep", args: ["1"] } }), "refused");
    const over = await untilView(coordinator, id, "its end", (view) => view.simulated?.verdict !== undefined);
    const { report, mesh } = judgedApart(text, 1);
    const { verdict, paused, virtualMs } = over.simulated ?? assert.fail("it is simulated");
    assert.deepEqual([verdict?.kept, paused], [report.violation === null, true]);
    assert.match(verdict?.text ?? "", new RegExp(`^kept every promise \\(${report.operations} operations`));
    assert.equal(Math.round(virtualMs), report.virtualMs);
    await until("it says so", () =>
      ground.all("notice").find(({ message }) => /^Seed 1 is over: it kept/.test(message)),
    );
    const resumed = coordinator.handle("paceSimulation", { swarm: id, paused: false });
    await refused(resumed, "refused", /^The run is over, and stays as it was at its end\.$/);
    const joined = over.agents.map((agent) => agent.id).filter((agent) => agent.startsWith("joiner"));
    assert.ok(joined.length > 0, "agents that joined are shown from then on");
    assert.equal(over.agents.length, mesh.agents.length + joined.length);
    const shown = new Set(over.agents.map((agent) => agent.id));
    assert.ok(over.links.every(({ a, b }) => shown.has(a) && shown.has(b)));
    await coordinator.handle("stopSwarm", { swarm: id, operation: "stop" });
  });

  it("marks where a promise broke, and says which", async () => {
    const text = `name: demo
agents: 3
faults: [{ at: 500ms, crash: leader, for: 1s }]
expect: { leaderWithin: 20ms }
simulate: { for: 2s }
`;
    const asked = { file: ground.mesh(text), seed: 1, speed: null, judged: true, operation: "watch" };
    const { id } = await coordinator.handle("watchSimulation", asked);
    const over = await untilView(coordinator, id, "its end", (view) => view.simulated?.verdict !== undefined);
    assert.equal(over.simulated?.verdict?.kept, false);
    const found = await coordinator.handle("timelineSearch", { swarm: id, text: "kind:promiseBroken", limit: 2 });
    const [mark] = found.events;
    assert.equal(found.events.length, 1);
    assert.deepEqual([mark?.agent, mark?.fields.invariant], ["coordinator", "leaderWithin"]);
    assert.match(String(mark?.fields.detail), /^There was no leader/);
    const sentence = /^Seed 1 is over: it broke “leaderWithin” at \d\.\d{3} s: There was no leader .*[^.]\.$/;
    const told = await until("it says so", () => ground.all("notice").find(({ message }) => sentence.test(message)));
    assert.equal(told.level, "warning");
  });

  it("refuses a file with errors, more links than can be shown, and a speed or a seed that is none", async () => {
    await refused(watch("agents: none\n"), "invalidMesh", /test\.mesh\.yaml:1:9/);
    await refused(watch("agents: 300\n"), "refused", /44,850 links.*k-regular/);
    const file = ground.mesh(MESH);
    for (const wrong of [{ speed: 0 }, { speed: 1e9 }, { speed: "2" }, { seed: -1 }, { seed: 0.5 }])
      await refused(
        coordinator.handleUnchecked("watchSimulation", { file, seed: 1, operation: "o", ...wrong }),
        "refused",
        new RegExp(Object.keys(wrong)[0] as string),
      );
    assert.deepEqual(ground.left, []);
    coordinator.trusted = true;
    const run = coordinator.handle("initSwarm", { file: ground.mesh("agents: 101\n"), operation: "run" });
    await refused(run, "invalidMesh", /at most 100 agents run as processes.*Watch/);
  });

  it("leaves nothing when it is stopped, cancelled, or its coordinator goes: no thread, no file", async () => {
    const before = threads();
    const { id } = await watch();
    assert.ok(threads() > before, "what looks for threads sees one that runs");
    assert.deepEqual(ground.left, [id]);
    const { ended } = await coordinator.handle("stopSwarm", { swarm: id, operation: "stop" });
    assert.deepEqual(ended, []);
    assert.deepEqual([ground.left, threads()], [[], before]);
    await until("stopped is told", async () => (await coordinator.handle("swarms", {})).length === 0);
    const large = "agents: 400\ntopology: { kind: k-regular, degree: 4 }\nconsensus: gossip\ntiming: seed\n";
    const watching = watch(large);
    await until("it has begun", () => ground.left.length > 0);
    await coordinator.handle("cancel", { operation: "watch" });
    await refused(watching, "cancelled");
    assert.deepEqual([ground.left, threads()], [[], before]);
    await watch();
    await coordinator.release();
    assert.deepEqual([ground.left, threads()], [[], before]);
  });

  it("says so where its thread fails, and answers nobody any more", async () => {
    const mesh = quickMesh({ name: "broken", agents: 3, topology: "mesh", consensus: "raft" });
    const failed = Promise.withResolvers<string>();
    const thread = new SimulationThread({
      task: { watch: { mesh: { ...mesh, agents: null as never }, seed: 1, speed: 1 } },
      onBatch: () => assert.fail("nothing comes of it"),
      onFailed: failed.resolve,
    });
    assert.match(await failed.promise, /^The simulation failed: /);
    await refused(thread.ask({ ask: "heal" }, "healed"), "unavailable", /has ended/);
    await thread.end();
  });

  it("is one of eight at most", async () => {
    const views = [];
    for (let count = 0; count < 8; count++) views.push(await watch("agents: 1\n", { speed: 0.01 }));
    await refused(watch("agents: 1\n"), "refused", /8 simulations are watched already/);
    for (const { id } of views) await coordinator.handle("stopSwarm", { swarm: id, operation: "stop" });
    await watch("agents: 1\n");
  });

  it("is removed by a later coordinator where its own died, and is in nobody's way", async () => {
    const home = join(ground.folder, ".agent-mesh", "abc");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "simulated.json"), JSON.stringify({ name: "demo (simulated)", file: "x" }));
    writeFileSync(
      join(home, "coordinator.lock"),
      JSON.stringify({ pid: 2 ** 22 - 3, startTime: "none", nonce: "none" }),
    );
    await coordinator.adopt([ground.folder]);
    assert.deepEqual(ground.left, []);
  });
});
