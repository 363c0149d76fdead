// Agents that cannot decide say so at once: the client asks those of the other side, and gives up where there are none.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { connect, type MeshClient, MeshError } from "../../server/client/client.ts";
import type { ClientResult } from "../../server/contract/client.ts";
import type { SideNote } from "../../server/contract/partition.ts";
import { FakeAgent, type Script, TOKEN, written } from "./fake-agent.ts";

const SIDE: SideNote = { state: "readOnly", sinceMs: 5, answering: 2, known: 5, voters: 2, votersTotal: 5, quorum: 3 };
const READ_ONLY: ClientResult = {
  ok: false,
  code: "readOnly",
  message: "a4 and a5 are on a side of a partition",
  side: SIDE,
};
const ITEM: ClientResult = { ok: true, value: { type: "item", item: null }, side: SIDE };

describe("a client of agents on a read-only side", () => {
  const agents: FakeAgent[] = [];
  const clients: MeshClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const agent of agents.splice(0)) await agent.stop();
  });

  async function clientOf(...scripts: readonly Script[]): Promise<MeshClient> {
    for (const [at, script] of scripts.entries()) {
      const agent = await FakeAgent.start(`a${at + 1}`, script);
      agent.leader = "";
      agents.push(agent);
    }
    const client = connect({ agents: agents.map(({ id, port }) => ({ id, port })), token: TOKEN });
    clients.push(client);
    return client;
  }

  async function refused(asked: Promise<unknown>): Promise<MeshError> {
    const beganMs = performance.now();
    const error = await asked.then(
      () => assert.fail("it was answered"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof MeshError, String(error));
    assert.ok(performance.now() - beganMs < 5000, "long before its time is up");
    return error;
  }

  it("asks the others: one that can decide answers", async () => {
    const client = await clientOf(
      () => READ_ONLY,
      () => READ_ONLY,
      () => written(7),
    );
    for (let write = 0; write < 3; write++) assert.equal(await client.put("n", "k", "v"), 7);
  });

  it("gives up at once where all say so, and knows that nothing was applied", async () => {
    const client = await clientOf(
      () => READ_ONLY,
      () => READ_ONLY,
    );
    const { code, outcome, message } = await refused(client.put("n", "k", "v"));
    assert.deepEqual([code, outcome], ["readOnly", "notApplied"]);
    assert.match(message, /^Agent a\d: a4 and a5 are on a side of a partition\.$/);
    assert.ok(
      agents.every(({ requests }) => requests.length === 1),
      "each was asked, once",
    );
  });

  it("also where the others are gone, and with several writes at a time", async () => {
    const client = await clientOf(
      () => READ_ONLY,
      () => READ_ONLY,
      () => written(1),
    );
    await (agents.pop() as FakeAgent).stop();
    const errors = await Promise.all(Array.from({ length: 5 }, (_, at) => refused(client.put("n", `${at}`, "v"))));
    assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(["readOnly"]));
  });

  it("does not call a write not applied that was proposed before", async () => {
    let asked = 0;
    const lost: ClientResult = { ok: false, code: "unavailable", message: "it was proposed before" };
    const script: Script = () => (asked++ === 0 ? lost : READ_ONLY);
    const client = await clientOf(script, script);
    const { code, outcome } = await refused(client.put("n", "k", "v"));
    assert.deepEqual([code, outcome], ["readOnly", "unknown"]);
  });

  it("tells who answered a local read, and from which side", async () => {
    const client = await clientOf(() => ITEM);
    const { from, side } = await client.read({ op: "get", namespace: "n", key: "k", consistency: "local" });
    assert.deepEqual([from, side], ["a1", SIDE]);
  });

  it("closes the connection on an answer whose note of its side does not have its shape", async () => {
    const client = await clientOf(() => ({ ...ITEM, side: { ...SIDE, state: "whole" } }) as unknown as ClientResult);
    const error = await refused(client.read({ op: "get", namespace: "n", key: "k" }, { timeoutMs: 500 }));
    assert.match(error.message, /the connection to agent a1 closed/);
  });
});
