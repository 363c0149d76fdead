import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { type Effect, FAULT_KINDS, type FaultSpec } from "../../server/contract/faults.ts";
import type { JournaledFault } from "../../server/coordinator/fault-journal.ts";
import { EMPTY_JOURNAL, readJournal, writeJournal } from "../../server/coordinator/fault-journal.ts";
import { seededRandom } from "../../server/core/random.ts";
import { drawFault } from "../../server/meshfile/faults/chaos.ts";
import { FaultPlan } from "../../server/meshfile/faults/plan.ts";
import { resolveFault } from "../../server/meshfile/faults/resolve.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { TIMING } from "../../server/meshfile/timing.ts";

const AGENTS = ["a1", "a2", "a3", "a4", "a5"];
const LINKS = AGENTS.flatMap((a, at) => AGENTS.slice(at + 1).map((b) => ({ a, b })));
const MESH = { agents: AGENTS, links: LINKS, timing: TIMING.local };
const byKey = (effect: Effect) => JSON.stringify(effect);

function active(spec: FaultSpec, id: string): JournaledFault {
  const { agents, title, effects } = resolveFault(spec, { ...MESH, leader: "a2" }, seededRandom(id));
  return { id, spec, agents, title, effects, sinceMs: 1000, untilMs: null, source: "plan" };
}

describe("the journal of faults", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agent-mesh-journal-"));
    path = join(folder, "faults.json");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is empty where there is none", () => assert.deepEqual(readJournal(path), EMPTY_JOURNAL));

  it("gives back every kind of fault with its effects, as it was", () => {
    const weights = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1]));
    const faults = Array.from({ length: 300 }, (_, seed) => {
      const spec = drawFault(weights, 1000, MESH, seededRandom(seed)) as FaultSpec;
      return active(spec, `f${seed}`);
    });
    assert.equal(new Set(faults.map(({ spec }) => spec.kind)).size, FAULT_KINDS.length);
    writeJournal(path, { nextId: 301, active: faults, plan: null, presets: [] });
    const read = readJournal(path);
    assert.equal(read.nextId, 301);
    for (const [at, fault] of faults.entries()) {
      const { effects, ...rest } = read.active[at] as JournaledFault;
      const { effects: before, ...restBefore } = fault;
      assert.deepEqual(rest, restBefore);
      assert.deepEqual(effects.map(byKey).sort(), before.map(byKey).sort());
    }
  });

  it("stays small where a hundred agents are split", () => {
    const agents = Array.from({ length: 100 }, (_, at) => `a${at + 1}`);
    const { effects, title } = resolveFault(
      { kind: "partition", sides: [], shape: "halves" },
      { agents, links: [], leader: null },
      seededRandom(1),
    );
    const fault = { ...active({ kind: "crash", agent: "a1" }, "f1"), agents, title, effects };
    writeJournal(path, { nextId: 2, active: [fault], plan: null, presets: [] });
    assert.ok(readFileSync(path).length < 60_000, `${readFileSync(path).length} bytes`);
    assert.equal(readJournal(path).active[0]?.effects.length, 5000);
  });

  it("gives back a plan in the middle, as it was", () => {
    const { mesh, diagnostics } = parseMesh(
      `agents: 5
faults:
  - { at: 0s, preset: rollingRestart, every: 50ms }
  - { at: 0s, preset: leaderHunt, hit: pause, for: 1s, times: 4 }
  - { on: becameLeader, nth: 3, after: 10ms, isolate: leader }
  - { at: 1s, every: 10s, times: 3, partition: ring }
  - { at: 0s, preset: flappingLink, a: a1, b: a2 }
  - { at: 0s, preset: greyFailure, whom: leader, for: 1s }
chaos: { every: 100ms, for: 50ms, until: 1m, kinds: { crash: 2, message: 0.5 } }
`,
      "x.mesh.yaml",
    );
    assert.ok(mesh, JSON.stringify(diagnostics));
    const { faults, chaos } = mesh;
    const plan = new FaultPlan(faults, chaos, MESH, seededRandom("s"));
    plan.start(5000);
    plan.due(5120);
    plan.event({ kind: "becameLeader" }, 5120);
    const written = { seed: "s", faults, chaos, state: plan.state };
    writeJournal(path, { nextId: 1, active: [], plan: written, presets: [] });
    assert.deepEqual(readJournal(path).plan, JSON.parse(JSON.stringify(written)));
  });

  it("gives back presets, and the steps that they did", () => {
    const spec = { preset: "leaderHunt", hit: "isolate", everyMs: 0, times: 3 } as const;
    const faults = [{ trigger: { on: "time", atMs: 0 }, fault: spec }] as const;
    const plan = new FaultPlan(faults, null, MESH, seededRandom("s"));
    plan.start(5000);
    plan.due(5000);
    const preset = { id: "p1", spec, title: "Leader hunt", sinceMs: 5000 };
    const presets = [
      { ...preset, plan: { seed: "s", faults, chaos: null, state: plan.state } },
      { ...preset, id: "p2", plan: null },
    ];
    const step = { ...active({ kind: "isolate", agent: "leader" }, "f3"), preset: "p1" };
    writeJournal(path, { nextId: 4, active: [step], plan: null, presets });
    const read = readJournal(path);
    assert.deepEqual(read.presets, JSON.parse(JSON.stringify(presets)));
    assert.equal(read.active[0]?.preset, "p1");
  });

  for (const [what, damage] of [
    ["a kind that is none", { active: [{ ...active({ kind: "crash", agent: "a1" }, "f1"), spec: { kind: "flood" } }] }],
    [
      "an effect that is none",
      { active: [{ ...active({ kind: "crash", agent: "a1" }, "f1"), effects: [{ on: "mars" }] }] },
    ],
    ["a plan of nothing", { plan: {} }],
    [
      "a preset that is none",
      { presets: [{ id: "p1", spec: { preset: "flood" }, title: "", sinceMs: 0, plan: null }] },
    ],
  ] as const)
    it(`is refused with a sentence that names the file: ${what}`, () => {
      writeFileSync(path, JSON.stringify({ nextId: 1, active: [], plan: null, presets: [], ...damage }));
      assert.throws(() => readJournal(path), /faults\.json cannot be used: faults\./);
    });
});
