import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { quorumAmong } from "../../server/agent/consensus/quorum.ts";
import type { AgentReport, RoleName } from "../../server/contract/swarm.ts";
import type { EventKind, Fields, TimelineEvent } from "../../server/contract/timeline.ts";
import { AgentWatch } from "../../server/coordinator/agent-watch.ts";
import { healthOf, leadershipOf } from "../../server/coordinator/health.ts";
import { Metrics } from "../../server/coordinator/metrics.ts";
import { isLandmark } from "../../server/coordinator/timeline/event-codes.ts";
import { Terms } from "../../server/coordinator/timeline/terms.ts";
import { swarmView } from "../../server/coordinator/views.ts";
import { Replicas } from "../../server/core/pbft/replicas.ts";
import { reportOf } from "../client/fake-agent.ts";

const IDS = ["a1", "a2", "a3", "a4"];

function reported(id: string, changes: Partial<AgentReport> = {}): AgentReport {
  return reportOf(id, {
    role: id === "a2" ? "primary" : "backup",
    term: 1,
    leader: "a2",
    voters: IDS,
    members: IDS.map((other) => ({ id: other, state: "alive", sinceMs: 0 })),
    pbft: { faultsTolerated: 1, liars: [], stableSeq: 0, executedSeq: 0, proposedSeq: 0 },
    ...changes,
  });
}

function watched(of: (id: string) => Partial<AgentReport> = () => ({})): AgentWatch[] {
  return IDS.map((id) => {
    const watch = new AgentWatch({ id, port: 4000 });
    watch.process = "running";
    watch.connected = true;
    watch.heard(reported(id, of(id)));
    return watch;
  });
}

const claim = (...liars: string[]): Partial<AgentReport> => ({
  pbft: { faultsTolerated: 1, liars, stableSeq: 0, executedSeq: 0, proposedSeq: 0 },
});
const away: Partial<AgentReport> = { role: "viewChange", leader: "", term: 2 };
const links = { up: 6, total: 6 };
const health = (agents: readonly AgentWatch[], ...liars: string[]) => healthOf(agents, "pbft", links, liars);

let sequence = 0;
function event(agent: string, kind: EventKind, fields: Fields, role: RoleName, term: number): TimelineEvent {
  const hlc = { wallMs: 1e12 + ++sequence, counter: 0 };
  const state = { role, term, leader: "", commit: 0, lastIndex: 0, applied: 0 };
  return { id: `${agent}.1:${sequence}`, agent, hlc, kind, fields, state };
}

describe("a PBFT swarm as the coordinator sees it", () => {
  it("is led by the primary that a quorum of 2f+1 follows, and says so in PBFT's words", () => {
    assert.deepEqual(leadershipOf(watched()), { leader: "a2", term: 1 });
    const { summary, level, quorum, faultsTolerated } = health(watched());
    assert.equal(summary, "4/4 agents, primary a2, view 1");
    assert.deepEqual({ level, quorum, faultsTolerated }, { level: "ok", quorum: 3, faultsTolerated: 1 });
    assert.equal(leadershipOf(watched((id) => (id === "a1" ? away : {})))?.leader, "a2");
    const half = watched((id) => (id === "a1" || id === "a3" ? away : {}));
    assert.equal(leadershipOf(half), null, "two of four would be a majority's half, and are no quorum");
    assert.equal(health(half).summary, "4/4 agents, changing the view");
    assert.equal(health(half).level, "degraded");
  });

  it("has no quorum where more are gone than it survives", () => {
    const agents = watched((id) => (id === "a1" ? away : {}));
    for (const watch of agents) if (watch.id === "a2" || watch.id === "a3") watch.process = "crashed";
    assert.equal(health(agents).level, "noQuorum");
    assert.match(health(agents).summary, /no quorum \(3 needed\)/);
  });

  it("counts quorums as the core does, and Raft's as before", () => {
    for (let n = 4; n <= 30; n++) {
      const ids = Array.from({ length: n }, (_, at) => `a${at}`);
      assert.equal(quorumAmong(n, "pbft"), new Replicas(ids).quorum);
      assert.equal(quorumAmong(n, "raft"), Math.floor(n / 2) + 1);
    }
  });

  it("names who was proved to lie, and says when they are more than it survives; what agents only say counts nothing", () => {
    assert.equal(health(watched(), "a3").summary, "4/4 agents, primary a2, view 1, a3 lies");
    assert.equal(health(watched(), "a3").level, "degraded");
    assert.match(health(watched(), "a3", "a4").summary, /a3 and a4 lie: more than the 1 survived, nothing is promised/);
    const slandered = watched((id) => (id === "a1" ? claim("a3", "a4") : {}));
    assert.equal(health(slandered).summary, "4/4 agents, primary a2, view 1");
    assert.equal(health(slandered).level, "ok");
  });

  it("shows a liar with what is proved of it and who found that, whoever lives; and nobody on a claim", () => {
    const agents = watched((id) => (id === "a4" ? claim("a3") : {}));
    const proved = new Map<string, readonly string[]>();
    const evidence = { liars: proved, statementsOf: (id: string) => [`${id} signed two prepares`] };
    const view = () =>
      swarmView({
        ...{ id: "s", name: "s", file: "", folder: "/", phase: "running", problem: "", topology: "mesh" },
        ...{ consensus: "pbft", detached: false, startedAtMs: 0, revision: 1, tasks: [], slots: 1 },
        ...{ agents, linkEnds: [], active: [], presets: [], proposals: [] },
        roster: IDS.map((id) => ({ id, port: 4000, publicKey: "" })),
        evidence,
      }).agents.map(({ id, provenLiarBy, lies }) => [id, provenLiarBy, lies]);
    const nothing = IDS.map((id) => [id, undefined, undefined]);
    assert.deepEqual(view(), nothing);
    for (const watch of agents)
      watch.happened(event(watch.id, "equivocation", { culprit: "a3", evidence: "00" }, "backup", 1));
    assert.deepEqual(view(), nothing);
    proved.set("a3", ["a1", "a4"]);
    for (const watch of agents) watch.forget();
    assert.deepEqual(view()[2], ["a3", ["a1", "a4"], ["a3 signed two prepares"]]);
    assert.deepEqual(view()[1], ["a2", undefined, undefined]);
  });

  it("counts who gives up on a view, for the ring that fills", () => {
    const [watch] = watched(() => ({ atMs: 0 })) as [AgentWatch];
    watch.happened(event("a1", "viewChangeStarted", { view: 2, reason: "timeout" }, "viewChange", 2));
    assert.equal(watch.votes, null);
    watch.happened(event("a1", "viewChangeReceived", { view: 2, from: "a3", have: 2, needed: 3 }, "viewChange", 2));
    assert.equal(watch.votes, 2);
    watch.happened(event("a1", "viewEntered", { view: 2, primary: "a3", by: [], reproposed: 0 }, "backup", 2));
    assert.equal(watch.votes, null);
  });

  it("has a bar a view, which begins where the view was given up or entered", () => {
    const terms = new Terms();
    const told = [
      event("a1", "started", {}, "backup", 0),
      event("a1", "viewChangeStarted", { view: 1 }, "viewChange", 1),
      event("a1", "viewChangeReceived", { view: 1 }, "viewChange", 1),
      event("a1", "viewEntered", { view: 1, primary: "a1" }, "primary", 1),
    ];
    for (const one of told) terms.add(one);
    const bars = terms.bars(["a1"], 0, 1e13).map(({ role, term, fromMs }) => [role, term, fromMs]);
    const at = (place: number): number => told[place]!.hlc.wallMs;
    assert.deepEqual(bars, [
      ["backup", 0, at(0)],
      ["viewChange", 1, at(1)],
      ["primary", 1, at(3)],
    ]);
    for (const kind of ["viewChangeStarted", "viewEntered", "equivocation"] as const) assert.ok(isLandmark(kind));
  });

  it("counts a view change once, however many gave up on the view", () => {
    const metrics = new Metrics("s", IDS, "pbft");
    const total = () =>
      metrics
        .view(1e9)
        .charts.find(({ id }) => id === "elections")
        ?.series.find(({ name }) => name === "total")
        ?.values.at(-1);
    for (const atMs of [1000, 2000, 3000]) {
      const gaveUp = atMs === 1000 ? 0 : 1;
      for (const id of IDS)
        metrics.report(reported(id, { atMs, electionsStarted: gaveUp, electionsWon: id === "a2" ? gaveUp : 0 }));
      metrics.sample(atMs);
    }
    assert.equal(total(), 1);
  });

  it("measures how many more faults it survives, and calls elections what they are", () => {
    const metrics = new Metrics("s", IDS, "pbft");
    const left = () =>
      metrics
        .view(1e9)
        .charts.find(({ id }) => id === "faultThreshold")
        ?.series[0]?.values.at(-1);
    metrics.sample(1000);
    assert.equal(left(), null);
    for (const id of IDS) metrics.report(reported(id, { atMs: 2000 }));
    metrics.sample(2000);
    assert.equal(left(), 1);
    metrics.report(reported("a1", { atMs: 3000, ...claim("a3") }));
    metrics.sample(3000);
    assert.equal(left(), 1, "a claim is no proof");
    metrics.liars = ["a3"];
    metrics.report(reported("a1", { atMs: 4000 }));
    metrics.sample(4000);
    assert.equal(left(), 0);
    metrics.report(reported("a1", { atMs: 5000, members: [{ id: "a4", state: "suspected", sinceMs: 0 }] }));
    metrics.sample(5000);
    assert.equal(left(), 0);
    const { charts } = metrics.view(1e9);
    assert.equal(charts.find(({ id }) => id === "elections")?.title, "View changes");
    assert.deepEqual(
      charts.find(({ id }) => id === "participation")?.series.map(({ name }) => name),
      ["acknowledgements"],
    );
    const raft = new Metrics("s", IDS).view(1e9).charts;
    assert.equal(raft.find(({ id }) => id === "elections")?.title, "Elections");
    assert.ok(raft.every(({ id }) => id !== "faultThreshold"));
  });
});
