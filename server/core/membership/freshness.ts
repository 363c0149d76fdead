import type { MemberState } from "./types.ts";

/** What news is about, without the id: one point of the order below. */
export interface Standing {
  readonly incarnation: number;
  readonly heartbeat: number;
  readonly state: MemberState;
}

/** Incarnations and heartbeats stay below this (8,900 years of heartbeats a ms, or ms since the epoch): what claims more is no news, and could not be topped. */
export const MAX_COUNTER = 2 ** 48;

/** What is known of a member never heard of. */
export const UNHEARD: Standing = { incarnation: 0, heartbeat: 0, state: "alive" };

const RANKS: Readonly<Record<MemberState, number>> = { alive: 0, suspected: 1, failed: 2, left: 3 };

/**
 * Positive when `a` is fresher than `b`. A total order: incarnation, then heartbeat, then the graver state. Taking the freshest is therefore
 * commutative, associative and idempotent: members that have heard the same news agree, in whatever order and however often it came. A verdict
 * holds until the member's counter rises past the one at which it was reached, so that a heartbeat refutes it.
 */
export function compareStandings(a: Standing, b: Standing): number {
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  if (a.heartbeat !== b.heartbeat) return a.heartbeat - b.heartbeat;
  return RANKS[a.state] - RANKS[b.state];
}

/** A later heartbeat or a later life: proof of life, whatever the states. */
export function rose(before: Standing, after: Standing): boolean {
  return (
    after.incarnation > before.incarnation ||
    (after.incarnation === before.incarnation && after.heartbeat > before.heartbeat)
  );
}
