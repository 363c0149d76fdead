import type { SwimSettings } from "../../../../bench/membership-network.ts";

/** Times as in the `local` profile. */
export const LOCAL: SwimSettings = {
  probeIntervalMs: 400,
  probeTimeoutMs: 100,
  suspicionMultiplier: 1,
  spreadIntervalMs: 80,
  syncIntervalMs: 4000,
  lifeguard: true,
};
/** Nothing leaves but probes and their answers. */
export const QUIET: SwimSettings = {
  ...LOCAL,
  spreadIntervalMs: Number.POSITIVE_INFINITY,
  syncIntervalMs: Number.POSITIVE_INFINITY,
};
/** The SWIM of 2002. */
export const PAPER: SwimSettings = { ...QUIET, lifeguard: false };

export function named(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `a${at + 1}`);
}
