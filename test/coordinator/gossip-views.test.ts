// A gossip swarm as the coordinator shows it, told of and not run: no leader, no term, no quorum to lose.

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { MetricsChart } from "../../server/contract/metrics.ts";
import type { ProposalInfo } from "../../server/contract/proposals.ts";
import type { AgentReport, GossipReport, MemberStateName } from "../../server/contract/swarm.ts";
import type { EventKind, TimelineEvent } from "../../server/contract/timeline.ts";
import { AgentWatch } from "../../server/coordinator/agent-watch.ts";
import { ConvergenceTimes } from "../../server/coordinator/convergence-times.ts";
import { judgeConvergence } from "../../server/coordinator/expectations/convergence.ts";
import { beyondPromise } from "../../server/coordinator/fault-rules.ts";
import { healthOf } from "../../server/coordinator/health.ts";
import { namesNobody } from "../../server/coordinator/leaderless.ts";
import { Metrics } from "../../server/coordinator/metrics.ts";
import { spreadOf } from "../../server/coordinator/spread.ts";
import { isLandmark } from "../../server/coordinator/timeline/event-codes.ts";
import { Terms } from "../../server/coordinator/timeline/terms.ts";
import { reportOf } from "../client/fake-agent.ts";

const IDS = ["a1", "a2", "a3", "a4", "a5"];
const ALL: GossipReport = {
  members: 5,
  counted: true,
  sameVector: 5,
  behind: 0,
  unshared: 0,
  waiting: 0,
  convergedAtMs: 1,
  agreement: 1,
};

function reported(id: string, changes: Partial<AgentReport> = {}): AgentReport {
  const alive: MemberStateName = "alive";
  return reportOf(id, {
    role: "peer",
    term: 0,
    leader: "",
    voters: IDS,
    members: IDS.map((other) => ({ id: other, state: alive, sinceMs: 0 })),
    gossip: ALL,
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

const LINKED = { up: 10, total: 10 };

describe("the health of a gossip swarm", () => {
  it("is ok while all are alive and linked, whatever is spreading, and names no leader, term or lost quorum", () => {
    const { level, summary, quorum, leader, term, agreement } = healthOf(watched(), "gossip", LINKED);
    assert.deepEqual(
      [level, summary, quorum, leader, term, agreement],
      ["ok", "5/5 agents, converged", 1, null, null, 1],
    );
    const behind = { ...ALL, sameVector: 3, behind: 2, agreement: 0.947 };
    const spreading = healthOf(
      watched((id) => (id === "a2" ? { gossip: behind } : {})),
      "gossip",
      LINKED,
    );
    assert.equal(spreading.level, "ok");
    assert.equal(spreading.summary, "5/5 agents, agreement 0.94, 3 of 5 known to have it all");
    assert.equal(spreading.agreement, 0.947);
  });

  it("is degraded with one agent left of five, as that one still takes writes, and down with none", () => {
    const agents = watched((id) => (id === "a1" ? { gossip: { ...ALL, sameVector: 1, agreement: 0 } } : {}));
    for (const agent of agents.slice(1)) {
      agent.process = "crashed";
      agent.forget();
    }
    const one = healthOf(agents, "gossip", { up: 0, total: 10 });
    assert.deepEqual(
      [one.level, one.summary],
      ["degraded", "1/5 agents, agreement 0.00, 1 of 5 known to have it all, 0/10 links"],
    );
    (agents[0] as AgentWatch).process = "crashed";
    const none = healthOf(agents, "gossip", { up: 0, total: 10 });
    assert.deepEqual([none.level, none.summary], ["down", "0/5 agents, 0/10 links"]);
  });

  it("does not say converged for those that nobody can ask", () => {
    const agents = watched();
    (agents[4] as AgentWatch).process = "crashed";
    (agents[4] as AgentWatch).forget();
    assert.match(healthOf(agents, "gossip", LINKED).summary, /^4\/5 agents, converged as far as they know$/);
    for (const agent of agents) agent.connected = false;
    assert.match(healthOf(agents, "gossip", LINKED).summary, /nobody tells how far it has spread/);
  });
});

describe("how far a proposal has spread", () => {
  const proposal = { submittedAtMs: 100, decidedAtMs: 200, votes: [] } satisfies Partial<ProposalInfo>;
  const told = (of: (id: string) => Partial<AgentReport>) => IDS.map((id) => ({ id, report: reported(id, of(id)) }));

  it("is what the least sure agent says", () => {
    const least = { ...ALL, sameVector: 2, agreement: 0.4 };
    const agents = told((id) => ({ atMs: 300, gossip: id === "a4" ? least : ALL }));
    assert.deepEqual(spreadOf(proposal, agents), { agent: "a4", agreement: 0.4, sameVector: 2, members: 5 });
  });

  it("is not what a newcomer says that does not know that it counts", () => {
    const nobody = { ...ALL, counted: false, sameVector: 1, agreement: 0 };
    const agents = told((id) => ({ atMs: 300, gossip: id === "a4" ? nobody : ALL }));
    assert.equal(spreadOf(proposal, agents)?.agreement, 1);
  });

  it("is not taken from what was said before the last that happened to it", () => {
    assert.equal(
      spreadOf(
        proposal,
        told(() => ({ atMs: 199 })),
      ),
      undefined,
    );
    const late = { ...ALL, sameVector: 1, agreement: 0.1 };
    const agents = told((id) => (id === "a1" ? { atMs: 201, gossip: late } : { atMs: 150 }));
    assert.equal(spreadOf(proposal, agents)?.agent, "a1");
  });
});

describe("the metrics of a gossip swarm", () => {
  const chartsOf = (metrics: Metrics): readonly MetricsChart[] => metrics.view(60_000).charts;
  const last = (metrics: Metrics, id: MetricsChart["id"], name: string): number | null | undefined =>
    chartsOf(metrics)
      .find((chart) => chart.id === id)
      ?.series.find((series) => series.name === name)
      ?.values.at(-1);
  let sequence = 0;
  const event = (agent: string, kind: EventKind, wallMs: number): TimelineEvent => ({
    id: `${agent}.1:${++sequence}`,
    agent,
    hlc: { wallMs, counter: 0 },
    kind,
    fields: {},
  });

  it("are of agreement and convergence, not of elections, votes or liars", () => {
    const metrics = new Metrics("s", IDS, "gossip");
    metrics.sample(1000);
    assert.deepEqual(
      chartsOf(metrics).map(({ id }) => id),
      [
        "connectivity",
        "latency",
        "throughput",
        "decisionLatency",
        "agreement",
        "behind",
        "convergence",
        "load",
        "loadDeviation",
        "memory",
        "detection",
        "partition",
        "reputation",
      ],
    );
    const { summary, charts } = metrics.view(60_000);
    for (const { name, value } of summary) assert.equal(value, null, `${name} was not measured`);
    for (const { title, meaning } of charts)
      assert.doesNotMatch(`${title} ${meaning}`, /leader|election|quorum|voter/i);
    for (const { name, meaning } of summary) assert.doesNotMatch(`${name} ${meaning}`, /leader|election|quorum|voter/i);
  });

  it("have each agent's agreement and what it took that is not everywhere, and the least and the sum of these", () => {
    const metrics = new Metrics("s", IDS, "gossip");
    for (const id of IDS) {
      const gossip = id === "a2" ? { ...ALL, agreement: 0.25, behind: 3, sameVector: 2 } : { ...ALL, behind: 1 };
      metrics.report(reported(id, { atMs: 1000, upMs: 1000, gossip, committedAsLeader: 10 }));
    }
    metrics.sample(1000);
    assert.deepEqual([last(metrics, "agreement", "a2"), last(metrics, "agreement", "a1")], [0.25, 1]);
    assert.equal(last(metrics, "behind", "a2"), 3);
    assert.equal(last(metrics, "throughput", "entries"), 10, "every agent counts the same entries");
    const { summary } = metrics.view(60_000);
    const figure = (name: string) => summary.find((one) => one.name === name)?.value;
    assert.deepEqual([figure("Agreement, least"), figure("Not known everywhere")], [0.25, 7]);
  });

  it("measure convergence from an operation's issue to its agent's knowing that all have it", () => {
    const metrics = new Metrics("s", IDS, "gossip");
    for (const one of [
      event("a1", "issued", 100),
      event("a1", "issued", 140),
      event("a2", "converged", 150),
      event("a1", "converged", 200),
      event("a1", "converged", 900),
    ])
      metrics.happened(one);
    metrics.sample(1000);
    assert.equal(last(metrics, "convergence", "p99"), 100);
    metrics.sample(2000);
    assert.equal(last(metrics, "convergence", "p99"), null);
  });

  it("pass over events that come again, and what an agent took before it started anew", () => {
    const times = new ConvergenceTimes();
    const [issued, converged] = [event("a1", "issued", 100), event("a1", "converged", 130)];
    for (const one of [issued, converged, issued, converged, event("a1", "converged", 5000)]) times.happened(one);
    assert.deepEqual(times.take(), [30]);
    times.happened(event("a1", "issued", 6000));
    times.happened({ ...event("a1", "started", 7000), id: "a1.2:0" });
    times.happened({ ...event("a1", "converged", 9000), id: "a1.2:1" });
    assert.deepEqual(times.take(), []);
  });
});

describe("the timeline of a gossip swarm", () => {
  it("has no bars of terms, and a clock that is not believed among its landmarks, but not every convergence", () => {
    const terms = new Terms();
    const state = { role: "peer", term: 0, leader: "", commit: 1, lastIndex: 1, applied: 1 } as const;
    terms.add({ id: "a1.1:1", agent: "a1", hlc: { wallMs: 1, counter: 0 }, kind: "issued", fields: {}, state });
    terms.add({ id: "c.1:1", agent: "a1", hlc: { wallMs: 2, counter: 0 }, kind: "processEnded", fields: {} });
    assert.deepEqual(terms.bars(["a1"], 0, 10), []);
    assert.deepEqual([isLandmark("heldBack"), isLandmark("converged"), isLandmark("issued")], [true, false, false]);
  });
});

describe("faults on a gossip swarm", () => {
  const mesh = { agents: IDS, consensus: "gossip" } as const;

  it("name nobody where they name the leader, in whichever place", () => {
    const sentence =
      "This swarm decides by Gossip, in which nobody leads: name an agent (a1, a2, a3, a4, a5), or say one.";
    for (const spec of [
      { kind: "crash", agent: "leader" },
      { kind: "partition", sides: [["leader"], ["a2"]] },
      { kind: "slow", a: "a1", b: "leader", delayMs: 5 },
      { kind: "message", match: { from: "leader" }, action: { action: "drop" } },
    ] as const) {
      assert.equal(namesNobody(spec, mesh), sentence, spec.kind);
      assert.equal(namesNobody(spec, { ...mesh, consensus: "raft" }), undefined);
    }
    assert.equal(namesNobody({ kind: "crash", agent: "one" }, mesh), undefined);
  });

  it("are more than it promises to survive where an agent lies", () => {
    const lie = { on: "byzantine", agent: "a1", behaviour: "silent" } as const;
    assert.equal(beyondPromise(lie, [{ effects: [lie] }], mesh), "Gossip does not promise to survive this.");
    assert.equal(beyondPromise({ on: "process", agent: "a1", process: "down" }, [], mesh), undefined);
  });
});

describe("whether live agents have converged", () => {
  /** Time passes only by sleeping. */
  function judged(
    look: (nowMs: number) => readonly (readonly [agent: string, hash: string, index: number])[],
    faults: readonly string[] = [],
  ): ReturnType<typeof judgeConvergence> {
    let nowMs = 0;
    return judgeConvergence({
      reports: () =>
        Promise.resolve(
          look(nowMs).map(([agent, convergedHash, stateHashIndex]) =>
            reported(agent, { convergedHash, stateHashIndex }),
          ),
        ),
      activeFaults: () => faults,
      agents: () => 2,
      boundMs: 5000,
      now: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
    });
  }

  it("holds once all have the same, also later than at first", async () => {
    const result = await judged((nowMs) => [
      ["a1", "x", 3],
      ["a2", nowMs < 1000 ? "y" : "x", nowMs < 1000 ? 2 : 3],
    ]);
    assert.ok(typeof result === "object" && result.held === true);
    assert.equal(result.measured, "2 agents with one memory and the same proposals");
  });

  it("is broken where they stay different although nothing is written any more", async () => {
    const result = await judged(() => [
      ["a1", "x", 3],
      ["a2", "y", 3],
    ]);
    assert.ok(typeof result === "object" && result.held === false);
    assert.match(result.detail, /^What a1 and a2 hold differs, 5\d00 ms after nothing was broken, and 5\d00 ms after/);
  });

  it("is not known while faults are active, agents are away, or something is always written", async () => {
    assert.equal(await judged(() => [], ["a1 crashed"]), "still active: a1 crashed");
    assert.equal(await judged(() => [["a1", "x", 3]]), "only 1 of 2 agents could be asked");
    const busy = await judged((nowMs) => [
      ["a1", "x", nowMs],
      ["a2", "y", nowMs],
    ]);
    assert.match(String(busy), /still being written to/);
  });
});
