import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";
import { entry, logOf, only, SubjectAgent, types } from "./subject.ts";

describe("a follower's log", () => {
  const append = (prevIndex: number, prevTerm: number, terms: readonly number[], commit = 0): RaftMessage => ({
    type: "append",
    term: 5,
    prevIndex,
    prevTerm,
    commit,
    entries: terms.map((term, at) => entry(prevIndex + 1 + at, term, `${prevIndex + 1 + at}`)),
  });

  // [name, own terms, append, resulting terms, acknowledged index (or -1: refused, hint)]
  const table: readonly [string, number[], RaftMessage, number[], number | [number, number]][] = [
    ["takes entries at its end", [1], append(1, 1, [2, 3]), [1, 2, 3], 3],
    ["takes the first entries", [], append(0, 0, [1]), [1], 1],
    ["takes nothing of an empty append that fits", [1, 2], append(1, 1, []), [1, 2], 1],
    ["keeps what it has, also beyond a late append", [1, 2, 2], append(1, 1, [2]), [1, 2, 2], 2],
    ["takes only what is new of an overlapping append", [1, 2], append(0, 0, [1, 2, 2]), [1, 2, 2], 3],
    ["replaces what conflicts and all after it", [1, 2, 2, 2], append(1, 1, [3]), [1, 3], 2],
    ["replaces from the first conflict", [1, 2, 3, 3], append(1, 1, [2, 4, 4, 4]), [1, 2, 4, 4, 4], 5],
    ["refuses what does not follow on it, with its end as a hint", [1, 2], append(5, 3, [4]), [1, 2], [2, 2]],
    [
      "refuses a conflicting predecessor, hinting before its term",
      [1, 3, 3, 3],
      append(3, 2, [4]),
      [1, 3, 3, 3],
      [1, 1],
    ],
    ["refuses an older predecessor, hinting before it", [1, 1, 2], append(3, 3, [4]), [1, 1, 2], [2, 1]],
    ["refuses from nothing", [], append(3, 2, [4]), [], [0, 0]],
    ["refuses, hinting below terms that the leader cannot have there", [1, 3, 3], append(7, 2, []), [1, 3, 3], [1, 1]],
  ];
  for (const [name, terms, message, expected, answer] of table) {
    it(`${name} (§5.3)`, () => {
      const agent = new SubjectAgent({ log: logOf(...terms), hardState: { term: 5 } });
      agent.step("b", message);
      const { persist } = agent.turn();
      const kept = terms.slice(0, (persist?.entries[0]?.index ?? terms.length + 1) - 1);
      assert.deepEqual([...kept, ...(persist?.entries.map(({ term }) => term) ?? [])], expected);
      assert.equal(agent.status.lastIndex, expected.length);
      const again = new SubjectAgent({ log: logOf(...terms), hardState: { term: 5 } });
      again.step("b", message);
      const [reply] = only(again.settle().messages, "appendReply");
      if (typeof answer === "number") assert.deepEqual([reply?.accepted, reply?.index], [true, answer]);
      else assert.deepEqual([reply?.accepted, reply?.index, reply?.hintTerm], [false, ...answer]);
    });
  }

  it("tells what was replaced", () => {
    const agent = new SubjectAgent({ log: logOf(1, 2, 2), hardState: { term: 5 } });
    agent.step("b", append(1, 1, [3]));
    assert.deepEqual(agent.settle().observations.slice(-2), [
      { type: "truncated", term: 5, fromIndex: 1, toIndex: 3 },
      { type: "appended", term: 5, fromIndex: 1, toIndex: 2 },
    ]);
  });

  it("commits what the leader says, as far as that append reaches (§5.3)", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 1, 1), hardState: { term: 5 } });
    agent.step("b", append(1, 1, [1], 9));
    assert.deepEqual(
      agent.settle().committed.map(({ index }) => index),
      [1, 2],
    );
    agent.step("b", append(1, 1, [], 1));
    assert.deepEqual(agent.settle().committed, [], "never backwards");
  });

  it("is not acknowledged again for a mere commit, but for an append that asks (§5.3)", () => {
    const agent = new SubjectAgent({ hardState: { term: 5 } });
    const answers = (message: RaftMessage): number => {
      agent.step("b", message);
      return only(agent.settle().messages, "appendReply").length;
    };
    assert.equal(answers(append(0, 0, [1, 1])), 1);
    assert.equal(answers(append(2, 1, [], 1)), 0);
    assert.equal(agent.status.commit, 1);
    assert.equal(answers(append(2, 1, [], 1)), 1);
    agent.step("c", { type: "heartbeat", term: 6, commit: 1, round: 0 });
    const { messages } = agent.settle();
    assert.deepEqual(types(messages), ["heartbeatReply>c"]);
    agent.step("c", { type: "append", term: 6, prevIndex: 2, prevTerm: 1, commit: 2, entries: [] });
    assert.deepEqual(types(agent.settle().messages), ["appendReply>c"], "a new leader has not heard it yet");
    const restarted = new SubjectAgent({ log: logOf(1), hardState: { term: 5 } });
    restarted.step("b", append(1, 1, [], 1));
    assert.deepEqual(types(restarted.settle().messages), ["appendReply>b"], "nor has one after a restart");
  });

  it("commits what a heartbeat says", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 1) }).follow("b", 1);
    agent.step("b", { type: "heartbeat", term: 1, commit: 2, round: 3 });
    const ready = agent.settle();
    assert.deepEqual(
      ready.committed.map(({ index }) => index),
      [1, 2],
    );
    assert.deepEqual(ready.messages, [{ to: "b", message: { type: "heartbeatReply", term: 1, round: 3 } }]);
  });

  it("acknowledges once a turn, for all that came in it", () => {
    const agent = new SubjectAgent({ hardState: { term: 5 } });
    agent.step("b", append(0, 0, [1]));
    agent.step("b", append(1, 1, [2, 2]));
    const { messagesAfterPersist } = agent.turn();
    assert.deepEqual(messagesAfterPersist, [
      { to: "b", message: { type: "appendReply", term: 5, accepted: true, index: 3, hintTerm: 0 } },
    ]);
  });

  it("acknowledges to a new leader nothing that the old one sent", () => {
    const agent = new SubjectAgent({ hardState: { term: 5 } });
    agent.step("b", append(0, 0, [1]));
    agent.step("c", { type: "heartbeat", term: 6, commit: 0, round: 0 });
    assert.deepEqual(agent.turn().messagesAfterPersist, []);
    agent.step("c", { type: "append", term: 6, prevIndex: 0, prevTerm: 0, commit: 0, entries: [entry(1, 2)] });
    assert.deepEqual(
      agent.turn().messagesAfterPersist.map(({ to }) => to),
      ["c"],
    );
  });

  it("stops the agent rather than replace what is committed", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1, 1), hardState: { term: 5, commit: 2 } });
    agent.settle();
    assert.throws(() => agent.step("b", append(1, 1, [2])), InvariantViolation);
    const other = new SubjectAgent({ log: logOf(1, 1, 1), hardState: { term: 5, commit: 2 } });
    assert.throws(() => other.step("b", append(2, 3, [3])), InvariantViolation);
  });

  it("stops the agent when what it acknowledged is gone", () => {
    const agent = new SubjectAgent({ log: logOf(1) }).follow("b", 1);
    assert.throws(() => agent.step("b", { type: "heartbeat", term: 1, commit: 2, round: 0 }), InvariantViolation);
  });

  it("ignores appends that no leader sends", () => {
    const nonsense: RaftMessage[] = [
      { type: "append", term: 5, prevIndex: 1, prevTerm: 1, commit: 0, entries: [entry(3, 1, "x")] },
      { type: "append", term: 5, prevIndex: 1, prevTerm: 1, commit: 0, entries: [entry(2, 3, "x"), entry(3, 2, "y")] },
      { type: "append", term: 5, prevIndex: 1, prevTerm: 1, commit: 0, entries: [entry(2, 6, "x")] },
      { type: "append", term: 5, prevIndex: 9, prevTerm: 6, commit: 0, entries: [] },
    ];
    for (const message of nonsense) {
      const agent = new SubjectAgent({ log: logOf(1), hardState: { term: 5 } });
      agent.step("b", message);
      const ready = agent.settle();
      assert.deepEqual(ready.messages, []);
      assert.equal(agent.status.lastIndex, 1);
    }
  });

  it("ignores a stranger's answers, and follows a leader that it does not know as a member yet (thesis §4.1)", () => {
    const agent = new SubjectAgent();
    agent.step("x", { type: "appendReply", term: 9, accepted: true, index: 0, hintTerm: 0 });
    assert.equal(agent.raft.take(agent.now), undefined);
    assert.equal(agent.status.term, 0);
    agent.step("x", append(0, 0, [1]));
    agent.settle();
    assert.deepEqual([agent.status.leader, agent.status.lastIndex], ["x", 1]);
  });
});
