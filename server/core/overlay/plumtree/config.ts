import { MAX_COUNTER } from "./limits.ts";
import type { PlumtreeConfig } from "./types.ts";

/** @throws RangeError naming what makes no sense. */
export function checkPlumtreeConfig({ incarnation, ...config }: PlumtreeConfig): void {
  if (!(Number.isInteger(incarnation) && incarnation > 0 && incarnation < MAX_COUNTER))
    throw new RangeError(`incarnation (${incarnation}) must be a whole number from 1`);
  for (const name of ["missingMs", "againMs", "threshold"] as const)
    if (!(config[name] > 0)) throw new RangeError(`${name} (${config[name]}) must be above 0`);
  if (!(config.gatherMs >= 0)) throw new RangeError(`gatherMs (${config.gatherMs}) must be at least 0`);
  for (const name of ["remembered", "keptBytes"] as const)
    if (!(Number.isInteger(config[name]) && config[name] > 0))
      throw new RangeError(`${name} (${config[name]}) must be a whole number from 1`);
}
