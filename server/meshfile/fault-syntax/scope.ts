import type { Node } from "yaml";
import { GROUP_TARGETS } from "../../contract/faults.ts";
import type { Zones } from "../../core/overlay/zones.ts";
import type { Replicated } from "../consensus-section.ts";
import {
  isGroupTarget,
  isLeaderless,
  minorityOf,
  minorityThirdOf,
  NOBODY_LEADS,
  noSuchZone,
  zoneTarget,
} from "../faults/targets.ts";
import type { MapReading, Reading } from "../reading.ts";

/** What a fault is read in. */
export interface FaultScope {
  readonly reading: Reading;
  /** null: the mesh is not known (a single line); its agents are then checked when the fault is injected. */
  readonly mesh:
    | (Replicated & {
        readonly agents: readonly string[];
        readonly links: readonly { readonly a: string; readonly b: string }[];
        /** Absent: there are none. */
        readonly zones?: Zones;
      })
    | null;
}

/** An agent's id, a zone, or a group that has somebody in this mesh. @param where stands for a target that is missing */
export function readTarget(
  { reading, mesh }: FaultScope,
  node: unknown,
  what: string,
  where: Node | null = null,
): string | undefined {
  if (node === undefined) {
    reading.problem(where, "missingKey", `${what} is missing: name an agent, or one of ${GROUP_TARGETS.join(", ")}.`);
    return undefined;
  }
  const text = reading.text(node, what);
  if (text === undefined) return undefined;
  if (text === "leader" && isLeaderless(mesh?.consensus)) {
    reading.problem(reading.resolve(node), "notWithGossip", `${what}: leader. ${NOBODY_LEADS}`);
    return undefined;
  }
  if (isGroupTarget(text)) {
    const count = mesh?.agents.length ?? Number.POSITIVE_INFINITY;
    const size = text === "minority" ? minorityOf(count) : text === "minorityThird" ? minorityThirdOf(count) : 1;
    if (size > 0) return text;
    reading.problem(
      reading.resolve(node),
      "tooFew",
      `${what}: of ${count} agents there is no ${text}; it takes at least ${text === "minority" ? 3 : 4}.`,
    );
    return undefined;
  }
  const zone = zoneTarget(text);
  if (zone !== undefined) {
    if (mesh === null ? zone !== "" : [...(mesh.zones?.values() ?? [])].includes(zone)) return text;
    reading.problem(reading.resolve(node), "unknownZone", `${what}: ${noSuchZone(zone, mesh?.zones)}`);
    return undefined;
  }
  if (mesh ? mesh.agents.includes(text) : /^[A-Za-z0-9_-]{1,40}$/.test(text)) return text;
  const known = mesh?.agents ?? [];
  const agents = `${known.slice(0, 12).join(", ")}${known.length > 12 ? ", ..." : ""}`;
  reading.problem(
    reading.resolve(node),
    "unknownAgent",
    mesh
      ? `${what}: there is no agent "${text}". Agents: ${agents}. Groups: ${GROUP_TARGETS.join(", ")}.`
      : `${what}: "${text}" cannot be an agent's id.`,
  );
  return undefined;
}

/** `a` and, if it is there, `b`: ends of a link that exists, where both are named. */
export function readEnds(
  scope: FaultScope,
  map: MapReading,
  kind: string,
): { readonly a: string; readonly b?: string } | undefined {
  const { reading, mesh } = scope;
  const a = readTarget(scope, map.get("a"), `${kind}.a`, map.node);
  const b = map.has("b") ? readTarget(scope, map.get("b"), `${kind}.b`) : undefined;
  if (a === undefined || (map.has("b") && b === undefined)) return undefined;
  if (b === undefined) return { a };
  if (a === b && !isLarge(a)) {
    reading.problem(map.node, "sameEnds", `${kind}: a link has two different ends, not ${a} twice.`);
    return undefined;
  }
  const named = [a, b].every((end) => !isGroupTarget(end) && zoneTarget(end) === undefined);
  const linked = (mesh?.links ?? []).some((link) => (link.a === a && link.b === b) || (link.a === b && link.b === a));
  if (mesh && named && !linked) {
    reading.problem(
      reading.resolve(map.get("b")),
      "noLink",
      `${kind}: there is no link between ${a} and ${b} in this topology.`,
    );
    return undefined;
  }
  return { a, b };
}

/** Whether links within the group exist. */
function isLarge(target: string): boolean {
  return (
    zoneTarget(target) !== undefined ||
    target === "everyone" ||
    target === "majority" ||
    target === "minority" ||
    target === "minorityThird"
  );
}

/** Above 0 and at most 1. */
export function readShare(
  { reading }: FaultScope,
  node: unknown,
  what: string,
  where: Node | null,
): number | undefined {
  if (node === undefined) {
    reading.problem(where, "missingKey", `${what} is missing: a share above 0 and at most 1.`);
    return undefined;
  }
  const share = reading.number(node, what);
  if (share === undefined || (share > 0 && share <= 1)) return share;
  reading.problem(reading.resolve(node), "outOfRange", `${what} must be above 0 and at most 1, not ${share}.`);
  return undefined;
}

/** A time that must be there. */
export function readTime(
  { reading }: FaultScope,
  map: MapReading,
  key: string,
  what: string,
  minMs: number,
  maxMs: number,
): number | undefined {
  if (map.has(key)) return reading.durationMs(map.get(key), what, minMs, maxMs);
  reading.problem(map.node, "missingKey", `${what} is missing: a time such as 250ms, 3s or 2m.`);
  return undefined;
}
