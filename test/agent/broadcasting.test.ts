import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeMessage, encodeMessage } from "../../server/agent/consensus/messages.ts";
import { decodeFrame, encodeFrame } from "../../server/agent/frame.ts";
import { ByteWriter, MalformedBytes, utf8 } from "../../server/core/bytes.ts";
import { Plumtree } from "../../server/core/overlay/plumtree/plumtree.ts";
import type { PlumtreeMessage } from "../../server/core/overlay/plumtree/types.ts";
import type { TopologyKind } from "../../server/core/overlay/types.ts";
import { Cluster, type Node, TIMING } from "./cluster.ts";

const SIZE = 30;
/** So seldom that nobody gets anything by comparing what it has. */
const NEVER_MS = 1e7;

/** A swarm by gossip in which all know one another, and the messages that cross a link, counted by type. */
class Swarm {
  readonly cluster: Cluster;
  readonly crossed = new Map<string, number>();
  #writes = 0;

  constructor(topology: TopologyKind, antiEntropyMs: number = NEVER_MS) {
    const timing = { ...TIMING, memberHeartbeatMs: antiEntropyMs, suspectAfterMs: 5 * antiEntropyMs };
    this.cluster = new Cluster({ size: SIZE, consensus: "gossip", topology, timing });
    this.cluster.onFrame = (_from, _to, frame) => {
      for (const packet of decodeFrame(frame).packets) {
        if (packet.kind !== "direct" && packet.kind !== "relayed") continue;
        const { type } = decodeMessage(packet.payload);
        this.crossed.set(type, (this.crossed.get(type) ?? 0) + 1);
      }
    };
    this.cluster.run(500);
  }

  /** @returns how many messages crossed a link until long after all could have it, and who has it */
  write(at: string): { readonly messages: ReadonlyMap<string, number>; readonly holders: readonly Node[] } {
    const key = `k${++this.#writes}`;
    this.crossed.clear();
    this.cluster.ask(at, { op: "put", namespace: "n", key, value: utf8("v") });
    this.cluster.run(1000);
    const holds = ({ agent, now }: Node): boolean => agent?.machine.memory.get("n", key, now) !== undefined;
    return { messages: new Map(this.crossed), holders: this.cluster.up.filter(holds) };
  }

  get figures() {
    const reports = this.cluster.up.map(({ id }) => this.cluster.agent(id).report(this.cluster.now));
    return reports.map(({ agent, links, broadcasts }) => ({ agent, links, broadcasts }));
  }
}

/** 30 % fail at once, in the moment before somebody else writes. @returns how many of the living lack it */
function missedAfterFailures(): number {
  const swarm = new Swarm("k-regular");
  for (let times = 0; times < 5; times++) swarm.write("a1");
  for (let at = 2; at < SIZE; at += 10) for (const next of [0, 3, 7]) swarm.cluster.node(`a${at + next}`).kill();
  const { holders } = swarm.write("a1");
  return swarm.cluster.up.length - holders.length;
}

describe("what an agent broadcasts", () => {
  it("crosses n - 1 links once the tree has formed, where rumours cross as many as their fanout of all, and it reaches all", () => {
    const swarm = new Swarm("k-regular");
    const first = swarm.write("a1");
    equal(first.holders.length, SIZE);
    ok((first.messages.get("broadcast") ?? 0) > SIZE, "all links are of the tree at first");
    const settled = swarm.write("a1");
    equal(settled.messages.get("broadcast"), SIZE - 1);
    equal(settled.holders.length, SIZE);
    // One message to each in every link's two directions is what is announced.
    ok((settled.messages.get("ihave") ?? 0) <= SIZE * 4 - 2 * (SIZE - 1));
    const rumours = new Swarm("mesh").write("a1").messages;
    ok((rumours.get("rumour") ?? 0) > 2 * SIZE, `${rumours.get("rumour")} rumours, each to somebody with a link`);
    equal(rumours.get("broadcast"), undefined);
  });

  it("costs the same by whoever it is, on the one tree", () => {
    const swarm = new Swarm("small-world");
    for (let at = 1; at <= SIZE; at++) swarm.write(`a${at}`);
    for (const at of ["a3", "a14", "a29"]) equal(swarm.write(at).messages.get("broadcast"), SIZE - 1, at);
  });

  it("reaches all that live although 30 % fail at once", () => equal(missedAfterFailures(), 0));

  it("is seen not to reach all where nobody asks for what was announced and does not come", () => {
    const { heard } = Plumtree.prototype;
    Plumtree.prototype.heard = function (from, message, now) {
      if (message.type !== "ihave") heard.call(this, from, message, now);
    };
    try {
      ok(missedAfterFailures() > 0);
    } finally {
      Plumtree.prototype.heard = heard;
    }
  });

  it("is repaired by anti-entropy where a tree has no other links", () => {
    const swarm = new Swarm("star", TIMING.memberHeartbeatMs);
    swarm.write("a2");
    swarm.cluster.cut("a1", "a7");
    equal(swarm.write("a2").holders.length, SIZE - 1);
    swarm.cluster.mend("a1", "a7");
    swarm.cluster.run(SIZE * TIMING.memberHeartbeatMs * 2);
    deepEqual(
      new Set(swarm.cluster.up.map(({ agent }) => agent?.machine.memory.list("n", "", 100).length)),
      new Set([2]),
    );
  });

  it("is counted, and links tell whether they are of the tree: the same from both ends", () => {
    const swarm = new Swarm("k-regular");
    for (let times = 0; times < 3; times++) swarm.write("a1");
    const { figures } = swarm;
    const tree = new Set<string>();
    for (const { agent, links } of figures)
      for (const { peer, tree: of } of links) if (of === true) tree.add([agent, peer].sort().join());
    equal(tree.size, SIZE - 1);
    for (const { agent, links } of figures)
      for (const link of links) equal(link.tree, tree.has([agent, link.peer].sort().join()), `${agent} ${link.peer}`);
    deepEqual([figures[0]?.broadcasts?.broadcast, figures[0]?.broadcasts?.delivered], [3, 0]);
    for (const { broadcasts } of figures.slice(1)) {
      equal(broadcasts?.delivered, 3);
      ok((broadcasts?.lastHops ?? 0) >= 1);
    }
    // Each link but those of the tree carried the first one in both directions, or in one where the other was pruned before.
    const redundant = figures.reduce((sum, { broadcasts }) => sum + (broadcasts?.redundant ?? 0), 0);
    ok(redundant > 0 && redundant <= SIZE * 4 - 2 * (SIZE - 1), `${redundant}`);
    const events = swarm.cluster.up.flatMap(({ events: told }) => told).filter(({ kind }) => kind === "pruned");
    equal(
      events.length,
      figures.reduce((sum, { broadcasts }) => sum + (broadcasts?.pruned ?? 0), 0),
    );
  });

  it("is none of an agent that nobody tells anything so, and closes the link there", () => {
    const raft = new Cluster({ size: 3 });
    equal(raft.agent("a1").report(raft.now).broadcasts, undefined);
    throws(() => raft.agent("a1").receive("a2", framed({ type: "prune" }), raft.now), MalformedBytes);
  });

  it("closes the link of whoever hands over one that is about nothing, or malformed inside", () => {
    const { cluster } = new Swarm("ring");
    const id = { origin: "a9", incarnation: 1, number: 1 };
    for (const payload of [[], [0], [2, 0], [3, 1], [1, 66], [1, 65, 0, 1]])
      throws(
        () =>
          cluster
            .agent("a1")
            .receive("a2", framed({ type: "broadcast", id, hops: 1, payload: Uint8Array.from(payload) }), cluster.now),
        MalformedBytes,
        payload.join(" "),
      );
  });
});

function framed(message: PlumtreeMessage): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  const head = { sentAtMs: 1, hlc: { wallMs: 1, counter: 0 }, incarnation: 1 };
  return encodeFrame(head, [{ kind: "direct", sequence: 1, payload: writer.finish() }]);
}
