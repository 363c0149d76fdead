import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";
import { entry, logOf, observed, only, SubjectAgent, types } from "./subject.ts";

describe("an election", () => {
  it("starts after a silence drawn from the election timeout (§5.2)", () => {
    const drawn = new Set<number>();
    const agent = new SubjectAgent().follow();
    for (let count = 0; count < 50; count++) {
      agent.step("b", { type: "heartbeat", term: 1, commit: 0, round: 0 });
      const silence = agent.raft.deadline() - agent.now;
      assert.ok(silence >= 100 && silence <= 200, `${silence} ms`);
      drawn.add(silence);
    }
    assert.ok(drawn.size > 40, "timeouts differ");
    agent.pass(99);
    assert.equal(agent.status.role, "follower");
    agent.pass(101);
    assert.equal(agent.status.role, "preCandidate");
  });

  it("first asks for pre-votes in the next term, and changes nothing by it (thesis §9.6)", () => {
    const agent = new SubjectAgent({ log: logOf(1, 2) });
    agent.timeOut();
    const { messages, persist, observations } = agent.turn();
    assert.deepEqual(messages, [
      { to: "b", message: { type: "preVote", term: 3, lastIndex: 2, lastTerm: 2 } },
      { to: "c", message: { type: "preVote", term: 3, lastIndex: 2, lastTerm: 2 } },
    ]);
    assert.equal(persist, undefined);
    assert.equal(agent.status.term, 2);
    assert.deepEqual(observations, [
      { type: "electionTimedOut", term: 2 },
      { type: "becamePreCandidate", term: 2 },
      { type: "voteReceived", term: 3, voter: "a", granted: true, pre: true, granters: 1, needed: 2 },
    ]);
  });

  it("raises the term and votes for itself once a majority would vote for it (§5.2)", () => {
    const agent = new SubjectAgent({ log: logOf(1) });
    agent.timeOut();
    agent.settle();
    agent.step("c", { type: "preVoteReply", term: 2, granted: true });
    const ready = agent.turn();
    assert.deepEqual(ready.persist?.hardState, { term: 2, votedFor: "a", commit: 0 });
    assert.deepEqual(ready.messages, []);
    assert.deepEqual(ready.messagesAfterPersist, [
      { to: "b", message: { type: "vote", term: 2, lastIndex: 1, lastTerm: 1, transfer: false } },
      { to: "c", message: { type: "vote", term: 2, lastIndex: 1, lastTerm: 1, transfer: false } },
    ]);
    assert.equal(agent.status.role, "candidate");
  });

  it("is won with a majority's votes, its own counting only once durable", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c", "d", "e"] });
    agent.timeOut();
    for (const peer of ["b", "c"]) agent.step(peer, { type: "preVoteReply", term: 1, granted: true });
    agent.turn();
    for (const peer of ["b", "c", "d"]) agent.step(peer, { type: "voteReply", term: 1, granted: true });
    assert.equal(agent.status.role, "candidate");
    agent.sync();
    assert.equal(agent.status.role, "leader");
    assert.deepEqual(observed(agent.turn(), "becameLeader"), [
      { type: "becameLeader", term: 1, votes: ["a", "b", "c", "d"] },
    ]);
  });

  it("is not won twice with one voter's vote", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c", "d", "e"] });
    agent.timeOut();
    for (const peer of ["b", "c"]) agent.step(peer, { type: "preVoteReply", term: 1, granted: true });
    agent.settle();
    for (let count = 0; count < 3; count++) agent.step("b", { type: "voteReply", term: 1, granted: true });
    assert.equal(agent.status.role, "candidate");
  });

  it("does not count the own vote when an earlier batch becomes durable", () => {
    const agent = new SubjectAgent();
    agent.step("b", { type: "append", term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: [entry(1, 1, "x")] });
    const earlier = agent.turn().persist;
    agent.timeOut();
    agent.step("c", { type: "preVoteReply", term: 2, granted: true });
    agent.turn();
    agent.raft.persisted(earlier?.id ?? 0, agent.now);
    assert.deepEqual(observed(agent.turn(), "voteReceived"), []);
    agent.sync();
    assert.deepEqual(
      observed(agent.turn(), "voteReceived").map(({ voter }) => voter),
      ["a"],
    );
  });

  it("does not count an answer to an earlier pre-vote, nor take back a grant for a late refusal", () => {
    const agent = new SubjectAgent({ voters: ["a", "b", "c", "d", "e"], hardState: { term: 5 } });
    agent.timeOut();
    agent.step("b", { type: "preVoteReply", term: 5, granted: true });
    agent.step("c", { type: "preVoteReply", term: 6, granted: true });
    assert.equal(agent.status.role, "preCandidate");
    agent.step("c", { type: "preVoteReply", term: 5, granted: false });
    agent.step("b", { type: "preVoteReply", term: 6, granted: true });
    assert.equal(agent.status.role, "candidate");
  });

  it("is not won with votes of another term or of a stranger", () => {
    const agent = new SubjectAgent({ hardState: { term: 4 } });
    agent.timeOut();
    agent.step("b", { type: "preVoteReply", term: 5, granted: true });
    agent.settle();
    agent.step("b", { type: "voteReply", term: 4, granted: true });
    agent.step("x", { type: "voteReply", term: 5, granted: true });
    assert.equal(agent.status.role, "candidate");
  });

  it("is over when a majority refuses", () => {
    const agent = new SubjectAgent({ hardState: { term: 1 } });
    agent.timeOut();
    agent.step("b", { type: "preVoteReply", term: 1, granted: false });
    assert.equal(agent.status.role, "preCandidate");
    agent.step("c", { type: "preVoteReply", term: 1, granted: false });
    assert.equal(agent.status.role, "follower");
    assert.equal(agent.status.term, 1);
    assert.ok(agent.raft.deadline() < Number.POSITIVE_INFINITY, "it will try again");
  });

  it("starts anew when it times out (§5.2)", () => {
    const agent = new SubjectAgent();
    agent.timeOut();
    agent.step("b", { type: "preVoteReply", term: 1, granted: true });
    agent.settle();
    assert.equal(agent.status.role, "candidate");
    agent.timeOut();
    assert.deepEqual(types(agent.settle().messages), ["preVote>b", "preVote>c"]);
    agent.step("b", { type: "preVoteReply", term: 2, granted: true });
    agent.settle();
    assert.equal(agent.status.term, 2);
  });

  it("is given up for a leader of the same term (§5.2)", () => {
    const agent = new SubjectAgent();
    agent.timeOut();
    agent.step("b", { type: "preVoteReply", term: 1, granted: true });
    agent.settle();
    agent.step("c", { type: "append", term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: [entry(1, 1)] });
    assert.deepEqual(observed(agent.settle(), "leaderKnown"), [{ type: "leaderKnown", term: 1, leader: "c" }]);
    assert.equal(agent.status.role, "follower");
  });

  it("of a single voter needs nobody", () => {
    const agent = new SubjectAgent({ voters: ["a"] });
    agent.timeOut();
    const { committed } = agent.settle();
    assert.equal(agent.status.role, "leader");
    assert.deepEqual(
      committed.map(({ index, term, kind }) => ({ index, term, kind })),
      [{ index: 1, term: 1, kind: 0 }],
    );
    assert.equal(agent.raft.deadline(), Number.POSITIVE_INFINITY);
  });

  it("once won, is told to all by a noop of the new term at once (§5.2, §8)", () => {
    const agent = new SubjectAgent({ log: logOf(1, 1) });
    agent.timeOut();
    agent.step("b", { type: "preVoteReply", term: 2, granted: true });
    agent.settle();
    agent.step("b", { type: "voteReply", term: 2, granted: true });
    const appends = only(agent.turn().messages, "append");
    assert.equal(appends.length, 2);
    for (const append of appends) {
      assert.equal(append.prevIndex, 2);
      assert.deepEqual(
        append.entries.map(({ index, term, kind }) => [index, term, kind]),
        [[3, 2, 0]],
      );
    }
  });
});

describe("a vote", () => {
  const request = (term: number, lastIndex: number, lastTerm: number): RaftMessage => ({
    type: "vote",
    term,
    lastIndex,
    lastTerm,
    transfer: false,
  });

  it("goes to one candidate a term, first come first served, and again to the same (§5.2)", () => {
    const agent = new SubjectAgent();
    agent.step("b", request(1, 0, 0));
    assert.deepEqual(agent.settle().messages, [{ to: "b", message: { type: "voteReply", term: 1, granted: true } }]);
    agent.step("c", request(1, 9, 1));
    const refused = agent.settle();
    assert.deepEqual(refused.messages, [{ to: "c", message: { type: "voteReply", term: 1, granted: false } }]);
    assert.deepEqual(observed(refused, "voteRefused"), [
      { type: "voteRefused", term: 1, candidate: "c", pre: false, reason: "alreadyVoted" },
    ]);
    agent.step("b", request(1, 0, 0));
    assert.deepEqual(agent.settle().messages, [{ to: "b", message: { type: "voteReply", term: 1, granted: true } }]);
  });

  it("is free again in a newer term (§5.2)", () => {
    const agent = new SubjectAgent({ hardState: { term: 1, votedFor: "b" } });
    agent.step("c", request(2, 0, 0));
    assert.deepEqual(agent.settle().messages, [{ to: "c", message: { type: "voteReply", term: 2, granted: true } }]);
  });

  it("is not given in a term that has a leader already", () => {
    const agent = new SubjectAgent().follow("b", 1);
    agent.now += 100;
    agent.step("c", request(1, 9, 1));
    assert.deepEqual(agent.settle().messages, [{ to: "c", message: { type: "voteReply", term: 1, granted: false } }]);
  });

  it("leaves only when it is durable", () => {
    const agent = new SubjectAgent();
    agent.step("b", request(1, 0, 0));
    const { persist, messages, messagesAfterPersist } = agent.turn();
    assert.deepEqual(persist?.hardState, { term: 1, votedFor: "b", commit: 0 });
    assert.deepEqual(messages, []);
    assert.deepEqual(types(messagesAfterPersist), ["voteReply>b"]);
  });

  it("is remembered over a restart", () => {
    const agent = new SubjectAgent({ hardState: { term: 3, votedFor: "b" } });
    agent.step("c", request(3, 5, 3));
    assert.deepEqual(agent.settle().messages, [{ to: "c", message: { type: "voteReply", term: 3, granted: false } }]);
  });

  // §5.4.1, Figure 7 of the paper in small: [own terms, candidate's last index, candidate's last term, granted].
  const table: readonly [number[], number, number, boolean][] = [
    [[], 0, 0, true],
    [[1], 0, 0, false],
    [[1], 1, 1, true],
    [[1], 2, 1, true],
    [[1, 1], 1, 1, false],
    [[1, 1], 1, 2, true],
    [[1, 2], 3, 1, false],
    [[2, 2, 2], 1, 3, true],
  ];
  for (const [terms, lastIndex, lastTerm, granted] of table) {
    for (const type of ["vote", "preVote"] as const) {
      it(`with the log [${terms}] is ${granted ? "given" : "refused"} to a ${type} at ${lastIndex}/${lastTerm} (§5.4.1)`, () => {
        const agent = new SubjectAgent({ log: logOf(...terms) });
        agent.step("b", candidacy(type, { term: 9, lastIndex, lastTerm }));
        const ready = agent.settle();
        const [reply] = ready.messages;
        assert.ok(reply?.message.type === "voteReply" || reply?.message.type === "preVoteReply");
        assert.deepEqual([reply.message.type, reply.message.granted], [`${type}Reply`, granted]);
        assert.deepEqual(
          observed(ready, "voteRefused").map(({ reason }) => reason),
          granted ? [] : ["logBehind"],
        );
        assert.equal(agent.status.term, type === "vote" ? 9 : (terms.at(-1) ?? 0));
      });
    }
  }

  it("is refused to an older term, with the newer one (§5.1)", () => {
    for (const type of ["vote", "preVote"] as const) {
      const agent = new SubjectAgent({ hardState: { term: 5 } });
      agent.step("b", candidacy(type, { term: 4, lastIndex: 9, lastTerm: 4 }));
      const ready = agent.settle();
      assert.deepEqual(ready.messages, [{ to: "b", message: { type: `${type}Reply`, term: 5, granted: false } }]);
      assert.equal(observed(ready, "voteRefused")[0]?.reason, "oldTerm");
    }
  });

  it("puts off the own election, a pre-vote does not (§5.2)", () => {
    const agent = new SubjectAgent();
    const deadline = agent.raft.deadline();
    agent.now = deadline - 1;
    agent.step("b", { type: "preVote", term: 1, lastIndex: 0, lastTerm: 0 });
    assert.equal(agent.raft.deadline(), deadline);
    agent.step("b", request(1, 0, 0));
    assert.ok(agent.raft.deadline() >= agent.now + 100);
  });

  it("is not even heard while a leader was heard of within the least election timeout (thesis §4.2.3)", () => {
    for (const type of ["vote", "preVote"] as const) {
      const agent = new SubjectAgent().follow("b", 1);
      agent.now += 99;
      agent.step("c", candidacy(type, { term: 7, lastIndex: 9, lastTerm: 6 }));
      const ready = agent.settle();
      assert.deepEqual(ready.messages, []);
      assert.deepEqual(observed(ready, "voteRefused"), [
        { type: "voteRefused", term: 7, candidate: "c", pre: type === "preVote", reason: "leaderAlive" },
      ]);
      assert.equal(agent.status.term, 1);
      agent.now += 1;
      agent.step("c", candidacy(type, { term: 7, lastIndex: 9, lastTerm: 6 }));
      assert.deepEqual(types(agent.settle().messages), [`${type}Reply>c`]);
    }
  });

  it("is not heard by a leader (thesis §4.2.3)", () => {
    const agent = new SubjectAgent().lead();
    agent.step("c", { type: "vote", term: 7, lastIndex: 9, lastTerm: 6, transfer: false });
    assert.deepEqual(agent.settle().messages, []);
    assert.equal(agent.status.role, "leader");
  });

  it("may be asked for in this term before anybody leads it, by pre-vote too (thesis §9.6)", () => {
    const agent = new SubjectAgent({ hardState: { term: 5 } });
    agent.step("b", { type: "preVote", term: 5, lastIndex: 0, lastTerm: 0 });
    assert.deepEqual(agent.settle().messages, [{ to: "b", message: { type: "preVoteReply", term: 5, granted: true } }]);
  });
});

describe("a term", () => {
  it("that is newer makes a leader and a candidate follow (§5.1)", () => {
    const newer: readonly RaftMessage[] = [
      { type: "append", term: 9, prevIndex: 0, prevTerm: 0, commit: 0, entries: [] },
      { type: "heartbeat", term: 9, commit: 0, round: 1 },
      { type: "appendReply", term: 9, accepted: false, index: 0, hintTerm: 0 },
      { type: "heartbeatReply", term: 9, round: 0 },
      { type: "voteReply", term: 9, granted: false },
      { type: "preVoteReply", term: 9, granted: false },
      { type: "forward", term: 9, commands: [] },
      { type: "readIndex", term: 9, readIds: [] },
      { type: "readIndexReply", term: 9, readIds: [], index: 0 },
    ];
    for (const message of newer) {
      const leader = new SubjectAgent().lead();
      leader.step("b", message);
      assert.equal(leader.status.role, "follower", message.type);
      assert.equal(leader.status.term, 9, message.type);
      assert.equal(leader.status.leader, message.type === "append" || message.type === "heartbeat" ? "b" : "");
      assert.deepEqual(observed(leader.settle(), "steppedDown"), [
        { type: "steppedDown", term: 1, reason: "higherTerm" },
      ]);
    }
  });

  it("of a granted pre-vote is not entered by anybody (thesis §9.6)", () => {
    const agent = new SubjectAgent().follow("b", 1);
    agent.step("c", { type: "preVoteReply", term: 9, granted: true });
    assert.equal(agent.status.term, 1);
  });

  it("that is older is answered with the newer one where its sender could lead (§5.1)", () => {
    const agent = new SubjectAgent({ hardState: { term: 5 } });
    agent.step("b", { type: "append", term: 4, prevIndex: 0, prevTerm: 0, commit: 0, entries: [entry(1, 4, "x")] });
    agent.step("b", { type: "heartbeat", term: 4, commit: 0, round: 7 });
    assert.deepEqual(agent.settle().messages, [
      { to: "b", message: { type: "appendReply", term: 5, accepted: false, index: 0, hintTerm: 0 } },
      { to: "b", message: { type: "heartbeatReply", term: 5, round: 0 } },
    ]);
    assert.equal(agent.status.lastIndex, 0);
    assert.equal(agent.status.leader, "");
  });

  it("with two leaders is a broken promise, and stops the agent (§5.2)", () => {
    const leader = new SubjectAgent().lead();
    assert.throws(() => leader.step("b", { type: "heartbeat", term: 1, commit: 0, round: 0 }), InvariantViolation);
    const follower = new SubjectAgent().follow("b", 1);
    assert.throws(() => follower.step("c", { type: "heartbeat", term: 1, commit: 0, round: 0 }), InvariantViolation);
  });
});

describe("a leader", () => {
  it("sends heartbeats to all at its interval (§5.2)", () => {
    const agent = new SubjectAgent().lead();
    for (let beat = 0; beat < 3; beat++) {
      const before = agent.now;
      agent.timeOut();
      assert.ok(agent.now - before <= 20);
      assert.deepEqual(types(agent.settle().messages), ["heartbeat>b", "heartbeat>c"]);
      for (const peer of ["b", "c"]) agent.step(peer, { type: "heartbeatReply", term: 1, round: 0 });
    }
  });

  it("steps down after an election timeout without a quorum (thesis §6.2)", () => {
    const agent = new SubjectAgent().lead();
    agent.pass(199);
    assert.equal(agent.status.role, "leader");
    agent.pass(1);
    assert.equal(agent.status.role, "follower");
    assert.equal(agent.status.leader, "");
    assert.equal(agent.status.term, 1);
    assert.deepEqual(observed(agent.settle(), "steppedDown"), [{ type: "steppedDown", term: 1, reason: "quorumLost" }]);
  });

  it("stays as long as a quorum is heard of, itself included", () => {
    const agent = new SubjectAgent().lead();
    for (let count = 0; count < 10; count++) {
      agent.pass(150);
      agent.step("c", { type: "heartbeatReply", term: 1, round: 0 });
    }
    assert.equal(agent.status.role, "leader");
    assert.deepEqual(
      agent.status.followers.map(({ id, active }) => [id, active]),
      [
        ["b", false],
        ["c", true],
      ],
    );
  });
});

describe("a configuration", () => {
  it("that cannot work is refused", () => {
    const cases: readonly [object, RegExp][] = [
      [{ clockDriftBound: 0.9 }, /clockDriftBound/],
      [{ maxSnapshotChunkBytes: 2 ** 21 }, /maxSnapshotChunkBytes/],
      [{ keepEntries: -1 }, /keepEntries/],
      [{ maxInflightBytes: 0 }, /maxInflightBytes/],
      [{ voters: ["a", "b", "b"] }, /twice/],
      [{ voters: ["a", ""] }, /empty id/],
      [{ voters: ["a", "é".repeat(128)] }, /longer than 255 bytes/],
      [{ heartbeatMs: 100 }, /heartbeatMs/],
      [{ heartbeatMs: 0 }, /heartbeatMs/],
      [{ electionTimeoutMaxMs: 99 }, /electionTimeoutMaxMs/],
      [{ maxInflightAppends: 0 }, /maxInflightAppends/],
      [{ maxAppendBytes: 1.5 }, /maxAppendBytes/],
      [{ maxUncommittedBytes: Number.NaN }, /maxUncommittedBytes/],
      [{ commitNoticeMs: -1 }, /commitNoticeMs/],
      [{ commitNoticeMs: 21 }, /commitNoticeMs/],
    ];
    for (const [config, expected] of cases)
      assert.throws(
        () => new SubjectAgent({ config }),
        (error) => error instanceof RangeError && expected.test(error.message),
      );
  });
});

/** A request for a vote, or for a word whether there would be one. */
function candidacy(
  type: "vote" | "preVote",
  claim: { readonly term: number; readonly lastIndex: number; readonly lastTerm: number },
): RaftMessage {
  return type === "vote" ? { type, ...claim, transfer: false } : { type, ...claim };
}
