import { isSeq } from "yaml";
import { type Chaos, FAULT_KINDS, type FaultKind } from "../../contract/faults.ts";
import type { Timing } from "../../contract/mesh.ts";
import { MAX_FOR_MS } from "../faults/limits.ts";
import type { Reading } from "../reading.ts";
import { CHAOS_KEYS, CHAOS_KIND_KEYS } from "./keys.ts";
import { SHORTEST_EVERY_MS } from "./triggers.ts";

/** What both worlds can do, and Raft survives. */
const USUAL_KINDS: readonly FaultKind[] = ["crash", "pause", "partition", "isolate", "slow", "lossy"];
/** Of the longest election timeout. */
const USUAL_PACE = 2;
const MAX_WEIGHT = 1_000_000;

/** The `chaos:` section: `{ every: 2s, for: 1s, kinds: { crash: 2, partition: 1 } }`. */
export function readChaos(reading: Reading, node: unknown, timing: Timing): Chaos | undefined {
  const map = reading.map(node, "chaos", CHAOS_KEYS);
  if (!map) return undefined;
  const time = (key: string, minMs: number) =>
    map.has(key) ? reading.durationMs(map.get(key), `chaos.${key}`, minMs, MAX_FOR_MS) : undefined;
  const everyMs = time("every", SHORTEST_EVERY_MS) ?? USUAL_PACE * timing.electionTimeoutMaxMs;
  const forMs = time("for", 1) ?? everyMs;
  const untilMs = time("until", 1);
  const kinds = map.has("kinds") ? readKinds(reading, map.get("kinds")) : evenly(USUAL_KINDS);
  return kinds && { kinds, everyMs, forMs, ...(untilMs === undefined ? {} : { untilMs }) };
}

function readKinds(reading: Reading, node: unknown): Chaos["kinds"] | undefined {
  const value = reading.resolve(node);
  if (isSeq(value)) {
    const kinds = value.items.map((item) => reading.oneOf(item, "chaos.kinds", FAULT_KINDS));
    const known = kinds.filter((kind) => kind !== undefined);
    if (known.length > 0 || kinds.length > 0) return evenly(known);
  } else {
    const map = reading.map(node, "chaos.kinds", CHAOS_KIND_KEYS);
    if (!map) return undefined;
    const weights: Partial<Record<FaultKind, number>> = {};
    for (const kind of FAULT_KINDS)
      if (map.has(kind)) weights[kind] = reading.number(map.get(kind), `chaos.kinds.${kind}`, 0, MAX_WEIGHT) ?? 1;
    if (map.strange || Object.values(weights).some((weight) => weight > 0)) return weights;
  }
  reading.problem(value, "outOfRange", "chaos.kinds needs at least one kind of fault with a weight above 0.");
  return undefined;
}

function evenly(kinds: readonly FaultKind[]): Chaos["kinds"] {
  return Object.fromEntries(kinds.map((kind) => [kind, 1]));
}
