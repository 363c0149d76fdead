import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { AggregationGroup, ROUND_MS } from "../../../bench/aggregation-group.ts";
import { Hulls } from "../../../server/core/aggregation/hulls.ts";
import {
  LEAST_VALUE,
  LINGER_ROUNDS,
  MAX_VALUE,
  maxRounds,
  PATIENCE_ROUNDS,
  PRECISION,
} from "../../../server/core/aggregation/limits.ts";
import { PushSum } from "../../../server/core/aggregation/push-sum.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { problemsOf, wrongWith } from "./truth.ts";

const SEEDS = Array.from({ length: 20 }, (_, at) => String(at));

/** Of all kinds: alike, far apart, below 0. */
function valuesOf(seed: string): (place: number) => number {
  const random = seededRandom(`values ${seed}`);
  const scale = random.pick([1, 1e3, 1e8]);
  return (place) => (random.fork(String(place)).float() - 0.2) * scale;
}

/** What is too near to 0 counts as 0. */
function counted(value: number | null): number | null {
  return value !== null && Math.abs(value) < LEAST_VALUE ? 0 : value;
}

function run(size: number, seed: string, loss = 0): AggregationGroup {
  const group = new AggregationGroup({ size, seed, loss, value: valuesOf(seed), encoded: true });
  group.begin();
  group.runToEnd();
  return group;
}

describe("an aggregate", function () {
  this.timeout(120_000);

  for (const [size, loss] of [
    [1, 0],
    [2, 0.1],
    [5, 0.1],
    [12, 0.3],
    [40, 0.1],
  ] as const)
    it(`of ${size} with a loss of ${loss * 100} % is the same at all, has everybody in it, and is within its error`, () => {
      for (const seed of SEEDS) {
        const { ended } = run(size, seed, loss);
        equal(ended.length, size);
        const [first] = ended;
        for (const { result } of ended) {
          const { rounds, converged } = result;
          ok(rounds <= maxRounds(size) && converged, `seed ${seed}: ${JSON.stringify(result)}`);
          deepEqual({ ...result, rounds: 0 }, { ...first?.result, rounds: 0 });
          equal(wrongWith(result, valuesOf(seed)), undefined, `seed ${seed}`);
          deepEqual([result.count, result.contributors.length], [size, size]);
          ok((result.error as number) <= PRECISION * 1.01 * Math.abs(result.mean as number), "as narrow as aimed at");
        }
      }
    });

  it("takes rounds that grow with the logarithm of how many there are", () => {
    const rounds = (size: number, seeds: readonly string[]): number => {
      const all = seeds.flatMap((seed) => run(size, seed).ended.map(({ result }) => result.rounds));
      return all.sort((a, b) => a - b)[all.length >> 1] as number;
    };
    const [ten, hundred] = [rounds(10, SEEDS), rounds(100, SEEDS.slice(0, 3))];
    ok(hundred < 2 * ten, `${ten} rounds among 10, ${hundred} among 100`);
  });

  it("loses no mass and is never further from the truth than it says, whatever befalls messages and agents", () => {
    const trouble = fc.record({
      place: fc.integer({ min: 1, max: 11 }),
      atRound: fc.integer({ min: 0, max: 60 }),
      noticeMs: fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }),
      backAfterMs: fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
    });
    const given = fc.record({
      size: fc.integer({ min: 1, max: 12 }),
      seed: fc.nat(1e6).map(String),
      loss: fc.double({ min: 0, max: 0.4, noNaN: true }),
      duplication: fc.double({ min: 0, max: 0.3, noNaN: true }),
      values: fc.array(fc.option(fc.double({ min: -1e6, max: 1e9, noNaN: true })), { minLength: 12, maxLength: 12 }),
      troubles: fc.array(trouble, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(given, ({ size, seed, loss, duplication, values, troubles }) => {
        const value = (place: number): number | null => counted(values[place] ?? null);
        const problems = problemsOf({ size, seed, loss, duplication, value, encoded: true }, (group) => {
          for (const { place, atRound, noticeMs, backAfterMs } of troubles) {
            if (place >= size) continue;
            group.after(atRound * ROUND_MS, () => {
              if (!group.isUp(place)) return;
              group.crash(place, noticeMs);
              if (backAfterMs !== undefined) group.after(backAfterMs, () => group.restart(place));
            });
          }
        });
        deepEqual(problems, []);
      }),
      { numRuns: 300 },
    );
  });

  it("goes on without who crashes in the middle, told by a detector or by silence", () => {
    for (const noticeMs of [200, undefined])
      for (const seed of SEEDS) {
        const group = new AggregationGroup({ size: 12, seed, loss: 0.1, value: valuesOf(seed) });
        group.after(3 * ROUND_MS, () => group.crash(7, noticeMs));
        group.begin();
        group.runToEnd();
        equal(group.ended.length, 11);
        for (const { result } of group.ended) {
          deepEqual([result.converged, result.contributors.includes(7), result.count], [true, false, 11], seed);
          equal(wrongWith(result, valuesOf(seed)), undefined, seed);
          const patience = noticeMs === undefined ? PATIENCE_ROUNDS : 0;
          ok(result.rounds >= patience && result.rounds < 90, `${result.rounds} rounds`);
        }
      }
  });

  it("counts nobody twice who comes back", () => {
    for (const seed of SEEDS) {
      const group = new AggregationGroup({ size: 6, seed, value: valuesOf(seed) });
      group.after(4 * ROUND_MS, () => {
        group.crash(3);
        group.restart(3);
      });
      group.begin();
      group.run(200 * ROUND_MS);
      ok(group.ended.length >= 5);
      for (const { result } of group.ended) equal(wrongWith(result, valuesOf(seed)), undefined, seed);
      equal(group.cores[3]?.partIn(0), undefined, "its second life takes no part");
    }
  });

  it("is not asked of those who came later, and not of those known to be gone", () => {
    const group = new AggregationGroup({ size: 6, seed: "joins", value: (place) => place });
    group.begin("load", [5]);
    group.runToEnd(2000);
    equal(group.ended.length, 5);
    for (const { result } of group.ended)
      deepEqual([wrongWith(result, (place) => place), result.contributors], [undefined, [0, 1, 2, 3, 4]]);
  });

  it("of a side that is cut off is that side's, and says who is in it", () => {
    const group = new AggregationGroup({ size: 7, seed: "cut", value: (place) => place });
    group.passes = (from, to) => from < 4 === to < 4;
    group.begin();
    group.runToEnd();
    deepEqual(
      group.ended.map(({ result }) => [result.converged, result.contributors, result.min, result.max, result.mean]),
      [0, 1, 2, 3].map(() => [true, [0, 1, 2, 3], 0, 3, group.ended[0]?.result.mean]),
    );
  });

  it("tells whoever is left out by all others that nothing is certain for it", () => {
    const group = new AggregationGroup({ size: 5, seed: "deaf", value: (place) => place });
    // What 0 says is lost for a while; it hears well.
    group.after(2.5 * ROUND_MS, () => {
      group.passes = (from) => from !== 0;
    });
    group.after((PATIENCE_ROUNDS + 10) * ROUND_MS, () => {
      group.passes = () => true;
    });
    group.begin();
    group.runToEnd();
    const own = group.ended.find(({ place }) => place === 0)?.result;
    deepEqual([own?.converged, own?.error], [false, null]);
    for (const { place, result } of group.ended)
      if (place !== 0) deepEqual([result.converged, result.contributors], [true, [1, 2, 3, 4]]);
  });

  it("ends although nothing comes, and is forgotten", () => {
    const group = new AggregationGroup({ size: 5, seed: "alone", value: () => 3 });
    group.passes = () => false;
    group.begin();
    group.runToEnd();
    const [own] = group.ended;
    deepEqual([own?.result.converged, own?.result.contributors], [true, [0]], "all others owe an answer for too long");
    group.run((LINGER_ROUNDS + 2) * ROUND_MS);
    deepEqual([group.cores[0]?.partIn(0), group.cores[0]?.deadline()], [undefined, Number.POSITIVE_INFINITY]);
  });

  it("of what nobody has is nothing, for certain", () => {
    const group = new AggregationGroup({ size: 4, seed: "none", value: () => null });
    group.begin();
    group.runToEnd();
    for (const { result } of group.ended)
      deepEqual([result.converged, result.count, result.mean, result.contributors.length], [true, 0, null, 4]);
  });

  it("counts what is no number, or too far from 0, as none", () => {
    const values = [1, Number.NaN, Number.POSITIVE_INFINITY, -2 * MAX_VALUE, 3];
    const group = new AggregationGroup({ size: 5, seed: "odd", value: (place) => values[place] as number });
    group.begin();
    group.runToEnd();
    for (const { result } of group.ended)
      deepEqual([result.converged, result.count, result.min, result.max], [true, 2, 1, 3]);
  });

  it("costs each agent two messages a round at most, where nothing is lost", () => {
    const { messages, ended } = run(30, "cost");
    const rounds = ended.reduce((sum, { result }) => sum + result.rounds, 0);
    ok(messages <= 2.2 * rounds, `${messages} messages in ${rounds} rounds`);
  });
});

describe("what looks at aggregates", function () {
  this.timeout(120_000);
  const broken = (proto: object, name: string, replacement: PropertyDescriptor, loss = 0.2): string[] => {
    const original = Object.getOwnPropertyDescriptor(proto, name) as PropertyDescriptor;
    Object.defineProperty(proto, name, { ...original, ...replacement });
    try {
      return SEEDS.flatMap((seed) => problemsOf({ size: 12, seed, loss, duplication: 0.2, value: valuesOf(seed) }));
    } finally {
      Object.defineProperty(proto, name, original);
    }
  };

  it("finds nothing wrong with what is not broken", () => {
    deepEqual(broken(PushSum.prototype, "hasTaken", {}).concat(broken(Hulls.prototype, "took", {})), []);
  });

  it("finds parcels that are taken twice", () => {
    ok(broken(PushSum.prototype, "hasTaken", { value: () => false }).length > 0);
  });

  it("finds mass that is lost with a message", () => {
    const sent = PushSum.prototype.send;
    const forgets = function (this: PushSum, to: number) {
      const parcel = sent.call(this, to);
      if (parcel !== undefined) this.acknowledged(to, parcel.seq);
      return parcel;
    };
    ok(broken(PushSum.prototype, "send", { value: forgets }).length > 0);
  });

  it("finds a bound that forgets what is on its way", () => {
    const found = broken(PushSum.prototype, "underWay", { get: () => 0 }, 0.4);
    ok(
      found.some((problem) => / ± /.test(problem)),
      found.slice(0, 3).join("; "),
    );
  });

  it("finds a bound of some who were heard of", () => {
    const found = broken(Hulls.prototype, "gathered", { get: () => true });
    ok(
      found.some((problem) => / ± |from /.test(problem)),
      found.slice(0, 3).join("; "),
    );
  });
});
