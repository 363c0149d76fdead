import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Mesh, PlannedFault } from "../../../server/contract/mesh.ts";
import { PROPOSALS_BY_DEFAULT } from "../../../server/contract/proposals.ts";
import { Proposals } from "../../../server/core/proposals/proposals.ts";
import { parseMesh } from "../../../server/meshfile/mesh-file.ts";
import { meshText } from "../../../server/meshfile/write.ts";
import { minimalPart } from "../../../server/sim/shrink/delta-debugging.ts";
import { type ShrinkOptions, type Shrunk, shrink } from "../../../server/sim/shrink/shrink.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import { meshOf } from "../meshes.ts";
import { MUTATIONS, type Mutation, mutated } from "../mutations.ts";

const MAX_DELIVERED = 250_000;

function meshOfFile(text: string): Mesh {
  const { mesh, diagnostics } = parseMesh(text, "subject.mesh.yaml");
  assert.deepEqual(diagnostics, []);
  return mesh as Mesh;
}

/** @param wanted the invariant that it breaks; absent: whichever. */
function firstFailing(
  mesh: Mesh,
  options: ShrinkOptions,
  wanted?: string,
): { readonly seed: number; readonly reason: string } {
  for (let seed = 1; seed <= 200; seed++) {
    const { violation } = simulate(mesh, seed, options);
    if (violation && violation.invariant === (wanted ?? violation.invariant))
      return { seed, reason: violation.invariant };
  }
  throw new Error("no seed fails");
}

/** Why what was written is no small version of the failure; "" when it is one. */
function objection({ mesh }: Pick<Shrunk, "mesh">, reason: string, options: ShrinkOptions): string {
  const { mesh: written, diagnostics } = parseMesh(meshText(mesh), "shrunk.mesh.yaml");
  if (written === undefined || diagnostics.length > 0) return "it is no mesh file without a problem";
  const seed = written.simulate?.seed;
  if (seed == null) return "it does not say its seed";
  const broken = simulate(written, seed, options).violation?.invariant;
  return broken === reason ? "" : `its seed breaks ${broken ?? "nothing"}, not ${reason}`;
}

function shrunkOf(
  mesh: Mesh,
  options: ShrinkOptions = {},
  wanted?: string,
): { readonly shrunk: Shrunk; readonly reason: string } {
  const { seed, reason } = firstFailing(mesh, options, wanted);
  const shrunk = shrink(mesh, seed, { maxDelivered: MAX_DELIVERED, ...options });
  assert.ok(shrunk);
  assert.equal(objection(shrunk, reason, options), "");
  return { shrunk, reason };
}

const STRICT = `
agents: 5
faults:
  - { at: 1s, pause: a4, for: 300ms }
  - { at: 2s, slow: { a: a1, b: a2, delay: 20ms }, for: 500ms }
  - { at: 3s, crash: leader, for: 1s }
  - { at: 5s, lossy: { a: a3, loss: 0.1 }, for: 1s }
expect: { leaderWithin: 1ms }
`;

const PROPOSING = `
agents: 5
proposals: { timeout: 4s, policy: { schema: { type: object } }, policies: { a1: approve, a5: { reject: never } } }
`;

const LYING_DISKS = `
agents: 5
faults:
  - { at: 500ms, disk: { agent: a1, trouble: lostSyncs } }
  - { at: 500ms, disk: { agent: a2, trouble: lostSyncs } }
  - { at: 500ms, disk: { agent: a3, trouble: lostSyncs } }
  - { at: 1s, pause: a4, for: 300ms }
  - { at: 2s, crash: everyone, for: 500ms }
  - { at: 4s, slow: { a: a1, b: a2, delay: 20ms }, for: 500ms }
  - { at: 5s, crash: minority, for: 1s }
`;

const TELLS_ONE_MORE: Mutation = {
  name: "tells of one approval too many",
  patch: () => {
    const { takeObservations } = Proposals.prototype;
    Proposals.prototype.takeObservations = function () {
      const observations = takeObservations.call(this);
      return observations.map((one) =>
        one.type === "proposalDecided" ? { ...one, approvals: one.approvals + 1 } : one,
      );
    };
    return () => {
      Proposals.prototype.takeObservations = takeObservations;
    };
  },
};

function kindOf({ fault }: PlannedFault): string {
  return "preset" in fault ? fault.preset : fault.kind;
}

describe("a failing seed, shrunk", () => {
  it("is undefined where nothing fails", () => {
    assert.equal(shrink(meshOf(3), 1, { chaos: false }), undefined);
  }).timeout(20_000);

  it("keeps of a bound that is too strict the one fault that breaks it, among three agents", () => {
    const { shrunk, reason } = shrunkOf(meshOfFile(STRICT));
    assert.equal(reason, "leaderWithin");
    assert.equal(shrunk.mesh.faults.length, 1);
    assert.ok(shrunk.mesh.agents.length <= 3);
    assert.equal(shrunk.report.operations, 0);
  }).timeout(60_000);

  it("keeps of disks that lie those without which nothing is lost", () => {
    // What a disk has lost may be a vote, too; here it is an entry.
    const { shrunk } = shrunkOf(meshOfFile(LYING_DISKS), {}, "leader completeness");
    assert.deepEqual([...new Set(shrunk.mesh.faults.map(kindOf))].sort(), ["crash", "disk"]);
    assert.ok(shrunk.mesh.faults.length <= 6 && shrunk.mesh.agents.length <= 3, meshText(shrunk.mesh));
  }).timeout(60_000);

  it("is the same file each time", () => {
    const mesh = meshOfFile(STRICT);
    const [one, other] = [1, 2].map(() => shrink(mesh, 1, { maxDelivered: 60_000 }));
    assert.ok(one && other);
    assert.equal(meshText(one.mesh), meshText(other.mesh));
  }).timeout(60_000);

  const bugs: readonly (readonly [Mutation, faults: number, agents: number])[] = [
    [MUTATIONS.ackBeforeDurable, 3, 5],
    [MUTATIONS.localReads, 3, 5],
    [MUTATIONS.noDeduplication, 3, 5],
  ];
  for (const [bug, faults, agents] of bugs)
    it(`is small and fails for the same reason: an agent that ${bug.name}`, () => {
      mutated(bug, (createAgent) => {
        const { shrunk } = shrunkOf(meshOf(5), createAgent ? { createAgent } : {});
        assert.ok(shrunk.mesh.faults.length <= faults, meshText(shrunk.mesh));
        assert.ok(shrunk.mesh.agents.length <= agents, meshText(shrunk.mesh));
      });
    }).timeout(60_000);

  it("proposes nothing any more where proposals are not what breaks", () => {
    mutated(MUTATIONS.localReads, (createAgent) => {
      const { shrunk } = shrunkOf(meshOfFile(PROPOSING), createAgent ? { createAgent } : {});
      assert.deepEqual(shrunk.mesh.proposals, PROPOSALS_BY_DEFAULT);
    });
  }).timeout(60_000);

  it("keeps proposals where they are what breaks, with fewer agents and less said of them", () => {
    mutated(TELLS_ONE_MORE, () => {
      const { shrunk, reason } = shrunkOf(meshOfFile(PROPOSING));
      assert.equal(reason, "proposals decided once");
      assert.deepEqual(shrunk.mesh.expect.invariants, ["proposalsDecidedOnce"]);
      assert.deepEqual([shrunk.mesh.faults, shrunk.mesh.proposals.policies], [[], {}], meshText(shrunk.mesh));
      assert.ok(shrunk.mesh.agents.length <= 3, meshText(shrunk.mesh));
    });
  }).timeout(60_000);

  it("is told from one that fails for another reason, or not at all", () => {
    const mesh = meshOfFile(STRICT);
    const { shrunk, reason } = shrunkOf(mesh);
    const other = { ...shrunk.mesh, expect: { ...shrunk.mesh.expect, leaderWithinMs: 10_000 } };
    assert.match(objection({ mesh: other }, reason, {}), /breaks nothing, not leaderWithin/);
    assert.match(objection(shrunk, "single vote", {}), /breaks leaderWithin, not single vote/);
    assert.match(objection({ mesh }, reason, {}), /does not say its seed/);
  }).timeout(60_000);
});

describe("delta debugging", () => {
  it("leaves exactly what is needed, wherever it stands", () => {
    const items = Array.from({ length: 37 }, (_, at) => at);
    for (const needed of [[], [0], [36], [3, 19], [0, 17, 18, 36]])
      assert.deepEqual(
        minimalPart(items, (part) => needed.every((one) => part.includes(one))),
        needed,
      );
  });

  it("leaves nothing that could go by itself, also where parts need each other", () => {
    // 5 only with 6, and either 1 or 9.
    const fails = (part: readonly number[]) =>
      part.includes(5) === part.includes(6) && part.includes(5) && (part.includes(1) || part.includes(9));
    const part = minimalPart(
      Array.from({ length: 20 }, (_, at) => at),
      fails,
    );
    assert.equal(fails(part), true);
    for (const one of part) assert.equal(fails(part.filter((other) => other !== one)), false);
  });
});
