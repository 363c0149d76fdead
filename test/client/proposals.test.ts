import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { MeshClient, ProposalInfo } from "../../server/client/client.ts";
import { connect, MeshError } from "../../server/client/client.ts";
import type { ClientRequest, ClientResult } from "../../server/contract/client.ts";
import type { Script } from "./fake-agent.ts";
import { FakeAgent, TOKEN } from "./fake-agent.ts";

const unavailable: ClientResult = { ok: false, code: "unavailable", message: "no leader" };

const PROPOSAL: ProposalInfo = {
  id: "p",
  subject: "deploy",
  body: "null",
  voters: ["a1"],
  threshold: 0.67,
  needed: 1,
  timeoutMs: 1000,
  state: "open",
  submittedAtMs: 1,
  deadlineMs: 1001,
  decidedAtMs: null,
  votes: [{ voter: "a1", choice: "approve", reason: "", atMs: 2, signature: "00" }],
};

describe("the client of a swarm that votes", () => {
  const started: FakeAgent[] = [];
  const clients: MeshClient[] = [];

  async function agent(id: string, script: Script): Promise<FakeAgent> {
    const fake = await FakeAgent.start(id, script, 0);
    started.push(fake);
    return fake;
  }

  function client(agents: readonly FakeAgent[]): MeshClient {
    const made = connect({ agents: agents.map(({ id, port }) => ({ id, port })), token: TOKEN });
    clients.push(made);
    return made;
  }

  afterEach(async () => {
    for (const made of clients.splice(0)) made.close();
    await Promise.all(started.splice(0).map((fake) => fake.stop()));
  });

  it("puts something to the vote under one id however often it is sent, and reads proposals to their end, or the newest", async () => {
    const asked: ClientRequest[] = [];
    const ids = ["p1", "p2", "p3", "p4", "p5"];
    const a1 = await agent("a1", (request) => {
      asked.push(request);
      switch (request.op) {
        case "propose":
          // Sent a second time after this.
          if (asked.length === 1) return unavailable;
          return { ok: true, value: { type: "proposed", proposalId: request.proposal.id as string, created: true } };
        case "proposals": {
          const left = ids.filter((id) => id < (request.before ?? "z"));
          const proposals = left.slice(-2).map((id) => ({ ...PROPOSAL, id }));
          return { ok: true, value: { type: "proposals", proposals, ...(left.length > 2 ? { more: true } : {}) } };
        }
        case "proposal":
          return {
            ok: true,
            value: { type: "proposal", proposal: request.proposalId === "p1" ? { ...PROPOSAL, id: "p1" } : null },
          };
        default:
          return undefined;
      }
    });
    const mesh = client([a1]);
    const { proposalId, created } = await mesh.propose({ subject: "deploy", body: "null" });
    assert.match(proposalId, /^proposal-[0-9a-f]{8}$/);
    assert.equal(created, true);
    const sent = asked.flatMap((request) =>
      request.op === "propose" ? [[request.proposal.id, request.sequence]] : [],
    );
    assert.deepEqual(sent, [
      [proposalId, 1],
      [proposalId, 1],
    ]);
    assert.equal((await mesh.propose({ id: "mine", subject: "deploy", body: "null" })).proposalId, "mine");
    const read = async (newest?: number) =>
      (await mesh.proposals(newest === undefined ? {} : { newest })).map(({ id }) => id);
    assert.deepEqual(await read(), ids);
    const before = asked.length;
    assert.deepEqual(await read(3), ["p3", "p4", "p5"]);
    assert.equal(asked.length - before, 2, "no more pages are read than are needed");
    assert.equal((await mesh.proposal("p1"))?.id, "p1");
    assert.equal(await mesh.proposal("p9"), null);
  });

  it("takes no proposal that is none from an agent", async () => {
    const a1 = await agent("a1", () => {
      const proposal = { ...PROPOSAL, votes: [{ voter: "a1", choice: "perhaps", reason: "", atMs: 1, signature: "" }] };
      return { ok: true, value: { type: "proposal", proposal } } as unknown as ClientResult;
    });
    await assert.rejects(client([a1]).proposal("p1", { timeoutMs: 1000 }), (error: unknown) => {
      return error instanceof MeshError && /the connection to agent a1 closed/.test(error.message);
    });
  });
});
