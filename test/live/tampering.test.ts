// Message rules, and liars, on real processes: what each does is seen at the agents it does it to.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { ByzantineBehaviour, Effect, HeldEffect, MessageRule } from "../../server/contract/faults.ts";
import type { TestClient } from "./client.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

let swarm: TestSwarm;

const held = (...effects: readonly Effect[]): HeldEffect[] =>
  effects.map((effect, at) => ({ id: `f1/${at}`, effect, untilMs: null }));
const tell = async (agent: string, ...effects: readonly Effect[]): Promise<TestClient> => {
  const client = await swarm.client(agent);
  await client.ask({ op: "setEffects", effects: held(...effects) });
  return client;
};
const others = (...ids: string[]): string[] => swarm.ids.filter((id) => !ids.includes(id));
const message = (rule: Omit<MessageRule, "probability">): Effect => ({
  on: "message",
  rule: { ...rule, probability: 1 },
});
const lie = (agent: string, behaviour: ByzantineBehaviour): Effect => ({ on: "byzantine", agent, behaviour });
const took = async (act: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await act();
  return performance.now() - began;
};

/** A test of what a leader does. On a busy machine it may lose its office meanwhile: then what failed says nothing, and the test begins anew, with other agents. */
function underOneLeader(test: (leader: string) => Promise<void>): () => Promise<void> {
  return async () => {
    for (let left = 5; ; left--) {
      swarm = await TestSwarm.start(3);
      const leader = await swarm.leader();
      const client = await swarm.client(leader);
      const { term } = await client.report();
      try {
        await test(leader);
        return;
      } catch (error) {
        const now = await client.report();
        if (left === 0 || (now.role === "leader" && now.term === term)) throw error;
        assert.deepEqual(await swarm.end(), []);
      }
    }
  };
}

describe("message rules on live agents", function () {
  this.timeout(60_000);
  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  it(
    "drop: the first so many that match, and no more",
    underOneLeader(async (leader) => {
      const [to = ""] = others(leader);
      const client = await tell(leader, message({ types: ["append"], to: [to], action: { action: "drop" }, count: 2 }));
      for (let at = 0; at < 20; at++) assert.ok((await client.put(`k${at}`, "v")).ok);
      const { commit, links } = await client.report();
      await swarm.reports("the other catches up", [to], ([one]) => (one?.applied ?? 0) >= commit);
      assert.deepEqual(
        links.map(({ peer, dropped }) => [peer, dropped]).sort(),
        others(leader).map((peer) => [peer, peer === to ? 2 : 0]),
      );
    }),
  );

  it(
    "delay: what waits for the message waits as long; heartbeats do not",
    underOneLeader(async (leader) => {
      const { term } = await (await swarm.client(leader)).report();
      const client = await tell(leader, message({ types: ["append"], action: { action: "delay", delayMs: 600 } }));
      assert.ok((await took(() => client.put("late", "1"))) >= 590);
      const report = await client.report();
      assert.deepEqual([report.role, report.term], ["leader", term], "nobody lost patience");
      assert.ok(report.links.every((link) => link.delayed > 0));
    }),
  );

  it(
    "duplicate: an append that arrives four times is taken once",
    underOneLeader(async (leader) => {
      const [to = ""] = others(leader);
      const rule = { types: ["append"], to: [to], action: { action: "duplicate", copies: 3 } } as const;
      const client = await tell(leader, message(rule));
      const seen = async (): Promise<number> =>
        (await (await swarm.client(to)).report()).links.find(({ peer }) => peer === leader)?.framesIn ?? 0;
      const sent = async (): Promise<number> =>
        (await client.report()).links.find(({ peer }) => peer === to)?.framesOut ?? 0;
      const before = { seen: await seen(), sent: await sent() };
      for (let at = 0; at < 40; at++) assert.ok((await client.put("count", String(at))).ok);
      const more = (await seen()) - before.seen - ((await sent()) - before.sent);
      assert.ok(more >= 60, `${more} more frames than were sent`);
      assert.equal(await (await swarm.client(to)).get("count"), "39");
    }),
  );

  it(
    "corrupt: the receiver refuses the one that is damaged, and the swarm goes on",
    underOneLeader(async (leader) => {
      const [to = ""] = others(leader);
      const rule = { types: ["append"], to: [to], action: { action: "corrupt" }, count: 1 } as const;
      const client = await tell(leader, message(rule));
      assert.ok((await client.put("after", "damage")).ok);
      const { commit, links } = await client.report();
      assert.equal(links.find(({ peer }) => peer === to)?.corrupted, 1);
      await swarm.reports("the other catches up", [to], ([one]) => (one?.applied ?? 0) >= commit);
    }),
  );
});

describe("liars among live agents", function () {
  this.timeout(60_000);
  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  it("delay: what a liar sends is late, but not so late that others do without it", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const [liar = ""] = others(leader);
    await tell(liar, lie(liar, "delay"));
    const client = await swarm.client(leader);
    const latency = async (): Promise<number | null | undefined> =>
      (await client.report()).links.find(({ peer }) => peer === liar)?.latencyP50Ms;
    await eventually("its frames are late", async () => {
      const ms = await latency();
      return typeof ms === "number" && ms >= 100;
    });
    assert.equal((await client.report()).role, "leader");
  });

  it("replay: old messages come again, and change nothing that was decided", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const [to = ""] = others(leader);
    const client = await tell(leader, lie(leader, "replay"));
    for (let at = 0; at < 60; at++) assert.ok((await client.put("count", String(at))).ok);
    const there = await (await swarm.client(to)).report();
    const here = await client.report();
    const arrived = there.links.find(({ peer }) => peer === leader)?.bytesIn ?? 0;
    const told = here.links.find(({ peer }) => peer === to)?.bytesOut ?? 0;
    assert.ok(arrived > told, `${arrived} bytes arrived of ${told}`);
    for (const id of swarm.ids) assert.equal(await (await swarm.client(id)).get("count"), "59");
  });

  it("forge: terms rise that nobody campaigned in", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const [liar = ""] = others(leader);
    const client = await swarm.client(leader);
    const { term } = await client.report();
    await tell(liar, lie(liar, "forge"));
    await eventually("terms rise", async () => {
      // The more it has to say, the sooner it says what is not so.
      await Promise.all(Array.from({ length: 10 }, (_, at) => client.put(`k${at}`, "v", { timeoutMs: 200 })));
      return (await client.report()).term >= term + 3;
    });
  });

  it("equivocate: some are told another thing in the same place of the log", async () => {
    // Whoever leads, one of the others is second or fourth: those are lied to.
    swarm = await TestSwarm.start(4);
    const leader = await swarm.leader();
    const client = await tell(leader, lie(leader, "equivocate"));
    assert.ok((await client.put("told", "truth")).ok);
    const { commit } = await client.report();
    const reports = await swarm.reports("all have applied it", swarm.ids, (all) =>
      all.every((one) => one.applied >= commit && one.stateHashIndex === all[0]?.stateHashIndex),
    );
    const hashes = new Map(reports.map((one) => [one.agent, one.stateHash]));
    const wronged = others(leader).filter((id) => swarm.ids.indexOf(id) % 2 === 1);
    assert.ok(wronged.length > 0);
    for (const id of others(leader))
      assert.equal(hashes.get(id) === hashes.get(leader), !wronged.includes(id), `${id}: ${[...hashes]}`);
  });

  for (const behaviour of ["doubleVote", "lieAboutLog"] as const)
    it(`${behaviour}: one is elected that lacks what was decided`, async () => {
      swarm = await TestSwarm.start(3);
      const leader = await swarm.leader();
      const [voter = "", behind = ""] = others(leader);
      const cutOff = swarm.ids
        .filter((id) => id !== behind)
        .flatMap((id): Effect[] => [
          { on: "link", from: behind, to: id, toxic: { toxic: "loss", share: 1 } },
          { on: "link", from: id, to: behind, toxic: { toxic: "loss", share: 1 } },
        ]);
      const late = await tell(behind, ...cutOff);
      const client = await swarm.client(leader);
      for (let at = 0; at < 5; at++) assert.ok((await client.put(`k${at}`, "decided")).ok);
      const { commit } = await client.report();
      // Who has it all does not campaign itself.
      const mute = message({ types: ["vote", "preVote"], action: { action: "drop" } });
      const liar = behaviour === "doubleVote" ? voter : behind;
      await tell(voter, mute, ...(liar === voter ? [lie(voter, behaviour)] : []));
      swarm.kill(leader);
      await late.ask({ op: "observe", recent: 0, reportEveryMs: 1_000, owner: false });
      await late.ask({ op: "setEffects", effects: held(...(liar === behind ? [lie(behind, behaviour)] : [])) });
      const elected = await late.until("it is elected", () =>
        late.pushes
          .flatMap((push) => (push.push === "events" ? push.events : []))
          .find((one) => one.kind === "becameLeader"),
      );
      assert.ok((elected.state?.lastIndex ?? 0) <= commit, JSON.stringify(elected.state));
    });
});
