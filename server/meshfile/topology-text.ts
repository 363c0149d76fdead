import type { Mesh } from "../contract/mesh.ts";
import { articulationPoints, diameter } from "../core/overlay/graph.ts";
import type { Link } from "../core/overlay/types.ts";
import { type Zones, zoneFigures } from "../core/overlay/zones.ts";
import { linksOf } from "./topology-section.ts";
import { zonesOf } from "./zones-section.ts";

/** Agents that are named one by one. */
const MAX_NAMED = 5;

/** Zones that are named one by one. */
const MAX_ZONES = 8;

/** Its name, how far apart agents are, and on whom the others hang: what to know before one of them is crashed. */
export function topologyText(mesh: Mesh): string {
  const { agents, topology } = mesh;
  const { kind, degree } = topology;
  if (kind === "hyparview") return `hyparview (agents look for their links themselves, at most ${degree} each)`;
  const name = degree === undefined ? kind : `${kind} of degree ${degree}`;
  const ids = agents.map(({ id }) => id);
  const links = linksOf(mesh);
  const hops = diameter(ids, links);
  const zones = zonesText(ids, links, zonesOf(agents));
  if (hops <= 1) return name + zones;
  const points = articulationPoints(ids, links);
  const hangs = points.length === 0 ? "" : `; falls apart without ${listText(points)}`;
  return `${name} (at most ${hops} hops${hangs})${zones}`;
}

/** How many agents are where, and whose loss as a whole parts the others. */
function zonesText(ids: readonly string[], links: readonly Link[], zones: Zones): string {
  const figures = zoneFigures(ids, links, zones);
  if (figures.length === 0) return "";
  const shown = figures.slice(0, MAX_ZONES).map(({ zone, agents }) => `${zone} (${agents})`);
  const more = figures.length > MAX_ZONES ? ` and ${figures.length - MAX_ZONES} more` : "";
  const parting = figures.filter(({ survived }) => !survived).map(({ zone }) => zone);
  const fate = parting.length === 0 ? "survives the loss of any" : `falls apart without ${listText(parting)}`;
  return `, zones ${shown.join(", ")}${more}: ${fate}`;
}

function listText(ids: readonly string[]): string {
  const shown = ids.slice(0, MAX_NAMED);
  return ids.length > MAX_NAMED ? `${shown.join(", ")} or ${ids.length - MAX_NAMED} others` : shown.join(" or ");
}
