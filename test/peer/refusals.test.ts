import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { Encoder } from "@msgpack/msgpack";
import { after, afterEach, before, describe, it } from "mocha";
import { WebSocket, WebSocketServer } from "ws";
import type { AgentPush } from "../../server/contract/client.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import {
  JOIN_LIMIT_BYTES,
  type JoinAsk,
  NewcomerHandshake,
  secretBytes,
} from "../../server/live/agent/join-handshake.ts";
import { LinkClose } from "../../server/live/agent/link.ts";
import { makeKeys, makeToken, privateKeyOf } from "../../server/live/identity.ts";
import { readPrivateKey, readSwarm } from "../../server/live/layout.ts";
import { freePorts } from "../../server/live/ports.ts";
import { JoinRefused } from "../../server/peer/join-swarm.ts";
import { knock } from "../../server/peer/knock.ts";
import { until } from "../coordinator/ground.ts";
import { withDeadline } from "../live/waiting.ts";
import { PeerGround } from "./peer-ground.ts";

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof JoinRefused, String(error));
  assert.match(error.message, pattern);
  return true;
};

describe("who may not join", function () {
  this.timeout(120_000);
  const peers = new PeerGround();
  let keys = 0;

  before(() => peers.start(3));
  /** Whatever was tried, the mesh is unharmed. */
  afterEach(async () => {
    await peers.decides(`k${++keys}`);
    const { agents, members, health } = await peers.view();
    assert.deepEqual([agents.length, members?.voters, health.level], [3, ["a1", "a2", "a3"], "ok"]);
  });
  after(() => peers.end());

  /** Asks a seed as joinSwarm would, for whatever a test says; each from a seed that has not been asked much. */
  async function ask(seed: string, wishes: Partial<JoinAsk>, over: { key?: string; secret?: string } = {}) {
    const made = makeKeys();
    const [port] = (await freePorts(1, 0)) as [number];
    const wish: JoinAsk = { id: "n1", publicKey: made.publicKey, port, host: "", learner: true, ...wishes };
    return knock({ port: await peers.port(seed) }, secretBytes(over.secret ?? peers.secret), async () => ({
      ask: wish,
      key: privateKeyOf(over.key ?? made.privateKey),
    }));
  }

  it("who does not know the secret, and leaves nothing in its folder", async () => {
    const dir = peers.dir();
    await assert.rejects(peers.join({ secret: makeToken(), dir }), refused(/the join secret is wrong/));
    assert.equal(existsSync(join(dir, ".agent-mesh")), false);
    await assert.rejects(peers.join({ secret: "guess" }), refused(/no join secret: a join secret is 43 letters/));
    await until("it is told", async () =>
      (await peers.events("joinRefused")).some(({ fields }) => (fields as { why: string }).why === "wrongSecret"),
    );
  });

  it("through an address where no agent is, or not on this machine", async () => {
    const [nobody] = (await freePorts(1, 0)) as [number];
    const at = (address: string) => peers.join({ address });
    await assert.rejects(at(`127.0.0.1:${nobody}`), refused(/Nobody listens on/));
    for (const host of ["10.0.0.7", "example.org", "0.0.0.0"])
      await assert.rejects(at(`${host}:4001`), refused(/is another host: say with --listen ADDRESS/));
    await assert.rejects(at("ws://10.0.0.7:4001"), refused(/over wss only/));
    await assert.rejects(
      peers.join({ address: "10.0.0.7:4001", listen: "0.0.0.0" }),
      refused(/stands for all addresses of a machine/),
    );
    for (const address of ["", "4001", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000"])
      await assert.rejects(at(address), refused(/is no address of an agent/));
    const server = createServer((_, response) => response.writeHead(200).end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await assert.rejects(at(`127.0.0.1:${port}`), refused(/no agent that can be joined/));
    server.close();
  });

  it("by an id, a port or a key that another agent has", async () => {
    const [a1] = (await peers.view()).agents as [SwarmView["agents"][number]];
    await assert.rejects(ask("a2", { id: "a1" }), refused(/has an agent a1 already, with another key/));
    await assert.rejects(ask("a2", { port: a1.port }), refused(/Port \d+ is that of a1/));
    const { publicKey } = readSwarm(peers.ground.folder, peers.swarm).agents[0] as { publicKey: string };
    const key = readPrivateKey(peers.ground.folder, peers.swarm, "a1");
    await assert.rejects(ask("a2", { publicKey }, { key }), refused(/The key is that of a1/));
  });

  it("by an id or a port that makes no sense, and by a key that it does not have", async () => {
    for (const id of ["", "../up", "a b", "leader"])
      await assert.rejects(ask("a3", { id }), refused(/An agent's id is|An agent cannot be called leader/), id);
    await assert.rejects(ask("a3", { port: 0 }), refused(/0 is no port/));
    await assert.rejects(ask("a3", { port: 80_000 }), refused(/80000 is no port/));
    await assert.rejects(ask("a1", {}, { key: makeKeys().privateKey }), refused(/does not have the key/));
  });

  /** Sends these messages to a seed, one for each answer. @returns how the connection ended */
  async function say(
    seed: string,
    ...messages: readonly (Uint8Array | string)[]
  ): Promise<{ code: number; reason: string }> {
    const socket = new WebSocket(`ws://127.0.0.1:${await peers.port(seed)}/join`);
    const rest = [...messages];
    const next = (): void => {
      const message = rest.shift();
      if (message !== undefined) socket.send(message);
    };
    socket.on("open", next);
    socket.on("message", next);
    const closed = new Promise<{ code: number; reason: string }>((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
      socket.on("error", () => {});
    });
    return withDeadline(closed, 8_000, "the seed closes the connection");
  }

  it("what is no message of joining, is too large, or is said again to another connection", async () => {
    const { opening } = new NewcomerHandshake(secretBytes(peers.secret));
    for (const message of ["text", Buffer.of(9, 9), Buffer.alloc(0), Buffer.concat([opening, opening])]) {
      const { code, reason } = await say("a2", message);
      assert.equal(code, LinkClose.handshakeRefused, reason);
    }
    assert.notEqual((await say("a3", Buffer.alloc(JOIN_LIMIT_BYTES * 8))).code, 1000);
    // What an eavesdropper heard: the same hello gets another challenge, for which the old answer is none.
    let heard: Uint8Array | undefined;
    const newcomer = new NewcomerHandshake(secretBytes(peers.secret));
    const made = makeKeys();
    const socket = new WebSocket(`ws://127.0.0.1:${await peers.port("a1")}/join`);
    socket.on("open", () => socket.send(newcomer.opening));
    await new Promise<void>((resolve) =>
      socket.on("message", (data: Buffer) => {
        const { ask: make } = newcomer.challenged(data, new Uint8Array());
        heard = make(
          { id: "n1", publicKey: made.publicKey, port: 5000, host: "", learner: true },
          privateKeyOf(made.privateKey),
        );
        resolve();
      }),
    );
    socket.terminate();
    assert.ok(heard);
    assert.match((await say("a1", newcomer.opening, heard)).reason, /the join secret is wrong/);
  });
});

describe("a flood of those that want to join", function () {
  this.timeout(120_000);
  const peers = new PeerGround();
  before(() => peers.start(3));
  after(() => peers.end());

  it("is refused with how long to wait, is told of once a second, and keeps the mesh from nothing", async () => {
    const port = await peers.port("a1");
    const { publicKey, privateKey } = makeKeys();
    const attempt = async (): Promise<string> => {
      const key = privateKeyOf(privateKey);
      const wish = { id: `n${randomBytes(4).toString("hex")}`, publicKey, port: 5000, host: "", learner: true };
      return knock({ port }, secretBytes(makeToken()), async () => ({ ask: wish, key })).then(
        () => "taken in",
        (error: Error) => error.message,
      );
    };
    const told = await Promise.all(Array.from({ length: 200 }, attempt));
    const tooMany = told.filter((why) => /too many ask to join\. Wait \d+ s/.test(why)).length;
    assert.ok(tooMany >= 150, `${tooMany} of 200 were too many; ${told.find((why) => !/too many/.test(why))}`);
    await peers.decides("during");
    const counted = await until("they are counted", async () => {
      const events = await peers.events("joinRefused");
      const fields = events.map((event) => event.fields as { why: string; count: number });
      const sum = fields.filter(({ why }) => why === "tooMany").reduce((total, { count }) => total + count, 0);
      return sum === tooMany ? { events: fields.length } : undefined;
    });
    assert.ok(counted.events <= 20, `${counted.events} events`);
    const warnings = () =>
      peers.ground
        .all("notice")
        .filter(({ message }) => /^a1 refused to take agents in.*\d+ came too often/.test(message));
    await until("a person is warned", () => warnings().length > 0);
    assert.equal(warnings().length, 1);
    assert.equal((await peers.view()).agents.length, 3);
    // Through another seed, who knows the secret is not kept out by the flood.
    await peers.join({ id: "helper", seed: "a2" });
  });
});

describe("an agent that joined and lies about others", function () {
  this.timeout(120_000);
  const peers = new PeerGround();
  const servers: WebSocketServer[] = [];
  before(() => peers.start(3));
  after(async () => {
    for (const server of servers) server.close();
    await peers.end();
  });

  it("is not believed in what is not about itself", async () => {
    const [port] = (await freePorts(1, 0)) as [number];
    const { publicKey, privateKey } = makeKeys();
    const wish = { id: "liar", publicKey, port, host: "", learner: true };
    const seed = { port: await peers.port("a1") };
    const { token } = await knock(seed, secretBytes(peers.secret), async () => ({
      ask: wish,
      key: privateKeyOf(privateKey),
    }));
    const hlc = { wallMs: Date.now(), counter: 0 };
    const lie = (id: string, agent: string) => ({
      id,
      agent,
      hlc,
      kind: "becameLeader" as const,
      fields: { term: 99 },
    });
    const pushes: AgentPush[] = [
      { push: "events", events: [lie("a1.1:999999", "a1")], lost: 0 },
      { push: "events", events: [lie("a2.1:999999", "liar")], lost: 0 },
      { push: "events", events: [lie("liar.1:1", "liar")], lost: 0 },
    ];
    const tokens: (string | undefined)[] = [];
    const server = new WebSocketServer({ host: "127.0.0.1", port, handleProtocols: () => "agent-mesh.1" });
    servers.push(server);
    server.on("connection", (socket, { headers }) => {
      tokens.push(headers.authorization);
      const hello: AgentPush = { push: "hello", swarm: peers.swarm, agent: "liar", incarnation: 1, pid: 1 };
      socket.send(new Encoder().encode([hello]));
      for (const push of pushes) socket.send(new Encoder().encode([push]));
    });
    const told = await until("its own event is shown", async () => {
      const events = await peers.events("becameLeader");
      return events.some(({ agent }) => agent === "liar") ? events : undefined;
    });
    const lies = told.filter(({ fields }) => (fields as { term?: number }).term === 99);
    assert.deepEqual(
      lies.map(({ agent }) => agent),
      ["liar"],
    );
    const notices = () =>
      peers.ground.all("notice").filter(({ message }) => /tells of what is not its own/.test(message));
    await until("it is blamed", () => notices().length > 0);
    assert.equal(notices().length, 1);
    // The coordinator shows what the handshake gave it, and nothing that commands others.
    assert.deepEqual([...new Set(tokens)], [`Bearer ${token}`]);
    await peers.decides("although it lies");
    await peers.coordinator.handle("changeMembers", { swarm: peers.swarm, change: { kind: "remove", agent: "liar" } });
    await peers.until("it is gone", ({ agents }) => agents.length === 3);
  });
});

describe("an agent that was taken in and never comes", function () {
  this.timeout(120_000);
  const peers = new PeerGround();
  before(() => peers.start(3));
  after(() => peers.end());

  it("is no member, is forgotten after a while, and keeps others waiting no longer than that", async () => {
    const [port] = (await freePorts(1, 0)) as [number];
    const { publicKey, privateKey } = makeKeys();
    const seed = { port: await peers.port("a1") };
    await knock(seed, secretBytes(peers.secret), async () => ({
      ask: { id: "ghost", publicKey, port, host: "", learner: false },
      key: privateKeyOf(privateKey),
    }));
    const [helper] = await Promise.all([peers.join({ id: "helper", seed: "a2" }), peers.decides("meanwhile")]);
    assert.deepEqual(helper.report().voters, ["a1", "a2", "a3", "helper"]);
    const { agents, departed } = await peers.view();
    assert.deepEqual([agents.length, departed], [4, ["ghost"]]);
    const why = "ghost was taken in, but: ghost did not come within 15 s of being taken in.";
    await until("a person is told", () => peers.ground.all("notice").some(({ message }) => message === why));
  });
});

describe("a swarm whose members are fixed", function () {
  this.timeout(120_000);
  it("takes nobody in, and says why", async () => {
    const peers = new PeerGround();
    try {
      await peers.startMesh("agents: 4\nconsensus: pbft\n");
      await assert.rejects(peers.join({ id: "helper" }), refused(/The members of a pbft swarm are fixed/));
      await peers.decides("still");
    } finally {
      await peers.end();
    }
  });
});
