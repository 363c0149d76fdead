import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, describe, it } from "mocha";
import { WebSocket, WebSocketServer } from "ws";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { Consumer } from "../../server/coordinator/consumer.ts";
import { ControlServer, MAX_REQUESTS_IN_FLIGHT, readControlAddress } from "../../server/coordinator/control.ts";
import { connectCoordinator, RemoteCoordinator } from "../../server/coordinator/control-client.ts";
import { coordinatorFiles } from "../../server/coordinator/files.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { Ground, until } from "./ground.ts";

describe("the control socket", function () {
  this.timeout(20_000);
  let ground: Ground;
  let swarm: SwarmView;
  const sockets: WebSocket[] = [];

  beforeEach(async () => {
    ground = new Ground();
    swarm = await ground.quick(ground.coordinator(), 1);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate();
    await ground.end();
  });

  function open(token: string, path = "/coordinator", headers: Record<string, string> = {}): WebSocket {
    const { port } = readControlAddress(ground.folder, swarm.id);
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    sockets.push(socket);
    return socket;
  }

  const token = () => readControlAddress(ground.folder, swarm.id).token;

  it("answers as the coordinator does, and tells its client what that one subscribed to", async () => {
    const told: string[] = [];
    const reached = await connectCoordinator(ground.folder, (name) => told.push(name));
    assert.equal(reached.remote, true);
    assert.equal((await reached.handle("swarm", { swarm: swarm.id })).id, swarm.id);
    await assert.rejects(
      reached.handle("swarm", { swarm: "none" }),
      (error: unknown) => error instanceof Refusal && error.reason === "unknownSwarm",
    );
    assert.equal(told.length, 0, "nothing before it subscribes");
    await reached.handle("subscribe", { swarms: true, timeline: true, metrics: true });
    await until("all kinds", () =>
      ["swarmChanged", "timelineGrew", "metricsSampled"].every((name) => told.includes(name)),
    );
    await reached.close();
    assert.deepEqual(ground.all("swarmChanged"), [], "the coordinator's owner did not subscribe");
  });

  it("opens to its token alone, on its path alone, and to no page of a browser", async () => {
    assert.equal(await status(open("wrong")), 401);
    assert.equal(await status(open(token(), "/other")), 404);
    assert.equal(await status(open(token(), "/coordinator", { origin: "http://example.org" })), 403);
  });

  it("ends a refused connection although the caller never does", async () => {
    const { port } = readControlAddress(ground.folder, swarm.id);
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let answer = "";
    let failed = false;
    socket.on("data", (data: Buffer) => (answer += data.toString()));
    socket.on("error", () => (failed = true));
    socket.write("GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await until("it is refused", () => answer.startsWith("HTTP/1.1 404 Not Found"));
    await until("the other side is gone", () => {
      if (!failed) socket.write("x");
      return failed;
    });
    socket.destroy();
  });

  it("refuses a client that has too much under way, and serves it again when some is answered", async () => {
    const waiting: (() => void)[] = [];
    const server = new ControlServer({
      join: (notify) => new Consumer(notify),
      leave: () => {},
      handle: () => new Promise((resolve) => waiting.push(() => resolve("done"))),
    });
    await server.announce(ground.folder, swarm.id);
    const socket = open(token());
    const answers: { id: number; result?: unknown; error?: { message: string } }[] = [];
    socket.on("message", (data) => answers.push(JSON.parse(String(data))));
    await once(socket, "open");
    const ask = (id: number): void => socket.send(JSON.stringify({ jsonrpc: "2.0", id, method: "swarms" }));
    for (let id = 0; id < MAX_REQUESTS_IN_FLIGHT + 3; id++) ask(id);
    await until("those too many are refused", () => answers.length === 3);
    assert.deepEqual(
      answers.map(({ id }) => id - MAX_REQUESTS_IN_FLIGHT),
      [0, 1, 2],
    );
    assert.match(answers[0]?.error?.message ?? "", /64 requests of this client wait/);
    waiting[0]?.();
    await until("one is answered", () => answers.length === 4);
    ask(1000);
    await until("it is taken", () => waiting.length === MAX_REQUESTS_IN_FLIGHT + 1);
    for (const answer of waiting) answer();
    await until("all are answered", () => answers.some(({ id }) => id === 1000));
    await server.close();
  });

  it("is not waited for longer than an answer takes, unless it is a long operation", async () => {
    const silent = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const remote = await RemoteCoordinator.open({ port, token: "t" }, () => {}, 50);
    let stopped = "";
    const stopping = remote.handle("stopSwarm", { swarm: "s", operation: "o" }).catch((error: Refusal) => {
      stopped = error.message;
    });
    let decided = "";
    const proposal = { subject: "deploy", body: "null" };
    const deciding = remote.handle("propose", { swarm: "s", proposal, wait: true }).catch((error: Refusal) => {
      decided = error.message;
    });
    await assert.rejects(
      remote.handle("propose", { swarm: "s", proposal, wait: false }),
      /did not answer propose in 50 ms/,
    );
    await assert.rejects(remote.handle("swarms", {}), (error: unknown) => {
      return (
        error instanceof Refusal &&
        error.reason === "unavailable" &&
        /did not answer swarms in 50 ms/.test(error.message)
      );
    });
    assert.equal(stopped, "", "a swarm takes as long to stop as it takes");
    assert.equal(decided, "", "and a decision that is waited for as long as that takes");
    await remote.close();
    await stopping;
    await deciding;
    assert.match(stopped, /ended before it answered/);
    assert.match(decided, /ended before it answered/);
    silent.close();
  });

  it("keeps its token for its owner's eyes", () => {
    const { mode } = statSync(coordinatorFiles(ground.folder, swarm.id).control);
    // Windows has no such bits: there a file in one's own folder is one's own.
    assert.equal(mode & 0o777, process.platform === "win32" ? 0o666 : 0o600);
  });

  it("answers garbage with an error and goes on", async () => {
    const socket = open(token());
    await once(socket, "open");
    const ask = async (text: string | Buffer): Promise<{ id: unknown; error?: { code: number; message: string } }> => {
      const answer = once(socket, "message");
      socket.send(text, { binary: typeof text !== "string" });
      return JSON.parse(String((await answer)[0]));
    };
    assert.equal((await ask("{")).error?.code, -32700);
    assert.equal((await ask("[]")).error?.code, -32600);
    assert.equal((await ask(Buffer.from([1, 2]))).error?.code, -32600);
    const unknown = await ask(JSON.stringify({ jsonrpc: "2.0", id: 7, method: "destroy", params: {} }));
    assert.deepEqual([unknown.id, unknown.error?.code], [7, -32004]);
    const fine = await ask(JSON.stringify({ jsonrpc: "2.0", id: 8, method: "swarms" }));
    assert.deepEqual([fine.id, fine.error], [8, undefined]);
  });

  it("closes on a request that is too large", async () => {
    const socket = open(token());
    await once(socket, "open");
    const closed = once(socket, "close");
    socket.send("x".repeat(5 * 1024 * 1024));
    const [code] = await closed;
    assert.equal(code, 1009);
  });
});

function status(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.on("open", () => reject(new Error("it opened")));
    socket.on("error", () => {});
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
}
