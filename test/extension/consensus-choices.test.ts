import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { consensusChoices } from "../../extension/commands/consensus-choices.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";

describe("the kinds of consensus of a quick swarm", () => {
  it("are those that so many agents can have, with what they survive", () => {
    assert.deepEqual(
      consensusChoices(3).map(({ label }) => label),
      ["raft", "gossip"],
    );
    assert.deepEqual(
      consensusChoices(4).map(({ label, detail }) => `${label}: ${/\d+ survive .*|every agent.*/.exec(detail)?.[0]}`),
      [
        "raft: 4 survive 1 crash.",
        "pbft: 4 survive 1 liar.",
        "gossip: every agent takes writes, all come to the same; no tasks.",
      ],
    );
    assert.match(consensusChoices(7)[1]?.detail ?? "", /7 survive 2 liars/);
  });

  it("all lead to a mesh, whatever the count", () => {
    for (let agents = 1; agents <= 20; agents++)
      for (const { label } of consensusChoices(agents))
        assert.equal(quickMesh({ name: "q", agents, topology: "mesh", consensus: label }).consensus, label);
  });
});
