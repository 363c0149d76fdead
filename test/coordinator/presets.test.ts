import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { PresetSpec } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { Ground, untilView } from "./ground.ts";

const refusal = (sentence: RegExp) => (error: unknown) =>
  error instanceof Refusal && error.reason === "refused" && sentence.test(error.message);

describe("a preset that a person asks for", function () {
  this.timeout(30_000);
  let ground: Ground;
  let coordinator: Coordinator;
  let swarm: string;
  let before: SwarmView;

  beforeEach(async () => {
    ground = new Ground();
    coordinator = ground.coordinator();
    before = await ground.quick(coordinator, 3);
    swarm = before.id;
  });
  afterEach(() => ground.end());

  const inject = (preset: PresetSpec) => coordinator.handle("injectPreset", { swarm, preset });
  const shows = (what: string, shown: (view: SwarmView) => boolean) => untilView(coordinator, swarm, what, shown);
  const parse = (text: string) => coordinator.handle("parseFault", { swarm, text });

  it("is listed while its steps follow one another, and forgotten when the last one has healed", async () => {
    const preset = await inject({ preset: "rollingPartition", everyMs: 1000, forMs: 800 });
    assert.equal(preset.title, "Rolling partition: every 1s, for 800ms");
    assert.deepEqual((await coordinator.handle("swarm", { swarm })).presets, [preset]);
    const hit = new Set<string>();
    await shows("each agent cut off in its turn", ({ faults }) => {
      for (const { spec, preset: of } of faults) {
        assert.equal(of, preset.id);
        if (spec.kind === "partition") hit.add(spec.sides.flat().join());
      }
      return hit.size === 3;
    });
    const after = await shows("its end", ({ presets }) => presets === undefined);
    assert.deepEqual(after.faults, []);
  });

  it("stops when it is healed, and what it did is healed with it", async () => {
    const { id } = await inject({ preset: "flappingLink", link: { a: "a1", b: "a2" }, everyMs: 60_000, forMs: 60_000 });
    const view = await shows("its first step", ({ faults }) => faults.length === 1);
    const { healed } = await coordinator.handle("healFault", { swarm, fault: id });
    assert.deepEqual(healed, [id, view.faults[0]?.id]);
    const after = await coordinator.handle("swarm", { swarm });
    assert.deepEqual([after.faults, after.presets], [[], undefined]);
    await assert.rejects(coordinator.handle("healFault", { swarm, fault: id }), refusal(/no active fault p/));
  });

  it("ends with all that is healed, also one that has no end of its own", async () => {
    const { id } = await inject({ preset: "leaderHunt", hit: "isolate", everyMs: 0, forMs: 60_000 });
    const hunted = await shows("two leaders hit", ({ faults }) => faults.length >= 2);
    const { healed } = await coordinator.handle("healAll", { swarm });
    assert.ok(healed.includes(id) && hunted.faults.every((fault) => healed.includes(fault.id)), healed.join());
    await shows("all well", ({ health, faults, presets }) => health.level === "ok" && faults.length === 0 && !presets);
  });

  it("goes on under the next coordinator", async () => {
    const { id } = await inject({ preset: "flappingLink", everyMs: 600, forMs: 500 });
    await shows("its first step", ({ faults }) => faults.length > 0);
    await coordinator.release();
    coordinator = ground.coordinator();
    await coordinator.adopt([ground.folder]);
    const seen = new Set<string>();
    await shows("steps anew", ({ faults, presets }) => {
      assert.equal(presets?.[0]?.id, id);
      for (const fault of faults) seen.add(fault.id);
      return seen.size >= 2;
    });
    await coordinator.handle("healFault", { swarm, fault: id });
    await shows("no fault", ({ faults, presets }) => faults.length === 0 && presets === undefined);
  });

  it("is refused at once where it makes no sense", async () => {
    await assert.rejects(inject({ preset: "rollingRestart", whom: "a9" }), refusal(/There is no agent a9/));
    await assert.rejects(inject({ preset: "flappingLink", link: { a: "a1", b: "a1" } }), refusal(/./));
    await assert.rejects(inject({ preset: "greyFailure", everyMs: 1 }), refusal(/everyMs/));
    assert.equal((await coordinator.handle("swarm", { swarm })).presets, undefined);
  });

  it("is read from a line, like any fault, for the agents there are; what a real machine cannot do is told", async () => {
    assert.deepEqual((await parse("preset: leaderHunt, times: 2")).preset, { preset: "leaderHunt", times: 2 });
    assert.deepEqual((await parse("crash: a3")).fault, { kind: "crash", agent: "a3" });
    const { fault, diagnostics } = await parse("for: 2s, crash: a9");
    assert.equal(fault, null);
    assert.deepEqual(
      diagnostics.map(({ code, column, endColumn }) => [code, column, endColumn]),
      [["unknownAgent", 17, 19]],
    );
    const rotten = await parse("disk: { agent: a1, trouble: bitRot }");
    assert.equal(rotten.fault, null);
    assert.match(rotten.diagnostics[0]?.message ?? "", /bitRot would destroy .* `agent-mesh simulate` can do it/);
    assert.deepEqual((await coordinator.handle("swarm", { swarm })).faults, []);
  });
});
