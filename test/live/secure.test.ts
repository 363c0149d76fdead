import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer, type Server } from "node:net";
import { connect } from "node:tls";
import { afterEach, describe, it } from "mocha";
import { WebSocket, WebSocketServer } from "ws";
import { makeKeys, privateKeyOf, publicKeyOf } from "../../server/live/identity.ts";
import { connecting, credentialsOf } from "../../server/live/secure.ts";

const HOST = "127.0.0.1";

describe("connections between hosts", () => {
  const keys = makeKeys();
  const own = publicKeyOf(keys.publicKey);
  const servers: Server[] = [];
  const callers: WebSocket[] = [];
  afterEach(() => {
    for (const caller of callers.splice(0)) caller.terminate();
    for (const server of servers.splice(0)) server.close();
  });

  /** Answers what it is told by the same; keeps what was asked of it. */
  async function echoing(): Promise<{ readonly port: number; readonly asked: (string | undefined)[] }> {
    const server = createServer(credentialsOf(privateKeyOf(keys.privateKey)));
    const asked: (string | undefined)[] = [];
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => {
      asked.push(request.headers.authorization);
      sockets.handleUpgrade(request, socket, head, (caller) => caller.on("message", (data) => caller.send(data)));
    });
    return { port: await listening(server), asked };
  }

  async function listening(server: Server): Promise<number> {
    servers.push(server);
    server.listen(0, HOST);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  function call(port: number, createConnection: ReturnType<typeof connecting>): WebSocket {
    const headers = { authorization: "Bearer token" };
    const caller = new WebSocket(`wss://${HOST}:${port}/any`, { headers, createConnection });
    callers.push(caller);
    return caller;
  }

  it("carry a certificate that says the agent's key and is signed by it", () => {
    const { cert, minVersion } = credentialsOf(privateKeyOf(keys.privateKey));
    const certificate = new X509Certificate(cert);
    assert.ok(certificate.publicKey.equals(own));
    assert.ok(certificate.verify(own));
    assert.ok(!certificate.verify(publicKeyOf(makeKeys().publicKey)));
    assert.equal(minVersion, "TLSv1.3");
  });

  it("stand with whoever has the key that is expected, or with anybody, whose key is told", async () => {
    const { port } = await echoing();
    let seen = "";
    const told = connecting({ host: HOST, port }, undefined, (key) => {
      seen = key.export({ format: "der", type: "spki" }).toString("base64");
    });
    for (const made of [connecting({ host: HOST, port }, own), told]) {
      const caller = call(port, made);
      await once(caller, "open");
      caller.send("hello");
      const [answer] = await once(caller, "message");
      assert.equal(String(answer), "hello");
    }
    assert.equal(seen, keys.publicKey);
  });

  it("send nothing to whoever has another key", async () => {
    const { port, asked } = await echoing();
    const caller = call(port, connecting({ host: HOST, port }, publicKeyOf(makeKeys().publicKey)));
    const [error] = await once(caller, "error");
    assert.match((error as Error).message, /has another key than the roster says: it is not that agent/);
    const right = call(port, connecting({ host: HOST, port }, own));
    await once(right, "open");
    assert.deepEqual(asked, ["Bearer token"], "only the second one asked for anything");
  });

  it("are refused below TLS 1.3", async () => {
    const { port } = await echoing();
    const socket = connect({ host: HOST, port, maxVersion: "TLSv1.2", rejectUnauthorized: false });
    const [error] = await once(socket, "error");
    assert.match((error as Error).message, /alert|version/i);
  });

  it("fail where nobody listens, where nobody speaks TLS, and when they are given up meanwhile", async () => {
    const silent = createTcpServer((socket) => socket.on("error", () => {}));
    const port = await listening(silent);
    const given = call(port, connecting({ host: HOST, port }, own));
    given.terminate();
    const [gone] = await once(given, "error");
    assert.match((gone as Error).message, /closed before the connection was established/);
    const plain = createTcpServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    );
    const plainPort = await listening(plain);
    const [none] = await once(call(plainPort, connecting({ host: HOST, port: plainPort }, own)), "error");
    assert.ok(none instanceof Error);
    silent.close();
    plain.close();
    await once(plain, "close");
    const [nobody] = await once(call(plainPort, connecting({ host: HOST, port: plainPort }, own)), "error");
    assert.match((nobody as Error).message, /ECONNREFUSED/);
  });
});
