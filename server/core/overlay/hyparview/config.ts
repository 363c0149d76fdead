import { MAX_ACTIVE, MAX_PASSIVE, MAX_SHUFFLED, MAX_WALK } from "./limits.ts";
import type { HyParViewConfig } from "./types.ts";

/** @throws RangeError naming what makes no sense. */
export function checkHyParViewConfig(config: HyParViewConfig): void {
  const whole = (name: keyof HyParViewConfig, least: number, most: number) => {
    const value = config[name] as number;
    if (!(Number.isInteger(value) && value >= least && value <= most))
      throw new RangeError(`${name} (${value}) must be a whole number from ${least} to ${most}`);
  };
  whole("activeSize", 1, MAX_ACTIVE);
  whole("activeLeast", 1, config.activeSize);
  whole("passiveSize", 1, MAX_PASSIVE);
  whole("activeWalk", 0, MAX_WALK);
  whole("passiveWalk", 0, config.activeWalk);
  whole("shuffleWalk", 1, MAX_WALK);
  whole("shuffleActive", 0, MAX_SHUFFLED - 1);
  whole("shufflePassive", 0, MAX_SHUFFLED - 1 - config.shuffleActive);
  if (!(config.shuffleIntervalMs > 0 && config.answerMs > 0))
    throw new RangeError("shuffleIntervalMs and answerMs must be above 0");
}
