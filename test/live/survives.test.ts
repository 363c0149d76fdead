import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { pause, resume } from "../../server/live/process.ts";
import type { TestClient } from "./client.ts";
import { cutFrom } from "./cut.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

describe("live agents survive", function () {
  this.timeout(60_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  const others = (...ids: string[]): string[] => swarm.ids.filter((id) => !ids.includes(id));

  /** Puts numbered keys through one agent until told to stop; gives those that were acknowledged. */
  function keepWriting(client: TestClient, prefix: string) {
    const acknowledged: string[] = [];
    let stopped = false;
    const done = (async () => {
      for (let at = 0; !stopped && client.closed === undefined; at++) {
        const key = `${prefix}${at}`;
        const result = await client.put(key, key, { session: prefix, sequence: at + 1, timeoutMs: 5_000 });
        if (result.ok) acknowledged.push(key);
      }
    })();
    return {
      acknowledged,
      stop: async () => {
        stopped = true;
        await done;
      },
    };
  }

  it("a kill -9 of the leader: a new one leads, no acknowledged write is lost, the killed one catches up from its disk", async () => {
    swarm = await TestSwarm.start(5);
    const first = await swarm.leader();
    const rest = others(first);
    const writers = await Promise.all(
      [first, ...rest.slice(0, 2)].map(async (id) => keepWriting(await swarm.client(id), `${id}-`)),
    );
    await eventually("writes are acknowledged", () => writers.every(({ acknowledged }) => acknowledged.length > 20));
    swarm.kill(first);
    const second = await swarm.leader(rest);
    assert.notEqual(second, first);
    const before = writers.map(({ acknowledged }) => acknowledged.length);
    await eventually("writes go on", () =>
      writers.slice(1).every(({ acknowledged }, at) => acknowledged.length > (before[at + 1] as number) + 20),
    );
    const restarted = await swarm.startAgent(first);
    assert.equal(restarted.incarnation, 2);
    for (const writer of writers) await writer.stop();
    await swarm.reports("all have applied the same", swarm.ids, (all) => {
      const top = Math.max(...all.map((one) => one.lastIndex));
      return all.every((one) => one.applied === top && one.leader !== "");
    });
    const reader = await swarm.client(first);
    for (const key of writers.flatMap(({ acknowledged }) => acknowledged))
      assert.equal(await reader.get(key), key, `${key} was acknowledged`);
  });

  it("a kill -9 of all at once: everything acknowledged is there again", async () => {
    swarm = await TestSwarm.start(3);
    await swarm.leader();
    const writer = keepWriting(await swarm.client("a2"), "k");
    await eventually("writes are acknowledged", () => writer.acknowledged.length > 50);
    for (const id of swarm.ids) swarm.kill(id);
    await writer.stop();
    await Promise.all(swarm.ids.map((id) => swarm.startAgent(id)));
    await swarm.leader();
    const reader = await swarm.client("a3");
    for (const key of writer.acknowledged) assert.equal(await reader.get(key), key);
  });

  it("a stopped leader (SIGSTOP): another leads meanwhile, and it follows once it goes on", async () => {
    if (process.platform === "win32") {
      assert.throws(() => pause({ pid: process.pid, startTime: "" }), /Windows cannot pause/);
      swarm = await TestSwarm.make(1);
      return;
    }
    swarm = await TestSwarm.start(3);
    const first = await swarm.leader();
    assert.ok(pause(swarm.process(first)));
    const second = await swarm.leader(others(first));
    const client = await swarm.client(second);
    assert.ok((await client.put("meanwhile", "written")).ok);
    assert.ok(resume(swarm.process(first)));
    await swarm.leader();
    assert.equal(await (await swarm.client(first)).get("meanwhile"), "written");
  });

  it("a partition: the minority refuses, the majority goes on, and both agree when it heals", async () => {
    swarm = await TestSwarm.start(5);
    const leader = await swarm.leader();
    const companion = others(leader)[0] as string;
    const minority = [leader, companion];
    const majority = others(...minority);
    const inside = new Map<string, TestClient>();
    for (const id of swarm.ids) inside.set(id, await swarm.client(id));
    for (const [id, client] of inside)
      await client.ask({ op: "setEffects", effects: cutFrom(id, minority.includes(id) ? majority : minority) });
    await swarm.leader(majority);
    const there = inside.get(majority[0] as string) as TestClient;
    const here = inside.get(leader) as TestClient;
    assert.ok((await there.put("side", "majority")).ok);
    const refused = await here.put("other", "minority", { timeoutMs: 800 });
    assert.ok(!refused.ok && ["unavailable", "timeout"].includes(refused.code), JSON.stringify(refused));
    const stale = await here.request({ op: "get", namespace: "test", key: "side", timeoutMs: 800 });
    assert.ok(!stale.ok, "a minority serves no linearizable read");
    const reports = await swarm.reports("links are still connected", swarm.ids, (all) =>
      all.every((one) => one.links.every((link) => link.up)),
    );
    assert.ok(reports.every((one) => one.links.some((link) => link.dropped > 0)));
    for (const client of inside.values()) await client.ask({ op: "setEffects", effects: [] });
    await swarm.leader();
    assert.equal(await here.get("side"), "majority");
  });

  it("an effect ends by itself when its time has come", async () => {
    swarm = await TestSwarm.start(3);
    const leader = await swarm.leader();
    const client = await swarm.client(leader);
    const untilMs = Date.now() + 1_000;
    await client.ask({
      op: "setEffects",
      effects: cutFrom(leader, others(leader)).map((effect) => ({ ...effect, untilMs })),
    });
    await swarm.leader(others(leader));
    await swarm.leader();
    assert.ok(Date.now() >= untilMs);
  });
});
