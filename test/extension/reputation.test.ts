import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { reputationFigure, reputationPart } from "../../extension/views/agent-reputation.ts";
import type { AgentView } from "../../server/contract/swarm.ts";
import { makeSwarm, pbftSwarm } from "../webview/harness/swarm-data.ts";

const agentOf = (id: string): AgentView => pbftSwarm().agents.find((agent) => agent.id === id) as AgentView;

describe("an agent's reputation in the tree", () => {
  it("is in its line, with the reason, where there is proof that it lies; else among its figures", () => {
    assert.deepEqual(reputationPart(agentOf("a3")), ["reputation 0.50, lowest 0.24 (a4): 2 proofs of lying"]);
    assert.deepEqual(reputationPart(agentOf("a1")), []);
    assert.equal(reputationFigure(agentOf("a3")), "0.50, lowest 0.24 (a4): 2 proofs of lying");
    assert.equal(reputationFigure(agentOf("a1")), "0.99");
  });

  it("is said not to be known where nobody tells, and not told in the line of one that is gone", () => {
    const untold = makeSwarm({ agents: 3 }).agents[0] as AgentView;
    assert.deepEqual([reputationFigure(untold), reputationPart(untold)], ["not known", []]);
    assert.deepEqual(reputationPart({ ...agentOf("a3"), process: "crashed" }), []);
  });
});
