/** What `zones:` says: which agent is in which zone, by name; or the zones' names alone, over which the agents are dealt out. */
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { MeshAgent } from "../contract/mesh.ts";
import type { Zones } from "../core/overlay/zones.ts";
import type { Reading } from "./reading.ts";

const NAME = /^[A-Za-z0-9_-]{1,40}$/;
const MAX_NAMED = 5;

/** By agents' ids; whoever has none is not in it. */
export function zonesOf(agents: readonly MeshAgent[]): Zones {
  return new Map(agents.flatMap(({ id, zone }) => (zone === undefined ? [] : [[id, zone] as const])));
}

/** The zones' names, in the order in which the roster first has them. */
export function zoneNames(zones: Zones = new Map()): string[] {
  return [...new Set(zones.values())];
}

/** The zones' names that a text has, which need not be a mesh file yet. */
export function zoneNamesIn(text: string): string[] {
  const document = parseDocument(text, { logLevel: "silent" });
  const zones = isMap(document.contents) ? document.contents.get("zones", true) : undefined;
  const names = isMap(zones) ? zones.items.map(({ key }) => key) : isSeq(zones) ? zones.items : [];
  return names.map((name) => (isScalar(name) ? String(name.value) : "")).filter((name) => NAME.test(name));
}

/** @param roster ids of all agents, each of which must be in exactly one zone */
export function readZones(reading: Reading, node: unknown, roster: readonly string[]): Zones | undefined {
  const value = reading.resolve(node);
  if (isSeq(value)) return dealtOut(reading, node, roster);
  if (isMap(value)) return listed(reading, value, roster);
  reading.problem(
    value,
    "wrongType",
    "zones is a list of names, such as [eu, us], or says which agents are in each: { eu: [a1, a2], us: [a3] }.",
  );
  return undefined;
}

/** Runs of the roster, as equal as can be. */
function dealtOut(reading: Reading, node: unknown, roster: readonly string[]): Zones | undefined {
  const items = reading.list(node, "zones") ?? [];
  const names = items.flatMap((item) => readName(reading, item) ?? []);
  if (names.length < items.length) return undefined;
  const twice = names.findIndex((name, at) => names.indexOf(name) < at);
  if (twice >= 0) {
    reading.problem(reading.resolve(items[twice]), "duplicateId", `There is a zone "${names[twice]}" already.`);
    return undefined;
  }
  if (names.length < 1 || names.length > roster.length) {
    reading.problem(
      reading.resolve(node),
      "outOfRange",
      `${roster.length} agents are in 1 to ${roster.length} zones, not ${names.length}.`,
    );
    return undefined;
  }
  return new Map(roster.map((id, at) => [id, names[Math.floor((at * names.length) / roster.length)] as string]));
}

function listed(
  reading: Reading,
  map: { readonly items: readonly { readonly key: unknown; readonly value: unknown }[] },
  roster: readonly string[],
): Zones | undefined {
  const zones = new Map<string, string>();
  let whole = true;
  const problem = (...told: Parameters<Reading["problem"]>): void => {
    whole = false;
    reading.problem(...told);
  };
  for (const { key, value } of map.items) {
    const zone = readName(reading, key);
    const agents = reading.list(value, `zones.${zone ?? ""}`);
    if (zone === undefined || agents === undefined) {
      whole = false;
      continue;
    }
    if (agents.length === 0) problem(reading.resolve(key), "outOfRange", `Zone ${zone} has no agent; take it out.`);
    for (const item of agents) {
      const id = reading.text(item, `An agent of zone ${zone}`);
      const other = id === undefined ? undefined : zones.get(id);
      if (id === undefined) whole = false;
      else if (!roster.includes(id))
        problem(reading.resolve(item), "unknownAgent", `zones.${zone}: there is no agent "${id}".`);
      else if (other !== undefined)
        problem(
          reading.resolve(item),
          "duplicateId",
          other === zone
            ? `zones.${zone} names ${id} twice.`
            : `${id} is in zone ${other} already, and cannot be in two.`,
        );
      else zones.set(id, zone);
    }
  }
  if (!whole) return undefined;
  const missing = roster.filter((id) => !zones.has(id));
  if (missing.length === 0) return new Map(roster.map((id) => [id, zones.get(id) as string]));
  const shown = missing.slice(0, MAX_NAMED).join(", ");
  const more = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : "";
  reading.problem(
    map as Parameters<Reading["problem"]>[0],
    "noZone",
    `${shown}${more} ${missing.length === 1 ? "is" : "are"} in no zone: where there are zones, each agent is in one.`,
  );
  return undefined;
}

function readName(reading: Reading, node: unknown): string | undefined {
  const where = reading.resolve(node);
  const text = isScalar(where) ? String(where.value) : "";
  if (NAME.test(text)) return text;
  reading.problem(where, "badName", "A zone's name has letters, digits, - and _, at most 40 of them.");
  return undefined;
}
