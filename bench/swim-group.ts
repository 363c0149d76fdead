/**
 * The SWIM of 2002 in a quiet group (Das, Gupta and Motivala, "SWIM", DSN 2002, §5): how soon a crash is first noticed, what a member has to send and read
 * meanwhile, and how long news takes to reach everybody by nothing but piggybacking. The members are the real core, in virtual time.
 */
import { timesToTell } from "../server/core/membership/swim/dissemination.ts";
import { ProbeOrder } from "../server/core/membership/swim/probe-order.ts";
import { type Random, seededRandom } from "../server/core/random.ts";
import { MembershipNetwork, type NetworkOptions, type Sighting, type SwimSettings } from "./membership-network.ts";
import { deviation, mean } from "./statistics.ts";

export const PERIOD_MS = 1000;
const SETTINGS: SwimSettings = {
  probeIntervalMs: PERIOD_MS,
  probeTimeoutMs: 200,
  // No suspicion runs out while it is looked at how it spreads.
  suspicionMultiplier: 1000,
  spreadIntervalMs: Number.POSITIVE_INFINITY,
  syncIntervalMs: Number.POSITIVE_INFINITY,
  lifeguard: false,
};
/** Two messages a period, and so many pieces of news on each: see `CARRIED` in the core. */
const TOLD_A_PERIOD = 2 * 31;
const WARM_UP_PERIODS = 20;
/** From one trial to the next, in which what was news is told to its end. */
const PAUSE_PERIODS = 4;

export interface GroupOptions {
  readonly size: number;
  readonly seed: number;
  readonly make?: NetworkOptions["make"];
}

export interface Group {
  readonly network: MembershipNetwork;
  readonly ids: readonly string[];
  readonly random: Random;
}

/** Everybody knows of everybody, and has told it as often as it tells anything. */
export function quietGroup({ size, seed, make }: GroupOptions): Group {
  const ids = Array.from({ length: size }, (_, at) => `a${at + 1}`);
  const name = `swim/${seed}/${size}`;
  const network = new MembershipNetwork({ ids, seed: name, settings: SETTINGS, ...(make !== undefined && { make }) });
  network.startAll(PERIOD_MS);
  network.runUntil(((1.2 * size * timesToTell(size)) / TOLD_A_PERIOD + WARM_UP_PERIODS) * PERIOD_MS);
  return { network, ids, random: seededRandom(`${name}/trials`) };
}

export interface Crashes {
  /** In which period after the crash, counted from 1, the member is first pinged in vain. */
  readonly firstPing: readonly number[];
  /** Periods from the crash until somebody suspects the member: its ping goes out, and a whole period passes without an answer. */
  readonly firstSuspicion: readonly number[];
  /** How that suspicion spreads; some find out by themselves meanwhile. */
  readonly spread: Spread;
}

export interface Spread {
  /** Periods from the first who knew to the last; where all came to know. */
  readonly periods: readonly number[];
  /** Share of members that came to know, in all trials. */
  readonly reached: number;
  /** Share that was told, rather than to find out by a probe of their own. */
  readonly told: number;
}

/** One member after the other stops at any moment, is suspected, and goes on: to the others a crash and a restart, but none that has to learn all over again. */
export function crashes({ network, ids, random }: Group, trials: number): Crashes {
  const others = ids.length - 1;
  const firstPing: number[] = [];
  const firstSuspicion: number[] = [];
  const outbreaks: Outbreak[] = [];
  for (let trial = 0; trial < trials; trial++) {
    network.runUntil(network.nowMs + (PAUSE_PERIODS + random.float()) * PERIOD_MS);
    const victim = random.pick(ids);
    const crashedMs = network.nowMs;
    network.pause(victim);
    const suspicion = outbreak(network, victim, others);
    outbreaks.push(suspicion);
    const untilSuspected = (suspicion.firstMs - crashedMs) / PERIOD_MS;
    firstSuspicion.push(untilSuspected);
    // A ping that was on its way when the member crashed is counted to the first period.
    firstPing.push(Math.max(1, Math.ceil(untilSuspected - 1)));
    goOn(network, ids, victim);
  }
  return { firstPing, firstSuspicion, spread: spreadOf(outbreaks, others) };
}

/** The member runs again, hears what is said of it, and is heard by all: nothing of this trial is left when the next one begins. */
function goOn(network: MembershipNetwork, ids: readonly string[], victim: string): void {
  network.resume(victim);
  const others = ids.filter((id) => id !== victim);
  for (const id of others) tell(network, id, victim, victim);
  for (const id of others) tell(network, victim, id, victim);
}

/** What `from` holds of a member. */
function tell(network: MembershipNetwork, from: string, to: string, about: string): void {
  const news = network.core(from)?.member(about);
  if (news === undefined) throw new Error(`${from} does not know ${about}`);
  network.core(to)?.heard(from, { type: "spread", news: [news] }, network.nowMs);
}

interface Outbreak {
  readonly firstMs: number;
  readonly lastMs: number;
  /** How many suspect the member, and how many of them were told. */
  readonly knowing: number;
  readonly told: number;
}

/** Runs until all others suspect the member, or until nobody who does not can hear of it any more. */
function outbreak(network: MembershipNetwork, member: string, others: number): Outbreak {
  let at = network.sightings.length;
  let [firstMs, lastMs, knowing, told] = [Number.POSITIVE_INFINITY, 0, 0, 0];
  const patienceMs = spreadingPeriods(others + 1) * PERIOD_MS;
  const latestFirstMs = network.nowMs + (longestGap(others + 1) + 2) * PERIOD_MS;
  while (knowing < others && network.nowMs < Math.min(firstMs, latestFirstMs) + patienceMs) {
    network.runUntil(network.nowMs + PERIOD_MS / 4);
    for (; at < network.sightings.length; at++) {
      const { atMs, observation } = network.sightings[at] as Sighting;
      if (observation.type !== "memberSuspected" || observation.member !== member) continue;
      firstMs = Math.min(firstMs, atMs);
      lastMs = atMs;
      knowing++;
      if (observation.reason === "told") told++;
    }
  }
  if (knowing === 0) throw new Error(`nobody noticed that ${member} crashed`);
  return { firstMs, lastMs, knowing, told };
}

function spreadOf(outbreaks: readonly Outbreak[], others: number): Spread {
  const whole = outbreaks.filter(({ knowing }) => knowing === others);
  return {
    periods: whole.map(({ firstMs, lastMs }) => (lastMs - firstMs) / PERIOD_MS),
    reached: mean(outbreaks.map(({ knowing }) => knowing / others)),
    told: mean(outbreaks.map(({ told }) => told / others)),
  };
}

/** So long does news travel at most: everybody tells it so many times, about twice a period, and the last one has heard of it long before. */
function spreadingPeriods(size: number): number {
  return 2 * timesToTell(size) + 4 * Math.log(size);
}

/** A probe order's longest time between two probes of one member, in periods: first in one round, last in the next. SWIM's 2n - 1, of n members to probe (§4.3). */
export function longestGap(size: number): number {
  return 2 * (size - 1) - 1;
}

export interface Gaps {
  readonly mean: number;
  readonly longest: number;
}

/** Periods between two probes of one member by another, in so many rounds of the core's order. */
export function probeGaps(size: number, rounds: number, seed: number): Gaps {
  const order = new ProbeOrder(seededRandom(`gaps/${seed}/${size}`));
  const others = size - 1;
  order.admit(0, others);
  const lastAt = new Map<number, number>();
  let [sum, count, longest] = [0, 0, 0];
  for (let period = 0; period < rounds * others; period++) {
    const place = order.next(() => true) as number;
    const before = lastAt.get(place);
    lastAt.set(place, period);
    if (before === undefined) continue;
    sum += period - before;
    count++;
    longest = Math.max(longest, period - before);
  }
  return { mean: sum / count, longest };
}

/**
 * In which period a crashed member is expected to be pinged first by one of the n - 1 others. `random`: each pings anybody in each period, as in the paper's
 * analysis: 1 / (1 - (1 - 1/(n-1))^(n-1)), which becomes e / (e - 1). `roundRobin`: each pings everybody once in a round (§4.3), so that from the crash on it is
 * the rest of a gap of two such rounds that is waited for.
 */
export function expectedFirstPing(size: number, order: "random" | "roundRobin"): number {
  const others = size - 1;
  const survives = order === "random" ? (periods: number) => (1 - 1 / others) ** periods : gapSurvival(others);
  let expected = 0;
  // The sum over k of the probability that nobody has pinged it in k periods.
  for (let periods = 0; ; periods++) {
    const nobody = survives(periods) ** others;
    if (nobody < 1e-12) return expected;
    expected += nobody;
  }
}

/** The probability that one prober does not come round in so many periods from a moment drawn at random. */
function gapSurvival(others: number): (periods: number) => number {
  // Of a gap of g periods: place p in one round and p + g - m in the next, of m places each, all pairs equally likely.
  const share = (gap: number) => (gap <= others ? gap : 2 * others - gap) / others ** 2;
  return (periods) => {
    let sum = 0;
    for (let gap = periods + 1; gap < 2 * others; gap++) sum += (gap - periods) * share(gap);
    return sum / others;
  };
}

export interface Load {
  readonly sent: number;
  readonly sentDeviation: number;
  readonly received: number;
  readonly receivedDeviation: number;
}

/** Messages of one member in one period, while nothing happens: over so many periods and all members. */
export function memberLoad({ network, ids }: Group, periods: number): Load {
  const sent: number[] = [];
  const received: number[] = [];
  let before = ids.map((id) => network.load(id));
  for (let period = 0; period < periods; period++) {
    network.runUntil(network.nowMs + PERIOD_MS);
    const after = ids.map((id) => network.load(id));
    for (const [at, now] of after.entries()) {
      sent.push(now.sent - (before[at]?.sent ?? 0));
      received.push(now.received - (before[at]?.received ?? 0));
    }
    before = after;
  }
  return {
    sent: mean(sent),
    sentDeviation: deviation(sent),
    received: mean(received),
    receivedDeviation: deviation(received),
  };
}
