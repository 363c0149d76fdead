import type { AgentId } from "../../consensus.ts";
import { checkPlumtreeConfig } from "./config.ts";
import { History, keyOf } from "./history.ts";
import { MAX_ANNOUNCED, MAX_HOPS, MAX_PAYLOAD_BYTES } from "./limits.ts";
import { type Missing, MissingBroadcasts } from "./missing.ts";
import type {
  Announcement,
  BroadcastId,
  Delivery,
  PlumtreeConfig,
  PlumtreeFigures,
  PlumtreeMessage,
  PlumtreeObservation,
  PlumtreeReady,
} from "./types.ts";

/** What is to be announced to it; `eager`: the link is one of the tree, and it is pushed to. */
interface Neighbour {
  eager: boolean;
  announcements: Announcement[];
}

/**
 * One agent's part in the broadcast: see README.md in the folder above.
 *
 * Promise: each broadcast is delivered once, for as long as it is remembered; all that is kept is bounded. While the overlay of those that live is connected, whoever
 * lacks a broadcast hears of it from a neighbour that has it, and asks for it.
 */
export class Plumtree {
  readonly #config: PlumtreeConfig;
  readonly #neighbours = new Map<AgentId, Neighbour>();
  readonly #history: History;
  readonly #missing: MissingBroadcasts;
  #announceAtMs = Number.POSITIVE_INFINITY;
  #number = 0;
  #messages: { readonly to: AgentId; readonly message: PlumtreeMessage }[] = [];
  #deliveries: Delivery[] = [];
  #observations: PlumtreeObservation[] = [];
  #figures: PlumtreeFigures = { broadcast: 0, delivered: 0, redundant: 0, lastHops: null, grafted: 0, pruned: 0 };

  /** @throws RangeError when the configuration makes no sense. */
  constructor(config: PlumtreeConfig) {
    checkPlumtreeConfig(config);
    this.#config = config;
    this.#history = new History(config.remembered, config.keptBytes);
    this.#missing = new MissingBroadcasts(config.remembered);
  }

  /** Neighbours that are pushed to. */
  get eager(): AgentId[] {
    return [...this.#neighbours].flatMap(([peer, { eager }]) => (eager ? [peer] : []));
  }

  /** Neighbours that are only told what there is. */
  get lazy(): AgentId[] {
    return [...this.#neighbours].flatMap(([peer, { eager }]) => (eager ? [] : [peer]));
  }

  /** What it holds in memory. */
  get held(): { readonly remembered: number; readonly bytes: number; readonly missing: number } {
    return { remembered: this.#history.size, bytes: this.#history.bytes, missing: this.#missing.size };
  }

  /** Whether a neighbour is pushed to; undefined: it is none. */
  pushesTo(peer: AgentId): boolean | undefined {
    return this.#neighbours.get(peer)?.eager;
  }

  get figures(): PlumtreeFigures {
    return this.#figures;
  }

  /** A new link is taken to be one of the tree ("Dynamic Membership"). */
  neighbourUp(peer: AgentId): void {
    if (peer !== this.#config.id && !this.#neighbours.has(peer))
      this.#neighbours.set(peer, { eager: true, announcements: [] });
  }

  neighbourDown(peer: AgentId): void {
    this.#neighbours.delete(peer);
    this.#missing.forget(peer);
  }

  /** Tells everybody; it is not delivered here. @throws RangeError when it is too long */
  broadcast(payload: Uint8Array, now: number): BroadcastId {
    if (payload.length > MAX_PAYLOAD_BYTES)
      throw new RangeError(`${payload.length} bytes in one broadcast; at most ${MAX_PAYLOAD_BYTES}`);
    const id = { origin: this.#config.id, incarnation: this.#config.incarnation, number: ++this.#number };
    this.#history.add(keyOf(id), 0, payload);
    this.#count("broadcast");
    this.#push({ id, hops: 0 }, payload, undefined, now);
    return id;
  }

  heard(from: AgentId, message: PlumtreeMessage, now: number): void {
    switch (message.type) {
      case "broadcast":
        this.#pushed(from, message, message.payload, now);
        return;
      case "ihave":
        for (const { id, hops } of message.announcements) {
          const key = keyOf(id);
          if (this.#history.has(key)) continue;
          this.#missing.announced(id, key, { peer: from, hops }, now + this.#config.missingMs);
        }
        return;
      case "graft":
        this.#set(from, true);
        if (message.id !== undefined) this.#give(from, message.id);
        return;
      case "prune":
        this.#set(from, false);
        return;
    }
  }

  tick(now: number): void {
    for (let missing = this.#missing.takeDue(now); missing !== undefined; missing = this.#missing.takeDue(now))
      this.#askFor(missing, now);
    if (now >= this.#announceAtMs) this.#announce();
  }

  deadline(): number {
    return Math.min(this.#announceAtMs, this.#missing.earliestMs());
  }

  take(now: number): PlumtreeReady | undefined {
    if (now >= this.#announceAtMs) this.#announce();
    if (this.#messages.length === 0 && this.#deliveries.length === 0 && this.#observations.length === 0)
      return undefined;
    const ready = { messages: this.#messages, deliveries: this.#deliveries, observations: this.#observations };
    this.#messages = [];
    this.#deliveries = [];
    this.#observations = [];
    return ready;
  }

  // --- the tree ("Gossip and Tree Construction") ---

  #pushed(from: AgentId, { id, hops }: Announcement, payload: Uint8Array, now: number): void {
    const key = keyOf(id);
    if (this.#history.has(key)) {
      this.#count("redundant");
      this.#prune(from);
      return;
    }
    this.#history.add(key, hops, payload);
    this.#count("delivered");
    this.#figures = { ...this.#figures, lastHops: hops };
    this.#deliveries.push({ id, hops, payload, from });
    this.#set(from, true);
    this.#push({ id, hops }, payload, from, now);
    const missing = this.#missing.get(key);
    if (missing === undefined) return;
    this.#missing.delete(missing);
    // Last: whom it grafts now has this one.
    this.#shorten(from, hops, missing);
  }

  /** @param before who has it already */
  #push({ id, hops }: Announcement, payload: Uint8Array, before: AgentId | undefined, now: number): void {
    if (hops >= MAX_HOPS) return;
    const next = { id, hops: hops + 1 };
    // One object for all: it is encoded once.
    const message = { type: "broadcast" as const, ...next, payload };
    for (const [peer, neighbour] of this.#neighbours) {
      if (peer === before) continue;
      if (neighbour.eager) {
        this.#send(peer, message);
        continue;
      }
      // Who does not hear of the oldest any more hears of it from others.
      if (neighbour.announcements.length >= this.#config.remembered) neighbour.announcements.shift();
      neighbour.announcements.push(next);
      this.#announceAtMs = Math.min(this.#announceAtMs, now + this.#config.gatherMs);
    }
  }

  #announce(): void {
    this.#announceAtMs = Number.POSITIVE_INFINITY;
    for (const [peer, neighbour] of this.#neighbours) {
      for (let at = 0; at < neighbour.announcements.length; at += MAX_ANNOUNCED)
        this.#send(peer, { type: "ihave", announcements: neighbour.announcements.slice(at, at + MAX_ANNOUNCED) });
      if (neighbour.announcements.length > 0) neighbour.announcements = [];
    }
  }

  // --- mending it ("Fault Tolerance and Tree Repair") ---

  #askFor(missing: Missing, now: number): void {
    const holder = missing.holders.shift();
    if (holder === undefined) {
      // Nobody is left to be asked: whoever announces it next is.
      this.#missing.delete(missing);
      return;
    }
    this.#missing.again(missing, now + this.#config.againMs);
    this.#graft(holder.peer, { type: "graft", id: missing.id }, "missing");
  }

  #give(to: AgentId, id: BroadcastId): void {
    const kept = this.#history.get(keyOf(id));
    if (kept !== undefined && kept.hops < MAX_HOPS)
      this.#send(to, { type: "broadcast", id, hops: kept.hops + 1, payload: kept.payload });
  }

  // --- shortening it ("Optimization") ---

  /** The broadcast came from `from`; a neighbour that had announced it before would have been a shorter way. */
  #shorten(from: AgentId, hops: number, { holders }: Missing): void {
    let best: Missing["holders"][number] | undefined;
    for (const holder of holders)
      if (this.#neighbours.has(holder.peer) && holder.hops < (best?.hops ?? hops)) best = holder;
    if (best === undefined || best.peer === from || hops - best.hops < this.#config.threshold) return;
    this.#graft(best.peer, { type: "graft" }, "shorter");
    this.#prune(from);
  }

  #graft(peer: AgentId, message: PlumtreeMessage, reason: "missing" | "shorter"): void {
    if (this.#set(peer, true)) {
      this.#count("grafted");
      this.#observations.push({ type: "grafted", peer, reason });
    }
    this.#send(peer, message);
  }

  #prune(peer: AgentId): void {
    if (this.#set(peer, false)) {
      this.#count("pruned");
      this.#observations.push({ type: "pruned", peer });
    }
    this.#send(peer, { type: "prune" });
  }

  /** @returns whether it was otherwise before; a peer that is no neighbour is nothing. */
  #set(peer: AgentId, eager: boolean): boolean {
    const neighbour = this.#neighbours.get(peer);
    if (neighbour === undefined || neighbour.eager === eager) return false;
    neighbour.eager = eager;
    return true;
  }

  #count(what: "broadcast" | "delivered" | "redundant" | "grafted" | "pruned"): void {
    this.#figures = { ...this.#figures, [what]: this.#figures[what] + 1 };
  }

  #send(to: AgentId, message: PlumtreeMessage): void {
    this.#messages.push({ to, message });
  }
}
