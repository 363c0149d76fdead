import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { ClientErrorCode, ClientOperation, ClientResult } from "../../server/contract/client.ts";
import { seededRandom } from "../../server/core/random.ts";
import { SimClient } from "../../server/sim/client.ts";
import { FakeMesh } from "./fake-mesh.ts";

const PUT: ClientOperation = { op: "put", namespace: "n", key: "k", value: new Uint8Array() };
const DONE: ClientResult = { ok: true, value: { type: "written", version: 1 } };
const no = (code: ClientErrorCode): ClientResult => ({ ok: false, code, message: "" });

const setUp = (size = 3) => {
  const mesh = new FakeMesh(size);
  const client = new SimClient(mesh.schedule, seededRandom("client"), mesh.worlds, "c1", 100);
  mesh.onReplies = (agent, replies) => {
    for (const reply of replies) client.replied(agent, reply);
  };
  mesh.onCrash = (agent) => client.agentCrashed(agent);
  const results: (ClientResult | undefined)[] = [];
  const perform = (patienceMs = 1000) => client.perform(PUT, patienceMs, (result) => results.push(result));
  /** All requests so far, with who got them. */
  const asked = () =>
    mesh.worlds.flatMap(({ index }) => mesh.agent(index).asked.map((one) => ({ agent: index, ...one })));
  const answer = (result: ClientResult, at = asked().length - 1) => {
    const { agent, connection, request } = asked()[at] as ReturnType<typeof asked>[number];
    mesh.agent(agent).world.reply([{ connection, id: request.id, result }]);
    mesh.wait(5);
  };
  return { mesh, client, results, perform, asked, answer };
};

describe("simulated client", () => {
  it("is answered once, by whom it asked", () => {
    const { mesh, results, perform, asked, answer } = setUp();
    perform();
    mesh.wait(5);
    equal(asked().length, 1);
    answer(DONE);
    answer(DONE);
    mesh.wait(2000);
    deepEqual(results, [DONE]);
    equal(asked().length, 1);
  });

  for (const code of ["unavailable", "timeout", "overloaded", "stopping"] as const)
    it(`asks again with the same session and sequence after ${code}`, () => {
      const { mesh, results, perform, asked, answer } = setUp(1);
      perform();
      mesh.wait(5);
      answer(no(code));
      mesh.wait(30);
      const [first, second] = asked().map(({ request }) => request);
      deepEqual([second?.session, second?.sequence], [first?.session, first?.sequence]);
      ok(second?.id !== first?.id);
      answer(DONE);
      deepEqual(results, [DONE]);
    });

  it("tries another agent when one is silent, or dies", () => {
    const silent = setUp(5);
    silent.perform(5000);
    silent.mesh.wait(2000);
    ok(new Set(silent.asked().map(({ agent }) => agent)).size > 2);
    equal(new Set(silent.asked().map(({ request }) => request.sequence)).size, 1);

    const dying = setUp(2);
    dying.perform(5000);
    dying.mesh.wait(5);
    const first = dying.asked()[0]?.agent as number;
    dying.mesh.board.inject({ kind: "crash", agent: `a${first + 1}` });
    dying.mesh.wait(200);
    ok(
      dying.asked().some(({ agent }) => agent !== first),
      "long before the attempt would have timed out twice",
    );
  });

  it("gives up when its patience ends: the outcome is unknown", () => {
    const { mesh, results, perform, asked } = setUp();
    perform(300);
    mesh.wait(1000);
    deepEqual(results, [undefined]);
    const attempts = asked().length;
    mesh.wait(1000);
    equal(asked().length, attempts);
  });

  it("counts the sequence up by operation, and begins a new session when the old one expired", () => {
    const { mesh, results, perform, asked, answer } = setUp(1);
    for (const result of [DONE, no("sessionExpired"), DONE]) {
      perform();
      mesh.wait(5);
      answer(result);
    }
    deepEqual(
      asked().map(({ request }) => `${request.session} ${request.sequence} ${request.firstUnanswered}`),
      ["c1.1 1 1", "c1.1 2 2", "c1.2 1 1"],
    );
    deepEqual(results, [DONE, no("sessionExpired"), DONE]);
  });
});
