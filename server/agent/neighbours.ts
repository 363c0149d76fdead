import type { AgentId } from "../core/consensus.ts";
import type { Near } from "../core/gossip/types.ts";
import { type LastHeard, neverHeard } from "../core/membership/partition.ts";
import type { MemberState, MembershipObservation } from "../core/membership/types.ts";
import { Reputation, type Standing } from "../core/overlay/reputation.ts";
import type { Routes } from "../core/overlay/routes.ts";
import type { Link } from "../core/overlay/types.ts";
import type { Random } from "../core/random.ts";
import type { AgentObservation } from "./consensus/kind.ts";
import { LinkMetrics } from "./metrics.ts";

/** A neighbour, and all that each of its frames is counted in: in one place, as it is looked up for each. */
class Neighbour extends LinkMetrics implements LastHeard {
  readonly peer: AgentId;
  readonly standing: Standing;
  atMs = Number.NEGATIVE_INFINITY;

  constructor(peer: AgentId, standing: Standing, random: Random) {
    super(random);
    this.peer = peer;
    this.standing = standing;
  }
}

/**
 * An agent's links: which of them are up, and what passes over them. Counts for each configured one; for one that is none any more as long as it is up. And what is to be thought
 * of the peers, with a link or without.
 */
export class Neighbours {
  readonly #neighbours = new Map<AgentId, Neighbour>();
  readonly reputation = new Reputation();
  readonly #self: AgentId;
  readonly #routes: Routes;
  readonly #random: Random;
  /** undefined after a change. */
  #linked: readonly AgentId[] | undefined;
  #watcher: (peer: AgentId, up: boolean) => void = () => undefined;

  constructor(self: AgentId, routes: Routes, random: Random) {
    this.#self = self;
    this.#routes = routes;
    this.#random = random;
    this.#meet();
  }

  /** There are more agents, or other links. @throws RangeError as `Routes.grow` does */
  grow(ids: readonly AgentId[], links: readonly Link[]): void {
    this.#routes.grow(ids, links);
    this.#meet();
  }

  /** What passes over each link. */
  get metrics(): ReadonlyMap<AgentId, LinkMetrics> {
    return this.#neighbours;
  }

  near(): Near {
    this.#linked ??= [...this.#neighbours].flatMap(([peer, { up }]) => (up ? [peer] : []));
    return { linked: this.#linked, meanHops: this.#routes.meanHops() };
  }

  /** With the routes as they are now. */
  #meet(): void {
    this.#linked = undefined;
    const neighbours = this.#routes.neighbours();
    for (const [peer, { up }] of this.#neighbours) if (!up && !neighbours.includes(peer)) this.#neighbours.delete(peer);
    for (const peer of neighbours) {
      if (this.#neighbours.has(peer)) continue;
      this.#routes.setLink(this.#self, peer, false);
      this.#neighbours.set(peer, new Neighbour(peer, this.reputation.standing(peer), this.#random.fork(peer)));
    }
  }

  /** Is told of links that come up and go down. */
  watch(watcher: (peer: AgentId, up: boolean) => void): void {
    this.#watcher = watcher;
  }

  /** @returns whether that is news. */
  changed(peer: AgentId, up: boolean): boolean {
    const link = this.#neighbours.get(peer);
    if (link === undefined || (!up && !link.up)) return false;
    link.up = up;
    this.#linked = undefined;
    this.#routes.setLink(this.#self, peer, up);
    if (!up) this.#meet();
    this.#watcher(peer, up);
    return true;
  }

  /** A frame came over a link, or a connection that is none. @param latencyMs one way, by two clocks. @returns when one came before, for who is to be told of it */
  received(peer: AgentId, bytes: number, latencyMs: number, now: number): LastHeard {
    const neighbour = this.#neighbours.get(peer);
    if (neighbour === undefined) {
      this.reputation.delivered(peer, latencyMs, now);
      return neverHeard(peer);
    }
    neighbour.received(bytes, latencyMs);
    this.reputation.deliveredBy(neighbour.standing, latencyMs, now);
    return neighbour;
  }

  /** Membership says how a peer is. */
  observed(observation: MembershipObservation, now: number): void {
    const { type, member } = observation;
    if (type === "memberFailed" || type === "memberLeft") this.#routes.setMember(member, false);
    else if (type === "memberAlive") this.#routes.setMember(member, true);
    this.reputation.seen(member, STATES[type], now);
  }

  /**
   * The consensus observed something. Only an equivocation is proof: two signatures of the culprit's that this agent has verified. What is merely not believed may have been
   * made up by whoever passed it on.
   */
  decided(observation: AgentObservation): void {
    if (observation.type !== "equivocation") return;
    const { culprit, kind, view, seq } = observation;
    this.reputation.lied(culprit, `${kind} ${view} ${seq}`);
  }
}

const STATES: Readonly<Record<MembershipObservation["type"], MemberState>> = {
  memberAlive: "alive",
  memberSuspected: "suspected",
  memberFailed: "failed",
  memberLeft: "left",
};
