import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { GROUP_TARGETS } from "../../../server/contract/faults.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { type FaultGround, resolveTarget } from "../../../server/meshfile/faults/targets.ts";

const ground = (count: number, more: Partial<FaultGround> = {}): FaultGround => ({
  agents: Array.from({ length: count }, (_, at) => `a${at + 1}`),
  links: [],
  leader: null,
  ...more,
});

describe("whom a fault hits", () => {
  for (const [target, ...sizes] of [
    // Of 1, 2, 3, 4, 5, 7 and 12 agents; 0: refused.
    ["one", 1, 1, 1, 1, 1, 1, 1],
    ["minority", 0, 0, 1, 1, 2, 3, 5],
    ["minorityThird", 0, 0, 0, 1, 1, 2, 3],
    ["majority", 1, 2, 2, 3, 3, 4, 7],
    ["everyone", 1, 2, 3, 4, 5, 7, 12],
  ] as const)
    it(`${target}: as many of 1, 2, 3, 4, 5, 7 and 12 agents as Jepsen takes`, () => {
      for (const [at, count] of [1, 2, 3, 4, 5, 7, 12].entries()) {
        const hit = () => resolveTarget(target, ground(count), seededRandom(count)).length;
        if (sizes[at] === 0) assert.throws(hit, { reason: "tooFew" });
        else assert.equal(hit(), sizes[at], `of ${count}`);
      }
    });

  it("is the agent that is named, or who leads now", () => {
    const random = seededRandom(1);
    assert.deepEqual(resolveTarget("a2", ground(3), random), ["a2"]);
    assert.deepEqual(resolveTarget("leader", ground(3, { leader: "a3" }), random), ["a3"]);
  });

  it("is all that live of a zone, and a sentence where there is no such zone", () => {
    const random = seededRandom(1);
    const zones = new Map([["a1", "eu"], ["a2", "us"], ["a3", "eu"]]); // biome-ignore format: one mesh
    assert.deepEqual(resolveTarget("zone:eu", ground(3, { zones }), random), ["a1", "a3"]);
    assert.deepEqual(resolveTarget("zone:eu", ground(3, { zones, alive: ["a2", "a3"] }), random), ["a3"]);
    assert.throws(() => resolveTarget("zone:mars", ground(3, { zones }), random), {
      reason: "unknownAgent",
      message: 'There is no zone "mars". The zones are eu, us.',
    });
  });

  it("is nobody when the name is unknown or nobody leads: a sentence says so", () => {
    const random = seededRandom(1);
    assert.throws(() => resolveTarget("a9", ground(2), random), {
      reason: "unknownAgent",
      message: "There is no agent a9. The agents are a1, a2.",
    });
    assert.throws(() => resolveTarget("leader", ground(2), random), {
      reason: "noLeader",
      message: "There is no leader now. Wait for the election to end, or name an agent.",
    });
  });

  it("is drawn from those alive, and from all where none is", () => {
    const one = (alive: string[]) => resolveTarget("one", ground(5, { alive }), seededRandom(3));
    assert.deepEqual(one(["a4"]), ["a4"]);
    assert.equal(one([]).length, 1);
    assert.deepEqual(resolveTarget("everyone", ground(3, { alive: ["a1", "a3"] }), seededRandom(1)), ["a1", "a3"]);
  });

  it("of a minority or a majority are only those that vote; one and everyone are of all", () => {
    // Of 7 agents two joined and do not vote yet, and one that votes is down.
    const voters = ["a1", "a2", "a3", "a4", "a5"];
    const mesh = ground(7, { voters, alive: ["a2", "a3", "a4", "a5", "a6", "a7"] });
    for (let seed = 0; seed < 50; seed++) {
      const hit = (target: string) => resolveTarget(target, mesh, seededRandom(seed));
      for (const [target, size] of [
        ["minority", 2],
        ["majority", 3],
        ["minorityThird", 1],
      ] as const) {
        assert.equal(hit(target).length, size, target);
        assert.ok(
          hit(target).every((agent) => voters.includes(agent) && agent !== "a1"),
          `${target}: ${hit(target)}`,
        );
      }
      assert.equal(hit("everyone").length, 6);
    }
    const ones = Array.from({ length: 50 }, (_, seed) => resolveTarget("one", mesh, seededRandom(seed))[0]);
    assert.ok(ones.includes("a6") && ones.includes("a7"));
    assert.throws(() => resolveTarget("minority", { ...mesh, voters: ["a1", "a2"] }, seededRandom(1)), {
      message: "There is no minority of 2 voters.",
    });
    assert.equal(
      resolveTarget("majority", ground(3, { voters: [] }), seededRandom(1)).length,
      2,
      "nobody tells: of all",
    );
  });

  it("is in roster order, without repeats; the same seed draws the same, and seeds differ", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...GROUP_TARGETS),
        fc.integer({ min: 4, max: 20 }),
        fc.nat(),
        (target, count, seed) => {
          const mesh = ground(count, { leader: "a2" });
          const hit = resolveTarget(target, mesh, seededRandom(seed));
          assert.deepEqual(
            hit,
            mesh.agents.filter((agent) => hit.includes(agent)),
          );
          assert.deepEqual(resolveTarget(target, mesh, seededRandom(seed)), hit);
        },
      ),
    );
    const draws = (target: string) =>
      new Set(Array.from({ length: 50 }, (_, seed) => resolveTarget(target, ground(5), seededRandom(seed)).join()));
    assert.equal(draws("one").size, 5);
    assert.equal(draws("minority").size, 10, "every pair of five");
    assert.equal(draws("majority").size, 10);
  });
});
