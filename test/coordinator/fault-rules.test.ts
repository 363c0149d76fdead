import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { FaultSpec, HeldEffect } from "../../server/contract/faults.ts";
import { beyondPromise, effectsOf, hitsWay, impossible, isCut } from "../../server/coordinator/fault-rules.ts";
import { seededRandom } from "../../server/core/random.ts";
import { resolveFault } from "../../server/meshfile/faults/resolve.ts";

const AGENTS = ["a1", "a2", "a3", "a4"];
const LINKS = AGENTS.flatMap((a, at) => AGENTS.slice(at + 1).map((b) => ({ a, b })));
const MESH = { agents: AGENTS, links: LINKS };

const resolve = (spec: FaultSpec) => resolveFault(spec, { ...MESH, leader: null }, seededRandom(1));
const held = (spec: FaultSpec, id = "f1") => ({ id, effects: resolve(spec).effects, untilMs: null });
/** Peer, direction, share that is lost, delay in ms. */
const onLink = (agent: string, { effect }: HeldEffect): readonly (string | number)[] => {
  assert.ok(effect.on === "link");
  const { from, to, toxic } = effect;
  const end = from === agent ? [to, "out"] : [from, "in"];
  return [...end, toxic.toxic === "loss" ? toxic.share : 0, toxic.toxic === "latency" ? toxic.delay.ms : 0];
};
const brief = (agent: string, ...faults: ReturnType<typeof held>[]) =>
  effectsOf(agent, faults, MESH)
    .map((effect) => onLink(agent, effect))
    .sort((a, b) => String(a[0]).localeCompare(String(b[0])) || String(b[1]).localeCompare(String(a[1])));

describe("what faults ask of an agent", () => {
  it("cut an isolated agent off at both ends and in both directions", () => {
    const fault = held({ kind: "isolate", agent: "a2" });
    assert.deepEqual(brief("a1", fault), [
      ["a2", "out", 1, 0],
      ["a2", "in", 1, 0],
    ]);
    assert.equal(brief("a2", fault).length, 6);
    assert.deepEqual(brief("a3", fault), [
      ["a2", "out", 1, 0],
      ["a2", "in", 1, 0],
    ]);
  });

  it("of a partition put those that are named on no side together", () => {
    assert.deepEqual(brief("a2", held({ kind: "partition", sides: [["a1"]] })), [
      ["a1", "out", 1, 0],
      ["a1", "in", 1, 0],
    ]);
  });

  it("delay each direction once, at the end that sends", () => {
    const fault = held({ kind: "slow", a: "a1", b: "a2", delayMs: 40, jitterMs: 5 });
    assert.deepEqual(brief("a1", fault), [["a2", "out", 0, 40]]);
    assert.deepEqual(brief("a2", fault), [["a1", "out", 0, 40]]);
    assert.deepEqual(brief("a3", fault), []);
  });

  it("of all links of an agent concern every peer", () => {
    const fault = held({ kind: "lossy", a: "a1", loss: 0.3 });
    assert.deepEqual(brief("a3", fault), [["a1", "out", 0.3, 0]]);
    assert.equal(brief("a1", fault).length, 3);
  });

  it("of crashes and pauses are none", () => {
    assert.deepEqual(brief("a1", held({ kind: "crash", agent: "a1" }), held({ kind: "pause", agent: "a1" })), []);
  });

  it("leave a link that is cut one way open the other way", () => {
    const fault = held({ kind: "link", a: "a1", b: "a2", direction: "out", toxics: [{ toxic: "loss", share: 1 }] });
    assert.deepEqual(brief("a1", fault), [["a2", "out", 1, 0]]);
    assert.deepEqual(brief("a2", fault), [["a1", "in", 1, 0]]);
    assert.equal(isCut("a1", "a2", [fault]), false);
  });

  it("befall one way of a link, the other or both: toxics and message rules, and rules that name nobody all ways", () => {
    const ways = (spec: FaultSpec): string[] =>
      LINKS.flatMap(({ a, b }) => [
        [a, b],
        [b, a],
      ])
        .filter(([from, to]) => hitsWay(from!, to!, held(spec)))
        .map((way) => way.join(">"));
    const drop = { action: "drop" } as const;
    assert.deepEqual(ways({ kind: "lossy", a: "a1", b: "a2", loss: 0.5 }), ["a1>a2", "a2>a1"]);
    assert.deepEqual(
      ways({ kind: "link", a: "a1", b: "a2", direction: "in", toxics: [{ toxic: "corrupt", share: 0.1 }] }),
      ["a2>a1"],
    );
    assert.deepEqual(ways({ kind: "message", match: { from: "a3", to: "a1" }, action: drop }), ["a3>a1"]);
    assert.deepEqual(ways({ kind: "message", match: { to: "a4" }, action: drop }), ["a1>a4", "a2>a4", "a3>a4"]);
    assert.equal(ways({ kind: "message", match: { types: ["vote"] }, action: drop }).length, 2 * LINKS.length);
    assert.deepEqual(ways({ kind: "byzantine", agent: "a1", behaviour: "silent" }), []);
  });

  it("is said of messages to their senders, and of an agent's own troubles to it alone", () => {
    const kinds = (agent: string, spec: FaultSpec) =>
      effectsOf(agent, [held(spec)], MESH).map(({ effect }) => effect.on);
    const told = (spec: FaultSpec) => AGENTS.filter((agent) => kinds(agent, spec).length > 0);
    const action = { action: "drop" } as const;
    assert.deepEqual(told({ kind: "message", match: { types: ["append"] }, action }), AGENTS);
    assert.deepEqual(told({ kind: "message", match: { from: "a3" }, action }), ["a3"]);
    assert.deepEqual(told({ kind: "clock", agent: "a2", skewMs: 50 }), ["a2"]);
    assert.deepEqual(told({ kind: "disk", agent: "a2", disk: { trouble: "slow", delayMs: 5 } }), ["a2"]);
    assert.deepEqual(told({ kind: "cpu", agent: "a4", slowdown: 3 }), ["a4"]);
    assert.deepEqual(told({ kind: "byzantine", agent: "a1", behaviour: "silent" }), ["a1"]);
  });

  it("sees a late close where it is seen, not where it happens", () => {
    const toxics = [{ toxic: "slowClose", delayMs: 50 }] as const;
    const fault = held({ kind: "link", a: "a1", b: "a2", direction: "out", toxics });
    assert.equal(effectsOf("a1", [fault], MESH).length, 0);
    assert.equal(effectsOf("a2", [fault], MESH).length, 1);
  });

  it("does not stand for what would destroy a real disk: that is refused with a sentence", () => {
    for (const trouble of ["bitRot", "tornTail", "lostSyncs"] as const) {
      const { effects } = resolve({ kind: "disk", agent: "a1", disk: { trouble } });
      assert.match(effects.map(impossible).join(), new RegExp(`^${trouble} would destroy .* simulated\\.$`));
    }
    const slow = resolve({ kind: "disk", agent: "a1", disk: { trouble: "slow", delayMs: 5 } });
    assert.deepEqual(slow.effects.map(impossible), [undefined]);
  });

  it("is known for what Raft does not promise to survive", () => {
    const raft = { agents: AGENTS, consensus: "raft" } as const;
    const why = (fault: FaultSpec) => held(fault).effects.map((effect) => beyondPromise(effect, [held(fault)], raft));
    assert.deepEqual(why({ kind: "byzantine", agent: "a1", behaviour: "forge" }), [
      "Raft does not promise to survive this.",
    ]);
    assert.ok(why({ kind: "isolate", agent: "a1" }).every((sentence) => sentence === undefined));
  });

  it("is known for what PBFT does not promise to survive: more liars than a third, each counted once", () => {
    const pbft = { agents: AGENTS, consensus: "pbft" } as const;
    const lie = (agent: string, behaviour: "forge" | "silent" = "forge") =>
      held({ kind: "byzantine", agent, behaviour });
    const why = (...active: ReturnType<typeof held>[]) => beyondPromise(active[0]!.effects[0]!, active, pbft);
    assert.equal(why(lie("a1")), undefined);
    assert.equal(why(lie("a1"), lie("a1", "silent")), undefined);
    assert.match(why(lie("a1"), lie("a2")) ?? "", /^2 liars of 4 agents are more than PBFT survives, which is 1/);
  });

  it("add up over faults, and healing one leaves exactly the others", () => {
    const target = fc.constantFrom(...AGENTS);
    const fault: fc.Arbitrary<FaultSpec> = fc.oneof(
      target.map((agent): FaultSpec => ({ kind: "isolate", agent })),
      fc
        .uniqueArray(target, { minLength: 1, maxLength: 3 })
        .map((side): FaultSpec => ({ kind: "partition", sides: [side] })),
      fc
        .tuple(target, target)
        .filter(([a, b]) => a !== b)
        .map(([a, b]): FaultSpec => ({ kind: "slow", a, b, delayMs: 9 })),
      target.map((a): FaultSpec => ({ kind: "lossy", a, loss: 0.5 })),
    );
    fc.assert(
      fc.property(fc.array(fault, { maxLength: 6 }), (specs) => {
        const faults = specs.map((spec, at) => held(spec, `f${at}`));
        for (const agent of AGENTS) {
          const all = effectsOf(agent, faults, MESH);
          assert.equal(
            all.length,
            faults.reduce((sum, one) => sum + effectsOf(agent, [one], MESH).length, 0),
          );
          for (const healed of faults)
            assert.deepEqual(
              effectsOf(
                agent,
                faults.filter((one) => one !== healed),
                MESH,
              ),
              all.filter(({ id }) => !id.startsWith(`${healed.id}/`)),
            );
        }
        for (const { a, b } of LINKS) {
          const cutAt = (from: string, to: string) =>
            effectsOf(from, faults, MESH).some((one) => {
              const [peer, , share] = onLink(from, one);
              return peer === to && share === 1;
            });
          assert.equal(isCut(a, b, faults), cutAt(a, b));
          assert.equal(cutAt(a, b), cutAt(b, a), "both ends agree");
        }
      }),
    );
  });
});
