import type { AgentId } from "../../consensus.ts";
import type { Crypto } from "../../crypto.ts";
import { invariant } from "../../invariant.ts";
import type { Random } from "../../random.ts";
import type { Link } from "../types.ts";
import { MAX_ADVERTS, MAX_FORGED_TOLD, MAX_PEERS } from "./limits.ts";
import { signedBytes } from "./signing.ts";
import type { AdvertNumber, ForgedAdvert, LinkAdvert, LinkStateMessage, LinkStateReady } from "./types.ts";

export interface LinkStateConfig {
  readonly id: AgentId;
  /** An advert of another swarm counts for nothing in this one. */
  readonly swarm: string;
  /** Of this agent: what it said in an earlier one counts no more. */
  readonly incarnation: number;
  /** So often one neighbour is told which adverts this agent has, which mends what was lost on the way, ms. */
  readonly againMs: number;
}

/**
 * Which links there are, where nobody configured them: every agent broadcasts who it has links with, signed, and keeps what others say. What a broadcast missed is mended from neighbour to neighbour: the numbers of
 * all adverts that an agent has are told to each new one, and now and then to one; who has newer ones tells those, who has older ones its own numbers, and what is news is flooded on.
 *
 * Promise: a link is known once both its ends say that they have it, and no more once one of them does not; what an agent said last wins wherever it arrives, in any order and however often; nobody is believed
 * about another's links; memory is one advert an agent. Agents that hang together and whose links have ceased to change know the same, once broadcasts have reached all, else after some rounds of `againMs`.
 */
export class LinkState {
  readonly #config: LinkStateConfig;
  readonly #crypto: Crypto;
  readonly #random: Random;
  #roster: readonly AgentId[] = [];
  readonly #places = new Map<AgentId, number>();
  readonly #adverts = new Map<AgentId, LinkAdvert>();
  /** With whom this agent has links. */
  #peers: readonly AgentId[] = [];
  #number = 0;
  /** Adverts to be told, by neighbour. */
  readonly #due = new Map<AgentId, Set<AgentId>>();
  /** Neighbours to be told which adverts this agent has. */
  readonly #toCompare = new Set<AgentId>();
  /** Its own one is to be broadcast. */
  #unsaid = false;
  #againAtMs: number;
  #changed = false;
  #forged: ForgedAdvert[] = [];

  constructor(config: LinkStateConfig, roster: readonly AgentId[], now: number, random: Random, crypto: Crypto) {
    this.#config = config;
    this.#crypto = crypto;
    this.#random = random;
    this.#againAtMs = now + (1 - random.float()) * config.againMs;
    this.grow(roster);
  }

  grow(roster: readonly AgentId[]): void {
    this.#roster = roster;
    for (let place = this.#places.size; place < roster.length; place++)
      this.#places.set(roster[place] as AgentId, place);
  }

  /** A link of this agent's came up. @throws InvariantViolation for more links than can be told of, and for an agent that is not in the roster */
  up(peer: AgentId): void {
    if (this.#peers.includes(peer)) return;
    this.#say([...this.#peers, peer]);
    this.#toCompare.add(peer);
  }

  down(peer: AgentId): void {
    if (!this.#peers.includes(peer)) return;
    this.#due.delete(peer);
    this.#toCompare.delete(peer);
    this.#say(this.#peers.filter((one) => one !== peer));
  }

  /** By a neighbour: what is new goes on to the others. */
  heard(from: AgentId, message: LinkStateMessage): void {
    if (message.type === "known") this.#compare(from, message.known);
    else
      for (const advert of message.adverts) {
        if (!this.#isNews(advert)) continue;
        // Neighbours pass on only what they believed themselves: whoever passes on a forged one forges, and the rest is not worth a look.
        if (!this.#believe(advert, from)) return;
        for (const peer of this.#peers) if (peer !== from) this.#owe(peer, advert.origin);
      }
  }

  /** By a broadcast, which goes on by itself. */
  heardBroadcast(adverts: readonly LinkAdvert[]): void {
    for (const advert of adverts) if (this.#isNews(advert) && !this.#believe(advert)) return;
  }

  tick(now: number): void {
    if (now < this.#againAtMs) return;
    this.#againAtMs = now + this.#config.againMs;
    if (this.#peers.length > 0) this.#toCompare.add(this.#random.pick(this.#peers));
  }

  deadline(): number {
    return this.#againAtMs;
  }

  take(): LinkStateReady | undefined {
    const idle = this.#due.size === 0 && this.#toCompare.size === 0 && this.#forged.length === 0;
    if (idle && !this.#unsaid && !this.#changed) return undefined;
    const messages: { readonly to: AgentId; readonly message: LinkStateMessage }[] = [];
    for (const [to, origins] of this.#due) {
      const adverts = [...origins].map((origin) => this.#adverts.get(origin) as LinkAdvert);
      for (let from = 0; from < adverts.length; from += MAX_ADVERTS)
        messages.push({ to, message: { type: "adverts", adverts: adverts.slice(from, from + MAX_ADVERTS) } });
    }
    const known = this.#toCompare.size === 0 ? [] : [...this.#adverts.values()].map(numberOf);
    for (const to of this.#toCompare) messages.push({ to, message: { type: "known", known } });
    const own = this.#unsaid ? this.#adverts.get(this.#config.id) : undefined;
    const ready = { messages, changed: this.#changed, forged: this.#forged };
    this.#due.clear();
    this.#toCompare.clear();
    this.#changed = false;
    this.#unsaid = false;
    this.#forged = [];
    return own === undefined ? ready : { ...ready, broadcast: own };
  }

  /** Those that both ends have, and this agent's own as soon as it has them. Each once, its ends in the order of the roster. */
  links(): Link[] {
    const self = this.#config.id;
    const selfPlace = this.#places.get(self) ?? -1;
    const own = this.#peers.map((peer) =>
      (this.#places.get(peer) as number) < selfPlace ? { a: peer, b: self } : { a: self, b: peer },
    );
    const others = this.#roster.flatMap((a, place) => {
      if (a === self) return [];
      const later = (this.#adverts.get(a)?.peers ?? []).filter((other) => other > place && other !== selfPlace);
      return later.flatMap((other) => {
        const b = this.#roster[other];
        return b !== undefined && this.#says(b, place) ? [{ a, b }] : [];
      });
    });
    return [...own, ...others];
  }

  /** Those of these that cannot be reached over the links that are known. */
  unreached(agents: readonly AgentId[]): AgentId[] {
    const self = this.#config.id;
    const reached = new Set([self, ...this.#peers]);
    for (const id of reached) {
      if (id === self) continue;
      for (const place of this.#adverts.get(id)?.peers ?? []) {
        const peer = this.#roster[place];
        if (peer !== undefined && this.#says(peer, this.#places.get(id) as number)) reached.add(peer);
      }
    }
    return agents.filter((id) => !reached.has(id));
  }

  #says(id: AgentId, place: number): boolean {
    return this.#adverts.get(id)?.peers.includes(place) === true;
  }

  #say(peers: readonly AgentId[]): void {
    invariant(peers.length <= MAX_PEERS, "link state: an agent has no more links than it can tell of");
    const { id: origin, swarm, incarnation: life } = this.#config;
    const places = peers.map((peer) => {
      const place = this.#places.get(peer);
      invariant(place !== undefined, "link state: a neighbour is in the roster");
      return place;
    });
    this.#peers = peers;
    this.#number++;
    const advert = { origin, life, number: this.#number, peers: places };
    this.#adverts.set(origin, { ...advert, signature: this.#crypto.sign(signedBytes(swarm, advert)) });
    this.#changed = true;
    this.#unsaid = true;
  }

  #isNews(advert: AdvertNumber): boolean {
    // Of itself it knows best.
    return advert.origin !== this.#config.id && isNewer(advert, this.#adverts.get(advert.origin));
  }

  /** @returns whether its origin has signed it */
  #believe(advert: LinkAdvert, from?: AgentId): boolean {
    const { origin, signature } = advert;
    if (!this.#crypto.verify(origin, signedBytes(this.#config.swarm, advert), signature)) {
      if (this.#forged.length < MAX_FORGED_TOLD) this.#forged.push(from === undefined ? { origin } : { origin, from });
      return false;
    }
    this.#adverts.set(origin, advert);
    this.#changed = true;
    return true;
  }

  /** A neighbour has these. */
  #compare(from: AgentId, known: readonly AdvertNumber[]): void {
    if (!this.#peers.includes(from)) return;
    const theirs = new Map(known.map((one) => [one.origin, one]));
    for (const [origin, advert] of this.#adverts) if (isNewer(advert, theirs.get(origin))) this.#owe(from, origin);
    if (known.some((one) => this.#isNews(one))) this.#toCompare.add(from);
  }

  #owe(peer: AgentId, origin: AgentId): void {
    const due = this.#due.get(peer);
    if (due === undefined) this.#due.set(peer, new Set([origin]));
    else due.add(origin);
  }
}

function isNewer({ life, number }: AdvertNumber, than: AdvertNumber | undefined): boolean {
  return than === undefined || life > than.life || (life === than.life && number > than.number);
}

function numberOf({ origin, life, number }: AdvertNumber): AdvertNumber {
  return { origin, life, number };
}
