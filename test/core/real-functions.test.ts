import { equal, ok, throws } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "mocha";
import { seededRandom } from "../../server/core/random.ts";
import { cosineOfTurns, exponential, logarithm, power } from "../../server/core/real-functions.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const DRAWS = 50_000;

/** What engines may compute as they like. sqrt, abs, floor and the like are exact everywhere. */
const INEXACT = /\bMath\.(exp|expm1|log|log1p|log2|log10|pow|cbrt|hypot|a?(?:sin|cos|tan)h?|atan2|random)\b/;
/** A power of two by whole numbers is exact; any other power is as Math.pow. */
const POWER = /(?<!\/)\*\*(?!\/|\*)/;
const POWER_OF_TWO = /\b2 \*\* -?\d/;

const code = (line: string): string => line.replace(/^\s*(\/\*\*|\*|\/\/).*/, "").replace(/\/\*\*.*\*\//, "");
const dependsOnEngine = (line: string): boolean => {
  const text = code(line);
  return INEXACT.test(text) || (POWER.test(text) && !POWER_OF_TWO.test(text));
};

function furthest(close: (draw: number) => number): number {
  const random = seededRandom("accuracy");
  let worst = 0;
  for (let count = 0; count < DRAWS; count++) worst = Math.max(worst, close(random.float()));
  return worst;
}

const relative = (value: number, right: number): number =>
  Math.abs(value - right) / (right === 0 ? 1 : Math.abs(right));

describe("real functions", () => {
  it("agree with those of this engine to 13 digits", () => {
    ok(furthest((draw) => relative(exponential(1400 * (draw - 0.5)), Math.exp(1400 * (draw - 0.5)))) < 1e-13, "exp");
    ok(
      furthest((draw) => relative(logarithm(Math.exp(1400 * (draw - 0.5))), Math.log(Math.exp(1400 * (draw - 0.5))))) <
        1e-13,
      "log",
    );
    ok(furthest((draw) => relative(logarithm(0.99 + draw / 50), Math.log(0.99 + draw / 50))) < 1e-13, "log near 1");
    ok(
      furthest((draw) => Math.abs(cosineOfTurns(8 * (draw - 0.5)) - Math.cos(16 * Math.PI * (draw - 0.5)))) < 1e-13,
      "cos",
    );
    ok(furthest((draw) => relative(power(draw + 1e-9, 3 * draw), (draw + 1e-9) ** (3 * draw))) < 1e-12, "power");
  });

  it("are exact where the answer is", () => {
    equal(exponential(0), 1);
    equal(logarithm(1), 0);
    equal(cosineOfTurns(0), 1);
    equal(cosineOfTurns(0.5), -1);
    equal(cosineOfTurns(0.25), -0);
    equal(exponential(800), Number.POSITIVE_INFINITY);
    equal(exponential(-800), 0);
  });

  it("refuse a logarithm of nothing", () => {
    for (const x of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) throws(() => logarithm(x), RangeError);
  });

  it("are the only ones that cores, agents and the simulated world use", () => {
    for (const line of ["x = Math.log(2);", "return a ** 2;", "y = Math.random();"]) ok(dependsOnEngine(line), line);
    for (const line of ["const a = 2 ** 31;", "  /** ** */", " * a ** b", "Math.sqrt(2)"])
      ok(!dependsOnEngine(line), line);
    const found = ["server/core", "server/agent", "server/sim", "server/meshfile"].flatMap((area) =>
      readdirSync(join(root, area), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".ts"))
        .flatMap((path) =>
          readFileSync(join(root, area, path), "utf8")
            .split("\n")
            .flatMap((line, at) => (dependsOnEngine(line) ? [`${area}/${path}:${at + 1}: ${line.trim()}`] : [])),
        ),
    );
    equal(found.join("\n"), "");
  });
});
