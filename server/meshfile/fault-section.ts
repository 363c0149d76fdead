import type { Node } from "yaml";
import type { FaultSpec } from "../contract/faults.ts";
import type { PlannedFault } from "../contract/mesh.ts";
import { FAULT_KEYS, LOSSY_KEYS, SLOW_KEYS } from "./keys.ts";
import type { MapReading, Reading } from "./reading.ts";

const KINDS = ["crash", "pause", "isolate", "partition", "slow", "lossy"] as const;

/** The `faults:` section: one mapping a fault, with `at:` and exactly one kind. */
export function readFaults(reading: Reading, node: unknown, agents: ReadonlySet<string>): PlannedFault[] {
  const result: PlannedFault[] = [];
  for (const item of reading.list(node, "faults") ?? []) {
    const map = reading.map(item, "A fault", FAULT_KEYS);
    if (!map) continue;
    const kinds = KINDS.filter((kind) => map.has(kind));
    if (kinds.length !== 1) {
      reading.problem(
        map.node,
        "faultKind",
        `A fault needs exactly one of ${KINDS.join(", ")}${kinds.length > 1 ? `, not ${kinds.join(" and ")}` : ""}.`,
      );
      continue;
    }
    if (!map.has("at")) {
      reading.problem(map.node, "missingKey", "A fault needs `at:`, the time counted from the swarm being ready.");
      continue;
    }
    const atMs = reading.durationMs(map.get("at"), "at", 0);
    const forMs = map.has("for") ? reading.durationMs(map.get("for"), "for", 1) : undefined;
    const fault = readFault(reading, map, kinds[0] as (typeof KINDS)[number], agents, forMs);
    if (fault && atMs !== undefined) result.push({ trigger: { on: "time", atMs }, fault });
  }
  return result;
}

function readFault(
  reading: Reading,
  map: MapReading,
  kind: (typeof KINDS)[number],
  agents: ReadonlySet<string>,
  forMs: number | undefined,
): FaultSpec | undefined {
  const value = map.get(kind);
  const duration = forMs === undefined ? {} : { forMs };
  if (kind === "crash" || kind === "pause" || kind === "isolate") {
    const agent = readTarget(reading, value, kind, agents);
    return agent === undefined ? undefined : { kind, agent, ...duration };
  }
  if (kind === "partition") {
    const sides = readSides(reading, value, agents);
    return sides && { kind, sides, ...duration };
  }
  const inner = reading.map(value, kind, kind === "slow" ? SLOW_KEYS : LOSSY_KEYS);
  if (!inner) return undefined;
  const a = readTarget(reading, inner.get("a"), `${kind}.a`, agents, inner.node);
  const b = inner.has("b") ? readTarget(reading, inner.get("b"), `${kind}.b`, agents) : undefined;
  if (a === undefined || (inner.has("b") && b === undefined)) return undefined;
  if (a === b) {
    reading.problem(inner.node, "sameEnds", `${kind}: a link has two different ends, not ${a} twice.`);
    return undefined;
  }
  const ends = b === undefined ? { a } : { a, b };
  if (kind === "slow") {
    const delayMs = reading.durationMs(inner.get("delay"), "slow.delay", 1, 60_000);
    const jitterMs = inner.has("jitter") ? reading.durationMs(inner.get("jitter"), "slow.jitter", 0, 60_000) : 0;
    return delayMs === undefined || jitterMs === undefined
      ? undefined
      : { kind, ...ends, delayMs, jitterMs, ...duration };
  }
  const loss = Number(reading.text(inner.get("loss"), "lossy.loss"));
  if (!(loss > 0 && loss <= 1)) {
    reading.problem(
      reading.resolve(inner.get("loss")) ?? inner.node,
      "outOfRange",
      "lossy.loss must be above 0 and at most 1.",
    );
    return undefined;
  }
  return { kind, ...ends, loss, ...duration };
}

function readSides(reading: Reading, value: unknown, agents: ReadonlySet<string>): string[][] | undefined {
  const lists = reading.list(value, "partition");
  if (!lists) return undefined;
  const sides: string[][] = [];
  const seen = new Set<string>();
  let whole = true;
  for (const list of lists) {
    const side: string[] = [];
    for (const member of reading.list(list, "A side of a partition") ?? []) {
      const agent = readTarget(reading, member, "partition", agents);
      if (agent === undefined || seen.has(agent)) {
        if (agent !== undefined)
          reading.problem(reading.resolve(member), "sidesOverlap", `${agent} stands on two sides of the partition.`);
        whole = false;
        continue;
      }
      seen.add(agent);
      side.push(agent);
    }
    if (side.length > 0) sides.push(side);
  }
  if (whole && sides.length < 2 && seen.size === agents.size) {
    reading.problem(
      reading.resolve(value),
      "oneSide",
      "A partition needs two sides: name at least two lists, or leave some agents out.",
    );
    return undefined;
  }
  if (sides.length === 0 || !whole) {
    if (whole) reading.problem(reading.resolve(value), "oneSide", "A partition needs at least one list of agents.");
    return undefined;
  }
  return sides;
}

function readTarget(
  reading: Reading,
  node: unknown,
  what: string,
  agents: ReadonlySet<string>,
  where: Node | null = null,
): string | undefined {
  if (node === undefined) {
    reading.problem(where, "missingKey", `${what} is missing: name an agent, or \`leader\`.`);
    return undefined;
  }
  const text = reading.text(node, what);
  if (text === undefined || text === "leader" || agents.has(text)) return text;
  const known = [...agents];
  reading.problem(
    reading.resolve(node),
    "unknownAgent",
    `${what}: there is no agent "${text}". Agents: ${known.slice(0, 12).join(", ")}${known.length > 12 ? ", ..." : ""}.`,
  );
  return undefined;
}
