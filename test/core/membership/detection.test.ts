import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Membership } from "../../../server/core/membership/membership.ts";
import type { MembershipMessage, MembershipReady } from "../../../server/core/membership/types.ts";
import { buildLinks, connected } from "../../../server/core/overlay/topology.ts";
import { type Link, TOPOLOGY_KINDS, type TopologyKind } from "../../../server/core/overlay/types.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { LOCAL, MemberSimulation, type SimulationOptions } from "./member-simulation.ts";

const KINDS = TOPOLOGY_KINDS.filter((kind) => kind !== "links");
const SEEDS = 400;
/** Everybody has heard of everybody by then. */
const SETTLED_MS = 700;

interface Swarm {
  readonly sim: MemberSimulation;
  readonly ids: readonly string[];
  readonly links: readonly Link[];
  /** Somebody without whom the others are still connected. */
  readonly victim: string;
}

/** A swarm of 3 to 12 of some topology, drawn by the seed. */
function swarm(seed: number, options: Partial<SimulationOptions> & { readonly kind?: TopologyKind } = {}): Swarm {
  const random = seededRandom(`detection/${seed}`);
  const size = random.int(3, 12);
  const kind = options.kind ?? random.pick(KINDS);
  const ids = options.ids ?? Array.from({ length: size }, (_, at) => `a${at + 1}`);
  const links = buildLinks(kind, ids);
  const expendable = ids.filter((id) => connected(ids.filter((other) => other !== id), links)); // biome-ignore format: one rule
  const sim = new MemberSimulation({ seed: String(seed), ...options, ids, links });
  sim.startAll(100);
  sim.runUntil(SETTLED_MS);
  return { sim, ids, links, victim: random.pick(expendable) };
}

/** @throws AssertionError naming who was wronged when, unless nobody was suspected or failed but the given one. */
function assertNoFalseAlarm(sim: MemberSimulation, but: string | undefined): void {
  const alarms = sim.sightings.filter(
    ({ observation: { type, member } }) => (type === "memberSuspected" || type === "memberFailed") && member !== but,
  );
  assert.deepEqual(alarms, [], "nobody is suspected who runs and can be heard");
}

/** Ms until the last survivor knew. @throws AssertionError when one does not know. */
function detectionMs(sim: MemberSimulation, victim: string, sinceMs: number): number {
  let worstMs = 0;
  for (const id of sim.running()) {
    assert.equal(sim.state(id, victim), "failed", `${id} knows that ${victim} failed`);
    const verdict = sim.seen("memberFailed", victim, sinceMs).findLast(({ at }) => at === id);
    worstMs = Math.max(worstMs, (verdict?.atMs as number) - sinceMs);
  }
  return worstMs;
}

function assertAllAlive(sim: MemberSimulation, ids: readonly string[]): void {
  for (const at of sim.running())
    for (const of of ids) assert.equal(sim.state(at, of), "alive", `${at} sees ${of} alive at ${sim.nowMs} ms`);
}

/** Starts, kills, restarts. Gives the detection time. */
function killAndRestart(seed: number, options: Partial<SimulationOptions> = {}): number {
  const { sim, ids, victim } = swarm(seed, options);
  assertAllAlive(sim, ids);
  const killedMs = sim.nowMs;
  sim.kill(victim);
  sim.runUntil(killedMs + 1000);
  const tookMs = detectionMs(sim, victim, killedMs);
  // The closed link's allowance is nearly all of it: what is left is the way of the verdict.
  assert.ok(tookMs < LOCAL.failAfterClosedMs + 100, `known to all only after ${tookMs} ms`);
  sim.start(victim);
  sim.runUntil(killedMs + 1300);
  assertAllAlive(sim, ids);
  assertNoFalseAlarm(sim, victim);
  return tookMs;
}

/** One is stopped for a while with its links open, then goes on. */
function pauseAndResume(seed: number, durationMs: number, options: Partial<SimulationOptions> = {}): void {
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
function cutLink(seed: number, options: Partial<SimulationOptions> = {}): void {
  const { sim, ids, links } = swarm(seed, { kind: "grid", ids: ["a", "b", "c", "d", "e", "f"], ...options });
  const { a, b } = seededRandom(seed).pick(links);
  sim.cut(a, b);
  sim.runUntil(sim.nowMs + 1500);
  assertAllAlive(sim, ids);
  const failed = sim.sightings.filter(({ observation }) => observation.type === "memberFailed");
  assert.deepEqual(failed, [], "nobody is failed who can be heard through others");
}

function forSeeds(count: number, run: (seed: number) => void): void {
  for (let seed = 0; seed < count; seed++) {
    try {
      run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

describe("members in a simulated network", () => {
  it(`all know within a second that one was killed, and at once that it is back, without a false alarm (${SEEDS} seeds)`, () => {
    const times: number[] = [];
    forSeeds(SEEDS, (seed) => times.push(killAndRestart(seed)));
    assert.ok(Math.min(...times) >= LOCAL.failAfterClosedMs - 5, `${Math.min(...times)} ms`);
  }).timeout(20_000);

  it("know that one was stopped with its links open, and that it goes on; and it accuses nobody", () => {
    forSeeds(40, (seed) => pauseAndResume(seed, 1100 + seed * 20));
  });

  it("overlook a short stop", () => {
    forSeeds(40, (seed) => {
      const { sim, victim } = swarm(seed);
      sim.pause(victim, 200);
      sim.runUntil(sim.nowMs + 1000);
      assertNoFalseAlarm(sim, undefined);
    });
  });

  it("fail nobody because one link closed", () => forSeeds(40, (seed) => cutLink(seed)));

  it("do not even suspect one whose link is silent in one direction, where others pass its heartbeats on", () => {
    forSeeds(20, (seed) => {
      const { sim, ids } = swarm(seed, { kind: "mesh", ids: ["a", "b", "c", "d"] });
      sim.silence("a", "b", true);
      sim.runUntil(sim.nowMs + 3000);
      assertAllAlive(sim, ids);
      assertNoFalseAlarm(sim, undefined);
    });
  });

  it("hold the other side of a partition failed, and alive again soon after it heals", () => {
    forSeeds(30, (seed) => {
      const { sim, ids, links } = swarm(seed);
      const side = new Set(ids.slice(0, Math.ceil(ids.length / 2)));
      const across = links.filter(({ a, b }) => side.has(a) !== side.has(b));
      for (const { a, b } of across) sim.cut(a, b);
      sim.runUntil(sim.nowMs + 1500);
      for (const at of ids)
        for (const of of ids) if (side.has(at) !== side.has(of)) assert.equal(sim.state(at, of), "failed");
      for (const { a, b } of across) sim.join(a, b);
      sim.runUntil(sim.nowMs + 300);
      assertAllAlive(sim, ids);
    });
  });

  it("hear a goodbye everywhere, and hold nobody failed that said it", () => {
    forSeeds(40, (seed) => {
      const { sim, victim } = swarm(seed);
      sim.leave(victim);
      sim.runUntil(sim.nowMs + 1500);
      for (const id of sim.running()) assert.equal(sim.state(id, victim), "left");
      assertNoFalseAlarm(sim, undefined);
    });
  });

  it("fail nobody when a tenth of all messages is lost, and still know of a kill within a second (mesh of 12, 10 s)", () => {
    forSeeds(3, (seed) => {
      const ids = Array.from({ length: 12 }, (_, at) => `a${at + 1}`);
      const { sim, victim } = swarm(seed, { kind: "mesh", ids, loss: 0.1 });
      sim.runUntil(sim.nowMs + 10_000);
      const failed = sim.sightings.filter(({ observation }) => observation.type === "memberFailed");
      assert.deepEqual(failed, []);
      const killedMs = sim.nowMs;
      sim.kill(victim);
      sim.runUntil(killedMs + 1000);
      detectionMs(sim, victim, killedMs);
    });
  });

  it("cost one small message a link, a direction and a heartbeat in a full mesh of 30", () => {
    const ids = Array.from({ length: 30 }, (_, at) => `a${at + 1}`);
    const { sim } = swarm(0, { kind: "mesh", ids });
    const before = { messages: sim.messages, bytes: sim.bytes };
    sim.runUntil(sim.nowMs + 1000);
    const messages = sim.messages - before.messages;
    const beats = (30 * 29 * 1000) / LOCAL.heartbeatMs;
    assert.ok(Math.abs(messages / beats - 1) < 0.05, `${messages} messages, ${beats} heartbeats`);
    assert.ok((sim.bytes - before.bytes) / messages <= 12, `${(sim.bytes - before.bytes) / messages} bytes a message`);
  });

  it("are the same for the same seed, and not for another", () => {
    const run = (seed: number) => {
      const { sim, victim } = swarm(seed, { loss: 0.05 });
      sim.kill(victim);
      sim.runUntil(2000);
      return sim.sightings;
    };
    assert.deepEqual(run(1), run(1));
    assert.notDeepEqual(run(1), run(2));
  });

  describe("the checks notice members that", () => {
    class NeverTellVerdicts extends Membership {
      override take(now: number): MembershipReady | undefined {
        const ready = super.take(now);
        return (
          ready && { ...ready, messages: ready.messages.map(({ to, message }) => ({ to, message: muted(message) })) }
        );
      }
    }
    class ForgetThatLinksClose extends Membership {
      override linkDown(): void {}
    }
    class PassNothingOn extends Membership {
      readonly #id: string;
      constructor(...args: ConstructorParameters<typeof Membership>) {
        super(...args);
        this.#id = args[0].id;
      }
      override take(now: number): MembershipReady | undefined {
        const ready = super.take(now);
        const own = (message: MembershipMessage) => ({
          ...message,
          news: message.news.filter(({ id }) => id === this.#id),
        });
        return (
          ready && { ...ready, messages: ready.messages.map(({ to, message }) => ({ to, message: own(message) })) }
        );
      }
    }
    class BelieveTheirOwnSleep extends Membership {
      override tick(now: number): void {
        // As if the time slept through had been watched.
        for (let dueMs = this.deadline(); dueMs < now; dueMs = this.deadline()) {
          super.tick(dueMs);
          super.take(dueMs);
        }
        super.tick(now);
      }
    }
    class SuspectTooSoon extends Membership {
      constructor(...[config, ...rest]: ConstructorParameters<typeof Membership>) {
        super({ ...config, suspectAfterMs: config.heartbeatMs * 1.05 }, ...rest);
      }
    }
    const make =
      (Broken: typeof Membership): NonNullable<SimulationOptions["make"]> =>
      (...args) =>
        new Broken(...args);
    const table: [typeof Membership, string, () => void, RegExp][] = [
      [
        NeverTellVerdicts,
        "a kill",
        () => forSeeds(20, (seed) => killAndRestart(seed, { make: make(NeverTellVerdicts) })),
        /known to all only after/,
      ],
      [
        ForgetThatLinksClose,
        "a kill",
        () => forSeeds(20, (seed) => killAndRestart(seed, { make: make(ForgetThatLinksClose) })),
        /known to all only after/,
      ],
      [
        PassNothingOn,
        "a closed link",
        () => forSeeds(5, (seed) => cutLink(seed, { make: make(PassNothingOn) })),
        /sees . alive|nobody is failed/,
      ],
      [
        BelieveTheirOwnSleep,
        "a pause",
        () => forSeeds(10, (seed) => pauseAndResume(seed, 2000, { make: make(BelieveTheirOwnSleep) })),
        /sees a\d+ alive|nobody is suspected/,
      ],
      [
        SuspectTooSoon,
        "a kill",
        () => forSeeds(5, (seed) => killAndRestart(seed, { make: make(SuspectTooSoon) })),
        /nobody is suspected/,
      ],
    ];
    for (const [Broken, what, run, sentence] of table)
      it(`${Broken.name} (${what})`, () => assert.throws(run, sentence));
  });
});

function muted(message: MembershipMessage): MembershipMessage {
  return { ...message, news: message.news.filter(({ state }) => state === "alive") };
}
