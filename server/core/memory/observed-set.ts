import { compareText } from "../text.ts";
import { compareIds, sameId, type WriteId } from "./write-id.ts";

/**
 * An observed-remove set, operation by operation (Shapiro et al. 2011, §3.3.5): an element is there while one of its adds is that no removal has observed. So a removal takes away what its agent
 * knew, and an add that it did not know stays. An add takes the place of those that its agent knew: an element has as many as know nothing of each other, not as many as it was added.
 *
 * Needed of whoever carries the operations: an add comes before whatever names it. An add may come twice, as two operations that name different ones; what either names is gone.
 * Never changed, only replaced.
 */
export type ObservedSet = ReadonlyMap<string, readonly Add[]>;

/** stamp: the greatest that this add came with. Sorted by who wrote it. */
export interface Add extends WriteId {
  readonly stamp: number;
}

/** @param first false: this add came before. Then it is there, or somebody has observed and removed it. */
export function withElement(
  set: ObservedSet,
  element: string,
  add: Add,
  replaces: readonly WriteId[],
  first: boolean,
): ObservedSet {
  const left = addsOf(set, element).filter((one) => sameId(one, add) || !replaces.some((other) => sameId(one, other)));
  const known = left.find((one) => sameId(one, add));
  const rest = left.filter((one) => one !== known);
  if (known === undefined && !first) return withAdds(set, element, rest);
  const stamp = Math.max(known?.stamp ?? 0, add.stamp);
  return withAdds(set, element, [...rest, { ...add, stamp }].sort(compareIds));
}

export function withoutElement(set: ObservedSet, element: string, observed: readonly WriteId[]): ObservedSet {
  const adds = addsOf(set, element);
  const left = adds.filter((one) => !observed.some((other) => sameId(one, other)));
  return left.length === adds.length ? set : withAdds(set, element, left);
}

/** Those that keep an element there; none: it is not. */
export function addsOf(set: ObservedSet, element: string): readonly Add[] {
  return set.get(element) ?? [];
}

/** In code unit order. */
export function elementsOf(set: ObservedSet): string[] {
  return [...set.keys()].sort(compareText);
}

/** The greatest stamp of what is there; 0 of nothing. */
export function versionOf(set: ObservedSet): number {
  let version = 0;
  for (const adds of set.values()) for (const { stamp } of adds) version = Math.max(version, stamp);
  return version;
}

function withAdds(set: ObservedSet, element: string, adds: readonly Add[]): ObservedSet {
  const changed = new Map(set);
  if (adds.length === 0) changed.delete(element);
  else changed.set(element, adds);
  return changed;
}
