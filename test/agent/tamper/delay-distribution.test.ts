import { equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { drawDelayMs, LONGEST_DELAY_MS } from "../../../server/agent/tamper/delay-distribution.ts";
import type { DelayDistribution } from "../../../server/contract/faults.ts";
import { seededRandom } from "../../../server/core/random.ts";

const COUNT = 200_000;
const drawn = (delay: DelayDistribution) => {
  const random = seededRandom("delays");
  return Float64Array.from({ length: COUNT }, () => drawDelayMs(delay, random)).sort();
};
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: Float64Array) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};
const near = (value: number, wanted: number, share = 0.02) =>
  ok(Math.abs(value - wanted) <= wanted * share, `${value} is not near ${wanted}`);

describe("delay distributions", () => {
  it("constant: always the same", () => {
    const values = drawn({ shape: "constant", ms: 40, spread: 7 });
    equal(values[0], 40);
    equal(values.at(-1), 40);
  });

  it("uniform: from the mean by half the width to both sides", () => {
    const values = drawn({ shape: "uniform", ms: 40, spread: 10 });
    ok((values[0] as number) >= 30 && (values.at(-1) as number) <= 50);
    near(mean(values), 40);
    near(deviation(values), 10 / Math.sqrt(3));
    equal(drawn({ shape: "uniform", ms: 40 })[0], 40);
  });

  it("normal: mean and standard deviation; never negative", () => {
    const values = drawn({ shape: "normal", ms: 40, spread: 8 });
    near(mean(values), 40);
    near(deviation(values), 8);
    near(deviation(drawn({ shape: "normal", ms: 40 })), 10);
    equal(drawn({ shape: "normal", ms: 1, spread: 50 })[0], 0);
  });

  it("logNormal: median, and the mean that follows from sigma", () => {
    const values = drawn({ shape: "logNormal", ms: 40, spread: 0.6 });
    near(values[COUNT / 2] as number, 40);
    near(mean(values), 40 * Math.exp(0.6 ** 2 / 2));
  });

  it("pareto: at least the least, and the mean that follows from the exponent; the heaviest tail ends", () => {
    const values = drawn({ shape: "pareto", ms: 40, spread: 3 });
    ok((values[0] as number) >= 40);
    near(mean(values), (3 * 40) / 2);
    near(values[COUNT / 2] as number, 40 * 2 ** (1 / 3));
    ok((drawn({ shape: "pareto", ms: 40, spread: 0.1 }).at(-1) as number) <= LONGEST_DELAY_MS);
  });
});
