import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Mesh } from "../../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { FaultRefusal } from "../../../server/meshfile/faults/refusal.ts";
import { parseMesh } from "../../../server/meshfile/mesh-file.ts";
import { leaderAmong } from "../../../server/sim/leader.ts";
import { Reporter } from "../../../server/sim/watched/reporter.ts";
import { furthestOf } from "../../../server/sim/watched/run.ts";
import { WatchedRun } from "../../../server/sim/watched/watched-run.ts";

/** A run, and all that it told. */
class Watched {
  readonly events: string[] = [];
  readonly faultEvents: string[] = [];
  readonly notices: string[] = [];
  readonly run: WatchedRun;

  constructor(mesh: string | Mesh, seed = 7) {
    this.run = new WatchedRun(typeof mesh === "string" ? meshOf(mesh) : mesh, seed, {
      event: (_, event) => void this.events.push(told(event)),
      processStarted: (agent, incarnation) => void this.events.push(`${agent} started, life ${incarnation}`),
      processEnded: (agent) => void this.events.push(`${agent} ended`),
      faultsChanged: () => undefined,
      faultEvent: (kind, agent, fields) => void this.faultEvents.push(`${kind} ${agent ?? "-"} ${fields.title}`),
      notice: (_, message) => void this.notices.push(message),
    });
    this.run.start();
  }

  to(virtualMs: number): this {
    this.run.schedule.runUntil(virtualMs * 1000, () => false);
    return this;
  }

  get reporter(): Reporter {
    const { run } = this;
    return new Reporter({
      roster: run.roster,
      running: (place) => (run.worlds[place]?.running ? run.agent(place) : undefined),
      get nowMs() {
        return run.nowMs;
      },
      troubles: run.troubles,
    });
  }
}

function meshOf(text: string): Mesh {
  const { mesh, diagnostics } = parseMesh(text, "watched.mesh.yaml");
  assert.ok(mesh, JSON.stringify(diagnostics));
  return mesh;
}

function told({ id, kind, hlc, fields }: TimelineEvent): string {
  return JSON.stringify([id, kind, hlc, fields]);
}

const MESH =
  "agents: 5\ntasks:\n  - { id: hi, run: [sleep, '0.2'] }\nfaults:\n  - { at: 1s, isolate: a2, for: 500ms }\n";

describe("a simulated swarm that is watched", function () {
  this.timeout(30_000);

  it("does the same for the same seed, however its time is sliced and whatever is read of it meanwhile", () => {
    const whole = new Watched(MESH).to(3000);
    const sliced = new Watched(MESH);
    const { reporter } = sliced;
    for (let ms = 7; ms < 3000; ms += 7) {
      sliced.to(ms);
      reporter.next(() => ms % 2 === 0);
      reporter.takeOpinions();
      furthestOf(sliced.run);
    }
    sliced.to(3000);
    assert.ok(whole.events.length > 500, `${whole.events.length} events`);
    assert.deepEqual(sliced.events, whole.events);
    assert.deepEqual(sliced.faultEvents, whole.faultEvents);
    const other = new Watched(MESH, 8).to(3000);
    assert.notDeepEqual(other.events, whole.events, "another seed, other events");
  });

  it("elects, carries the mesh file's plan out, and works on its tasks", () => {
    const watched = new Watched(MESH).to(3000);
    assert.notEqual(leaderAmong(watched.run.worlds), undefined);
    assert.deepEqual(watched.faultEvents, ["faultInjected a2 a2 isolated", "faultHealed a2 a2 isolated"]);
    const [task] = furthestOf(watched.run)?.machine.tasks.list() ?? [];
    assert.equal(task?.state, "completed");
    assert.ok((task?.outcome?.durationMs ?? 0) >= 200);
  });

  it("takes faults from a person, heals them alone or all, and starts who was crashed again", () => {
    const { run, ...watched } = new Watched("agents: 5\n").to(1000);
    const to = (ms: number): void => run.schedule.runUntil(ms * 1000, () => false);
    const leader = run.roster[leaderAmong(run.worlds) as number] as string;
    const crash = run.faults.inject({ kind: "crash", agent: "leader" });
    assert.deepEqual([crash.agents, crash.source, crash.sinceMs], [[leader], "person", run.nowMs]);
    to(2500);
    assert.notEqual(run.roster[leaderAmong(run.worlds) as number], leader, "the others elect another one");
    const partition = run.faults.inject({ kind: "partition", sides: [["a1"]], forMs: 300 });
    to(2600);
    assert.deepEqual(
      run.faults.active.map(({ id }) => id),
      [crash.id, partition.id],
    );
    const cut = run.faults.active[1]?.effects ?? [];
    assert.equal(cut.length, 8, "both ways of a1's four links");
    to(3000);
    assert.deepEqual(
      run.faults.active.map(({ id }) => id),
      [crash.id],
      "the partition healed by itself",
    );
    assert.equal(run.faults.heal("f99"), undefined);
    assert.deepEqual(run.faults.healAll(), [crash.id]);
    to(3500);
    assert.ok(run.worlds.every(({ running }) => running));
    assert.equal(run.worlds[run.roster.indexOf(leader)]?.incarnation, 2);
    assert.equal(watched.notices.length, 0);
  });

  it("has a preset unfold, step by step, until it is stopped", () => {
    const { run } = new Watched("agents: 5\n").to(1000);
    const preset = run.faults.injectPreset({ preset: "rollingRestart", everyMs: 500, forMs: 200 });
    run.schedule.runUntil(1_050_000, () => false);
    assert.deepEqual(
      run.faults.active.map(({ preset: of, spec }) => [of, spec.kind]),
      [[preset.id, "crash"]],
    );
    const [id, step] = run.faults.heal(preset.id) ?? [];
    assert.equal(id, preset.id);
    assert.ok(step !== undefined);
    run.schedule.runUntil(4_000_000, () => false);
    assert.deepEqual([run.faults.active, run.faults.presets], [[], []], "nothing of it comes any more");
    const whole = run.faults.injectPreset({ preset: "rollingRestart", everyMs: 500, forMs: 200 });
    run.schedule.runUntil(9_000_000, () => false);
    assert.deepEqual(run.faults.presets, [], `${whole.id} is over by itself`);
    assert.deepEqual(
      run.worlds.map(({ incarnation }) => incarnation >= 2),
      [true, true, true, true, true],
    );
  });

  it("refuses a fault that means nobody, and a lie of another consensus, with a sentence", () => {
    const { run } = new Watched("agents: 3\n").to(10);
    const refused = (act: () => unknown, sentence: RegExp): void =>
      assert.throws(act, (error) => error instanceof FaultRefusal && sentence.test(error.message));
    refused(() => run.faults.inject({ kind: "crash", agent: "leader" }), /lead/);
    refused(() => run.faults.inject({ kind: "crash", agent: "a9" }), /a9/);
    refused(() => run.faults.inject({ kind: "byzantine", agent: "a1", behaviour: "wrongDigest" }), /PBFT/);
  });

  it("says so where a planned fault means nobody, and goes on with the plan", () => {
    const faults = [
      { trigger: { on: "time", atMs: 100 }, fault: { kind: "crash", agent: "a9" } },
      { trigger: { on: "time", atMs: 200 }, fault: { kind: "crash", agent: "a1" } },
    ] as const;
    const watched = new Watched({ ...meshOf("agents: 3\n"), faults }).to(3000);
    assert.match(watched.notices.join("\n"), /^A planned fault \(crash\) did not happen\. .*a9/);
    assert.deepEqual(watched.faultEvents, ["faultInjected a1 a1 crashed"]);
  });

  it("is told of what faults did to frames, at who sent them", () => {
    const watched = new Watched("agents: 3\n").to(500);
    const { run } = watched;
    run.faults.inject({ kind: "lossy", a: "a1", b: "a2", loss: 0.9 });
    run.faults.inject({ kind: "slow", a: "a1", b: "a3", delayMs: 20 });
    watched.to(1500);
    assert.ok(run.troubles.of("a1", "a2").dropped > 0);
    assert.equal(run.troubles.of("a1", "a2").delayed, 0);
    assert.ok(run.troubles.of("a3", "a1").delayed > 0);
    assert.deepEqual(run.troubles.of("a2", "a3"), { dropped: 0, delayed: 0, corrupted: 0 });
    const { reports } = watched.reporter.next(() => false);
    const link = reports.find(({ agent }) => agent === "a1")?.links.find(({ peer }) => peer === "a2");
    assert.equal(link?.dropped, run.troubles.of("a1", "a2").dropped);
  });
});

describe("reports of a simulated swarm", () => {
  it("come a few at a time, of each once a round, and of nobody for whom no time has passed", () => {
    const watched = new Watched("agents: 5\n").to(500);
    const { reporter } = watched;
    const first = reporter.next(() => true);
    assert.deepEqual([first.reports.map(({ agent }) => agent), first.whole], [["a1"], false]);
    const rest = reporter.next(() => false);
    assert.deepEqual([rest.reports.map(({ agent }) => agent), rest.whole], [["a2", "a3", "a4", "a5"], true]);
    assert.deepEqual(reporter.next(() => false).reports, [], "no time has passed");
    watched.to(600);
    assert.equal(reporter.next(() => false).reports.length, 5);
  });

  it("are brief of a large swarm: reputations of neighbours, and of the members those that are doubted", () => {
    const text = "agents: 101\ntopology: ring\nconsensus: gossip\ntiming: seed\n";
    const watched = new Watched(text).to(300);
    const { reports } = watched.reporter.next(() => false);
    assert.equal(reports.length, 101);
    for (const { agent, links, reputations, doubts } of reports) {
      assert.deepEqual(
        reputations.map(({ peer }) => peer),
        links.map(({ peer }) => peer),
        agent,
      );
      assert.deepEqual(doubts, []);
    }
    const [a, b] = reports;
    assert.equal(a?.voters, b?.voters, "lists that are alike are one");
  });
});
