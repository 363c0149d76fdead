import type { AgentId } from "../../consensus.ts";
import { invariant } from "../../invariant.ts";
import type { Random } from "../../random.ts";
import type { Link } from "../types.ts";
import { MAX_ADVERTS, MAX_PEERS } from "./limits.ts";
import type { LinkAdvert, LinkStateReady } from "./types.ts";

export interface LinkStateConfig {
  readonly id: AgentId;
  /** Of this agent: what it said in an earlier one counts no more. */
  readonly incarnation: number;
  /** So often all that is known is told to one neighbour, which mends what was lost on the way, ms. */
  readonly againMs: number;
}

/**
 * Which links there are, where nobody configured them: every agent broadcasts who it has links with, and keeps what others say. What a broadcast missed is mended from neighbour to neighbour: all that is known is
 * told to each new one, and now and then to one, and what is news to it is flooded on.
 *
 * Promise: a link is known once both its ends say that they have it, and no more once one of them does not; what an agent said last wins wherever it arrives, in any order and however often; memory is one
 * advert an agent. Agents that hang together and whose links have ceased to change know the same, once broadcasts have reached all, else after some rounds of `againMs`.
 */
export class LinkState {
  readonly #config: LinkStateConfig;
  readonly #random: Random;
  #roster: readonly AgentId[];
  readonly #adverts = new Map<AgentId, LinkAdvert>();
  #own: LinkAdvert;
  /** To be told, by neighbour. */
  readonly #due = new Map<AgentId, Set<AgentId>>();
  /** Its own one is to be broadcast. */
  #unsaid = false;
  #againAtMs: number;
  #changed = false;

  constructor(config: LinkStateConfig, roster: readonly AgentId[], now: number, random: Random) {
    this.#config = config;
    this.#random = random;
    this.#roster = roster;
    this.#own = { origin: config.id, life: config.incarnation, number: 0, peers: [] };
    this.#adverts.set(config.id, this.#own);
    this.#againAtMs = now + (1 - random.float()) * config.againMs;
  }

  grow(roster: readonly AgentId[]): void {
    this.#roster = roster;
  }

  /** A link of this agent's came up: the neighbour is told all that is known. @throws InvariantViolation for more links than can be told of */
  up(peer: AgentId): void {
    if (this.#own.peers.includes(peer)) return;
    this.#say([...this.#own.peers, peer]);
    this.#due.set(peer, new Set(this.#adverts.keys()));
  }

  down(peer: AgentId): void {
    if (!this.#own.peers.includes(peer)) return;
    this.#due.delete(peer);
    this.#say(this.#own.peers.filter((one) => one !== peer));
  }

  /** By a neighbour: what is new goes on to the others. */
  heard(from: AgentId, adverts: readonly LinkAdvert[]): void {
    for (const advert of adverts) if (this.#take(advert)) this.#passOn(advert.origin, from);
  }

  /** By a broadcast, which goes on by itself. */
  heardBroadcast(adverts: readonly LinkAdvert[]): void {
    for (const advert of adverts) this.#take(advert);
  }

  tick(now: number): void {
    if (now < this.#againAtMs) return;
    this.#againAtMs = now + this.#config.againMs;
    const { peers } = this.#own;
    if (peers.length > 0) this.#due.set(this.#random.pick(peers), new Set(this.#adverts.keys()));
  }

  deadline(): number {
    return this.#againAtMs;
  }

  take(): LinkStateReady | undefined {
    if (this.#due.size === 0 && !this.#unsaid && !this.#changed) return undefined;
    const messages: { readonly to: AgentId; readonly adverts: readonly LinkAdvert[] }[] = [];
    for (const [to, origins] of this.#due) {
      const adverts = [...origins].map((origin) => this.#adverts.get(origin) as LinkAdvert);
      for (let from = 0; from < adverts.length; from += MAX_ADVERTS)
        messages.push({ to, adverts: adverts.slice(from, from + MAX_ADVERTS) });
    }
    this.#due.clear();
    const changed = this.#changed;
    const broadcast = this.#unsaid ? this.#own : undefined;
    this.#changed = false;
    this.#unsaid = false;
    return broadcast === undefined ? { messages, changed } : { broadcast, messages, changed };
  }

  /** Those that both ends have, and this agent's own as soon as it has them. Each once, its ends in the order of the roster. */
  links(): Link[] {
    const self = this.#config.id;
    const places = new Map(this.#roster.map((id, place) => [id, place]));
    const placeOf = (id: AgentId): number => places.get(id) ?? -1;
    const own = this.#own.peers.map((peer) =>
      placeOf(peer) < placeOf(self) ? { a: peer, b: self } : { a: self, b: peer },
    );
    const others = this.#roster.flatMap((a) => {
      if (a === self) return [];
      const peers = this.#adverts.get(a)?.peers ?? [];
      const later = peers.filter((b) => b !== self && placeOf(b) > placeOf(a) && this.#says(b, a));
      return later.map((b) => ({ a, b }));
    });
    return [...own, ...others];
  }

  /** Those of these that cannot be reached over the links that are known. */
  unreached(agents: readonly AgentId[]): AgentId[] {
    const self = this.#config.id;
    const reached = new Set([self, ...this.#own.peers]);
    for (const id of reached)
      for (const peer of id === self ? [] : (this.#adverts.get(id)?.peers ?? []))
        if (this.#says(peer, id)) reached.add(peer);
    return agents.filter((id) => !reached.has(id));
  }

  #says(id: AgentId, peer: AgentId): boolean {
    return this.#adverts.get(id)?.peers.includes(peer) === true;
  }

  #say(peers: readonly AgentId[]): void {
    invariant(peers.length <= MAX_PEERS, "link state: an agent has no more links than it can tell of");
    this.#own = { ...this.#own, number: this.#own.number + 1, peers };
    this.#adverts.set(this.#config.id, this.#own);
    this.#changed = true;
    this.#unsaid = true;
  }

  /** @returns whether it is news */
  #take(advert: LinkAdvert): boolean {
    const { origin, life, number } = advert;
    // Of itself it knows best.
    if (origin === this.#config.id) return false;
    const known = this.#adverts.get(origin);
    if (known !== undefined && (life < known.life || (life === known.life && number <= known.number))) return false;
    this.#adverts.set(origin, advert);
    this.#changed = true;
    return true;
  }

  #passOn(origin: AgentId, from: AgentId): void {
    for (const peer of this.#own.peers) {
      if (peer === from) continue;
      const due = this.#due.get(peer);
      if (due === undefined) this.#due.set(peer, new Set([origin]));
      else due.add(origin);
    }
  }
}
