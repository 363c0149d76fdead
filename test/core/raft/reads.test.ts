import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Raft } from "../../../server/core/raft/raft.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { only, SubjectAgent, types } from "./subject.ts";

describe("a read at the leader", () => {
  it("waits for a round of heartbeats that a majority answers (thesis §6.4)", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c", "d", "e"] }).lead();
    agent.read(7);
    const asked = agent.settle();
    assert.deepEqual(asked.reads, []);
    assert.deepEqual(types(asked.messages), ["heartbeat>b", "heartbeat>c", "heartbeat>d", "heartbeat>e"]);
    const round = only(asked.messages, "heartbeat")[0]?.round ?? 0;
    agent.step("b", { type: "heartbeatReply", term: 1, round });
    agent.step("b", { type: "heartbeatReply", term: 1, round });
    assert.deepEqual(agent.settle().reads, []);
    agent.step("c", { type: "heartbeatReply", term: 1, round });
    assert.deepEqual(agent.settle().reads, [{ readId: 7, index: 1 }]);
  });

  it("is not confirmed by an answer to a round before it", () => {
    const agent = new SubjectAgent().lead();
    agent.read(1);
    const [first] = only(agent.settle().messages, "heartbeat", "b");
    agent.read(2);
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 1, round: first?.round ?? 0 });
    assert.deepEqual(agent.settle().reads, [{ readId: 1, index: 1 }]);
  });

  it("shares one round with all reads of the turn, and is confirmed by a later round too", () => {
    const agent = new SubjectAgent().lead();
    agent.read(1);
    agent.read(2);
    assert.equal(only(agent.settle().messages, "heartbeat", "b").length, 1);
    agent.read(3);
    const [second] = only(agent.settle().messages, "heartbeat", "c");
    agent.step("c", { type: "heartbeatReply", term: 1, round: second?.round ?? 0 });
    assert.deepEqual(
      agent.settle().reads.map(({ readId }) => readId),
      [1, 2, 3],
    );
  });

  it("is at the commit index of when it was asked for, or later", () => {
    const agent = new SubjectAgent().lead();
    agent.read(1);
    const [heartbeat] = only(agent.settle().messages, "heartbeat", "b");
    agent.propose("x");
    agent.settle();
    agent.acknowledge("b");
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 1, round: heartbeat?.round ?? 0 });
    assert.deepEqual(agent.settle().reads, [{ readId: 1, index: 1 }]);
  });

  it("waits until the leader has committed in its term (thesis §6.4)", () => {
    const agent = new SubjectAgent().lead(false);
    agent.read(1);
    assert.deepEqual(types(agent.settle().messages), []);
    agent.acknowledge("b");
    const [heartbeat] = only(agent.settle().messages, "heartbeat", "b");
    agent.step("b", { type: "heartbeatReply", term: 1, round: heartbeat?.round ?? 0 });
    assert.deepEqual(agent.settle().reads, [{ readId: 1, index: 1 }]);
  });

  it("outlives a lost heartbeat", () => {
    const agent = new SubjectAgent().lead();
    agent.read(1);
    agent.settle();
    agent.timeOut();
    const [again] = only(agent.settle().messages, "heartbeat", "b");
    agent.step("b", { type: "heartbeatReply", term: 1, round: again?.round ?? 0 });
    assert.deepEqual(
      agent.settle().reads.map(({ readId }) => readId),
      [1],
    );
  });

  it("fails when leadership is lost", () => {
    const agent = new SubjectAgent().lead();
    agent.read(1);
    agent.settle();
    agent.read(2);
    agent.step("b", { type: "heartbeat", term: 2, commit: 0, round: 0 });
    assert.deepEqual(agent.settle().failedReads.toSorted(), [1, 2]);
  });

  it("that failed is not answered later, when the agent leads again", () => {
    const agent = new SubjectAgent().lead();
    agent.read(1);
    agent.settle();
    agent.step("b", { type: "heartbeatReply", term: 2, round: 0 });
    agent.settle();
    agent.lead();
    agent.read(2);
    const [heartbeat] = only(agent.settle().messages, "heartbeat", "b");
    agent.step("b", { type: "heartbeatReply", term: agent.status.term, round: heartbeat?.round ?? 0 });
    assert.deepEqual(
      agent.settle().reads.map(({ readId }) => readId),
      [2],
    );
  });

  it("of a single voter is answered in the same turn", () => {
    const agent = new SubjectAgent({ voters: ["a"] });
    agent.timeOut();
    agent.settle();
    agent.read(9);
    assert.deepEqual(agent.turn().reads, [{ readId: 9, index: 1 }]);
    assert.equal(agent.raft.deadline(), Number.POSITIVE_INFINITY);
  });
});

describe("a read at a follower", () => {
  it("asks the leader, all of a turn in one request", () => {
    const agent = new SubjectAgent().follow("c", 3);
    agent.read(1);
    agent.read(2);
    const [request, ...others] = only(agent.settle().messages, "readIndex", "c");
    assert.ok(request !== undefined && others.length === 0 && request.readIds.length === 1);
    agent.step("c", { type: "readIndexReply", term: 3, readIds: request.readIds, index: 5 });
    assert.deepEqual(agent.settle().reads, [
      { readId: 1, index: 5 },
      { readId: 2, index: 5 },
    ]);
    agent.step("c", { type: "readIndexReply", term: 3, readIds: request.readIds, index: 5 });
    assert.deepEqual(agent.settle().reads, [], "once");
  });

  it("fails where no leader is known, where the leader refuses, and where the leader changes", () => {
    const agent = new SubjectAgent();
    agent.read(1);
    assert.deepEqual(agent.settle().failedReads, [1]);
    agent.follow("b", 1);
    agent.read(2);
    const [request] = only(agent.settle().messages, "readIndex");
    agent.step("b", { type: "readIndexReply", term: 1, readIds: request?.readIds ?? [], index: 0 });
    assert.deepEqual(agent.settle().failedReads, [2]);
    agent.read(3);
    agent.settle();
    agent.read(4);
    agent.step("c", { type: "heartbeat", term: 2, commit: 0, round: 0 });
    assert.deepEqual(agent.settle().failedReads.toSorted(), [3, 4]);
  });

  it("fails after the longest election timeout, when question or answer were lost", () => {
    const agent = new SubjectAgent().follow("b", 1);
    agent.read(1);
    agent.settle();
    for (let at = 0; at < 19; at++) {
      agent.pass(10);
      agent.follow("b", 1);
    }
    assert.deepEqual(agent.settle().failedReads, []);
    agent.timeOut();
    assert.deepEqual(agent.settle().failedReads, [1]);
    assert.equal(agent.status.role, "follower");
  });

  it("is not answered by what an earlier life of the agent asked", () => {
    const requests = [1000, 2000].map((now) => {
      const config = {
        id: "a",
        voters: ["a", "b"],
        electionTimeoutMinMs: 100,
        electionTimeoutMaxMs: 200,
        heartbeatMs: 20,
        maxInflightAppends: 3,
        maxAppendBytes: 100,
        maxUncommittedBytes: 1000,
      };
      const restored = { hardState: { term: 1, votedFor: "", commit: 0 }, entries: [] };
      const raft = new Raft(config, restored, seededRandom("same"), now);
      raft.step("b", { type: "heartbeat", term: 1, commit: 0, round: 0 }, now);
      raft.read(1, now);
      return only(raft.take(now)?.messages ?? [], "readIndex")[0]?.readIds[0];
    });
    assert.notEqual(requests[0], undefined);
    assert.notEqual(requests[0], requests[1]);
  });
});

describe("a read request of a peer", () => {
  it("is answered after a round", () => {
    const agent = new SubjectAgent().lead();
    agent.step("c", { type: "readIndex", term: 1, readIds: [70, 71] });
    const [heartbeat] = only(agent.settle().messages, "heartbeat", "b");
    agent.step("b", { type: "heartbeatReply", term: 1, round: heartbeat?.round ?? 0 });
    assert.deepEqual(agent.settle().messages, [
      { to: "c", message: { type: "readIndexReply", term: 1, readIds: [70, 71], index: 1 } },
    ]);
  });

  it("is refused by an agent that does not lead", () => {
    const agent = new SubjectAgent().follow("b", 1);
    agent.step("c", { type: "readIndex", term: 1, readIds: [5] });
    assert.deepEqual(agent.settle().messages, [
      { to: "c", message: { type: "readIndexReply", term: 1, readIds: [5], index: 0 } },
    ]);
  });

  it("is refused when leadership is lost before it could be confirmed", () => {
    const agent = new SubjectAgent().lead();
    agent.step("c", { type: "readIndex", term: 1, readIds: [5] });
    agent.settle();
    agent.step("c", { type: "readIndex", term: 1, readIds: [6] });
    agent.step("b", { type: "heartbeatReply", term: 2, round: 0 });
    const replies = only(agent.settle().messages, "readIndexReply", "c");
    assert.deepEqual(replies.map(({ readIds, index, term }) => [readIds[0], index, term]).toSorted(), [
      [5, 0, 2],
      [6, 0, 2],
    ]);
  });

  it("is refused beyond a bound a peer, which answers free again", () => {
    const agent = new SubjectAgent().lead();
    const many = Array.from({ length: 1024 }, (_, at) => at);
    agent.step("c", { type: "readIndex", term: 1, readIds: many });
    agent.step("c", { type: "readIndex", term: 1, readIds: [2000] });
    agent.step("b", { type: "readIndex", term: 1, readIds: [1] });
    const { messages } = agent.settle();
    assert.deepEqual(
      only(messages, "readIndexReply", "c").map(({ readIds, index }) => [readIds, index]),
      [[[2000], 0]],
    );
    assert.deepEqual(only(messages, "readIndexReply", "b"), []);
    const [heartbeat] = only(messages, "heartbeat", "b");
    agent.step("b", { type: "heartbeatReply", term: 1, round: heartbeat?.round ?? 0 });
    agent.settle();
    agent.step("c", { type: "readIndex", term: 1, readIds: [2001] });
    assert.deepEqual(only(agent.settle().messages, "readIndexReply", "c"), []);
  });
});
