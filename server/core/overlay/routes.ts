import type { AgentId } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import { placesIn } from "../places.ts";
import type { Link } from "./types.ts";

/**
 * Where an agent sends what is for an agent it has no link with: the next hop on a shortest path over the configured links, around agents and links
 * that are known to be down. Everything counts as up until it is said to be down. Breadth first once per change, at the first question after it; among
 * shortest paths the one whose agents come first in the roster, so that the same knowledge gives the same route everywhere.
 *
 * Agents whose knowledge differs for a moment may send a message in a circle: whoever relays must count hops down.
 */
export class Routes {
  readonly #self: number;
  #ids: readonly AgentId[] = [];
  #places: ReadonlyMap<AgentId, number> = new Map();
  /** Per agent the places of those it has a configured link with, in roster order. */
  #linked: readonly (readonly number[])[] = [];
  readonly #downMembers = new Set<number>();
  readonly #downLinks = new Set<number>();
  /** Per agent which of this one's neighbours is the first hop towards it, counted from 1; 0 when out of reach, and for this agent itself. undefined after a change. A byte for each, as few have 255 links. */
  #firstHops: Uint8Array | Uint16Array | undefined;
  /** As of then. */
  #meanHops = 0;
  #mostHops = 0;

  /** @throws RangeError when `self` or the end of a link is not in the roster. */
  constructor(self: AgentId, ids: readonly AgentId[], links: readonly Link[]) {
    this.#map(ids, links);
    this.#self = this.#placeOf(self);
  }

  /**
   * There are more agents, and links; what is known to be down stays so.
   * @throws RangeError unless `ids` begins with the roster as it was, and for a link that ends outside of it.
   */
  grow(ids: readonly AgentId[], links: readonly Link[]): void {
    if (this.#ids.some((id, place) => ids[place] !== id))
      throw new RangeError("agents are only added, behind those that are known");
    this.#map(ids, links);
  }

  /** A link is known to be up or down, wherever it is. Links that are not configured are ignored. */
  setLink(a: AgentId, b: AgentId, up: boolean): void {
    const from = this.#placeOf(a);
    const to = this.#placeOf(b);
    if (this.#linked[from]?.includes(to)) this.#change(this.#downLinks, this.#linkKey(from, to), up);
  }

  /** An agent is known to be up or down. What concerns oneself is ignored. */
  setMember(id: AgentId, up: boolean): void {
    const place = this.#placeOf(id);
    if (place !== this.#self) this.#change(this.#downMembers, place, up);
  }

  /**
   * The neighbour to hand a message for `to` to; `to` itself when there is a link up. undefined when it is out of reach, down, or oneself. An agent that
   * is known to be down is still told over a direct link that is up: hearing from others is how it can correct them.
   */
  nextHop(to: AgentId): AgentId | undefined {
    return this.#idOf(this.hopTo(this.#placeOf(to)));
  }

  /** The same by places: which of `neighbours`, counted from 0; -1 for nobody. @param to a place in the roster */
  hopTo(to: number): number {
    const hop = this.#hops()[to] as number;
    // A neighbour that is held for down is none of those within reach, and is told over its own link.
    return hop > 0 || !this.#linkUp(this.#self, to) ? hop - 1 : (this.#linked[this.#self] ?? []).indexOf(to);
  }

  /** The same as if the link with that neighbour were down. */
  nextHopWithout(neighbour: AgentId, to: AgentId): AgentId | undefined {
    const link = this.#linkKey(this.#self, this.#placeOf(neighbour));
    if (this.#downLinks.has(link)) return this.nextHop(to);
    const place = this.#placeOf(to);
    const [hops, meanHops, mostHops] = [this.#firstHops, this.#meanHops, this.#mostHops];
    this.#downLinks.add(link);
    this.#firstHops = undefined;
    const hop = this.nextHop(this.#ids[place] as AgentId);
    this.#downLinks.delete(link);
    this.#firstHops = hops;
    this.#meanHops = meanHops;
    this.#mostHops = mostHops;
    return hop;
  }

  /** Those with a configured link, up or not, in roster order. */
  neighbours(): AgentId[] {
    return (this.#linked[this.#self] ?? []).map((place) => this.#ids[place] as AgentId);
  }

  /** Links on the shortest way to another agent within reach, on average; 0: there is none. */
  meanHops(): number {
    this.#hops();
    return this.#meanHops;
  }

  /** The same of the agent that most are to (its eccentricity). */
  mostHops(): number {
    this.#hops();
    return this.#mostHops;
  }

  /** All who can be reached over what is up, oneself among them, in roster order. */
  reachable(): AgentId[] {
    const hops = this.#hops();
    return this.#ids.filter((_, place) => hops[place] !== 0 || place === this.#self);
  }

  #map(ids: readonly AgentId[], links: readonly Link[]): void {
    this.#ids = ids;
    this.#places = placesIn(ids);
    this.#linked = linkedBy(ids, links);
    this.#firstHops = undefined;
  }

  #hops(): Uint8Array | Uint16Array {
    if (this.#firstHops !== undefined) return this.#firstHops;
    const own = this.#linked[this.#self] ?? [];
    const size = this.#ids.length;
    const hops = own.length <= 0xff ? new Uint8Array(size) : new Uint16Array(size);
    if (queue.length < size) queue = new Int32Array(size);
    queue[0] = this.#self;
    let length = 1;
    let [depth, levelEnd, allHops] = [0, 1, 0];
    for (let at = 0; at < length; at++) {
      if (at === levelEnd) {
        depth++;
        allHops += depth * (length - at);
        levelEnd = length;
      }
      const from = queue[at] as number;
      const linked = this.#linked[from] ?? [];
      for (let next = 0; next < linked.length; next++) {
        const to = linked[next] as number;
        if (hops[to] !== 0 || to === this.#self || this.#downMembers.has(to)) continue;
        if (this.#downLinks.size > 0 && this.#downLinks.has(this.#linkKey(from, to))) continue;
        hops[to] = from === this.#self ? next + 1 : (hops[from] as number);
        queue[length++] = to;
      }
    }
    invariant(length <= size, "routes: breadth first meets every agent once");
    this.#firstHops = hops;
    this.#meanHops = length === 1 ? 0 : allHops / (length - 1);
    this.#mostHops = depth;
    return hops;
  }

  #idOf(hop: number): AgentId | undefined {
    const place = this.#linked[this.#self]?.[hop];
    return place === undefined ? undefined : this.#ids[place];
  }

  #linkUp(from: number, to: number): boolean {
    return this.#linked[from]?.includes(to) === true && !this.#downLinks.has(this.#linkKey(from, to));
  }

  #linkKey(one: number, other: number): number {
    // The same however the roster grows: pairs in the order of their later end.
    const high = Math.max(one, other);
    return (high * (high - 1)) / 2 + Math.min(one, other);
  }

  #change(down: Set<number>, key: number, up: boolean): void {
    const changed = up ? down.delete(key) : !down.has(key);
    if (!up) down.add(key);
    if (changed) this.#firstHops = undefined;
  }

  #placeOf(id: AgentId): number {
    const place = this.#places.get(id);
    if (place === undefined) throw new RangeError(`${id} is not in the roster`);
    return place;
  }
}

/** Whom breadth first is still to go on from, for as long as it goes: one for all, as many agents would keep it for nothing. */
let queue = new Int32Array(0);

const LINKED = new WeakMap<
  readonly Link[],
  { readonly ids: readonly AgentId[]; readonly linked: readonly (readonly number[])[] }
>();

/** Of each agent those that it has a link with, by place. Neither list is to change any more: of a simulated swarm all agents ask about the same two. @throws RangeError for a link that ends outside of the roster */
function linkedBy(ids: readonly AgentId[], links: readonly Link[]): readonly (readonly number[])[] {
  const known = LINKED.get(links);
  if (known?.ids === ids) return known.linked;
  const places = placesIn(ids);
  const placeOf = (id: AgentId): number => {
    const place = places.get(id);
    if (place === undefined) throw new RangeError(`${id} is not in the roster`);
    return place;
  };
  const sets: Set<number>[] = ids.map(() => new Set());
  for (const { a, b } of links) {
    sets[placeOf(a)]?.add(placeOf(b));
    sets[placeOf(b)]?.add(placeOf(a));
  }
  const linked = sets.map((set) => [...set].sort((one, other) => one - other));
  LINKED.set(links, { ids, linked });
  return linked;
}
