import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AgentReport } from "../../server/contract/swarm.ts";
import { LinkLatencies } from "../../server/coordinator/link-latencies.ts";

type Report = Pick<AgentReport, "agent" | "links">;

const report = (agent: string, peer: string, latencyP50Ms: number | null): Report => ({
  agent,
  links: [{ peer, latencyP50Ms }] as unknown as Report["links"],
});

describe("what links take, as agents report it", () => {
  it("is the mean of both directions, of each the median of the last reports: one slow turn makes no slow link", () => {
    const latencies = new LinkLatencies();
    assert.deepEqual(latencies.pairs(), []);
    for (const ms of [1, 1, 400, 1, 1]) latencies.heard(report("a1", "a2", ms));
    assert.deepEqual(latencies.pairs(), [{ a: "a1", b: "a2", latencyMs: 1 }]);
    latencies.heard(report("a2", "a1", 3));
    assert.deepEqual(latencies.pairs(), [{ a: "a1", b: "a2", latencyMs: 2 }]);
  });

  it("follows what has changed, and keeps what was last heard of a link that is silent or gone", () => {
    const latencies = new LinkLatencies();
    for (let at = 0; at < 20; at++) latencies.heard(report("a1", "a2", 1));
    for (let at = 0; at < 5; at++) latencies.heard(report("a1", "a2", 80));
    latencies.heard(report("a1", "a2", null));
    assert.deepEqual(latencies.pairs(), [{ a: "a1", b: "a2", latencyMs: 80 }]);
  });
});
