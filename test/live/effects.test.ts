// What faults do to real processes besides cutting links: messages, liars, disks, clocks, processors, connections.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { Effect, HeldEffect, Toxic } from "../../server/contract/faults.ts";
import { lastWords } from "../../server/live/spawn.ts";
import type { TestClient } from "./client.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

describe("live agents carry out faults", function () {
  this.timeout(60_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  const held = (...effects: readonly Effect[]): HeldEffect[] =>
    effects.map((effect, at) => ({ id: `f1/${at}`, effect, untilMs: null }));
  const tell = async (agent: string, ...effects: readonly Effect[]): Promise<TestClient> => {
    const client = await swarm.client(agent);
    await client.ask({ op: "setEffects", effects: held(...effects) });
    return client;
  };
  const others = (...ids: string[]): string[] => swarm.ids.filter((id) => !ids.includes(id));
  const took = async (act: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await act();
    return performance.now() - began;
  };

  it("messages: a leader whose heartbeats and appends are dropped is replaced, and it hears of it", async () => {
    swarm = await TestSwarm.start(3);
    const first = await swarm.leader();
    const rule = { types: ["heartbeat", "append"], action: { action: "drop" }, probability: 1 } as const;
    await tell(first, { on: "message", rule });
    await swarm.reports("another leads, and the first one knows", swarm.ids, (all) =>
      all.every((one) => one.leader !== "" && one.leader !== first),
    );
    const [report] = await swarm.reports("what was dropped is counted", [first], ([one]) =>
      (one?.links ?? []).every((link) => link.dropped > 0),
    );
    assert.ok(report?.links.every((link) => link.up));
  });

  it("a silent liar: the others take it for gone, although its process and links are there", async () => {
    swarm = await TestSwarm.start(3);
    const first = await swarm.leader();
    await tell(first, { on: "byzantine", agent: first, behaviour: "silent" });
    const next = await swarm.leader(others(first));
    assert.notEqual(next, first);
  });

  it("damaged frames: the receiver notes them, and the link comes back each time", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const [peer = ""] = others(leader);
    const client = await tell(leader, { on: "link", from: leader, to: peer, toxic: { toxic: "corrupt", share: 0.2 } });
    await eventually("a damaged frame is noted", () => /sent a frame that is none/.test(lastWords(swarm.place(peer))));
    await client.ask({ op: "setEffects", effects: [] });
    assert.ok((await client.put("after", "damage")).ok);
    await swarm.reports("all links are up", swarm.ids, (all) => all.every((one) => one.links.every(({ up }) => up)));
  });

  it("toxics on all that the leader sends: what it writes takes as long as they ask for, and no longer once healed", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const onAll = (toxic: Toxic): Effect[] => others(leader).map((to) => ({ on: "link", from: leader, to, toxic }));
    const client = await tell(leader, ...onAll({ toxic: "latency", delay: { shape: "normal", ms: 80, spread: 5 } }));
    assert.ok((await took(() => client.put("late", "1"))) >= 55);
    await client.ask({ op: "setEffects", effects: [] });
    await client.put("warm", "1");
    const quick = Math.min(...(await times(5, () => took(() => client.put("quick", "1")))));
    assert.ok(quick < 50, `${quick} ms`);
  });

  it("a connection that is reset again and again: the swarm goes on deciding", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const [peer = ""] = others(leader);
    const client = await tell(leader, { on: "link", from: leader, to: peer, toxic: { toxic: "reset", afterMs: 30 } });
    await eventually("the peer sees it close", () => /a fault was injected/.test(lastWords(swarm.place(peer))));
    for (let at = 0; at < 20; at++) assert.ok((await client.put(`k${at}`, "v")).ok);
  });

  it("a slow disk of a majority: writes wait for it", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    for (const id of swarm.ids) await tell(id, { on: "disk", agent: id, disk: { trouble: "slow", delayMs: 60 } });
    const client = await swarm.client(leader);
    assert.ok((await took(() => client.put("slow", "disk"))) >= 60);
  });

  for (const trouble of ["failing", "full"] as const)
    it(`a ${trouble} disk: the agent stops itself and says why, nothing acknowledged is lost, and it comes back`, async () => {
      swarm = await TestSwarm.start(3);
      const leader = await swarm.leader();
      const client = await swarm.client(leader);
      assert.ok((await client.put("before", "kept")).ok);
      const [victim = ""] = others(leader);
      await tell(victim, { on: "disk", agent: victim, disk: { trouble } });
      assert.ok((await client.put("during", "kept")).ok);
      const words = trouble === "full" ? /no space|is full/i : /i\/o error|EIO/i;
      await eventually("it says why it ends", () => words.test(lastWords(swarm.place(victim))));
      swarm.processes.delete(victim);
      await swarm.startAgent(victim);
      await swarm.leader();
      const reader = await swarm.client(victim);
      assert.deepEqual([await reader.get("before"), await reader.get("during")], ["kept", "kept"]);
    });

  it("a clock that is off: the agent's reports show it, and healed it never runs backwards", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const [victim = ""] = others(leader);
    const client = await tell(victim, { on: "clock", agent: victim, skewMs: 400, driftPpm: 0 });
    const ahead = (await client.report()).atMs - Date.now();
    assert.ok(ahead > 350 && ahead < 450, `${ahead} ms`);
    await client.ask({ op: "setEffects", effects: [] });
    let last = 0;
    await eventually("it has the right time again", async () => {
      const { atMs } = await client.report();
      assert.ok(atMs >= last, "time runs backwards");
      last = atMs;
      return atMs - Date.now() < 50;
    });
    await swarm.leader();
  });

  it("a clock that drifts: what the agent does every so often it does as much more often", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const client = await swarm.client(leader);
    const sent = async (): Promise<number> =>
      (await client.report()).links.reduce((sum, { framesOut }) => sum + framesOut, 0);
    const beats = async (): Promise<number> => {
      const before = await sent();
      return took(() => eventually("60 frames", async () => (await sent()) >= before + 60));
    };
    const plain = await beats();
    await client.ask({ op: "setEffects", effects: held({ on: "clock", agent: leader, skewMs: 0, driftPpm: 500_000 }) });
    const drifting = await beats();
    assert.ok(drifting < plain * 0.85, `${plain} ms, then ${drifting} ms`);
  });

  it("a clock that is put forward: what it was waiting for is due at once", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const [victim = ""] = others(leader);
    const client = await swarm.client(victim);
    await client.ask({ op: "observe", recent: 0, reportEveryMs: 1_000, owner: false });
    const timedOut = () =>
      client.pushes
        .flatMap((push) => (push.push === "events" ? push.events : []))
        .find(({ kind }) => kind === "electionTimedOut");
    // It takes its leader for silent; the others do not, and go on. Where it reads a heartbeat in the very moment, it has just heard of it: then once more.
    for (let jumps = 1; timedOut() === undefined; jumps++) {
      assert.ok(jumps <= 10, "its election timer runs out when its clock is put forward");
      const skewMs = 5_000 * jumps;
      await client.ask({ op: "setEffects", effects: held({ on: "clock", agent: victim, skewMs, driftPpm: 0 }) });
      await client.until("its election timer runs out", timedOut, 1_000).catch(() => undefined);
    }
    await swarm.leader();
  });

  it("a slow processor: the agent uses as much more of it, and goes on", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const client = await swarm.client(leader);
    const used = async (): Promise<number> => {
      const before = (await client.report()).cpuSeconds;
      for (let at = 0; at < 100; at++) assert.ok((await client.put(`k${at}`, "v")).ok);
      return (await client.report()).cpuSeconds - before;
    };
    await used();
    const plain = await used();
    await client.ask({ op: "setEffects", effects: held({ on: "cpu", agent: leader, slowdown: 20 }) });
    const slowed = await used();
    assert.ok(slowed > plain * 2, `${plain} s, then ${slowed} s`);
  });
});

async function times<T>(count: number, act: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let at = 0; at < count; at++) all.push(await act());
  return all;
}
