import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { isDoubtful, reputationText } from "../../server/contract/reputation.ts";
import type { AgentReport, AgentReputation, ReputationReport, SwarmView } from "../../server/contract/swarm.ts";
import { AgentWatch } from "../../server/coordinator/agent-watch.ts";
import { Metrics } from "../../server/coordinator/metrics.ts";
import { reputationsOf } from "../../server/coordinator/reputations.ts";
import { swarmView } from "../../server/coordinator/views.ts";
import { metricsText, statusText } from "../../server/faces/cli/tables.ts";
import { reportOf } from "../client/fake-agent.ts";

const IDS = ["a1", "a2", "a3", "a4"];

function opinion(peer: string, parts: Partial<ReputationReport> = {}): ReputationReport {
  const { uptime = 1, latency = 1, proofs = 0 } = parts;
  const honesty = 0.5 ** proofs;
  return { peer, score: uptime * latency * honesty, uptime, latency, honesty, proofs };
}

/** a4 lied: a1 and a3 hold proof of it, a2 none. */
const SAYS: Readonly<Record<string, readonly ReputationReport[]>> = {
  a1: [opinion("a2"), opinion("a3", { uptime: 0.8 }), opinion("a4", { proofs: 2 })],
  a2: [opinion("a1"), opinion("a3"), opinion("a4")],
  a3: [opinion("a1"), opinion("a2", { latency: 0.5 }), opinion("a4", { proofs: 1 })],
  a4: [opinion("a1", { uptime: 0.1 }), opinion("a2"), opinion("a3")],
};

function reported(id: string): AgentReport {
  return reportOf(id, {
    ...{ atMs: 1000, upMs: 1000, role: id === "a1" ? "primary" : "backup", leader: "a1", voters: IDS },
    reputations: SAYS[id] ?? [],
  });
}

function viewOf(gone: readonly string[] = []): SwarmView {
  const agents = IDS.map((id) => {
    const watch = new AgentWatch({ id, port: 4000 });
    watch.process = gone.includes(id) ? "crashed" : "running";
    watch.connected = true;
    watch.heard(reported(id));
    return watch;
  });
  return swarmView({
    ...{ id: "s", name: "s", file: "", folder: "/s", phase: "running", problem: "", topology: "mesh" },
    ...{ consensus: "pbft", detached: false, startedAtMs: 0, revision: 1, tasks: [], slots: 1 },
    ...{ agents, linkEnds: [], active: [], presets: [], proposals: [], roster: [] },
    evidence: {
      liars: new Map([["a4", ["a1", "a3"]]]),
      statementsOf: () => ["a4 signed two prepares for view 3, sequence 41"],
    },
  });
}

const reputation = (view: SwarmView, id: string): AgentReputation | undefined =>
  view.agents.find((agent) => agent.id === id)?.reputation;

describe("an agent's reputation among the others", () => {
  it("is the median of what they say, with the lowest and who says it", () => {
    const of = reputationsOf(IDS.map((id) => ({ id, report: reported(id) })));
    const { peer: _, ...worst } = opinion("a4", { proofs: 2 });
    assert.deepEqual(of.get("a4"), { median: 0.5, lowest: { by: "a1", ...worst }, opinions: 3 });
    assert.deepEqual([of.get("a1")?.median, of.get("a1")?.lowest.by, of.get("a1")?.lowest.score], [1, "a4", 0.1]);
    assert.equal(of.get("a9"), undefined);
    assert.equal(reputationsOf([{ id: "a1", report: null }]).size, 0);
  });

  it("takes nobody's word for itself", () => {
    const report = reportOf("a1", { reputations: [opinion("a1"), opinion("a2")] });
    assert.deepEqual([...reputationsOf([{ id: "a1", report }]).keys()], ["a2"]);
  });

  it("is of even numbers the lower one in the middle", () => {
    const of = reputationsOf(["a1", "a2"].map((id) => ({ id, report: reported(id) })));
    assert.equal(of.get("a4")?.median, 0.25);
  });

  it("counts those that live", () => {
    assert.equal(reputation(viewOf(), "a4")?.opinions, 3);
    const { median, opinions, lowest } = reputation(viewOf(["a1"]), "a4") as AgentReputation;
    assert.deepEqual([median, opinions, lowest.by], [0.5, 2, "a3"]);
    assert.equal(reputation(viewOf(["a1", "a2", "a3"]), "a4"), undefined);
  });

  it("is measured once a second, for each agent, and the least of them", () => {
    const metrics = new Metrics("s", IDS, "pbft");
    for (const id of IDS) metrics.report(reported(id));
    metrics.sample(1000);
    metrics.sample(2000);
    const { charts, summary } = metrics.view(60_000);
    assert.deepEqual(
      charts.find(({ id }) => id === "reputation")?.series.map(({ name, values }) => [name, ...values]),
      [
        ["a1", 1, null],
        ["a2", 1, null],
        ["a3", 1, null],
        ["a4", 0.5, null],
      ],
    );
    assert.equal(summary.find(({ name }) => name === "Reputation, least")?.value, null, "not in the last second");
    for (const id of IDS) metrics.report({ ...reported(id), atMs: 3000 });
    metrics.sample(3000);
    const last = metrics.view(60_000);
    assert.equal(last.summary.find(({ name }) => name === "Reputation, least")?.value, 0.5);
    assert.match(metricsText(last), /\nReputation: a1 1\.00, a2 1\.00, a3 1\.00, a4 0\.50\n/);
    assert.match(metricsText(metrics.view(0)), /\nReputation: not measured\n/);
  });

  it("is in the status, for each, and where it is told what is proved of a liar", () => {
    const lines = statusText(viewOf()).split("\n");
    assert.match(lines[2] as string, / reputation$/);
    assert.deepEqual(
      lines.slice(3, 7).map((line) => line.split(/ +/).at(-1)),
      ["1.00", "1.00", "1.00", "0.50"],
    );
    assert.equal(
      lines[8],
      "a4 signed two prepares for view 3, sequence 41 (found by a1, a3); reputation 0.50, lowest 0.25 (a1): 2 proofs of lying",
    );
    assert.match(statusText(viewOf(IDS)).split("\n")[3] as string, / -$/);
  });
});

describe("a reputation in words", () => {
  const text = (median: number, parts: Partial<ReputationReport>): string => {
    const { peer: _, ...lowest } = opinion("a4", parts);
    return reputationText({ median, lowest: { by: "a2", ...lowest }, opinions: 3 });
  };

  it("says why it is low, as whoever says the lowest has it", () => {
    assert.equal(text(1, {}), "1.00");
    assert.equal(text(0.25, { proofs: 2 }), "0.25: 2 proofs of lying");
    assert.equal(text(1, { proofs: 1 }), "1.00, lowest 0.50 (a2): 1 proof of lying");
    assert.equal(text(0.419, { uptime: 0.419 }), "0.42: seen alive 41 % of late");
    assert.equal(text(0.4, { latency: 0.4 }), "0.40: 2.5 times as slow as the median");
    assert.equal(
      text(0.1, { uptime: 0.5, latency: 0.4, proofs: 1 }),
      "0.10: 1 proof of lying, seen alive 50 % of late, 2.5 times as slow as the median",
    );
    assert.equal(text(0.96, { uptime: 0.96 }), "0.96", "what is as usual needs no reason");
  });

  it("calls for a look where somebody holds proof, or most trust it less than by half", () => {
    const doubtful = (median: number, proofs: number): boolean => {
      const { peer: _, ...lowest } = opinion("a4", { proofs });
      return isDoubtful({ median, lowest: { by: "a2", ...lowest }, opinions: 3 });
    };
    assert.deepEqual([doubtful(1, 1), doubtful(0.49, 0), doubtful(0.5, 0)], [true, true, false]);
  });
});
