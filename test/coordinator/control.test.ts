import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync } from "node:fs";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, it } from "mocha";
import { WebSocket } from "ws";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { readControlAddress } from "../../server/coordinator/control.ts";
import { connectCoordinator } from "../../server/coordinator/control-client.ts";
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
