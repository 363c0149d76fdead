/** What `topology:` says: a name, a kind with its degree, or the links one by one. */
import { isScalar } from "yaml";
import { type Mesh, TOPOLOGY_NAMES, type TopologyName } from "../contract/mesh.ts";
import { buildLinks } from "../core/overlay/topology.ts";
import { DEGREE, hasDegree, type Link, OVERLAY_DEGREE } from "../core/overlay/types.ts";
import { TOPOLOGY_KEYS } from "./keys.ts";
import type { MapReading, Reading } from "./reading.ts";
import { zonesOf } from "./zones-section.ts";

type Topology = Mesh["topology"];

/** A topology by its name alone: with the usual degree, where it has one. */
export function topologyNamed(kind: TopologyName): Topology {
  const degrees = degreesOf(kind);
  return { kind, links: [], ...(degrees && { degree: degrees.usual }) };
}

/** Of a topology that has a degree: from where to where it is for choice. */
export function degreesOf(kind: Topology["kind"]): typeof DEGREE | typeof OVERLAY_DEGREE | undefined {
  if (kind === "hyparview") return OVERLAY_DEGREE;
  return hasDegree(kind) ? DEGREE : undefined;
}

/** The links of a mesh file's agents (those that there may be, where they look for them themselves), or of others that take their place. */
export function linksOf(
  { topology, agents }: Pick<Mesh, "topology" | "agents">,
  roster: readonly string[] = agents.map(({ id }) => id),
): Link[] {
  return buildLinks(topology.kind, roster, { ...topology, zones: zonesOf(agents) });
}

/** @param ids of the agents that links may name */
export function readTopology(reading: Reading, node: unknown, ids: ReadonlySet<string>): Topology | undefined {
  if (isScalar(reading.resolve(node))) {
    const kind = reading.oneOf(node, "topology", TOPOLOGY_NAMES);
    return kind && topologyNamed(kind);
  }
  const map = reading.map(node, "topology", TOPOLOGY_KEYS);
  if (!map) return undefined;
  if (map.has("links")) {
    for (const key of ["kind", "degree"])
      if (map.has(key))
        reading.problem(
          map.keyNode(key),
          "notWithLinks",
          `${key}: links say by themselves who has a link with whom. Take out ${key}, or the links.`,
        );
    return { kind: "links", links: readLinks(reading, map.get("links"), ids) };
  }
  if (map.has("kind")) return readKind(reading, map);
  // What is strange was told, and may have been meant as one of these.
  if (!map.strange)
    reading.problem(
      map.node,
      "missingKey",
      "topology needs `kind:`, such as k-regular, or `links:` with pairs of agents.",
    );
  return undefined;
}

function readKind(reading: Reading, map: MapReading): Topology | undefined {
  const kind = reading.oneOf(map.get("kind"), "topology.kind", TOPOLOGY_NAMES);
  if (kind === undefined || !map.has("degree")) return kind && topologyNamed(kind);
  const degrees = degreesOf(kind);
  if (degrees === undefined) {
    reading.problem(
      map.keyNode("degree"),
      "noDegree",
      `degree: how many links an agent has is not for choice in topology ${kind}. Take this out, or use k-regular, small-world or hyparview.`,
    );
    return undefined;
  }
  const degree = reading.integer(map.get("degree"), "topology.degree", degrees.min, degrees.max);
  return degree === undefined ? undefined : { kind, links: [], degree };
}

function readLinks(reading: Reading, node: unknown, ids: ReadonlySet<string>): [string, string][] {
  const links: [string, string][] = [];
  for (const item of reading.list(node, "topology.links") ?? []) {
    const ends = (reading.list(item, "A link") ?? []).map((end) => reading.text(end, "An end of a link"));
    const [a, b] = ends;
    const where = reading.resolve(item);
    if (ends.length !== 2 || a === undefined || b === undefined)
      reading.problem(where, "wrongType", "A link is a pair of agents, such as [a1, a2].");
    else if (a === b) reading.problem(where, "sameEnds", `A link has two different ends, not ${a} twice.`);
    else if (!ids.has(a) || !ids.has(b))
      reading.problem(where, "unknownAgent", `There is no agent "${ids.has(a) ? b : a}".`);
    else links.push([a, b]);
  }
  return links;
}
