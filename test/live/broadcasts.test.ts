// Six real processes that decide by gossip, in a ring: what they write goes along five of its links.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { Effect } from "../../server/contract/faults.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import { buildLinks } from "../../server/core/overlay/topology.ts";
import { EachAgent } from "./each-agent.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

const SIZE = 6;

/** Links of the tree, as both ends say. */
function tree(reports: readonly AgentReport[]): readonly string[] {
  const said = new Set(
    reports.flatMap(({ agent, links }) => links.flatMap(({ peer, tree: of }) => (of ? [`${agent} ${peer}`] : []))),
  );
  return [...said].filter((link) => said.has(reversed(link)) && link < reversed(link));
}

const reversed = (link: string): string => link.split(" ").reverse().join(" ");

describe("live agents that broadcast", function () {
  this.timeout(90_000);
  let swarm: TestSwarm;
  let each: EachAgent;

  afterEach(async () => {
    assert.deepEqual(await swarm.end(), []);
  });

  const readsAs: EachAgent["readsAs"] = (...given) => each.readsAs(...given);

  it("come to a tree of their links, and all hear of what is written while the tree is broken, and where nothing is pushed", async () => {
    const ids = Array.from({ length: SIZE }, (_, at) => `a${at + 1}`);
    swarm = await TestSwarm.start(SIZE, { consensus: "gossip", topology: "ring", links: buildLinks("ring", ids) });
    await swarm.reports("all links are up", swarm.ids, (all) => all.every(({ links }) => links.every(({ up }) => up)));
    each = await EachAgent.of(swarm);
    let writes = 0;
    // A message that is late on a busy machine may open the ring elsewhere: some more writes, and it is a tree again.
    const settled = await eventually("the ring is open in one place", async () => {
      assert.ok((await each.at("a1").put("k", `${++writes}`)).ok);
      await readsAs("k", `${writes}`);
      const reports = await swarm.reports("all tell", swarm.ids, () => true);
      return tree(reports).length === SIZE - 1 ? reports : undefined;
    });
    for (const { agent, broadcasts } of settled) {
      assert.ok(broadcasts, `${agent} tells of broadcasts`);
      assert.equal(agent === "a1" ? broadcasts.broadcast : broadcasts.delivered > 0, agent === "a1" ? writes : true);
    }

    swarm.kill("a4");
    const living = swarm.ids.filter((id) => id !== "a4");
    assert.ok((await each.at("a1").put("k", "while one is gone")).ok);
    await readsAs("k", "while one is gone", living);

    const rule = { types: ["broadcast"], action: { action: "drop" }, probability: 1 } as const;
    const effect: Effect = { on: "message", rule };
    await each.at("a1").ask({ op: "setEffects", effects: [{ id: "f1/0", effect, untilMs: null }] });
    assert.ok((await each.at("a1").put("k", "by anti-entropy")).ok);
    await readsAs("k", "by anti-entropy", living);
    const [a1] = await swarm.reports("a1 tells", ["a1"], () => true);
    assert.ok(
      a1?.links.some(({ dropped }) => dropped > 0),
      "the rule hit what it broadcast",
    );
  });
});
