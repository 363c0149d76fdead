import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RaftMessage } from "../../../server/core/raft/types.ts";
import { bytes, entry, logOf, observed, only, SubjectAgent, text, types } from "./subject.ts";

describe("a leader's replication", () => {
  it("sends all proposals of a turn in one append a follower, without waiting for its own disk (thesis §10.2.1)", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.propose("y", "z");
    const ready = agent.turn();
    assert.deepEqual(types(ready.messages), ["append>b", "append>c"]);
    assert.deepEqual(types(ready.messagesAfterPersist), []);
    assert.deepEqual(
      ready.persist?.entries.map(({ data }) => text(data)),
      ["x", "y", "z"],
    );
    const [append] = only(ready.messages, "append", "b");
    assert.deepEqual(append?.entries, ready.persist?.entries);
    assert.deepEqual([append?.prevIndex, append?.prevTerm, append?.commit], [1, 1, 1]);
  });

  it("commits what a majority has, and only then (§5.3)", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c", "d", "e"] }).lead();
    agent.propose("x");
    assert.deepEqual(agent.settle().committed, []);
    agent.acknowledge("b");
    assert.deepEqual(agent.settle().committed, []);
    agent.acknowledge("d");
    const ready = agent.settle();
    assert.deepEqual(
      ready.committed.map(({ data }) => text(data)),
      ["x"],
    );
    assert.deepEqual(observed(ready, "committed"), [
      { type: "committed", term: 1, fromIndex: 1, toIndex: 2, acks: ["a", "b", "d"] },
    ]);
  });

  it("counts itself only for what is durable here (thesis §10.2.1)", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.turn();
    agent.acknowledge("b");
    assert.deepEqual(agent.turn().committed, []);
    agent.sync();
    assert.deepEqual(
      agent.turn().committed.map(({ index }) => index),
      [2],
    );
  });

  it("commits without itself when the others are a majority", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.turn();
    agent.acknowledge("b");
    agent.acknowledge("c");
    const ready = agent.turn();
    assert.deepEqual(
      ready.committed.map(({ index }) => index),
      [2],
    );
    assert.deepEqual(observed(ready, "committed")[0]?.acks, ["b", "c"]);
  });

  it("commits entries of earlier terms only together with one of its own (§5.4.2, Figure 8)", () => {
    const agent = new SubjectAgent({ log: logOf(1, 2) }).lead(false);
    assert.equal(agent.status.lastIndex, 3);
    for (const peer of ["b", "c"]) agent.acknowledge(peer, 2);
    assert.deepEqual(agent.settle().committed, []);
    agent.acknowledge("b", 3);
    assert.deepEqual(
      agent.settle().committed.map(({ index, term }) => [index, term]),
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    );
  });

  describe("with a time that a commit may wait for an append", () => {
    const committing = (): SubjectAgent => {
      const agent = new SubjectAgent({ config: { commitNoticeMs: 2 } }).lead();
      agent.acknowledge("b");
      agent.acknowledge("c");
      agent.settle();
      agent.pass(2);
      agent.settle();
      return agent;
    };
    const commits = (agent: SubjectAgent, to: string): number[] =>
      only(agent.settle().messages, "append", to).map(({ commit }) => commit);

    it("tells of it in the next append", () => {
      const agent = committing();
      agent.propose("x");
      agent.settle();
      agent.acknowledge("b");
      assert.deepEqual(types(agent.settle().messages), []);
      assert.equal(agent.status.commit, 2);
      agent.propose("y");
      assert.deepEqual(commits(agent, "b"), [2]);
    });

    it("tells of it by itself when that time is over, once", () => {
      const agent = committing();
      agent.propose("x");
      agent.settle();
      agent.acknowledge("b");
      agent.settle();
      const committedAt = agent.now;
      assert.equal(agent.raft.deadline(), committedAt + 2);
      agent.timeOut();
      assert.deepEqual(types(agent.settle().messages), ["append>b", "append>c"]);
      assert.ok(agent.raft.deadline() > agent.now);
    });

    it("tells a follower at once that forwarded the command, and only that one", () => {
      const agent = committing();
      agent.step("c", { type: "forward", term: 1, commands: [bytes("x")] });
      agent.settle();
      agent.acknowledge("b");
      assert.deepEqual(types(agent.settle().messages), ["append>c"]);
    });

    it("is not kept awake by a follower whose log is not known to agree", () => {
      const agent = new SubjectAgent({ config: { commitNoticeMs: 2 } }).lead();
      agent.propose("x");
      agent.settle();
      agent.acknowledge("b");
      agent.settle();
      agent.pass(2);
      agent.settle();
      assert.ok(agent.raft.deadline() > agent.now);
    });
  });

  it("tells followers of the commit at once, without waiting for more to send", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.settle();
    agent.acknowledge("b");
    const appends = only(agent.turn().messages, "append");
    assert.deepEqual(
      appends.map(({ prevIndex, commit, entries }) => [prevIndex, commit, entries.length]),
      [
        [2, 2, 0],
        [2, 2, 0],
      ],
    );
    assert.deepEqual(types(agent.settle().messages), [], "and only once");
  });

  it("says in a heartbeat only what the follower is known to have (§5.3)", () => {
    const agent = new SubjectAgent().lead(false);
    agent.acknowledge("b");
    agent.settle();
    assert.equal(agent.status.commit, 1);
    agent.timeOut();
    const { messages } = agent.settle();
    assert.deepEqual(
      only(messages, "heartbeat", "b").map(({ commit }) => commit),
      [1],
    );
    assert.deepEqual(
      only(messages, "heartbeat", "c").map(({ commit }) => commit),
      [0],
    );
  });

  it("sends ahead up to the limit of appends in flight, then waits (flow control)", () => {
    const agent = new SubjectAgent().lead();
    const sent: number[] = [];
    for (let count = 0; count < 5; count++) {
      agent.propose(`${count}`);
      sent.push(only(agent.settle().messages, "append", "b").length);
    }
    assert.deepEqual(sent, [1, 1, 1, 0, 0]);
    assert.equal(agent.status.followers[0]?.inflight, 3);
    agent.acknowledge("b", 2);
    const [append] = only(agent.settle().messages, "append", "b").filter(({ entries }) => entries.length > 0);
    assert.deepEqual(
      append?.entries.map(({ data }) => text(data)),
      ["3", "4"],
    );
  });

  it("splits a long tail into appends of limited bytes, one a turn, and asks for the next turn at once", () => {
    const agent = new SubjectAgent({ config: { maxAppendBytes: 10 } }).lead();
    agent.propose("12345", "12345", "1", "a long one by itself");
    const sizes: number[][] = [];
    for (let turn = 0; turn < 3; turn++) {
      const [append] = only(agent.turn().messages, "append", "b");
      sizes.push(append?.entries.map(({ data }) => data.length) ?? []);
      if (turn < 2) assert.equal(agent.raft.deadline(), agent.now);
    }
    assert.deepEqual(sizes, [[5, 5], [1], [20]]);
    assert.ok(agent.raft.deadline() > agent.now);
    agent.propose("12345", "12345", "1");
    for (const peer of ["b", "c"]) agent.acknowledge(peer, 4);
    agent.turn();
    assert.equal(agent.raft.deadline(), agent.now);
    agent.step("b", { type: "heartbeatReply", term: 2, round: 0 });
    assert.ok(agent.raft.deadline() > agent.now, "not once it no longer leads");
  });

  it("probes a follower one append at a time until it knows where the logs agree", () => {
    const agent = new SubjectAgent().lead(false);
    agent.propose("x");
    assert.deepEqual(types(agent.settle().messages), []);
    agent.timeOut();
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 1, round: 0 });
    const [append] = only(agent.settle().messages, "append", "b");
    assert.deepEqual([append?.prevIndex, append?.entries.length], [0, 2], "the lost probe goes again");
  });

  // The paper's Figure 7: what a follower answers to the first probe of the leader (index 10, term 6), and where the leader goes on.
  const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const figure7: readonly [string, number[], number, number][] = [
    ["(a)", [1, 1, 1, 4, 4, 5, 5, 6, 6], 9, 1],
    ["(b)", [1, 1, 1, 4], 4, 1],
    ["(c)", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], 10, 0],
    ["(d)", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], 10, 0],
    ["(e)", [1, 1, 1, 4, 4, 4, 4], 5, 1],
    ["(f)", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], 3, 1],
  ];
  for (const [name, terms, agreed, refusals] of figure7) {
    it(`finds where follower ${name} of Figure 7 agrees after ${refusals} refusals (§5.3)`, () => {
      const leader = new SubjectAgent({ log: logOf(...leaderLog), hardState: { term: 7 } }).lead(false);
      const follower = new SubjectAgent({ log: logOf(...terms), hardState: { term: 8 }, config: { id: "a" } });
      let probe: RaftMessage = {
        type: "append",
        term: 8,
        prevIndex: 10,
        prevTerm: 6,
        commit: 0,
        entries: [entry(11, 8)],
      };
      let refused = 0;
      for (;;) {
        follower.step("b", probe);
        const [reply] = only(follower.settle().messages, "appendReply");
        assert.ok(reply !== undefined);
        leader.step("c", reply);
        if (reply.accepted) break;
        refused++;
        const [next] = only(leader.settle().messages, "append", "c");
        assert.ok(next !== undefined);
        probe = next;
      }
      assert.equal(refused, refusals);
      assert.equal(probe.prevIndex, agreed);
      assert.deepEqual([follower.status.lastIndex, follower.status.lastTerm], [11, 8]);
    });
  }

  it("jumps over a whole term at a time (§5.3, end)", () => {
    const agent = new SubjectAgent({ log: logOf(1, 2, 2, 2, 2, 2, 2), hardState: { term: 5 } }).lead(false);
    agent.step("b", { type: "appendReply", term: 6, accepted: false, index: 6, hintTerm: 1 });
    assert.deepEqual(
      only(agent.settle().messages, "append", "b").map(({ prevIndex }) => prevIndex),
      [1],
    );
  });

  it("ignores late refusals", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 1) }).lead();
    const before = agent.status.followers[0];
    agent.step("b", { type: "appendReply", term: 2, accepted: false, index: 2, hintTerm: 1 });
    assert.deepEqual(agent.status.followers[0], before);
    agent.step("b", { type: "appendReply", term: 2, accepted: false, index: 9, hintTerm: 9 });
    assert.deepEqual(agent.status.followers[0], before);
  });

  it("ignores a late refusal of what has been acknowledged since, with more on its way", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 1) }).lead();
    agent.propose("x");
    agent.settle();
    const before = agent.status.followers[0];
    assert.deepEqual([before?.match, before?.next], [4, 6]);
    agent.step("b", { type: "appendReply", term: 2, accepted: false, index: 3, hintTerm: 1 });
    assert.deepEqual(agent.status.followers[0], before);
  });

  it("ignores a late acknowledgement of less", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 1) }).lead();
    agent.acknowledge("b", 2);
    assert.equal(agent.status.followers[0]?.match, 4);
  });

  it("ignores an acknowledgement of what it never sent", () => {
    const agent = new SubjectAgent().lead();
    agent.acknowledge("b", 99);
    assert.deepEqual(agent.settle().committed, []);
    assert.equal(agent.status.followers[0]?.match, 1);
  });

  it("finds out by a heartbeat that an append was lost, and sends again", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("lost");
    agent.settle();
    agent.timeOut();
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 1, round: 0 });
    const [empty] = only(agent.settle().messages, "append", "b");
    assert.deepEqual([empty?.prevIndex, empty?.entries.length], [2, 0]);
    agent.step("b", { type: "appendReply", term: 1, accepted: false, index: 1, hintTerm: 1 });
    const [again] = only(agent.settle().messages, "append", "b");
    assert.deepEqual([again?.prevIndex, again?.entries.length], [1, 1]);
  });

  it("does not take for lost what left after the heartbeat", () => {
    const agent = new SubjectAgent().lead();
    agent.timeOut();
    agent.settle();
    agent.now += 1;
    agent.propose("x");
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 1, round: 0 });
    assert.deepEqual(agent.settle().messages, []);
    agent.timeOut();
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 1, round: 0 });
    assert.deepEqual(types(agent.settle().messages), ["append>b"]);
  });

  it("finds that out while reads make more heartbeats, too", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("lost");
    agent.settle();
    let asked = 0;
    for (let at = 0; at < 6; at++) {
      agent.now += 10;
      agent.read(at);
      agent.settle();
      agent.step("b", { type: "heartbeatReply", term: 1, round: 0 });
      asked += only(agent.settle().messages, "append", "b").length;
    }
    assert.ok(asked >= 1 && asked <= 3, `${asked}`);
  });

  it("finds that out when its window is full, too", () => {
    const agent = new SubjectAgent().lead();
    for (const lost of ["1", "2", "3", "4"]) {
      agent.propose(lost);
      agent.settle();
    }
    agent.timeOut();
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 1, round: 0 });
    const [empty] = only(agent.settle().messages, "append", "b");
    assert.deepEqual([empty?.prevIndex, empty?.entries.length], [4, 0]);
  });
});
