import type { AgentId } from "../../consensus.ts";
import { invariant } from "../../invariant.ts";
import type { Random } from "../../random.ts";
import { compareStandings, MAX_COUNTER, type Standing } from "../freshness.ts";
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
import { CARRIED, checkSwimConfig, HELPERS, lifeguardOf, STARTUP_PERIODS } from "./config.ts";
import { fanoutAmong } from "./dissemination.ts";
import { Errands, type Favour, NACK_SHARE, type Probe } from "./errands.ts";
import { LocalHealth } from "./local-health.ts";
import { type Body, type Outgoing, Owed } from "./outgoing.ts";
import { ProbeOrder } from "./probe-order.ts";
import { Suspicion, suspicionTimes } from "./suspicion.ts";
import { Untold } from "./untold.ts";
import { drawn, SwimRoll } from "./views.ts";

type Told = Pick<Standing, "incarnation" | "heartbeat">;

/** Membership by probing: see README.md here. */
export class SwimMembership implements Membership {
  readonly #config: SwimConfig;
  readonly #lifeguard: Lifeguard;
  readonly #random: Random;
  /** By place. */
  readonly #trust: ((place: number) => number) | undefined;
  readonly #roll = new SwimRoll();
  /** Its own place. */
  readonly #self: number;
  readonly #order: ProbeOrder;
  /** Whom news goes to for its own sake: in rounds, too, so that one member tells as many others as it tells times. */
  readonly #audience: ProbeOrder;
  readonly #errands: Errands;
  readonly #news: Untold;
  readonly #comparisons = new Comparisons(this.#roll);
  readonly #health: LocalHealth;
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
    this.#trust = trust && ((place) => trust(this.#roll.idOf(place)));
    this.#order = new ProbeOrder(random.fork("order"));
    this.#audience = new ProbeOrder(random.fork("audience"));
    this.#errands = new Errands(random);
    this.#health = new LocalHealth(this.#lifeguard.localHealth);
    this.#lastInputMs = now;
    this.#news = new Untold(this.#roll, config);
    this.#admit(members, now);
    this.#self = this.#roll.placeOf(id) as number;
    // Members that start together do not probe together.
    this.#nextProbeMs = now + random.float() * probeIntervalMs;
    this.#nextSpreadMs = now;
    // Above 0, so that never stays never.
    this.#nextSyncMs = now + (1 - random.float()) * config.syncIntervalMs;
    this.#enter(this.#self, "alive", now, { incarnation, heartbeat: 1 });
  }

  grow(members: readonly AgentId[], now: number): void {
    this.#arrive(now);
    this.#admit(members, now);
  }

  /** It is greeted with all that is known: this may be the only way between two sides that hold each other failed. */
  linkUp(peer: AgentId, now: number): void {
    this.#arrive(now);
    const place = this.#roll.placeOf(peer);
    if (place === undefined || place === this.#self) return;
    this.#roll.setLinkClosed(place, false);
    // Pings under way, as to others there may have been no way either.
    for (const { target, reason, sequence } of this.#errands.probes())
      if (target === place || reason === "noAnswer") this.#send(target, { type: "ping", sequence });
    this.#sync(place, false);
  }

  linkDown(peer: AgentId, now: number): void {
    this.#arrive(now);
    const place = this.#roll.placeOf(peer);
    if (place === undefined || place === this.#self) return;
    this.#roll.setLinkClosed(place, true);
    if (this.#roll.isPresent(place)) this.#probeAtOnce(place, "linkClosed", now);
  }

  /** Whom it probes does not depend on links. */
  linkGivenUp(): void {}

  heard(from: AgentId, message: MembershipMessage, now: number): void {
    this.#arrive(now);
    const sender = this.#roll.placeOf(from);
    if (message.type === "gossip" || sender === undefined || sender === this.#self) return;
    const compared = message.type === "sync" || message.type === "ranges";
    for (const news of message.news) {
      const place = this.#roll.placeOf(news.id);
      if (place !== undefined) this.#merge(place, news, sender, compared, now);
    }
    switch (message.type) {
      case "ping":
        this.#send(sender, { type: "ack", sequence: message.sequence });
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
        for (const body of this.#comparisons.answers(message)) this.#send(sender, body);
        return;
      case "starts":
        for (const place of this.#news.unstarted(message))
          this.#merge(place, startOf(this.#roll.idOf(place), message.life), sender, false, now);
        return;
      case "spread":
        return;
    }
  }

  leave(now: number): void {
    this.#arrive(now);
    if (this.#left) return;
    const { incarnation, heartbeat } = this.#roll.standingOf(this.#self);
    this.#enter(this.#self, "left", now, { incarnation, heartbeat: Math.min(heartbeat + 1, MAX_COUNTER - 1) });
    // There may be no other turn: all who can be told at once are.
    for (let place = 0; place < this.#roll.size; place++)
      if (place !== this.#self && this.#roll.isPresent(place) && !this.#roll.isLinkClosed(place))
        this.#owed.add(place, this.#self);
  }

  tick(now: number): void {
    // What others said while this agent did not run may be waiting to be read: once, it is let be.
    this.#waited = this.#arrive(now) && !this.#waited;
    if (this.#waited || this.#left) return;
    for (let errand = this.#errands.takeDue(now); errand !== undefined; errand = this.#errands.takeDue(now)) {
      if (errand.kind === "favour") this.#favourDue(errand, now);
      else if (now < errand.endsMs) this.#askOthers(errand);
      else this.#unansweredProbe(errand, now);
    }
    const { suspicions } = this.#roll;
    for (let place = suspicions.takeDue(now); place !== undefined; place = suspicions.takeDue(now))
      this.#fail(place, this.#config.id, now);
    if (now >= this.#nextProbeMs) this.#probeNext(now);
    if (now >= this.#nextSyncMs) this.#syncSomebody(now);
  }

  deadline(): number {
    if (this.#left) return Number.POSITIVE_INFINITY;
    const spreadMs = this.#tellable() ? this.#nextSpreadMs : Number.POSITIVE_INFINITY;
    const verdictMs = Math.min(this.#errands.earliestMs(), this.#roll.suspicions.earliestMs());
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
      const news = places.map((place) => this.#roll.newsOf(place));
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
    return Array.from({ length: this.#roll.size }, (_, place) => this.#roll.memberAt(place));
  }

  member(id: AgentId): Member | undefined {
    const place = this.#roll.placeOf(id);
    return place === undefined ? undefined : this.#roll.memberAt(place);
  }

  figures(): DetectorFigures {
    return {
      probes: this.#probes,
      unanswered: this.#unanswered,
      refuted: this.#refuted,
      localHealth: this.#health.score,
    };
  }

  get #left(): boolean {
    return this.#roll.stateOf(this.#self) === "left";
  }

  // --- probing (SWIM, §3.1) ---

  #probeNext(now: number): void {
    const { probeIntervalMs, probeTimeoutMs } = this.#config;
    const factor = this.#health.factor;
    this.#nextProbeMs += probeIntervalMs * factor;
    if (this.#nextProbeMs <= now) this.#nextProbeMs = now + probeIntervalMs * factor;
    const worthIt = (place: number) =>
      place !== this.#self && this.#roll.isPresent(place) && this.#errands.probeOf(place) === undefined;
    const target = this.#order.next(worthIt);
    if (target === undefined) return;
    this.#probe(target, "noAnswer", now + probeIntervalMs * factor, now + probeTimeoutMs * factor);
  }

  /** There is a hint that the member may be gone: it is not waited for its turn, nor for a direct answer before others are asked. */
  #probeAtOnce(place: number, reason: SuspicionReason, now: number): void {
    if (this.#left) return;
    const endsMs = now + 2 * this.#config.probeTimeoutMs * this.#health.factor;
    const probe = this.#errands.probeOf(place) ?? this.#probe(place, reason, endsMs, endsMs);
    if (probe.asked === 0) this.#askOthers(probe);
  }

  #probe(target: number, reason: SuspicionReason, endsMs: number, nextMs: number): Probe {
    const probe = this.#errands.probe(target, this.#roll.incarnationOf(target), reason, endsMs, nextMs);
    this.#probes++;
    this.#send(target, { type: "ping", sequence: probe.sequence });
    return probe;
  }

  #askOthers(probe: Probe): void {
    const target = this.#roll.idOf(probe.target);
    const able = this.#roll.aliveBut(this.#self, probe.target);
    const helpers = drawn(this.#random, able, HELPERS, this.#trust);
    for (const place of helpers) this.#send(place, { type: "pingRequest", sequence: probe.sequence, target });
    probe.asked += helpers.length;
    this.#errands.again(probe, probe.endsMs);
  }

  #unansweredProbe(probe: Probe, now: number): void {
    this.#errands.end(probe);
    this.#unanswered++;
    // Helpers that say nothing at all: it is probably this member that does not hear (Lifeguard, §IV-A). Where all say that they got no answer, it is not.
    this.#health.change(probe.asked > 0 ? probe.asked - Math.min(probe.nacks, probe.asked) : 1);
    const { target, incarnation, reason } = probe;
    // Its next life was never asked: nobody had heard of that when the ping left.
    if (this.#roll.incarnationOf(target) > incarnation) return;
    const graceMs = STARTUP_PERIODS * this.#config.probeIntervalMs;
    if (this.#roll.isUnheard(target) && now < this.#roll.sinceMsOf(target) + graceMs) return;
    if (this.#roll.isAlive(target)) this.#suspect(target, reason, this.#self, now);
    else if (this.#roll.isPresent(target)) this.#confirm(target, this.#self);
  }

  #help(origin: number, originSequence: number, target: AgentId, now: number): void {
    const place = this.#roll.placeOf(target);
    if (place === undefined || this.#left) return;
    if (place === this.#self) {
      this.#send(origin, { type: "ack", sequence: originSequence });
      return;
    }
    const nackAtMs = now + this.#config.probeTimeoutMs * NACK_SHARE;
    const { sequence } = this.#errands.favour(place, origin, originSequence, nackAtMs);
    this.#send(place, { type: "ping", sequence });
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
  #merge(place: number, news: SwimNews, from: number, compared: boolean, now: number): void {
    const before = this.#roll.standingOf(place);
    const order = compareStandings(news, before);
    // Its verdict is outdated, and it may be the last who believes it.
    if (order < 0 && news.state !== "alive" && this.#lifeguard.allowances) this.#owed.add(from, place);
    if (place === this.#self) {
      if (order > 0) this.#refute(news, from, now);
      return;
    }
    const by = news.by === undefined ? from : (this.#roll.placeOf(news.by) ?? from);
    if (order > 0) {
      // Somebody held it failed all along: whether it is, is found out before it is believed.
      if (compared && news.state === "failed" && before.state === "alive" && news.incarnation === before.incarnation)
        this.#challenge(place, news, now);
      else this.#adopt(place, news, before, from, by, now);
    } else if (order === 0 && news.by !== undefined) {
      this.#confirm(place, by);
    }
  }

  #adopt(place: number, news: SwimNews, before: Standing, from: number, by: number, now: number): void {
    const restarted = news.incarnation > before.incarnation;
    const was = this.#roll.isUnheard(place) ? "unknown" : before.state;
    switch (news.state) {
      case "alive":
        this.#enter(place, "alive", now, news);
        if (was === "suspected" && !restarted) this.#refuted++;
        if (was === "failed" && !restarted) this.#syncSoon(now);
        if (was !== "alive" || restarted)
          this.#observations.push({ type: "memberAlive", member: news.id, incarnation: news.incarnation, was });
        return;
      case "suspected":
        this.#suspect(place, "told", by, now, news);
        return;
      case "failed":
        this.#fail(place, this.#roll.idOf(from), now, news);
        return;
      case "left":
        this.#enter(place, "left", now, news);
        this.#observations.push({ type: "memberLeft", member: news.id });
        return;
    }
  }

  #suspect(place: number, reason: SuspicionReason, by: number, now: number, told?: Told): void {
    const [member, suspected] = [this.#roll.idOf(place), this.#roll.suspicions.of(place) !== undefined];
    this.#enter(place, "suspected", now, told);
    const times = suspicionTimes(this.#roll.present, this.#config);
    this.#roll.suspicions.begin(place, new Suspicion(times, by, now));
    if (!suspected) this.#observations.push({ type: "memberSuspected", member, by: this.#roll.idOf(by), reason });
  }

  /** Another member suspects it, too. */
  #confirm(place: number, by: number): void {
    if (this.#lifeguard.dogpile && this.#roll.suspicions.confirm(place, by)) this.#news.add(place);
  }

  #fail(place: number, by: AgentId, now: number, told?: Told): void {
    const failed = this.#roll.stateOf(place) === "failed";
    this.#enter(place, "failed", now, told);
    if (!failed) this.#observations.push({ type: "memberFailed", member: this.#roll.idOf(place), by });
  }

  /** @param told its counters; absent: this is an opinion of its own. */
  #enter(place: number, state: MemberState, now: number, told?: Told): void {
    this.#comparisons.forget(place);
    if (told !== undefined) this.#roll.heard(place, told.incarnation, told.heartbeat);
    this.#roll.enter(place, state, now);
    this.#comparisons.learn(place);
    this.#news.add(place);
  }

  /**
   * Somebody holds this member suspected, failed or in a later life than it is: it rises above that. Who said so is told at once: where both hold each
   * other failed, as after a partition, neither would spread its news to the other.
   */
  #refute(news: SwimNews, from: number, now: number): void {
    if (this.#left || news.heartbeat >= MAX_COUNTER - 1) return;
    if (!this.#roll.isPresent(from)) this.#owed.add(from, this.#self);
    this.#health.change(1);
    this.#enter(this.#self, "alive", now, { incarnation: news.incarnation, heartbeat: news.heartbeat + 1 });
  }

  /** The member is asked itself, and told what is said of it: if it lives, it rises above that. */
  #challenge(place: number, verdict: SwimNews, now: number): void {
    this.#roll.challenge(place, verdict);
    this.#probeAtOnce(place, "told", now);
  }

  // --- what leaves ---

  #send(to: number, body: Body): void {
    this.#outgoing.push({ to, body });
  }

  /** A message with the news that has been told least. */
  #loaded(to: number, body: Body): SwimMessage {
    if ("news" in body) return body;
    const state = this.#roll.stateOf(to);
    const news: SwimNews[] = [];
    // Whoever is talked about hears of it first (Lifeguard's "buddy system"); without it one that is held failed never could refute.
    const tells = state === "failed" || (state === "suspected" && this.#lifeguard.buddy);
    const verdict = this.#roll.takeVerdict(to);
    if (tells) news.push(this.#roll.newsOf(to));
    else if (verdict !== undefined) news.push(verdict);
    const most = (body.type === "spread" ? MAX_NEWS : CARRIED) - 1;
    const starts = body.type === "spread" ? this.#news.takeStarts(most) : undefined;
    // Without that system a suspect hears of it as everybody does: by chance, and perhaps too late.
    const except = state === "suspected" && !tells ? undefined : to;
    for (const place of this.#news.take(most, except)) news.push(this.#roll.newsOf(place));
    return starts === undefined ? { ...body, news } : { type: "starts", ...starts, news };
  }

  /** News that has not been told often enough leaves for its own sake, too: in an idle moment nobody is probed. */
  #spread(now: number): void {
    const { spreadIntervalMs } = this.#config;
    if (now < this.#nextSpreadMs || !this.#tellable()) return;
    this.#nextSpreadMs = now + spreadIntervalMs;
    const told = new Set([this.#self]);
    const { only } = this.#news;
    // Who is held alive is not told so.
    const worthIt = (place: number) =>
      !told.has(place) && this.#roll.isPresent(place) && !(place === only && this.#roll.isAlive(place));
    for (let left = fanoutAmong(this.#roll.present); left > 0; left--) {
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
    const aside = only !== undefined && only !== this.#self && this.#roll.isAlive(only) ? 2 : 1;
    return this.#roll.present > aside;
  }

  #syncSomebody(now: number): void {
    this.#nextSyncMs = now + this.#config.syncIntervalMs;
    for (const place of this.#roll.partners(this.#random, this.#self)) this.#sync(place, true);
  }

  /** Somebody that was held failed is there without having restarted: probably more of them are, and it is not waited for the next comparison. */
  #syncSoon(now: number): void {
    const { syncIntervalMs, probeIntervalMs } = this.#config;
    if (syncIntervalMs !== Number.POSITIVE_INFINITY)
      this.#nextSyncMs = Math.min(this.#nextSyncMs, now + probeIntervalMs * (1 - this.#random.float()));
  }

  #sync(to: number, asks: boolean): void {
    for (const body of this.#comparisons.begin(asks)) this.#send(to, body);
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
    this.#roll.suspicions.postpone(lateMs);
    return true;
  }

  #admit(members: readonly AgentId[], now: number): void {
    const first = this.#roll.admit(members, now);
    this.#order.admit(first, members.length);
    this.#audience.admit(first, members.length);
    this.#news.grow();
    this.#comparisons.grow();
  }
}

function startOf(id: AgentId, incarnation: number): SwimNews {
  return { id, incarnation, heartbeat: 1, state: "alive" };
}
