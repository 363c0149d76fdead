import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { HeartbeatMembership } from "../../../../server/core/membership/heartbeat/heartbeat.ts";
import type { MembershipMessage, MembershipReady } from "../../../../server/core/membership/types.ts";
import { patchedCall } from "../../../sim/patched.ts";
import { LOCAL, type SimulationOptions } from "./member-simulation.ts";
import {
  assertAllAlive,
  assertNoFalseAlarm,
  cutLink,
  detectionMs,
  forSeeds,
  killAndRestart,
  pauseAndResume,
  roster,
  swarm,
} from "./trials.ts";

const SEEDS = 400;

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
      const ids = roster(12);
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
    const ids = roster(30);
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
    class NeverTellVerdicts extends HeartbeatMembership {
      override take(now: number): MembershipReady | undefined {
        const ready = super.take(now);
        return (
          ready && { ...ready, messages: ready.messages.map(({ to, message }) => ({ to, message: muted(message) })) }
        );
      }
    }
    class ForgetThatLinksClose extends HeartbeatMembership {
      override linkDown(): void {}
    }
    class PassNothingOn extends HeartbeatMembership {
      readonly #id: string;
      constructor(...args: ConstructorParameters<typeof HeartbeatMembership>) {
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
    class SuspectTooSoon extends HeartbeatMembership {
      constructor(...[config, ...rest]: ConstructorParameters<typeof HeartbeatMembership>) {
        super({ ...config, suspectAfterMs: config.heartbeatMs * 1.05 }, ...rest);
      }
    }
    const make =
      (Broken: typeof HeartbeatMembership): NonNullable<SimulationOptions["make"]> =>
      (...args) =>
        new Broken(...args);
    const table: [typeof HeartbeatMembership, string, () => void, RegExp][] = [
      [
        NeverTellVerdicts,
        "a kill",
        () => forSeeds(20, (seed) => killAndRestart(seed, { make: make(NeverTellVerdicts) })),
        /knows that a\d+ failed/,
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
        SuspectTooSoon,
        "a kill",
        () => forSeeds(5, (seed) => killAndRestart(seed, { make: make(SuspectTooSoon) })),
        /nobody is suspected/,
      ],
    ];
    for (const [Broken, what, run, sentence] of table)
      it(`${Broken.name} (${what})`, () => assert.throws(run, sentence));

    it("take their own sleep for silence of the others (a pause)", async () => {
      const file = "server/core/membership/heartbeat/heartbeat.ts";
      const bug = {
        file,
        find: "if (lateMs <= this.#config.heartbeatMs / 4) return;",
        replace: "if (lateMs > 0) return;",
      };
      const module = "../core/membership/heartbeat/broken-trials.ts";
      assert.match(await patchedCall<string>([bug], module, "aPause"), /sees a\d+ alive|nobody is suspected/);
    });
  });
});

function muted(message: MembershipMessage): MembershipMessage {
  return { ...message, news: message.news.filter(({ state }) => state === "alive") };
}
