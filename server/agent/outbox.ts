import type { AgentId } from "../core/consensus.ts";
import type { Routes } from "../core/overlay/routes.ts";
import type { HybridClock } from "./clock.ts";
import { encodeFrame, frameLoads, MAX_HOPS, type Packet, type RelayedPacket } from "./frame.ts";
import type { LinkMetrics } from "./metrics.ts";
import type { Network } from "./world.ts";

/**
 * What is to leave in this turn, gathered into one frame a neighbour (more only where one would be too large). A message to an agent without a link
 * goes by way of others; one to an agent out of reach is lost, as messages may be.
 */
export class Outbox {
  readonly #places: ReadonlyMap<AgentId, number>;
  readonly #roster: readonly AgentId[];
  readonly #self: number;
  readonly #incarnation: number;
  readonly #routes: Routes;
  /** In roster order. */
  readonly #packets: ReadonlyMap<AgentId, Packet[]>;
  readonly #hops: number;
  #any = false;

  constructor(id: AgentId, incarnation: number, roster: readonly AgentId[], routes: Routes) {
    this.#roster = roster;
    this.#places = new Map(roster.map((one, place) => [one, place]));
    this.#self = this.#places.get(id) as number;
    this.#incarnation = incarnation;
    this.#routes = routes;
    this.#packets = new Map(routes.neighbours().map((neighbour) => [neighbour, []]));
    // Room for a way into a dead end, back out of it and around; what circles ends soon.
    this.#hops = Math.min(roster.length * 2, MAX_HOPS);
  }

  /** A consensus message of this agent. @param sequence of its `send` event. */
  message(to: AgentId, sequence: number, payload: Uint8Array): void {
    const hop = this.#routes.nextHop(to);
    if (hop === undefined) return;
    if (hop === to) {
      this.#put(hop, { kind: "direct", sequence, payload });
      return;
    }
    const destination = this.#places.get(to) as number;
    const [origin, incarnation, hops] = [this.#self, this.#incarnation, this.#hops];
    this.#put(hop, { kind: "relayed", origin, destination, hops, incarnation, sequence, payload });
  }

  /**
   * Another agent's message on its way through this one. It goes back where it came from only if there is no other way: whoever gets
   * it back learns thereby that its own first choice leads into a dead end (a link is down that it cannot see), and takes the next one.
   */
  relay(packet: RelayedPacket, from: AgentId): void {
    if (packet.hops <= 1) return;
    const to = this.#roster[packet.destination] as AgentId;
    const first = this.#routes.nextHop(to);
    const hop = first === from && first !== to ? (this.#nextHopAvoiding(from, to) ?? first) : first;
    if (hop !== undefined) this.#put(hop, { ...packet, hops: packet.hops - 1 });
  }

  gossip(to: AgentId, payload: Uint8Array): void {
    this.#put(to, { kind: "gossip", payload });
  }

  flush(now: number, clock: HybridClock, network: Network, links: ReadonlyMap<AgentId, LinkMetrics>): void {
    if (!this.#any) return;
    this.#any = false;
    const hlc = clock.tick(now);
    const head = { sentAtMs: now, hlc, incarnation: this.#incarnation };
    for (const [neighbour, packets] of this.#packets) {
      if (packets.length === 0) continue;
      for (const load of frameLoads(packets)) {
        const frame = encodeFrame(head, load);
        links.get(neighbour)?.sent(frame.length);
        network.send(neighbour, frame);
      }
      packets.length = 0;
    }
  }

  #nextHopAvoiding(neighbour: AgentId, to: AgentId): AgentId | undefined {
    const self = this.#roster[this.#self] as AgentId;
    this.#routes.setLink(self, neighbour, false);
    const hop = this.#routes.nextHop(to);
    this.#routes.setLink(self, neighbour, true);
    return hop;
  }

  #put(neighbour: AgentId, packet: Packet): void {
    this.#packets.get(neighbour)?.push(packet);
    this.#any = true;
  }
}
