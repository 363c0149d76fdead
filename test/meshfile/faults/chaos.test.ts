import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS } from "../../../server/contract/consensus.ts";
import { FAULT_KINDS, type FaultKind, type FaultSpec } from "../../../server/contract/faults.ts";
import { buildLinks } from "../../../server/core/overlay/topology.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { drawFault } from "../../../server/meshfile/faults/chaos.ts";
import { resolveFault } from "../../../server/meshfile/faults/resolve.ts";
import { TIMING } from "../../../server/meshfile/timing.ts";

const ALL = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1])) as Record<FaultKind, number>;

function meshOf(agents: number, topology: "mesh" | "ring" | "star" = "mesh") {
  const roster = Array.from({ length: agents }, (_, at) => `a${at + 1}`);
  return { agents: roster, links: buildLinks(topology, roster), timing: TIMING.local };
}

const draws = (mesh: ReturnType<typeof meshOf>, weights: Partial<Record<FaultKind, number>>, count = 400) =>
  Array.from({ length: count }, (_, seed) => drawFault(weights, 1000, mesh, seededRandom(seed)));

describe("a fault drawn at random", () => {
  for (const [agents, topology] of [
    [1, "mesh"],
    [2, "mesh"],
    [3, "ring"],
    [5, "mesh"],
    [7, "star"],
  ] as const)
    it(`makes sense in a ${topology} of ${agents}, whatever its kind, and ends`, () => {
      const mesh = meshOf(agents, topology);
      const kinds = new Set<FaultKind>();
      for (const [seed, fault] of draws(mesh, ALL, 2000).entries()) {
        assert.ok(fault !== undefined);
        kinds.add(fault.kind);
        assert.ok((fault.forMs as number) >= 1 && (fault.forMs as number) <= 1000);
        assert.ok(
          resolveFault(fault, { ...mesh, leader: "a1" }, seededRandom(seed)).effects.length >= (agents > 1 ? 0 : 1),
        );
      }
      const possible = FAULT_KINDS.filter(
        (kind) => agents > 1 || ["crash", "pause", "disk", "clock", "cpu", "byzantine"].includes(kind),
      );
      assert.deepEqual([...kinds].sort(), [...possible].sort());
    });

  it("has the kinds that are weighed, in that proportion", () => {
    const drawn = draws(meshOf(5), { crash: 3, disk: 1, pause: 0 }, 4000) as FaultSpec[];
    const crashes = drawn.filter(({ kind }) => kind === "crash").length;
    assert.ok(drawn.every(({ kind }) => kind === "crash" || kind === "disk"));
    assert.ok(Math.abs(crashes / 4000 - 0.75) < 0.03, `${crashes}`);
  });

  it("never destroys a real disk", () => {
    const drawn = (realDisks: boolean) =>
      new Set(
        draws({ ...meshOf(3), realDisks } as ReturnType<typeof meshOf>, { disk: 1 }).map((fault) =>
          fault?.kind === "disk" ? fault.disk.trouble : undefined,
        ),
      );
    assert.deepEqual(drawn(true), new Set(["slow", "failing", "full"]));
    assert.ok(drawn(false).has("tornTail"));
  });

  it("is none where no kind is left", () => {
    assert.equal(drawFault({}, 1000, meshOf(3), seededRandom(1)), undefined);
    assert.equal(drawFault({ partition: 1 }, 1000, meshOf(1), seededRandom(1)), undefined);
  });

  it("hits the leader more often than its share, and also groups", () => {
    const targets = (draws(meshOf(5), { crash: 1 }, 2000) as (FaultSpec & { agent: string })[]).map(
      ({ agent }) => agent,
    );
    const share = (target: string) => targets.filter((one) => one === target).length / 2000;
    assert.ok(share("leader") > 0.3 && share("one") > 0.3 && share("minority") > 0.1);
  });

  it("lies in every way", () => {
    const seen = new Set(
      draws(meshOf(4), { byzantine: 1 }).map((fault) => fault?.kind === "byzantine" && fault.behaviour),
    );
    assert.deepEqual([...seen].sort(), [...CONSENSUS.raft.behaviours].sort());
  });
});
