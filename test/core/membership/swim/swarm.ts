import assert from "node:assert/strict";
import { MembershipNetwork, type NetworkOptions, type Sighting } from "../../../../bench/membership-network.ts";
import { buildLinks, connected } from "../../../../server/core/overlay/topology.ts";
import { type Link, TOPOLOGY_KINDS, type TopologyKind } from "../../../../server/core/overlay/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { LOCAL, named } from "./settings.ts";

// Those whose links follow from the roster.
const KINDS = TOPOLOGY_KINDS.filter((kind) => kind !== "links" && kind !== "hyparview");
/** Everybody has heard of everybody by then. */
const SETTLED_MS = 1500;

export interface SwarmOptions extends Partial<Omit<NetworkOptions, "ids" | "links" | "seed">> {
  readonly kind?: TopologyKind;
  readonly size?: number;
  /** Everyone with everyone, without sockets that could close. */
  readonly overUdp?: boolean;
}

export interface Swarm {
  readonly network: MembershipNetwork;
  readonly ids: readonly string[];
  readonly links: readonly Link[];
  /** Somebody without whom the others are still connected. */
  readonly victim: string;
}

/** A swarm of 3 to 12 of some topology, drawn by the seed, unless it is said what. */
export function swarm(seed: number, { kind, size, overUdp = false, ...options }: SwarmOptions = {}): Swarm {
  const random = seededRandom(`swim/${seed}`);
  const drawn = random.int(3, 12);
  const picked = random.pick(KINDS);
  const ids = named(size ?? drawn);
  const links = buildLinks(overUdp ? "mesh" : (kind ?? picked), ids);
  const expendable = ids.filter((id) => connected(ids.filter((other) => other !== id), links)); // biome-ignore format: one rule
  const network = new MembershipNetwork({ seed: String(seed), settings: LOCAL, ...options, ids, ...(overUdp ? {} : { links }) }); // biome-ignore format: one rule
  network.startAll(100);
  network.runUntil(SETTLED_MS);
  return { network, ids, links, victim: random.pick(expendable) };
}

/** @throws Error naming the seed in which something was wrong. */
export function forSeeds(count: number, run: (seed: number) => void): void {
  for (let seed = 0; seed < count; seed++) {
    try {
      run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Verdicts about others than the given one, who all run. */
export function falseAlarms(network: MembershipNetwork, but?: string): Sighting[] {
  return network.sightings.filter(
    ({ observation: { type, member } }) => (type === "memberSuspected" || type === "memberFailed") && member !== but,
  );
}

/** @throws AssertionError naming who was wronged when, unless nobody was suspected or failed but the given one. */
export function assertNoFalseAlarm(network: MembershipNetwork, but?: string): void {
  assert.deepEqual(falseAlarms(network, but), [], "nobody is suspected who runs and can be heard");
}

export function assertAllAlive(network: MembershipNetwork, ids: readonly string[]): void {
  for (const at of network.running())
    for (const of of ids) assert.equal(network.state(at, of), "alive", `${at} sees ${of} alive at ${network.nowMs} ms`);
}

/** Runs until that is so, looking every 20 ms. Gives the time that it took, ms. @throws AssertionError when it is not so in time. */
export function timeUntil(network: MembershipNetwork, what: string, mostMs: number, isSo: () => boolean): number {
  const sinceMs = network.nowMs;
  while (!isSo()) {
    assert.ok(network.nowMs - sinceMs < mostMs, `${what} within ${mostMs} ms`);
    network.runUntil(network.nowMs + 20);
  }
  return network.nowMs - sinceMs;
}

/** Whether all of some are seen in that state by all of others. */
export function seenSo(
  network: MembershipNetwork,
  by: readonly string[],
  of: readonly string[],
  state: string,
): boolean {
  return by.every((at) => of.every((id) => network.state(at, id) === state));
}

/** Ms until the last survivor knew. @throws AssertionError when one does not know in time. */
export function detectionMs({ network, ids, victim }: Swarm, mostMs: number): number {
  const others = ids.filter((id) => id !== victim);
  return timeUntil(network, `all know that ${victim} failed`, mostMs, () =>
    seenSo(network, others, [victim], "failed"),
  );
}

/** Kills one, starts it again. Gives the detection time, and that until all knew that it was back. */
export function killAndRestart(seed: number, options: SwarmOptions = {}, mostMs = 6000): readonly [number, number] {
  const subject = swarm(seed, options);
  const { network, ids, victim } = subject;
  assertAllAlive(network, ids);
  network.kill(victim);
  const detectedMs = detectionMs(subject, mostMs);
  network.start(victim);
  // Its own view of the others is empty at first: alive, unheard of.
  const isBack = () => seenSo(network, ids, [victim], "alive") && ids.every((id) => network.core(victim)?.member(id)?.incarnation !== 0); // biome-ignore format: one rule
  const backMs = timeUntil(network, `all know that ${victim} is back`, 4500, isBack);
  network.runUntil(network.nowMs + 1000);
  assertAllAlive(network, ids);
  assertNoFalseAlarm(network, victim);
  return [detectedMs, backMs];
}

/** One is killed, and is back before anybody can know. Nobody may be accused, nor its new life be missed. */
export function quickRestart(seed: number, gapMs: number, options: SwarmOptions = {}): void {
  const { network, ids, victim } = swarm(seed, options);
  network.kill(victim);
  network.runUntil(network.nowMs + gapMs);
  network.start(victim);
  timeUntil(network, `all know of ${victim}'s new life`, 4500, () =>
    ids.every((id) => network.core(id)?.member(victim)?.incarnation === 2),
  );
  network.runUntil(network.nowMs + 3000);
  assertAllAlive(network, ids);
  assert.deepEqual(network.seen("memberFailed", victim, 0), []);
  assertNoFalseAlarm(network, victim);
}

/** One is stopped for a while with its links open, then goes on. Gives the time until all see all alive, and whether anybody failed it. */
export function pauseAndResume(
  seed: number,
  durationMs: number,
  options: SwarmOptions = {},
): readonly [number, boolean] {
  const { network, ids, victim } = swarm(seed, options);
  network.pause(victim, durationMs);
  network.runUntil(network.nowMs + durationMs - 1);
  const failed = network.seen("memberFailed", victim, 0).length > 0;
  network.runUntil(network.nowMs + 1);
  const tookMs = timeUntil(network, "all are alive again", 1000, () => seenSo(network, ids, ids, "alive"));
  network.runUntil(network.nowMs + 3000);
  assertAllAlive(network, ids);
  assertNoFalseAlarm(network, victim);
  return [tookMs, failed];
}

/** One link closes for good, and the others still connect everybody: over others, or, where nothing is handed on, with the help of others alone. */
export function cutOne(seed: number, options: SwarmOptions = {}): void {
  const { network, ids, links } = swarm(seed, { kind: "grid", size: 6, ...options });
  const { a, b } = seededRandom(seed).pick(links);
  network.cut(a, b);
  network.runUntil(network.nowMs + 10_000);
  assertAllAlive(network, ids);
  assertNoFalseAlarm(network);
}

/** Cut into halves until both hold each other failed, then joined. Gives the times that took, ms. */
export function partitionAndHeal(seed: number, options: SwarmOptions = {}, mostMs = 2000): readonly [number, number] {
  const { network, ids, links } = swarm(seed, options);
  const half = Math.ceil(ids.length / 2);
  const sides = [ids.slice(0, half), ids.slice(half)] as const;
  const across = links.filter(({ a, b }) => sides[0].includes(a) !== sides[0].includes(b));
  for (const { a, b } of across) network.cut(a, b);
  const failedMs = timeUntil(
    network,
    "both sides hold each other failed",
    60_000,
    () => seenSo(network, sides[0], sides[1], "failed") && seenSo(network, sides[1], sides[0], "failed"),
  );
  network.runUntil(network.nowMs + 5000);
  for (const { a, b } of across) network.join(a, b);
  const healedMs = timeUntil(network, "all are alive after the partition", mostMs, () =>
    seenSo(network, ids, ids, "alive"),
  );
  network.runUntil(network.nowMs + 5000);
  assertAllAlive(network, ids);
  return [failedMs, healedMs];
}

/** One says goodbye. */
export function goodbye(seed: number, options: SwarmOptions = {}): void {
  const { network, victim } = swarm(seed, options);
  network.leave(victim);
  network.runUntil(network.nowMs + 3000);
  for (const id of network.running())
    assert.equal(network.state(id, victim), "left", `${id} knows that ${victim} left`);
  assertNoFalseAlarm(network);
}

/** Nothing happens but that messages are lost. Gives how often somebody was suspected by a member of its own accord. @throws AssertionError when somebody is failed. */
export function lossy(seed: number, loss: number, durationMs: number, options: SwarmOptions = {}): number {
  const { network } = swarm(seed, { size: 12, loss, ...options });
  network.runUntil(network.nowMs + durationMs);
  const alarms = falseAlarms(network).map(({ observation }) => observation);
  assert.deepEqual(alarms.filter(({ type }) => type === "memberFailed"), [], "nobody is failed who runs and can be heard"); // biome-ignore format: one rule
  return alarms.filter((one) => one.type === "memberSuspected" && one.reason === "noAnswer").length;
}

/** Messages that a member sends in a period, on average and at most, when nothing happens. */
export function load(size: number, options: SwarmOptions = {}): readonly [number, number] {
  const { network, ids } = swarm(0, { size, overUdp: true, ...options });
  const PERIODS = 20;
  network.runUntil(network.nowMs + 3500);
  const before = ids.map((id) => network.load(id).sent);
  network.runUntil(network.nowMs + PERIODS * LOCAL.probeIntervalMs);
  const sent = ids.map((id, place) => (network.load(id).sent - (before[place] as number)) / PERIODS);
  assertNoFalseAlarm(network);
  return [sent.reduce((sum, one) => sum + one, 0) / size, Math.max(...sent)];
}
