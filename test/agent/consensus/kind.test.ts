import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { GOSSIP } from "../../../server/agent/consensus/gossip.ts";
import { type AgentObservation, kindOf } from "../../../server/agent/consensus/kind.ts";
import {
  type AgentMessage,
  decodeMessage,
  encodeMessage,
  messageFields,
} from "../../../server/agent/consensus/messages.ts";
import { PBFT } from "../../../server/agent/consensus/pbft.ts";
import { RAFT } from "../../../server/agent/consensus/raft.ts";
import { decodeFrame, encodeFrame } from "../../../server/agent/frame.ts";
import {
  BROADCAST_MESSAGE_TYPES,
  GOSSIP_MESSAGE_TYPES,
  MESSAGE_TYPES,
  PBFT_MESSAGE_TYPES,
  RAFT_MESSAGE_TYPES,
} from "../../../server/contract/timeline.ts";
import { ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import type { GossipMessage } from "../../../server/core/gossip/types.ts";
import type { PlumtreeMessage } from "../../../server/core/overlay/plumtree/types.ts";
import { messages as gossipMessages } from "../../core/gossip/arbitraries.ts";
import { message as pbftMessage } from "../../core/pbft/arbitraries.ts";
import { arbitraryMessages } from "../../core/raft/arbitraries.ts";
import { Cluster } from "../cluster.ts";
import { put, version } from "../operations.ts";

const { message: raftMessage } = arbitraryMessages(fc.nat(1000));
const gossipMessage = fc.oneof(...Object.values<fc.Arbitrary<GossipMessage>>(gossipMessages));

function encoded(message: AgentMessage): Uint8Array {
  const writer = new ByteWriter(64);
  encodeMessage(writer, message);
  return writer.finish();
}

describe("messages of any consensus", () => {
  for (const [kind, others, messages, types] of [
    [RAFT, [PBFT, GOSSIP], raftMessage, RAFT_MESSAGE_TYPES],
    [PBFT, [RAFT, GOSSIP], pbftMessage, PBFT_MESSAGE_TYPES],
    [GOSSIP, [RAFT, PBFT], gossipMessage, GOSSIP_MESSAGE_TYPES],
  ] as const)
    it(`are read back as they were written, and are of one kind alone: ${types[0]} and the like`, () => {
      fc.assert(
        fc.property(messages as fc.Arbitrary<AgentMessage>, (message) => {
          const read = decodeMessage(encoded(message));
          assert.deepEqual(encoded(read), encoded(message));
          assert.equal(read.type, message.type);
          assert.ok(kind.owns(read) && !others.some((other) => other.owns(read)));
          assert.ok((types as readonly string[]).includes(read.type));
          for (const value of Object.values(messageFields(read)))
            assert.ok(["string", "number", "boolean"].includes(typeof value) || Array.isArray(value));
        }),
      );
    });

  it("are of none where they are about broadcasts, and are read back, too", () => {
    const id = { origin: "a1", incarnation: 2, number: 3 };
    const messages: readonly PlumtreeMessage[] = [
      { type: "broadcast", id, hops: 4, payload: Uint8Array.of(1, 2) },
      { type: "broadcast", id, hops: 4, payload: new Uint8Array(0) },
      { type: "ihave", announcements: [{ id, hops: 4 }] },
      { type: "ihave", announcements: [] },
      { type: "graft", id },
      { type: "graft" },
      { type: "prune" },
    ];
    for (const message of messages) {
      assert.deepEqual(decodeMessage(encoded(message)), message);
      assert.ok(![RAFT, PBFT, GOSSIP].some((kind) => kind.owns(message)));
    }
    assert.deepEqual(messages.map(messageFields), [
      { broadcast: "a1.2:3", origin: "a1", hops: 4, about: "writes" },
      { broadcast: "a1.2:3", origin: "a1", hops: 4, about: "unknown" },
      { count: 1, broadcast: "a1.2:3", hops: 4 },
      { count: 0 },
      { broadcast: "a1.2:3", origin: "a1" },
      {},
      {},
    ]);
  });

  it("have no name in common", () => {
    assert.equal(
      new Set(MESSAGE_TYPES).size,
      RAFT_MESSAGE_TYPES.length +
        PBFT_MESSAGE_TYPES.length +
        GOSSIP_MESSAGE_TYPES.length +
        BROADCAST_MESSAGE_TYPES.length,
    );
  });

  it("are malformed with anything behind them, and with a tag of nobody's", () => {
    const status = { view: 1, active: true, stable: 0, executed: 2, proposed: 3, asks: false };
    const bytes = encoded({ type: "status", ...status });
    assert.throws(() => decodeMessage(Uint8Array.of(...bytes, 0)), MalformedBytes);
    for (const tag of [0, 15, 32, 49, 255]) assert.throws(() => decodeMessage(Uint8Array.of(tag)), MalformedBytes);
    assert.throws(() => decodeMessage(new Uint8Array(0)), MalformedBytes);
  });
});

describe("an agent", () => {
  it("decides by Raft where its configuration says nothing", () => {
    assert.equal(kindOf({}), RAFT);
    assert.equal(kindOf({ consensus: "raft" }), RAFT);
    assert.equal(kindOf({ consensus: "pbft" }), PBFT);
  });

  for (const [own, other] of [
    ["raft", "pbft"],
    ["pbft", "raft"],
  ] as const)
    it(`that decides by ${own} refuses messages of ${other} as malformed, and goes on`, () => {
      const cluster = new Cluster({ size: 4, consensus: own });
      const strangers = new Cluster({ size: 4, consensus: other });
      const frames: { readonly from: string; readonly frame: Uint8Array }[] = [];
      strangers.onFrame = (from, to, frame) => {
        if (to === "a2" && decodeFrame(frame).packets.some(({ kind }) => kind === "direct"))
          frames.push({ from, frame });
      };
      strangers.elect();
      strangers.run(1000);
      cluster.elect();
      cluster.run(1000);
      assert.ok(frames.length > 5);
      const { role, term, leader } = cluster.agent("a2").consensusStatus;
      for (const { from, frame } of frames)
        assert.throws(
          () => cluster.agent("a2").receive(from, frame, cluster.now),
          (error) => error instanceof MalformedBytes && /another consensus/.test(error.message),
        );
      cluster.run(1000);
      const { consensusStatus } = cluster.agent("a2");
      assert.deepEqual([consensusStatus.role, consensusStatus.term, consensusStatus.leader], [role, term, leader]);
    });

  it("takes nothing of a frame in which one message is another consensus's", () => {
    const cluster = new Cluster({ size: 4, consensus: "pbft" });
    cluster.run(100);
    const head = { sentAtMs: cluster.now, hlc: { wallMs: cluster.now, counter: 0 }, incarnation: 1 };
    const own = encoded({ type: "read", life: 7, number: 7 });
    const other = encoded({ type: "timeoutNow", term: 9 });
    const before = cluster.agent("a2").report(cluster.now).messagesIn;
    const frame = (payloads: readonly Uint8Array[]) =>
      encodeFrame(
        head,
        payloads.map((payload, at) => ({ kind: "direct", sequence: at, payload })),
      );
    assert.throws(() => cluster.agent("a2").receive("a1", frame([own, other]), cluster.now), MalformedBytes);
    assert.equal(cluster.agent("a2").report(cluster.now).messagesIn, before);
    cluster.agent("a2").receive("a1", frame([own]), cluster.now);
    assert.equal(cluster.agent("a2").report(cluster.now).messagesIn, before + 1);
  });
});

describe("a message that cannot be read", () => {
  /** By way of a2, who passes it on as it is; a1's own place is 0. */
  function relayed(cluster: Cluster, origin: number, payload: Uint8Array): () => void {
    const head = { sentAtMs: cluster.now, hlc: { wallMs: cluster.now, counter: 0 }, incarnation: 1 };
    const packet = { kind: "relayed", origin, destination: 0, hops: 3, incarnation: 1, sequence: 1, payload } as const;
    return () => cluster.agent("a1").receive("a2", encodeFrame(head, [packet]), cluster.now);
  }
  const bad: readonly (readonly [string, number, Uint8Array])[] = [
    ["nonsense", 2, Uint8Array.of(200, 1, 2)],
    ["another consensus's", 2, encoded({ type: "timeoutNow", term: 9 })],
    ["in its own name", 0, encoded({ type: "read", life: 1, number: 1 })],
  ];

  it("is, where agents may lie, nobody's fault who passed it on: it is told, and the frame's rest is taken", () => {
    const cluster = new Cluster({ size: 5, consensus: "pbft", topology: "ring" });
    cluster.elect();
    for (const [what, origin, payload] of bad) {
      assert.doesNotThrow(relayed(cluster, origin, payload), what);
      const { kind, fields } = cluster.node("a1").events.at(-1) ?? {};
      assert.equal(kind, "disbelieved", what);
      assert.deepEqual(fields, { from: cluster.ids[origin], message: "message", reason: "malformed" });
    }
    for (const id of cluster.ids) version(cluster.ask(id, put(id, "after")));
  });

  it("is, where none is held to lie, a frame that is none", () => {
    const cluster = new Cluster({ size: 5, topology: "ring" });
    cluster.elect();
    const others = [["another consensus's", 2, encoded({ type: "read", life: 1, number: 1 })], bad[0], bad[2]] as const;
    for (const [what, origin, payload] of others as typeof bad)
      assert.throws(relayed(cluster, origin, payload), MalformedBytes, what);
  });
});

describe("what is encoded once", () => {
  it("is only what has the same bytes", () => {
    const entries = [{ index: 4, term: 2, kind: 1, timeMs: 5, data: Uint8Array.of(1) }] as const;
    const append = { type: "append", term: 2, prevIndex: 3, prevTerm: 2, entries, commit: 3 } as const;
    assert.ok(RAFT.alike(append, { ...append }));
    for (const other of [{ commit: 4 }, { prevIndex: 2 }, { prevTerm: 1 }, { term: 3 }, { entries: [...entries] }])
      assert.ok(!RAFT.alike(append, { ...append, ...other }), JSON.stringify(other));
    const read = { type: "read", life: 1, number: 1 } as const;
    assert.ok(PBFT.alike(read, read));
    assert.ok(!PBFT.alike(read, { ...read, number: 2 }));
  });
});

describe("what is counted of deciding", () => {
  const digest = "00";
  const acks = ["a1", "a2", "a3"];

  it("is of Raft its elections, votes for others, and what the leader committed", () => {
    const counted = (observation: AgentObservation, leading = false) => RAFT.deciding(observation, "a1", leading)?.type;
    const committed = { type: "committed", term: 1, fromIndex: 3, toIndex: 5, acks } as const;
    assert.deepEqual(RAFT.deciding(committed, "a1", true), { type: "decided", upTo: 5, entries: 2, acks });
    assert.equal(counted({ ...committed, acks: [] }), undefined, "followers are told what was committed");
    assert.equal(counted({ type: "appended", term: 1, fromIndex: 3, toIndex: 5 }), undefined);
    assert.equal(counted({ type: "appended", term: 1, fromIndex: 3, toIndex: 5 }, true), "proposed");
    assert.equal(counted({ type: "votedFor", term: 1, candidate: "a2", pre: false }), "voted");
    assert.equal(counted({ type: "votedFor", term: 1, candidate: "a2", pre: true }), undefined);
    assert.equal(counted({ type: "votedFor", term: 1, candidate: "a1", pre: false }), undefined, "its own");
  });

  it("is of PBFT its view changes, what backups prepared, and what the primary decided", () => {
    const counted = (observation: AgentObservation, leading = false) => PBFT.deciding(observation, "a1", leading)?.type;
    const committed = { type: "committed", term: 1, seq: 9, digest, fromIndex: 3, toIndex: 5, acks } as const;
    assert.deepEqual(PBFT.deciding(committed, "a1", true), { type: "decided", upTo: 9, entries: 2, acks });
    assert.equal(counted(committed), undefined, "all replicas see it: the sum over all would be too large");
    assert.equal(counted({ ...committed, acks: [] }, true), undefined, "decided in an earlier life");
    assert.equal(counted({ type: "viewChangeStarted", view: 2, reason: "timeout" }), "campaigned");
    const entered = { type: "viewEntered", view: 2, by: [], reproposed: 0 } as const;
    assert.equal(counted({ ...entered, primary: "a1" }), "won");
    assert.equal(counted({ ...entered, primary: "a2" }), "lost");
    const prePrepared = { type: "prePrepared", view: 0, seq: 9, digest, requests: 1 } as const;
    assert.deepEqual(PBFT.deciding(prePrepared, "a1", true), { type: "proposed", upTo: 9 });
    assert.equal(counted(prePrepared), "voted");
    const disbelieved = { type: "disbelieved", from: "a2", reason: "badTime" } as const;
    assert.equal(counted({ ...disbelieved, message: "prePrepare" }), "refused");
    assert.equal(counted({ ...disbelieved, message: "prepare" }), undefined);
  });
});
