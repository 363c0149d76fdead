import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "mocha";
import { type ClientOptions, WebSocket } from "ws";
import { CLIENT_FRAME_LIMIT_BYTES, CLIENT_PROTOCOL } from "../../server/contract/client.ts";
import { dialerHandshake, HANDSHAKE_LIMIT_BYTES, type HandshakeIdentity } from "../../server/live/agent/handshake.ts";
import { LinkClose } from "../../server/live/agent/link.ts";
import { makeKeys, privateKeyOf, publicKeyOf } from "../../server/live/identity.ts";
import { readPrivateKey } from "../../server/live/layout.ts";
import { lastWords } from "../../server/live/spawn.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually, withDeadline } from "./waiting.ts";

interface Closed {
  readonly code: number;
  readonly reason: string;
}

describe("a live agent refuses", function () {
  this.timeout(30_000);
  let swarm: TestSwarm;

  // a3 never runs: the tests pretend to be it.
  before(async () => {
    swarm = await TestSwarm.make(3);
    await Promise.all(["a1", "a2"].map((id) => swarm.startAgent(id)));
    await swarm.leader(["a1", "a2"]);
  });
  after(async () => assert.deepEqual(await swarm.end(), []));

  /** The HTTP status with which a WebSocket was refused; 101 when it was let in. */
  function statusOf(path: string, options: ClientOptions, protocols: string[] = [CLIENT_PROTOCOL]): Promise<number> {
    const socket = new WebSocket(`ws://127.0.0.1:${swarm.port("a1")}${path}`, protocols, options);
    const answered = new Promise<number>((resolve, reject) => {
      socket.once("open", () => resolve(101));
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
      socket.once("error", reject);
    });
    return withDeadline(answered, 5_000, `an answer on ${path}`).finally(() => {
      socket.on("error", () => {});
      socket.terminate();
    });
  }

  const bearing = (token: string): ClientOptions => ({ headers: { Authorization: `Bearer ${token}` } });

  it("a wrong token, and none", async () => {
    assert.equal(await statusOf("/client", bearing(swarm.token)), 101);
    assert.equal(await statusOf("/client", bearing(`${swarm.token}x`)), 401);
    assert.equal(await statusOf("/client", {}), 401);
  });

  it("browsers, which send an Origin, even with the right token", async () => {
    const { headers } = bearing(swarm.token);
    assert.equal(await statusOf("/client", { headers: { ...headers, Origin: "http://127.0.0.1" } }), 403);
    assert.equal(await statusOf("/link", { headers: { Origin: "null" } }), 403);
    assert.equal(await statusOf("/join", { headers: { Origin: "http://127.0.0.1" } }), 403);
  });

  it("other paths, other protocols, and plain HTTP", async () => {
    assert.equal(await statusOf("/", bearing(swarm.token)), 404);
    assert.equal(await statusOf("/client/", bearing(swarm.token)), 404);
    assert.equal(await statusOf("/client", bearing(swarm.token), ["agent-mesh.0"]), 400);
    const status = await new Promise((resolve, reject) => {
      const asked = request({ port: swarm.port("a1"), host: "127.0.0.1", path: "/client" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on("error", reject).end();
    });
    assert.equal(status, 426);
  });

  it("a client's garbage and a client's oversized frame, and goes on", async () => {
    const garbage = await swarm.client("a1");
    garbage.socket.send(Buffer.from([0xc1, 0xff, 0x00]));
    assert.match((await garbage.until("closed", () => garbage.closed)).reason, /not a frame/);
    const oversized = await swarm.client("a1");
    oversized.socket.send(Buffer.alloc(CLIENT_FRAME_LIMIT_BYTES + 1));
    assert.equal((await oversized.until("closed", () => oversized.closed)).code, 1009);
    const senseless = await swarm.client("a1");
    const answer = await senseless.request({ op: "observe", recent: -1, reportEveryMs: 100, owner: true });
    assert.ok(!answer.ok && answer.code === "invalid" && /recent/.test(answer.message), JSON.stringify(answer));
    assert.ok((await senseless.put("still", "here")).ok);
  });

  /** Runs a dialer's side of the handshake against a1 as far as it gets; then `welcomed` may send more. */
  function dial(
    identity: Partial<HandshakeIdentity>,
    peer = "a1",
    welcomed?: (socket: WebSocket) => void,
  ): Promise<Closed> {
    const publicKeys = new Map(swarm.file.agents.map((agent) => [agent.id, publicKeyOf(agent.publicKey)]));
    const handshake = dialerHandshake(
      {
        swarm: swarm.file.id,
        id: "a3",
        incarnation: 1,
        privateKey: privateKeyOf(readPrivateKey(swarm.file.folder, swarm.file.id, "a3")),
        keyOf: (id) => publicKeys.get(id),
        ...identity,
      },
      peer,
    );
    const socket = new WebSocket(`ws://127.0.0.1:${swarm.port("a1")}/link`);
    const closed = new Promise<Closed>((resolve, reject) => {
      socket.once("open", () => socket.send(handshake.opening));
      socket.once("error", reject);
      socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
      socket.on("message", (data: Buffer) => {
        try {
          const step = handshake.receive(data);
          if (step.send !== undefined) socket.send(step.send);
          if (step.done !== undefined) welcomed?.(socket);
        } catch (error) {
          // Once welcomed, what comes are frames.
          if (welcomed === undefined) reject(error);
        }
      });
    });
    return withDeadline(closed, 5_000, "the link is closed").finally(() => socket.terminate());
  }

  it("a neighbour with a wrong key", async () => {
    const { code, reason } = await dial({ privateKey: privateKeyOf(makeKeys().privateKey) });
    assert.equal(code, LinkClose.handshakeRefused);
    assert.match(reason, /does not have the key of a3/);
    await eventually("the reason is noted", () =>
      /No link with .*does not have the key of a3/.test(lastWords(swarm.place("a1"))),
    );
  });

  it("an agent of another swarm, one it has no link with, and one that wants another agent", async () => {
    assert.match((await dial({ swarm: "other" })).reason, /another swarm/);
    assert.match((await dial({ id: "a9" })).reason, /no link from "a9"/);
    assert.match((await dial({}, "a2")).reason, /looks for "a2"/);
  });

  it("a caller that says nothing sensible before it is known", async () => {
    for (const first of [Buffer.alloc(HANDSHAKE_LIMIT_BYTES + 1), Buffer.from([9, 9, 9]), Buffer.alloc(0)]) {
      const socket = new WebSocket(`ws://127.0.0.1:${swarm.port("a1")}/link`);
      socket.once("open", () => socket.send(first));
      const code = await new Promise((resolve) => socket.once("close", resolve));
      assert.ok(code === LinkClose.handshakeRefused || code === LinkClose.badFrame, String(code));
    }
  });

  it("a neighbour's garbage frame: that link closes, the mesh is unharmed", async () => {
    const { code } = await dial({}, "a1", (socket) => socket.send(Buffer.from("no frame at all")));
    assert.equal(code, LinkClose.badFrame);
    await eventually("the reason is noted", () => /a3 sent a frame that is none/.test(lastWords(swarm.place("a1"))));
    const client = await swarm.client("a1");
    assert.ok((await client.put("after", "garbage")).ok);
    assert.equal((await swarm.leader(["a1", "a2"])).length, 2);
  });

  it("a garbage frame that a fault delayed, in the same way", async () => {
    const client = await swarm.client("a1");
    const toxic = { toxic: "latency", delay: { shape: "constant", ms: 50 } } as const;
    const effect = { on: "link", from: "a3", to: "a1", toxic } as const;
    await client.ask({ op: "setEffects", effects: [{ id: "f/0", effect, untilMs: null }] });
    const { code } = await dial({}, "a1", (socket) => socket.send(Buffer.from("no frame at all")));
    assert.equal(code, LinkClose.badFrame);
    await client.ask({ op: "setEffects", effects: [] });
    assert.ok((await client.put("after", "delayed garbage")).ok);
  });
});
