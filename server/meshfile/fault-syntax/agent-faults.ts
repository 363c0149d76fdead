import { BYZANTINE_BEHAVIOURS, type DiskTrouble, type FaultSpec } from "../../contract/faults.ts";
import { lieOfAnotherKind } from "../consensus-section.ts";
import { parseDurationMs } from "../duration.ts";
import { MAX_DELAY_MS, MAX_DRIFT_PPM, MAX_SKEW_MS, MAX_SLOWDOWN } from "../faults/limits.ts";
import type { MapReading } from "../reading.ts";
import { BYZANTINE_KEYS, CLOCK_KEYS, CPU_KEYS, DISK_KEYS, DISK_TROUBLES } from "./keys.ts";
import { type FaultScope, readTarget, readTime } from "./scope.ts";

type Described<K extends FaultSpec["kind"]> = Omit<Extract<FaultSpec, { readonly kind: K }>, "forMs">;

export function readDisk(scope: FaultScope, node: unknown): Described<"disk"> | undefined {
  const { reading } = scope;
  const map = reading.map(node, "disk", DISK_KEYS);
  if (!map) return undefined;
  const agent = readTarget(scope, map.get("agent"), "disk.agent", map.node);
  if (!map.has("trouble")) {
    reading.problem(map.node, "missingKey", `disk.trouble is missing: one of ${DISK_TROUBLES.join(", ")}.`);
    return undefined;
  }
  const trouble = reading.oneOf(map.get("trouble"), "disk.trouble", DISK_TROUBLES);
  if (trouble !== undefined && trouble !== "slow" && map.has("delay"))
    reading.problem(map.keyNode("delay"), "misplacedKey", "disk.delay belongs to the trouble `slow`.");
  const disk = trouble && readTrouble(scope, map, trouble);
  return agent === undefined || disk === undefined ? undefined : { kind: "disk", agent, disk };
}

function readTrouble(
  scope: FaultScope,
  map: MapReading,
  trouble: (typeof DISK_TROUBLES)[number],
): DiskTrouble | undefined {
  if (trouble !== "slow") return { trouble };
  const delayMs = readTime(scope, map, "delay", "disk.delay", 1, MAX_DELAY_MS);
  return delayMs === undefined ? undefined : { trouble, delayMs };
}

export function readClock(scope: FaultScope, node: unknown): Described<"clock"> | undefined {
  const { reading } = scope;
  const map = reading.map(node, "clock", CLOCK_KEYS);
  if (!map) return undefined;
  const agent = readTarget(scope, map.get("agent"), "clock.agent", map.node);
  if (!map.has("skew") && !map.has("drift")) {
    reading.problem(map.node, "missingKey", "clock needs `skew:`, such as -300ms, or `drift:` in parts per million.");
    return undefined;
  }
  const skewMs = map.has("skew") ? readSkew(scope, map.get("skew")) : 0;
  const driftPpm = map.has("drift")
    ? reading.number(map.get("drift"), "clock.drift", -MAX_DRIFT_PPM, MAX_DRIFT_PPM)
    : undefined;
  if (agent === undefined || skewMs === undefined || (map.has("drift") && driftPpm === undefined)) return undefined;
  return { kind: "clock", agent, skewMs, ...(driftPpm === undefined ? {} : { driftPpm }) };
}

/** A time that may have a sign. */
function readSkew({ reading }: FaultScope, node: unknown): number | undefined {
  const text = reading.text(node, "clock.skew");
  if (text === undefined) return undefined;
  const [, sign, rest] = /^([+-]?)(.*)$/.exec(text.trim()) ?? [];
  const ms = parseDurationMs(rest);
  if (ms !== undefined && ms <= MAX_SKEW_MS) return sign === "-" ? -ms : ms;
  reading.problem(
    reading.resolve(node),
    ms === undefined ? "wrongType" : "outOfRange",
    ms === undefined
      ? "clock.skew must be a time such as 300ms or -2s."
      : `clock.skew must be at most ${MAX_SKEW_MS} ms either way, not ${ms} ms.`,
  );
  return undefined;
}

export function readCpu(scope: FaultScope, node: unknown): Described<"cpu"> | undefined {
  const { reading } = scope;
  const map = reading.map(node, "cpu", CPU_KEYS);
  if (!map) return undefined;
  const agent = readTarget(scope, map.get("agent"), "cpu.agent", map.node);
  if (!map.has("slowdown")) {
    reading.problem(map.node, "missingKey", "cpu.slowdown is missing: how many times as long everything takes.");
    return undefined;
  }
  const slowdown = reading.number(map.get("slowdown"), "cpu.slowdown", 1, MAX_SLOWDOWN);
  return agent === undefined || slowdown === undefined ? undefined : { kind: "cpu", agent, slowdown };
}

export function readByzantine(scope: FaultScope, node: unknown): Described<"byzantine"> | undefined {
  const { reading } = scope;
  const map = reading.map(node, "byzantine", BYZANTINE_KEYS);
  if (!map) return undefined;
  const agent = readTarget(scope, map.get("agent"), "byzantine.agent", map.node);
  if (!map.has("behaviour")) {
    const ways = BYZANTINE_BEHAVIOURS.join(", ");
    reading.problem(map.node, "missingKey", `byzantine.behaviour is missing: one of ${ways}.`);
    return undefined;
  }
  const behaviour = reading.oneOf(map.get("behaviour"), "byzantine.behaviour", BYZANTINE_BEHAVIOURS);
  const other = behaviour && scope.mesh && lieOfAnotherKind(behaviour, scope.mesh.consensus);
  if (other) {
    reading.problem(reading.resolve(map.get("behaviour")), "otherConsensus", other);
    return undefined;
  }
  return agent === undefined || behaviour === undefined ? undefined : { kind: "byzantine", agent, behaviour };
}
