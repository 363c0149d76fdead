import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AgentView } from "../../server/contract/swarm.ts";
import { agentGlyph, lookOf, stateName } from "../../webview/glyphs.ts";
import { makeSwarm } from "./harness/swarm-data.ts";

describe("the look of an agent", () => {
  const agent = (change: Partial<AgentView>): AgentView => ({
    ...(makeSwarm({ agents: 5 }).agents[1] as AgentView),
    ...change,
  });
  const words = (change: Partial<AgentView>): string => stateName(agent(change), lookOf(agent(change), 3));
  const inks = (change: Partial<AgentView>): string[] =>
    agentGlyph(lookOf(agent(change), 3)).flatMap(({ fill, stroke }) => [fill ?? "", stroke ?? ""]);

  it("is what its process does, whatever others hold of it", () => {
    assert.equal(words({ process: "crashed", role: "leader", health: "alive" }), "crashed");
    assert.equal(words({ process: "unreachable", role: null, health: "failed" }), "unreachable");
    assert.equal(lookOf(agent({ process: "paused", role: "follower", health: "alive" }), 3).shape, "paused");
  });

  it("keeps its role when the others do not hear it, with an outline that says so", () => {
    const cutOff = { process: "running", role: "follower", health: "failed" } as const;
    assert.equal(lookOf(agent(cutOff), 3).shape, "follower");
    assert.equal(words(cutOff), "follower, held for failed");
    assert.ok(inks(cutOff).includes("orange"));
    assert.equal(words({ ...cutOff, health: "suspected" }), "follower, suspected");
    assert.ok(!inks({ ...cutOff, health: "alive" }).includes("orange"));
  });

  it("of a learner is a disc smaller than a follower's, also while it joins", () => {
    const radius = (change: Partial<AgentView>): number =>
      Number(/A([\d.]+)/.exec(agentGlyph(lookOf(agent(change), 3))[0]?.d ?? "")?.[1]);
    const learner = { process: "running", role: "follower", member: "learner", health: "alive" } as const;
    assert.ok(radius(learner) < 0.7 * radius({ ...learner, member: "voter" }));
    assert.equal(words(learner), "learner");
    assert.equal(words({ ...learner, member: "joining" }), "learner, joining");
    assert.equal(words({ ...learner, member: "leaving" }), "follower, leaving");
    assert.equal(words({ ...learner, role: "leader", member: "leaving" }), "leader, leaving");
  });

  it("fills a candidate's ring with its votes", () => {
    assert.equal(lookOf(agent({ process: "running", role: "candidate", votes: 2 }), 3).votesShare, 2 / 3);
    assert.equal(lookOf(agent({ process: "running", role: "candidate", votes: null }), 3).votesShare, null);
  });
});
