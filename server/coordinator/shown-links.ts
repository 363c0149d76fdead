import { type Link, overlayOf } from "../core/overlay/types.ts";
import type { SwarmFile } from "../live/swarm-file.ts";
import type { AgentWatch } from "./agent-watch.ts";

/** The links that are configured; where agents look for theirs themselves, those that one end or the other says are up. */
export function linksToShow(file: SwarmFile, watches: readonly AgentWatch[]): readonly Link[] {
  if (overlayOf(file.topology) === undefined) return file.links;
  const byId = new Map(watches.map((watch) => [watch.id, watch]));
  const says = (id: string, peer: string): boolean => byId.get(id)?.link(peer)?.up === true;
  return file.links.filter(({ a, b }) => says(a, b) || says(b, a));
}
