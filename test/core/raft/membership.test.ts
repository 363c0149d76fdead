import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Configuration, Entry } from "../../../server/core/consensus.ts";
import { encodeConfiguration } from "../../../server/core/raft/configuration.ts";
import { bytes, entry, observed, only, SubjectAgent, types } from "./subject.ts";

const NOBODY: readonly string[] = [];

function members(voters: readonly string[], more: Partial<Configuration> = {}): Configuration {
  return { voters, outgoing: NOBODY, learners: NOBODY, learnersNext: NOBODY, autoLeave: false, ...more };
}

function configurationEntry(index: number, term: number, configuration: Configuration): Entry {
  return { index, term, kind: 2, timeMs: 0, data: encodeConfiguration(configuration) };
}

/** A leader of a, b and c whose learner d has all that it has. */
function withLearner(): SubjectAgent {
  const agent = new SubjectAgent().lead();
  assert.ok(agent.raft.changeMembers({ add: "d" }, agent.now).ok);
  agent.settle();
  for (const peer of ["b", "c", "d"]) agent.acknowledge(peer);
  agent.settle();
  return agent;
}

describe("a change of the members", () => {
  it("holds at the leader from when it is in the log, committed or not (thesis §4.1)", () => {
    const agent = new SubjectAgent().lead();
    assert.deepEqual(agent.raft.changeMembers({ add: "d" }, agent.now), { ok: true, index: 2 });
    assert.deepEqual(agent.raft.configuration().learners, ["d"]);
    const ready = agent.settle();
    assert.deepEqual(types(ready.messages), ["append>b", "append>c", "append>d"]);
    assert.deepEqual(observed(ready, "configurationChanged"), []);
  });

  it("is told when it is committed", () => {
    const agent = new SubjectAgent().lead();
    agent.raft.changeMembers({ add: "d" }, agent.now);
    agent.settle();
    agent.acknowledge("b");
    assert.deepEqual(observed(agent.settle(), "configurationChanged"), [
      { type: "configurationChanged", term: 1, index: 2, voters: ["a", "b", "c"], outgoing: [], learners: ["d"] },
    ]);
  });

  it("holds at a follower from when it is in the log, and falls back when it is replaced (thesis §4.1)", () => {
    const agent = new SubjectAgent();
    const change = configurationEntry(1, 1, members(["a", "b", "c"], { learners: ["d"] }));
    const append = { type: "append", term: 1, prevIndex: 0, prevTerm: 0, commit: 0 } as const;
    agent.step("b", { ...append, entries: [change] });
    assert.deepEqual(agent.raft.configuration().learners, ["d"]);
    agent.settle();
    agent.step("c", { ...append, term: 2, entries: [entry(1, 2, "other")] });
    assert.deepEqual(agent.raft.configuration(), members(["a", "b", "c"]));
  });

  it("is one at a time (thesis §4.1)", () => {
    const agent = new SubjectAgent().lead();
    agent.raft.changeMembers({ add: "d" }, agent.now);
    const second = agent.raft.changeMembers({ add: "e" }, agent.now);
    assert.deepEqual(second, { ok: false, reason: "changePending" });
    agent.settle();
    agent.acknowledge("b");
    agent.settle();
    assert.ok(agent.raft.changeMembers({ add: "e" }, agent.now).ok);
  });

  it("waits for an entry of the leader's own term to be committed (Ongaro 2015, single-server changes)", () => {
    const agent = new SubjectAgent().lead(false);
    assert.deepEqual(agent.raft.changeMembers({ add: "d" }, agent.now), { ok: false, reason: "changePending" });
    agent.acknowledge("b");
    agent.settle();
    assert.ok(agent.raft.changeMembers({ add: "d" }, agent.now).ok);
  });

  it("is proposed by a leader alone", () => {
    const agent = new SubjectAgent().follow();
    assert.deepEqual(agent.raft.changeMembers({ add: "d" }, agent.now), { ok: false, reason: "notLeader" });
  });

  it("survives a restart with the log that holds it", () => {
    const configuration = members(["a", "b"], { learners: ["c"] });
    const agent = new SubjectAgent({ log: [configurationEntry(1, 1, configuration)] });
    assert.deepEqual(agent.raft.configuration(), configuration);
  });
});

describe("a learner", () => {
  it("gets the log, and its acknowledgement commits nothing (thesis §4.2.1)", () => {
    const agent = withLearner();
    agent.propose("x");
    assert.equal(only(agent.settle().messages, "append", "d").length, 1);
    agent.acknowledge("d");
    assert.deepEqual(agent.settle().committed, []);
    agent.acknowledge("b");
    assert.equal(agent.settle().committed.length, 1);
  });

  it("is not asked for its vote, and campaigns for nobody (thesis §4.2.1)", () => {
    const learner = new SubjectAgent({ voters: ["b", "c"] });
    learner.step("b", {
      type: "append",
      term: 1,
      prevIndex: 0,
      prevTerm: 0,
      commit: 1,
      entries: [configurationEntry(1, 1, members(["b", "c"], { learners: ["a"] }))],
    });
    learner.settle();
    learner.pass(1000);
    const ready = learner.settle();
    assert.deepEqual([learner.status.role, learner.status.leader, types(ready.messages)], ["follower", "", []]);
    const agent = withLearner();
    agent.step("b", { type: "appendReply", term: 9, accepted: false, index: 0, hintTerm: 0 });
    agent.settle();
    agent.timeOut();
    assert.deepEqual(types(agent.settle().messages), ["preVote>b", "preVote>c"]);
  });

  it("becomes a voter only once it has caught up (thesis §4.2.1)", () => {
    const agent = new SubjectAgent().lead();
    agent.raft.changeMembers({ add: "d" }, agent.now);
    agent.settle();
    agent.acknowledge("b");
    agent.settle();
    assert.deepEqual(agent.raft.changeMembers({ promote: "d" }, agent.now), { ok: false, reason: "notCaughtUp" });
    agent.acknowledge("d");
    agent.settle();
    assert.ok(agent.raft.changeMembers({ promote: "d" }, agent.now).ok);
    assert.deepEqual(agent.raft.configuration(), members(["a", "b", "c", "d"]));
  });

  it("as a voter counts at once: three of four are needed (thesis §4.1)", () => {
    const agent = withLearner();
    agent.raft.changeMembers({ promote: "d" }, agent.now);
    agent.settle();
    agent.acknowledge("b");
    assert.deepEqual(agent.settle().committed, []);
    agent.acknowledge("d");
    assert.equal(agent.settle().committed.length, 1);
  });
});

describe("an agent that joins", () => {
  it("knows of nobody, waits, and follows the leader that tells it (thesis §4.1)", () => {
    const agent = new SubjectAgent({ voters: [] });
    agent.pass(1000);
    assert.deepEqual(types(agent.settle().messages), []);
    const configuration = members(["x", "y"], { learners: ["a"] });
    const append = { type: "append", term: 3, prevIndex: 0, prevTerm: 0, commit: 1 } as const;
    agent.step("x", { ...append, entries: [configurationEntry(1, 3, configuration)] });
    const ready = agent.settle();
    assert.deepEqual([agent.status.leader, agent.status.commit], ["x", 1]);
    assert.deepEqual(types(ready.messages), ["appendReply>x"]);
    assert.deepEqual(agent.raft.configuration(), configuration);
  });

  it("takes no snapshot before the entry that tells it the members: others would install it without them (thesis §5.1)", () => {
    const agent = new SubjectAgent({ voters: [] });
    const append = { type: "append", term: 3, prevIndex: 0, prevTerm: 0, commit: 2 } as const;
    agent.step("x", { ...append, entries: [entry(1, 3), entry(2, 3, "c")] });
    agent.settle();
    assert.equal(agent.status.commit, 2);
    agent.raft.compact({ index: 2, data: bytes("s") }, agent.now);
    assert.equal(agent.raft.take(agent.now), undefined);
    assert.deepEqual([agent.status.snapshotIndex, agent.status.firstIndex], [0, 1]);
    const configuration = members(["x", "y"], { learners: ["a"] });
    const more = { ...append, prevIndex: 2, prevTerm: 3, commit: 4 };
    agent.step("x", { ...more, entries: [configurationEntry(3, 3, configuration), entry(4, 3, "d")] });
    agent.settle();
    agent.raft.compact({ index: 4, data: bytes("t") }, agent.now);
    const snapshot = { index: 4, term: 3, configuration, data: bytes("t") };
    assert.deepEqual(agent.turn().persist?.snapshot, { snapshot, discardLog: false });
  });
});

describe("a removal", () => {
  it("of the leader is not counted by it, and it steps down once that is committed, with an heir at once (thesis §4.2.2)", () => {
    const agent = new SubjectAgent().lead();
    assert.ok(agent.raft.changeMembers({ remove: "a" }, agent.now).ok);
    agent.settle();
    agent.acknowledge("b");
    const half = agent.settle();
    assert.deepEqual([agent.status.role, half.committed], ["leader", []]);
    agent.acknowledge("c");
    const ready = agent.settle();
    assert.deepEqual(
      ready.committed.map(({ index }) => index),
      [2],
    );
    assert.deepEqual(observed(ready, "committed")[0]?.acks, ["b", "c"]);
    assert.deepEqual(observed(ready, "steppedDown"), [{ type: "steppedDown", term: 1, reason: "removed" }]);
    assert.deepEqual(types(ready.messages).at(-1), "timeoutNow>b");
    agent.pass(1000);
    assert.deepEqual(types(agent.settle().messages), [], "it does not campaign any more");
  });

  it("that is not committed leaves its subject the right to campaign: its log may be the only one that can win (thesis §4.2.2)", () => {
    const agent = new SubjectAgent({ log: [configurationEntry(1, 1, members(["b", "c"]))] });
    agent.timeOut();
    assert.deepEqual(types(agent.settle().messages), ["preVote>b", "preVote>c"]);
    agent.step("b", { type: "preVoteReply", term: 2, granted: true });
    assert.equal(agent.settle().messages.length, 0, "its own vote does not count");
    agent.step("c", { type: "preVoteReply", term: 2, granted: true });
    assert.deepEqual(types(agent.settle().messages), ["vote>b", "vote>c"]);
  });

  it("ends what is sent to who was removed, and its answers count for nothing", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c", "d"] }).lead();
    agent.raft.changeMembers({ remove: "d" }, agent.now);
    agent.settle();
    agent.propose("x");
    assert.deepEqual(only(agent.settle().messages, "append", "d"), []);
    agent.acknowledge("d");
    agent.acknowledge("b");
    assert.equal(agent.settle().committed.length, 2);
  });

  it("of one that does not know it disturbs nobody: votes are not heard while a leader lives (thesis §4.2.3)", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c"] }).follow("b", 3);
    agent.step("x", { type: "vote", term: 9, lastIndex: 50, lastTerm: 9, transfer: false });
    assert.deepEqual([agent.status.term, agent.settle().messages], [3, []]);
  });
});

describe("a joint phase", () => {
  const target = { voters: ["a", "d", "e"], learners: [] };

  function joint(): SubjectAgent {
    const agent = new SubjectAgent().lead();
    for (const id of ["d", "e"]) {
      agent.raft.changeMembers({ add: id }, agent.now);
      agent.settle();
      for (const peer of ["b", "c", "d", "e"]) agent.acknowledge(peer);
      agent.settle();
    }
    assert.deepEqual(agent.raft.changeMembers(target, agent.now), { ok: true, index: 4 });
    agent.settle();
    return agent;
  }

  it("needs a majority of the voters before and of those after (thesis §4.3)", () => {
    const agent = joint();
    agent.acknowledge("b");
    agent.acknowledge("c");
    assert.deepEqual(agent.settle().committed, [], "the old voters alone");
    agent.acknowledge("d");
    assert.equal(agent.settle().committed.length, 1);
    const other = joint();
    other.acknowledge("d");
    other.acknowledge("e");
    assert.deepEqual(other.settle().committed, [], "the new voters alone");
    other.acknowledge("c");
    assert.equal(other.settle().committed.length, 1);
  });

  it("is left by the leader as soon as it is committed (thesis §4.3)", () => {
    const agent = joint();
    agent.acknowledge("b");
    agent.acknowledge("d");
    const ready = agent.settle();
    assert.deepEqual(
      ready.committed.map(({ index, kind }) => [index, kind]),
      [[4, 2]],
    );
    assert.deepEqual(agent.raft.configuration(), members(["a", "d", "e"]));
    assert.equal(agent.status.lastIndex, 5);
    agent.acknowledge("e");
    assert.deepEqual(
      agent.settle().committed.map(({ index }) => index),
      [5],
    );
  });

  it("is left by the next leader where the first could not", () => {
    const configuration = members(["a", "d", "e"], { outgoing: ["a", "b", "c"], autoLeave: true });
    const agent = new SubjectAgent({ log: [configurationEntry(1, 1, configuration)] });
    agent.timeOut();
    agent.settle();
    const grant = (type: "preVoteReply" | "voteReply", voter: string): void =>
      agent.step(voter, { type, term: 2, granted: true });
    for (const voter of ["b", "d"]) grant("preVoteReply", voter);
    agent.settle();
    for (const voter of ["b", "d"]) grant("voteReply", voter);
    agent.settle();
    assert.equal(agent.status.role, "leader");
    for (const peer of ["b", "d"]) agent.acknowledge(peer);
    agent.settle();
    assert.deepEqual(agent.raft.configuration(), members(["a", "d", "e"]));
  });

  it("is won in an election by majorities of both, and lost by either (thesis §4.3)", () => {
    const configuration = members(["a", "d", "e"], { outgoing: ["a", "b", "c"], autoLeave: true });
    const campaign = (): SubjectAgent => {
      const agent = new SubjectAgent({ log: [configurationEntry(1, 1, configuration)] });
      agent.timeOut();
      agent.settle();
      return agent;
    };
    const agent = campaign();
    for (const voter of ["b", "c"]) agent.step(voter, { type: "preVoteReply", term: 2, granted: true });
    agent.settle();
    assert.equal(agent.status.role, "preCandidate");
    agent.step("d", { type: "preVoteReply", term: 2, granted: true });
    agent.settle();
    assert.equal(agent.status.role, "candidate");
    const refused = campaign();
    for (const voter of ["d", "e"]) refused.step(voter, { type: "preVoteReply", term: 1, granted: false });
    refused.settle();
    assert.equal(refused.status.role, "follower");
  });
});
