// Five real processes that decide by Raft, with a memory by gossip beside it: on both sides of a partition it takes writes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import type { ClientOperation, ClientResult } from "../../server/contract/client.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import { readRecordings } from "../../server/live/recordings/read.ts";
import { replayAgent } from "../../server/live/recordings/replay.ts";
import { recordedState } from "../../server/live/recordings/state.ts";
import type { TestClient } from "./client.ts";
import { part } from "./cut.ts";
import { EachAgent } from "./each-agent.ts";
import { type SwarmWishes, TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

const LEFT = ["a1", "a2"];
const RIGHT = ["a3", "a4", "a5"];

describe("a live swarm with a memory beside Raft", function () {
  this.timeout(90_000);
  let swarm: TestSwarm;
  let each: EachAgent;

  async function start(wishes: SwarmWishes = {}): Promise<void> {
    swarm = await TestSwarm.start(5, { memory: "eventual", ...wishes });
    await swarm.reports("all are linked and follow one leader", swarm.ids, (all) =>
      all.every(({ links, leader }) => links.every(({ up }) => up) && leader !== "" && leader === all[0]?.leader),
    );
    each = await EachAgent.of(swarm);
  }

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  const at = (id: string): TestClient => each.at(id);
  const count = (id: string, by: number): Promise<ClientResult> =>
    at(id).request({ op: "increment", namespace: "test", key: "count", by });
  const submit = (id: string, taskId: string): Promise<ClientResult> =>
    at(id).request({ op: "submitTask", task: { id: taskId, command: "true" }, timeoutMs: 2_000 });
  const readsAs: EachAgent["readsAs"] = (...given) => each.readsAs(...given);
  const converged = (): Promise<readonly AgentReport[]> => each.converged(({ memory }) => memory?.agreement);

  it("writes on both sides of a partition, decides on one, and is the same everywhere once it heals", async () => {
    await start();
    assert.ok((await count("a1", 10)).ok);
    await readsAs("count", "10");
    await part([LEFT, RIGHT], at);
    await swarm.reports("the left is read-only", LEFT, (all) =>
      all.every(({ partition }) => partition?.state === "readOnly"),
    );
    const refused = await submit("a1", "left");
    assert.ok(!refused.ok && refused.code === "readOnly", JSON.stringify(refused));
    assert.ok((await count("a1", 3)).ok, "the memory goes on");
    assert.ok((await count("a5", 4)).ok);
    const put = await at("a2").put("only left", "1");
    assert.ok(put.ok && put.side?.state === "readOnly", "and says where it was written");
    await eventually("the right decides", async () => (await submit("a4", "right")).ok);
    await readsAs("count", "13", LEFT);
    await readsAs("count", "14", RIGHT);
    for (const id of swarm.ids) await at(id).ask({ op: "setEffects", effects: [] });
    await readsAs("count", "17");
    await readsAs("only left", "1");
    await converged();
  });

  it("loses nothing that it acknowledged when an agent is killed, and is recomputed from its recording", async () => {
    await start({ recording: { sizeBytes: 64 * 1024 * 1024, ageMs: 3_600_000, keep: false } });
    for (let number = 0; number < 20; number++) assert.ok((await count("a2", 1)).ok);
    swarm.kill("a2");
    assert.ok((await count("a1", 100)).ok);
    await swarm.startAgent("a2");
    await each.open("a2");
    await readsAs("count", "120");
    for (const [operation, sentence] of [
      [
        { op: "compareAndSet", namespace: "test", key: "k", expectedVersion: 0, value: Buffer.from("v") },
        /compareAndSet takes one order for all: this swarm's memory is eventual.*use memory: consensus/,
      ],
      [{ op: "get", namespace: "test", key: "count", consistency: "linearizable" }, /a linearizable read takes/],
      [{ op: "changeMembers", change: { remove: "a5" } }, /members of a swarm with memory: eventual are fixed/],
    ] as const satisfies readonly (readonly [ClientOperation, RegExp])[]) {
      const answer = await at("a1").request(operation);
      assert.ok(!answer.ok, JSON.stringify(answer));
      assert.match(answer.message, sentence);
    }
    await converged();
    const folder = join(swarm.file.folder, ".agent-mesh", swarm.file.id);
    const memory = await eventually("all of a2's memory is recorded", () => {
      const replayed = replayAgent(readRecordings(folder), "a2");
      if (replayed === undefined || replayed.memory?.index !== 21) return false;
      assert.deepEqual([replayed.failure, replayed.checks > 0], ["", true]);
      return recordedState(replayed, 0).memory;
    });
    assert.deepEqual(
      memory.keys.map(({ key }) => key),
      ["count"],
    );
  });
});
