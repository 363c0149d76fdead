import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, it } from "mocha";
import { WebSocketServer } from "ws";
import { type JoinAsk, refusal, SeedHandshake, secretBytes } from "../../server/live/agent/join-handshake.ts";
import { makeKeys, makeToken, privateKeyOf } from "../../server/live/identity.ts";
import type { SwarmFile } from "../../server/live/swarm-file.ts";
import { checkedWelcome, JoinRefused, knock, type Welcome } from "../../server/peer/knock.ts";
import { TestSwarm } from "../live/swarm.ts";

const secret = secretBytes(makeToken());
const keys = makeKeys();
const ask: JoinAsk = { id: "n1", publicKey: keys.publicKey, port: 5000, host: "", learner: false };

describe("a newcomer", () => {
  const servers: WebSocketServer[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      for (const client of server.clients) client.terminate();
      server.close();
    }
  });

  /** Knocks at a seed that greets as one does, and then does this. */
  async function at(swarm: string, with_: Buffer, then: (seed: SeedHandshake, message: Uint8Array) => Uint8Array) {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    servers.push(server);
    await once(server, "listening");
    server.on("connection", (socket) => {
      const seed = new SeedHandshake({ swarm, seed: "a1" }, with_, new Uint8Array());
      socket.on("message", (data: Buffer) => socket.send(seed.greetedOnce ? then(seed, data) : seed.greeted(data)));
    });
    const { port } = server.address() as AddressInfo;
    return knock({ port }, secret, async () => ({ ask, key: privateKeyOf(keys.privateKey) }));
  }

  async function file(): Promise<SwarmFile> {
    const swarm = await TestSwarm.make(2);
    await swarm.end();
    return swarm.file;
  }
  const withNewcomer = (swarm: SwarmFile, more: object = {}): SwarmFile => {
    const entry = { id: "n1", publicKey: keys.publicKey, port: 5000, joined: true, foreign: true, ...more };
    return { ...swarm, agents: [...swarm.agents, entry] };
  };
  const welcomed = (swarm: SwarmFile) => (seed: SeedHandshake, message: Uint8Array) => {
    seed.asked(message);
    return seed.welcome(Buffer.from(JSON.stringify(swarm)));
  };

  it("takes the welcome of a seed that knows the secret", async () => {
    const swarm = withNewcomer(await file());
    const welcome: Welcome = await at(swarm.id, secret, welcomed(swarm));
    assert.deepEqual([welcome.own.id, welcome.swarm.agents.length, welcome.token.length], ["n1", 3, 43]);
  });

  it("does not take one of an impostor, and a refusal as what it is", async () => {
    const swarm = withNewcomer(await file());
    const stolen = secretBytes(makeToken());
    const impostor = (): Uint8Array =>
      Buffer.concat([Buffer.of(4, 1), Buffer.alloc(32), Buffer.of(2), Buffer.from("{}")]);
    await assert.rejects(
      at(swarm.id, stolen, impostor),
      /does not know the join secret, so it is no agent of the swarm/,
    );
    const refused = await at(swarm.id, secret, () => refusal("no room.", 700)).catch((error: unknown) => error);
    assert.ok(refused instanceof JoinRefused);
    assert.match(refused.message, /^127\.0\.0\.1:\d+ refused: no room\.$/);
    assert.equal(refused.retryAfterMs, 700);
  });

  it("does not take another swarm's roster, one without it, or one that has it otherwise than it asked", async () => {
    const swarm = await file();
    const given = (one: unknown) => () =>
      checkedWelcome(
        Buffer.from(typeof one === "string" ? one : JSON.stringify(one)),
        { swarm: swarm.id, seed: "a1" },
        ask,
      );
    assert.equal(given(withNewcomer(swarm))().own.port, 5000);
    assert.throws(given({ ...withNewcomer(swarm), id: "other" }), /is about swarm other/);
    for (const other of [swarm, withNewcomer(swarm, { port: 5001 }), withNewcomer(swarm, { left: true })])
      assert.throws(given(other), /does not have n1 as it asked to be in it/);
    assert.throws(given(withNewcomer(swarm, { publicKey: makeKeys().publicKey })), /does not have n1/);
    for (const nonsense of ["", "[]", "{", { ...withNewcomer(swarm), timing: 1 }])
      assert.throws(given(nonsense), /The swarm's answer cannot be used/);
  });
});
