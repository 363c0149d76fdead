// Five real processes that decide by gossip: each takes writes by itself, and all come to the same.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import { connect, MeshError } from "../../server/client/client.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import { agentPaths } from "../../server/live/layout.ts";
import { isRunning } from "../../server/live/process.ts";
import { readRecordings } from "../../server/live/recordings/read.ts";
import { replayAgent, replayStretch } from "../../server/live/recordings/replay.ts";
import { recordedState } from "../../server/live/recordings/state.ts";
import { stateText } from "../../server/live/recordings/state-text.ts";
import { lastWords } from "../../server/live/spawn.ts";
import type { TestClient } from "./client.ts";
import { part } from "./cut.ts";
import { EachAgent } from "./each-agent.ts";
import { type SwarmWishes, TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

const LEFT = ["a1", "a2"];
const RIGHT = ["a3", "a4", "a5"];

describe("a live swarm by gossip", function () {
  this.timeout(90_000);
  let swarm: TestSwarm;
  let each: EachAgent;

  async function start(wishes: SwarmWishes = {}): Promise<void> {
    swarm = await TestSwarm.start(5, { consensus: "gossip", ...wishes });
    await swarm.reports("all are linked", swarm.ids, (all) =>
      all.every(({ links, gossip }) => links.every(({ up }) => up) && gossip !== undefined),
    );
    each = await EachAgent.of(swarm);
  }

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  const at = (id: string): TestClient => each.at(id);

  async function put(id: string, key: string, value: string): Promise<void> {
    const answer = await at(id).put(key, value);
    assert.ok(answer.ok && answer.value.type === "written", `${id}: ${JSON.stringify(answer)}`);
  }

  const readsAs: EachAgent["readsAs"] = (...given) => each.readsAs(...given);

  const converged = (): Promise<readonly AgentReport[]> => each.converged(({ gossip }) => gossip?.agreement);

  async function again(id: string): Promise<void> {
    await swarm.startAgent(id);
    await each.open(id);
  }

  it("takes a write at any agent, and gives it to be read at all", async () => {
    await start();
    await put("a3", "k", "v");
    assert.equal(await at("a3").get("k"), "v", "at once where it was written");
    await readsAs("k", "v");
    const reports = await converged();
    for (const { role, leader, term, gossip } of reports)
      assert.deepEqual([role, leader, term, gossip?.sameVector, gossip?.behind], ["peer", "", 0, 5, 0]);
  });

  it("writes on both sides of a partition, and is the same everywhere once it heals", async () => {
    await start();
    await part([LEFT, RIGHT], at);
    const typed = async (id: string, operation: { op: "increment"; by: number } | { op: "add"; element: string }) =>
      at(id).ask({ namespace: "test", key: operation.op, ...operation });
    await put("a1", "k", "left");
    assert.deepEqual(await typed("a1", { op: "increment", by: 3 }), { type: "counted", total: 3 });
    assert.deepEqual(await typed("a5", { op: "increment", by: -1 }), { type: "counted", total: -1 });
    for (const [id, element] of [
      ["a2", "left"],
      ["a3", "right"],
    ] as const)
      assert.deepEqual(await typed(id, { op: "add", element }), { type: "added", created: true });
    await put("a2", "only left", "1");
    await put("a4", "k", "right");
    await put("a5", "only right", "2");
    await readsAs("k", "left", LEFT);
    await readsAs("k", "right", RIGHT);
    const { gossip } = await at("a2").report();
    assert.ok(gossip !== undefined && gossip.agreement < 1 && gossip.sameVector <= 2, JSON.stringify(gossip));
    assert.equal(await at("a1").get("only right"), null);
    for (const id of swarm.ids) await at(id).ask({ op: "setEffects", effects: [] });
    await readsAs("k", "right");
    await readsAs("only left", "1");
    await readsAs("only right", "2");
    await readsAs("increment", "2");
    await readsAs("add", '["left","right"]');
    await converged();
  });

  it("loses nothing that it acknowledged when an agent is killed, and starts again from its own disk", async () => {
    await start();
    const values = new Map<string, string>();
    const writing = Array.from({ length: 40 }, async (_, number) => {
      const answer = await at("a2").put(`k${number}`, `v${number}`);
      if (answer.ok) values.set(`k${number}`, `v${number}`);
    });
    await Promise.all(writing.slice(0, 10));
    swarm.kill("a2");
    await Promise.all(writing);
    assert.ok(values.size >= 10, `${values.size} were acknowledged`);
    await put("a1", "meanwhile", "1");
    await again("a2");
    for (const [key, value] of values) await readsAs(key, value);
    await readsAs("meanwhile", "1");
    await put("a2", "again", "2");
    await readsAs("again", "2");
    await converged();
  });

  it("brings an agent that was away for longer than operations are kept to the same by a state", async () => {
    await start();
    swarm.kill("a5");
    // More than is kept for one that lacks it (64 MiB).
    const value = "x".repeat(768 * 1024);
    for (let number = 0; number < 100; number++) await put("a1", `large${number % 4}`, `${number}${value}`);
    await again("a5");
    await eventually("a5 has it", async () => (await at("a5").get("large3")) === `99${value}`, 20_000);
    const reports = await converged();
    const { snapshotIndex, firstIndex } = reports.at(-1) as AgentReport;
    assert.ok(
      snapshotIndex > 0 && firstIndex === snapshotIndex + 1,
      `a state, and no operations before it: ${snapshotIndex}`,
    );
    await put("a5", "from the late one", "2");
    await readsAs("from the late one", "2");
    await converged();
  });

  for (const [what, id] of [
    ["it had written itself", "a5"],
    ["all had", "a1"],
  ] as const)
    it(`ends an agent whose disk lost what ${what}, with a sentence`, async () => {
      await start();
      // Its own, or others' that all are known to have and nobody keeps.
      await put(id, "k", "v");
      await readsAs("k", "v");
      await converged();
      const before = swarm.process("a5");
      swarm.kill("a5");
      await eventually("a5 is gone", () => !isRunning(before));
      rmSync(agentPaths(swarm.file.folder, swarm.file.id, "a5").log, { recursive: true });
      await swarm.startAgent("a5");
      await eventually("a5 ends", () => !isRunning(swarm.process("a5")));
      assert.match(lastWords(swarm.place("a5")), /disk/);
    });

  it("serves a client that names no consistency, one agent a write, without looking for a leader", async () => {
    await start();
    const mesh = connect({
      agents: swarm.file.agents.map(({ id, port }) => ({ id, port })),
      token: swarm.token,
      swarm: swarm.file.id,
    });
    try {
      assert.ok((await mesh.put("n", "k", "v")) > 0);
      assert.equal(Buffer.from((await mesh.get("n", "k"))?.value ?? []).toString(), "v", "reads what it wrote");
      assert.deepEqual(
        (await mesh.list("n")).items.map(({ key }) => key),
        ["k"],
      );
      assert.deepEqual([await mesh.tasks(), await mesh.proposals()], [[], []]);
      const { value, vouchedBy } = await mesh.write({ op: "delete", namespace: "n", key: "k" });
      assert.deepEqual([value, vouchedBy], [{ type: "deleted", existed: true }, []]);
      for (const [asked, sentence] of [
        [mesh.get("n", "k", { consistency: "linearizable" }), /takes one order for all.*gossip/],
        [mesh.compareAndSet("n", "k", 0, "w"), /compareAndSet takes one order/],
        [mesh.submitTask({ command: "true" }), /leased to one agent at a time/],
      ] as const)
        await assert.rejects(asked, (error: unknown) => {
          assert.ok(error instanceof MeshError && error.code === "invalid" && error.outcome === "notApplied");
          assert.match(error.message, sentence);
          return true;
        });
    } finally {
      mesh.close();
    }
  });

  it("is recomputed from its recordings, to the bit", async () => {
    await start({ recording: { sizeBytes: 64 * 1024 * 1024, ageMs: 3_600_000, keep: false } });
    for (const id of swarm.ids) await put(id, `from ${id}`, id);
    await at("a1").ask({ op: "propose", proposal: { id: "p", subject: "s", body: "{}" } });
    const folder = join(swarm.file.folder, ".agent-mesh", swarm.file.id);
    await eventually("something of a4 is on disk", () =>
      readRecordings(folder).stretches.some(({ agent }) => agent === "a4"),
    );
    swarm.kill("a4");
    await put("a2", "while a4 is down", "1");
    await again("a4");
    await readsAs("while a4 is down", "1");
    const reports = await converged();
    for (const { agent, stateHash, stateHashIndex } of reports) {
      const text = await eventually(`all that ${agent} says is recorded`, () => {
        const found = replayAgent(readRecordings(folder), agent);
        if (found === undefined || found.machine.index < (stateHashIndex as number)) return false;
        assert.equal(found.stateHash, stateHash, agent);
        const told = stateText(recordedState(found, 0));
        return (
          told.includes("Gossip     all 5 have what it has, agreement 1, not known everywhere: nothing of its own\n") &&
          told
        );
      });
      assert.doesNotMatch(text, /term|leader|tasks/);
    }
    const { stretches } = readRecordings(folder);
    assert.deepEqual(
      stretches.map(({ agent, incarnation }) => `${agent}.${incarnation}`),
      ["a1.1", "a2.1", "a3.1", "a4.1", "a4.2", "a5.1"],
    );
    for (const stretch of stretches) assert.ok(replayStretch(stretch).inputs > 0);
  });
});
