import { FAULT_PRESETS, type FaultPreset, type PresetSpec } from "../../contract/faults.ts";
import { MAX_COUNT, MAX_FOR_MS } from "../faults/limits.ts";
import { isLeaderless } from "../faults/targets.ts";
import type { MapReading } from "../reading.ts";
import { HITS } from "./keys.ts";
import { type FaultScope, readEnds, readTarget } from "./scope.ts";
import { SHORTEST_EVERY_MS } from "./triggers.ts";

/** Whose the keys are that not all presets have. */
const OWN_KEYS: readonly { readonly key: string; readonly presets: readonly FaultPreset[] }[] = [
  { key: "whom", presets: ["rollingRestart", "swizzleClog", "greyFailure"] },
  { key: "a", presets: ["flappingLink"] },
  { key: "b", presets: ["flappingLink"] },
  { key: "hit", presets: ["leaderHunt"] },
];

/** `preset: rollingRestart` and what it is told. */
export function readPreset(scope: FaultScope, map: MapReading): PresetSpec | undefined {
  const { reading } = scope;
  const preset = reading.oneOf(map.get("preset"), "preset", FAULT_PRESETS);
  if (preset === undefined) return undefined;
  const problems = reading.diagnostics.length;
  if (preset === "leaderHunt" && isLeaderless(scope.mesh?.consensus))
    reading.problem(
      reading.resolve(map.get("preset")),
      "notWithGossip",
      "preset: leaderHunt hunts leaders, and nobody leads a swarm that decides by gossip. Use another one.",
    );
  for (const { key, presets } of OWN_KEYS)
    if (map.has(key) && !presets.includes(preset))
      reading.problem(
        map.keyNode(key),
        "misplacedKey",
        `\`${key}\` belongs to ${presets.join(", ")}, not to ${preset}.`,
      );
  const pace = (key: "every" | "for", minMs: number) =>
    map.has(key) ? reading.durationMs(map.get(key), key, minMs, MAX_FOR_MS) : undefined;
  const everyMs = pace("every", preset === "leaderHunt" ? 0 : SHORTEST_EVERY_MS);
  const forMs = pace("for", 1);
  const times = map.has("times") ? reading.integer(map.get("times"), "times", 1, MAX_COUNT) : undefined;
  const whom = map.has("whom") ? readTarget(scope, map.get("whom"), "whom") : undefined;
  const hit = map.has("hit") ? reading.oneOf(map.get("hit"), "hit", HITS) : undefined;
  const link = map.has("a") || map.has("b") ? readLinkEnds(scope, map) : undefined;
  if (reading.diagnostics.length > problems) return undefined;
  return {
    preset,
    ...(whom === undefined ? {} : { whom }),
    ...(link === undefined ? {} : { link }),
    ...(hit === undefined ? {} : { hit }),
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(forMs === undefined ? {} : { forMs }),
    ...(times === undefined ? {} : { times }),
  };
}

function readLinkEnds(scope: FaultScope, map: MapReading): { readonly a: string; readonly b: string } | undefined {
  const ends = readEnds(scope, map, "flappingLink");
  if (ends === undefined) return undefined;
  if (ends.b !== undefined) return { a: ends.a, b: ends.b };
  scope.reading.problem(map.keyNode("a"), "missingKey", "flappingLink needs both `a:` and `b:`, or neither.");
  return undefined;
}
