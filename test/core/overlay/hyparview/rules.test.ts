import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { HyParView } from "../../../../server/core/overlay/hyparview/hyparview.ts";
import type { HyParViewConfig, HyParViewMessage } from "../../../../server/core/overlay/hyparview/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { named, SETTINGS, type Sent, Subject } from "./subject.ts";

const FIVE = named(5);
const accepted = (number: number): HyParViewMessage => ({ type: "neighbourReply", number, accepted: true });
const refused = (number: number): HyParViewMessage => ({ type: "neighbourReply", number, accepted: false });
const sorted = (ids: readonly string[]) => [...ids].sort();

/** The only request among them. */
function requestIn(sent: readonly Sent[]): { to: string; number: number; priority: string } {
  const requests = sent.flatMap(({ to, message }) => (message.type === "neighbour" ? [{ to, ...message }] : []));
  equal(requests.length, 1, JSON.stringify(sent));
  return requests[0] as (typeof requests)[number];
}

describe("a newcomer in HyParView (DSN 2007, Join Mechanism)", () => {
  it("asks a contact, and another one each time until it is answered", () => {
    const subject = new Subject({ contacts: ["a", "b", "me"] });
    const asked: string[] = [];
    for (let sent = subject.heard("x", refused(9)), times = 0; times < 4; times++) {
      sent = subject.tickAt(subject.core.deadline());
      asked.push(...sent.flatMap(({ to, message }) => (message.type === "join" ? [to] : [])));
    }
    ok(asked.length >= 3, asked.join());
    deepEqual(sorted([...new Set(asked)]), ["a", "b"]);
    ok(
      asked.every((id, at) => at === 0 || id !== asked[at - 1]),
      asked.join(),
    );
  });

  it("is taken in by its contact, which sends a walk of ARWL hops to each of its other neighbours", () => {
    const subject = new Subject({ neighbours: ["a", "b"] });
    deepEqual(subject.heard("new", { type: "join", number: 7 }), [
      { to: "new", message: accepted(7) },
      { to: "a", message: { type: "forwardJoin", newcomer: "new", ttl: 6 } },
      { to: "b", message: { type: "forwardJoin", newcomer: "new", ttl: 6 } },
    ]);
    deepEqual(subject.core.active, ["a", "b", "new"]);
  });

  it("takes the place of one drawn where the contact is full, which is told, and stays known", () => {
    const subject = new Subject({ neighbours: FIVE });
    const sent = subject.heard("new", { type: "join", number: 7 });
    const [dropped] = sent.flatMap(({ to, message }) => (message.type === "disconnect" ? [to] : []));
    ok(dropped !== undefined && FIVE.includes(dropped));
    deepEqual(sorted(subject.core.active), sorted([...FIVE.filter((id) => id !== dropped), "new"]));
    deepEqual(subject.core.passive, [dropped]);
    equal(sent.filter(({ message }) => message.type === "forwardJoin").length, 4);
    deepEqual(subject.observed.slice(-2), [`neighbourDown ${dropped}`, "neighbourUp new"]);
  });

  it("has its walk passed on, never back, an hop less each time", () => {
    const [to] = new Subject({ neighbours: ["a", "b"] }).heard("a", { type: "forwardJoin", newcomer: "new", ttl: 6 });
    deepEqual(to, { to: "b", message: { type: "forwardJoin", newcomer: "new", ttl: 5 } });
  });

  it("comes into the passive view of whom the walk passes with PRWL hops to go, and of nobody else on the way", () => {
    for (const ttl of [1, 2, 3, 4, 5, 6]) {
      const subject = new Subject({ neighbours: FIVE });
      subject.heard("a", { type: "forwardJoin", newcomer: "new", ttl });
      deepEqual(subject.core.passive, ttl === 3 ? ["new"] : [], `with ${ttl} to go`);
    }
  });

  it("becomes a neighbour of whom the walk ends at: after its hops, or where it can go no further", () => {
    for (const [neighbours, ttl] of [
      [FIVE, 0],
      [["a"], 4],
    ] as const) {
      const subject = new Subject({ neighbours });
      const { to, number } = requestIn(subject.heard("a", { type: "forwardJoin", newcomer: "new", ttl }));
      equal(to, "new");
      subject.heard("new", accepted(number));
      ok(subject.core.active.includes("new"));
      ok(subject.core.active.length <= 5);
    }
  });

  it("is not asked by itself, nor by one that is its neighbour already", () => {
    const subject = new Subject({ neighbours: FIVE });
    deepEqual(subject.heard("a", { type: "forwardJoin", newcomer: "me", ttl: 0 }), []);
    deepEqual(subject.heard("a", { type: "forwardJoin", newcomer: "b", ttl: 0 }), []);
  });

  it("cannot make an agent ask more than it has room to note: the rest is only known", () => {
    const subject = new Subject({ neighbours: FIVE });
    for (const newcomer of named(20, "g")) subject.heard("a", { type: "forwardJoin", newcomer, ttl: 0 });
    equal(subject.core.passive.length, 10);
  });
});

describe("an agent in another part of the overlay", () => {
  it("is asked to take this one in, makes room for it, and walks tell of it there", () => {
    const subject = new Subject({ neighbours: FIVE });
    subject.core.seek("far", 0);
    const [sent] = subject.take();
    ok(sent?.to === "far" && sent.message.type === "join", JSON.stringify(sent));
    ok(subject.core.awaits("far"));
    subject.heard("far", accepted(sent.message.number));
    ok(subject.core.active.includes("far") && subject.core.active.length === 5);
    equal(subject.core.awaits("far"), false);
  });

  it("is not asked twice, nor when it is a neighbour, nor by who left", () => {
    const subject = new Subject({ neighbours: ["a"] });
    for (const peer of ["a", "me", "far", "far"]) subject.core.seek(peer, 0);
    deepEqual(
      subject.take().map(({ to }) => to),
      ["far"],
    );
    subject.core.leave();
    subject.take();
    subject.core.seek("other", 0);
    deepEqual(subject.take(), []);
  });

  it("is not asked while more requests are under way than an agent notes", () => {
    const subject = new Subject({ neighbours: ["a", "b"] });
    for (const peer of named(40, "g")) subject.core.seek(peer, 0);
    equal(subject.take().filter(({ message }) => message.type === "join").length, 10);
  });
});

describe("HyParView's active view (DSN 2007, Active View Management)", () => {
  it("puts one of the passive view in the place of a neighbour that failed, asked without priority", () => {
    const subject = new Subject({ neighbours: FIVE, known: ["x"] });
    const { to, number, priority } = requestIn(subject.failed("a"));
    deepEqual([to, priority], ["x", "low"]);
    ok(subject.core.passive.includes("x"), "known until it accepts");
    subject.heard("x", accepted(number));
    deepEqual(subject.core.active, ["b", "c", "d", "e", "x"]);
    deepEqual(subject.core.passive, []);
    deepEqual(subject.observed.slice(-2), ["neighbourDown a", "neighbourUp x"]);
  });

  it("asks with priority when it has lost its last one", () => {
    const subject = new Subject({ neighbours: ["a", "b"], known: ["x", "y"] });
    subject.failed("b");
    subject.tickAt(1);
    const { priority } = requestIn([...subject.failed("a")]);
    equal(priority, "high");
  });

  it("asks with priority while it has fewer than it is to have at least, one at a time", () => {
    const subject = new Subject({ neighbours: FIVE, known: ["x", "y"], activeLeast: 5 });
    const first = requestIn(subject.failed("a"));
    equal(first.priority, "high");
    deepEqual(subject.failed("b"), []);
    equal(requestIn(subject.heard(first.to, accepted(first.number))).priority, "high");
  });

  it("asks the next one when it is refused, and keeps who refused", () => {
    const subject = new Subject({ neighbours: FIVE, known: ["x", "y"] });
    const first = requestIn(subject.failed("a"));
    const second = requestIn(subject.heard(first.to, refused(first.number)));
    deepEqual(sorted([first.to, second.to]), ["x", "y"]);
    deepEqual(subject.heard(second.to, refused(second.number)), [], "each once, until the next shuffle");
    deepEqual(sorted(subject.core.passive), ["x", "y"]);
  });

  it("forgets whom it cannot reach, or who does not answer in time, and asks the next", () => {
    const subject = new Subject({ neighbours: FIVE, known: ["x", "y", "z"] });
    const first = requestIn(subject.failed("a"));
    const second = requestIn(subject.failed(first.to));
    deepEqual(sorted(subject.core.passive), sorted(["x", "y", "z"].filter((id) => id !== first.to)));
    const third = requestIn(subject.tickAt(SETTINGS.answerMs));
    deepEqual(subject.core.passive, [third.to]);
    ok(third.to !== second.to);
  });

  it("takes whom it is asked by where there is room, and refuses where there is none", () => {
    const subject = new Subject({ neighbours: named(4) });
    deepEqual(subject.heard("x", { type: "neighbour", number: 3, priority: "low" }), [
      { to: "x", message: accepted(3) },
    ]);
    deepEqual(subject.heard("y", { type: "neighbour", number: 4, priority: "low" }), [
      { to: "y", message: refused(4) },
    ]);
    equal(subject.core.active.length, 5);
  });

  it("makes room for one that asks with priority", () => {
    const subject = new Subject({ neighbours: FIVE });
    const sent = subject.heard("x", { type: "neighbour", number: 3, priority: "high" });
    deepEqual(sorted(sent.map(({ message }) => message.type)), ["disconnect", "neighbourReply"]);
    ok(subject.core.active.includes("x"));
    equal(subject.core.active.length, 5);
  });

  it("keeps whoever disconnects in the passive view, unless it leaves for good", () => {
    const subject = new Subject({ neighbours: FIVE });
    subject.heard("a", { type: "disconnect", leaving: false });
    subject.heard("b", { type: "disconnect", leaving: true });
    deepEqual(subject.core.active, ["c", "d", "e"]);
    deepEqual(subject.core.passive, ["a"]);
  });

  it("lets one go that accepts too late: nobody asked it any more, or the place is taken", () => {
    const late = new Subject({ neighbours: FIVE, known: ["x"] });
    const asked = requestIn(late.failed("a"));
    late.tickAt(SETTINGS.answerMs);
    deepEqual(late.heard("x", accepted(asked.number)).at(0), {
      to: "x",
      message: { type: "disconnect", leaving: false },
    });
    ok(!late.core.active.includes("x"));
    const full = new Subject({ neighbours: FIVE, known: ["x"] });
    const { number } = requestIn(full.failed("a"));
    full.heard("y", { type: "neighbour", number: 1, priority: "low" });
    deepEqual(full.heard("x", accepted(number)), [{ to: "x", message: { type: "disconnect", leaving: false } }]);
    deepEqual(full.core.active, ["b", "c", "d", "e", "y"]);
  });

  it("tells one that takes it for its neighbour, and is mistaken", () => {
    const walks: HyParViewMessage[] = [
      { type: "forwardJoin", newcomer: "new", ttl: 6 },
      { type: "shuffle", origin: "x", number: 1, ttl: 5, ids: ["x"] },
    ];
    for (const message of walks) {
      const sent = new Subject({ neighbours: FIVE }).heard("x", message);
      deepEqual(sent[0], { to: "x", message: { type: "disconnect", leaving: false } });
    }
  });

  it("says goodbye when it leaves, and is silent from then on", () => {
    const subject = new Subject({ neighbours: ["a", "b"], contacts: ["a"] });
    subject.core.leave();
    deepEqual(
      subject.take(),
      ["a", "b"].map((to) => ({ to, message: { type: "disconnect", leaving: true } })),
    );
    deepEqual(subject.heard("a", { type: "join", number: 1 }), []);
    equal(subject.core.deadline(), Number.POSITIVE_INFINITY);
  });

  it("rather asks whom it trusts", () => {
    let trusted = 0;
    for (let seed = 0; seed < 200; seed++) {
      const known = ["x", "y"];
      const subject = new Subject({ neighbours: FIVE, known, seed, trust: (id) => (id === "x" ? 1 : 0) });
      if (requestIn(subject.failed("a")).to === "x") trusted++;
    }
    // Of two that are drawn with replacement one is x in three cases of four.
    ok(trusted > 130 && trusted < 170, `${trusted} of 200`);
  });
});

describe("HyParView's passive view (DSN 2007, Passive View Management)", () => {
  const KNOWN = named(8, "m");

  it("is told of once an interval: of itself, ka neighbours and kp others, by a walk that begins at a neighbour", () => {
    const subject = new Subject({ neighbours: FIVE, known: KNOWN });
    const { to, message } = subject.shuffle();
    ok(FIVE.includes(to));
    const [self, ...rest] = message.ids;
    deepEqual([self, message.origin, message.ttl], ["me", "me", 5]);
    const [neighbours, others] = [rest.filter((id) => FIVE.includes(id)), rest.filter((id) => KNOWN.includes(id))];
    deepEqual([neighbours.length, others.length, new Set(rest).size], [3, 4, 7]);
    ok(!neighbours.includes(to), "who gets it knows itself");
    const before = subject.now;
    subject.shuffle();
    equal(subject.now - before, SETTINGS.shuffleIntervalMs);
  });

  it("has the walk passed on, neither back nor to whom it comes from", () => {
    const subject = new Subject({ neighbours: ["a", "b", "o"] });
    const shuffle = { type: "shuffle", origin: "o", number: 4, ttl: 2, ids: ["o", "x"] } as const;
    deepEqual(subject.heard("a", shuffle), [{ to: "b", message: { ...shuffle, ttl: 1 } }]);
    deepEqual(subject.core.passive, []);
  });

  it("takes in what the walk told where it ends, and answers with as many of its own", () => {
    const subject = new Subject({ neighbours: FIVE, known: KNOWN });
    const [reply] = subject.heard("a", { type: "shuffle", origin: "w", number: 4, ttl: 0, ids: ["w", "x", "me", "b"] });
    ok(reply?.message.type === "shuffleReply" && reply.to === "w");
    deepEqual([reply.message.number, reply.message.ids.length], [4, 4]);
    ok(reply.message.ids.every((id) => KNOWN.includes(id)));
    deepEqual(sorted(subject.core.passive), sorted([...KNOWN, "w", "x"]), "neither itself nor its neighbours");
  });

  it("makes room by what the other side has been told, then by one drawn", () => {
    const subject = new Subject({ neighbours: FIVE, known: KNOWN, passiveSize: 8 });
    const { message } = subject.shuffle();
    const told = message.ids.filter((id) => KNOWN.includes(id));
    subject.heard("z", { type: "shuffleReply", number: message.number, ids: ["1", "2", "3", "4"] });
    deepEqual(sorted(subject.core.passive), sorted([...KNOWN.filter((id) => !told.includes(id)), "1", "2", "3", "4"]));
    equal(subject.observed.at(-1), "shuffled z");
    const again = subject.shuffle().message;
    subject.heard("z", { type: "shuffleReply", number: again.number, ids: named(26).map((id) => `${id}${id}`) });
    equal(subject.core.passive.length, 8);
  });

  it("takes no answer that it has not asked for, and none twice", () => {
    const subject = new Subject({ neighbours: FIVE });
    const { number } = subject.shuffle().message;
    subject.heard("z", { type: "shuffleReply", number: number + 1, ids: ["1"] });
    deepEqual(subject.core.passive, []);
    subject.heard("z", { type: "shuffleReply", number, ids: ["1"] });
    subject.heard("z", { type: "shuffleReply", number, ids: ["2"] });
    deepEqual(subject.core.passive, ["1"]);
  });
});

describe("the settings of HyParView", () => {
  it("are refused where they make no sense, saying which and what would", () => {
    const wrong: [Partial<HyParViewConfig>, RegExp][] = [
      [{ activeSize: 0 }, /activeSize \(0\) must be a whole number from 1 to 32/],
      [{ activeLeast: 6 }, /activeLeast \(6\) must be a whole number from 1 to 5/],
      [{ passiveSize: 2.5 }, /passiveSize \(2\.5\)/],
      [{ activeWalk: 17 }, /activeWalk \(17\)/],
      [{ passiveWalk: 7 }, /passiveWalk \(7\) must be a whole number from 0 to 6/],
      [{ shuffleWalk: 0 }, /shuffleWalk \(0\)/],
      [{ shuffleActive: 40, shufflePassive: 40 }, /shufflePassive \(40\) must be a whole number from 0 to 23/],
      [{ answerMs: 0 }, /must be above 0/],
    ];
    for (const [part, message] of wrong)
      throws(
        () => new HyParView({ ...SETTINGS, id: "me", contacts: [], ...part }, 0, seededRandom(1)),
        (error) => error instanceof RangeError && message.test(error.message),
      );
  });
});
