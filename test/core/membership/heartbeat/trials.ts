import assert from "node:assert/strict";
import { buildLinks, connected } from "../../../../server/core/overlay/topology.ts";
import { type Link, TOPOLOGY_KINDS, type TopologyKind } from "../../../../server/core/overlay/types.ts";
import { type Random, seededRandom } from "../../../../server/core/random.ts";
import { LOCAL, MemberSimulation, type SimulationOptions } from "./member-simulation.ts";

// Those whose links follow from the roster.
export const KINDS = TOPOLOGY_KINDS.filter((kind) => kind !== "links" && kind !== "hyparview");
/** Everybody has heard of everybody by then. */
const SETTLED_MS = 700;
/** News is everywhere: links take 0.2 to 2 ms, timers are up to 2 ms late, and what is relayed waits for at most a heartbeat on its way. */
export const SPREAD_MS = LOCAL.heartbeatMs;

export type SwarmOptions = Partial<SimulationOptions> & { readonly kind?: TopologyKind };

export interface Swarm {
  readonly sim: MemberSimulation;
  readonly ids: readonly string[];
  readonly links: readonly Link[];
  readonly random: Random;
  /** Somebody without whom the others are still connected. */
  readonly victim: string;
}

export function roster(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `a${at + 1}`);
}

/** A swarm of 3 to 12 of some topology, drawn by the seed. */
export function swarm(seed: number, options: SwarmOptions = {}): Swarm {
  const random = seededRandom(`detection/${seed}`);
  const size = random.int(3, 12);
  const kind = options.kind ?? random.pick(KINDS);
  const ids = options.ids ?? roster(size);
  const links = buildLinks(kind, ids);
  const victim = random.pick(expendable(ids, links));
  const sim = new MemberSimulation({ seed: String(seed), ...options, ids, links });
  sim.startAll(100);
  sim.runUntil(SETTLED_MS);
  return { sim, ids, links, random, victim };
}

/** Those without whom the others are still connected. */
function expendable(ids: readonly string[], links: readonly Link[]): string[] {
  return ids.filter((id) => connected(without(ids, id), links));
}

function without(ids: readonly string[], id: string): string[] {
  return ids.filter((other) => other !== id);
}

/** @throws AssertionError naming who was wronged when, unless nobody was suspected or failed but the given one. */
export function assertNoFalseAlarm(sim: MemberSimulation, but: string | undefined): void {
  const alarms = sim.sightings.filter(
    ({ observation: { type, member } }) => (type === "memberSuspected" || type === "memberFailed") && member !== but,
  );
  assert.deepEqual(alarms, [], "nobody is suspected who runs and can be heard");
}

/** @throws AssertionError naming who was wronged when, if anybody was failed whom nobody may fail. @param at by whom; absent: by anybody */
function assertNobodyFailed(sim: MemberSimulation, why: string, members: readonly string[], at = members): void {
  const failed = sim.sightings.filter(
    ({ at: by, observation }) =>
      observation.type === "memberFailed" && members.includes(observation.member) && at.includes(by),
  );
  assert.deepEqual(failed, [], why);
}

/** Ms until the last survivor knew. @throws AssertionError when one does not know. */
export function detectionMs(sim: MemberSimulation, victim: string, sinceMs: number): number {
  let worstMs = 0;
  for (const id of sim.running()) {
    if (id === victim) continue;
    assert.equal(sim.state(id, victim), "failed", `${id} knows that ${victim} failed`);
    const verdict = sim.seen("memberFailed", victim, sinceMs).findLast(({ at }) => at === id);
    worstMs = Math.max(worstMs, (verdict?.atMs as number) - sinceMs);
  }
  return worstMs;
}

export function assertAllAlive(sim: MemberSimulation, ids: readonly string[]): void {
  for (const at of sim.running())
    for (const of of ids) assert.equal(sim.state(at, of), "alive", `${at} sees ${of} alive at ${sim.nowMs} ms`);
}

/** More than half. */
function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * How long it may take until all know of those that were killed: where a quorum has lost its own link to each, the allowance after that. Where fewer have,
 * the allowance is over before the others have been silent for long enough to confirm. Where nobody has, as its neighbours were killed, too, it begins then.
 */
function boundMs(victims: readonly string[], ids: readonly string[], links: readonly Link[]): number {
  const killed = new Set(victims);
  const witnesses = victims.map(
    (victim) => links.filter(({ a, b }) => (a === victim && !killed.has(b)) || (b === victim && !killed.has(a))).length,
  );
  const fewest = Math.min(...witnesses);
  if (fewest >= quorumOf(ids.length)) return LOCAL.failAfterClosedMs + 100;
  return LOCAL.suspectAfterMs + (fewest > 0 ? 0 : LOCAL.failAfterMs) + SPREAD_MS;
}

/** Starts, kills, restarts. Gives the detection time. */
export function killAndRestart(seed: number, options: SwarmOptions = {}): number {
  const { sim, ids, links, victim } = swarm(seed, options);
  assertAllAlive(sim, ids);
  const killedMs = sim.nowMs;
  sim.kill(victim);
  sim.runUntil(killedMs + 1000);
  const tookMs = detectionMs(sim, victim, killedMs);
  const mayTakeMs = boundMs([victim], ids, links);
  assert.ok(tookMs < mayTakeMs, `known to all only after ${tookMs} ms, not ${mayTakeMs}`);
  sim.start(victim);
  sim.runUntil(killedMs + 1300);
  assertAllAlive(sim, ids);
  assertNoFalseAlarm(sim, victim);
  return tookMs;
}

/** One is stopped for a while with its links open, then goes on. */
export function pauseAndResume(seed: number, durationMs: number, options: SwarmOptions = {}): void {
  const { sim, ids, victim } = swarm(seed, options);
  const stoppedMs = sim.nowMs;
  sim.pause(victim, durationMs);
  sim.runUntil(stoppedMs + durationMs - 1);
  if (durationMs > 1000)
    for (const id of ids) if (id !== victim) assert.equal(sim.state(id, victim), "failed", `${id} knows of the pause`);
  sim.runUntil(stoppedMs + durationMs + 300);
  assertAllAlive(sim, ids);
  assertNoFalseAlarm(sim, victim);
}

/** One link closes for good. The others still connect everybody. */
export function cutLink(seed: number, options: SwarmOptions = {}): void {
  const { sim, ids, links } = swarm(seed, { kind: "grid", ids: ["a", "b", "c", "d", "e", "f"], ...options });
  const { a, b } = seededRandom(seed).pick(links);
  sim.cut(a, b);
  sim.runUntil(sim.nowMs + 1500);
  assertAllAlive(sim, ids);
  assertNobodyFailed(sim, "nobody is failed who can be heard through others", ids);
}

export const WAYS_TO_LOSE = ["killed at once", "killed one after another", "stopped at once"] as const;

/**
 * Five of twelve are lost, and the other seven, a bare quorum, are still connected. Gives the longest detection time. Where messages are lost, some have
 * missed a last counter, hear of it from those who suspect it, and are to be silent about that for as long.
 */
export function loseFive(seed: number, way: (typeof WAYS_TO_LOSE)[number], options: SwarmOptions = {}): number {
  const { sim, ids, links, random } = swarm(seed, { ids: roster(12), ...options });
  const victims: string[] = [];
  const lossMs = (options.loss ?? 0) > 0 ? LOCAL.suspectAfterMs : 0;
  for (let rest: readonly string[] = ids; victims.length < 5; rest = without(rest, victims.at(-1) as string))
    victims.push(random.pick(expendable(rest, links)));
  if (way === "killed one after another")
    return Math.max(
      ...victims.map((victim, at) => {
        const killedMs = sim.nowMs;
        sim.kill(victim);
        sim.runUntil(killedMs + 1000);
        const tookMs = detectionMs(sim, victim, killedMs);
        assertWithin(tookMs, boundMs(victims.slice(0, at + 1), ids, links) + lossMs, victim);
        return tookMs;
      }),
    );
  const lostMs = sim.nowMs;
  for (const victim of victims) {
    if (way === "killed at once") sim.kill(victim);
    else sim.pause(victim, 10_000);
  }
  sim.runUntil(lostMs + 2000);
  const stoppedMayTakeMs = LOCAL.suspectAfterMs + LOCAL.failAfterMs + SPREAD_MS;
  const mayTakeMs = (way === "killed at once" ? boundMs(victims, ids, links) : stoppedMayTakeMs) + lossMs;
  return Math.max(
    ...victims.map((victim) => {
      const survivors = ids.filter((id) => !victims.includes(id));
      for (const at of survivors) assert.equal(sim.state(at, victim), "failed", `${at} knows that ${victim} failed`);
      const verdicts = sim.seen("memberFailed", victim, lostMs).filter(({ at }) => survivors.includes(at));
      const tookMs = Math.max(...verdicts.map(({ atMs }) => atMs)) - lostMs;
      assertWithin(tookMs, mayTakeMs, victim);
      return tookMs;
    }),
  );
}

function assertWithin(tookMs: number, mayTakeMs: number, victim: string): void {
  assert.ok(tookMs < mayTakeMs, `${victim} is known to all only after ${tookMs} ms, not ${mayTakeMs}`);
}

/**
 * The links between some and the rest are down for a while, or deliver nothing. Who is more than half holds the others failed, nobody else fails anybody,
 * and when it is over all are alive and stay so.
 * @param half as even as it goes: of an even number nobody is more than half
 */
export function partition(seed: number, how: "cut" | "mute", half: boolean, options: SwarmOptions = {}): void {
  const { sim, ids, links, random } = swarm(seed, options);
  const first = half ? Math.ceil(ids.length / 2) : random.int(quorumOf(ids.length), ids.length - 1);
  // In every topology the first of the roster are connected among themselves.
  const [majority, minority] = [ids.slice(0, first), ids.slice(first)];
  const across = links.filter(({ a, b }) => majority.includes(a) !== majority.includes(b));
  const separate = (apart: boolean) => {
    for (const { a, b } of across) {
      if (how === "mute") {
        sim.silence(a, b, apart);
        sim.silence(b, a, apart);
      } else if (apart) sim.cut(a, b);
      else sim.join(a, b);
    }
  };
  separate(true);
  sim.runUntil(sim.nowMs + 2000);
  const decides = majority.length >= quorumOf(ids.length);
  assertNobodyFailed(sim, "a side that is no majority fails nobody", ids, decides ? minority : ids);
  assertNobodyFailed(sim, "a majority fails nobody of its own", majority);
  for (const at of majority)
    for (const of of minority)
      assert.equal(sim.state(at, of), decides ? "failed" : "suspected", `${at} of the majority sees ${of} away`);
  for (const at of minority)
    for (const of of majority) assert.equal(sim.state(at, of), "suspected", `${at} of the minority sees ${of} away`);
  separate(false);
  sim.runUntil(sim.nowMs + 300);
  assertAllAlive(sim, ids);
  const healedMs = sim.nowMs;
  sim.runUntil(healedMs + 2000);
  assertAllAlive(sim, ids);
  const since = sim.sightings.filter(({ atMs }) => atMs > healedMs);
  assert.deepEqual(since, [], "what is healed stays so");
}

/** Twelve lose five, and then the seven fall apart into four and three: four are more than half of those that run, and no majority. */
export function fallApart(seed: number, options: SwarmOptions = {}): void {
  const { sim, ids, links } = swarm(seed, { kind: "mesh", ids: roster(12), ...options });
  for (const id of ids.slice(7)) sim.kill(id);
  sim.runUntil(sim.nowMs + 1500);
  const four = ids.slice(0, 4);
  for (const { a, b } of links) if (four.includes(a) !== four.includes(b)) sim.cut(a, b);
  sim.runUntil(sim.nowMs + 2000);
  assertNobodyFailed(sim, "four of twelve fail nobody", ids.slice(0, 7));
}

/** One is cut off by its neighbours, too few for a quorum, for longer than the allowance and shorter than the others' silence. */
export function shortAbsence(seed: number, options: SwarmOptions = {}): void {
  const { sim, ids, links } = swarm(seed, { ids: roster(6), ...options });
  const last = ids.at(-1) as string;
  const own = links.filter(({ a, b }) => a === last || b === last);
  for (const { a, b } of own) sim.cut(a, b);
  sim.runUntil(sim.nowMs + LOCAL.failAfterClosedMs + 30);
  for (const { a, b } of own) sim.join(a, b);
  sim.runUntil(sim.nowMs + 300);
  assertAllAlive(sim, ids);
  assertNobodyFailed(sim, "nobody is failed because its neighbours say so", ids);
}

/** Each of a mesh accuses one of them wrongly and is refuted; then a single one does while that one stops for a moment. */
export function accusedByAll(seed: number, options: SwarmOptions = {}): void {
  const { sim, ids, victim } = swarm(seed, { kind: "mesh", ids: roster(5), ...options });
  const others = without(ids, victim);
  for (const accuser of others) {
    sim.cut(victim, accuser);
    sim.runUntil(sim.nowMs + 30);
    sim.join(victim, accuser);
    sim.runUntil(sim.nowMs + 30);
  }
  assertAllAlive(sim, ids);
  sim.pause(victim, 300);
  sim.cut(victim, others[0] as string);
  sim.runUntil(sim.nowMs + 1000);
  assertAllAlive(sim, ids);
  assertNobodyFailed(sim, "nobody is failed for what it has refuted", ids);
}

export function forSeeds(count: number, run: (seed: number) => void): void {
  for (let seed = 0; seed < count; seed++) {
    try {
      run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}
