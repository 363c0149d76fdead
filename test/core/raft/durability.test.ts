import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { MAX_COMMAND_BYTES } from "../../../server/core/raft/limits.ts";
import { bytes, entry, logOf, observed, only, SubjectAgent, types } from "./subject.ts";

describe("durability", () => {
  it("of entries comes before their acknowledgement (Figure 2)", () => {
    const agent = new SubjectAgent();
    agent.step("b", { type: "append", term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: [entry(1, 1, "x")] });
    const { persist, messages, messagesAfterPersist } = agent.turn();
    assert.deepEqual(persist, { id: 1, hardState: { term: 1, votedFor: "", commit: 0 }, entries: [entry(1, 1, "x")] });
    assert.deepEqual(messages, []);
    assert.deepEqual(types(messagesAfterPersist), ["appendReply>b"]);
    assert.equal(agent.status.durableIndex, 0);
    agent.sync();
    assert.equal(agent.status.durableIndex, 1);
  });

  it("of an acknowledgement of what is still being written waits with it, also without a batch of its own", () => {
    const agent = new SubjectAgent();
    const append = {
      type: "append",
      term: 1,
      prevIndex: 0,
      prevTerm: 0,
      commit: 0,
      entries: [entry(1, 1, "x")],
    } as const;
    agent.step("b", append);
    agent.turn();
    agent.step("b", append);
    const { persist, messages, messagesAfterPersist } = agent.turn();
    assert.equal(persist, undefined);
    assert.deepEqual(messages, []);
    assert.deepEqual(types(messagesAfterPersist), ["appendReply>b"]);
  });

  it("is asked for once for each entry, and numbers its batches from 1", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    const first = agent.turn().persist;
    agent.propose("y");
    const second = agent.turn().persist;
    assert.deepEqual(
      first?.entries.map(({ index }) => index),
      [2],
    );
    assert.deepEqual(
      second?.entries.map(({ index }) => index),
      [3],
    );
    assert.equal(second?.id, (first?.id ?? 0) + 1);
    assert.equal(agent.turn().persist, undefined);
  });

  it("of the commit index travels with other things, never alone", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x");
    agent.settle();
    agent.acknowledge("b");
    assert.equal(agent.turn().persist, undefined);
    agent.propose("y");
    assert.deepEqual(agent.turn().persist?.hardState, { term: 1, votedFor: "a", commit: 2 });
  });

  it("is not claimed for what was replaced while it was being written", () => {
    const agent = new SubjectAgent();
    agent.step("b", { type: "append", term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: logOf(1, 1, 1) });
    const first = agent.turn().persist;
    agent.step("c", { type: "append", term: 2, prevIndex: 1, prevTerm: 1, commit: 0, entries: [entry(2, 2, "other")] });
    const second = agent.turn().persist;
    assert.deepEqual(
      second?.entries.map(({ index, term }) => [index, term]),
      [[2, 2]],
    );
    agent.raft.persisted(first?.id ?? 0, agent.now);
    assert.equal(agent.status.durableIndex, 1);
    agent.raft.persisted(second?.id ?? 0, agent.now);
    assert.equal(agent.status.durableIndex, 2);
  });

  it("is not claimed for the same entries written again after having been replaced", () => {
    const agent = new SubjectAgent();
    const lost = [entry(1, 1, "x"), entry(2, 1, "y")];
    agent.step("b", { type: "append", term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: lost });
    const first = agent.turn().persist;
    agent.step("c", { type: "append", term: 2, prevIndex: 0, prevTerm: 0, commit: 0, entries: [entry(1, 2, "z")] });
    agent.turn();
    agent.step("b", { type: "append", term: 3, prevIndex: 0, prevTerm: 0, commit: 0, entries: lost });
    const third = agent.turn().persist;
    assert.equal(agent.status.lastIndex, 2);
    agent.raft.persisted(first?.id ?? 0, agent.now);
    assert.equal(agent.status.durableIndex, 0);
    agent.raft.persisted(third?.id ?? 0, agent.now);
    assert.equal(agent.status.durableIndex, 2);
  });

  it("falls back when durable entries are replaced", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 1) });
    agent.step("b", { type: "append", term: 2, prevIndex: 1, prevTerm: 1, commit: 0, entries: [entry(2, 2, "x")] });
    assert.equal(agent.status.durableIndex, 1);
  });

  it("of a batch covers all before it", () => {
    const agent = new SubjectAgent().lead();
    for (const text of ["x", "y", "z"]) {
      agent.propose(text);
      agent.turn();
    }
    agent.sync();
    assert.equal(agent.status.durableIndex, 4);
  });

  it("of a batch that was never taken is a contradiction", () => {
    assert.throws(() => new SubjectAgent().raft.persisted(1, 0), InvariantViolation);
  });
});

describe("a restart", () => {
  it("gives out what was committed before, once (commit is a hint)", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 2), hardState: { term: 2, commit: 2 } });
    assert.deepEqual(
      agent.settle().committed.map(({ index }) => index),
      [1, 2],
    );
    assert.deepEqual(agent.settle().committed, []);
    assert.equal(agent.status.durableIndex, 3);
  });

  it("takes a commit hint beyond the log for what it is", () => {
    const agent = new SubjectAgent({ log: logOf(1), hardState: { term: 2, commit: 9 } });
    assert.equal(agent.status.commit, 1);
  });

  it("from a torn batch that kept entries of a newer term is in that term, with no vote", () => {
    const agent = new SubjectAgent({ log: logOf(1, 4), hardState: { term: 1, votedFor: "b" } });
    assert.deepEqual([agent.status.term, agent.status.votedFor], [4, ""]);
  });

  it("from a log with gaps or falling terms is refused", () => {
    assert.throws(() => new SubjectAgent({ log: [entry(2, 1)] }), InvariantViolation);
    assert.throws(() => new SubjectAgent({ log: [entry(1, 1), entry(3, 1)] }), InvariantViolation);
    assert.throws(() => new SubjectAgent({ log: logOf(2, 1) }), InvariantViolation);
  });
});

describe("proposals", () => {
  it("get the leader's time in whole ms, never before the entry ahead of them", () => {
    const agent = new SubjectAgent({ log: [entry(1, 1, "x", 10_500)] }).lead();
    agent.now = 10_499.9;
    agent.propose("y");
    agent.now = 10_777.7;
    agent.propose("z");
    const times = agent.turn().persist?.entries.map(({ timeMs }) => timeMs);
    assert.deepEqual(times, [10_500, 10_777]);
  });

  it("are dropped, and said to be, where no leader is known", () => {
    const agent = new SubjectAgent();
    agent.propose("x", "y");
    assert.deepEqual(
      agent.settle().droppedProposals.map(({ command }) => command),
      [bytes("x"), bytes("y")],
    );
  });

  it("go from a follower to its leader, all of a turn in one message", () => {
    const agent = new SubjectAgent().follow("c", 4);
    agent.propose("x");
    agent.propose("y");
    const { messages, droppedProposals } = agent.settle();
    assert.deepEqual(messages, [
      { to: "c", message: { type: "forward", term: 4, commands: [bytes("x"), bytes("y")] } },
    ]);
    assert.deepEqual(droppedProposals, []);
  });

  it("go in several messages where they are many bytes", () => {
    const agent = new SubjectAgent({ config: { maxAppendBytes: 10 } }).follow("c");
    agent.propose("12345", "12345", "6", "longer than the limit", "7");
    const sizes = only(agent.settle().messages, "forward").map(({ commands }) => commands.map(({ length }) => length));
    assert.deepEqual(sizes, [[5, 5], [1], [21], [1]]);
  });

  it("follow a change of leader within the turn", () => {
    const agent = new SubjectAgent().follow("b", 1);
    agent.propose("x");
    agent.step("c", { type: "heartbeat", term: 2, commit: 0, round: 0 });
    assert.deepEqual(
      types(agent.settle().messages).filter((type) => type.startsWith("forward")),
      ["forward>c"],
    );
    agent.propose("y");
    agent.step("b", { type: "heartbeatReply", term: 3, round: 0 });
    assert.deepEqual(
      agent.settle().droppedProposals.map(({ command }) => command),
      [bytes("y")],
    );
  });

  it("that reach a leader from another agent are appended, also from one in an older term", () => {
    const agent = new SubjectAgent({ hardState: { term: 4 } }).lead();
    agent.step("b", { type: "forward", term: 3, commands: [bytes("x"), bytes("y")] });
    assert.equal(agent.turn().persist?.entries.length, 2);
  });

  it("that reach an agent which does not lead are dropped", () => {
    const agent = new SubjectAgent().follow("c", 1);
    agent.step("b", { type: "forward", term: 1, commands: [bytes("x")] });
    const ready = agent.settle();
    assert.deepEqual([ready.messages, ready.droppedProposals], [[], []]);
  });

  it("beyond the limit of uncommitted bytes are dropped until some commit", () => {
    const agent = new SubjectAgent({ config: { maxUncommittedBytes: 10 } }).lead();
    agent.propose("123456", "7890", "x", "y");
    assert.deepEqual(
      agent.settle().droppedProposals.map(({ command }) => command),
      [bytes("x"), bytes("y")],
    );
    agent.acknowledge("b");
    agent.settle();
    agent.propose("123456");
    assert.deepEqual(agent.settle().droppedProposals, []);
  });

  it("count against that limit in one leadership only", () => {
    const agent = new SubjectAgent({ config: { maxUncommittedBytes: 10 } }).lead();
    agent.propose("1234567890");
    agent.step("b", { type: "heartbeatReply", term: 2, round: 0 });
    agent.lead(false);
    agent.propose("1234567890");
    assert.deepEqual(agent.settle().droppedProposals, []);
  });

  it("larger than that limit are taken alone", () => {
    const agent = new SubjectAgent({ config: { maxUncommittedBytes: 10 } }).lead();
    agent.propose("larger than the limit", "x");
    assert.deepEqual(
      agent.settle().droppedProposals.map(({ command }) => command),
      [bytes("x")],
    );
    const follower = new SubjectAgent({ config: { maxUncommittedBytes: 10 } }).follow();
    follower.propose("larger than the limit", "x");
    assert.deepEqual(
      follower.settle().droppedProposals.map(({ command }) => command),
      [bytes("x")],
    );
  });
});

describe("a command that no message may carry", () => {
  it("is dropped when proposed, and the others go on", () => {
    const huge = new Uint8Array(MAX_COMMAND_BYTES + 1);
    for (const agent of [new SubjectAgent().lead(), new SubjectAgent().follow()]) {
      agent.raft.propose([huge, bytes("x")], agent.now);
      const { droppedProposals } = agent.settle();
      assert.deepEqual(
        droppedProposals.map(({ command, reason }) => [command.length, reason]),
        [[huge.length, "tooLarge"]],
      );
    }
  });
});

describe("a turn", () => {
  it("in which nothing happened is undefined", () => {
    const agent = new SubjectAgent();
    assert.equal(agent.raft.take(agent.now), undefined);
    agent.raft.tick(agent.now);
    assert.equal(agent.raft.take(agent.now), undefined);
  });

  it("tells what was appended as (from, to]", () => {
    const agent = new SubjectAgent().lead();
    agent.propose("x", "y");
    assert.deepEqual(observed(agent.turn(), "appended"), [{ type: "appended", term: 1, fromIndex: 1, toIndex: 3 }]);
  });

  it("leaves a status for people", () => {
    const agent = new SubjectAgent({ voters: ["c", "a", "b"] }).lead();
    agent.acknowledge("b");
    assert.deepEqual(agent.status, {
      id: "a",
      role: "leader",
      term: 1,
      leader: "a",
      votedFor: "a",
      commit: 1,
      lastIndex: 1,
      lastTerm: 1,
      durableIndex: 1,
      configuration: { voters: ["a", "b", "c"], outgoing: [], learners: [], learnersNext: [], autoLeave: false },
      configurationIndex: 0,
      snapshotIndex: 0,
      firstIndex: 1,
      transferringTo: "",
      followers: [
        { id: "b", learner: false, state: "replicate", match: 1, next: 2, inflight: 0, active: true },
        { id: "c", learner: false, state: "replicate", match: 1, next: 2, inflight: 0, active: true },
      ],
    });
  });
});
