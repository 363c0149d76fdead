import type { AgentId } from "../../consensus.ts";
import { invariant } from "../../invariant.ts";
import type { Random } from "../../random.ts";
import { compareStandings, MAX_COUNTER, rose } from "../freshness.ts";
import type { Membership } from "../membership.ts";
import { MAX_NEWS } from "../news.ts";
import { checkMembers, type MemberView, newcomer, Roll } from "../roll.ts";
import type {
  DetectorFigures,
  HeartbeatConfig,
  HeartbeatMessage,
  HeartbeatNews,
  Member,
  MemberState,
  MembershipMessage,
  MembershipObservation,
  MembershipReady,
  SuspicionReason,
} from "../types.ts";
import { type Confirmers, confirmersAt, isQuorum, NOBODY, placesOf } from "./confirmers.ts";
import { Neighbour } from "./neighbour.ts";

/** A member never heard of since the start is suspected after this many suspectAfterMs: others may still be starting. */
const STARTUP_GRACE = 4;
/** A neighbour that misses one heartbeat is helped out by others from the next on. */
const HEARS_FOR_HEARTBEATS = 1.5;

/** Membership by gossip of heartbeat counters over the links there are: see README.md here. */
export class HeartbeatMembership implements Membership {
  readonly #config: HeartbeatConfig;
  readonly #roll = new Roll<View>((id, place, now) => ({
    ...newcomer(id, place, now),
    heardAtMs: now,
    allowedUntilMs: Number.POSITIVE_INFINITY,
    confirmers: NOBODY,
  }));
  readonly #self: View;
  /** This agent alone. */
  readonly #confirmer: Confirmers;
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
  #beats = 0;
  #silences = 0;
  #refuted = 0;

  /** @throws RangeError when the configuration makes no sense. */
  constructor(config: HeartbeatConfig, incarnation: number, now: number, random: Random) {
    checkMembers(config, incarnation);
    if (!(config.heartbeatMs > 0 && config.heartbeatMs < config.suspectAfterMs))
      throw new RangeError(
        `heartbeatMs (${config.heartbeatMs}) must be above 0 and below suspectAfterMs (${config.suspectAfterMs})`,
      );
    this.#config = config;
    this.#admit(config.members, now);
    this.#self = this.#roll.of(config.id) as View;
    this.#confirmer = confirmersAt([this.#self.place]);
    this.#self.incarnation = incarnation;
    this.#self.heartbeat = 1;
    this.#self.unheard = false;
    // Members that start together do not beat together.
    this.#nextBeatMs = now + random.float() * config.heartbeatMs;
    this.#lastInputMs = now;
  }

  grow(members: readonly AgentId[], now: number): void {
    this.#arrive(now);
    this.#admit(members, now);
  }

  /** It is greeted with all that is known. */
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

  linkDown(peer: AgentId, now: number): void {
    this.#arrive(now);
    const neighbour = this.#neighbourOf(peer);
    if (neighbour === undefined) return;
    if (neighbour.up) this.#upLinks--;
    neighbour.closed(now);
    const view = this.#roll.of(peer) as View;
    if (view.state === "alive" || view.state === "suspected")
      this.#confirm(view, "linkClosed", now + this.#config.failAfterClosedMs, now);
  }

  linkGivenUp(peer: AgentId, now: number): void {
    this.#arrive(now);
    const neighbour = this.#neighbourOf(peer);
    if (neighbour?.up !== true) return;
    this.#upLinks--;
    neighbour.givenUp();
    // Others hear it now, and are to pass on what they do.
    this.#urgent = true;
  }

  /** What comes late over a link that has closed is ignored: it would look like life. */
  heard(from: AgentId, message: MembershipMessage, now: number): void {
    this.#arrive(now);
    const neighbour = this.#neighbourOf(from);
    if (message.type !== "gossip" || neighbour === undefined || neighbour.isClosed()) return;
    if (neighbour.up) neighbour.spokeAtMs = now;
    neighbour.hearsOnly(this.#roll.placesOf(message.hears), this.#self.place);
    for (const news of message.news) this.#merge(news, from, neighbour, now);
    if (this.#wantsAnything(neighbour)) this.#relaySoon(now);
  }

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
        this.#beats++;
      }
    }
    for (const view of this.#roll.all) {
      if (now < this.#suspectAtMs(view)) continue;
      this.#silences++;
      this.#confirm(view, "silence", now + this.#config.failAfterMs, now);
    }
    // Only now is it known who is held alive, and counts.
    for (const view of this.#roll.all) if (now >= this.#failAtMs(view)) this.#fail(view, this.#config.id, now);
  }

  deadline(): number {
    if (Number.isNaN(this.#verdictAtMs)) this.#verdictAtMs = this.#nextVerdictMs();
    return Math.min(this.#nextBeatMs, this.#relayAtMs, this.#verdictAtMs);
  }

  take(now: number): MembershipReady | undefined {
    const relay = now >= this.#relayAtMs;
    const messages: { to: AgentId; message: HeartbeatMessage }[] = [];
    if (this.#beat || this.#urgent || relay) {
      this.#relayAtMs = Number.POSITIVE_INFINITY;
      const hears = this.#hears(now);
      this.#neighbours.forEach((neighbour, place) => {
        if (!neighbour.up) return;
        const news = this.#newsFor(neighbour, now);
        if (news.length === 0) return;
        const to = this.#roll.at(place).id;
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

  get observed(): boolean {
    return this.#observations.length > 0;
  }

  members(): Member[] {
    return this.#roll.members();
  }

  member(id: AgentId): Member | undefined {
    return this.#roll.member(id);
  }

  figures(): DetectorFigures {
    return { probes: this.#beats, unanswered: this.#silences, refuted: this.#refuted, localHealth: 0 };
  }

  #nextVerdictMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const view of this.#roll.all) earliest = Math.min(earliest, this.#suspectAtMs(view), this.#failAtMs(view));
    return earliest;
  }

  #admit(members: readonly AgentId[], now: number): void {
    this.#verdictAtMs = Number.NaN;
    this.#roll.admit(members, now);
    const { length } = this.#roll.all;
    for (const neighbour of this.#neighbours) neighbour.grow(length);
    while (this.#neighbours.length < length) this.#neighbours.push(new Neighbour(length));
  }

  /** A neighbour told it something about a member. */
  #merge(news: HeartbeatNews, from: AgentId, neighbour: Neighbour, now: number): void {
    const view = this.#roll.of(news.id);
    if (view === undefined) return;
    const { place } = view;
    const order = compareStandings(news, view);
    const confirmers = news.confirmedBy === undefined ? NOBODY : confirmersAt(this.#roll.placesOf(news.confirmedBy));
    if (view === this.#self) {
      neighbour.showed(place, news, confirmers);
      if (order > 0) this.#refute(news);
      return;
    }
    if (order < 0 && news.state !== "alive") {
      // An outdated verdict: whoever believes it must hear better at once.
      neighbour.showedOutdated(place, news, confirmers);
      this.#urgent = true;
      return;
    }
    neighbour.showed(place, news, confirmers);
    if (order > 0) this.#adopt(view, news, confirmers, from, now);
    else if (order === 0) this.#addConfirmers(view, confirmers, now);
  }

  #adopt(view: View, news: HeartbeatNews, confirmers: Confirmers, from: AgentId, now: number): void {
    const restarted = news.incarnation > view.incarnation;
    const was = view.unheard ? "unknown" : view.state;
    // Somebody else's silence ends first: this one's was not looked at.
    if (view.state !== "alive" || this.#suspectAtMs(view) === this.#verdictAtMs) this.#verdictAtMs = Number.NaN;
    if (rose(view, news)) view.heardAtMs = now;
    view.incarnation = news.incarnation;
    view.heartbeat = news.heartbeat;
    view.unheard &&= news.incarnation === 0 && news.heartbeat === 0;
    switch (news.state) {
      case "alive":
        if (was === "alive" && !restarted) {
          if (this.#isWanted(view)) this.#relaySoon(now);
          return;
        }
        this.#enter(view, "alive", now);
        if (was === "suspected" && !restarted) this.#refuted++;
        this.#observations.push({ type: "memberAlive", member: view.id, incarnation: view.incarnation, was });
        // At the start everybody hears of everybody: that news may travel in company.
        if (was === "unknown") this.#relaySoon(now);
        else this.#urgent = true;
        return;
      case "suspected":
        this.#told(view, confirmers, from, now);
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

  /** Others suspect it. Being told so is no evidence; that the own link to it closed just now, too, is. */
  #told(view: View, confirmers: Confirmers, from: AgentId, now: number): void {
    const { failAfterMs, failAfterClosedMs, suspectAfterMs } = this.#config;
    const neighbour = this.#neighbours[view.place] as Neighbour;
    const closed = neighbour.isClosed() && now - neighbour.closedAtMs < suspectAfterMs;
    this.#suspect(view, "told", from, now + (closed ? failAfterClosedMs : failAfterMs), now);
    view.confirmers = closed ? confirmers | this.#confirmer : confirmers;
  }

  /** Suspects, or confirms that others do, by evidence of its own. */
  #confirm(view: View, reason: SuspicionReason, allowedUntilMs: number, now: number): void {
    if (view.state === "alive") this.#suspect(view, reason, this.#config.id, allowedUntilMs, now);
    view.allowedUntilMs = Math.min(view.allowedUntilMs, allowedUntilMs);
    view.confirmers |= this.#confirmer;
    this.#urgent = true;
    this.#verdictAtMs = Number.NaN;
  }

  /** Others confirm the very suspicion that there is. */
  #addConfirmers(view: View, confirmers: Confirmers, now: number): void {
    const all = view.confirmers | confirmers;
    if (all === view.confirmers) return;
    view.confirmers = all;
    this.#verdictAtMs = Number.NaN;
    if (this.#isWanted(view)) this.#relaySoon(now);
  }

  #suspect(view: View, reason: SuspicionReason, by: AgentId, allowedUntilMs: number, now: number): void {
    const news = view.state !== "suspected";
    this.#enter(view, "suspected", now);
    view.allowedUntilMs = allowedUntilMs;
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
    view.allowedUntilMs = Number.POSITIVE_INFINITY;
    view.confirmers = NOBODY;
    this.#verdictAtMs = Number.NaN;
  }

  /** Somebody holds this agent suspected, failed or in a later life than it is: it rises above that, at once. */
  #refute(news: HeartbeatNews): void {
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
  #newsFor(neighbour: Neighbour, now: number): HeartbeatNews[] {
    const news: HeartbeatNews[] = [];
    const views = this.#roll.all;
    const own = this.#self.place;
    if (this.#beat || this.#refuting || neighbour.greet) news.push(this.#newsOf(this.#self));
    neighbour.greet = false;
    // Looked up before anything is told, which changes it.
    const again: number[] = [];
    if (this.#beat)
      for (let place = 0; place < views.length; place++)
        if (place !== own && neighbour.wantsAgain(place, views[place] as View)) again.push(place);
    for (let place = 0; place < views.length; place++) {
      const view = views[place] as View;
      if (place === own || !neighbour.wants(place, view, view.confirmers)) continue;
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

  #tell(neighbour: Neighbour, view: View, news: HeartbeatNews[]): void {
    const told = this.#newsOf(view);
    neighbour.told(view.place, told, view.confirmers);
    news.push(told);
  }

  #newsOf({ id, state, incarnation, heartbeat, confirmers }: View): HeartbeatNews {
    if (state !== "suspected") return { id, incarnation, heartbeat, state };
    const confirmedBy = placesOf(confirmers).map((place) => this.#roll.at(place).id);
    return { id, incarnation, heartbeat, state, confirmedBy };
  }

  /** Whom this agent hears by itself: a link that is up and not a heartbeat and a half silent. */
  #hears(now: number): AgentId[] {
    const sinceMs = now - this.#config.heartbeatMs * HEARS_FOR_HEARTBEATS;
    const heard = (neighbour: Neighbour) => neighbour.up && neighbour.spokeAtMs > sinceMs;
    const hears: AgentId[] = [];
    for (const { id, place } of this.#roll.all) if (heard(this.#neighbours[place] as Neighbour)) hears.push(id);
    return hears;
  }

  #wantsAnything(neighbour: Neighbour): boolean {
    if (!neighbour.up || this.#relayAtMs !== Number.POSITIVE_INFINITY) return false;
    for (const view of this.#roll.all)
      if (view !== this.#self && neighbour.wants(view.place, view, view.confirmers)) return true;
    return false;
  }

  #isWanted(view: View): boolean {
    const { place, confirmers } = view;
    for (const neighbour of this.#neighbours) if (neighbour.up && neighbour.wants(place, view, confirmers)) return true;
    return false;
  }

  /**
   * The fewer neighbours, the more hops news has to take, and the sooner it is passed on; an agent never sends much more than in a full mesh, where it
   * beats to everybody. The longest way, along a line of all members, takes about one heartbeat.
   */
  #relaySoon(now: number): void {
    const delayMs = (this.#config.heartbeatMs * this.#upLinks) / (2 * this.#roll.all.length);
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
    for (const view of this.#roll.all) {
      view.heardAtMs = asleep ? now : view.heardAtMs + lateMs;
      if (view.state !== "suspected") continue;
      view.allowedUntilMs = asleep ? now + this.#config.failAfterMs : view.allowedUntilMs + lateMs;
    }
    for (const neighbour of this.#neighbours) neighbour.spokeAtMs += lateMs;
  }

  /** When its silence is evidence; Infinity where that says nothing new. */
  #suspectAtMs(view: View): number {
    const { state, confirmers, unheard, heardAtMs } = view;
    const open = state === "alive" || (state === "suspected" && (confirmers & this.#confirmer) === NOBODY);
    if (!open || view === this.#self) return Number.POSITIVE_INFINITY;
    return heardAtMs + this.#config.suspectAfterMs * (unheard ? STARTUP_GRACE : 1);
  }

  /** When it is failed; Infinity while too few confirm that. */
  #failAtMs(view: View): number {
    return view.state === "suspected" && this.#isConfirmed(view) ? view.allowedUntilMs : Number.POSITIVE_INFINITY;
  }

  /**
   * Whether a quorum of all that have not left confirms, counting only whom this agent holds alive, and itself: those that failed are members and confirm
   * nothing. Whoever is on the smaller side of a partition soon holds fewer than a quorum alive, whatever was confirmed before.
   */
  #isConfirmed({ confirmers }: View): boolean {
    const confirming = placesOf(confirmers).filter((place) => this.#roll.at(place).state === "alive");
    let members = 0;
    for (const { state } of this.#roll.all) if (state !== "left") members++;
    return isQuorum(confirming.length, members);
  }

  #neighbourOf(peer: AgentId): Neighbour | undefined {
    const view = this.#roll.of(peer);
    return view === undefined || view === this.#self ? undefined : this.#neighbours[view.place];
  }
}

/** How one member is seen. */
interface View extends MemberView {
  /** When its counter last rose here. */
  heardAtMs: number;
  /** Until when a suspect has time to be heard of; Infinity otherwise. */
  allowedUntilMs: number;
  /** Of the suspicion at this counter. */
  confirmers: Confirmers;
}
