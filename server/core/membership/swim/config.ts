import { checkMembers } from "../roll.ts";
import type { Lifeguard, SwimConfig } from "../types.ts";

/** Parts of a period in which news leaves for its own sake, as memberlist's LAN profile has it (200 ms of 1 s). */
const SPREADS_A_PERIOD = 5;
/** Periods after which all that is known is compared with somebody: rare enough to cost less than the probes do. */
export const PERIODS_A_SYNC = 10;

/** Members asked to probe on behalf of another (SWIM's k). */
export const HELPERS = 3;
/** News on one probe; what is sent for its own sake takes MAX_NEWS. */
export const CARRIED = 32;
/** Periods in which a member never heard of is not suspected: others may still be starting. */
export const STARTUP_PERIODS = 5;

/** How often an agent spreads and compares that probes so often. */
export function pacedBy(probeIntervalMs: number): Pick<SwimConfig, "spreadIntervalMs" | "syncIntervalMs"> {
  return { spreadIntervalMs: probeIntervalMs / SPREADS_A_PERIOD, syncIntervalMs: probeIntervalMs * PERIODS_A_SYNC };
}

const ALL: Lifeguard = { localHealth: true, dogpile: true, buddy: true, allowances: true };
const NONE: Lifeguard = { localHealth: false, dogpile: false, buddy: false, allowances: false };

export function lifeguardOf({ lifeguard }: Pick<SwimConfig, "lifeguard">): Lifeguard {
  if (typeof lifeguard === "boolean") return lifeguard ? ALL : NONE;
  return lifeguard;
}

/** @throws RangeError when it makes no sense. */
export function checkSwimConfig(config: SwimConfig, incarnation: number): void {
  checkMembers(config, incarnation);
  const { probeIntervalMs, probeTimeoutMs, suspicionMultiplier } = config;
  if (!(probeTimeoutMs > 0 && probeTimeoutMs < probeIntervalMs))
    throw new RangeError(
      `probeTimeoutMs (${probeTimeoutMs}) must be above 0 and below probeIntervalMs (${probeIntervalMs})`,
    );
  if (!(suspicionMultiplier > 0)) throw new RangeError(`suspicionMultiplier (${suspicionMultiplier}) must be above 0`);
  if (!(config.spreadIntervalMs > 0 && config.syncIntervalMs > 0))
    throw new RangeError("spreadIntervalMs and syncIntervalMs must be above 0");
}
