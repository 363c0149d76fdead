import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { changesText, linksText } from "../../extension/commands/optimise-text.ts";
import { planTopology } from "../../server/core/overlay/optimise.ts";
import { buildLinks } from "../../server/core/overlay/topology.ts";

const agents = ["a1", "a2", "a3", "a4", "a5", "a6"];

describe("what the dialogue of Optimise Topology says", () => {
  it("is the diameter, the smallest cut and on whom the swarm hangs, before and after", () => {
    const { before, after } = planTopology({ agents, links: buildLinks("star", agents) });
    const lines = changesText(before, after).split("\n");
    assert.deepEqual(lines, [
      "Diameter: 2 hops → 2 hops",
      "Smallest cut: 1 link → 3 links",
      "Falls apart without: a1 → nobody",
    ]);
  });

  it("says what is not connected, and what one alone has", () => {
    const { before, after } = planTopology({ agents: ["a1", "a2"], links: [] });
    assert.match(changesText(before, after), /^Diameter: not connected → 1 hop$/m);
    const alone = planTopology({ agents: ["a1"], links: [] });
    assert.match(changesText(alone.before, alone.after), /^Smallest cut: none → none$/m);
    assert.deepEqual([linksText(0), linksText(1), linksText(2)], ["0 links", "1 link", "2 links"]);
  });
});
