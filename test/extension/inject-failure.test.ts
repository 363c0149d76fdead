import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Asker, Choice, Separator } from "../../extension/commands/asking.ts";
import { faultMenu, promiseOf, type Wanted } from "../../extension/commands/fault-menu.ts";
import { askFault, type Plot } from "../../extension/commands/fault-questions.ts";
import { targetOf } from "../../extension/commands/fault-target.ts";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import { FAULT_KINDS, FAULT_PRESETS, type FaultSpec, PARTITION_SHAPES } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import { impossibleFault } from "../../server/coordinator/fault-rules.ts";
import { checkedParams } from "../../server/coordinator/requests.ts";
import { writtenFault } from "../../server/coordinator/written-fault.ts";
import { seededRandom } from "../../server/core/random.ts";
import { TOXIC_KEYS } from "../../server/meshfile/fault-syntax/keys.ts";
import { presetRun } from "../../server/meshfile/faults/presets.ts";
import { resolveFault } from "../../server/meshfile/faults/resolve.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { makeSwarm } from "../webview/harness/swarm-data.ts";
import { Scripted } from "./harness/scripted.ts";

const SWARM = makeSwarm({ agents: 5 });
const MESH = { agents: SWARM.agents.map(({ id }) => id), links: SWARM.links, consensus: SWARM.consensus };
const parse = async (text: string) => writtenFault(text, MESH);

const ask = (asker: Asker, target: Partial<InjectTarget> = {}) => askFault(asker, SWARM, target, parse);
const faultOf = (plot: Plot | undefined): FaultSpec | undefined => plot?.faults[0];

/** As a running swarm takes it: in shape, in range, possible, and somebody is hit. */
function accepted(plot: Plot): void {
  const ground = { ...MESH, leader: "a2", alive: MESH.agents };
  for (const fault of plot.faults) {
    checkedParams("injectFault", { swarm: "s", fault });
    assert.equal(impossibleFault(fault), undefined);
    assert.ok(resolveFault(fault, ground, seededRandom(1)).effects.length > 0);
  }
  if (plot.preset === undefined) {
    assert.ok(plot.faults.length > 0);
    return;
  }
  checkedParams("injectPreset", { swarm: "s", preset: plot.preset });
  const steps = presetRun(plot.preset, { ...MESH, timing: TIMING.local }, seededRandom(1)).step(0);
  assert.ok(steps.length > 0);
  for (const { fault } of steps) resolveFault(fault, ground, seededRandom(1));
}

const entries = (target: Partial<InjectTarget>): readonly Choice<Wanted>[] =>
  faultMenu(SWARM, target).filter((choice) => "label" in choice);

describe("Inject Failure", () => {
  it("offers all that a running swarm can do, the simple things first", () => {
    const offered = entries({}).map(({ value }) => value);
    assert.deepEqual(
      offered.slice(0, 6).map(({ what }) => what),
      ["crash", "pause", "isolate", "partition", "slow", "lossy"],
    );
    const toxics = offered.flatMap((one) => (one.what === "toxic" ? [one.toxic] : []));
    assert.deepEqual(toxics.sort(), TOXIC_KEYS.map(({ key }) => key).sort());
    const lies = offered.flatMap((one) => (one.what === "byzantine" ? [one.behaviour] : []));
    assert.deepEqual(lies.sort(), [...CONSENSUS.raft.behaviours].sort());
    const presets = offered.flatMap((one) => (one.what === "preset" ? [one.preset] : []));
    assert.deepEqual(presets.sort(), [...FAULT_PRESETS].sort());
    const troubles = offered.flatMap((one) => (one.what === "disk" ? [one.trouble] : []));
    assert.deepEqual(troubles, ["slow", "failing", "full"]);
  });

  it("comes to a fault of every kind, each as the coordinator takes it", async () => {
    const kinds = new Set<string>();
    for (const { label, value } of entries({})) {
      if (value.what === "words") continue;
      const plot = await ask(new Scripted([new RegExp(`^${label.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")}$`)]));
      assert.ok(plot, label);
      accepted(plot);
      for (const { kind } of plot.faults) kinds.add(kind);
    }
    assert.deepEqual([...kinds].sort(), [...FAULT_KINDS].sort());
  });

  it("never comes to what the coordinator refuses, whatever is picked and on whatever it is opened", async () => {
    const targets: readonly Partial<InjectTarget>[] = [
      {},
      { agent: "a3" },
      { a: "a1", b: "a4" },
      { message: { type: "vote", from: "a1", to: "a2" } },
      { message: { from: "a1", to: "a2", bothWays: true } },
      { message: { from: "a1", to: "a2", action: "duplicate" } },
    ];
    const picks = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...targets), picks, async (target, numbers) => {
        const left = [...numbers];
        const random: Asker = {
          async pick<T>(_: string, choices: readonly (Choice<T> | Separator)[]) {
            const real = choices.filter((choice) => "label" in choice);
            return real[(left.shift() ?? 0) % real.length]?.value;
          },
          pickMany: async (_, choices) => choices.slice(0, 1 + ((left.shift() ?? 0) % 4)).map(({ value }) => value),
          text: async ({ value, check, placeholder = "" }) => {
            const typed = value === "" ? placeholder : value;
            assert.equal(await check(typed), undefined, typed);
            return typed;
          },
        };
        const plot = await ask(random, target);
        assert.ok(plot);
        accepted(plot);
      }),
      { numRuns: 500 },
    );
  });

  it("says with every liar that Raft does not promise to survive it", async () => {
    for (const { value, detail } of entries({}))
      if (value.what === "byzantine") assert.ok(detail?.endsWith("Raft does not promise to survive this."), detail);
    const asker = new Scripted([/Vote twice/, /^a3$/, /Until healed/]);
    assert.deepEqual(faultOf(await ask(asker)), { kind: "byzantine", agent: "a3", behaviour: "doubleVote" });
    assert.ok(asker.titles.at(-1)?.endsWith("Raft does not promise to survive this."), asker.titles.join("; "));
  });

  it("says with every liar of a PBFT swarm how many it survives, and offers that swarm's own messages", async () => {
    const health = { ...SWARM.health, faultsTolerated: 1 };
    const swarm: SwarmView = { ...SWARM, consensus: "pbft", health };
    assert.equal(promiseOf(swarm), "PBFT survives 1 such agent of 5, and promises nothing with more.");
    const menu = faultMenu(swarm, {}).filter((choice) => "label" in choice);
    for (const { value, detail } of menu)
      if (value.what === "byzantine") assert.ok(detail?.endsWith(promiseOf(swarm)), detail);
    const asker = new Scripted([/Drop/, /three phases/]);
    const plot = await askFault(asker, swarm, {}, parse);
    const fault = plot?.faults[0];
    assert.ok(fault?.kind === "message");
    assert.deepEqual(fault.match.types, ["prePrepare", "prepare", "commit"]);
  });

  it("asks of a message that was pointed at only what is not known, and takes it both ways", async () => {
    const asker = new Scripted([/^a1 → a2$/, /^The first 2$/], ["100"]);
    const message = { type: "append", from: "a1", to: "a2", action: "drop" } as const;
    assert.deepEqual((await ask(asker, { message }))?.faults, [
      { kind: "message", match: { types: ["append"], from: "a1", to: "a2" }, action: { action: "drop" }, count: 2 },
    ]);
    assert.deepEqual(asker.titles, [
      "Inject Failure: which messages of type append?",
      "Inject Failure: how many of them, of each sender?",
      "With which probability, for each of them, in %",
      "Inject Failure: for how long?",
    ]);
    const both = await ask(new Scripted([/^Every type$/, /^All of them$/, /^10 seconds$/], ["1"]), {
      message: { from: "a1", to: "a2", action: "corrupt", bothWays: true },
    });
    const rule = { kind: "message", action: { action: "corrupt" }, probability: 0.01, forMs: 10_000 };
    assert.deepEqual(both?.faults, [
      { ...rule, match: { from: "a1", to: "a2" } },
      { ...rule, match: { from: "a2", to: "a1" } },
    ]);
  });

  it("takes a direction of a link", async () => {
    const asker = new Scripted([/Narrow bandwidth/, /^a4 → a1$/, /^3 seconds$/], ["none", "0", "500"]);
    assert.deepEqual(faultOf(await ask(asker, { a: "a1", b: "a4" })), {
      kind: "link",
      a: "a1",
      b: "a4",
      direction: "in",
      toxics: [{ toxic: "bandwidth", bytesPerSecond: 500 }],
      forMs: 3000,
    });
    assert.equal(asker.refused.length, 2);
  });

  it("offers zones where there are some, to be hit as a whole or to stand on one side", async () => {
    const swarm = makeSwarm({ agents: 6, zones: ["eu", "us", "asia"] });
    const crash = await askFault(new Scripted([/Crash/, /Zone us/]), swarm, {}, parse);
    assert.deepEqual(crash?.faults, [{ kind: "crash", agent: "zone:us" }]);
    const sides = await askFault(new Scripted([/^.*Partition/]), swarm, {}, parse);
    assert.deepEqual(sides?.faults, [
      {
        kind: "partition",
        sides: [
          ["a1", "a2", "a3", "a4"],
          ["a5", "a6"],
        ],
      },
    ]);
    const without = await ask(new Scripted([/Crash/, /Zone/]));
    assert.deepEqual(without?.faults, [{ kind: "crash", agent: "leader" }], "the first of a list without zones");
  });

  it("draws every shape of a partition", async () => {
    const labels = [/^Halves/, /^Majority/, /^One from/, /^Bridge/, /^Ring/, /^One way/, /^Random/];
    const shapes = await Promise.all(
      labels.map(async (label) => faultOf(await ask(new Scripted([/Drawn partition/, label])))),
    );
    assert.deepEqual(
      shapes.map((fault) => fault?.kind === "partition" && fault.shape).sort(),
      [...PARTITION_SHAPES].sort(),
    );
  });

  it("takes words as a mesh file has them, and says where they are wrong while they are typed", async () => {
    const asker = new Scripted(
      [/In words/],
      ["crash: a9", "disk: { agent: a1, trouble: bitRot }", "crash: a4, for: 2s"],
    );
    assert.deepEqual(await ask(asker), { faults: [{ kind: "crash", agent: "a4", forMs: 2000 }] });
    assert.match(asker.refused[0] ?? "", /^At column 8: crash: there is no agent "a9"/);
    assert.match(asker.refused[1] ?? "", /bitRot would destroy/);
    assert.deepEqual(await ask(new Scripted([/In words/], ["preset: leaderHunt, times: 2"])), {
      faults: [],
      preset: { preset: "leaderHunt", times: 2 },
    });
  });

  it("asks nothing more once a person gives up", async () => {
    let asked = 0;
    const gone = async (): Promise<undefined> => {
      asked++;
    };
    assert.equal(await ask({ pick: gone, pickMany: gone, text: gone }), undefined);
    assert.equal(asked, 1);
  });

  it("believes of what a page says only what has the right shape", () => {
    assert.deepEqual(
      targetOf({ webviewSection: "message", swarm: "s", message: { type: "vote", from: "a1", to: "a2" } }),
      {
        swarm: "s",
        message: { type: "vote", from: "a1", to: "a2" },
      },
    );
    const strange = { type: "flood", from: "a1", to: "a2", action: "melt", bothWays: "yes" };
    assert.deepEqual(targetOf({ agent: 3, a: "", message: strange }), { message: { from: "a1", to: "a2" } });
    assert.deepEqual(targetOf({ b: "x".repeat(201), message: { type: "vote", from: "a1" } }), {});
    for (const nothing of [undefined, null, 7, "a1"]) assert.deepEqual(targetOf(nothing), {});
  });
});
