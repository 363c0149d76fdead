import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { seededRandom } from "../../../server/core/random.ts";
import { LinkFaults, liveTime } from "../../../server/live/agent/link-faults.ts";
import { Links, type Neighbour } from "../../../server/live/agent/links.ts";
import { Listener } from "../../../server/live/agent/listener.ts";
import { makeKeys, privateKeyOf, publicKeyOf } from "../../../server/live/identity.ts";
import { freePorts } from "../../../server/live/ports.ts";
import { cryptoOf } from "../../core/pbft/cluster.ts";
import { eventually } from "../waiting.ts";

/** The links of one agent, without an agent. */
class Node {
  readonly up = new Set<string>();
  readonly heard: string[] = [];
  /** Each time that a link went down, or could not be had. */
  readonly downs: string[] = [];
  readonly notes: string[] = [];
  readonly links: Links;
  readonly faults: LinkFaults;
  readonly listener = new Listener();

  constructor(id: string, privateKey: string, neighbours: readonly Neighbour[], onDemand = false) {
    this.faults = new LinkFaults({
      self: id,
      roster: [id, ...neighbours.map((one) => one.id)],
      patienceMs: 300,
      random: seededRandom(`${id}/faults`),
      crypto: cryptoOf(id),
      time: liveTime,
      close: (peer) => this.links.reset(peer),
    });
    this.links = new Links({
      swarm: "s",
      id,
      incarnation: 1,
      privateKey: privateKeyOf(privateKey),
      neighbours,
      faults: this.faults,
      random: seededRandom(id),
      onDemand,
      up: (peer) => this.up.add(peer),
      down: (peer) => {
        this.up.delete(peer);
        this.downs.push(peer);
      },
      frame: (peer, frame) => this.heard.push(`${peer}: ${Buffer.from(frame).toString()}`),
      note: (line) => this.notes.push(line),
    });
  }

  async listen(port: number): Promise<void> {
    await this.listener.listen(port);
    this.listener.serve({
      link: (socket, proven) => this.links.accept(socket, proven),
      client: (socket) => socket.terminate(),
      token: "token",
      join: (socket) => socket.terminate(),
      admit: () => ({ admitted: true }),
      note: (line) => this.notes.push(line),
    });
    this.links.start();
  }

  close(): void {
    this.links.close();
    this.listener.close();
  }
}

describe("the links of an agent whose neighbours change", () => {
  const IDS = ["a1", "a2", "a3"];
  let keys: Map<string, ReturnType<typeof makeKeys>>;
  let ports: number[];
  let nodes: Map<string, Node>;

  /** As a swarm's file says it: the later in the roster dials. */
  const neighbours = (id: string, peers: readonly string[]): Neighbour[] =>
    peers.map((peer) => ({
      id: peer,
      port: ports[IDS.indexOf(peer)] as number,
      key: publicKeyOf(keys.get(peer)?.publicKey as string),
      dials: IDS.indexOf(id) > IDS.indexOf(peer) ? "we" : "they",
    }));
  const start = async (id: string, peers: readonly string[], onDemand = false): Promise<Node> => {
    const node = new Node(id, keys.get(id)?.privateKey as string, neighbours(id, peers), onDemand);
    nodes.set(id, node);
    await node.listen(ports[IDS.indexOf(id)] as number);
    return node;
  };

  beforeEach(async () => {
    keys = new Map(IDS.map((id) => [id, makeKeys()]));
    ports = await freePorts(IDS.length, 0);
    nodes = new Map();
  });
  afterEach(() => {
    for (const node of nodes.values()) node.close();
  });

  it("lets a newcomer in once it is told of it, and not before", async () => {
    const a1 = await start("a1", ["a2"]);
    const a2 = await start("a2", ["a1"]);
    await eventually("a1 and a2 are linked", () => a1.up.has("a2") && a2.up.has("a1"));
    const a3 = await start("a3", ["a1", "a2"]);
    await eventually("a3 is refused", () =>
      a3.notes.some((line) => line.includes('no link from "a3" to a1 is configured')),
    );
    assert.deepEqual([...a1.up], ["a2"]);
    a1.links.setNeighbours(neighbours("a1", ["a2", "a3"]));
    a2.links.setNeighbours(neighbours("a2", ["a1", "a3"]));
    await eventually("a3 is linked with both", () => a3.up.size === 2 && a1.up.has("a3") && a2.up.has("a3"));
    a3.links.send("a1", Buffer.from("hello"));
    await eventually("a1 hears a3", () => a1.heard.includes("a3: hello"));
    assert.ok(a1.up.has("a2"), "links that stay are not touched");
    assert.ok(!a1.notes.some((line) => line.includes("a2 went down")));
  });

  it("dials a newcomer that is earlier in the roster", async () => {
    const a1 = await start("a1", []);
    const a2 = await start("a2", []);
    a1.links.setNeighbours(neighbours("a1", ["a2"]));
    a2.links.setNeighbours(neighbours("a2", ["a1"]));
    await eventually("they are linked", () => a1.up.has("a2") && a2.up.has("a1"));
  });

  it("closes the link with one that is no neighbour any more, and refuses it from then on", async () => {
    const a1 = await start("a1", ["a2", "a3"]);
    const a2 = await start("a2", ["a1"]);
    const a3 = await start("a3", ["a1"]);
    await eventually("all are linked", () => a1.up.size === 2 && a2.up.size === 1 && a3.up.size === 1);
    a1.links.setNeighbours(neighbours("a1", ["a2"]));
    assert.deepEqual([...a1.up], ["a2"]);
    // It does not know yet, and tries again.
    await eventually("a3 is refused", () =>
      a3.notes.some((line) => line.includes('no link from "a3" to a1 is configured')),
    );
    assert.deepEqual([...a1.up], ["a2"]);
    assert.equal(a3.up.size, 0);
  });

  it("opens none by itself where they are wanted on demand, and then in either direction", async () => {
    const a1 = await start("a1", ["a2", "a3"], true);
    const a2 = await start("a2", ["a1", "a3"], true);
    const a3 = await start("a3", ["a1", "a2"], true);
    a1.links.open("a2");
    a3.links.open("a2");
    await eventually("both are linked with a2", () => a2.up.size === 2 && a1.up.has("a2") && a3.up.has("a2"));
    assert.ok(!a1.up.has("a3"), "nobody asked for that one");
    a2.links.send("a1", Buffer.from("hello"));
    await eventually("a1 hears a2", () => a1.heard.includes("a2: hello"));
    a2.links.shut("a1");
    await eventually("both see it close", () => !a2.up.has("a1") && !a1.up.has("a2"));
    assert.deepEqual([a1.downs, a2.downs, a3.downs], [["a2"], ["a1"], []], "once, and it is not looked for again");
    a1.links.open("a2");
    await eventually("it is there again", () => a2.up.has("a1") && a1.up.has("a2"));
  });

  it("has one link where both want it at once", async () => {
    const a1 = await start("a1", ["a2"], true);
    const a2 = await start("a2", ["a1"], true);
    for (let round = 1; round <= 10; round++) {
      a1.links.open("a2");
      a2.links.open("a1");
      await eventually("they are linked", () => a1.up.has("a2") && a2.up.has("a1"));
      const said = `round ${round}`;
      await eventually("each hears the other", () => {
        a1.links.send("a2", Buffer.from(said));
        a2.links.send("a1", Buffer.from(said));
        return a1.heard.includes(`a2: ${said}`) && a2.heard.includes(`a1: ${said}`);
      });
      a1.links.shut("a2");
      await eventually("it is closed", () => !a1.up.has("a2") && !a2.up.has("a1"));
    }
  });

  it("says that a link cannot be had: nobody listens, a fault lets nothing pass, or it may not be", async () => {
    const a1 = await start("a1", ["a2", "a3"], true);
    const a3 = await start("a3", ["a1"], true);
    a1.links.open("a2");
    await eventually("a2 is not there", () => a1.downs.join() === "a2");
    a1.links.open("stranger");
    await eventually("nobody knows a stranger", () => a1.downs.join() === "a2,stranger");
    const cut = { on: "link", from: "a1", to: "a3", toxic: { toxic: "loss", share: 1 } } as const;
    a1.faults.setEffects([{ id: "f1", effect: cut, untilMs: null }]);
    a1.links.open("a3");
    await eventually("the link is cut", () => a1.downs.join() === "a2,stranger,a3");
    a1.faults.setEffects([]);
    a1.links.open("a3");
    await eventually("the cut is healed", () => a1.up.has("a3") && a3.up.has("a1"));
  });
});
