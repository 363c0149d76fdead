import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { AgentReport } from "../../../server/contract/swarm.ts";
import { TestSwarm } from "../swarm.ts";
import { TestHosts, whyNoHosts } from "./hosts.ts";

const MAJORITY = ["a1", "a2", "a3"];
const MINORITY = ["a4", "a5"];

function holdsFailed(report: AgentReport, members: readonly string[]): boolean {
  return members.every((id) => report.members.find((member) => member.id === id)?.state === "failed");
}

function holdsAlive(report: AgentReport, members: readonly string[]): boolean {
  return members.every((id) => id === report.agent || report.members.find((m) => m.id === id)?.state === "alive");
}

describe("two hosts whose network is cut", function () {
  this.timeout(180_000);
  const why = whyNoHosts();
  if (why !== undefined) {
    it(`are not tried here: ${why}`, () => assert.match(why, /Linux|root|iproute2/));
    return;
  }
  let swarm: TestSwarm;
  let hosts: TestHosts | undefined;

  afterEach(async () => {
    await hosts?.close();
    hosts = undefined;
    assert.deepEqual(await swarm.end(), []);
  });

  const began = async (): Promise<string> => {
    swarm = await TestSwarm.make(5);
    hosts = await TestHosts.make(swarm, [MAJORITY, MINORITY]);
    await Promise.all(swarm.ids.map((id) => swarm.startAgent(id)));
    return swarm.leader();
  };

  for (const side of ["majority", "minority"] as const)
    it(`go on by majority, with the leader in the ${side}, and are one again when the network is`, async () => {
      const first = await began();
      const wanted = side === "majority" ? "a1" : "a4";
      if (first !== wanted) await (await swarm.client(first)).ask({ op: "transferLeader", to: wanted });
      assert.equal(await swarm.leader(), wanted);
      const [ours, theirs] = [await swarm.client("a2"), await swarm.client("a5")];
      assert.ok((await ours.put("before", "all")).ok);
      const cutAt = performance.now();
      hosts?.cut();
      // Which the minority may have taken before it knew.
      const lost = theirs.put("minority", "lost", { timeoutMs: 4_000 });
      const leader = await swarm.leader(MAJORITY);
      assert.ok(MAJORITY.includes(leader));
      assert.ok((await ours.put("meanwhile", "majority", { timeoutMs: 8_000 })).ok);
      const wroteAt = performance.now();
      await swarm.reports("the majority holds the minority failed", MAJORITY, (all) =>
        all.every((one) => holdsFailed(one, MINORITY)),
      );
      await swarm.reports("the minority holds the majority failed, and nobody leads it", MINORITY, (all) =>
        all.every((one) => holdsFailed(one, MAJORITY) && one.role !== "leader"),
      );
      const knownAt = performance.now();
      assert.ok(!(await lost).ok, "a minority acknowledges nothing");
      assert.ok(!(await theirs.put("minority", "lost", { timeoutMs: 500 })).ok);
      const healedAt = performance.now();
      hosts?.join();
      await swarm.reports("all are alive to all", swarm.ids, (all) => all.every((one) => holdsAlive(one, swarm.ids)));
      const one = await swarm.leader();
      const wholeAt = performance.now();
      assert.equal(await theirs.get("meanwhile"), "majority");
      assert.equal(await theirs.get("before"), "all");
      assert.ok((await theirs.put("after", one)).ok);
      assert.equal(await ours.get("after"), one);
      const ms = (from: number, to: number) => `${Math.round(to - from)} ms`;
      console.log(
        `      the majority writes after ${ms(cutAt, wroteAt)}, both sides hold the other failed after ${ms(cutAt, knownAt)}, and all are one ${ms(healedAt, wholeAt)} after it healed`,
      );
    });
});
