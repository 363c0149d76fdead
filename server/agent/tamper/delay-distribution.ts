import type { DelayDistribution } from "../../contract/faults.ts";
import type { Random } from "../../core/random.ts";
import { cosineOfTurns, exponential, logarithm, power } from "../../core/real-functions.ts";

/** Heavy tails end here: ten minutes, the longest that a fault may ask for. */
export const LONGEST_DELAY_MS = 600_000;
/** Where a heavy tail is not told how heavy. An exponent of 3 has a mean (half as much again as the least) and a variance. */
const PARETO_ALPHA = 3;
const LOG_NORMAL_SIGMA = 0.5;

/**
 * Draws from [0, LONGEST_DELAY_MS]. Without a `spread`: constant for uniform, a quarter of the mean for normal, 0.5 for logNormal, 3 for pareto. A normal
 * that would be negative is 0.
 */
export function drawDelayMs({ shape, ms, spread }: DelayDistribution, random: Random): number {
  switch (shape) {
    case "constant":
      return ms;
    case "uniform":
      return bounded(ms + (2 * random.float() - 1) * (spread ?? 0));
    case "normal":
      return bounded(ms + standardNormal(random) * (spread ?? ms / 4));
    case "logNormal":
      return bounded(ms * exponential(standardNormal(random) * (spread ?? LOG_NORMAL_SIGMA)));
    case "pareto":
      return bounded(ms / power(1 - random.float(), 1 / (spread ?? PARETO_ALPHA)));
  }
}

/** Box and Muller, 1958. */
function standardNormal(random: Random): number {
  return Math.sqrt(-2 * logarithm(1 - random.float())) * cosineOfTurns(random.float());
}

function bounded(ms: number): number {
  return Math.min(LONGEST_DELAY_MS, Math.max(0, ms));
}
