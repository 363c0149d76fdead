import type { AgentId } from "../core/consensus.ts";
import type { Routes } from "../core/overlay/routes.ts";
import type { HybridClock } from "./clock.ts";
import {
  type AggregatePacket,
  encodeFrame,
  frameLoads,
  MAX_HOPS,
  type Packet,
  type RelayedPacket,
  type RoutedPacket,
} from "./frame.ts";
import type { LinkMetrics } from "./metrics.ts";
import type { Roster } from "./roster.ts";
import type { Network } from "./world.ts";

/**
 * What is to leave in this turn, gathered into one frame a neighbour (more only where one would be too large). A message to an agent without a link
 * goes by way of others; one to an agent out of reach is lost, as messages may be.
 */
export class Outbox {
  readonly #id: AgentId;
  readonly #roster: Roster;
  readonly #incarnation: number;
  readonly #routes: Routes;
  readonly #packets = new Map<AgentId, Packet[]>();
  /** The same, in the order in which it leaves. */
  #lanes: readonly (readonly [AgentId, Packet[]])[] = [];
  #hops = 0;
  /** Neighbours that get something. */
  #filled = 0;

  constructor(id: AgentId, incarnation: number, roster: Roster, routes: Routes) {
    this.#id = id;
    this.#roster = roster;
    this.#incarnation = incarnation;
    this.#routes = routes;
    this.rosterChanged();
  }

  /** The roster and the routes have grown. */
  rosterChanged(): void {
    for (const neighbour of this.#routes.neighbours())
      if (!this.#packets.has(neighbour)) this.#packets.set(neighbour, []);
    this.#lanes = [...this.#packets];
    // Room for a way into a dead end, back out of it and around; what circles ends soon.
    this.#hops = Math.min(this.#roster.size * 2, MAX_HOPS);
  }

  /** A consensus message of this agent. One to an agent that the log knows already and the roster does not is lost. @param sequence of its `send` event. */
  message(to: AgentId, sequence: number, payload: Uint8Array): void {
    const destination = this.#roster.placeOf(to);
    if (destination === undefined) return;
    const hop = this.#routes.nextHop(to);
    if (hop === undefined) return;
    if (hop === to) {
      this.#put(hop, { kind: "direct", sequence, payload });
      return;
    }
    const origin = this.#roster.placeOf(this.#id) as number;
    const [incarnation, hops] = [this.#incarnation, this.#hops];
    this.#put(hop, { kind: "relayed", origin, destination, hops, incarnation, sequence, payload });
  }

  /**
   * Another agent's message on its way through this one. It goes back where it came from only if there is no other way: whoever gets
   * it back learns thereby that its own first choice leads into a dead end (a link is down that it cannot see), and takes the next one.
   */
  relay(packet: RelayedPacket | RoutedPacket | AggregatePacket, from: AgentId): void {
    if (packet.hops <= 1) return;
    const to = this.#roster.at(packet.destination);
    if (to === undefined) return;
    const first = this.#routes.nextHop(to);
    const hop = first === from && first !== to ? (this.#routes.nextHopWithout(from, to) ?? first) : first;
    if (hop !== undefined) this.#put(hop, { ...packet, hops: packet.hops - 1 });
  }

  /** A message of membership. */
  gossip(to: AgentId, payload: Uint8Array): void {
    const hop = this.#routes.nextHop(to);
    if (hop === undefined) return;
    if (hop === to) {
      this.#put(hop, { kind: "gossip", payload });
      return;
    }
    this.#put(hop, { kind: "routed", ...this.#way(to), payload });
  }

  /** A message of an aggregate. */
  aggregate(to: AgentId, payload: Uint8Array): void {
    const hop = this.#routes.nextHop(to);
    if (hop !== undefined) this.#put(hop, { kind: "aggregate", ...this.#way(to), payload });
  }

  /** What only a peer with a connection can be told, a neighbour or not. */
  direct(peer: AgentId, packet: Packet): void {
    if (!this.#packets.has(peer)) {
      this.#packets.set(peer, []);
      this.#lanes = [...this.#packets];
    }
    this.#put(peer, packet);
  }

  flush(now: number, clock: HybridClock, network: Network, links: ReadonlyMap<AgentId, LinkMetrics>): void {
    if (this.#filled === 0) return;
    const hlc = clock.tick(now);
    const head = { sentAtMs: now, hlc, incarnation: this.#incarnation };
    for (const [neighbour, packets] of this.#lanes) {
      if (packets.length === 0) continue;
      for (const load of frameLoads(packets)) {
        const frame = encodeFrame(head, load);
        links.get(neighbour)?.sent(frame.length);
        network.send(neighbour, frame);
      }
      // One by one, which lets the array keep its room.
      while (packets.length > 0) packets.pop();
      if (--this.#filled === 0) return;
    }
  }

  #way(to: AgentId): Pick<RoutedPacket, "origin" | "destination" | "hops"> {
    const origin = this.#roster.placeOf(this.#id) as number;
    const destination = this.#roster.placeOf(to) as number;
    return { origin, destination, hops: this.#hops };
  }

  #put(neighbour: AgentId, packet: Packet): void {
    const packets = this.#packets.get(neighbour);
    if (packets === undefined) return;
    if (packets.push(packet) === 1) this.#filled++;
  }
}
