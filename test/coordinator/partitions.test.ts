// Five real processes that fall apart, as an injected fault has it: who is cut off says so everywhere, refuses at once, and is back when it heals.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { after, before, describe, it } from "mocha";
import type { MemoryAnswer, MemoryRequest } from "../../server/contract/coordinator.ts";
import type { MetricsView } from "../../server/contract/metrics.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { Ground, until, untilView } from "./ground.ts";

describe("a running swarm that falls apart", function () {
  this.timeout(90_000);
  const ground = new Ground();
  let coordinator: Coordinator;
  let swarm: string;
  let fault: string;

  before(async () => {
    coordinator = ground.coordinator();
    swarm = (await ground.init(coordinator, "agents: 5\n")).id;
    await seen("all is well", ({ health }) => health.level === "ok");
    await memory({ op: "put", namespace: "n", key: "k", text: "before" });
    // Where it was read it has been applied.
    for (const agent of ["a4", "a5"]) await memory({ op: "get", namespace: "n", key: "k", agent });
    const cut = { kind: "partition", sides: [["a4", "a5"]] } as const;
    fault = (await coordinator.handle("injectFault", { swarm, fault: cut })).id;
  });
  after(() => ground.end());

  const seen = (what: string, holds: (view: SwarmView) => boolean): Promise<SwarmView> =>
    untilView(coordinator, swarm, what, holds);
  const memory = (request: object): Promise<MemoryAnswer> =>
    coordinator.handle("memory", { swarm, ...request } as MemoryRequest);
  const metrics = (): Promise<MetricsView> => coordinator.handle("metrics", { swarm, lastMs: 60_000 });
  const stateOf = (view: SwarmView, id: string): string | undefined =>
    view.agents.find((agent) => agent.id === id)?.partition?.state;

  it("shows whose side cannot decide, in its summary and of each agent", async () => {
    const view = await seen("both say so", ({ health }) => health.readOnly?.join() === "a4,a5");
    assert.match(view.health.summary, /, a4 and a5 read-only, 4\/10 links$/);
    assert.equal(view.health.level, "degraded");
    for (const id of ["a1", "a2", "a3"]) assert.equal(stateOf(view, id), "whole", id);
    const { partition } = view.agents.find(({ id }) => id === "a5") ?? {};
    assert.deepEqual(partition?.answering, ["a4", "a5"]);
    assert.deepEqual([partition?.voters, partition?.votersTotal, partition?.quorum], [2, 5, 3]);
    await until("it is measured", async () => {
      const chart = (await metrics()).charts.find(({ id }) => id === "partition");
      return chart?.series[0]?.values.includes(60);
    });
  });

  it("goes on on the other side, also for clients that asked an agent of this one first", async () => {
    const answer = await memory({ op: "put", namespace: "n", key: "k", text: "after" });
    assert.equal(answer.type, "written");
  });

  it("refuses there at once, with a sentence, and reads what is there, marked", async () => {
    const beganMs = performance.now();
    for (const request of [
      { op: "put", namespace: "n", key: "k", text: "lost" },
      { op: "get", namespace: "n", key: "k" },
    ])
      await assert.rejects(memory({ ...request, agent: "a4" }), (error: unknown) => {
        assert.ok(error instanceof Refusal, String(error));
        assert.match(
          error.message,
          /^Agent a4: a4 and a5 are on a side of a partition .* with 2 of 5 voters, and 3 decide: read-only until it heals/,
        );
        return true;
      });
    assert.ok(performance.now() - beganMs < 4000, `${performance.now() - beganMs} ms`);
    const read = await memory({ op: "get", namespace: "n", key: "k", agent: "a4", consistency: "local" });
    assert.ok(read.type === "item");
    assert.deepEqual([read.item?.text, read.from, read.side?.state], ["before", "a4", "readOnly"]);
    const list = await memory({ op: "list", namespace: "n", agent: "a5", consistency: "local" });
    assert.deepEqual(list.type === "items" && [list.items.length, list.from, list.side?.voters], [1, "a5", 2]);
    const other = await memory({ op: "get", namespace: "n", key: "k", agent: "a1", consistency: "local" });
    assert.equal(other.type === "item" && other.side, undefined);
    await assert.rejects(memory({ op: "get", namespace: "n", key: "k", agent: "a9" }), /There is no agent a9/);
  });

  it("is one again when it heals: all have caught up, and it is told how long that took", async () => {
    await coordinator.handle("healFault", { swarm, fault });
    const view = await seen(
      "nobody is cut off",
      ({ health, agents }) =>
        health.level === "ok" &&
        health.readOnly === undefined &&
        agents.every(({ partition }) => partition?.state === "whole"),
    );
    for (const id of ["a4", "a5"]) {
      const { partition } = view.agents.find((agent) => agent.id === id) ?? {};
      assert.ok(partition?.seen === 1 && partition.recovered === 1, JSON.stringify(partition));
      assert.ok(partition.recoveryMs !== null && partition.recoveryMs > 0 && partition.recoveryMs < 20_000);
    }
    const read = await memory({ op: "get", namespace: "n", key: "k", agent: "a4" });
    assert.equal(read.type === "item" && read.item?.text, "after");
    await until(
      "whoever was cut off, and on a busy machine that may be others for a moment, says when it was over",
      async () => {
        const { events } = await coordinator.handle("timelineSearch", { swarm, text: "kind:recovered", limit: 10 });
        const { agents } = await coordinator.handle("swarm", { swarm });
        const recovered = agents.filter(({ partition }) => (partition?.recovered ?? 0) > 0).map(({ id }) => id);
        return isDeepStrictEqual([...new Set(events.map(({ agent }) => agent))].sort(), recovered.sort());
      },
    );
    await until("it is measured", async () => {
      const { charts, summary } = await metrics();
      const [decides, recovery] = charts.find(({ id }) => id === "partition")?.series ?? [];
      const took = recovery?.values.some((value) => value !== null);
      return decides?.values.includes(100) && took && (summary.find(({ name }) => name === "Cut off")?.value ?? 0) >= 2;
    });
  });
});
