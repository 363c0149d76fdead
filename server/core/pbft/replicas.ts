import type { AgentId } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import { compareText } from "../text.ts";

/** The fewest replicas of which one may lie. */
export const MIN_REPLICAS = 4;

/** How many liars n replicas survive (OSDI '99, §3). */
export function faultsToleratedBy(n: number): number {
  return Math.floor((n - 1) / 3);
}

/** 2f+1 of n = 3f+1, and for other n the smallest number of which any two share an honest replica. */
export function quorumOf(n: number): number {
  return Math.floor((n + faultsToleratedBy(n)) / 2) + 1;
}

/**
 * The replicas and the arithmetic of their quorums. Any two quorums share an honest replica, and the honest ones alone make up a quorum: 2f+1 of n = 3f+1,
 * and for other n the smallest number with both properties.
 */
export class Replicas {
  /** Sorted. */
  readonly ids: readonly AgentId[];
  /** f. */
  readonly faulty: number;
  readonly quorum: number;
  /** So many that one of them is honest: f+1. */
  readonly weak: number;
  readonly #places: ReadonlyMap<AgentId, number>;

  constructor(ids: readonly AgentId[]) {
    invariant(ids.length >= MIN_REPLICAS, `${MIN_REPLICAS} replicas at least, not ${ids.length}`);
    this.ids = [...ids].sort(compareText);
    this.#places = new Map(this.ids.map((id, place) => [id, place]));
    invariant(this.#places.size === ids.length, "no replica is named twice");
    this.faulty = faultsToleratedBy(ids.length);
    this.quorum = quorumOf(ids.length);
    this.weak = this.faulty + 1;
    invariant(this.quorum * 2 - ids.length > this.faulty, "two quorums share an honest replica");
    invariant(ids.length - this.faulty >= this.quorum, "the honest replicas make up a quorum");
  }

  has(id: AgentId): boolean {
    return this.#places.has(id);
  }

  /** Views go around (OSDI '99, §4). */
  primaryOf(view: number): AgentId {
    return this.ids[view % this.ids.length] as AgentId;
  }
}
