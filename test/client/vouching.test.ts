import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { PATIENCE } from "../../.ci/patience.mjs";
import { type ConnectOptions, connect, type MeshClient, MeshError } from "../../server/client/client.ts";
import type { ClientRequest, ClientResult } from "../../server/contract/client.ts";
import { FakeAgent, type Script, TOKEN, written } from "./fake-agent.ts";

const PBFT = { consensus: "pbft", faultsTolerated: 1 } as const;
const put = (key = "k") => ({ op: "put", namespace: "n", key, value: new Uint8Array(1) }) as const;

/** What four agents that decide together hold: a write that one of them is asked for is known to all a moment later. */
class Decided {
  readonly #versions = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();
  /** Those that were asked for a write, in order. */
  readonly writes: string[] = [];
  readonly outcomes: string[] = [];

  /** An honest agent. */
  honest(id: string): Script {
    return (request) => {
      const write = `${request.session}/${request.sequence}`;
      if (request.op === "outcome") this.outcomes.push(id);
      else {
        this.writes.push(id);
        if (!this.#versions.has(write)) this.#versions.set(write, this.#versions.size + 1);
        for (const tell of this.#waiting.get(write) ?? []) tell();
        this.#waiting.delete(write);
      }
      return this.#known(write, request);
    };
  }

  #known(write: string, request: ClientRequest): ClientResult | Promise<ClientResult> {
    const version = this.#versions.get(write);
    if (version !== undefined) return written(version);
    return new Promise((resolve) => {
      const timeout = setTimeout(
        () => resolve({ ok: false, code: "timeout", message: "not applied here" }),
        request.timeoutMs,
      );
      const told = (): void => {
        clearTimeout(timeout);
        resolve(written(this.#versions.get(write) as number));
      };
      this.#waiting.set(write, [...(this.#waiting.get(write) ?? []), told]);
    });
  }
}

describe("a write that agents must vouch for", () => {
  const agents: FakeAgent[] = [];
  const clients: MeshClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  });

  /** Four agents whose primary is a1; those without a script of their own are honest. */
  async function swarm(decided: Decided, scripts: Readonly<Record<string, Script>> = {}): Promise<FakeAgent[]> {
    for (const id of ["a1", "a2", "a3", "a4"]) {
      const agent = await FakeAgent.start(id, scripts[id] ?? decided.honest(id));
      agent.greeting = PBFT;
      agent.leader = "a1";
      agents.push(agent);
    }
    return [...agents];
  }

  function client(options: Partial<ConnectOptions> = {}, of: readonly FakeAgent[] = agents): MeshClient {
    const known = of.map(({ id, port }) => ({ id, port }));
    const made = connect({ agents: known, token: TOKEN, attemptTimeoutMs: 100, ...options });
    clients.push(made);
    return made;
  }

  it("goes to one agent, and one other is asked what it came to at the same time", async () => {
    const decided = new Decided();
    await swarm(decided);
    const { value, vouchedBy } = await client().write(put());
    assert.deepEqual(value, { type: "written", version: 1 });
    assert.equal(vouchedBy.length, 2);
    assert.equal(new Set(vouchedBy).size, 2);
    assert.deepEqual([decided.writes.length, decided.outcomes.length], [1, 1]);
    const asked = agents.flatMap(({ requests }) => requests);
    assert.equal(new Set(asked.map(({ session, sequence }) => `${session}/${sequence}`)).size, 1);
    const outcome = asked.find(({ op }) => op === "outcome");
    assert.ok(outcome?.op === "outcome" && outcome.of === "put");
  });

  it("may put something to the vote: the other is asked what came of that proposal", async () => {
    const proposed = (id: string | undefined): ClientResult => ({
      ok: true,
      value: { type: "proposed", proposalId: id ?? "", created: true },
    });
    const outcomes: (string | undefined)[] = [];
    const honest: Script = (request) => {
      if (request.op === "propose") return proposed(request.proposal.id);
      if (request.op !== "outcome") return undefined;
      outcomes.push(`${request.of} ${request.proposalId}`);
      return proposed(request.proposalId);
    };
    const liar: Script = () => proposed("another");
    await swarm(new Decided(), { a1: liar, a2: honest, a3: honest, a4: honest });
    const write = { op: "propose", proposal: { id: "p1", subject: "deploy", body: "null" } } as const;
    const { value, vouchedBy } = await client().write(write);
    assert.deepEqual(value, { type: "proposed", proposalId: "p1", created: true });
    assert.equal(vouchedBy.length, 2);
    assert.ok(!vouchedBy.includes("a1"), "it was outvoted");
    assert.deepEqual([...new Set(outcomes)], ["propose p1"]);
  });

  it("is not answered before a second agent has said the same", async () => {
    const decided = new Decided();
    const held: (() => void)[] = [];
    const holding = (id: string): Script => {
      const honest = decided.honest(id);
      return (request) =>
        request.op === "outcome"
          ? new Promise((resolve) => held.push(() => resolve(honest(request))))
          : honest(request);
    };
    await swarm(decided, Object.fromEntries(["a1", "a2", "a3", "a4"].map((id) => [id, holding(id)])));
    let answered = false;
    const answer = client({ attemptTimeoutMs: 10_000 })
      .write(put())
      .then((it) => {
        answered = true;
        return it;
      });
    await until(() => decided.writes.length === 1 && held.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(answered, false);
    for (const release of held) release();
    assert.equal((await answer).vouchedBy.length, 2);
  });

  it("is not believed of one that lies about the result, whether it was asked for it or about it", async () => {
    for (const liar of ["a1", "a2", "a3", "a4"]) {
      const decided = new Decided();
      const lie = decided.honest(liar);
      await swarm(decided, {
        [liar]: (request) => {
          void lie(request);
          return written(77);
        },
      });
      const mesh = client();
      for (let at = 1; at <= 10; at++) {
        const { value, vouchedBy } = await mesh.write(put(`k${at}`));
        assert.deepEqual(value, { type: "written", version: at });
        assert.equal(vouchedBy.length, 2);
        assert.ok(!vouchedBy.includes(liar));
      }
      for (const made of clients.splice(0)) made.close();
      await Promise.all(agents.splice(0).map((agent) => agent.stop()));
    }
  });

  it("is brought about by others when the agent asked for it claims so and passes nothing on", async () => {
    const decided = new Decided();
    await swarm(decided, { a1: () => written(77) });
    const mesh = client();
    for (let at = 1; at <= 5; at++) {
      const { value, vouchedBy } = await mesh.write(put(`k${at}`));
      assert.deepEqual(value, { type: "written", version: at });
      assert.ok(!vouchedBy.includes("a1"));
    }
    const before = agents[0]?.requests.length;
    await mesh.write(put("last"));
    assert.equal(agents[0]?.requests.length, before, "whoever was found lying is not asked first any more");
  });

  it("is brought about by others when the agent asked for it says nothing at all, or that it makes no sense", async () => {
    const invalid: ClientResult = { ok: false, code: "invalid", message: "no" };
    for (const script of [() => undefined, () => invalid] satisfies Script[]) {
      const decided = new Decided();
      await swarm(decided, { a1: script });
      const mesh = client();
      for (let at = 1; at <= 3; at++) assert.equal(await mesh.put("n", `k${at}`, "v"), at);
      for (const made of clients.splice(0)) made.close();
      await Promise.all(agents.splice(0).map((agent) => agent.stop()));
    }
  });

  it("is refused at once as making no sense when enough say so", async () => {
    const invalid: Script = (request) =>
      request.op === "outcome" ? undefined : { ok: false, code: "invalid", message: "the key is empty" };
    await swarm(new Decided(), { a1: invalid, a2: invalid, a3: invalid, a4: invalid });
    await rejects(client({ attemptTimeoutMs: 5000 }).put("n", "", "v", { timeoutMs: 4000 }), "invalid", "notApplied");
  });

  it("is vouched for by another when one is away", async () => {
    const decided = new Decided();
    const [, a2] = await swarm(decided);
    const known = agents.map(({ id, port }) => ({ id, port }));
    await a2?.stop();
    agents.splice(1, 1);
    for (let round = 1; round <= 8; round++) {
      const { vouchedBy } = await client({ agents: known }).write(put());
      assert.equal(vouchedBy.length, 2);
      assert.ok(!vouchedBy.includes("a2"));
    }
  });

  it("fails with who said what when all have answered and no two alike", async () => {
    const decided = new Decided();
    const saying =
      (version: number): Script =>
      () =>
        written(version);
    await swarm(decided, { a1: saying(1), a2: saying(2), a3: saying(3), a4: saying(4) });
    const error = await rejects(client().put("n", "k", "v"), "unvouched", "unknown");
    assert.match(error.message, /^2 agents must say the same of what the put came to, and no 2 do: /);
    for (const at of [1, 2, 3, 4]) assert.match(error.message, new RegExp(`a${at} says version ${at}`));
  });

  it("fails with who said what when its time is over", async () => {
    const decided = new Decided();
    await swarm(decided, { a2: () => undefined, a3: () => undefined, a4: () => undefined });
    const failed = rejects(client().put("n", "k", "v", { timeoutMs: 1500 }), "unvouched", "unknown");
    assert.match((await failed).message, /a1 says version 1; no answer from a\d, a\d and a\d\.$/);
  });

  it("says what is missing when the client knows too few agents, and does without where one word is enough", async () => {
    const decided = new Decided();
    const [a1] = await swarm(decided);
    const mesh = client({}, [a1 as FakeAgent]);
    const error = await rejects(mesh.put("n", "k", "v"), "unvouched", "unknown");
    assert.match(error.message, /a1 says version 1\. This client knows only 1: give it all agents of the swarm/);
    const { value, vouchedBy } = await mesh.write(put("other"), { vouch: false });
    assert.deepEqual([value, vouchedBy], [{ type: "written", version: 2 }, []]);
  });

  it("is one agent's word in a swarm that decides by Raft, or where the caller says so", async () => {
    const decided = new Decided();
    await swarm(decided);
    for (const agent of agents) agent.greeting = { consensus: "raft", faultsTolerated: 0 };
    assert.deepEqual((await client().write(put())).vouchedBy, []);
    assert.equal(decided.outcomes.length, 0);
    const told = await client({ faultsTolerated: 1 }).write(put());
    assert.equal(told.vouchedBy.length, 2, "what the caller knows is not left to the agents to say");
  });

  it("keeps few connections: one more than the one that is asked, and none when it is closed", async () => {
    const decided = new Decided();
    await swarm(decided);
    const mesh = client();
    for (let round = 0; round < 50; round++) await mesh.put("n", `k${round}`, "v");
    const open = () => agents.reduce((sum, { sockets }) => sum + sockets.size, 0);
    assert.ok(open() <= 3, `${open()} connections`);
    assert.deepEqual([decided.writes.length, decided.outcomes.length], [50, 50]);
    mesh.close();
    await until(() => open() === 0);
  });
});

async function rejects(promise: Promise<unknown>, code: string, outcome: string): Promise<MeshError> {
  const error = await promise.then(
    () => assert.fail(`expected the error ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof MeshError, String(error));
  assert.deepEqual([error.code, error.outcome], [code, outcome], error.message);
  return error;
}

async function until(holds: () => boolean, withinMs = 3000): Promise<void> {
  const deadline = performance.now() + withinMs * PATIENCE;
  while (!holds()) {
    if (performance.now() > deadline) assert.fail(`not within ${withinMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
