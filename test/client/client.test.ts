import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encode } from "@msgpack/msgpack";
import { afterEach, describe, it } from "mocha";
import { PATIENCE } from "../../.ci/patience.mjs";
import type { ConnectOptions, ListOptions, MeshClient, TaskInfo } from "../../server/client/client.ts";
import { connect, MeshError } from "../../server/client/client.ts";
import type { ClientRequest, ClientResult } from "../../server/contract/client.ts";
import { eventually } from "../live/waiting.ts";
import type { Script } from "./fake-agent.ts";
import { FakeAgent, TOKEN, written } from "./fake-agent.ts";

/** Waited for: in it a request can reach an agent, and a ping come back. */
const SOON_MS = 100 * PATIENCE;
const silent: Script = () => undefined;
const unavailable: ClientResult = { ok: false, code: "unavailable", message: "no leader" };

const TASK: TaskInfo = {
  id: "t",
  command: "true",
  args: [],
  cwd: "",
  state: "pending",
  agent: "",
  token: 0,
  leases: 0,
  failures: 0,
  maxAttempts: 1,
  submittedAtMs: 1,
  finishedAtMs: null,
  exitCode: null,
  signal: "",
  error: "",
  outputTail: "",
  durationMs: null,
  finishedIndex: null,
};

describe("the client of a swarm", () => {
  const started: FakeAgent[] = [];
  const clients: MeshClient[] = [];
  const servers: { server: Server; sockets: Set<Socket> }[] = [];

  async function agent(id: string, script: Script, port = 0): Promise<FakeAgent> {
    const fake = await FakeAgent.start(id, script, port);
    started.push(fake);
    return fake;
  }

  /** A port that accepts connections and never says a word, as a paused process does. */
  async function muteServer(): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push({ server, sockets });
    return (server.address() as AddressInfo).port;
  }

  function client(agents: readonly { id: string; port: number }[], options: Partial<ConnectOptions> = {}): MeshClient {
    const made = connect({ agents: agents.map(({ id, port }) => ({ id, port })), token: TOKEN, ...options });
    clients.push(made);
    return made;
  }

  afterEach(async () => {
    for (const made of clients.splice(0)) made.close();
    await Promise.all(started.splice(0).map((fake) => fake.stop()));
    for (const { server, sockets } of servers.splice(0)) {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("sends the token, a session, rising sequences and what is answered so far", async () => {
    const a1 = await agent("a1", () => written(1));
    const mesh = client([a1]);
    await mesh.put("n", "k", "v1");
    await mesh.put("n", "k", "v2");
    await mesh.get("n", "k").catch((error: MeshError) => assert.equal(error.code, "invalid"));
    const [first, second, read] = a1.requests;
    assert.deepEqual(a1.authorizations, [`Bearer ${TOKEN}`]);
    assert.equal(first?.sequence, 1);
    assert.equal(first?.firstUnanswered, 1);
    assert.equal(second?.sequence, 2);
    assert.equal(second?.firstUnanswered, 2);
    assert.equal(second?.session, first?.session);
    assert.equal(read?.session, undefined, "a read needs no session");
  });

  it("reads a list, and the tasks, to their end where one answer is too small for them", async () => {
    const item = (key: string) => ({ namespace: "n", key, value: new Uint8Array(1), version: 1, expiresAtMs: 0 });
    const keys = ["a", "b", "c", "d", "e"];
    const a1 = await agent("a1", (request) => {
      if (request.op === "list") {
        const { after = "", limit = 0 } = request;
        const left = keys.filter((key) => key > after).slice(0, limit);
        const more = left.length > 2 || left.at(-1) !== "e";
        return { ok: true, value: { type: "items", items: left.slice(0, 2).map(item), more } };
      }
      if (request.op !== "tasks") return undefined;
      const left = keys.filter((key) => key < (request.before ?? "z"));
      const tasks = left.slice(-2).map((id) => ({ ...TASK, id }));
      return { ok: true, value: { type: "tasks", tasks, ...(left.length > 2 ? { more: true } : {}) } };
    });
    const mesh = client([a1]);
    const listed = async (options: ListOptions) => {
      const { items, more } = await mesh.list("n", options);
      return [...items.map(({ key }) => key), more];
    };
    assert.deepEqual(await listed({}), [...keys, false]);
    assert.deepEqual(await listed({ limit: 3 }), ["a", "b", "c", true]);
    assert.deepEqual(await listed({ limit: 5 }), [...keys, false]);
    assert.deepEqual(await listed({ after: "c" }), ["d", "e", false]);
    const tasks = await mesh.tasks();
    assert.deepEqual(
      tasks.map(({ id }) => id),
      keys,
    );
  });

  it("holds nothing of requests that it has given up, also while there is nobody to ask", async function () {
    this.timeout(20_000);
    const mesh = client([{ id: "a1", port: 1 }]);
    const given: WeakRef<Uint8Array>[] = [];
    const ask = async (): Promise<void> => {
      const value = new Uint8Array(1024);
      given.push(new WeakRef(value));
      await assert.rejects(mesh.put("n", "k", value, { timeoutMs: 5 }), /No agent could be asked/);
    };
    await Promise.all(Array.from({ length: 20 }, ask));
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    await eventually("all are collected", () => {
      collect();
      return given.every((ref) => ref.deref() === undefined);
    });
  });

  it("puts all requests of one turn of the event loop into one frame", async () => {
    const a1 = await agent("a1", (request) => written(request.sequence ?? 0));
    const mesh = client([a1]);
    await mesh.put("n", "warm", "up");
    const before = a1.frames.filter((frame) => frame.some((request) => request.op === "put")).length;
    const versions = await Promise.all(Array.from({ length: 500 }, (_, at) => mesh.put("n", `k${at}`, "v")));
    const puts = a1.frames.filter((frame) => frame.some((request) => request.op === "put")).slice(before);
    assert.deepEqual(
      puts.map((frame) => frame.length),
      [500],
    );
    assert.deepEqual(
      versions,
      Array.from({ length: 500 }, (_, at) => at + 2),
    );
  });

  it("matches answers that come in another order", async () => {
    const release: (() => void)[] = [];
    const a1 = await agent(
      "a1",
      (request) => new Promise((resolve) => release.push(() => resolve(written(request.sequence ?? 0)))),
    );
    const mesh = client([a1]);
    const first = mesh.put("n", "a", "v");
    await until(() => release.length === 1);
    const second = mesh.put("n", "b", "v");
    await until(() => release.length === 2);
    release[1]!();
    assert.equal(await second, 2);
    release[0]!();
    assert.equal(await first, 1);
  });

  it("keeps session and sequence when a connection closes before the answer", async () => {
    const seen: ClientRequest[] = [];
    const dying = await agent("a1", (request) => {
      seen.push(request);
      dying.cutConnections();
      return undefined;
    });
    const a2 = await agent("a2", (request) => {
      seen.push(request);
      return written(7);
    });
    dying.leader = "a1";
    a2.leader = "a2";
    // Whichever is asked first, the write arrives at a2 in the end, and all attempts are the same write.
    const mesh = client([dying, a2]);
    for (let round = 0; round < 6; round++) assert.equal(await mesh.put("n", `k${round}`, "v"), 7);
    for (const request of seen) {
      const twin = seen.find((other) => other.op === "put" && request.op === "put" && other.key === request.key);
      assert.equal(request.sequence, twin?.sequence);
      assert.equal(request.session, seen[0]?.session);
    }
    assert.equal(new Set(seen.map((request) => request.sequence)).size, 6);
  });

  it("asks another agent when one is unavailable, with the same session and sequence", async () => {
    const a1 = await agent("a1", () => unavailable);
    const a2 = await agent("a2", () => written(3));
    a1.leader = "";
    a2.leader = "a2";
    for (let attempt = 0; attempt < 5; attempt++) assert.equal(await client([a1, a2]).put("n", "k", "v"), 3);
    for (const refused of a1.requests) {
      const served = a2.requests.find((request) => request.session === refused.session);
      assert.equal(served?.sequence, refused.sequence);
    }
  });

  it("passes over a port that accepts connections and is mute", async () => {
    const a2 = await agent("a2", () => written(1));
    const mute = { id: "a1", port: await muteServer() };
    for (let round = 0; round < 4; round++)
      assert.equal(await client([mute, a2], { openTimeoutMs: 100 }).put("n", "k", "v"), 1);
  });

  it("leaves an agent that stopped in the middle, sending the same write elsewhere", async () => {
    const a1 = await agent("a1", () => {
      a1.pause();
      return undefined;
    });
    const a2 = await agent("a2", () => written(1));
    // A client begins with any of its agents: again until one began with a1.
    for (let round = 0; round < 100 && a1.requests.length === 0; round++)
      assert.equal(await client([a1, a2], { silenceTimeoutMs: 150, openTimeoutMs: 150 }).put("n", "k", "v"), 1);
    for (const lost of a1.requests) {
      const served = a2.requests.find((request) => request.session === lost.session);
      assert.equal(served?.sequence, lost.sequence);
    }
    assert.ok(a1.requests.length > 0, "a1 was asked at least once");
  });

  it("waits for an agent that is busy with the request but answers pings", async () => {
    const a1 = await agent("a1", () => new Promise((resolve) => setTimeout(resolve, 4 * SOON_MS, written(5))));
    const mesh = client([a1], { silenceTimeoutMs: SOON_MS });
    assert.equal(await mesh.put("n", "k", "v"), 5);
    assert.equal(a1.connections, 1);
  });

  it("does not take for silence that it was held up itself", async () => {
    const a1 = await agent("a1", () => new Promise((resolve) => setTimeout(resolve, SOON_MS, written(5))));
    const mesh = client([a1], { silenceTimeoutMs: SOON_MS });
    assert.equal(await mesh.put("n", "k", "v"), 5);
    const answer = mesh.put("n", "k", "w");
    await until(() => a1.requests.length === 2);
    const heldUpUntil = performance.now() + 3 * SOON_MS;
    while (performance.now() < heldUpUntil);
    assert.equal(await answer, 5);
    assert.deepEqual([a1.connections, a1.requests.length], [1, 2]);
  });

  it("goes to the leader once a report names it", async () => {
    const a1 = await agent("a1", () => written(1));
    const a2 = await agent("a2", () => written(2));
    const a3 = await agent("a3", () => written(3));
    for (const each of [a1, a2, a3]) each.leader = "a2";
    const mesh = client([a1, a2, a3]);
    await until(async () => (await mesh.put("n", "k", "v")) === 2);
    const elsewhere = a1.requests.length + a3.requests.length;
    for (let round = 0; round < 20; round++) assert.equal(await mesh.put("n", "k", "v"), 2);
    assert.equal(a1.requests.length + a3.requests.length, elsewhere);
  });

  it("finds a swarm that comes up later, and fails over to it", async () => {
    const a1 = await agent("a1", () => written(1));
    const { port } = a1;
    await a1.stop();
    const mesh = client([{ id: "a1", port }]);
    const answer = mesh.put("n", "k", "v");
    await agent("a1", () => written(9), port);
    assert.equal(await answer, 9);
  });

  it("says at the deadline that the outcome of a write is unknown, and of a read that nothing happened", async () => {
    const a1 = await agent("a1", silent);
    const mesh = client([a1]);
    await rejects(mesh.put("n", "k", "v", { timeoutMs: SOON_MS }), "timeout", "unknown");
    await rejects(mesh.get("n", "k", { timeoutMs: SOON_MS }), "timeout", "notApplied");
  });

  it("says of a write that never left that it was not applied, and why", async () => {
    const port = await freePort();
    const mesh = client([{ id: "a1", port }]);
    const error = await rejects(mesh.put("n", "k", "v", { timeoutMs: SOON_MS }), "unavailable", "notApplied");
    assert.match(error.message, /a1 on port \d+: connect ECONNREFUSED/);
  });

  it("refuses an agent of another name, of another swarm, or that wants another token", async () => {
    const a1 = await agent("a1", () => written(1));
    const wrongName = client([{ id: "a9", port: a1.port }]);
    const error = await rejects(wrongName.put("n", "k", "v", { timeoutMs: SOON_MS }), "unavailable", "notApplied");
    assert.match(error.message, /another agent \(a1\)/);
    const wrongSwarm = client([a1], { swarm: "s2" });
    const other = await rejects(wrongSwarm.put("n", "k", "v", { timeoutMs: SOON_MS }), "unavailable", "notApplied");
    assert.match(other.message, /another swarm \(s1\)/);
    assert.equal(a1.requests.length, 0);
  });

  it("gives final answers as they are: refused, invalid, an expired session", async () => {
    let code: "refused" | "invalid" | "sessionExpired" = "refused";
    const a1 = await agent("a1", () => ({ ok: false, code, message: "because" }));
    const mesh = client([a1]);
    await rejects(mesh.cancelTask("t1"), "refused", "notApplied");
    code = "invalid";
    await rejects(mesh.put("", "k", "v"), "invalid", "notApplied");
    code = "sessionExpired";
    await rejects(mesh.put("n", "k", "v"), "sessionExpired", "unknown");
    a1.script = () => written(1);
    await mesh.put("n", "k", "v");
    const last = a1.requests.at(-1);
    assert.notEqual(last?.session, a1.requests[0]?.session, "a forgotten session is not used again");
    assert.equal(last?.sequence, 1);
  });

  it("tries an overloaded agent again, and knows that nothing was applied", async () => {
    let answers = 0;
    const a1 = await agent("a1", () =>
      ++answers < 3 ? { ok: false, code: "overloaded", message: "later" } : written(1),
    );
    const mesh = client([a1]);
    assert.equal(await mesh.put("n", "k", "v"), 1);
    a1.script = () => ({ ok: false, code: "overloaded", message: "later" });
    // The deadline falls into a pause between attempts. Where the machine is busy it may fall into an attempt, of which nothing is known.
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== "notApplied" && outcomes.length < 5) {
      const error = await mesh.put("n", "k", "v", { timeoutMs: SOON_MS }).catch((reason: unknown) => reason);
      assert.ok(error instanceof MeshError && error.code === "timeout", String(error));
      outcomes.push(error.outcome);
    }
    assert.equal(outcomes.at(-1), "notApplied", outcomes.join(", "));
  });

  it("bounds what is under way and what waits", async () => {
    const waiting: (() => void)[] = [];
    const a1 = await agent("a1", () => new Promise((resolve) => waiting.push(() => resolve(written(1)))));
    const mesh = client([a1], { maxInFlight: 2, maxWaiting: 3 });
    const answers = Array.from({ length: 5 }, (_, at) => mesh.put("n", `k${at}`, "v"));
    await rejects(mesh.put("n", "sixth", "v"), "overloaded", "notApplied");
    await until(() => waiting.length === 2);
    for (let done = 0; done < 5; done++) {
      await until(() => waiting.length > done);
      assert.ok(waiting.length <= done + 2, "never more than two under way");
      waiting[done]!();
      await answers[done];
    }
  });

  it("raises firstUnanswered past answered writes only", async () => {
    const held = new Map<number, () => void>();
    const a1 = await agent(
      "a1",
      (request) =>
        new Promise((resolve) => held.set(request.sequence ?? 0, () => resolve(written(request.sequence ?? 0)))),
    );
    const mesh = client([a1]);
    const answers = [1, 2, 3].map((at) => mesh.put("n", `k${at}`, "v"));
    await until(() => held.size === 3);
    held.get(2)!();
    held.get(3)!();
    await Promise.all([answers[1], answers[2]]);
    const fourth = mesh.put("n", "k4", "v");
    await until(() => held.size === 4);
    assert.equal(a1.requests.at(-1)?.firstUnanswered, 1, "the first is still open");
    held.get(1)!();
    held.get(4)!();
    await Promise.all([answers[0], fourth]);
    const fifth = mesh.put("n", "k5", "v");
    await until(() => held.size === 5);
    assert.equal(a1.requests.at(-1)?.firstUnanswered, 5);
    held.get(5)!();
    await fifth;
  });

  it("says that nothing was answered until the agents know the session, so that a first write that is lost costs no other", async () => {
    const a1 = await agent("a1", silent);
    const mesh = client([a1]);
    await rejects(mesh.put("n", "k", "v", { timeoutMs: SOON_MS }), "timeout", "unknown");
    a1.script = () => written(1);
    await mesh.put("n", "k", "v");
    await mesh.put("n", "k", "v");
    assert.deepEqual(
      a1.requests.map(({ sequence, firstUnanswered }) => [sequence, firstUnanswered]),
      [
        [1, 1],
        [2, 1],
        [3, 3],
      ],
    );
  });

  it("keeps within the answers that agents remember of a session while one write is open", async () => {
    const open: (() => void)[] = [];
    const a1 = await agent("a1", (request) =>
      request.sequence === 1 ? new Promise((resolve) => open.push(() => resolve(written(1)))) : written(1),
    );
    const mesh = client([a1]);
    const answers = Array.from({ length: 3000 }, (_, at) => mesh.put("n", `k${at}`, "v"));
    await answers[999];
    assert.equal(a1.requests.length, 1000);
    open[0]!();
    await Promise.all(answers);
    assert.equal(a1.requests.length, 3000);
  });

  it("rejects what is under way when it is closed, leaves no connection, and stays closed", async () => {
    const a1 = await agent("a1", silent);
    const mesh = client([a1]);
    const answer = mesh.put("n", "k", "v");
    await until(() => a1.requests.length === 1);
    mesh.close();
    await rejects(answer, "closed", "unknown");
    await rejects(mesh.put("n", "k", "v"), "closed", "notApplied");
    await until(() => a1.sockets.size === 0);
  });

  it("closes a connection on which a malformed frame arrives, and goes on with another agent", async () => {
    const a1 = await agent("a1", () => {
      for (const socket of a1.sockets) socket.send(encode([{ id: 1, ok: true, value: { type: "written" } }]));
      return undefined;
    });
    const a2 = await agent("a2", () => written(4));
    for (let round = 0; round < 4; round++) assert.equal(await client([a1, a2]).put("n", "k", "v"), 4);
    await until(() => a1.sockets.size === 0);
  });

  it("refuses a request larger than a frame without sending it", async () => {
    const a1 = await agent("a1", () => written(1));
    const mesh = client([a1]);
    await rejects(mesh.put("n", "k", new Uint8Array(9 * 1024 * 1024)), "invalid", "notApplied");
    assert.equal(a1.requests.length, 0);
  });

  it("cuts a turn's requests into frames below the limit", async () => {
    const a1 = await agent("a1", () => written(1));
    // Of so many megabytes a busy machine makes a silence.
    const mesh = client([a1], { silenceTimeoutMs: 0 });
    await Promise.all(Array.from({ length: 20 }, (_, at) => mesh.put("n", `k${at}`, new Uint8Array(1024 * 1024))));
    assert.equal(a1.requests.length, 20);
    assert.ok(a1.frames.every((frame) => frame.length <= 8));
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

async function until(holds: () => boolean | Promise<boolean>, withinMs = 3000): Promise<void> {
  const deadline = performance.now() + withinMs * PATIENCE;
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`not within ${withinMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
