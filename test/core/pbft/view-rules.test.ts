import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { PbftConfig } from "../../../server/core/pbft/types.ts";
import {
  batchOf,
  bytes,
  type Came,
  commit,
  digestOf,
  HEARTBEAT_MS,
  newView,
  newViewSignature,
  nullDigest,
  prePrepare,
  prepare,
  prepared,
  request,
  Subject,
  seen,
  sent,
  stable,
  texts,
  VIEW_TIMEOUT_MS,
  viewChange,
} from "./subject.ts";

/**
 * The rules of PBFT's view changes and of its liveness. § is of Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI '99); "TOCS" is the paper of 2002. Views go around: "a" is the primary of
 * view 0, "b" of 1, "c" of 2, "d" of 3.
 */
const ONE = batchOf(0, request("c", 1, "one"));
const TWO = batchOf(0, request("c", 2, "two"));
const FIRST = prePrepare(0, 1, ONE);

/** What each view change that it began was for, and why. */
function left(came: Came): readonly (readonly [number, string])[] {
  return seen(came, "viewChangeStarted").map(({ view, reason }) => [view, reason] as const);
}

/** A backup that has prepared ONE at place 1 of view 0. */
function preparedOne(id: string, other: string, config: Partial<PbftConfig> = {}): Subject {
  const subject = new Subject({ id, config });
  subject.step("a", FIRST);
  subject.step(other, prepare(other, FIRST));
  subject.settle();
  return subject;
}

describe("the timer of a backup (§4.4)", () => {
  it("does not run while nothing waits and the primary is there", () => {
    const b = new Subject();
    assert.deepEqual(left(b.wait(10 * VIEW_TIMEOUT_MS, "a")), []);
  });

  it("runs out for a request that is not executed in time", () => {
    const b = new Subject();
    b.step("c", { type: "request", request: request("c", 1, "one") });
    assert.deepEqual(left(b.wait(VIEW_TIMEOUT_MS - HEARTBEAT_MS, "a")), []);
    assert.deepEqual(left(b.wait(HEARTBEAT_MS, "a")), [[1, "timeout"]]);
  });

  it("stops when the request is executed", () => {
    const b = new Subject();
    b.step("c", { type: "request", request: ONE.requests[0] as (typeof ONE.requests)[0] });
    b.wait(VIEW_TIMEOUT_MS / 2, "a");
    assert.deepEqual(texts(b.decide(1, ONE)), ["one"]);
    assert.deepEqual(left(b.wait(4 * VIEW_TIMEOUT_MS, "a")), []);
  });

  it("runs out for a primary that is silent", () => {
    const b = new Subject();
    assert.deepEqual(left(b.wait(VIEW_TIMEOUT_MS - HEARTBEAT_MS)), []);
    assert.deepEqual(left(b.wait(HEARTBEAT_MS)), [[1, "timeout"]]);
  });

  it("runs for the next view only once a quorum wants that one, and then twice as long (§4.5.2)", () => {
    const d = new Subject({ id: "d" });
    d.wait(VIEW_TIMEOUT_MS);
    assert.deepEqual(left(d.wait(10 * VIEW_TIMEOUT_MS)), [], "alone it waits");
    d.step("a", { type: "viewChange", viewChange: viewChange("a", 1) });
    assert.deepEqual(left(d.wait(10 * VIEW_TIMEOUT_MS)), [], "f+1 are no quorum");
    d.step("c", { type: "viewChange", viewChange: viewChange("c", 1) });
    assert.deepEqual(left(d.wait(2 * VIEW_TIMEOUT_MS - HEARTBEAT_MS)), []);
    assert.deepEqual(left(d.wait(HEARTBEAT_MS)), [[2, "timeout"]]);
    for (const id of ["a", "b"]) d.step(id, { type: "viewChange", viewChange: viewChange(id, 2) });
    assert.deepEqual(left(d.wait(4 * VIEW_TIMEOUT_MS - HEARTBEAT_MS)), []);
    assert.deepEqual(left(d.wait(HEARTBEAT_MS)), [[3, "timeout"]]);
  });
});

describe("a view change (§4.4)", () => {
  it("shows the stable checkpoint and the certificate of what was prepared, to all, once that is durable", () => {
    const c = preparedOne("c", "b");
    c.now += VIEW_TIMEOUT_MS;
    c.pbft.tick(c.now);
    assert.equal(sent(c.turn()?.messages ?? [], "viewChange").length, 0);
    const told = sent(c.sync(), "viewChange");
    assert.deepEqual(
      told.map(({ to }) => to),
      ["a", "b", "d"],
    );
    const shown = told[0]?.viewChange;
    assert.deepEqual([shown?.view, shown?.stable.seq], [1, 0]);
    assert.deepEqual(
      shown?.prepared.map(({ view, seq, prepares }) => [view, seq, prepares.map(({ replica }) => replica).toSorted()]),
      [[0, 1, ["b", "c"]]],
    );
  });

  it("still shows it after a crash", () => {
    const c = preparedOne("c", "b").restarted();
    const [told] = sent(c.wait(VIEW_TIMEOUT_MS).messages, "viewChange");
    assert.equal(told?.viewChange.prepared.length, 1);
  });

  it("ends what the replica does in the view before: it accepts, prepares and commits nothing there", () => {
    const c = new Subject({ id: "c" });
    c.wait(VIEW_TIMEOUT_MS);
    c.step("a", FIRST);
    c.step("b", prepare("b", FIRST));
    const came = c.settle();
    assert.deepEqual([...sent(came.messages, "prepare"), ...sent(came.messages, "commit")], []);
  });

  it("is still under way after a crash", () => {
    const c = new Subject({ id: "c" });
    c.wait(VIEW_TIMEOUT_MS);
    const again = c.restarted();
    const came = again.settle();
    assert.equal(again.pbft.status().role, "viewChange");
    assert.equal(sent(came.messages, "viewChange")[0]?.viewChange.view, 1);
  });

  it("shows nothing of its own view or a later one, also where a crash lost that the view was entered and kept what was prepared there", () => {
    const c = new Subject({ id: "c" });
    const changes = ["a", "b", "d"].map((id) => viewChange(id, 1));
    for (const one of changes) c.step(one.replica, { type: "viewChange", viewChange: one });
    c.step("b", newView(1, changes));
    const order = prePrepare(1, 1, batchOf(1, request("c", 1, "one")));
    c.step("b", order);
    c.step("d", prepare("d", order));
    c.settle();
    const again = c.restarted({ hardState: { term: 1, votedFor: "", commit: 0 } });
    again.settle();
    assert.deepEqual([again.pbft.status().role, again.pbft.status().term], ["backup", 1]);
    const [told] = sent(again.wait(4 * VIEW_TIMEOUT_MS).messages, "viewChange");
    assert.deepEqual(
      [told?.viewChange.view, told?.viewChange.prepared.map(({ view, seq }) => [view, seq])],
      [2, [[1, 1]]],
    );
  });

  it("of one replica moves nobody; that of f+1 does, to the first of their views (§4.5.2)", () => {
    const d = new Subject({ id: "d" });
    d.step("b", { type: "viewChange", viewChange: viewChange("b", 5) });
    assert.deepEqual(left(d.settle()), []);
    d.step("c", { type: "viewChange", viewChange: viewChange("c", 3) });
    assert.deepEqual(left(d.settle()), [[3, "others"]]);
  });

  it("of the primary itself lets it go", () => {
    const d = new Subject({ id: "d" });
    d.step("a", { type: "viewChange", viewChange: viewChange("a", 1) });
    assert.deepEqual(left(d.settle()), [[1, "others"]]);
  });

  it("is asked for by a primary that hands over, to the next in line alone", () => {
    const a = new Subject({ id: "a" });
    assert.deepEqual(a.pbft.transferLeadership("c", a.now), { ok: false, reason: "notNext" });
    assert.deepEqual(a.pbft.transferLeadership(undefined, a.now), { ok: true, to: "b" });
    assert.deepEqual(left(a.settle()), [[1, "asked"]]);
  });

  const refused = {
    "that its replica did not sign": { ...viewChange("c", 1), signature: viewChange("d", 1).signature },
    "with a certificate of 2f-1 prepares": viewChange("c", 1, { prepared: [prepared(FIRST, "c")] }),
    "with a certificate that counts the primary's prepare": viewChange("c", 1, {
      prepared: [prepared(FIRST, "a", "c")],
    }),
    "with a certificate that the primary did not begin": viewChange("c", 1, {
      prepared: [prepared(prePrepare(0, 1, ONE, "c"), "c", "d")],
    }),
    "with a certificate of the view to come": viewChange("c", 1, {
      prepared: [prepared(prePrepare(1, 1, ONE), "c", "d")],
    }),
    "with a certificate beyond the window": viewChange("c", 1, {
      prepared: [prepared(prePrepare(0, 9, ONE), "c", "d")],
    }),
    "with a checkpoint of f+1": viewChange("c", 1, { stable: stable(4, digestOf(ONE), "c", "d") }),
  };
  for (const [what, wrong] of Object.entries(refused))
    it(`${what} is not believed`, () => {
      const b = new Subject();
      b.step("c", { type: "viewChange", viewChange: wrong });
      const came = b.settle();
      assert.equal(seen(came, "disbelieved").length, 1);
      assert.equal(seen(came, "viewChangeReceived").length, 0);
    });

  it("that is right is believed, also with a checkpoint", () => {
    const b = new Subject();
    const known = {
      stable: stable(4, digestOf(ONE), "a", "c", "d"),
      prepared: [prepared(prePrepare(0, 5, ONE), "c", "d")],
    };
    b.step("c", { type: "viewChange", viewChange: viewChange("c", 1, known) });
    assert.equal(seen(b.settle(), "viewChangeReceived").length, 1);
    assert.equal(b.pbft.status().stableSeq, 4);
  });
});

describe("a new view of its primary (§4.4)", () => {
  /** "b" has view changes of itself, "c" and "d", and so begins view 1. */
  const begun = (ofC: ReturnType<typeof viewChange>): Came => {
    const b = new Subject();
    b.step("c", { type: "viewChange", viewChange: ofC });
    b.step("d", { type: "viewChange", viewChange: viewChange("d", 1) });
    return b.settle();
  };

  it("is begun with a quorum's view changes, and told to all once that is durable", () => {
    const b = new Subject();
    b.wait(VIEW_TIMEOUT_MS);
    b.step("c", { type: "viewChange", viewChange: viewChange("c", 1) });
    assert.equal(sent(b.settle().messages, "newView").length, 0, "f+1 are too few");
    b.step("d", { type: "viewChange", viewChange: viewChange("d", 1) });
    assert.equal(sent(b.turn()?.messages ?? [], "newView").length, 0);
    const told = sent(b.sync(), "newView");
    assert.deepEqual(
      told.map(({ to }) => to),
      ["a", "c", "d"],
    );
    assert.deepEqual(
      told[0]?.viewChanges.map(({ replica }) => replica),
      ["b", "c", "d"],
    );
    assert.equal(b.pbft.status().role, "primary");
  });

  it("is told before that to nobody, not even to one that asks", () => {
    const b = new Subject();
    for (const id of ["c", "d"]) b.step(id, { type: "viewChange", viewChange: viewChange(id, 1) });
    b.step("c", { type: "status", view: 1, active: false, stable: 0, executed: 0, proposed: 0, asks: true });
    const ready = b.turn();
    assert.equal(b.pbft.status().role, "primary");
    assert.equal(sent(ready?.messages ?? [], "newView").length, 0);
    assert.ok(sent(b.sync(), "newView").length > 0);
  });

  it("proposes again what anybody had prepared, and the null request in between", () => {
    const third = prePrepare(0, 3, TWO);
    const came = begun(viewChange("c", 1, { prepared: [prepared(FIRST, "c", "d"), prepared(third, "c", "d")] }));
    assert.deepEqual(
      sent(came.messages, "newView")[0]?.reproposals.map(({ seq, digest }) => [seq, digest]),
      [
        [1, FIRST.digest],
        [2, nullDigest(1)],
        [3, third.digest],
      ],
    );
  });

  it("takes, of two certificates for a place, that of the later view", () => {
    const later = prePrepare(1, 1, batchOf(1, request("d", 1, "later")));
    for (const [ofA, ofD] of [
      [prepared(FIRST, "b", "d"), prepared(later, "c", "d")],
      [prepared(later, "c", "d"), prepared(FIRST, "b", "d")],
    ] as const) {
      const c = new Subject({ id: "c" });
      c.step("a", { type: "viewChange", viewChange: viewChange("a", 2, { prepared: [ofA] }) });
      c.step("d", { type: "viewChange", viewChange: viewChange("d", 2, { prepared: [ofD] }) });
      const [told] = sent(c.settle().messages, "newView");
      assert.deepEqual(told?.reproposals[0]?.digest, later.digest);
    }
  });

  it("begins after the latest stable checkpoint that a view change proves", () => {
    const known = {
      stable: stable(4, digestOf(ONE), "a", "c", "d"),
      prepared: [prepared(prePrepare(0, 5, ONE), "c", "d")],
    };
    const came = begun(viewChange("c", 1, known));
    assert.deepEqual(
      sent(came.messages, "newView")[0]?.reproposals.map(({ seq }) => seq),
      [5],
    );
  });

  it("proposes nothing new before it is durable that it was entered", () => {
    const b = new Subject();
    b.pbft.propose([bytes("x")], b.now);
    for (const id of ["c", "d"]) b.step(id, { type: "viewChange", viewChange: viewChange(id, 1) });
    assert.equal(sent(b.turn()?.messages ?? [], "prePrepare").length, 0);
    b.sync();
    assert.equal(sent(b.turn()?.messages ?? [], "prePrepare")[0]?.view, 1);
  });
});

describe("a new view at a backup (§4.4)", () => {
  const changes = [
    viewChange("b", 1),
    viewChange("c", 1, { prepared: [prepared(FIRST, "c", "d")] }),
    viewChange("d", 1),
  ];
  /** "a", which left view 0 with the others, and holds these view changes. */
  const waiting = (...known: readonly ReturnType<typeof viewChange>[]): Subject => {
    const a = new Subject({ id: "a" });
    for (const one of known) a.step(one.replica, { type: "viewChange", viewChange: one });
    a.settle();
    assert.equal(a.pbft.status().role, "viewChange");
    return a;
  };

  it("is entered when it begins with what it must, and what it proposes is prepared", () => {
    const a = waiting(...changes);
    a.step("b", newView(1, changes, FIRST.digest));
    const came = a.settle();
    assert.deepEqual(
      seen(came, "viewEntered").map(({ view, primary, reproposed }) => [view, primary, reproposed]),
      [[1, "b", 1]],
    );
    assert.deepEqual(
      sent(came.held, "prepare").map(({ to, view, seq, digest }) => [to, view, seq, digest]),
      ["b", "c", "d"].map((to) => [to, 1, 1, FIRST.digest]),
    );
  });

  it("goes on with a batch that it does not have when somebody gives it that", () => {
    const a = waiting(...changes);
    a.step("b", newView(1, changes, FIRST.digest));
    const order = {
      view: 1,
      seq: 1,
      digest: FIRST.digest,
      signature: newView(1, [], FIRST.digest).reproposals[0]?.signature as Uint8Array,
    };
    for (const id of ["c", "d"]) a.step(id, prepare(id, order), commit(id, order));
    assert.deepEqual(texts(a.settle()), []);
    const [asked] = sent(a.wait(3 * HEARTBEAT_MS, "b").messages, "fetchBatch");
    assert.deepEqual([asked?.seq, asked?.digest], [1, FIRST.digest]);
    a.step("c", { type: "batch", seq: 1, batch: TWO });
    assert.deepEqual(texts(a.settle()), []);
    a.step("c", { type: "batch", seq: 1, batch: ONE });
    const came = a.settle();
    assert.deepEqual(texts(came), ["one"]);
    assert.equal(came.committed[0]?.term, 0, "of the view in which it was first proposed");
  });

  it("executes the null request as nothing", () => {
    const third = prePrepare(0, 2, TWO);
    const known = [
      viewChange("b", 1),
      viewChange("c", 1, { prepared: [prepared(third, "c", "d")] }),
      viewChange("d", 1),
    ];
    const a = waiting(...known);
    const begins = newView(1, known, nullDigest(1), third.digest);
    a.step("b", begins);
    for (const { seq, digest, signature } of begins.reproposals)
      for (const id of ["c", "d"]) {
        const order = { view: 1, seq, digest, signature };
        a.step(id, prepare(id, order), commit(id, order));
      }
    a.step("c", { type: "batch", seq: 2, batch: TWO });
    const came = a.settle();
    assert.deepEqual(texts(came), ["two"]);
    assert.equal(a.pbft.status().executedSeq, 2);
  });

  const wrong = {
    "that leaves out what was prepared": newView(1, changes),
    "that puts the null request in its place": newView(1, changes, nullDigest(1)),
    "that adds what nobody prepared": newView(1, changes, FIRST.digest, digestOf(TWO)),
    "with a reproposal that it did not sign": {
      ...newView(1, changes, FIRST.digest),
      ...signedByB(changes, newView(2, changes, FIRST.digest).reproposals),
    },
  };
  for (const [what, message] of Object.entries(wrong))
    it(`${what} is refused, and its primary left`, () => {
      const a = waiting(...changes);
      a.step("b", message);
      const came = a.settle();
      assert.equal(seen(came, "disbelieved")[0]?.from, "b");
      assert.deepEqual(left(came), [[2, "badPrimary"]]);
    });

  it("of f+1 view changes is refused", () => {
    const a = waiting(...changes);
    a.step("b", newView(1, changes.slice(1), FIRST.digest));
    assert.deepEqual(left(a.settle()), [[2, "badPrimary"]]);
  });

  it("that its primary did not sign is not believed", () => {
    const a = waiting(...changes);
    a.step("c", { ...newView(1, changes, FIRST.digest), signature: newView(2, changes, FIRST.digest).signature });
    const came = a.settle();
    assert.equal(seen(came, "disbelieved")[0]?.reason, "badSignature");
    assert.deepEqual(left(came), []);
  });

  it("waits for view changes that are lacking, and asks for them", () => {
    const [ofB, ofC, ofD] = changes as [(typeof changes)[0], (typeof changes)[0], (typeof changes)[0]];
    const a = waiting(ofB, ofD);
    a.step("b", newView(1, changes, FIRST.digest));
    const came = a.settle();
    assert.deepEqual(seen(came, "viewEntered"), []);
    assert.equal(sent(came.messages, "fetchViewChange")[0]?.replica, "c");
    a.step("d", { type: "viewChange", viewChange: ofC });
    assert.equal(seen(a.settle(), "viewEntered").length, 1);
  });

  it("that lacks what is known to be decided is refused", () => {
    const d = new Subject({ id: "d" });
    assert.deepEqual(texts(d.decide(1, ONE)), ["one"]);
    const hiding = ["a", "b", "c"].map((id) => viewChange(id, 1));
    for (const one of hiding) d.step(one.replica, { type: "viewChange", viewChange: one });
    d.step("b", newView(1, hiding));
    assert.deepEqual(left(d.settle()).at(-1), [2, "badPrimary"]);
  });

  it("is said again to one that missed it (TOCS, §5.2)", () => {
    const a = waiting(...changes);
    a.step("b", newView(1, changes, FIRST.digest));
    a.settle();
    a.step("d", { type: "status", view: 0, active: true, stable: 0, executed: 0, proposed: 0, asks: true });
    assert.equal(sent(a.settle().messages, "newView")[0]?.to, "d");
  });
});

describe("requests in a new view (§4.4)", () => {
  it("are proposed by its primary when they were not before", () => {
    const b = new Subject();
    b.step("c", { type: "request", request: request("c", 1, "one") });
    b.step("c", { type: "request", request: request("c", 2, "two") });
    b.settle();
    b.step("c", { type: "viewChange", viewChange: viewChange("c", 1, { prepared: [prepared(FIRST, "c", "d")] }) });
    b.step("a", FIRST);
    b.step("d", { type: "viewChange", viewChange: viewChange("d", 1) });
    const [order] = sent(b.settle().messages, "prePrepare");
    assert.equal(order?.seq, 2);
    assert.ok(order?.batch.requests.some(({ number }) => number === 2));
  });

  it("go from their origin to its primary again", () => {
    const d = new Subject({ id: "d" });
    d.pbft.propose([bytes("x")], d.now);
    assert.deepEqual(
      sent(d.settle().messages, "request").map(({ to }) => to),
      ["a"],
    );
    const known = ["a", "b", "c"].map((id) => viewChange(id, 1));
    for (const one of known) d.step(one.replica, { type: "viewChange", viewChange: one });
    d.step("b", newView(1, known));
    assert.deepEqual(
      sent(d.settle().messages, "request").map(({ to }) => to),
      ["b"],
    );
  });
});

/** These reproposals in a new view that its primary, "b", has properly signed as a whole. */
function signedByB(
  from: readonly ReturnType<typeof viewChange>[],
  reproposals: ReturnType<typeof newView>["reproposals"],
): Pick<ReturnType<typeof newView>, "reproposals" | "signature"> {
  return { reproposals, signature: newViewSignature("b", 1, newView(1, from).viewChanges, reproposals) };
}
