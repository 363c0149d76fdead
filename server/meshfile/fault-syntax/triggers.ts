import type { FaultTrigger } from "../../contract/faults.ts";
import { ofAnotherKind } from "../consensus-section.ts";
import { MAX_COUNT, MAX_FOR_MS } from "../faults/limits.ts";
import type { MapReading } from "../reading.ts";
import { TRIGGER_EVENTS } from "./keys.ts";
import type { FaultScope } from "./scope.ts";

/** A machine that hurries through its plan must still get somewhere. */
export const SHORTEST_EVERY_MS = 10;

/** `at`, `on` or `every`. A preset's `every` and `times` are its own. */
export function readTrigger(scope: FaultScope, map: MapReading, ofPreset: boolean): FaultTrigger | undefined {
  const { reading } = scope;
  const interval = map.has("every") && !ofPreset;
  if (map.has("on")) return readEventTrigger(scope, map, interval);
  for (const key of ["nth", "after"])
    if (map.has(key)) reading.problem(map.keyNode(key), "misplacedKey", `\`${key}\` belongs to \`on\`, an event.`);
  if (map.has("times") && !map.has("every") && !ofPreset)
    reading.problem(map.keyNode("times"), "misplacedKey", "`times` belongs to `every`.");
  const atMs = map.has("at") ? reading.durationMs(map.get("at"), "at", 0, MAX_FOR_MS) : 0;
  if (interval) {
    const everyMs = reading.durationMs(map.get("every"), "every", SHORTEST_EVERY_MS, MAX_FOR_MS);
    const times = map.has("times") ? reading.integer(map.get("times"), "times", 1, MAX_COUNT) : undefined;
    if (atMs === undefined || everyMs === undefined) return undefined;
    return { on: "interval", atMs, everyMs, ...(times === undefined ? {} : { times }) };
  }
  if (!map.has("at")) {
    const choice = ofPreset ? "`at:` or `on:`" : "`at:`, `on:` or `every:`";
    reading.problem(
      map.node,
      "missingKey",
      `A fault needs ${choice}: a time counted from the swarm being ready, an event${ofPreset ? "" : ", or how often"}.`,
    );
    return undefined;
  }
  return atMs === undefined ? undefined : { on: "time", atMs };
}

function readEventTrigger({ reading, mesh }: FaultScope, map: MapReading, interval: boolean): FaultTrigger | undefined {
  for (const key of ["at", ...(interval ? ["every", "times"] : [])])
    if (map.has(key))
      reading.problem(map.keyNode(key), "misplacedKey", `\`${key}\` and \`on\` exclude each other; keep one.`);
  const event = reading.oneOf(map.get("on"), "on", TRIGGER_EVENTS);
  const other = event && mesh && ofAnotherKind("on", event, "events", mesh);
  if (other) reading.problem(reading.resolve(map.get("on")), "otherConsensus", other);
  const nth = map.has("nth") ? reading.integer(map.get("nth"), "nth", 1, MAX_COUNT) : undefined;
  const afterMs = map.has("after") ? reading.durationMs(map.get("after"), "after", 0, MAX_FOR_MS) : 0;
  if (event === undefined || afterMs === undefined) return undefined;
  return { on: "event", event, ...(nth === undefined ? {} : { nth }), afterMs };
}
