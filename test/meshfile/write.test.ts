import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { FaultSpec, FaultTrigger, Toxic } from "../../server/contract/faults.ts";
import type { Mesh, SimulatedRun } from "../../server/contract/mesh.ts";
import { DETECTOR_KINDS, TOPOLOGY_NAMES } from "../../server/contract/mesh.ts";
import { parseMesh, quickMesh } from "../../server/meshfile/mesh-file.ts";
import { meshText } from "../../server/meshfile/write.ts";

const AGENTS = 5;
const mesh = quickMesh({ name: "m", agents: AGENTS, topology: "mesh", consensus: "raft" });

/** What the text of a mesh is read as. */
function readAgain(written: Mesh): Mesh {
  const text = meshText(written);
  const { mesh: read, diagnostics } = parseMesh(text, "other.mesh.yaml");
  assert.deepEqual(diagnostics, [], text);
  return read as Mesh;
}

const ms = fc.integer({ min: 1, max: 600_000 });
const share = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);
const agent = fc.integer({ min: 1, max: AGENTS }).map((number) => `a${number}`);
const pair = fc
  .tuple(agent, agent)
  .filter(([a, b]) => a !== b)
  .map(([a, b]) => ({ a, b }));

const toxic: fc.Arbitrary<Toxic> = fc.oneof(
  share.map((loss): Toxic => ({ toxic: "loss", share: loss })),
  share.map((copies): Toxic => ({ toxic: "duplicate", share: copies })),
  fc.tuple(share, ms).map(([part, byMs]): Toxic => ({ toxic: "reorder", share: part, byMs: Math.min(byMs, 60_000) })),
  fc.integer({ min: 1, max: 10_000 }).map((bytesPerSecond): Toxic => ({ toxic: "bandwidth", bytesPerSecond })),
  fc.integer({ min: 0, max: 10_000 }).map((afterMs): Toxic => ({ toxic: "timeout", afterMs })),
  fc.integer({ min: 1, max: 10_000 }).map((afterMs): Toxic => ({ toxic: "reset", afterMs })),
  fc
    .tuple(fc.integer({ min: 10, max: 9000 }), fc.integer({ min: 10, max: 9000 }))
    .map(([upMs, downMs]): Toxic => ({ toxic: "flap", upMs, downMs })),
  fc
    .tuple(fc.constantFrom("constant", "uniform", "normal", "logNormal", "pareto"), fc.integer({ min: 10, max: 5000 }))
    .map(
      ([shape, delay]): Toxic => ({
        toxic: "latency",
        delay: { shape, ms: delay, ...(shape === "constant" ? {} : { spread: 2 }) },
      }),
    ),
);

const fault: fc.Arbitrary<FaultSpec> = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(fc.constantFrom("crash", "pause", "isolate"), agent)
        .map(([kind, whom]): FaultSpec => ({ kind, agent: whom })),
      fc.constantFrom("leader", "minority").map((whom): FaultSpec => ({ kind: "crash", agent: whom })),
      fc
        .uniqueArray(agent, { minLength: 1, maxLength: AGENTS - 1 })
        .map((side): FaultSpec => ({ kind: "partition", sides: [side] })),
      fc
        .constantFrom("halves", "ring", "oneWay", "random")
        .map((shape): FaultSpec => ({ kind: "partition", sides: [], shape })),
      fc
        .tuple(pair, fc.integer({ min: 1, max: 10_000 }))
        .map(([ends, delayMs]): FaultSpec => ({ kind: "slow", ...ends, delayMs, jitterMs: 3 })),
      fc.tuple(pair, share).map(([ends, loss]): FaultSpec => ({ kind: "lossy", ...ends, loss })),
      fc
        .tuple(
          pair,
          fc.constantFrom("out", "in"),
          fc.uniqueArray(toxic, { minLength: 1, maxLength: 3, selector: (one) => one.toxic }),
        )
        .map(([ends, direction, toxics]): FaultSpec => ({ kind: "link", ...ends, direction, toxics })),
      fc.tuple(pair, fc.integer({ min: 1, max: 9 }), share).map(
        ([{ a, b }, count, probability]): FaultSpec => ({
          kind: "message",
          match: { types: ["vote"], from: a, to: b, fields: { term: { min: 2 } } },
          action: { action: "drop" },
          count,
          probability,
        }),
      ),
      fc.tuple(agent, ms).map(
        ([whom, delayMs]): FaultSpec => ({
          kind: "message",
          match: { from: whom },
          action: { action: "delay", delayMs: Math.min(delayMs, 60_000) },
        }),
      ),
      fc
        .tuple(agent, fc.constantFrom("failing", "full", "bitRot", "tornTail", "lostSyncs"))
        .map(([whom, trouble]): FaultSpec => ({ kind: "disk", agent: whom, disk: { trouble } })),
      fc
        .tuple(agent, fc.integer({ min: -9000, max: 9000 }))
        .map(([whom, skewMs]): FaultSpec => ({ kind: "clock", agent: whom, skewMs, driftPpm: 500 })),
      agent.map((whom): FaultSpec => ({ kind: "cpu", agent: whom, slowdown: 7 })),
      fc
        .tuple(agent, fc.constantFrom("equivocate", "silent", "doubleVote"))
        .map(([whom, behaviour]): FaultSpec => ({ kind: "byzantine", agent: whom, behaviour })),
    ),
    fc.option(ms, { nil: undefined }),
  )
  .map(([spec, forMs]) => (forMs === undefined ? spec : { ...spec, forMs }));

const trigger: fc.Arbitrary<FaultTrigger> = fc.oneof(
  ms.map((atMs): FaultTrigger => ({ on: "time", atMs })),
  fc.integer({ min: 1, max: 9 }).map((nth): FaultTrigger => ({ on: "event", event: "becameLeader", nth, afterMs: 0 })),
);

const simulated: fc.Arbitrary<SimulatedRun> = fc.record(
  {
    seed: fc.option(fc.nat()),
    forMs: fc.option(ms),
    clients: fc.option(fc.integer({ min: 1, max: 100 })),
    operations: fc.option(fc.nat({ max: 1000 })),
    chaos: fc.option(fc.boolean()),
    members: fc.option(fc.boolean()),
    // With gossip they may be true, too: examples/ has a file of that.
    counters: fc.option(fc.constant(false)),
  },
  { noNullPrototype: true },
);

describe("a mesh written as a file", () => {
  for (const file of readdirSync("examples").filter((name) => name.endsWith(".mesh.yaml")))
    it(`is read as the same mesh: examples/${file}`, () => {
      const { mesh: example } = parseMesh(readFileSync(`examples/${file}`, "utf8"), file);
      assert.deepEqual(readAgain(example as Mesh), example);
    });

  it("is read as the same mesh, whatever its faults and what is said of simulated runs", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ trigger, fault }, { noNullPrototype: true }), { maxLength: 4 }),
        simulated,
        (faults, simulate) => {
          const written = { ...mesh, faults, simulate };
          assert.deepEqual(readAgain(written), written);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is read as the same mesh with another detector, and with times of its own for the usual one", () => {
    const timing = { ...mesh.timing, probeIntervalMs: 1500, probeTimeoutMs: 70, suspicionMultiplier: 2.5 };
    for (const detector of DETECTOR_KINDS)
      assert.deepEqual(readAgain({ ...mesh, detector, timing }), { ...mesh, detector, timing });
    assert.match(meshText({ ...mesh, detector: "heartbeat", timing }), /suspicionMultiplier: 2\.5/);
  });

  it("is read as the same mesh with any topology, whose degree is told where it is not the usual one", () => {
    for (const kind of TOPOLOGY_NAMES) {
      const quick = quickMesh({ name: "m", agents: 12, topology: kind, consensus: "raft" });
      assert.deepEqual(readAgain(quick), quick);
      const { degree } = quick.topology;
      if (degree === undefined) continue;
      const other = { ...quick, topology: { ...quick.topology, degree: degree + 1 } };
      assert.deepEqual(readAgain(other), other);
      assert.match(meshText(other), new RegExp(`^topology: \\{ kind: ${kind}, degree: 5 \\}$`, "m"));
    }
  });

  it("begins with its comment, which is no part of the mesh", () => {
    const text = meshText(mesh, ["what broke", "and when"]);
    assert.match(text, /^# what broke\n# and when\n/);
    assert.deepEqual(parseMesh(text, "m.mesh.yaml").mesh, mesh);
  });
});
