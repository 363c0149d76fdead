import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { overlayProblem, ownLinks } from "../../server/agent/overlay-problem.ts";
import { TestSwarm } from "./swarm.ts";

const DEGREE = 4;

describe("live agents that look for their links themselves", function () {
  this.timeout(120_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  /** Once these have an overlay that is whole: nobody has fewer links than are wanted, or more than there may be. */
  const whole = (ids: readonly string[]) =>
    swarm.reports(`${ids.join(", ")} have an overlay`, ids, (all) => {
      const overlay = all.map((report) => ownLinks(report.agent, report));
      return overlayProblem(overlay, DEGREE) === undefined;
    });

  it("come to an overlay, decide over it, and mend it when one is killed and when it is back", async () => {
    swarm = await TestSwarm.start(8, { topology: "hyparview", degree: DEGREE });
    await whole(swarm.ids);
    const leader = await swarm.leader();
    const killed = swarm.ids.find((id) => id !== leader) as string;
    const asked = swarm.ids.find((id) => id !== leader && id !== killed) as string;
    const client = await swarm.client(asked);
    const before = await client.request({ op: "put", namespace: "n", key: "k", value: Buffer.from("1") });
    assert.ok(before.ok, JSON.stringify(before));
    swarm.kill(killed);
    const others = swarm.ids.filter((id) => id !== killed);
    for (const { links } of await whole(others)) assert.ok(links.every(({ peer }) => peer !== killed));
    const after = await client.request({ op: "put", namespace: "n", key: "k", value: Buffer.from("2") });
    assert.ok(after.ok, JSON.stringify(after));
    await swarm.startAgent(killed);
    await whole(swarm.ids);
    await swarm.leader();
  });
});
