import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { observed, only, SubjectAgent, text, types } from "./subject.ts";

describe("a leadership transfer", () => {
  it("brings the other's log up to its own first, and then tells it to campaign (thesis §3.10)", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.settle();
    assert.deepEqual(agent.raft.transferLeadership("b", agent.now), { ok: true, to: "b" });
    assert.deepEqual(only(agent.settle().messages, "timeoutNow"), []);
    agent.acknowledge("b");
    assert.deepEqual(only(agent.settle().messages, "timeoutNow", "b"), [{ type: "timeoutNow", term: 1 }]);
    assert.equal(agent.status.transferringTo, "b");
  });

  it("is to the most up to date where nobody is named", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.settle();
    agent.acknowledge("c");
    assert.deepEqual(agent.raft.transferLeadership(undefined, agent.now), { ok: true, to: "c" });
  });

  it("refuses proposals meanwhile, and says why (thesis §3.10)", () => {
    const agent = new SubjectAgent().lead();
    agent.raft.transferLeadership("b", agent.now);
    agent.propose("x");
    assert.deepEqual(
      agent.settle().droppedProposals.map(({ command, reason }) => [text(command), reason]),
      [["x", "transferring"]],
    );
  });

  it("is given up after an election timeout, and the leader goes on (thesis §3.10)", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c"] }).lead();
    agent.raft.transferLeadership("b", agent.now);
    agent.settle();
    for (let beat = 0; beat < 11; beat++) {
      agent.pass(20);
      for (const { round } of only(agent.settle().messages, "heartbeat", "b"))
        agent.step("b", { type: "heartbeatReply", term: 1, round });
    }
    assert.equal(agent.status.role, "leader");
    assert.equal(agent.status.transferringTo, "");
    agent.propose("x");
    assert.deepEqual(agent.settle().droppedProposals, []);
  });

  it("is told as done when the other leads, and as failed when a third does", () => {
    for (const [leader, ok] of [
      ["b", true],
      ["c", false],
    ] as const) {
      const agent = new SubjectAgent().lead();
      agent.raft.transferLeadership("b", agent.now);
      agent.settle();
      agent.step(leader, { type: "heartbeat", term: 2, commit: 0, round: 0 });
      assert.deepEqual(observed(agent.settle(), "leadershipTransferEnded"), [
        { type: "leadershipTransferEnded", term: 2, to: "b", ok },
      ]);
    }
  });

  it("is refused where it cannot be", () => {
    const follower = new SubjectAgent().follow();
    assert.deepEqual(follower.raft.transferLeadership("b", follower.now), { ok: false, reason: "notLeader" });
    const agent = new SubjectAgent().lead();
    const asked = (to: string | undefined) => agent.raft.transferLeadership(to, agent.now);
    assert.deepEqual(asked("a"), { ok: false, reason: "alreadyLeader" });
    assert.deepEqual(asked("x"), { ok: false, reason: "notVoter" });
    agent.raft.changeMembers({ add: "d" }, agent.now);
    assert.deepEqual(asked("d"), { ok: false, reason: "notVoter" });
    assert.ok(asked("b").ok);
    assert.deepEqual(asked("c"), { ok: false, reason: "transferPending" });
    const alone = new SubjectAgent({ voters: ["a"] }).lead();
    assert.deepEqual(alone.raft.transferLeadership(undefined, alone.now), { ok: false, reason: "nobodyElse" });
  });

  it("makes the other campaign at once, without asking before, once its vote is durable (thesis §3.10)", () => {
    const agent = new SubjectAgent().follow("b", 3);
    agent.step("b", { type: "timeoutNow", term: 3 });
    const ready = agent.turn();
    assert.deepEqual([agent.status.role, agent.status.term, types(ready.messages)], ["candidate", 4, []]);
    assert.deepEqual(
      only(ready.messagesAfterPersist, "vote").map(({ transfer }) => transfer),
      [true, true],
    );
  });

  it("of an older term moves nobody", () => {
    const agent = new SubjectAgent().follow("b", 3);
    agent.step("c", { type: "timeoutNow", term: 2 });
    assert.deepEqual([agent.status.role, agent.status.term], ["follower", 3]);
  });

  it("has its votes heard although a leader lives (thesis §4.2.3)", () => {
    const agent = new SubjectAgent().follow("b", 3);
    agent.step("c", { type: "vote", term: 4, lastIndex: 9, lastTerm: 3, transfer: true });
    const [reply] = only(agent.settle().messages, "voteReply", "c");
    assert.equal(reply?.granted, true);
  });
});

describe("a lease", () => {
  const leased = (): SubjectAgent => new SubjectAgent({ config: { reads: "lease" } }).lead();

  function beat(agent: SubjectAgent, ...peers: readonly string[]): void {
    agent.pass(20);
    const { messages } = agent.settle();
    for (const peer of peers)
      for (const { round } of only(messages, "heartbeat", peer))
        agent.step(peer, { type: "heartbeatReply", term: agent.status.term, round });
    agent.settle();
  }

  it("serves reads at once while a majority answered lately (thesis §6.4.1)", () => {
    const agent = leased();
    beat(agent, "b");
    agent.read(1);
    const ready = agent.settle();
    assert.deepEqual([ready.reads, types(ready.messages)], [[{ readId: 1, index: 1 }], []]);
  });

  it("ends an election timeout, by the slowest clock, after the heartbeats left that were answered (thesis §6.4.1)", () => {
    const agent = new SubjectAgent({ config: { reads: "lease", clockDriftBound: 2 } }).lead();
    beat(agent, "b");
    agent.pass(49);
    agent.settle();
    agent.read(1);
    assert.equal(agent.settle().reads.length, 1);
    agent.pass(2);
    agent.settle();
    agent.read(2);
    const late = agent.settle();
    assert.deepEqual([late.reads, types(late.messages)], [[], ["heartbeat>b", "heartbeat>c"]]);
  });

  it("does not hold before anybody answered, and the read asks a majority (thesis §6.4)", () => {
    const agent = leased();
    agent.read(1);
    const ready = agent.settle();
    assert.deepEqual([ready.reads, types(ready.messages)], [[], ["heartbeat>b", "heartbeat>c"]]);
  });

  it("is void for the rest of the term once somebody was told to campaign, also when that came to nothing (thesis §6.4.1)", () => {
    const agent = leased();
    beat(agent, "b", "c");
    agent.raft.transferLeadership("b", agent.now);
    agent.settle();
    for (let count = 0; count < 12; count++) beat(agent, "b", "c");
    assert.deepEqual([agent.status.role, agent.status.transferringTo], ["leader", ""]);
    agent.read(1);
    assert.deepEqual(agent.settle().reads, []);
  });

  it("binds who was started: it votes for nobody for an election timeout, as it may have promised (thesis §6.4.1)", () => {
    const restarted = (reads: "lease" | "readIndex"): boolean => {
      const agent = new SubjectAgent({ hardState: { term: 3 }, config: { reads } });
      agent.pass(90);
      agent.step("b", { type: "vote", term: 4, lastIndex: 9, lastTerm: 3, transfer: false });
      return only(agent.settle().messages, "voteReply").length > 0;
    };
    assert.deepEqual([restarted("lease"), restarted("readIndex")], [false, true]);
  });
});

describe("flow control", () => {
  it("holds back what would be too many bytes in flight, and goes on as they are acknowledged", () => {
    const agent = new SubjectAgent({ config: { maxInflightAppends: 100, maxInflightBytes: 8 } }).lead();
    const sent: number[] = [];
    for (let at = 0; at < 4; at++) {
      agent.propose("12345");
      sent.push(only(agent.settle().messages, "append", "b").length);
    }
    assert.deepEqual(sent, [1, 1, 0, 0]);
    agent.acknowledge("b", 3);
    assert.deepEqual(
      only(agent.settle().messages, "append", "b").map(({ entries }) => entries.map(({ index }) => index)),
      [[4, 5]],
    );
  });
});
