import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "mocha";
import { WebSocket } from "ws";
import { HANDSHAKE_LIMIT_BYTES } from "../../../server/live/agent/handshake.ts";
import { Listener } from "../../../server/live/agent/listener.ts";
import { freePorts } from "../../../server/live/ports.ts";
import { eventually } from "../waiting.ts";

describe("an agent's port", () => {
  let port: number;
  let listener: Listener;
  let links: { readonly socket: WebSocket; readonly proven: () => void; readonly received: Buffer[] }[];
  const callers: WebSocket[] = [];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    [port] = (await freePorts(1, 0)) as [number];
    links = [];
    listener = new Listener();
    await listener.listen(port);
    listener.serve({
      link: (socket, proven) => {
        const received: Buffer[] = [];
        socket.on("message", (data: Buffer) => received.push(data));
        socket.on("error", () => {});
        links.push({ socket, proven, received });
      },
      client: (socket) => socket.terminate(),
      token: "token",
      join: (socket) => socket.terminate(),
      admit: () => ({ admitted: true }),
      note: () => {},
    });
  });
  afterEach(() => {
    for (const caller of callers.splice(0)) caller.terminate();
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const { socket } of links) socket.terminate();
    listener.close();
  });

  function call(): Promise<number> {
    const caller = new WebSocket(`ws://127.0.0.1:${port}/link`);
    callers.push(caller);
    caller.on("error", () => {});
    return new Promise((resolve) => {
      caller.once("open", () => resolve(101));
      caller.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
    });
  }

  it("lets few callers in at a time who have not proved themselves, and as many as wish who have", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, call));
    assert.equal(answers.filter((code) => code === 101).length, 32);
    assert.equal(answers.filter((code) => code === 503).length, 8);
    for (const { proven } of links) {
      proven();
      proven();
    }
    const more = await Promise.all(Array.from({ length: 40 }, call));
    assert.equal(more.filter((code) => code === 101).length, 32, "those who proved themselves do not count");
    for (const { socket } of links) socket.terminate();
    await eventually("there is room again", async () => (await call()) === 101);
  });

  it("takes next to nothing of a caller before, and all of it afterwards", async () => {
    for (const proved of [false, true]) {
      assert.equal(await call(), 101);
      const caller = callers.at(-1) as WebSocket;
      const link = links.at(-1);
      caller.send(Buffer.alloc(HANDSHAKE_LIMIT_BYTES));
      await eventually("a message of the handshake arrives", () => link?.received.length === 1);
      if (proved) link?.proven();
      // A message that is never whole: its length is announced, and its end does not come.
      for (let at = 0; at < 40; at++) caller.send(Buffer.alloc(50 * 1024), { fin: false });
      if (proved) {
        caller.send(Buffer.alloc(1), { fin: true });
        await eventually("it arrives", () => link?.received[1]?.length === 40 * 50 * 1024 + 1);
      } else {
        await once(caller, "close");
        assert.equal(link?.received.length, 1);
      }
    }
  });

  it("ends a refused connection although the caller never does", async () => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    sockets.push(socket);
    let answer = "";
    socket.on("data", (data: Buffer) => (answer += data.toString()));
    let failed = false;
    socket.on("error", () => (failed = true));
    socket.write("GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await eventually("it is refused", () => /^HTTP\/1.1 404 Not Found[\s\S]*There is \/link/.test(answer));
    await eventually("the other side is gone", () => {
      if (!failed) socket.write("x");
      return failed;
    });
  });
});
