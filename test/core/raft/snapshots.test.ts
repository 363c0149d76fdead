import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Configuration, Snapshot } from "../../../server/core/consensus.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";
import { bytes, entry, logOf, observed, only, SubjectAgent, text, types } from "./subject.ts";

const MEMBERS: Configuration = {
  voters: ["a", "b", "c"],
  outgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

const snapshotAt = (index: number, term: number, state = "0123456789"): Snapshot => ({
  index,
  term,
  configuration: MEMBERS,
  data: bytes(state),
});

/** A leader whose log begins after entry 4 of its 6, with b in step and c at nothing. */
function compacted(): SubjectAgent {
  const agent = new SubjectAgent({ config: { keepEntries: 0, maxSnapshotChunkBytes: 4 } }).lead(false);
  agent.acknowledge("b");
  agent.settle();
  agent.propose("v", "w", "x", "y", "z");
  agent.settle();
  agent.acknowledge("b");
  agent.settle();
  agent.raft.compact({ index: 4, data: bytes("0123456789") }, agent.now);
  return agent;
}

function part(snapshot: Snapshot, offset: number, length: number, term = 5): RaftMessage {
  const { index, configuration, data } = snapshot;
  return {
    type: "installSnapshot",
    term,
    snapshotIndex: index,
    snapshotTerm: snapshot.term,
    configuration,
    totalBytes: data.length,
    offset,
    data: data.subarray(offset, offset + length),
  };
}

describe("a log's compaction", () => {
  it("hands the snapshot to the disk, with its term and the members of then, and lets the entries go (§7)", () => {
    const agent = compacted();
    const { persist, observations } = agent.turn();
    assert.deepEqual(persist?.snapshot, { snapshot: snapshotAt(4, 1), discardLog: false });
    assert.deepEqual(
      observations.map(({ type }) => type),
      // c is at nothing: what it lacks is in the snapshot alone from now on.
      ["snapshotTaken", "compacted", "snapshotSending"],
    );
    const { firstIndex, lastIndex, snapshotIndex } = agent.status;
    assert.deepEqual([firstIndex, lastIndex, snapshotIndex], [5, 6, 4]);
  });

  it("keeps as many entries before it as asked, so that who is a little behind needs no snapshot", () => {
    const agent = new SubjectAgent({ config: { keepEntries: 2 } }).lead();
    agent.propose("v", "w", "x");
    agent.settle();
    agent.acknowledge("b");
    agent.settle();
    agent.raft.compact({ index: 4, data: bytes("s") }, agent.now);
    assert.equal(agent.status.firstIndex, 3);
  });

  it("keeps no more of their bytes than asked, however few entries those are", () => {
    const agent = new SubjectAgent({ config: { keepEntries: 100, keepBytes: 5 } }).lead();
    agent.propose("12345678", "12", "345", "6");
    agent.settle();
    agent.acknowledge("b");
    agent.settle();
    agent.raft.compact({ index: 4, data: bytes("s") }, agent.now);
    assert.equal(agent.status.firstIndex, 3);
  });

  it("is of what was given out as committed, and of nothing else", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.settle();
    assert.throws(() => agent.raft.compact({ index: 2, data: bytes("s") }, agent.now), InvariantViolation);
  });

  it("that is older than the latest changes nothing", () => {
    const agent = compacted();
    agent.settle();
    agent.raft.compact({ index: 3, data: bytes("old") }, agent.now);
    assert.equal(agent.raft.take(agent.now), undefined);
  });

  it("is where a restart goes on", () => {
    const agent = new SubjectAgent({ snapshot: snapshotAt(4, 2), log: [entry(5, 3, "x")] });
    const { firstIndex, lastIndex, lastTerm, commit, term } = agent.status;
    assert.deepEqual([firstIndex, lastIndex, lastTerm, commit, term], [5, 5, 3, 4, 3]);
    assert.deepEqual(agent.raft.configuration(), MEMBERS);
  });

  it("does not confuse a late append: what a snapshot stands for is the same everywhere (§7)", () => {
    const agent = new SubjectAgent({ snapshot: snapshotAt(4, 2), log: [entry(5, 2, "5")] });
    const entries = [entry(3, 2, "3"), entry(4, 2, "4"), entry(5, 2, "5"), entry(6, 2, "6")];
    agent.step("b", { type: "append", term: 2, prevIndex: 2, prevTerm: 1, commit: 6, entries });
    const ready = agent.settle();
    assert.deepEqual(
      ready.committed.map(({ index }) => index),
      [5, 6],
    );
    assert.equal(only(ready.messages, "appendReply")[0]?.index, 6);
    agent.step("b", { type: "append", term: 2, prevIndex: 1, prevTerm: 1, commit: 6, entries: [entry(2, 1, "2")] });
    assert.equal(only(agent.settle().messages, "appendReply")[0]?.accepted, true);
  });
});

describe("a leader whose follower lacks what the log no longer has", () => {
  it("sends its snapshot part by part, each once the one before is there, while appends to others go on (§7)", () => {
    const agent = compacted();
    const first = agent.settle();
    assert.deepEqual(observed(first, "snapshotSending"), [
      { type: "snapshotSending", term: 1, to: "c", index: 4, bytes: 10 },
    ]);
    const sent: string[] = [];
    let messages = first.messages;
    for (let round = 0; round < 3; round++) {
      const [message, ...more] = only(messages, "installSnapshot", "c");
      assert.ok(message !== undefined && more.length === 0);
      sent.push(text(message.data));
      agent.propose(`p${round}`);
      assert.deepEqual(types(agent.settle().messages), ["append>b"]);
      const offset = message.offset + message.data.length;
      agent.step("c", { type: "installSnapshotReply", term: 1, snapshotIndex: 4, offset, done: false });
      messages = agent.settle().messages;
    }
    assert.deepEqual(sent, ["0123", "4567", "89"]);
  });

  it("learns so from a refusal, too", () => {
    const agent = new SubjectAgent({ config: { keepEntries: 0 }, snapshot: snapshotAt(4, 1), log: [entry(5, 1, "x")] });
    agent.lead(false);
    assert.equal(only(agent.settle().messages, "installSnapshot").length, 0);
    agent.step("b", { type: "appendReply", term: 2, accepted: false, index: 2, hintTerm: 1 });
    assert.equal(only(agent.settle().messages, "installSnapshot", "b").length, 1);
  });

  it("goes on with appends once the snapshot is durable there, and counts it (§7)", () => {
    const agent = compacted();
    agent.step("c", { type: "appendReply", term: 1, accepted: false, index: 0, hintTerm: 0 });
    agent.settle();
    agent.step("c", { type: "installSnapshotReply", term: 1, snapshotIndex: 4, offset: 0, done: true });
    const [append] = only(agent.settle().messages, "append", "c");
    assert.deepEqual([append?.prevIndex, append?.prevTerm, append?.entries.map(({ index }) => index)], [4, 1, [5, 6]]);
    assert.deepEqual(agent.status.followers[1]?.match, 4);
  });

  it("sends a part again that was lost, from where the follower is: a heartbeat's answer shows that it waits", () => {
    const agent = compacted();
    agent.step("c", { type: "appendReply", term: 1, accepted: false, index: 0, hintTerm: 0 });
    agent.settle();
    agent.step("c", { type: "installSnapshotReply", term: 1, snapshotIndex: 4, offset: 4, done: false });
    assert.equal(only(agent.settle().messages, "installSnapshot")[0]?.offset, 4);
    // Lost. Two beats later it is sent again.
    for (let beat = 0; beat < 2; beat++) {
      agent.pass(20);
      const [heartbeat] = only(agent.settle().messages, "heartbeat", "c");
      assert.ok(heartbeat !== undefined);
      agent.step("c", { type: "heartbeatReply", term: 1, round: heartbeat.round });
    }
    assert.equal(only(agent.settle().messages, "installSnapshot")[0]?.offset, 4);
  });

  it("sends the one it began with, also when a later one has been taken meanwhile", () => {
    const agent = compacted();
    agent.step("c", { type: "appendReply", term: 1, accepted: false, index: 0, hintTerm: 0 });
    agent.settle();
    agent.raft.compact({ index: 6, data: bytes("later") }, agent.now);
    agent.settle();
    agent.step("c", { type: "installSnapshotReply", term: 1, snapshotIndex: 4, offset: 4, done: false });
    const [message] = only(agent.settle().messages, "installSnapshot");
    assert.deepEqual([message?.snapshotIndex, message === undefined ? "" : text(message.data)], [4, "4567"]);
    // Then the log begins after what it has: the later one follows.
    agent.step("c", { type: "installSnapshotReply", term: 1, snapshotIndex: 4, offset: 0, done: true });
    assert.equal(only(agent.settle().messages, "installSnapshot")[0]?.snapshotIndex, 6);
  });
});

describe("a follower that is sent a snapshot", () => {
  const snapshot = snapshotAt(6, 4);
  const follower = (): SubjectAgent => new SubjectAgent({ log: logOf(1, 1, 2) }).follow("b", 5);

  it("says how much it has, installs it whole, and only when that is durable says done (§7)", () => {
    const agent = follower();
    agent.step("b", part(snapshot, 0, 6));
    assert.deepEqual(only(agent.turn().messages, "installSnapshotReply"), [
      { type: "installSnapshotReply", term: 5, snapshotIndex: 6, offset: 6, done: false },
    ]);
    agent.step("b", part(snapshot, 6, 4));
    const ready = agent.turn();
    assert.deepEqual(ready.install, snapshot);
    assert.deepEqual(ready.persist?.snapshot, { snapshot, discardLog: true });
    assert.deepEqual(only(ready.messages, "installSnapshotReply"), []);
    assert.deepEqual(only(ready.messagesAfterPersist, "installSnapshotReply"), [
      { type: "installSnapshotReply", term: 5, snapshotIndex: 6, offset: 0, done: true },
    ]);
    const { firstIndex, lastIndex, commit, durableIndex } = agent.status;
    assert.deepEqual([firstIndex, lastIndex, commit, durableIndex], [7, 6, 6, 0]);
    agent.sync();
    assert.equal(agent.status.durableIndex, 6);
  });

  it("takes parts late, twice or from a new leader, and is told where to go on", () => {
    const agent = follower();
    const offsets: number[] = [];
    const send = (from: string, offset: number, length: number, term: number): void => {
      agent.step(from, part(snapshot, offset, length, term));
      for (const { offset: held, done } of only(agent.settle().messages, "installSnapshotReply"))
        offsets.push(done ? -1 : held);
    };
    send("b", 4, 4, 5);
    send("b", 0, 4, 5);
    send("b", 0, 4, 5);
    send("b", 2, 4, 5);
    send("c", 6, 2, 6);
    send("c", 8, 2, 6);
    assert.deepEqual(offsets, [0, 4, 4, 6, 8, -1]);
    assert.equal(agent.status.snapshotIndex, 6);
  });

  it("keeps its log where it has the snapshot's last entry already, and needs no state (§7)", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 2, 2) }).follow("b", 5);
    agent.step("b", part(snapshotAt(3, 2), 0, 10));
    const ready = agent.settle();
    assert.equal(ready.install, undefined);
    assert.deepEqual([agent.status.lastIndex, agent.status.commit], [4, 3]);
    assert.deepEqual(
      ready.committed.map(({ index }) => index),
      [1, 2, 3],
    );
    assert.equal(only(ready.messages, "installSnapshotReply")[0]?.done, true);
  });

  it("is not taken back by one that is behind what it has committed", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 2), hardState: { commit: 3 } }).follow("b", 5);
    agent.step("b", part(snapshotAt(2, 1), 0, 10));
    const ready = agent.settle();
    assert.equal(ready.install, undefined);
    assert.equal(only(ready.messages, "installSnapshotReply")[0]?.done, true);
  });

  it("takes over the members that the snapshot tells", () => {
    const agent = follower();
    const configuration = { ...MEMBERS, voters: ["a", "b", "x"], learners: ["y"] };
    agent.step("b", part({ ...snapshot, configuration }, 0, 10));
    const ready = agent.settle();
    assert.deepEqual(agent.raft.configuration(), configuration);
    assert.deepEqual(observed(ready, "configurationChanged")[0]?.voters, ["a", "b", "x"]);
  });

  it("goes on with appends after it", () => {
    const agent = follower();
    agent.step("b", part(snapshot, 0, 10));
    agent.step("b", { type: "append", term: 5, prevIndex: 6, prevTerm: 4, commit: 7, entries: [entry(7, 5, "x")] });
    const ready = agent.settle();
    assert.deepEqual([ready.install?.index, ready.committed.map(({ index }) => index)], [6, [7]]);
  });

  it("answers an older leader with the newer term (§5.1)", () => {
    const agent = follower();
    agent.step("c", part(snapshot, 0, 10, 4));
    assert.deepEqual(types(agent.settle().messages), ["appendReply>c"]);
  });
});
