import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { consensusUse } from "../../bench/swarm-reports.ts";
import type { AgentReport } from "../../server/client/client.ts";

type Told = Pick<AgentReport, "messagesOut" | "cpuSeconds" | "pbft">;

function told(
  messagesOut: number,
  cpuSeconds: number,
  pbft?: readonly [executedSeq: number, signed: number],
): AgentReport {
  const report: Told = {
    messagesOut,
    cpuSeconds,
    ...(pbft !== undefined && {
      pbft: {
        faultsTolerated: 1,
        liars: [],
        stableSeq: 0,
        executedSeq: pbft[0],
        proposedSeq: pbft[0],
        signed: pbft[1],
        verified: 2 * pbft[1],
        known: 3 * pbft[1],
      },
    }),
  };
  return report as AgentReport;
}

describe("what a swarm used between two looks at it", () => {
  it("is what all agents did together, and of batches those of the agent that executed most", () => {
    const before = [told(10, 1, [5, 7]), told(20, 2, [5, 7])];
    const after = [told(14, 1.5, [8, 9]), told(21, 2.25, [7, 10])];
    const use = { messages: 5, cpuSeconds: 0.75, batches: 3, signed: 5, verified: 10, known: 15 };
    assert.deepEqual(consensusUse(before, after), use);
  });

  it("has no batches and no signatures without PBFT", () => {
    const use = consensusUse([told(1, 1)], [told(3, 2)]);
    assert.deepEqual(use, { messages: 2, cpuSeconds: 1, batches: 0, signed: 0, verified: 0, known: 0 });
  });
});
