import { fail } from "node:assert/strict";
import { components, oneSided } from "../../../bench/overlay-graph.ts";
import type { OverlayNetwork } from "../../../bench/overlay-network.ts";

/** What HyParView promises of every agent at any time. @throws AssertionError */
export function assertSound(
  network: OverlayNetwork,
  limits: { readonly active: number; readonly passive: number },
): void {
  const [active, passive] = [network.active(), network.passive()];
  for (const place of network.running()) {
    const [neighbours, known] = [active[place] as readonly number[], passive[place] as readonly number[]];
    const all = [...neighbours, ...known];
    if (neighbours.length > limits.active) fail(`agent ${place} has ${neighbours.length} neighbours`);
    if (known.length > limits.passive) fail(`agent ${place} knows ${known.length} others`);
    if (new Set(all).size < all.length) fail(`agent ${place} has somebody twice: ${all.join(" ")}`);
    if (all.includes(place)) fail(`agent ${place} has itself in a view`);
  }
}

/** What it promises once nothing is on its way. @throws AssertionError */
export function assertMutual(network: OverlayNetwork): void {
  const [pair] = oneSided(network.active());
  if (pair !== undefined) fail(`agent ${pair[0]} has ${pair[1]} for a neighbour, which does not have it`);
  const active = network.active();
  for (const place of network.running()) {
    const gone = active[place]?.find((peer) => active[peer] === undefined);
    if (gone !== undefined) fail(`agent ${place} has ${gone} for a neighbour, which does not run`);
  }
}

/** All that run reach each other. @throws AssertionError */
export function assertConnected(network: OverlayNetwork): void {
  const sizes = components(network.active());
  if (sizes.length > 1) fail(`the overlay is in parts of ${sizes.join(", ")}`);
}

/** All that run have so many neighbours at least. @throws AssertionError */
export function assertLinked(network: OverlayNetwork, least: number): void {
  const active = network.active();
  for (const place of network.running()) {
    const { length } = active[place] as readonly number[];
    if (length < least) fail(`agent ${place} has ${length} neighbours, not ${least}`);
  }
}
