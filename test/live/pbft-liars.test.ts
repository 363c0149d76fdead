// Liars among real processes that decide by PBFT: what is written stays written, and who signed two things is known to all others.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { ByzantineBehaviour, HeldEffect } from "../../server/contract/faults.ts";
import { TestSwarm } from "./swarm.ts";

let swarm: TestSwarm;

const lies = (agent: string, ...behaviours: readonly ByzantineBehaviour[]): HeldEffect[] =>
  behaviours.map((behaviour, at) => ({ id: `f${at}`, effect: { on: "byzantine", agent, behaviour }, untilMs: null }));

describe("one liar among four live PBFT agents", function () {
  this.timeout(60_000);
  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  it("equivocate: the primary that signs two batches for one place is known to the others, and left; writes go on", async () => {
    swarm = await TestSwarm.start(4, { consensus: "pbft" });
    const liar = await swarm.leader();
    const honest = swarm.ids.filter((id) => id !== liar);
    await (await swarm.client(liar)).ask({ op: "setEffects", effects: lies(liar, "equivocate") });
    const client = await swarm.client(honest[0] as string);
    for (let at = 0; at < 10; at++) assert.ok((await client.put(`k${at}`, `v${at}`)).ok);
    await swarm.reports("they know", honest, (reports) =>
      reports.every((one) => one?.pbft?.liars.join() === liar && one.leader !== liar),
    );
    for (let at = 0; at < 10; at++) assert.equal(await client.get(`k${at}`), `v${at}`);
    const reports = await swarm.reports("they trust it less", honest, (all) =>
      all.every(({ reputations }) => reputations.some(({ peer, honesty }) => peer === liar && honesty < 1)),
    );
    for (const { agent, reputations } of reports)
      for (const { peer, score, uptime, latency, honesty, proofs } of reputations) {
        assert.equal(score, uptime * latency * honesty);
        assert.deepEqual([honesty, proofs > 0], [0.5 ** proofs, peer === liar], `${peer}, as ${agent} has it`);
      }
  });

  it("doubleVote, forge and lieAboutLog at once: a backup changes nothing, and is known to vote twice", async () => {
    swarm = await TestSwarm.start(4, { consensus: "pbft" });
    const primary = await swarm.leader();
    const [liar = "", ...rest] = swarm.ids.filter((id) => id !== primary);
    const effects = lies(liar, "doubleVote", "forge", "lieAboutLog");
    await (await swarm.client(liar)).ask({ op: "setEffects", effects });
    const client = await swarm.client(rest[0] as string);
    for (let at = 0; at < 20; at++) assert.ok((await client.put("count", String(at))).ok);
    assert.equal(await client.get("count"), "19");
    await swarm.reports("they know", [primary, ...rest], (reports) =>
      reports.every((one) => one?.pbft?.liars.join() === liar),
    );
  });
});
