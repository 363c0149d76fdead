import type { AgentId } from "../core/consensus.ts";
import type { Routes } from "../core/overlay/routes.ts";
import type { HybridClock } from "./clock.ts";
import {
  type AggregatePacket,
  type FrameHead,
  Frames,
  MAX_HOPS,
  type Packet,
  type RelayedPacket,
  type RoutedPacket,
} from "./frame.ts";
import type { LinkMetrics } from "./metrics.ts";
import type { Roster } from "./roster.ts";
import type { Network } from "./world.ts";

/** What is to leave for one peer. */
class Lane extends Frames {
  readonly peer: AgentId;
  /** Where it is counted; undefined: they have a connection, and no link. */
  link: LinkMetrics | undefined;

  constructor(peer: AgentId, link: LinkMetrics | undefined) {
    super();
    this.peer = peer;
    this.link = link;
  }
}

/**
 * What is to leave in this turn, gathered into one frame a neighbour (more only where one would be too large). A message to an agent without a link
 * goes by way of others; one to an agent out of reach is lost, as messages may be.
 */
export class Outbox {
  readonly #id: AgentId;
  readonly #roster: Roster;
  readonly #incarnation: number;
  readonly #routes: Routes;
  readonly #links: () => ReadonlyMap<AgentId, LinkMetrics>;
  /** In the order in which frames leave. */
  readonly #lanes = new Map<AgentId, Lane>();
  /** Of neighbours, as routes number them. */
  #ways: readonly Lane[] = [];
  /** How many get something, and the first that did. Most often there is one, so that nobody else is looked at. */
  #filled = 0;
  #first: Lane | undefined;

  /** @param links what passes over each link */
  constructor(
    id: AgentId,
    incarnation: number,
    roster: Roster,
    routes: Routes,
    links: () => ReadonlyMap<AgentId, LinkMetrics>,
  ) {
    this.#id = id;
    this.#roster = roster;
    this.#incarnation = incarnation;
    this.#routes = routes;
    this.#links = links;
    this.rosterChanged();
  }

  /** The roster and the routes have grown, or the links are others. */
  rosterChanged(): void {
    this.#ways = this.#routes.neighbours().map((neighbour) => this.#laneOf(neighbour));
    const links = this.#links();
    for (const lane of this.#lanes.values()) lane.link = links.get(lane.peer);
  }

  /** A consensus message of this agent. One to an agent that the log knows already and the roster does not is lost. @param sequence of its `send` event. */
  message(to: AgentId, sequence: number, payload: Uint8Array): void {
    const destination = this.#roster.placeOf(to);
    if (destination === undefined) return;
    const lane = this.#wayTo(destination);
    if (lane === undefined) return;
    if (lane.peer === to) {
      this.#put(lane, { kind: "direct", sequence, payload });
      return;
    }
    const origin = this.#roster.placeOf(this.#id) as number;
    const incarnation = this.#incarnation;
    this.#put(lane, { kind: "relayed", origin, destination, hops: this.#hops(), incarnation, sequence, payload });
  }

  /**
   * Another agent's message on its way through this one. It goes back where it came from only if there is no other way: whoever gets
   * it back learns thereby that its own first choice leads into a dead end (a link is down that it cannot see), and takes the next one.
   */
  relay(packet: RelayedPacket | RoutedPacket | AggregatePacket, from: AgentId): void {
    if (packet.hops <= 1) return;
    const to = this.#roster.at(packet.destination);
    if (to === undefined) return;
    const first = this.#wayTo(packet.destination);
    if (first === undefined) return;
    const other = first.peer === from && from !== to ? this.#routes.nextHopWithout(from, to) : undefined;
    this.#put(other === undefined ? first : this.#laneOf(other), { ...packet, hops: packet.hops - 1 });
  }

  /** A message of membership. */
  gossip(to: AgentId, payload: Uint8Array): void {
    const destination = this.#roster.placeOf(to);
    const lane = destination === undefined ? undefined : this.#wayTo(destination);
    if (destination === undefined || lane === undefined) return;
    if (lane.peer === to) {
      this.#put(lane, { kind: "gossip", payload });
      return;
    }
    this.#put(lane, { kind: "routed", ...this.#journey(destination), payload });
  }

  /** A message of an aggregate. */
  aggregate(to: AgentId, payload: Uint8Array): void {
    const destination = this.#roster.placeOf(to);
    const lane = destination === undefined ? undefined : this.#wayTo(destination);
    if (destination !== undefined && lane !== undefined)
      this.#put(lane, { kind: "aggregate", ...this.#journey(destination), payload });
  }

  /** What only a peer with a connection can be told, a neighbour or not. */
  direct(peer: AgentId, packet: Packet): void {
    this.#put(this.#laneOf(peer), packet);
  }

  flush(now: number, clock: HybridClock, network: Network): void {
    if (this.#first === undefined) return;
    const hlc = clock.tick(now);
    const head = { sentAtMs: now, hlc, incarnation: this.#incarnation };
    if (this.#filled === 1) send(head, this.#first, network);
    else for (const lane of this.#lanes.values()) if (!lane.empty) send(head, lane, network);
    this.#filled = 0;
    this.#first = undefined;
  }

  #journey(destination: number): Pick<RoutedPacket, "origin" | "destination" | "hops"> {
    return { origin: this.#roster.placeOf(this.#id) as number, destination, hops: this.#hops() };
  }

  /**
   * Links that a message may cross: room for a way into a dead end, back out of it and around, which in a ring is twice the way to whoever is farthest, and the way itself. What is for somebody who is gone
   * circles among those that do not know it yet, and is to end soon.
   */
  #hops(): number {
    return Math.min(3 * this.#routes.mostHops(), this.#roster.size * 2, MAX_HOPS);
  }

  /** undefined: out of reach. @param to a place in the roster */
  #wayTo(to: number): Lane | undefined {
    return this.#ways[this.#routes.hopTo(to)];
  }

  #laneOf(peer: AgentId): Lane {
    let lane = this.#lanes.get(peer);
    if (lane === undefined) {
      lane = new Lane(peer, this.#links().get(peer));
      this.#lanes.set(peer, lane);
    }
    return lane;
  }

  #put(lane: Lane, packet: Packet): void {
    if (lane.empty) this.#filled++;
    lane.add(packet);
    this.#first ??= lane;
  }
}

function send(head: FrameHead, lane: Lane, network: Network): void {
  for (const frame of lane.take(head)) {
    lane.link?.sent(frame.length);
    network.send(lane.peer, frame);
  }
}
