/** What the numbers of a fault may be. */
import type { DelayDistribution, DiskTrouble, FaultSpec, MessageAction, Toxic } from "../../contract/faults.ts";
import { FaultRefusal } from "./refusal.ts";

export const MAX_DELAY_MS = 600_000;
export const MAX_FOR_MS = 30 * 24 * 3_600_000;
export const MAX_SKEW_MS = 24 * 3_600_000;
/** Half as fast again, or half as fast: time never stands still or runs backwards. */
export const MAX_DRIFT_PPM = 500_000;
export const MAX_SLOWDOWN = 1000;
export const MAX_BYTES = 2 ** 40;
export const MAX_COUNT = 1_000_000_000;
export const MAX_COPIES = 100;
export const MAX_TOXICS = 20;

/** @throws FaultRefusal outOfRange, with the number's name */
export function checkNumbers(spec: FaultSpec): void {
  if (spec.forMs !== undefined) above0(spec.forMs, MAX_FOR_MS, "How long a fault lasts", "ms");
  switch (spec.kind) {
    case "slow":
      within(spec.delayMs, 0, MAX_DELAY_MS, "The delay", "ms");
      within(spec.jitterMs ?? 0, 0, MAX_DELAY_MS, "The jitter", "ms");
      break;
    case "lossy":
      share(spec.loss, "The share of frames to drop");
      break;
    case "link":
      if (spec.toxics.length === 0 || spec.toxics.length > MAX_TOXICS)
        throw new FaultRefusal("outOfRange", `A link takes 1 to ${MAX_TOXICS} toxics, not ${spec.toxics.length}.`);
      for (const toxic of spec.toxics) checkToxic(toxic);
      break;
    case "message":
      if (spec.count !== undefined) whole(spec.count, 1, MAX_COUNT, "The count of messages");
      if (spec.probability !== undefined) share(spec.probability, "The probability");
      checkAction(spec.action);
      break;
    case "disk":
      checkDisk(spec.disk);
      break;
    case "clock":
      within(spec.skewMs, -MAX_SKEW_MS, MAX_SKEW_MS, "The clock's skew", "ms");
      within(spec.driftPpm ?? 0, -MAX_DRIFT_PPM, MAX_DRIFT_PPM, "The clock's drift", "ppm");
      break;
    case "cpu":
      within(spec.slowdown, 1, MAX_SLOWDOWN, "The slowdown", "times");
      break;
  }
}

function checkToxic(toxic: Toxic): void {
  switch (toxic.toxic) {
    case "loss":
    case "duplicate":
    case "corrupt":
      share(toxic.share, `The share of ${toxic.toxic}`);
      break;
    case "reorder":
      share(toxic.share, "The share of reorder");
      above0(toxic.byMs, MAX_DELAY_MS, "The time of reorder", "ms");
      break;
    case "latency":
      checkDelay(toxic.delay);
      break;
    case "bandwidth":
      whole(toxic.bytesPerSecond, 1, MAX_BYTES, "The bandwidth in bytes a second");
      break;
    case "slicing":
      whole(toxic.bytes, 1, MAX_BYTES, "A slice's bytes");
      within(toxic.everyMs, 0, MAX_DELAY_MS, "The time between slices", "ms");
      break;
    case "timeout":
      within(toxic.afterMs, 0, MAX_DELAY_MS, "The time of timeout", "ms");
      break;
    case "reset":
      above0(toxic.afterMs, MAX_DELAY_MS, "The time of reset", "ms");
      break;
    case "slowClose":
      within(toxic.delayMs, 0, MAX_DELAY_MS, "The delay of slowClose", "ms");
      break;
    case "dataLimit":
      whole(toxic.bytes, 1, MAX_BYTES, "The limit of dataLimit in bytes");
      break;
    case "flap":
      above0(toxic.upMs, MAX_DELAY_MS, "The time up of flap", "ms");
      above0(toxic.downMs, MAX_DELAY_MS, "The time down of flap", "ms");
      break;
  }
}

function checkDelay({ shape, ms, spread }: DelayDistribution): void {
  within(ms, 0, MAX_DELAY_MS, "The latency", "ms");
  if (spread === undefined || shape === "constant") return;
  if (shape === "pareto") within(spread, 0.1, 100, "The exponent of a pareto latency");
  else if (shape === "logNormal") within(spread, 0, 10, "The spread of a logNormal latency");
  else within(spread, 0, MAX_DELAY_MS, "The spread of the latency", "ms");
}

function checkAction(action: MessageAction): void {
  if (action.action === "delay") {
    within(action.delayMs, 0, MAX_DELAY_MS, "The delay", "ms");
    within(action.jitterMs ?? 0, 0, MAX_DELAY_MS, "The jitter", "ms");
  } else if (action.action === "duplicate") whole(action.copies, 1, MAX_COPIES, "The number of copies");
}

function checkDisk(disk: DiskTrouble): void {
  if (disk.trouble === "slow") above0(disk.delayMs, MAX_DELAY_MS, "The disk's delay", "ms");
}

function within(value: number, min: number, max: number, what: string, unit = ""): void {
  if (value >= min && value <= max) return;
  throw new FaultRefusal("outOfRange", `${what} must be from ${min} to ${max}${unit && ` ${unit}`}, not ${value}.`);
}

function above0(value: number, max: number, what: string, unit: string): void {
  if (value > 0 && value <= max) return;
  throw new FaultRefusal("outOfRange", `${what} must be more than 0 ${unit} and at most ${max}, not ${value}.`);
}

function share(value: number, what: string): void {
  if (value > 0 && value <= 1) return;
  throw new FaultRefusal("outOfRange", `${what} must be above 0 and at most 1, not ${value}.`);
}

function whole(value: number, min: number, max: number, what: string): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new FaultRefusal("outOfRange", `${what} must be a whole number from ${min} to ${max}, not ${value}.`);
}
