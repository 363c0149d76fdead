// Every toxic on a link between real processes: what it does is seen at the other end, and gone once it is healed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, describe, it } from "mocha";
import type { HeldEffect, Toxic } from "../../server/contract/faults.ts";
import type { AgentReport, LinkReport } from "../../server/contract/swarm.ts";
import { agentPaths } from "../../server/live/layout.ts";
import type { TestClient } from "./client.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

describe("toxics on the links of live agents", function () {
  this.timeout(60_000);
  let swarm: TestSwarm;
  let clients: Map<string, TestClient>;
  /** Toxics are on what it sends to `peer`; it does not lead, so that its silence deposes nobody. */
  let sender: string;
  let peer: string;

  before(async () => {
    swarm = await TestSwarm.start(3);
    clients = new Map();
    for (const id of swarm.ids) clients.set(id, await swarm.client(id));
    peer = await swarm.leader();
    sender = swarm.ids.find((id) => id !== peer) as string;
  });
  afterEach(async () => {
    for (const id of swarm.processes.keys()) await client(id).ask({ op: "setEffects", effects: [] });
    await swarm.reports("all links are up again", swarm.ids, (all) =>
      all.every((one) => one.links.every((link) => link.up)),
    );
    // A test may have cost the leader its place.
    peer = await swarm.leader();
    sender = swarm.ids.find((id) => id !== peer) as string;
  });
  after(async () => assert.deepEqual(await swarm.end(), []));

  const client = (id: string): TestClient => clients.get(id) as TestClient;
  const held = (from: string, to: string, toxic: Toxic): HeldEffect => ({
    id: `f1/${from}>${to}`,
    effect: { on: "link", from, to, toxic },
    untilMs: null,
  });
  const poison = async (toxic: Toxic, ...at: readonly string[]): Promise<void> => {
    for (const id of [sender, ...at]) await client(id).ask({ op: "setEffects", effects: [held(sender, peer, toxic)] });
  };
  /** On all that the leader sends. */
  const poisonLeader = async (toxic: Toxic): Promise<TestClient> => {
    const effects = swarm.ids.filter((id) => id !== peer).map((to) => held(peer, to, toxic));
    await client(peer).ask({ op: "setEffects", effects });
    return client(peer);
  };
  const notes = (id: string): string => readFileSync(agentPaths(swarm.file.folder, swarm.file.id, id).output, "utf8");
  /** How often `peer` saw the connection with `sender` end. */
  const ends = (why = ""): number =>
    notes(peer).match(new RegExp(`The link with ${sender} went down: .*${why}`, "g"))?.length ?? 0;
  const linkOf = (report: AgentReport, to: string): LinkReport =>
    report.links.find((link) => link.peer === to) as LinkReport;
  const sent = async (): Promise<LinkReport> => linkOf(await client(sender).report(), peer);
  const received = async (): Promise<LinkReport> => linkOf(await client(peer).report(), sender);
  const frames = (from: LinkReport, count: number) =>
    eventually(`${count} frames`, async () => {
      const now = await sent();
      return now.framesOut - from.framesOut >= count && now;
    });
  const took = async (act: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await act();
    return performance.now() - began;
  };

  it("loss: about that share is dropped, the rest arrives", async () => {
    await poison({ toxic: "loss", share: 0.5 });
    const before = await sent();
    const after = await frames(before, 100);
    const share = (after.dropped - before.dropped) / (after.framesOut - before.framesOut);
    assert.ok(share > 0.3 && share < 0.7, String(share));
    assert.ok(after.up);
  });

  it("latency: frames take so long, and each is counted as delayed", async () => {
    await poison({ toxic: "latency", delay: { shape: "uniform", ms: 60, spread: 10 } });
    const before = await sent();
    await received();
    const after = await frames(before, 40);
    const { latencyP50Ms } = await received();
    assert.ok(latencyP50Ms !== null && latencyP50Ms >= 50 && latencyP50Ms < 200, String(latencyP50Ms));
    assert.ok(after.delayed - before.delayed >= 35, `${after.delayed - before.delayed} delayed`);
    assert.equal(after.dropped, before.dropped);
  });

  it("bandwidth: a large value takes its time", async () => {
    const leader = await poisonLeader({ toxic: "bandwidth", bytesPerSecond: 200_000 });
    assert.ok((await took(() => leader.put("large", "x".repeat(24_000)))) >= 110);
  });

  it("slicing: a large value passes slice by slice", async () => {
    const leader = await poisonLeader({ toxic: "slicing", bytes: 1_000, everyMs: 5 });
    assert.ok((await took(() => leader.put("sliced", "x".repeat(24_000)))) >= 110);
  });

  it("duplicate: what is sent once arrives twice, and is taken once", async () => {
    const before = { out: await sent(), in: await received() };
    await poison({ toxic: "duplicate", share: 1 });
    const out = await frames(before.out, 60);
    const arrived = (await received()).framesIn - before.in.framesIn;
    const left = out.framesOut - before.out.framesOut;
    assert.ok(arrived > left * 1.6, `${arrived} of ${left}`);
    const written = await client(peer).ask({ op: "put", namespace: "test", key: "once", value: Buffer.from("1") });
    assert.deepEqual(written.type, "written");
    assert.equal(await client(sender).get("once"), "1");
  });

  it("reorder: frames are overtaken, and what is decided is the same everywhere", async () => {
    const leader = await poisonLeader({ toxic: "reorder", share: 0.5, byMs: 30 });
    for (let at = 0; at < 30; at++) assert.ok((await leader.put("order", String(at))).ok);
    const delayed = (await leader.report()).links.reduce((sum, link) => sum + link.delayed, 0);
    assert.ok(delayed > 10, String(delayed));
    for (const id of swarm.ids) assert.equal(await client(id).get("order"), "29");
  });

  it("corrupt: the sender counts what it damaged, the receiver refuses it and closes", async () => {
    const { corrupted } = await sent();
    await poison({ toxic: "corrupt", share: 0.2 });
    await eventually("the receiver notes it", () => /sent a frame that is none/.test(notes(peer)));
    assert.ok((await sent()).corrupted > corrupted);
  });

  it("timeout: nothing passes, then the connection closes, and none comes about before it is healed", async () => {
    await poison({ toxic: "timeout", afterMs: 300 }, peer);
    const silent = await received();
    assert.ok(silent.up, "the connection stands at first");
    const down = (reports: readonly AgentReport[]): boolean =>
      reports.every((one) => !linkOf(one, one.agent === sender ? peer : sender).up);
    await swarm.reports("both ends see it close", [sender, peer], down);
    // Longer than the longest pause between two attempts.
    const untilMs = performance.now() + 900;
    await eventually("it stays away", async () => {
      assert.ok(down([await client(sender).report(), await client(peer).report()]), "it came back");
      return performance.now() > untilMs;
    });
    assert.equal((await received()).framesIn, silent.framesIn);
  });

  it("reset: the connection closes again and again, and comes back", async () => {
    await poison({ toxic: "reset", afterMs: 100 });
    const before = ends("a fault was injected");
    await eventually("the third", () => ends("a fault was injected") >= before + 3);
  });

  it("dataLimit: a connection ends after so many bytes, and the next one carries as many again", async () => {
    await poison({ toxic: "dataLimit", bytes: 1_000 });
    const before = await sent();
    const already = ends();
    // Of the connection that ends first any part may have been sent before it was counted; of the next two nothing was.
    await eventually("the third end", () => ends() >= already + 3);
    assert.ok((await sent()).bytesOut - before.bytesOut >= 2_000);
  });

  it("flap: nothing passes for a while, then everything, and the connection stands", async () => {
    const ended = ends();
    await poison({ toxic: "flap", upMs: 150, downMs: 100 });
    const before = { out: await sent(), in: await received() };
    const out = await frames(before.out, 120);
    const dropped = out.dropped - before.out.dropped;
    const arrived = (await received()).framesIn - before.in.framesIn;
    assert.ok(dropped > 10 && arrived > 30, `${dropped} dropped, ${arrived} arrived`);
    assert.equal(ends(), ended, "no connection ended");
  });

  it("slowClose: an end that died seems to be there for so much longer", async () => {
    const third = swarm.ids.find((id) => id !== sender && id !== peer) as string;
    await client(peer).ask({ op: "setEffects", effects: [held(sender, peer, { toxic: "slowClose", delayMs: 1_500 })] });
    const died = performance.now();
    swarm.kill(sender);
    await swarm.reports("one sees it at once", [third], ([one]) => !linkOf(one as AgentReport, sender).up);
    assert.ok((await received()).up, "the other does not");
    await eventually("the other sees it, too", async () => !(await received()).up);
    assert.ok(performance.now() - died >= 1_450, `${performance.now() - died} ms`);
    await swarm.startAgent(sender);
    clients.set(sender, await swarm.client(sender));
  });
});
