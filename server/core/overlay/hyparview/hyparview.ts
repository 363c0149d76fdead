import type { AgentId } from "../../consensus.ts";
import { invariant } from "../../invariant.ts";
import type { Random } from "../../random.ts";
import { checkHyParViewConfig } from "./config.ts";
import { MAX_SHUFFLED, REQUESTS_A_PLACE } from "./limits.ts";
import { PassiveView } from "./passive-view.ts";
import type {
  HyParViewConfig,
  HyParViewMessage,
  HyParViewObservation,
  HyParViewReady,
  NeighbourLoss,
  Priority,
} from "./types.ts";

/** Somebody was asked to be a neighbour. */
interface Request {
  readonly number: number;
  readonly endsMs: number;
  /** Room is made for it when it accepts; else it is let go where the view has filled meanwhile. */
  readonly makesRoom: boolean;
}

/**
 * One agent's part in an overlay that nobody plans: see README.md in the folder above.
 *
 * Promise: the active view has at most `activeSize` agents, the passive one at most `passiveSize`, nobody is in both or twice, and this agent in neither. Where messages between
 * two arrive in order, and who cannot be reached is reported to the other as failed, two agents are neighbours of each other or neither is, but for what is on its way.
 */
export class HyParView {
  readonly #config: HyParViewConfig;
  readonly #random: Random;
  readonly #trust: ((id: AgentId) => number) | undefined;
  readonly #contacts: AgentId[];
  readonly #active: AgentId[] = [];
  readonly #passive: PassiveView;
  readonly #requests = new Map<AgentId, Request>();
  /** Who refused since the last shuffle left. */
  readonly #refused = new Set<AgentId>();
  /** The last one that left, and whom it told of. */
  #shuffle: { readonly number: number; readonly told: readonly AgentId[] } | undefined;
  #number = 0;
  #nextShuffleMs: number;
  #nextKnockMs = Number.POSITIVE_INFINITY;
  #left = false;
  #messages: { readonly to: AgentId; readonly message: HyParViewMessage }[] = [];
  #observations: HyParViewObservation[] = [];

  /**
   * @param trust how far this agent trusts another, in [0, 1]: of two that are drawn the more trusted is asked to be a neighbour; absent: all the same.
   * @throws RangeError when the configuration makes no sense.
   */
  constructor(config: HyParViewConfig, now: number, random: Random, trust?: (id: AgentId) => number) {
    checkHyParViewConfig(config);
    this.#config = config;
    this.#random = random;
    this.#trust = trust;
    this.#contacts = random.fork("contacts").shuffled(config.contacts.filter((id) => id !== config.id));
    this.#passive = new PassiveView(config.passiveSize, random.fork("passive"));
    // Agents that start together do not shuffle together.
    this.#nextShuffleMs = now + (1 - random.float()) * config.shuffleIntervalMs;
    this.#fill(now);
  }

  /** Those with whom this agent has, or is to have, links. */
  get active(): readonly AgentId[] {
    return this.#active;
  }

  get passive(): readonly AgentId[] {
    return this.#passive.ids;
  }

  /** The link with it closed, one to it could not be opened, or it is known to have crashed. */
  failed(peer: AgentId, now: number): void {
    this.#requests.delete(peer);
    this.#passive.delete(peer);
    this.#lose(peer, "failed");
    this.#fill(now);
  }

  /** It was asked to be a neighbour, and may still answer. */
  awaits(peer: AgentId): boolean {
    return this.#requests.has(peer);
  }

  /** Asks somebody whom no neighbour leads to any more, and who may be in another part of the overlay, to take this agent in: parts that were cut from each other meet again so. */
  seek(peer: AgentId, now: number): void {
    if (this.#left || peer === this.#config.id || this.#active.includes(peer) || this.#requests.has(peer)) return;
    if (this.#requests.size < REQUESTS_A_PLACE * this.#config.activeSize) this.#join(peer, now);
  }

  heard(from: AgentId, message: HyParViewMessage, now: number): void {
    if (this.#left || from === this.#config.id) return;
    switch (message.type) {
      case "join":
        this.#joined(from, message.number);
        break;
      case "forwardJoin":
        this.#expectNeighbour(from);
        this.#walked(from, message.newcomer, message.ttl, now);
        break;
      case "neighbour":
        this.#asked(from, message.number, message.priority);
        break;
      case "neighbourReply":
        this.#answered(from, message.number, message.accepted);
        break;
      case "disconnect":
        this.#lose(from, message.leaving ? "left" : "disconnected");
        if (message.leaving) this.#passive.delete(from);
        else this.#know(from);
        break;
      case "shuffle":
        this.#expectNeighbour(from);
        this.#shuffled(from, message);
        break;
      case "shuffleReply":
        this.#shuffleAnswered(from, message.number, message.ids);
        break;
    }
    this.#fill(now);
  }

  /** Says goodbye to its neighbours; from then on it takes part in nothing. */
  leave(): void {
    for (const peer of [...this.#active]) {
      this.#send(peer, { type: "disconnect", leaving: true });
      this.#lose(peer, "left");
    }
    this.#requests.clear();
    this.#left = true;
  }

  tick(now: number): void {
    if (this.#left) return;
    for (const [peer, { endsMs }] of this.#requests) {
      if (endsMs > now) continue;
      this.#requests.delete(peer);
      this.#passive.delete(peer);
    }
    if (now >= this.#nextShuffleMs) {
      this.#nextShuffleMs += this.#config.shuffleIntervalMs;
      if (this.#nextShuffleMs <= now) this.#nextShuffleMs = now + this.#config.shuffleIntervalMs;
      this.#refused.clear();
      this.#startShuffle();
    }
    this.#fill(now);
  }

  deadline(): number {
    if (this.#left) return Number.POSITIVE_INFINITY;
    let earliest = Math.min(this.#nextShuffleMs, this.#nextKnockMs);
    for (const { endsMs } of this.#requests.values()) earliest = Math.min(earliest, endsMs);
    return earliest;
  }

  take(): HyParViewReady | undefined {
    if (this.#messages.length === 0 && this.#observations.length === 0) return undefined;
    const ready = { messages: this.#messages, observations: this.#observations };
    this.#messages = [];
    this.#observations = [];
    return ready;
  }

  // --- joining ("Join Mechanism") ---

  #joined(newcomer: AgentId, number: number): void {
    this.#requests.delete(newcomer);
    this.#admit(newcomer);
    this.#send(newcomer, { type: "neighbourReply", number, accepted: true });
    for (const peer of this.#active)
      if (peer !== newcomer) this.#send(peer, { type: "forwardJoin", newcomer, ttl: this.#config.activeWalk });
  }

  #walked(from: AgentId, newcomer: AgentId, ttl: number, now: number): void {
    const onward = this.#active.filter((id) => id !== from && id !== newcomer);
    if (ttl > 0 && onward.length > 0) {
      if (ttl === this.#config.passiveWalk) this.#know(newcomer);
      this.#send(this.#random.pick(onward), { type: "forwardJoin", newcomer, ttl: ttl - 1 });
      return;
    }
    if (newcomer === this.#config.id || this.#active.includes(newcomer) || this.#requests.has(newcomer)) return;
    if (this.#requests.size >= REQUESTS_A_PLACE * this.#config.activeSize) this.#know(newcomer);
    else this.#ask(newcomer, "low", true, now);
  }

  /** Asks a contact to be taken in, the next one each time; again, for as long as it knows nobody else to ask. */
  #knock(now: number): void {
    if (now < this.#nextKnockMs && this.#nextKnockMs !== Number.POSITIVE_INFINITY) return;
    this.#nextKnockMs = Number.POSITIVE_INFINITY;
    const contact = this.#contacts.find((id) => !this.#active.includes(id));
    if (contact === undefined) return;
    this.#contacts.push(...this.#contacts.splice(this.#contacts.indexOf(contact), 1));
    const { answerMs, shuffleIntervalMs } = this.#config;
    this.#nextKnockMs = now + (this.#active.length === 0 ? answerMs : shuffleIntervalMs);
    this.#join(contact, now);
  }

  #join(contact: AgentId, now: number): void {
    const request = { number: ++this.#number, endsMs: now + this.#config.answerMs, makesRoom: true };
    this.#requests.set(contact, request);
    this.#send(contact, { type: "join", number: request.number });
  }

  // --- neighbours ("Active View Management") ---

  /** Looks for others in the place of those that are gone: with priority, one at a time, while there are too few. */
  #fill(now: number): void {
    if (this.#left) return;
    const few = this.#active.length < this.#config.activeLeast;
    const wanted = few ? 1 : this.#config.activeSize - this.#active.length;
    while (this.#requests.size < wanted) {
      const candidate = this.#candidate();
      if (candidate === undefined) break;
      this.#ask(candidate, few ? "high" : "low", few, now);
    }
    if (this.#passive.ids.length === 0 && this.#requests.size === 0 && wanted > 0) this.#knock(now);
    else if (now >= this.#nextKnockMs) this.#nextKnockMs = Number.POSITIVE_INFINITY;
  }

  /** The more trusted of two (Mitzenmacher 2001, "The power of two choices"), of those that have not refused lately. */
  #candidate(): AgentId | undefined {
    const able = this.#passive.ids.filter((id) => !this.#refused.has(id) && !this.#requests.has(id));
    if (able.length === 0) return undefined;
    const one = this.#random.pick(able);
    if (this.#trust === undefined) return one;
    const other = this.#random.pick(able);
    return this.#trust(other) > this.#trust(one) ? other : one;
  }

  #ask(peer: AgentId, priority: Priority, makesRoom: boolean, now: number): void {
    const request = { number: ++this.#number, endsMs: now + this.#config.answerMs, makesRoom };
    this.#requests.set(peer, request);
    this.#send(peer, { type: "neighbour", number: request.number, priority });
  }

  #asked(from: AgentId, number: number, priority: Priority): void {
    const accepted =
      this.#active.includes(from) || priority === "high" || this.#active.length < this.#config.activeSize;
    if (accepted) this.#admit(from);
    this.#send(from, { type: "neighbourReply", number, accepted });
  }

  #answered(from: AgentId, number: number, accepted: boolean): void {
    const request = this.#requests.get(from);
    // It answers an older request, and the younger one will be answered, too.
    if (request !== undefined && request.number !== number) return;
    this.#requests.delete(from);
    if (this.#active.includes(from)) return;
    if (!accepted) {
      if (request !== undefined) this.#refused.add(from);
      return;
    }
    const wanted = request !== undefined && (request.makesRoom || this.#active.length < this.#config.activeSize);
    if (wanted) {
      this.#admit(from);
    } else {
      this.#send(from, { type: "disconnect", leaving: false });
      this.#know(from);
    }
  }

  /** Who sends what only neighbours send, and is none, is told so: what was lost on the way is mended. */
  #expectNeighbour(from: AgentId): void {
    if (!this.#active.includes(from)) this.#disconnect(from);
  }

  #admit(peer: AgentId): void {
    if (this.#active.includes(peer)) return;
    if (this.#active.length >= this.#config.activeSize) {
      const dropped = this.#random.pick(this.#active);
      this.#lose(dropped, "replaced");
      this.#disconnect(dropped);
      this.#know(dropped);
    }
    this.#passive.delete(peer);
    this.#refused.delete(peer);
    this.#active.push(peer);
    this.#observations.push({ type: "neighbourUp", peer });
    invariant(
      this.#active.length <= this.#config.activeSize && peer !== this.#config.id,
      "the active view is bounded, and of others",
    );
  }

  #disconnect(peer: AgentId): void {
    // What it answers now, it answers before it knows.
    this.#requests.delete(peer);
    this.#send(peer, { type: "disconnect", leaving: false });
  }

  #lose(peer: AgentId, reason: NeighbourLoss): void {
    const at = this.#active.indexOf(peer);
    if (at < 0) return;
    this.#active.splice(at, 1);
    this.#observations.push({ type: "neighbourDown", peer, reason });
    // Nobody refuses one that has too few.
    if (this.#active.length < this.#config.activeLeast) this.#refused.clear();
  }

  #know(id: AgentId, rather: AgentId[] = []): boolean {
    if (id === this.#config.id || this.#active.includes(id)) return false;
    return this.#passive.add(id, rather);
  }

  // --- shuffles ("Passive View Management") ---

  #startShuffle(): void {
    const { id, shuffleActive, shufflePassive, shuffleWalk } = this.#config;
    if (this.#active.length === 0) return;
    const peer = this.#random.pick(this.#active);
    const others = this.#active.filter((one) => one !== peer);
    const told = [
      ...this.#random.shuffled(others).slice(0, shuffleActive),
      ...this.#random.shuffled(this.#passive.ids).slice(0, shufflePassive),
    ];
    this.#shuffle = { number: ++this.#number, told };
    this.#send(peer, {
      type: "shuffle",
      origin: id,
      number: this.#shuffle.number,
      ttl: shuffleWalk - 1,
      ids: [id, ...told],
    });
  }

  #shuffled(from: AgentId, shuffle: HyParViewMessage & { readonly type: "shuffle" }): void {
    const { origin, number, ttl, ids } = shuffle;
    if (origin === this.#config.id) return;
    const onward = this.#active.filter((id) => id !== from && id !== origin);
    if (ttl > 0 && onward.length > 0) {
      this.#send(this.#random.pick(onward), { ...shuffle, ttl: ttl - 1 });
      return;
    }
    const told = this.#random.shuffled(this.#passive.ids).slice(0, Math.min(ids.length, MAX_SHUFFLED));
    this.#send(origin, { type: "shuffleReply", number, ids: told });
    this.#learn(ids, told);
  }

  #shuffleAnswered(from: AgentId, number: number, ids: readonly AgentId[]): void {
    // Only what was asked for is believed, and once.
    if (this.#shuffle?.number !== number) return;
    const learned = this.#learn(ids, this.#shuffle.told);
    this.#shuffle = undefined;
    this.#observations.push({ type: "shuffled", peer: from, learned });
  }

  /** @param told goes first where there is no room: the other side has it now. */
  #learn(ids: readonly AgentId[], told: readonly AgentId[]): number {
    const rather = told.filter((id) => !ids.includes(id));
    let learned = 0;
    for (const id of ids) if (this.#know(id, rather)) learned++;
    return learned;
  }

  #send(to: AgentId, message: HyParViewMessage): void {
    this.#messages.push({ to, message });
  }
}
