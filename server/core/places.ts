import type { AgentId } from "./consensus.ts";

const KNOWN = new WeakMap<readonly AgentId[], ReadonlyMap<AgentId, number>>();

/**
 * Where each of a list is in it. The list is not to change any more: it is worked out once for each, as many parts of an agent ask about the same one, and of a simulated swarm all agents. (A thousand maps with a
 * thousand entries each are what a processor's caches are too small for.)
 */
export function placesIn(ids: readonly AgentId[]): ReadonlyMap<AgentId, number> {
  const known = KNOWN.get(ids);
  if (known !== undefined) return known;
  const places = new Map(ids.map((id, place) => [id, place]));
  KNOWN.set(ids, places);
  return places;
}
