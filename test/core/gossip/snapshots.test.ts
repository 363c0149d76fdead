import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeState } from "../../../server/core/gossip/journal.ts";
import type { GossipMessage } from "../../../server/core/gossip/types.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { bytes, only, operation, SubjectAgent, text } from "./subject.ts";

type Sent = { readonly to: string; readonly message: GossipMessage };

/** Two agents and what goes between them; what is for others is lost. */
function converse(one: SubjectAgent, other: SubjectAgent, opening: readonly Sent[]): number {
  let messages = opening.map((sent) => ({ ...sent, from: one }));
  let parts = 0;
  for (let turns = 0; messages.length > 0; turns++) {
    assert.ok(turns < 1000, "it ends");
    const next: typeof messages = [];
    for (const { from, to, message } of messages) {
      if (message.type === "state") parts++;
      const receiver = from === one ? other : one;
      if (to !== receiver.gossip.id) continue;
      receiver.step(from.gossip.id, message);
      next.push(...receiver.settle().messages.map((sent) => ({ ...sent, from: receiver })));
    }
    messages = next;
  }
  return parts;
}

function asks(agent: SubjectAgent, of: string): Sent[] {
  for (let round = 0; round < 10; round++) {
    agent.timeOut();
    const digests = only(agent.settle().messages, "digest").filter(({ to }) => to === of);
    if (digests.length > 0) return digests;
  }
  return assert.fail(`${agent.gossip.id} never asks ${of}`);
}

describe("gossip's snapshots", () => {
  it("take the place of the log, with what others may still lack", () => {
    const a = new SubjectAgent();
    a.propose("x", "y", "z");
    a.settle();
    // b has two of them, and c the first.
    a.digest("b", [2, 0, 0]);
    a.digest("c", [1, 0, 0]);
    a.settle();
    a.compact(bytes("xyz"));
    a.settle();
    assert.deepEqual(a.disk.entries, []);
    const state = decodeState(a.disk.snapshot?.data ?? bytes(""));
    assert.deepEqual([state.have, state.dropped, text(state.machine)], [[3, 0, 0], [1, 0, 0], "xyz"]);
    assert.deepEqual(
      state.retained.map(({ seq }) => seq),
      [2, 3],
    );
    const initial = a.restart();
    assert.deepEqual([initial?.index, text(initial?.data ?? bytes(""))], [3, "xyz"]);
    assert.deepEqual(a.gossip.recovered(), { commit: 3, index: 3 });
    a.digest("c", [1, 0, 0]);
    assert.deepEqual(
      only(a.settle().messages, "delta")[0]?.message.operations.map(({ seq }) => seq),
      [2, 3],
    );
    a.propose("w");
    a.settle();
    assert.deepEqual(a.given, ["w"]);
    assert.equal(a.status.lastIndex, 4);
  });

  it("are of the entry they are of, whatever was delivered since", () => {
    const a = new SubjectAgent();
    a.propose("x");
    a.settle();
    a.propose("y");
    a.settle();
    a.rumour("b", operation(1, 1));
    a.gossip.compact({ index: 1, data: bytes("x") }, a.now);
    a.settle();
    assert.deepEqual(decodeState(a.disk.snapshot?.data ?? bytes("")).have, [1, 0, 0]);
    a.restart();
    a.settle();
    assert.deepEqual(a.given, ["y", "1 1"]);
    a.gossip.compact({ index: 1, data: bytes("x again") }, a.now);
    assert.equal(a.take(), undefined);
    assert.throws(() => a.gossip.compact({ index: 4, data: bytes("") }, a.now), InvariantViolation);
  });

  it("keep what not everybody has, until that is too much; then what a majority has goes", () => {
    const a = new SubjectAgent({ retainBytes: 200 });
    a.propose("1", "2");
    a.settle();
    a.compact();
    a.digest("b", [2, 0, 0]);
    a.settle();
    const kept = (): number[] => {
      a.digest("c", [0, 0, 0]);
      const [delta] = only(a.settle().messages, "delta");
      return delta?.message.operations.map(({ seq }) => seq) ?? [];
    };
    assert.deepEqual(kept(), [1, 2]);
    a.propose("3", "4", "5");
    a.settle();
    a.digest("b", [2, 0, 0]);
    assert.deepEqual(
      only(a.settle().messages, "delta")[0]?.message.operations.map(({ seq }) => seq),
      [3, 4, 5],
    );
    a.digest("c", [0, 0, 0]);
    const { messages, readies } = a.settle();
    assert.deepEqual(
      only(messages, "state").map(({ to }) => to),
      ["c"],
    );
    assert.deepEqual(readies[0]?.observations[0]?.type, "snapshotSending");
    assert.equal(decodeState(a.disk.snapshot?.data ?? bytes("")).retained.length, 2);
  });

  it("are asked for when what could be dropped is not part of one yet", () => {
    const a = new SubjectAgent({ retainBytes: 200 });
    a.propose("1", "2", "3", "4");
    a.settle();
    a.digest("b", [4, 0, 0]);
    assert.equal(a.settle().readies[0]?.checkpoint, 4);
    a.compact();
    a.settle();
    a.digest("b", [4, 0, 0]);
    assert.deepEqual(a.settle().readies, []);
  });

  it("bring one that is too far behind to where the others are, part by part, and on from where a part was lost", () => {
    const members = ["a", "b", "c"];
    const a = new SubjectAgent({ members, retainBytes: 100, maxChunkBytes: 20 });
    const c = new SubjectAgent({ id: "c", members, retainBytes: 100, maxChunkBytes: 20 });
    a.propose("1", "2", "3");
    a.settle();
    a.digest("b", [3, 0, 0]);
    a.settle();
    a.compact(bytes("a state that takes several parts"));
    a.settle();
    // Its first part arrives, and its answer is lost.
    const [ask] = asks(c, "a");
    a.step("c", ask?.message as GossipMessage);
    const [part] = only(a.settle().messages, "state");
    c.step("a", part?.message as GossipMessage);
    assert.deepEqual(only(c.settle().messages, "stateReply")[0]?.message.offset, 20);
    assert.equal(c.status.lastIndex, 0);
    const parts = converse(c, a, asks(c, "a"));
    // The first one again, and the rest once.
    assert.equal(parts, Math.ceil((a.disk.snapshot?.data.length ?? 0) / 20));
    assert.equal(c.status.lastIndex, 3);
    assert.deepEqual(c.disk.have, [3, 0, 0]);
    assert.equal(text(c.restart()?.data ?? bytes("")), "a state that takes several parts");
    c.settle();
    c.propose("4");
    c.settle();
    assert.deepEqual(c.given, ["4"]);
  });

  it("are not installed over what they do not stand for: what one has besides goes first, and a newer one is made", () => {
    const members = ["a", "b", "c"];
    const a = new SubjectAgent({ members, retainBytes: 100 });
    const c = new SubjectAgent({ id: "c", members });
    a.propose("1", "2", "3");
    a.settle();
    a.digest("b", [3, 0, 0]);
    a.settle();
    a.compact();
    a.settle();
    c.propose("mine");
    c.settle();
    converse(c, a, asks(c, "a"));
    // a has it now, and c is told that it is behind: it takes no more commands.
    assert.deepEqual(a.given, ["1", "2", "3", "mine"]);
    assert.equal(c.status.lastIndex, 1);
    c.propose("more");
    assert.deepEqual(
      c.settle().readies[0]?.droppedProposals.map(({ reason }) => reason),
      ["tooManyUncommitted"],
    );
    a.compact();
    a.settle();
    converse(c, a, asks(c, "a"));
    assert.deepEqual([c.status.lastIndex, c.disk.have], [4, [3, 0, 1]]);
    c.propose("more");
    c.settle();
    assert.deepEqual(c.given.slice(-1), ["more"]);
  });

  it("of garbage, of others, or of a clock too far ahead are not installed", () => {
    const c = new SubjectAgent({ id: "c", maxAheadMs: 1000 });
    const a = new SubjectAgent({ retainBytes: 10 });
    a.now += 5000;
    a.propose("1");
    a.settle();
    a.compact();
    a.settle();
    const data = a.disk.snapshot?.data ?? bytes("");
    const send = (sent: Uint8Array, index = 1): void => {
      const part = { type: "state" as const, roster: c.roster, index, totalBytes: sent.length, offset: 0, data: sent };
      c.step("a", part);
      c.settle();
    };
    send(bytes("garbage"), 9);
    send(data.slice(0, -1));
    send(data, 2);
    send(data);
    assert.equal(c.status.lastIndex, 0);
    c.now += 4000;
    send(data);
    assert.deepEqual([c.status.lastIndex, c.disk.have], [1, [1, 0, 0]]);
  });
});

describe("what is dropped", () => {
  it("is had by one and the same majority, so that no three lack what the others have dropped", () => {
    const members = ["a", "b", "c"];
    const a = new SubjectAgent({ members, retainBytes: 100 });
    a.propose("1", "2");
    a.rumour("b", operation(1, 1), operation(1, 2));
    a.settle();
    a.compact();
    const dropped = (): readonly number[] => {
      a.propose("more");
      a.settle();
      a.compact();
      a.settle();
      return decodeState(a.disk.snapshot?.data ?? bytes("")).dropped;
    };
    // b has its own, as far as is known, so they went; c has a's.
    a.digest("c", [2, 0, 0]);
    a.settle();
    // c lacks what was dropped already, so it is no help: nothing more goes.
    assert.deepEqual(dropped(), [0, 2, 0]);
    a.digest("b", [3, 2, 0]);
    a.settle();
    assert.deepEqual(dropped(), [2, 2, 0]);
  });
});
