import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { FaultSpec } from "../../server/contract/faults.ts";
import { impossible, isCut, rulesOf } from "../../server/coordinator/fault-rules.ts";
import { seededRandom } from "../../server/core/random.ts";
import { resolveFault } from "../../server/meshfile/faults/resolve.ts";

const AGENTS = ["a1", "a2", "a3", "a4"];
const LINKS = AGENTS.flatMap((a, at) => AGENTS.slice(at + 1).map((b) => ({ a, b })));
const MESH = { agents: AGENTS, links: LINKS };

const resolve = (spec: FaultSpec) => resolveFault(spec, { ...MESH, leader: null }, seededRandom(1));
const held = (spec: FaultSpec, id = "f1") => ({ id, effects: resolve(spec).effects, untilMs: null });
const brief = (agent: string, ...faults: ReturnType<typeof held>[]) =>
  rulesOf(agent, faults, MESH).map(({ peer, direction, drop, delayMs }) => [peer, direction, drop, delayMs]);

describe("the rules that faults put on links", () => {
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

  it("do not stand for what agents cannot do: that is refused with a sentence", () => {
    const { effects } = resolve({ kind: "cpu", agent: "a1", slowdown: 3 });
    assert.deepEqual(effects.map(impossible), ["A cpu fault is not yet possible in a running swarm."]);
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
          const all = rulesOf(agent, faults, MESH);
          assert.equal(
            all.length,
            faults.reduce((sum, one) => sum + rulesOf(agent, [one], MESH).length, 0),
          );
          for (const healed of faults)
            assert.deepEqual(
              rulesOf(
                agent,
                faults.filter((one) => one !== healed),
                MESH,
              ),
              all.filter(({ faultId }) => faultId !== healed.id),
            );
        }
        for (const { a, b } of LINKS) {
          const cutAt = (from: string, to: string) =>
            rulesOf(from, faults, MESH).some((rule) => rule.peer === to && rule.drop === 1);
          assert.equal(isCut(a, b, faults), cutAt(a, b));
          assert.equal(cutAt(a, b), cutAt(b, a), "both ends agree");
        }
      }),
    );
  });
});
