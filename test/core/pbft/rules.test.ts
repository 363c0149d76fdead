import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readEvidence, verifyEvidence } from "../../../server/core/pbft/evidence.ts";
import type { Disbelief, PbftMessage } from "../../../server/core/pbft/types.ts";
import { cryptoOf } from "./cluster.ts";
import {
  batchOf,
  bytes,
  type Came,
  commit,
  digestOf,
  prePrepare,
  prepare,
  request,
  Subject,
  seen,
  sent,
  texts,
  VIEW_TIMEOUT_MS,
} from "./subject.ts";

/**
 * The rules of PBFT's normal case: requests, the three phases, and what a crash changes. § is of Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI '99); "TOCS" is the paper of 2002.
 * Those of checkpoints, states and reads are in state-rules.test.ts, those of view changes in view-rules.test.ts. The replica is "b", a backup of "a" in view 0; "c" and "d" are the others.
 */
const ONE = batchOf(0, request("c", 1, "one"));
const TWO = batchOf(0, request("c", 2, "two"));

function assertDisbelieved(came: Came, reason: Disbelief): void {
  assert.deepEqual(
    seen(came, "disbelieved").map((one) => one.reason),
    [reason],
  );
}

/** What another replica says to "b", and nothing that comes of it. */
function unmoved(from: string, message: PbftMessage): Came {
  const b = new Subject();
  b.step(from, message);
  const came = b.settle();
  assert.deepEqual(came.messages, []);
  assert.equal(b.pbft.status().proposedSeq, 0);
  return came;
}

describe("requests (§4.1)", () => {
  it("go from a backup to the primary alone, signed", () => {
    const b = new Subject();
    b.pbft.propose([bytes("x"), bytes("y")], b.now);
    const { messages } = b.settle();
    assert.deepEqual(
      messages.map(({ to }) => to),
      ["a"],
    );
    const [asked] = sent(messages, "request");
    assert.equal(asked?.request.commands.length, 2);
  });

  it("go to all when they were not executed in time, and again and again", () => {
    const b = new Subject();
    b.pbft.propose([bytes("x")], b.now);
    b.settle();
    const again = sent(b.wait(VIEW_TIMEOUT_MS / 2, "a").messages, "request");
    assert.deepEqual(
      again.map(({ to }) => to),
      ["a", "c", "d"],
    );
    assert.equal(sent(b.wait(VIEW_TIMEOUT_MS / 2, "a").messages, "request").length, 3);
  });

  it("that come from their origin are passed on to the primary; those passed on are not", () => {
    const b = new Subject();
    b.step("c", { type: "request", request: request("c", 1, "x") });
    b.step("c", { type: "request", request: request("d", 1, "y") });
    const relayed = sent(b.settle().messages, "request");
    assert.deepEqual(
      relayed.map(({ to, request: { origin } }) => [to, origin]),
      [["a", "c"]],
    );
  });

  it("that their origin did not sign are not believed", () => {
    const b = new Subject();
    b.step("c", { type: "request", request: { ...request("d", 1, "x"), signature: request("c", 1, "x").signature } });
    assertDisbelieved(b.settle(), "badSignature");
  });

  it("are executed once, however often they are ordered", () => {
    const b = new Subject();
    const again = batchOf(0, ...ONE.requests, ...TWO.requests);
    assert.deepEqual(texts(b.decide(1, ONE)), ["one"]);
    assert.deepEqual(texts(b.decide(2, again)), ["two"]);
    assert.equal(b.pbft.status().executedSeq, 2);
  });
});

describe("a pre-prepare (§4.2)", () => {
  it("is answered with a prepare to all others, which names what it prepares", () => {
    const b = new Subject();
    const order = prePrepare(0, 1, ONE);
    b.step("a", order);
    const prepares = sent(b.settle().messages, "prepare");
    assert.deepEqual(
      prepares.map(({ to }) => to),
      ["a", "c", "d"],
    );
    for (const { to: _, ...message } of prepares) assert.deepEqual(message, prepare("b", order));
  });

  it("leaves a primary with the batch, for all others, without waiting for its disk", () => {
    const a = new Subject({ id: "a" });
    a.pbft.propose([bytes("x")], a.now);
    const ready = a.turn();
    const orders = sent(ready?.messages ?? [], "prePrepare");
    assert.deepEqual(
      orders.map(({ to, seq }) => [to, seq]),
      [
        ["b", 1],
        ["c", 1],
        ["d", 1],
      ],
    );
    assert.equal(sent(ready?.messagesAfterPersist ?? [], "prepare").length, 0, "a primary sends no prepare");
  });

  it("of another view is not accepted", () => {
    unmoved("a", prePrepare(1, 1, batchOf(1, request("c", 1, "x"))));
  });

  it("above the high watermark is not accepted; at it, it is", () => {
    unmoved("a", prePrepare(0, 9, ONE));
    const b = new Subject();
    b.step("a", prePrepare(0, 8, ONE));
    assert.equal(sent(b.settle().messages, "prepare").length, 3);
  });

  it("whose batch has another digest is not accepted", () => {
    const order = prePrepare(0, 1, ONE);
    assertDisbelieved(unmoved("a", { ...order, batch: TWO }), "wrongDigest");
  });

  it("that the primary did not sign is not accepted, whoever brings it", () => {
    assertDisbelieved(unmoved("c", prePrepare(0, 1, ONE, "c")), "badSignature");
    assertDisbelieved(unmoved("a", prePrepare(0, 1, ONE, "c")), "badSignature");
  });

  it("with a request that its origin did not sign is not accepted", () => {
    const forged = { ...request("d", 1, "x"), signature: request("a", 1, "x").signature };
    assertDisbelieved(unmoved("a", prePrepare(0, 1, batchOf(0, forged))), "badRequest");
  });

  it("that orders nothing, or claims an earlier view's batch, is not accepted", () => {
    assertDisbelieved(unmoved("a", prePrepare(0, 1, batchOf(0))), "badRequest");
    assertDisbelieved(unmoved("a", prePrepare(0, 1, batchOf(3, request("c", 1, "x")))), "badRequest");
  });

  it("from too far in the future is not accepted; a little ahead, it is", () => {
    const late = { ...ONE, timeMs: 10_000 + 1001 };
    assertDisbelieved(unmoved("a", prePrepare(0, 1, late)), "badTime");
    const b = new Subject();
    b.step("a", prePrepare(0, 1, { ...ONE, timeMs: 10_000 + 1000 }));
    assert.equal(sent(b.settle().messages, "prepare").length, 3);
  });

  it("from too far in the past is not accepted: a primary cannot keep time from passing", () => {
    assertDisbelieved(unmoved("a", prePrepare(0, 1, { ...ONE, timeMs: 10_000 - 1001 })), "badTime");
    const b = new Subject();
    b.step("a", prePrepare(0, 1, { ...ONE, timeMs: 10_000 - 1000 }));
    assert.equal(sent(b.settle().messages, "prepare").length, 3);
  });

  it("is accepted once for a place: a second one is proof of a lie", () => {
    const b = new Subject();
    b.step("a", prePrepare(0, 1, ONE));
    b.settle();
    b.step("a", prePrepare(0, 1, TWO));
    const came = b.settle();
    assert.equal(sent(came.messages, "prepare").length, 0);
    const [caught] = seen(came, "equivocation");
    assert.equal(caught?.culprit, "a");
    assert.equal(verifyEvidence(readEvidence(caught?.evidence ?? ""), cryptoOf("d")), undefined);
    assert.deepEqual(b.pbft.status().liars, ["a"]);
  });

  it("that others were told differently is seen by what their prepares show", () => {
    const b = new Subject();
    b.step("a", prePrepare(0, 1, ONE));
    b.step("c", prepare("c", prePrepare(0, 1, TWO)));
    assert.equal(seen(b.settle(), "equivocation")[0]?.culprit, "a");
  });

  it("that others were told differently is seen, too, when their prepares come before it", () => {
    const b = new Subject();
    b.step("c", prepare("c", prePrepare(0, 1, TWO)));
    b.step("a", prePrepare(0, 1, ONE));
    assert.equal(seen(b.settle(), "equivocation")[0]?.culprit, "a");
    const honest = new Subject();
    honest.step("c", prepare("c", prePrepare(0, 1, ONE)));
    honest.step("a", prePrepare(0, 1, ONE));
    assert.deepEqual(seen(honest.settle(), "equivocation"), []);
  });
});

describe("prepared (§4.2)", () => {
  const order = prePrepare(0, 1, ONE);

  it("needs the pre-prepare and 2f prepares of backups that match, its own among them", () => {
    const b = new Subject();
    b.step("a", order);
    assert.equal(sent(b.settle().messages, "commit").length, 0, "its own alone is 2f-1");
    b.step("c", prepare("c", order));
    const came = b.settle();
    assert.equal(sent(came.messages, "commit").length, 3);
    assert.deepEqual(seen(came, "prepared")[0]?.by, ["a", "b", "c"]);
  });

  it("is nothing without the pre-prepare", () => {
    const b = new Subject();
    b.step("c", prepare("c", order));
    b.step("d", prepare("d", order));
    assert.deepEqual(seen(b.settle(), "prepared"), []);
  });

  it("is not brought about by prepares of another digest, nor of another view, nor by unsigned ones", () => {
    const wrong = [
      prepare("c", prePrepare(0, 1, TWO)),
      prepare("c", { ...order, view: 1 }),
      { ...prepare("c", order), signature: prepare("d", order).signature },
    ];
    for (const message of wrong) {
      const b = new Subject();
      b.step("a", order);
      b.step("c", message);
      assert.deepEqual(seen(b.settle(), "prepared"), []);
    }
  });

  it("does not count a primary's prepare, nor one backup's twice", () => {
    const b = new Subject();
    b.step("a", order, prepare("a", order));
    assert.deepEqual(seen(b.settle(), "prepared"), []);
    const a = new Subject({ id: "a" });
    a.pbft.propose([bytes("x")], a.now);
    const [own] = sent(a.settle().messages, "prePrepare");
    assert.ok(own);
    a.step("c", prepare("c", own), prepare("c", own));
    assert.deepEqual(seen(a.settle(), "prepared"), []);
  });
});

describe("committed (§4.2)", () => {
  const order = prePrepare(0, 1, ONE);
  const preparedOne = (): Subject => {
    const b = new Subject();
    b.step("a", order);
    b.step("c", prepare("c", order));
    b.settle();
    return b;
  };

  it("needs 2f+1 commits that match, its own among them", () => {
    const b = preparedOne();
    b.step("c", commit("c", order));
    assert.deepEqual(texts(b.settle()), []);
    b.step("d", commit("d", order));
    const came = b.settle();
    assert.deepEqual(texts(came), ["one"]);
    assert.deepEqual(seen(came, "committed")[0]?.acks.toSorted(), ["b", "c", "d"]);
  });

  it("is not brought about by commits of another digest or another view, nor by unsigned ones", () => {
    const wrong = [
      commit("d", { ...order, digest: digestOf(TWO) }),
      commit("d", { ...order, view: 1 }),
      { ...commit("d", order), signature: commit("c", order).signature },
    ];
    for (const message of wrong) {
      const b = preparedOne();
      b.step("c", commit("c", order));
      b.step("d", message);
      assert.deepEqual(texts(b.settle()), []);
    }
  });

  it("is believed of one that says so only with the proof", () => {
    const commits = (...by: readonly string[]) =>
      by.map((replica) => ({ replica, signature: commit(replica, order).signature }));
    const certificate = { view: 0, seq: 1, digest: order.digest, commits: commits("a", "c") };
    const b = new Subject();
    b.step("d", { type: "decided", certificate, batch: ONE });
    assertDisbelieved(b.settle(), "badProof");
    b.step("d", { type: "decided", certificate: { ...certificate, commits: commits("a", "c", "d") }, batch: TWO });
    assertDisbelieved(b.settle(), "wrongDigest");
    b.step("d", { type: "decided", certificate: { ...certificate, commits: commits("a", "c", "d") }, batch: ONE });
    assert.deepEqual(texts(b.settle()), ["one"]);
  });

  it("is executed in the order of places, whatever is decided first", () => {
    const b = new Subject();
    assert.deepEqual(texts(b.decide(2, TWO)), []);
    const came = b.decide(1, ONE);
    assert.deepEqual(
      came.committed.map(({ index, term }) => [index, term]),
      [
        [1, 0],
        [2, 0],
      ],
    );
    assert.deepEqual(texts(came), ["one", "two"]);
  });
});

describe("what a replica signed (§4.2, with crashes)", () => {
  const order = prePrepare(0, 1, ONE);

  it("leaves only when it is journaled: prepares and commits", () => {
    const b = new Subject();
    b.step("a", order);
    assert.equal(sent(b.turn()?.messages ?? [], "prepare").length, 0);
    assert.equal(sent(b.sync(), "prepare").length, 3);
    b.step("c", prepare("c", order));
    assert.equal(sent(b.turn()?.messages ?? [], "commit").length, 0);
    assert.equal(sent(b.sync(), "commit").length, 3);
  });

  it("counts for itself, as a commit, only when it is journaled", () => {
    const b = new Subject();
    b.step("a", order);
    b.settle();
    b.step("c", prepare("c", order), commit("c", order));
    b.step("d", commit("d", order));
    assert.deepEqual(b.turn()?.committed, []);
    b.sync();
    assert.deepEqual(texts(b.settle()), ["one"]);
  });

  it("is not contradicted after a restart", () => {
    const b = new Subject();
    b.step("a", order);
    b.settle();
    const again = b.restarted();
    again.step("a", prePrepare(0, 1, TWO));
    const came = again.settle();
    assert.equal(sent(came.messages, "prepare").length, 0);
    assert.equal(seen(came, "equivocation")[0]?.culprit, "a");
  });

  it("is not said again in a view that it may have proposed in: a restarted primary leaves", () => {
    const a = new Subject({ id: "a" });
    const came = a.restarted().settle();
    assert.deepEqual(
      seen(came, "viewChangeStarted").map(({ view, reason }) => [view, reason]),
      [[1, "restart"]],
    );
    assert.equal(sent(came.held, "viewChange").length, 3);
  });

  it("is executed again after a restart, as it was", () => {
    const b = new Subject();
    b.decide(1, ONE);
    b.decide(2, TWO);
    const again = b.restarted();
    assert.deepEqual(texts(again.settle()), ["one"]);
    assert.deepEqual(again.pbft.recovered(), { commit: 1, index: 1 });
    // That the last one was decided is written with what follows it, and nothing did: the others' commits, said again, decide it anew.
    const order = prePrepare(0, 2, TWO);
    for (const from of ["c", "d"]) again.step(from, commit(from, order));
    assert.deepEqual(texts(again.settle()), ["two"]);
    assert.deepEqual(again.pbft.recovered(), { commit: 1, index: 2 });
  });
});
