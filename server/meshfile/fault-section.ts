import { FAULT_KINDS } from "../contract/faults.ts";
import type { PlannedFault } from "../contract/mesh.ts";
import { FAULT_KEYS, PRESET_KEYS } from "./fault-syntax/keys.ts";
import { readFault } from "./fault-syntax/one-fault.ts";
import { readPreset } from "./fault-syntax/presets.ts";
import type { FaultScope } from "./fault-syntax/scope.ts";
import { readTrigger } from "./fault-syntax/triggers.ts";
import type { MapReading } from "./reading.ts";

const MAX_FAULTS = 1000;

/** The `faults:` section: one mapping a fault, with when (`at`, `on`, `every`) and exactly one kind, or a preset. */
export function readFaults(scope: FaultScope, node: unknown): PlannedFault[] {
  const { reading } = scope;
  const items = reading.list(node, "faults") ?? [];
  if (items.length > MAX_FAULTS)
    reading.problem(
      reading.resolve(node),
      "outOfRange",
      `A mesh file has at most ${MAX_FAULTS} faults, not ${items.length}.`,
    );
  return items.slice(0, MAX_FAULTS).flatMap((item) => {
    const map = reading.map(item, "A fault", FAULT_KEYS);
    const planned = map && (map.has("preset") ? readPlannedPreset(scope, map) : readPlannedFault(scope, map));
    return planned ? [planned] : [];
  });
}

function readPlannedPreset(scope: FaultScope, map: MapReading): PlannedFault | undefined {
  for (const kind of FAULT_KINDS)
    if (map.has(kind))
      scope.reading.problem(
        map.keyNode(kind),
        "faultKind",
        `A preset brings its own faults; write \`${kind}\` as an item of its own.`,
      );
  const fault = readPreset(scope, map);
  const trigger = readTrigger(scope, map, true);
  return fault && trigger && { trigger, fault };
}

function readPlannedFault(scope: FaultScope, map: MapReading): PlannedFault | undefined {
  for (const { key } of PRESET_KEYS)
    if (map.has(key))
      scope.reading.problem(
        map.keyNode(key),
        "misplacedKey",
        `\`${key}\` belongs to a preset; name one with \`preset:\`.`,
      );
  const fault = readFault(scope, map);
  const trigger = readTrigger(scope, map, false);
  return fault && trigger && { trigger, fault };
}
