import { FAULT_KINDS, type FaultKind, type FaultSpec } from "../../contract/faults.ts";
import { MAX_FOR_MS } from "../faults/limits.ts";
import type { MapReading } from "../reading.ts";
import { readByzantine, readClock, readCpu, readDisk } from "./agent-faults.ts";
import { readLink, readLossy, readSlow } from "./link-faults.ts";
import { readMessage } from "./message-faults.ts";
import { readPartition } from "./partition-faults.ts";
import { type FaultScope, readTarget } from "./scope.ts";

/** What a mapping says of a fault of exactly one kind: the kind, and how long. */
export function readFault(scope: FaultScope, map: MapReading): FaultSpec | undefined {
  const { reading } = scope;
  const kinds = FAULT_KINDS.filter((kind) => map.has(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    if (kinds.length === 0 && map.strange) return undefined;
    reading.problem(
      map.node,
      "faultKind",
      `A fault needs exactly one of ${FAULT_KINDS.join(", ")}${kinds.length > 1 ? `, not ${kinds.join(" and ")}` : ""}.`,
    );
    return undefined;
  }
  const forMs = map.has("for") ? reading.durationMs(map.get("for"), "for", 1, MAX_FOR_MS) : undefined;
  const fault = readKind(scope, map.get(kind), kind);
  if (fault === undefined || (map.has("for") && forMs === undefined)) return undefined;
  return forMs === undefined ? fault : { ...fault, forMs };
}

function readKind(scope: FaultScope, node: unknown, kind: FaultKind): FaultSpec | undefined {
  switch (kind) {
    case "crash":
    case "pause":
    case "isolate": {
      const agent = readTarget(scope, node, kind);
      return agent === undefined ? undefined : { kind, agent };
    }
    case "partition":
      return readPartition(scope, node);
    case "slow":
      return readSlow(scope, node);
    case "lossy":
      return readLossy(scope, node);
    case "link":
      return readLink(scope, node);
    case "message":
      return readMessage(scope, node);
    case "disk":
      return readDisk(scope, node);
    case "clock":
      return readClock(scope, node);
    case "cpu":
      return readCpu(scope, node);
    case "byzantine":
      return readByzantine(scope, node);
  }
}
