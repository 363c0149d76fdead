import type { AgentId } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { Random } from "../random.ts";
import { compareStandings, MAX_COUNTER, rose, type Standing } from "./freshness.ts";
import { Neighbour } from "./neighbour.ts";
import type {
  Member,
  MemberNews,
  MemberState,
  MembershipConfig,
  MembershipMessage,
  MembershipObservation,
  MembershipReady,
} from "./types.ts";

/** News in one message; the rest follows in the next. */
export const MAX_NEWS = 128;
/** A member never heard of since the start is suspected after this many suspectAfterMs: others may still be starting. */
const STARTUP_GRACE = 4;
/** A neighbour that misses one heartbeat is helped out by others from the next on. */
const HEARS_FOR_HEARTBEATS = 1.5;

/**
 * Who is alive, as one agent sees it, by gossip of heartbeat counters over the links it has: see README.md here.
 * Inputs step it, `take` gives what has to leave; `tick` is to be called at `deadline()`.
 */
export class Membership {
  readonly #config: MembershipConfig;
  /** By place in the roster, which only grows. */
  readonly #views: View[] = [];
  readonly #places = new Map<AgentId, number>();
  readonly #self: View;
  /** By place; nobody has a link to itself, that one is never up. */
  readonly #neighbours: Neighbour[] = [];
  #upLinks = 0;
  /** When silence or a suspicion has lasted long enough, ms; NaN when something has changed since that was looked up. */
  #verdictAtMs = Number.NaN;
  #nextBeatMs: number;
  /** When heartbeats of others that neighbours cannot hear by themselves are passed on; Infinity when there are none. */
  #relayAtMs = Number.POSITIVE_INFINITY;
  /** A heartbeat is due to every neighbour. */
  #beat = false;
  /** News that must not wait is there for somebody. */
  #urgent = false;
  /** This agent's own counter must not wait for the next heartbeat. */
  #refuting = false;
  #lastInputMs: number;
  #observations: MembershipObservation[] = [];

  /** @throws RangeError when the configuration makes no sense. */
  constructor(config: MembershipConfig, incarnation: number, now: number, random: Random) {
    if (new Set(config.members).size !== config.members.length) throw new RangeError("two members have the same id");
    if (!config.members.includes(config.id)) throw new RangeError(`${config.id} is not one of the members`);
    if (!(config.heartbeatMs > 0 && config.heartbeatMs < config.suspectAfterMs))
      throw new RangeError(
        `heartbeatMs (${config.heartbeatMs}) must be above 0 and below suspectAfterMs (${config.suspectAfterMs})`,
      );
    if (!(Number.isInteger(incarnation) && incarnation >= 0 && incarnation < MAX_COUNTER))
      throw new RangeError(`the incarnation ${incarnation} is no whole number below 2^48`);
    this.#config = config;
    this.#admit(config.members, now);
    this.#self = this.#views[this.#places.get(config.id) as number] as View;
    this.#self.incarnation = incarnation;
    this.#self.heartbeat = 1;
    // Members that start together do not beat together.
    this.#nextBeatMs = now + random.float() * config.heartbeatMs;
    this.#lastInputMs = now;
  }

  /**
   * There are more members: `members` is what was known before, in the same order, and more. A new one counts as alive until it has been silent for as
   * long as at a start.
   * @throws RangeError when it is anything else.
   */
  grow(members: readonly AgentId[], now: number): void {
    this.#arrive(now);
    if (this.#views.some(({ id }, place) => members[place] !== id))
      throw new RangeError("members are only added, behind those that are known");
    if (new Set(members).size !== members.length) throw new RangeError("two members have the same id");
    this.#admit(members.slice(this.#views.length), now);
  }

  /** A link to the peer is up: it is greeted with all that is known. */
  linkUp(peer: AgentId, now: number): void {
    this.#arrive(now);
    const neighbour = this.#neighbourOf(peer);
    if (neighbour === undefined) return;
    if (!neighbour.up) this.#upLinks++;
    neighbour.opened();
    // A counter that the peer has not seen: it may hold a verdict at the present one.
    this.#raise();
    this.#urgent = true;
  }

  /** The link to the peer closed and is not up again: a hint that the peer is gone. */
  linkDown(peer: AgentId, now: number): void {
    this.#arrive(now);
    const neighbour = this.#neighbourOf(peer);
    if (neighbour === undefined) return;
    if (neighbour.up) this.#upLinks--;
    neighbour.closed(now);
    const view = this.#viewOf(peer) as View;
    const failAtMs = now + this.#config.failAfterClosedMs;
    if (view.state === "alive") this.#suspect(view, "linkClosed", this.#config.id, failAtMs, now);
    else if (view.state === "suspected") view.failAtMs = Math.min(view.failAtMs, failAtMs);
    this.#verdictAtMs = Number.NaN;
  }

  /** A message came from a peer. News of nobody known is ignored, and what comes late over a link that has closed: it would look like life. */
  heard(from: AgentId, message: MembershipMessage, now: number): void {
    this.#arrive(now);
    const neighbour = this.#neighbourOf(from);
    if (neighbour === undefined || neighbour.isClosed()) return;
    if (neighbour.up) neighbour.spokeAtMs = now;
    neighbour.hearsOnly(this.#placesOf(message.hears));
    for (const news of message.news) this.#merge(news, from, neighbour, now);
    if (this.#wantsAnything(neighbour)) this.#relaySoon(now);
  }

  /** Says goodbye: neighbours hear of it in the next `take`, and pass it on. Final. */
  leave(now: number): void {
    this.#arrive(now);
    if (this.#self.state === "left") return;
    this.#raise();
    this.#enter(this.#self, "left", now);
    this.#beat = true;
  }

  tick(now: number): void {
    this.#arrive(now);
    if (now >= this.#nextBeatMs) {
      this.#nextBeatMs = this.#nextBeatMs + this.#config.heartbeatMs;
      if (this.#nextBeatMs <= now) this.#nextBeatMs = now + this.#config.heartbeatMs;
      if (this.#self.state !== "left") {
        this.#raise();
        this.#beat = true;
      }
    }
    for (const view of this.#views) {
      if (view === this.#self) continue;
      if (view.state === "alive" && now >= this.#suspectAtMs(view))
        this.#suspect(view, "silence", this.#config.id, now + this.#config.failAfterMs, now);
      else if (view.state === "suspected" && now >= view.failAtMs) this.#fail(view, this.#config.id, now);
    }
  }

  /** When `tick` has something to do, ms. */
  deadline(): number {
    if (Number.isNaN(this.#verdictAtMs)) this.#verdictAtMs = this.#nextVerdictMs();
    return Math.min(this.#nextBeatMs, this.#relayAtMs, this.#verdictAtMs);
  }

  /** What has to leave and what happened since the last call, or undefined. */
  take(now: number): MembershipReady | undefined {
    const relay = now >= this.#relayAtMs;
    const messages: { to: AgentId; message: MembershipMessage }[] = [];
    if (this.#beat || this.#urgent || relay) {
      this.#relayAtMs = Number.POSITIVE_INFINITY;
      const hears = this.#hears(now);
      this.#neighbours.forEach((neighbour, place) => {
        if (!neighbour.up) return;
        const news = this.#newsFor(neighbour, now);
        if (news.length === 0) return;
        const to = (this.#views[place] as View).id;
        messages.push({ to, message: { type: "gossip", news, hears } });
      });
      this.#beat = false;
      this.#urgent = false;
      this.#refuting = false;
    }
    if (messages.length === 0 && this.#observations.length === 0) return undefined;
    const observations = this.#observations;
    this.#observations = [];
    return { messages, observations };
  }

  /** Something was observed that `take` has not told yet. */
  get observed(): boolean {
    return this.#observations.length > 0;
  }

  /** All members in roster order, oneself among them. Incarnation 0: not heard of yet. */
  members(): Member[] {
    return this.#views.map(memberOf);
  }

  member(id: AgentId): Member | undefined {
    const view = this.#viewOf(id);
    return view === undefined ? undefined : memberOf(view);
  }

  #nextVerdictMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const view of this.#views) {
      if (view === this.#self) continue;
      if (view.state === "alive") earliest = Math.min(earliest, this.#suspectAtMs(view));
      else if (view.state === "suspected") earliest = Math.min(earliest, view.failAtMs);
    }
    return earliest;
  }

  #admit(members: readonly AgentId[], now: number): void {
    this.#verdictAtMs = Number.NaN;
    for (const id of members) {
      const place = this.#views.length;
      this.#places.set(id, place);
      this.#views.push({
        id,
        place,
        incarnation: 0,
        heartbeat: 0,
        state: "alive",
        sinceMs: now,
        unheard: id !== this.#config.id,
        heardAtMs: now,
        failAtMs: Number.POSITIVE_INFINITY,
      });
    }
    for (const neighbour of this.#neighbours) neighbour.grow(this.#views.length);
    while (this.#neighbours.length < this.#views.length) this.#neighbours.push(new Neighbour(this.#views.length));
  }

  /** A neighbour told it something about a member. */
  #merge(news: MemberNews, from: AgentId, neighbour: Neighbour, now: number): void {
    const place = this.#places.get(news.id);
    if (place === undefined) return;
    const view = this.#views[place] as View;
    const order = compareStandings(news, view);
    if (view === this.#self) {
      neighbour.showed(place, news);
      if (order > 0) this.#refute(news);
      return;
    }
    if (order < 0 && news.state !== "alive") {
      // An outdated verdict: whoever believes it must hear better at once.
      neighbour.showedOutdated(place, news);
      this.#urgent = true;
      return;
    }
    neighbour.showed(place, news);
    if (order > 0) this.#adopt(view, news, from, now);
  }

  #adopt(view: View, news: MemberNews, from: AgentId, now: number): void {
    const restarted = news.incarnation > view.incarnation;
    const was = view.unheard ? "unknown" : view.state;
    // Somebody else's silence ends first: this one's was not looked at.
    if (view.state !== "alive" || this.#suspectAtMs(view) === this.#verdictAtMs) this.#verdictAtMs = Number.NaN;
    if (rose(view, news)) view.heardAtMs = now;
    view.incarnation = news.incarnation;
    view.heartbeat = news.heartbeat;
    view.unheard = false;
    switch (news.state) {
      case "alive":
        if (was === "alive" && !restarted) {
          if (this.#isWanted(view)) this.#relaySoon(now);
          return;
        }
        this.#enter(view, "alive", now);
        this.#observations.push({ type: "memberAlive", member: view.id, incarnation: view.incarnation, was });
        // At the start everybody hears of everybody: that news may travel in company.
        if (was === "unknown") this.#relaySoon(now);
        else this.#urgent = true;
        return;
      case "suspected":
        this.#suspect(view, "told", from, now + this.#toldAllowanceMs(view, now), now);
        return;
      case "failed":
        if (view.state !== "failed") this.#fail(view, from, now);
        return;
      case "left":
        this.#enter(view, "left", now);
        this.#observations.push({ type: "memberLeft", member: view.id });
        this.#urgent = true;
        return;
    }
  }

  #suspect(view: View, reason: "silence" | "linkClosed" | "told", by: AgentId, failAtMs: number, now: number): void {
    const news = view.state !== "suspected";
    this.#enter(view, "suspected", now);
    view.failAtMs = failAtMs;
    this.#urgent = true;
    if (news) this.#observations.push({ type: "memberSuspected", member: view.id, by, reason });
  }

  #fail(view: View, by: AgentId, now: number): void {
    this.#enter(view, "failed", now);
    this.#observations.push({ type: "memberFailed", member: view.id, by });
    this.#urgent = true;
  }

  #enter(view: View, state: MemberState, now: number): void {
    if (view.state !== state) view.sinceMs = now;
    view.state = state;
    view.failAtMs = Number.POSITIVE_INFINITY;
    this.#verdictAtMs = Number.NaN;
  }

  /** Somebody holds this agent suspected, failed or in a later life than it is: it rises above that, at once. */
  #refute(news: MemberNews): void {
    if (this.#self.state === "left" || news.heartbeat >= MAX_COUNTER - 1) return;
    this.#self.incarnation = news.incarnation;
    this.#self.heartbeat = news.heartbeat;
    this.#raise();
    this.#refuting = true;
    this.#urgent = true;
  }

  #raise(): void {
    this.#self.heartbeat++;
  }

  /** Runs for every neighbour with every heartbeat: loops, no closures. */
  #newsFor(neighbour: Neighbour, now: number): MemberNews[] {
    const news: MemberNews[] = [];
    const views = this.#views;
    const own = this.#self.place;
    if (this.#beat || this.#refuting || neighbour.greet) news.push(newsOf(this.#self));
    neighbour.greet = false;
    // Looked up before anything is told, which changes it.
    const again: number[] = [];
    if (this.#beat)
      for (let place = 0; place < views.length; place++)
        if (place !== own && neighbour.wantsAgain(place, views[place] as View)) again.push(place);
    for (let place = 0; place < views.length; place++) {
      const view = views[place] as View;
      if (place === own || !neighbour.wants(place, view)) continue;
      if (news.length === MAX_NEWS) {
        this.#relayAtMs = now;
        return news;
      }
      this.#tell(neighbour, view, news);
    }
    for (const place of again) {
      if (news.length === MAX_NEWS) break;
      this.#tell(neighbour, views[place] as View, news);
    }
    return news;
  }

  #tell(neighbour: Neighbour, view: View, news: MemberNews[]): void {
    const told = newsOf(view);
    neighbour.told(view.place, told);
    news.push(told);
  }

  /** Whom this agent hears by itself: a link that is up and not a heartbeat and a half silent. */
  #hears(now: number): AgentId[] {
    const sinceMs = now - this.#config.heartbeatMs * HEARS_FOR_HEARTBEATS;
    const heard = (neighbour: Neighbour) => neighbour.up && neighbour.spokeAtMs > sinceMs;
    const hears: AgentId[] = [];
    for (const { id, place } of this.#views) if (heard(this.#neighbours[place] as Neighbour)) hears.push(id);
    return hears;
  }

  #wantsAnything(neighbour: Neighbour): boolean {
    if (!neighbour.up || this.#relayAtMs !== Number.POSITIVE_INFINITY) return false;
    for (const view of this.#views) if (view !== this.#self && neighbour.wants(view.place, view)) return true;
    return false;
  }

  #isWanted(view: View): boolean {
    for (const neighbour of this.#neighbours) if (neighbour.up && neighbour.wants(view.place, view)) return true;
    return false;
  }

  /**
   * The fewer neighbours, the more hops news has to take, and the sooner it is passed on; an agent never sends much more than in a full mesh, where it
   * beats to everybody. The longest way, along a line of all members, takes about one heartbeat.
   */
  #relaySoon(now: number): void {
    const delayMs = (this.#config.heartbeatMs * this.#upLinks) / (2 * this.#views.length);
    this.#relayAtMs = Math.min(this.#relayAtMs, now + delayMs);
  }

  /**
   * Before every input: time in which this agent did not run is not silence of the others. What they said meanwhile may be waiting to be read, and is
   * read after this. (Lifeguard's local health, Dadgar et al. 2017, in its simplest form: the lateness of one's own timer is the measure.)
   */
  #arrive(now: number): void {
    invariant(now >= this.#lastInputMs, `membership: time never runs backwards (${now} after ${this.#lastInputMs})`);
    const lateMs = now - Math.max(this.#lastInputMs, this.deadline());
    this.#lastInputMs = now;
    if (lateMs <= this.#config.heartbeatMs / 4) return;
    const asleep = lateMs > this.#config.suspectAfterMs;
    this.#verdictAtMs = Number.NaN;
    for (const view of this.#views) {
      view.heardAtMs = asleep ? now : view.heardAtMs + lateMs;
      if (view.state === "suspected") view.failAtMs = asleep ? now + this.#config.failAfterMs : view.failAtMs + lateMs;
    }
    for (const neighbour of this.#neighbours) neighbour.spokeAtMs += lateMs;
  }

  #suspectAtMs(view: View): number {
    return view.heardAtMs + this.#config.suspectAfterMs * (view.unheard ? STARTUP_GRACE : 1);
  }

  /** How long a suspect has that others told of: less when its link here closed just now, too. */
  #toldAllowanceMs(view: View, now: number): number {
    const { closedAtMs } = this.#neighbours[view.place] as Neighbour;
    return now - closedAtMs < this.#config.suspectAfterMs ? this.#config.failAfterClosedMs : this.#config.failAfterMs;
  }

  #neighbourOf(peer: AgentId): Neighbour | undefined {
    const place = this.#places.get(peer);
    return place === undefined || peer === this.#config.id ? undefined : this.#neighbours[place];
  }

  #viewOf(id: AgentId): View | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#views[place];
  }

  #placesOf(ids: readonly AgentId[]): number[] {
    const places: number[] = [];
    for (const id of ids) {
      const place = this.#places.get(id);
      if (place !== undefined) places.push(place);
    }
    return places;
  }
}

/** How one member is seen. */
interface View extends Standing {
  readonly id: AgentId;
  /** In the roster. */
  readonly place: number;
  incarnation: number;
  heartbeat: number;
  state: MemberState;
  sinceMs: number;
  unheard: boolean;
  /** When its counter last rose here. */
  heardAtMs: number;
  /** When a suspect is failed; Infinity otherwise. */
  failAtMs: number;
}

function memberOf({ id, state, incarnation, heartbeat, sinceMs }: View): Member {
  return { id, state, incarnation, heartbeat, sinceMs };
}

function newsOf({ id, state, incarnation, heartbeat }: View): MemberNews {
  return { id, incarnation, heartbeat, state };
}
