import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { EVERYBODY } from "../../../server/core/consensus.ts";
import { MAX_COMMAND_BYTES } from "../../../server/core/gossip/limits.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { only, operation, START_MS, START_STAMP, SubjectAgent } from "./subject.ts";

describe("an agent that gossips", () => {
  it("gives out its own command when that is durable, and tells of it only then", () => {
    const a = new SubjectAgent();
    a.propose("x");
    const first = a.take();
    assert.deepEqual(first?.messages, []);
    assert.deepEqual(first?.committed, []);
    assert.deepEqual(
      only(first?.messagesAfterPersist ?? [], "rumour")
        .map(({ to }) => to)
        .toSorted(),
      ["b", "c"],
    );
    assert.equal(a.take(), undefined);
    a.sync(first as NonNullable<typeof first>);
    const then = a.take();
    assert.deepEqual(
      then?.committed.map(({ index, term, timeMs }) => ({ index, term, timeMs })),
      [{ index: 1, term: START_STAMP, timeMs: START_MS }],
    );
    assert.deepEqual(a.given, ["x"]);
    assert.deepEqual(then?.observations, [{ type: "committed", term: 0, fromIndex: 0, toIndex: 1, acks: ["a"] }]);
  });

  it("numbers its operations from 1, on through restarts, and stamps them with rising µs", () => {
    const a = new SubjectAgent();
    a.propose("x", "y");
    const [{ message } = assert.fail("a rumour")] = only(a.settle().messages, "rumour");
    assert.deepEqual(
      message.rumours.map(({ operation: { origin, seq, stamp, deps }, hops }) => ({ origin, seq, stamp, deps, hops })),
      [
        { origin: 0, seq: 1, stamp: START_STAMP, deps: [], hops: 1 },
        { origin: 0, seq: 2, stamp: START_STAMP + 1, deps: [], hops: 1 },
      ],
    );
    a.now -= 500;
    a.restart();
    a.settle();
    assert.deepEqual(a.given, ["x", "y"]);
    a.propose("z");
    const [again] = only(a.settle().messages, "rumour")[0]?.message.rumours ?? [];
    assert.equal(again?.operation.seq, 3);
    assert.equal(again?.operation.stamp, START_STAMP + 2);
  });

  it("says what an operation depends on by what has changed since its last one, and all after a restart", () => {
    const a = new SubjectAgent();
    const depsOf = (proposed: string): unknown => {
      a.propose(proposed);
      return only(a.settle().messages, "rumour")[0]?.message.rumours[0]?.operation.deps;
    };
    a.rumour("b", operation(1, 1), operation(1, 2));
    a.settle();
    assert.deepEqual(depsOf("x"), [{ member: 1, seq: 2 }]);
    a.rumour("c", operation(2, 1));
    a.settle();
    assert.deepEqual(depsOf("y"), [{ member: 2, seq: 1 }]);
    assert.deepEqual(depsOf("z"), []);
    a.restart();
    a.settle();
    assert.deepEqual(depsOf("w"), [
      { member: 1, seq: 2 },
      { member: 2, seq: 1 },
    ]);
  });

  it("gives out each operation once, after all that it depends on", () => {
    const a = new SubjectAgent();
    const answer = operation(2, 1, 9, [[1, 2]]);
    a.rumour("c", answer);
    a.rumour("b", operation(1, 2));
    a.settle();
    assert.deepEqual(a.given, []);
    assert.equal(a.status.gossip.waiting, 2);
    a.rumour("b", operation(1, 1));
    a.rumour("c", answer);
    a.settle();
    assert.deepEqual(a.given, ["1 1", "1 2", "2 1"]);
    a.rumour("b", answer, operation(1, 1));
    a.delta("b", answer);
    assert.deepEqual(
      a.settle().readies.flatMap(({ committed }) => committed),
      [],
    );
    assert.equal(a.status.gossip.waiting, 0);
  });

  it("tells others of what it hears by rumour, with one more hop, and of what it gets by anti-entropy nobody", () => {
    const a = new SubjectAgent({ members: ["a", "b", "c", "d", "e"] });
    a.rumour("b", operation(1, 1));
    const told = only(a.settle().messages, "rumour");
    // Whom it knows to have it already is not told.
    assert.deepEqual(
      told.filter(({ to }) => to === "b"),
      [],
    );
    assert.ok(told.every(({ message }) => message.rumours[0]?.hops === 2));
    a.delta("b", operation(1, 2));
    assert.deepEqual(only(a.settle().messages, "rumour"), []);
  });

  it("gives what it issues to everybody where it is set to broadcast, once durable, and has rumours go on as rumours", () => {
    const a = new SubjectAgent({ broadcasts: true });
    a.propose("x", "y");
    const first = a.take();
    assert.deepEqual(first?.messages, []);
    const [told, ...more] = only(first?.messagesAfterPersist ?? [], "rumour");
    assert.deepEqual([told?.to, told?.message.rumours.length, more], [EVERYBODY, 2, []]);
    assert.equal(a.take(), undefined, "once");
    a.sync(first as NonNullable<typeof first>);
    a.rumour("b", operation(1, 1));
    assert.deepEqual(
      only(a.settle().messages, "rumour").map(({ to }) => to),
      ["c"],
    );
  });

  it("takes a broadcast as what its origin has, does not pass it on, and does not hold whoever did to have it on its disk", () => {
    const a = new SubjectAgent({ members: ["a", "b", "c", "d"] });
    a.broadcast("b", "c", 3, operation(1, 1));
    const { messages, readies } = a.settle();
    assert.deepEqual(only(messages, "rumour"), []);
    assert.deepEqual(a.given, ["1 1"]);
    assert.deepEqual(
      readies.flatMap(({ observations }) => observations.filter(({ type }) => type === "rumourHeard")),
      [{ type: "rumourHeard", from: "c", origin: "b", seq: 1, operations: 1, hops: 3 }],
    );
    assert.equal(a.status.gossip.sameVector, 2, "itself and the origin");
    assert.ok(a.status.gossip.agreement < 0.5, "nobody knows how many have heard");
    a.rumour("c", operation(1, 1));
    assert.equal(a.status.gossip.sameVector, 3);
    a.broadcast("b", "c", 1, operation(2, 1));
    a.settle();
    assert.deepEqual(a.given, ["1 1"], "what somebody else issued is not its to broadcast");
  });

  it("holds an operation back whose stamp is further ahead than its clock may be off, and its clock is not dragged by it", () => {
    const a = new SubjectAgent({ maxAheadMs: 1000 });
    a.rumour("b", operation(1, 1, 1_500_000));
    assert.deepEqual(a.settle().observations[0], { type: "heldBack", origin: "b", seq: 1, aheadMs: 1500 });
    assert.deepEqual(a.given, []);
    a.propose("x");
    a.settle();
    assert.equal(a.status.lastTerm, START_STAMP);
    assert.ok(a.gossip.deadline() <= START_MS + 500);
    a.now = START_MS + 500;
    a.gossip.tick(a.now);
    a.settle();
    assert.deepEqual(a.given, ["x", "1 1"]);
    a.propose("y");
    a.settle();
    assert.equal(a.status.lastTerm, START_STAMP + 1_500_001);
  });

  it("keeps no more waiting than it has room for, and goes on all the same", () => {
    const a = new SubjectAgent({ maxWaitingBytes: 150 });
    a.rumour("b", operation(1, 4), operation(1, 3), operation(1, 2));
    assert.equal(a.status.gossip.waiting, 2);
    a.delta("b", operation(1, 1), operation(1, 2), operation(1, 3), operation(1, 4));
    a.settle();
    assert.deepEqual(a.given, ["1 1", "1 2", "1 3", "1 4"]);
    assert.equal(a.status.gossip.waiting, 0);
  });

  it("answers a digest with a digest and with what its sender lacks, in causal order, and an answer with the latter alone", () => {
    const a = new SubjectAgent();
    a.rumour("c", operation(2, 1));
    a.propose("x");
    a.settle();
    a.digest("b", [0, 0, 0], { answer: false });
    const asked = a.settle().messages;
    assert.deepEqual(
      only(asked, "digest").map(({ to, message }) => [to, message.answer, message.have]),
      [["b", true, [1, 0, 1]]],
    );
    assert.deepEqual(
      only(asked, "delta")[0]?.message.operations.map(({ origin }) => origin),
      [2, 0],
    );
    a.digest("b", [1, 0, 0]);
    const answered = a.settle().messages;
    assert.deepEqual(only(answered, "digest"), []);
    assert.deepEqual(
      only(answered, "delta")[0]?.message.operations.map(({ origin }) => origin),
      [2],
    );
    a.digest("b", [1, 0, 1]);
    assert.deepEqual(a.settle().messages, []);
  });

  it("sends what lacks in parts, each when the one before has arrived", () => {
    const a = new SubjectAgent({ maxMessageOperations: 2 });
    a.propose("x", "y", "z");
    a.settle();
    a.digest("b", [0, 0, 0]);
    assert.deepEqual(
      only(a.settle().messages, "delta")[0]?.message.operations.map(({ seq }) => seq),
      [1, 2],
    );
    a.digest("b", [2, 0, 0]);
    assert.deepEqual(
      only(a.settle().messages, "delta")[0]?.message.operations.map(({ seq }) => seq),
      [3],
    );
  });

  it("answers a delta that brought something with a digest, and one that did not with nothing", () => {
    const a = new SubjectAgent();
    a.delta("b", operation(1, 1));
    const [digest] = only(a.settle().messages, "digest");
    assert.deepEqual(digest?.message.have, [0, 1, 0]);
    assert.equal(digest?.message.answer, true);
    a.delta("b", operation(1, 1), operation(1, 3));
    assert.deepEqual(a.settle().messages, []);
  });

  it("asks each peer once before it asks one again", () => {
    const members = ["a", "b", "c", "d", "e"];
    const a = new SubjectAgent({ members });
    for (let lap = 0; lap < 5; lap++) {
      const asked: string[] = [];
      for (let round = 1; round < members.length; round++) {
        a.timeOut();
        asked.push(...only(a.settle().messages, "digest").map(({ to }) => to));
      }
      assert.deepEqual(asked.toSorted(), ["b", "c", "d", "e"]);
    }
  });

  it("knows that all have everything by what they say themselves, and by what is said of them", () => {
    const a = new SubjectAgent();
    a.propose("x");
    a.settle();
    assert.deepEqual([a.status.gossip.sameVector, a.status.gossip.behind, a.status.gossip.convergedAtMs], [1, 1, null]);
    a.now += 5;
    a.digest("b", [1, 0, 0], { complete: [2] });
    const { observations } = a.settle();
    assert.deepEqual(observations, [{ type: "converged", members: 3, operations: 1 }]);
    const { sameVector, behind, convergedAtMs, agreement } = a.status.gossip;
    assert.deepEqual([sameVector, behind, convergedAtMs, agreement], [3, 0, START_MS + 5, 1]);
    a.propose("y");
    a.settle();
    assert.equal(a.status.gossip.sameVector, 1);
    assert.ok(a.status.gossip.agreement < 1);
    // What was heard of before says nothing of what is new.
    a.digest("b", [1, 0, 0], { complete: [2] });
    a.settle();
    assert.deepEqual([a.status.gossip.sameVector, a.status.gossip.agreement], [1, 0]);
  });

  it("takes agreement to be the more probable the more rounds have passed, and gives none while somebody does not answer", () => {
    const members = Array.from({ length: 12 }, (_, at) => `m${at}`).concat("a");
    const a = new SubjectAgent({ members, antiEntropyMs: 100 });
    a.propose("x");
    a.settle();
    const probable: number[] = [a.status.gossip.agreement];
    for (let round = 0; round < 4; round++) {
      a.timeOut();
      const [asked] = only(a.settle().messages, "digest");
      a.digest(asked?.to ?? "", [1, ...members.slice(1).map(() => 0)]);
      a.settle();
      probable.push(a.status.gossip.agreement);
    }
    assert.deepEqual(
      probable,
      probable.toSorted((one, other) => one - other),
    );
    assert.ok((probable[0] as number) < 0.5 && (probable.at(-1) as number) > 0.99 && (probable.at(-1) as number) < 1);
    a.timeOut();
    a.settle();
    a.now += 101;
    a.gossip.tick(a.now);
    assert.equal(a.status.gossip.agreement, 0);
  });

  it("answers a read at once, with what it has given out", () => {
    const a = new SubjectAgent();
    a.gossip.read(7, a.now);
    assert.deepEqual(a.take()?.reads, [{ readId: 7, index: 0 }]);
    a.propose("x");
    a.settle();
    a.gossip.read(8, a.now);
    assert.deepEqual(a.take()?.reads, [{ readId: 8, index: 1 }]);
  });

  it("has the members it began with, and no leader", () => {
    const a = new SubjectAgent({ members: ["c", "a", "b"] });
    assert.deepEqual(a.gossip.transferLeadership(), { ok: false, reason: "notLeader" });
    assert.deepEqual(a.gossip.configuration().voters, ["a", "b", "c"]);
    const { role, leader, term, followers } = a.status;
    assert.deepEqual({ role, leader, term, followers }, { role: "peer", leader: "", term: 0, followers: [] });
  });

  it("refuses a command that is too large, and takes the largest that there may be", () => {
    const a = new SubjectAgent();
    const [large, largest] = [new Uint8Array(MAX_COMMAND_BYTES + 1), new Uint8Array(MAX_COMMAND_BYTES)];
    a.gossip.propose([large, largest], a.now);
    assert.deepEqual(a.take()?.droppedProposals, [{ command: large, reason: "tooLarge" }]);
    assert.equal(a.status.lastIndex, 1);
  });

  it("takes no more commands once twice as much waits for others as it keeps for them, until they have caught up", () => {
    const a = new SubjectAgent({ retainBytes: 100 });
    a.propose("x", "y", "z", "w", "v");
    const { readies } = a.settle();
    assert.deepEqual(
      readies[0]?.droppedProposals.map(({ reason }) => reason),
      ["tooManyUncommitted"],
    );
    a.compact();
    a.digest("b", [4, 0, 0], { complete: [2] });
    a.settle();
    a.propose("w");
    assert.deepEqual(
      a.settle().readies.flatMap(({ droppedProposals }) => droppedProposals),
      [],
    );
  });

  it("listens to nobody who is no member, has other members, or speaks of members that there are not", () => {
    const a = new SubjectAgent();
    const rumours = [{ operation: operation(1, 1), hops: 1 }];
    a.gossip.step("z", { type: "rumour", roster: a.roster, rumours }, a.now);
    a.gossip.step("a", { type: "rumour", roster: a.roster, rumours }, a.now);
    a.gossip.step("b", { type: "rumour", roster: a.roster + 1, rumours }, a.now);
    a.rumour("b", operation(3, 1), operation(1, 1, 1, [[3, 1]]));
    a.digest("b", [0, 0, 0, 0], { answer: false });
    a.digest("b", [0, 0], { answer: false });
    a.digest("b", [0, 0, 0], { complete: [9] });
    assert.deepEqual(a.settle().messages, []);
    assert.equal(a.status.lastIndex, 0);
  });

  it("stops when others have of it what its disk has forgotten", () => {
    for (const tells of [
      (a: SubjectAgent) => a.digest("b", [1, 0, 0]),
      (a: SubjectAgent) => a.rumour("b", operation(0, 1)),
      (a: SubjectAgent) => a.delta("b", operation(0, 1)),
    ])
      assert.throws(() => tells(new SubjectAgent()), InvariantViolation);
  });

  it("stops when everybody, itself among them, is known to have what its disk has forgotten: nobody keeps that for it any more", () => {
    const agent = new SubjectAgent();
    agent.digest("b", [0, 2, 0], { everywhere: [0, 0, 0] });
    assert.throws(() => agent.digest("b", [0, 2, 0], { everywhere: [0, 1, 0] }), InvariantViolation);
  });

  it("refuses to begin with a configuration or a log that cannot work", () => {
    for (const [config, said] of [
      [{ members: ["b"] }, /not one of its own members/],
      [{ members: ["a", "a"] }, /once each/],
      [{ members: ["a", ""] }, /between 1 and 255 bytes/],
      [{ fanout: 0 }, /a fanout of 0/],
      [{ antiEntropyMs: 0 }, /every 0 ms/],
      [{ maxChunkBytes: 0 }, /parts of 0 bytes/],
    ] as const)
      assert.throws(() => new SubjectAgent(config), said);
    const a = new SubjectAgent();
    a.propose("x");
    a.settle();
    a.compact();
    a.settle();
    const other = new SubjectAgent({ members: ["a", "b", "d"] });
    other.disk = a.disk;
    assert.throws(() => other.restart(), /log is of other members/);
  });

  it("alone in its swarm has converged always, and says nothing", () => {
    const a = new SubjectAgent({ members: ["a"] });
    a.propose("x");
    assert.deepEqual(a.settle().messages, []);
    assert.equal(a.gossip.deadline(), Number.POSITIVE_INFINITY);
    assert.deepEqual([a.status.gossip.agreement, a.status.gossip.sameVector], [1, 1]);
  });
});
