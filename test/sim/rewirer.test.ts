import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";

const MESHES = [
  ["star", "raft", 4],
  ["hierarchical", "raft", 4],
  ["ring", "raft", 4],
  ["star", "pbft", 2],
  ["grid", "gossip", 4],
] as const;

describe("a simulated swarm that is rewired while clients use it", function () {
  this.timeout(120_000);

  for (const [topology, consensus, seeds] of MESHES)
    it(`breaks no promise under chaos, and serves at the end: ${consensus} over a ${topology}, ${seeds} seeds`, () => {
      const { mesh } = parseMesh(`agents: 7\ntopology: ${topology}\nconsensus: ${consensus}\n`, "rewired.mesh.yaml");
      assert.ok(mesh !== undefined);
      let rewired = 0;
      for (let seed = 1; seed <= seeds; seed++) {
        const report = simulate(mesh, seed, { durationMs: 3000, rewireAfterMs: 500, onRewired: () => void rewired++ });
        assert.deepEqual({ seed, violation: report.violation }, { seed, violation: null });
        assert.ok(report.operations > 0);
      }
      assert.ok(rewired >= seeds / 2, `rewired in ${rewired} of ${seeds} runs`);
    });

  it("serves while a zone is cut off and another one crashes, and is planned for with zones", () => {
    const text =
      "agents: 9\nzones: [eu, us, asia]\ntopology: k-regular\nfaults:\n  - { at: 300ms, partition: [[zone:eu]], for: 1s }\n  - { at: 1500ms, crash: zone:asia, for: 1s }\n";
    const { mesh } = parseMesh(text, "zones.mesh.yaml");
    assert.ok(mesh !== undefined);
    const injected: string[] = [];
    for (let seed = 1; seed <= 5; seed++) {
      const { violation, operations } = simulate(mesh, seed, {
        durationMs: 3000,
        onFault: ({ spec, agents }) => void injected.push(`${spec.kind} ${agents.join()}`),
      });
      assert.deepEqual({ seed, violation }, { seed, violation: null });
      assert.ok(operations > 0);
    }
    assert.equal(injected.filter((one) => one === "crash a7,a8,a9").length, 5, injected.join("; "));
  });

  it("is the same run for the same seed, and another one than without", () => {
    const { mesh } = parseMesh("agents: 6\ntopology: star\n", "rewired.mesh.yaml");
    assert.ok(mesh !== undefined);
    const hash = (rewireAfterMs?: number): string =>
      simulate(mesh, 5, { durationMs: 2000, ...(rewireAfterMs !== undefined && { rewireAfterMs }) }).traceHash;
    assert.equal(hash(300), hash(300));
    assert.notEqual(hash(300), hash());
  });
});
