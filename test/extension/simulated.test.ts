import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { refuseJudged, refuseSimulated } from "../../extension/commands/simulated.ts";
import { makeSwarm } from "../webview/harness/swarm-data.ts";

describe("what a simulated swarm cannot do", () => {
  const view = { seed: 1, virtualMs: 0, nowMs: 0, speed: 1, reached: null, paused: false };

  it("is refused in a sentence before anything is asked, and only there", () => {
    const swarm = makeSwarm({ agents: 3 });
    refuseSimulated(swarm, "Agents join");
    assert.throws(
      () => refuseSimulated({ ...swarm, name: "x (simulated)", simulated: view }, "Agents join"),
      /^Error: Agents join only in a swarm of processes, and x \(simulated\) has none: Init Swarm brings one up\.$/,
    );
  });

  it("is anything at all, of the run that a seed is judged by", () => {
    const swarm = makeSwarm({ agents: 3 });
    refuseJudged(swarm);
    refuseJudged({ ...swarm, simulated: view });
    assert.throws(() => refuseJudged({ ...swarm, simulated: { ...view, judged: true } }), /would make it another one/);
  });
});
