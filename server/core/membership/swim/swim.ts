import type { AgentId } from "../../consensus.ts";
import { DeadlineQueue } from "../../deadlines.ts";
import { invariant } from "../../invariant.ts";
import type { Random } from "../../random.ts";
import { compareStandings, MAX_COUNTER } from "../freshness.ts";
import type { Membership } from "../membership.ts";
import { MAX_NEWS } from "../news.ts";
import type {
  DetectorFigures,
  Lifeguard,
  Member,
  MemberState,
  MembershipMessage,
  MembershipObservation,
  MembershipReady,
  SuspicionReason,
  SwimConfig,
  SwimMessage,
  SwimNews,
} from "../types.ts";
import { Comparisons } from "./comparisons.ts";
import { CARRIED, checkSwimConfig, FANOUT, HELPERS, lifeguardOf, STARTUP_PERIODS } from "./config.ts";
import { Dissemination, timesToTell } from "./dissemination.ts";
import { Errands, type Favour, NACK_SHARE, type Probe } from "./errands.ts";
import { LocalHealth } from "./local-health.ts";
import { type Body, type Outgoing, Owed } from "./outgoing.ts";
import { ProbeOrder } from "./probe-order.ts";
import { Suspicion, suspicionTimes } from "./suspicion.ts";
import { drawn, isPresent, partners, SwimRoll, type View } from "./views.ts";

/** Membership by probing: see README.md here. */
export class SwimMembership implements Membership {
  readonly #config: SwimConfig;
  readonly #lifeguard: Lifeguard;
  readonly #random: Random;
  readonly #trust: ((id: AgentId) => number) | undefined;
  readonly #roll = new SwimRoll();
  readonly #self: View;
  readonly #order: ProbeOrder;
  /** Whom news goes to for its own sake: in rounds, too, so that one member tells as many others as it tells times. */
  readonly #audience: ProbeOrder;
  readonly #errands: Errands;
  readonly #news = new Dissemination();
  readonly #comparisons = new Comparisons(this.#roll);
  readonly #health: LocalHealth;
  readonly #suspects = new DeadlineQueue<View>();
  #nextProbeMs: number;
  #nextSpreadMs: number;
  #nextSyncMs: number;
  #outgoing: Outgoing[] = [];
  readonly #owed = new Owed();
  #observations: MembershipObservation[] = [];
  #lastInputMs: number;
  /** The last call of `tick` came too late to do anything. */
  #waited = false;
  #probes = 0;
  #unanswered = 0;
  #refuted = 0;

  /**
   * @param trust how far this agent trusts another, in [0, 1]: who is trusted more is rather asked to probe for it; absent: all the same.
   * @throws RangeError when the configuration makes no sense.
   */
  constructor(config: SwimConfig, incarnation: number, now: number, random: Random, trust?: (id: AgentId) => number) {
    checkSwimConfig(config, incarnation);
    const { id, members, probeIntervalMs } = config;
    this.#config = config;
    this.#lifeguard = lifeguardOf(config);
    this.#random = random;
    this.#trust = trust;
    this.#order = new ProbeOrder(random.fork("order"));
    this.#audience = new ProbeOrder(random.fork("audience"));
    this.#errands = new Errands(random);
    this.#health = new LocalHealth(this.#lifeguard.localHealth);
    this.#lastInputMs = now;
    this.#admit(members, now);
    this.#self = this.#roll.of(id) as View;
    this.#self.incarnation = incarnation;
    this.#self.heartbeat = 1;
    this.#self.unheard = false;
    // Members that start together do not probe together.
    this.#nextProbeMs = now + random.float() * probeIntervalMs;
    this.#nextSpreadMs = now;
    // Above 0, so that never stays never.
    this.#nextSyncMs = now + (1 - random.float()) * config.syncIntervalMs;
    this.#changed(this.#self);
  }

  grow(members: readonly AgentId[], now: number): void {
    this.#arrive(now);
    this.#admit(members, now);
  }

  /** It is greeted with all that is known: this may be the only way between two sides that hold each other failed. */
  linkUp(peer: AgentId, now: number): void {
    this.#arrive(now);
    const view = this.#roll.of(peer);
    if (view === undefined || view === this.#self) return;
    view.linkClosed = false;
    // Pings under way, as to others there may have been no way either.
    for (const { target, reason, sequence } of this.#errands.probes())
      if (target === view.place || reason === "noAnswer") this.#send(target, { type: "ping", sequence });
    this.#sync(view, false);
  }

  linkDown(peer: AgentId, now: number): void {
    this.#arrive(now);
    const view = this.#roll.of(peer);
    if (view === undefined || view === this.#self) return;
    view.linkClosed = true;
    if (isPresent(view.state)) this.#probeAtOnce(view, "linkClosed", now);
  }

  heard(from: AgentId, message: MembershipMessage, now: number): void {
    this.#arrive(now);
    const sender = this.#roll.of(from);
    if (message.type === "gossip" || sender === undefined || sender === this.#self) return;
    const compared = message.type === "sync" || message.type === "ranges";
    for (const news of message.news) this.#merge(news, sender, compared, now);
    switch (message.type) {
      case "ping":
        this.#send(sender.place, { type: "ack", sequence: message.sequence });
        return;
      case "pingRequest":
        this.#help(sender, message.sequence, message.target, now);
        return;
      case "ack":
        this.#acknowledged(message.sequence);
        return;
      case "nack": {
        const probe = this.#errands.get(message.sequence);
        if (probe?.kind === "probe") probe.nacks++;
        return;
      }
      case "sync":
      case "checksum":
      case "ranges":
        for (const body of this.#comparisons.answers(message)) this.#send(sender.place, body);
        return;
      case "spread":
        return;
    }
  }

  leave(now: number): void {
    this.#arrive(now);
    if (this.#self.state === "left") return;
    if (this.#self.heartbeat < MAX_COUNTER - 1) this.#self.heartbeat++;
    this.#enter(this.#self, "left", now);
    // There may be no other turn: all who can be told at once are.
    for (const { place, state, linkClosed } of this.#roll.all)
      if (place !== this.#self.place && isPresent(state) && !linkClosed) this.#owed.add(place, this.#self.place);
  }

  tick(now: number): void {
    // What others said while this agent did not run may be waiting to be read: once, it is let be.
    this.#waited = this.#arrive(now) && !this.#waited;
    if (this.#waited || this.#self.state === "left") return;
    for (let errand = this.#errands.takeDue(now); errand !== undefined; errand = this.#errands.takeDue(now)) {
      if (errand.kind === "favour") this.#favourDue(errand, now);
      else if (now < errand.endsMs) this.#askOthers(errand);
      else this.#unansweredProbe(errand, now);
    }
    for (let view = this.#suspects.takeDue(now); view !== undefined; view = this.#suspects.takeDue(now))
      this.#fail(view, this.#config.id, now);
    if (now >= this.#nextProbeMs) this.#probeNext(now);
    if (now >= this.#nextSyncMs) this.#syncSomebody(now);
  }

  deadline(): number {
    if (this.#self.state === "left") return Number.POSITIVE_INFINITY;
    const spreadMs = this.#tellable() ? this.#nextSpreadMs : Number.POSITIVE_INFINITY;
    const verdictMs = Math.min(this.#errands.earliestMs(), this.#suspects.earliestMs());
    return Math.min(this.#nextProbeMs, this.#nextSyncMs, spreadMs, verdictMs);
  }

  take(now: number): MembershipReady | undefined {
    this.#spread(now);
    if (this.#outgoing.length === 0 && this.#owed.size === 0 && this.#observations.length === 0) return undefined;
    const messages = this.#outgoing.map(({ to, body }) => ({
      to: this.#roll.idOf(to),
      message: this.#loaded(to, body),
    }));
    for (const { to, places } of this.#owed.take(MAX_NEWS)) {
      const news = places.map((place) => this.#roll.newsOf(this.#roll.at(place)));
      messages.push({ to: this.#roll.idOf(to), message: { type: "spread", news } });
    }
    const observations = this.#observations;
    this.#outgoing = [];
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
    return {
      probes: this.#probes,
      unanswered: this.#unanswered,
      refuted: this.#refuted,
      localHealth: this.#health.score,
    };
  }

  // --- probing (SWIM, §3.1) ---

  #probeNext(now: number): void {
    const { probeIntervalMs, probeTimeoutMs } = this.#config;
    const factor = this.#health.factor;
    this.#nextProbeMs += probeIntervalMs * factor;
    if (this.#nextProbeMs <= now) this.#nextProbeMs = now + probeIntervalMs * factor;
    const worthIt = (place: number) => {
      const view = this.#roll.at(place);
      return view !== this.#self && isPresent(view.state) && this.#errands.probeOf(place) === undefined;
    };
    const target = this.#order.next(worthIt);
    if (target === undefined) return;
    this.#probe(target, "noAnswer", now + probeIntervalMs * factor, now + probeTimeoutMs * factor);
  }

  /** There is a hint that the member may be gone: it is not waited for its turn, nor for a direct answer before others are asked. */
  #probeAtOnce(view: View, reason: SuspicionReason, now: number): void {
    if (this.#self.state === "left") return;
    const endsMs = now + 2 * this.#config.probeTimeoutMs * this.#health.factor;
    const probe = this.#errands.probeOf(view.place) ?? this.#probe(view.place, reason, endsMs, endsMs);
    if (probe.asked === 0) this.#askOthers(probe);
  }

  #probe(target: number, reason: SuspicionReason, endsMs: number, nextMs: number): Probe {
    const probe = this.#errands.probe(target, this.#roll.at(target).incarnation, reason, endsMs, nextMs);
    this.#probes++;
    this.#send(target, { type: "ping", sequence: probe.sequence });
    return probe;
  }

  #askOthers(probe: Probe): void {
    const target = this.#roll.idOf(probe.target);
    const able = this.#roll.others(this.#self, ({ state, place }) => state === "alive" && place !== probe.target);
    const helpers = drawn(this.#random, able, HELPERS, this.#trust);
    for (const { place } of helpers) this.#send(place, { type: "pingRequest", sequence: probe.sequence, target });
    probe.asked += helpers.length;
    this.#errands.again(probe, probe.endsMs);
  }

  #unansweredProbe(probe: Probe, now: number): void {
    this.#errands.end(probe);
    this.#unanswered++;
    // Helpers that say nothing at all: it is probably this member that does not hear (Lifeguard, §IV-A). Where all say that they got no answer, it is not.
    this.#health.change(probe.asked > 0 ? probe.asked - Math.min(probe.nacks, probe.asked) : 1);
    const view = this.#roll.at(probe.target);
    // Its next life was never asked: nobody had heard of that when the ping left.
    if (view.incarnation > probe.incarnation) return;
    if (view.unheard && now < view.sinceMs + STARTUP_PERIODS * this.#config.probeIntervalMs) return;
    if (view.state === "alive") this.#suspect(view, probe.reason, this.#self.place, now);
    else if (view.state === "suspected") this.#confirm(view, this.#self.place);
  }

  #help(origin: View, originSequence: number, target: AgentId, now: number): void {
    const view = this.#roll.of(target);
    if (view === undefined || this.#self.state === "left") return;
    if (view === this.#self) {
      this.#send(origin.place, { type: "ack", sequence: originSequence });
      return;
    }
    const nackAtMs = now + this.#config.probeTimeoutMs * NACK_SHARE;
    const { sequence } = this.#errands.favour(view.place, origin.place, originSequence, nackAtMs);
    this.#send(view.place, { type: "ping", sequence });
  }

  #favourDue(favour: Favour, now: number): void {
    if (favour.nacked) {
      this.#errands.end(favour);
      return;
    }
    favour.nacked = true;
    if (this.#lifeguard.localHealth) this.#send(favour.origin, { type: "nack", sequence: favour.originSequence });
    this.#errands.again(favour, now + this.#config.probeIntervalMs);
  }

  #acknowledged(sequence: number): void {
    const errand = this.#errands.get(sequence);
    if (errand === undefined) return;
    this.#errands.end(errand);
    if (errand.kind === "favour") this.#send(errand.origin, { type: "ack", sequence: errand.originSequence });
    else this.#health.change(-1);
  }

  // --- news (SWIM, §3.2, §4.2) ---

  /** @param compared it came with all else the sender knows, as its standing view rather than as something that just happened. */
  #merge(news: SwimNews, from: View, compared: boolean, now: number): void {
    const view = this.#roll.of(news.id);
    if (view === undefined) return;
    const order = compareStandings(news, view);
    // Its verdict is outdated, and it may be the last who believes it.
    if (order < 0 && news.state !== "alive" && this.#lifeguard.allowances) this.#owed.add(from.place, view.place);
    if (view === this.#self) {
      if (order > 0) this.#refute(news, from, now);
      return;
    }
    const by = this.#roll.of(news.by ?? from.id)?.place ?? from.place;
    if (order > 0) {
      // Somebody held it failed all along: whether it is, is found out before it is believed.
      if (compared && news.state === "failed" && view.state === "alive" && news.incarnation === view.incarnation)
        this.#challenge(view, news, now);
      else this.#adopt(view, news, from, by, now);
    } else if (order === 0 && news.by !== undefined) {
      this.#confirm(view, by);
    }
  }

  #adopt(view: View, news: SwimNews, from: View, by: number, now: number): void {
    const restarted = news.incarnation > view.incarnation;
    const was = view.unheard ? "unknown" : view.state;
    view.incarnation = news.incarnation;
    view.heartbeat = news.heartbeat;
    view.unheard = false;
    switch (news.state) {
      case "alive":
        this.#enter(view, "alive", now);
        if (was === "suspected" && !restarted) this.#refuted++;
        if (was === "failed" && !restarted) this.#syncSoon(now);
        if (was !== "alive" || restarted)
          this.#observations.push({ type: "memberAlive", member: view.id, incarnation: view.incarnation, was });
        return;
      case "suspected":
        this.#suspect(view, "told", by, now);
        return;
      case "failed":
        if (view.state !== "failed") this.#fail(view, from.id, now);
        else this.#changed(view);
        return;
      case "left":
        this.#enter(view, "left", now);
        this.#observations.push({ type: "memberLeft", member: view.id });
        return;
    }
  }

  #suspect(view: View, reason: SuspicionReason, by: number, now: number): void {
    const news = view.state !== "suspected";
    this.#enter(view, "suspected", now);
    view.suspicion = new Suspicion(suspicionTimes(this.#roll.present, this.#config), by, now);
    this.#suspects.set(view, view.suspicion.untilMs, view.place);
    if (news) this.#observations.push({ type: "memberSuspected", member: view.id, by: this.#roll.idOf(by), reason });
  }

  /** Another member suspects it, too. */
  #confirm(view: View, by: number): void {
    if (!this.#lifeguard.dogpile || view.suspicion?.confirm(by) !== true) return;
    view.confirmedBy = by;
    this.#suspects.set(view, view.suspicion.untilMs, view.place);
    this.#news.add(view.place);
  }

  #fail(view: View, by: AgentId, now: number): void {
    this.#enter(view, "failed", now);
    this.#observations.push({ type: "memberFailed", member: view.id, by });
  }

  #enter(view: View, state: MemberState, now: number): void {
    if (view.state !== state) view.sinceMs = now;
    this.#roll.enter(view, state);
    view.suspicion = undefined;
    view.confirmedBy = undefined;
    this.#suspects.delete(view);
    this.#changed(view);
  }

  #changed(view: View): void {
    this.#news.add(view.place);
    this.#comparisons.changed(view);
  }

  /**
   * Somebody holds this member suspected, failed or in a later life than it is: it rises above that. Who said so is told at once: where both hold each
   * other failed, as after a partition, neither would spread its news to the other.
   */
  #refute(news: SwimNews, from: View, now: number): void {
    if (this.#self.state === "left" || news.heartbeat >= MAX_COUNTER - 1) return;
    if (!isPresent(from.state)) this.#owed.add(from.place, this.#self.place);
    this.#self.incarnation = news.incarnation;
    this.#self.heartbeat = news.heartbeat + 1;
    this.#health.change(1);
    this.#enter(this.#self, "alive", now);
  }

  /** The member is asked itself, and told what is said of it: if it lives, it rises above that. */
  #challenge(view: View, verdict: SwimNews, now: number): void {
    view.verdict = verdict;
    this.#probeAtOnce(view, "told", now);
  }

  // --- what leaves ---

  #send(to: number, body: Body): void {
    this.#outgoing.push({ to, body });
  }

  /** A message with the news that has been told least. */
  #loaded(to: number, body: Body): SwimMessage {
    const view = this.#roll.at(to);
    if ("news" in body) return body;
    const news: SwimNews[] = [];
    // Whoever is talked about hears of it first (Lifeguard's "buddy system"); without it one that is held failed never could refute.
    const tells = view.state === "failed" || (view.state === "suspected" && this.#lifeguard.buddy);
    if (tells) news.push(this.#roll.newsOf(view));
    else if (view.verdict !== undefined) news.push(view.verdict);
    view.verdict = undefined;
    const most = (body.type === "spread" ? MAX_NEWS : CARRIED) - 1;
    // Without that system a suspect hears of it as everybody does: by chance, and perhaps too late.
    const except = view.state === "suspected" && !tells ? undefined : to;
    for (const place of this.#news.take(most, timesToTell(this.#roll.present), except))
      news.push(this.#roll.newsOf(this.#roll.at(place)));
    return { ...body, news };
  }

  /** News that has not been told often enough leaves for its own sake, too: in an idle moment nobody is probed. */
  #spread(now: number): void {
    const { spreadIntervalMs } = this.#config;
    if (now < this.#nextSpreadMs || !this.#tellable()) return;
    this.#nextSpreadMs = now + spreadIntervalMs;
    const told = new Set([this.#self.place]);
    const { only } = this.#news;
    const worthIt = (place: number) => {
      const { state } = this.#roll.at(place);
      return !told.has(place) && (state === "suspected" || (state === "alive" && place !== only));
    };
    for (let left = FANOUT; left > 0; left--) {
      const place = this.#audience.next(worthIt);
      if (place === undefined) return;
      told.add(place);
      this.#send(place, { type: "spread" });
    }
  }

  /** There is news for somebody: who is held alive is not told so. */
  #tellable(): boolean {
    const { only, size } = this.#news;
    if (size === 0 || this.#config.spreadIntervalMs === Number.POSITIVE_INFINITY) return false;
    const aside = only !== undefined && only !== this.#self.place && this.#roll.at(only).state === "alive" ? 2 : 1;
    return this.#roll.present > aside;
  }

  #syncSomebody(now: number): void {
    this.#nextSyncMs = now + this.#config.syncIntervalMs;
    for (const view of partners(this.#random, this.#roll, this.#self)) this.#sync(view, true);
  }

  /** Somebody that was held failed is there without having restarted: probably more of them are, and it is not waited for the next comparison. */
  #syncSoon(now: number): void {
    const { syncIntervalMs, probeIntervalMs } = this.#config;
    if (syncIntervalMs !== Number.POSITIVE_INFINITY)
      this.#nextSyncMs = Math.min(this.#nextSyncMs, now + probeIntervalMs * (1 - this.#random.float()));
  }

  #sync(to: View, asks: boolean): void {
    for (const body of this.#comparisons.begin(asks)) this.#send(to.place, body);
  }

  /** Before every input: time in which this agent did not run is not silence of the others. @returns whether there was such time. */
  #arrive(now: number): boolean {
    invariant(now >= this.#lastInputMs, `membership: time never runs backwards (${now} after ${this.#lastInputMs})`);
    const toleratedMs = this.#lifeguard.allowances ? this.#config.probeIntervalMs / 4 : Number.POSITIVE_INFINITY;
    // Mostly there was an input a moment ago, and it need not be looked what is due.
    const lateMs = now - this.#lastInputMs > toleratedMs ? now - Math.max(this.#lastInputMs, this.deadline()) : 0;
    this.#lastInputMs = now;
    if (lateMs <= toleratedMs) return false;
    this.#errands.postpone(lateMs);
    for (const view of this.#roll.all) {
      if (view.suspicion === undefined) continue;
      view.suspicion.postpone(lateMs);
      this.#suspects.set(view, view.suspicion.untilMs, view.place);
    }
    return true;
  }

  #admit(members: readonly AgentId[], now: number): void {
    for (const { place } of this.#roll.admit(members, now)) {
      this.#order.admit(place);
      this.#audience.admit(place);
    }
    this.#comparisons.grow();
  }
}
