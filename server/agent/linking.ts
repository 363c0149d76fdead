import type { AgentId } from "../core/consensus.ts";
import type { Crypto } from "../core/crypto.ts";
import { invariant } from "../core/invariant.ts";
import { HyParView } from "../core/overlay/hyparview/hyparview.ts";
import type { HyParViewConfig, HyParViewMessage, HyParViewObservation } from "../core/overlay/hyparview/types.ts";
import { LinkState } from "../core/overlay/link-state/link-state.ts";
import type { ForgedAdvert, LinkAdvert, LinkStateMessage } from "../core/overlay/link-state/types.ts";
import type { Link } from "../core/overlay/types.ts";
import type { Random } from "../core/random.ts";
import type { Dialler } from "./world.ts";

/** Messages that wait for one connection; what is more replaces the oldest. */
const MAX_WAITING = 8;
/** Whom nobody leads to is looked for less and less often, down to once in so many intervals. */
const SEEK_AT_LEAST_EVERY = 8;

/** A connection with somebody: asked for, there, or being closed. */
interface Connection {
  state: "opening" | "open" | "closing";
  readonly waiting: HyParViewMessage[];
  /** One that is not of a neighbour is kept until then, ms. */
  untilMs: number;
}

/** What an agent's links have become. */
export interface Linked {
  readonly up: readonly AgentId[];
  /** `closed`: by the other side or on the way, not because this agent has another neighbour now. */
  readonly down: readonly { readonly peer: AgentId; readonly closed: boolean }[];
  /** All links that are known, when they have changed. */
  readonly links?: readonly Link[];
  readonly observations: readonly HyParViewObservation[];
  readonly views: readonly { readonly to: AgentId; readonly message: HyParViewMessage }[];
  readonly linkState: readonly { readonly to: AgentId; readonly message: LinkStateMessage }[];
  readonly forged: readonly ForgedAdvert[];
  /** This agent's own, for all others. */
  readonly broadcast?: LinkAdvert;
}

export interface LinkingOptions {
  readonly views: HyParViewConfig;
  readonly swarm: string;
  readonly incarnation: number;
  /** From one look for agents that cannot be reached to the next, and for telling a neighbour all links, ms. */
  readonly intervalMs: number;
  readonly roster: readonly AgentId[];
  /** Those that there may be. */
  readonly links: readonly Link[];
  readonly trust: (id: AgentId) => number;
}

/**
 * An agent's part in an overlay that nobody plans. It runs HyParView, has its world open and close connections as that wants, and finds out by link state which links there are.
 *
 * A *link* is a connection with a neighbour of the active view; only links are told to others and carry what agents say to each other. Requests and answers between agents that are no neighbours go over a
 * connection that is opened for them and closed `answerMs` after the last of them.
 */
export class Linking {
  readonly #views: HyParView;
  readonly #links: LinkState;
  readonly #dialler: Dialler;
  readonly #random: Random;
  readonly #answerMs: number;
  readonly #intervalMs: number;
  readonly #self: AgentId;
  #peers: readonly AgentId[] = [];
  readonly #connections = new Map<AgentId, Connection>();
  readonly #linked = new Set<AgentId>();
  /** Of links whose connection went down by itself since the last turn. */
  readonly #closed = new Set<AgentId>();
  #seekAtMs: number;
  #seekWaits = 1;
  #unreached = "";
  /** Those of them that were not tried yet in this round. */
  #untried: AgentId[] = [];
  /** Something came in since the last turn: there may be something to do, and the deadline is another. */
  #stirred = true;
  #deadlineMs = 0;

  constructor(options: LinkingOptions, dialler: Dialler, now: number, random: Random, crypto: Crypto) {
    const { views, swarm, incarnation, intervalMs, roster, links, trust } = options;
    this.#self = views.id;
    this.#dialler = dialler;
    this.#random = random.fork("seek");
    this.#answerMs = views.answerMs;
    this.#intervalMs = intervalMs;
    this.#views = new HyParView(views, now, random.fork("views"), trust);
    const advertises = { id: views.id, swarm, incarnation, againMs: intervalMs };
    this.#links = new LinkState(advertises, roster, now, random.fork("links"), crypto);
    this.#seekAtMs = now + intervalMs * (1 + this.#random.float());
    this.#meet(links);
  }

  grow(roster: readonly AgentId[], links: readonly Link[]): void {
    this.#stirred = true;
    this.#links.grow(roster);
    this.#meet(links);
  }

  /** All that are known. */
  get links(): readonly Link[] {
    return this.#links.links();
  }

  connected(peer: AgentId, now: number): void {
    this.#stirred = true;
    const connection = this.#connections.get(peer) ?? { state: "open", waiting: [], untilMs: 0 };
    connection.state = "open";
    connection.untilMs = now + this.#answerMs;
    this.#connections.set(peer, connection);
  }

  /** A connection is gone, or could not be opened. */
  disconnected(peer: AgentId, now: number): void {
    this.#stirred = true;
    const connection = this.#connections.get(peer);
    this.#connections.delete(peer);
    if (this.#linked.has(peer)) this.#closed.add(peer);
    const ours = connection?.state === "closing";
    if (ours && !this.#isWanted(peer)) {
      // It was closed as nobody needed it any more; what came to be said meanwhile is said over another one.
      if (connection.waiting.length > 0) this.#open(peer, connection.waiting, now);
      return;
    }
    if (connection?.state === "opening" || this.#isWanted(peer)) this.#views.failed(peer, now);
  }

  /** Membership holds it for crashed. */
  failed(peer: AgentId, now: number): void {
    this.#stirred = true;
    if (this.#isWanted(peer)) this.#views.failed(peer, now);
  }

  heardViews(from: AgentId, message: HyParViewMessage, now: number): void {
    this.#stirred = true;
    this.#keep(from, now);
    this.#views.heard(from, message, now);
  }

  heardLinks(from: AgentId, message: LinkStateMessage): void {
    this.#stirred = true;
    this.#links.heard(from, message);
  }

  heardBroadcast(adverts: readonly LinkAdvert[]): void {
    this.#stirred = true;
    this.#links.heardBroadcast(adverts);
  }

  /** Says goodbye. */
  leave(): void {
    this.#stirred = true;
    this.#views.leave();
    this.#seekAtMs = Number.POSITIVE_INFINITY;
  }

  /** When there is something to do, unless something comes in before. */
  deadline(): number {
    return this.#stirred ? this.#earliest() : this.#deadlineMs;
  }

  /** Whether a turn has anything to do: most have not. */
  wants(now: number): boolean {
    return this.#stirred || now >= this.#deadlineMs;
  }

  /** Lets time pass, and says what is to be done. */
  turn(now: number): Linked {
    if (this.#views.deadline() <= now) this.#views.tick(now);
    if (this.#seekAtMs <= now) this.#seek(now);
    const ready = this.#views.take();
    // A neighbour that was let go hears of it over the link.
    const views: { to: AgentId; message: HyParViewMessage }[] = [];
    for (const [peer, connection] of this.#connections)
      if (connection.state === "open")
        for (const message of connection.waiting.splice(0)) views.push({ to: peer, message });
    for (const { to, message } of ready?.messages ?? [])
      if (this.#connections.get(to)?.state === "open") {
        this.#keep(to, now);
        views.push({ to, message });
      } else this.#open(to, [message], now);
    const changes = this.#changes();
    this.#closeUnwanted(now);
    if (this.#links.deadline() <= now) this.#links.tick(now);
    const told = this.#links.take();
    this.#stirred = false;
    this.#deadlineMs = this.#earliest();
    return {
      ...changes,
      views,
      observations: ready?.observations ?? [],
      linkState: told?.messages ?? [],
      forged: told?.forged ?? [],
      ...(told?.broadcast !== undefined && { broadcast: told.broadcast }),
      ...(told?.changed === true && { links: this.#links.links() }),
    };
  }

  #earliest(): number {
    let earliest = Math.min(this.#views.deadline(), this.#links.deadline(), this.#seekAtMs);
    for (const [peer, { state, untilMs }] of this.#connections)
      if (state === "open" && !this.#views.active.includes(peer)) earliest = Math.min(earliest, untilMs);
    return earliest;
  }

  #meet(links: readonly Link[]): void {
    const self = this.#self;
    this.#peers = links.flatMap(({ a, b }) => (a === self ? [b] : b === self ? [a] : []));
  }

  #isWanted(peer: AgentId): boolean {
    return this.#views.active.includes(peer) || this.#views.awaits(peer);
  }

  #keep(peer: AgentId, now: number): void {
    const connection = this.#connections.get(peer);
    if (connection !== undefined) connection.untilMs = now + this.#answerMs;
  }

  #open(peer: AgentId, messages: readonly HyParViewMessage[], now: number): void {
    const connection = this.#connections.get(peer);
    if (connection !== undefined) {
      connection.waiting.push(...messages);
      while (connection.waiting.length > MAX_WAITING) connection.waiting.shift();
      return;
    }
    this.#connections.set(peer, { state: "opening", waiting: [...messages], untilMs: now + this.#answerMs });
    this.#dialler.open(peer);
  }

  /** Links follow from the active view and from what is connected. */
  #changes(): Pick<Linked, "up" | "down"> {
    const { active } = this.#views;
    const isThere = (peer: AgentId): boolean => active.includes(peer) && this.#connections.get(peer)?.state === "open";
    const lost = [...this.#linked].filter((peer) => this.#closed.has(peer) || !isThere(peer));
    const down = lost.map((peer) => ({ peer, closed: this.#closed.has(peer) }));
    for (const peer of lost) {
      this.#linked.delete(peer);
      this.#links.down(peer);
    }
    this.#closed.clear();
    const up = active.filter((peer) => isThere(peer) && !this.#linked.has(peer));
    for (const peer of up) {
      this.#linked.add(peer);
      this.#links.up(peer);
    }
    invariant(this.#linked.size <= active.length, "a link is with a neighbour of the active view");
    return { up, down };
  }

  #closeUnwanted(now: number): void {
    for (const [peer, connection] of this.#connections) {
      if (connection.state !== "open" || connection.untilMs > now || this.#views.active.includes(peer)) continue;
      if (this.#views.awaits(peer)) {
        connection.untilMs = now + this.#answerMs;
        continue;
      }
      connection.state = "closing";
      this.#dialler.close(peer);
    }
  }

  /** One of those whom no link leads to is asked to take this agent in: each in turn, and from round to round with longer waits between two. */
  #seek(now: number): void {
    const unreached = this.#links.unreached(this.#peers);
    const whom = unreached.join(" ");
    if (whom !== this.#unreached) {
      this.#seekWaits = 1;
      this.#untried = this.#random.shuffled(unreached);
    } else if (this.#untried.length === 0) {
      this.#seekWaits = Math.min(this.#seekWaits * 2, SEEK_AT_LEAST_EVERY);
      this.#untried = this.#random.shuffled(unreached);
    }
    this.#unreached = whom;
    this.#seekAtMs = now + this.#seekWaits * this.#intervalMs;
    const next = this.#untried.pop();
    if (next !== undefined) this.#views.seek(next, now);
  }
}
