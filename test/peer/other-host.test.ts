// Other hosts, as far as one machine has such: addresses of its loopback interface besides 127.0.0.1, which Linux has without being told.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { connect, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { after, afterEach, before, describe, it } from "mocha";
import { WebSocket } from "ws";
import { CLIENT_PROTOCOL } from "../../server/contract/client.ts";
import { makeKeys, privateKeyOf, publicKeyOf } from "../../server/live/identity.ts";
import { readSwarm, readToken } from "../../server/live/layout.ts";
import { connecting, credentialsOf } from "../../server/live/secure.ts";
import type { RosterAgent } from "../../server/live/swarm-file.ts";
import { JoinRefused } from "../../server/peer/join-swarm.ts";
import { until } from "../coordinator/ground.ts";
import { PeerGround } from "./peer-ground.ts";

const OURS = "127.0.0.2";
const THEIRS = "127.0.0.3";
const refused = (why: RegExp) => (error: Error) => error instanceof JoinRefused && why.test(error.message);

describe("agents of other hosts", function () {
  this.timeout(120_000);
  if (process.platform !== "linux") {
    it("are not tried here: only Linux has 127.0.0.2 without being told", () =>
      assert.notEqual(process.platform, "linux"));
    return;
  }
  const peers = new PeerGround();
  const servers: Server[] = [];

  before(() => peers.startMesh(`agents: 3\nlisten: ${OURS}\n`));
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  after(() => peers.end());

  const rosterAgent = (id: string): RosterAgent =>
    readSwarm(peers.ground.folder, peers.swarm).agents.find((agent) => agent.id === id) as RosterAgent;
  const farAddress = (id: string): string => `${OURS}:${rosterAgent(id).port}`;

  it("join over TLS, vote, serve the memory, are observed, and leave", async () => {
    const far = await peers.join({ address: farAddress("a2"), listen: THEIRS, id: "far" });
    const view = await peers.until("it votes, with all its links", ({ agents, members }) => {
      const shown = agents.find(({ id }) => id === "far");
      return members?.voters.includes("far") === true && shown?.linksUp === 3 && shown.observed;
    });
    const hosts = view.agents.map(({ id, host }) => `${id} ${host}`);
    assert.deepEqual(hosts, [`a1 ${OURS}`, `a2 ${OURS}`, `a3 ${OURS}`, `far ${THEIRS}`]);
    await far.mesh.put("from", "far", "hello");
    const second = await peers.join({ address: `${THEIRS}:${far.port}`, listen: OURS, id: "near" });
    await peers.until("one that came through it is linked with it", ({ links }) =>
      links.some(({ a, b, state }) => [a, b].sort().join() === "far,near" && state === "up"),
    );
    await second.leave();
    await far.leave();
    await peers.until("they are gone", ({ agents }) => agents.length === 3);
    await peers.decides("after");
  });

  it("are taken in only where all can reach all, and are told what to say", async () => {
    const near = `127.0.0.1:${rosterAgent("a1").port}`;
    await assert.rejects(peers.join({ address: farAddress("a1") }), refused(/say with --listen ADDRESS/));
    await assert.rejects(
      peers.join({ address: near }),
      refused(/Agents of other hosts take part in .*--listen ADDRESS/),
    );
    await assert.rejects(
      peers.join({ address: farAddress("a1"), listen: "192.0.2.1" }),
      refused(/192\.0\.2\.1 is no address of this machine/),
    );
    const alone = new PeerGround();
    try {
      await alone.start(1);
      const address = `127.0.0.1:${await alone.port("a1")}`;
      await assert.rejects(alone.join({ address, listen: THEIRS }), refused(/is for this machine alone/));
    } finally {
      await alone.end();
    }
  });

  it("are served /link and /join, not /client: the control token is for this machine", async () => {
    const token = readToken(peers.ground.folder, peers.swarm);
    const { port, publicKey } = rosterAgent("a1");
    const statusOf = async (path: string, host: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      const far = host === OURS ? { createConnection: connecting({ host, port }, publicKeyOf(publicKey)) } : {};
      const socket = new WebSocket(
        `${host === OURS ? "wss" : "ws"}://${host}:${port}${path}`,
        path === "/client" ? CLIENT_PROTOCOL : [],
        {
          headers,
          ...far,
        },
      );
      socket.on("error", () => {});
      const code = await Promise.race([
        once(socket, "open").then(() => 101),
        once(socket, "unexpected-response").then(([, response]) => (response as { statusCode: number }).statusCode),
      ]);
      socket.terminate();
      return code;
    };
    assert.equal(await statusOf("/client", OURS), 404);
    assert.equal(await statusOf("/link", OURS), 101);
    assert.notEqual(await statusOf("/client", "127.0.0.1"), 404);
  });

  it("do not speak plainly there", async () => {
    const socket = connect(rosterAgent("a1").port, OURS);
    socket.write("GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let answer = "";
    socket.on("data", (data) => (answer += data.toString("latin1")));
    socket.on("error", () => {});
    await once(socket, "close");
    assert.doesNotMatch(answer, /101|Switching/);
  });

  it("learn nothing through somebody in between, who passes on all that is said under a key of its own", async () => {
    const { port: seedPort, publicKey } = rosterAgent("a3");
    const heard: Buffer[] = [];
    // Ends the TLS of the newcomer, and begins one with the seed.
    const between = createTlsServer(credentialsOf(privateKeyOf(makeKeys().privateKey)), (newcomer) => {
      const made = connecting({ host: OURS, port: seedPort }, publicKeyOf(publicKey)) as unknown as (
        options: unknown,
        done: (error: Error | null, socket?: Socket) => void,
      ) => void;
      made({}, (_, seed) => {
        if (seed === undefined) return;
        for (const socket of [newcomer, seed]) socket.on("error", () => {});
        seed.on("data", (data: Buffer) => heard.push(data));
        newcomer.pipe(seed).pipe(newcomer);
      });
    });
    servers.push(between);
    between.listen(0, OURS);
    await once(between, "listening");
    const { port } = between.address() as { port: number };
    await assert.rejects(
      peers.join({ address: `${OURS}:${port}`, listen: THEIRS, id: "fooled" }),
      refused(/the join secret is wrong/),
    );
    assert.ok(heard.length > 0);
    assert.ok(!Buffer.concat(heard).includes("publicKey"), "no roster passed");
    await until("it was counted", async () => (await peers.events("joinRefused")).length > 0);
    assert.equal((await peers.view()).agents.length, 3);
  });

  it("cannot take an agent's place with another key", async () => {
    const far = await peers.join({ address: farAddress("a1"), listen: THEIRS, id: "away" });
    await peers.until("it is there", ({ agents }) => agents.some(({ id, linksUp }) => id === "away" && linksUp === 3));
    const { port } = far;
    await far.stop();
    await peers.until("it is missed", ({ agents }) => agents.some(({ process }) => process === "unreachable"));
    let called = 0;
    const impostor = createHttpsServer(credentialsOf(privateKeyOf(makeKeys().privateKey)));
    impostor.on("secureConnection", () => called++);
    impostor.on("tlsClientError", () => called++);
    let asked = 0;
    impostor.on("upgrade", (_, socket) => {
      asked++;
      socket.destroy();
    });
    servers.push(impostor);
    impostor.listen(port, THEIRS);
    await until("the coordinator looks for the agent there", () => called >= 2);
    assert.equal(asked, 0, "nobody told it anything");
    await peers.coordinator.handle("changeMembers", { swarm: peers.swarm, change: { kind: "remove", agent: "away" } });
    await peers.until("it is removed", ({ agents }) => agents.length === 3);
  });
});
