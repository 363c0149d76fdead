import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Mesh } from "../../server/contract/mesh.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { topologyText } from "../../server/meshfile/topology-text.ts";

function said(text: string): string {
  return topologyText(parseMesh(text, "x.mesh.yaml").mesh as Mesh);
}

describe("a topology in words", () => {
  it("says how far apart agents are, and without whom the others fall apart", () => {
    assert.equal(said("agents: 5\n"), "mesh");
    assert.equal(said("agents: 6\ntopology: ring\n"), "ring (at most 3 hops)");
    assert.equal(said("agents: 6\ntopology: star\n"), "star (at most 2 hops; falls apart without a1)");
    assert.equal(
      said("agents: 4\ntopology: {links: [[a1, a2], [a2, a3], [a3, a4]]}\n"),
      "links (at most 3 hops; falls apart without a2 or a3)",
    );
    assert.match(said("agents: 40\ntopology: hierarchical\n"), /falls apart without a1, a2, a3, a4, a5 or 8 others\)$/);
  });
});
