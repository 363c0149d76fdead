import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, describe, it } from "mocha";
import { WebSocket } from "ws";
import { ControlServer, type ControlSession } from "../../server/coordinator/control.ts";
import { ControlClient, type ControlFailure } from "../../server/coordinator/control-client.ts";

const TOKEN = "a secret";

describe("the control socket", () => {
  let server: ControlServer;
  let port: number;
  let sessions: ControlSession[];
  let gone: number[];

  beforeEach(async () => {
    sessions = [];
    gone = [];
    server = new ControlServer(
      TOKEN,
      async (method, params, session) => {
        sessions.push(session);
        if (method === "swarms") return [{ asked: params }];
        throw Object.assign(new Error(`no ${method}`), { code: -32002 });
      },
      (session) => gone.push(session.id),
    );
    port = await server.listen();
  });
  afterEach(() => server.close());

  /** The HTTP status that an upgrade is refused with. */
  async function refusal(path: string, headers: Record<string, string>): Promise<number> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
    socket.on("error", () => undefined);
    socket.terminate();
    return response.statusCode;
  }

  it("answers a request with its result, and a refusal with its code and sentence", async () => {
    const client = await ControlClient.open(port, TOKEN);
    assert.deepEqual(await client.request("swarms", {}), [{ asked: {} }]);
    await assert.rejects(
      client.request("healAll", { swarm: "x" }),
      (error: ControlFailure) => error.code === -32002 && error.message === "no healAll",
    );
    await client.close();
  });

  it("passes notifications on, and says when a face has left", async () => {
    const heard = Promise.withResolvers<unknown>();
    const client = await ControlClient.open(port, TOKEN, (name, params) => heard.resolve([name, params]));
    await client.request("swarms", {});
    sessions[0]?.notify("notice", { level: "info", swarm: "s", message: "hello" });
    assert.deepEqual(await heard.promise, ["notice", { level: "info", swarm: "s", message: "hello" }]);
    await client.close();
    await server.close();
    assert.deepEqual(gone, [1]);
  });

  it("refuses a wrong token, a browser, and an unknown path", async () => {
    assert.equal(await refusal("/coordinator", { Authorization: "Bearer wrong" }), 401);
    assert.equal(await refusal("/coordinator", {}), 401);
    assert.equal(await refusal("/coordinator", { Authorization: `Bearer ${TOKEN}`, Origin: "http://127.0.0.1" }), 403);
    assert.equal(await refusal("/elsewhere", { Authorization: `Bearer ${TOKEN}` }), 404);
  });

  it("answers what is no request with an error, and closes a frame that is too large", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/coordinator`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    await once(socket, "open");
    for (const bad of [
      "",
      "{",
      "[]",
      '{"jsonrpc":"2.0","method":"swarms"}',
      '{"jsonrpc":"1.0","id":1,"method":"swarms"}',
    ]) {
      socket.send(bad);
      const [data] = (await once(socket, "message")) as [Buffer];
      assert.equal((JSON.parse(String(data)) as { error: { code: number } }).error.code, -32600, bad);
    }
    socket.send("x".repeat(5 * 1024 * 1024));
    const [code] = (await once(socket, "close")) as [number];
    assert.equal(code, 1009);
  });

  it("fails what is waiting when the coordinator goes", async () => {
    const slow = new ControlServer(
      TOKEN,
      () => new Promise(() => undefined),
      () => undefined,
    );
    const client = await ControlClient.open(await slow.listen(), TOKEN);
    const waiting = client.request("swarms", {});
    await slow.close();
    await assert.rejects(waiting, /closed/);
  });
});
