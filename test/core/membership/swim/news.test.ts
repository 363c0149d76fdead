import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../../server/core/invariant.ts";
import { MAX_COUNTER } from "../../../../server/core/membership/freshness.ts";
import { MAX_NEWS } from "../../../../server/core/membership/news.ts";
import { SwimCodec } from "../../../../server/core/membership/swim/codec.ts";
import { Dissemination, timesToTell } from "../../../../server/core/membership/swim/dissemination.ts";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import type { MemberState } from "../../../../server/core/membership/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { assertVerdictsAreAskedAbout } from "./checks.ts";
import { news, Script } from "./script.ts";
import { LOCAL, named, PAPER, QUIET } from "./settings.ts";

const { probeIntervalMs, spreadIntervalMs, syncIntervalMs } = LOCAL;

describe("what is still to be told (SWIM, §4.1)", () => {
  it("is told 4 ceil(log10(n + 1)) times each", () => {
    assert.deepEqual([1, 2, 9, 10, 99, 100, 999, 1000].map(timesToTell), [4, 4, 4, 8, 8, 12, 12, 16]);
  });

  it("leaves least told first, each piece so many times, and none to whom it is about", () => {
    const all = new Dissemination();
    all.grow(8);
    for (const place of [5, 6, 7]) all.add(place);
    assert.deepEqual(all.take(2, 3, 5), [6, 7]);
    assert.deepEqual(all.take(2, 3, undefined), [5, 6]);
    assert.deepEqual(all.take(2, 3, undefined), [7, 5], "both told once before, and 7 for longer");
    all.add(6);
    assert.deepEqual(all.take(1, 3, undefined), [6], "news again");
    assert.deepEqual(all.take(9, 3, undefined), [6, 7, 5]);
    assert.equal(all.only, 6, "7 and 5 have been told three times");
    assert.deepEqual(all.take(9, 3, 6), []);
    assert.deepEqual(all.take(9, 3, undefined), [6]);
    assert.deepEqual([all.size, all.only, all.take(9, 3, undefined)], [0, undefined, []]);
  });

  it("travels on pings, requests and answers, and on nothing else where nothing is to leave by itself (SWIM, §3.2)", () => {
    const script = new Script();
    script.told("b", news("d", 1, "failed"));
    const carrying: string[] = [];
    for (let rounds = 0; rounds < 4; rounds++) {
      script.runTo(script.core.deadline());
      script.hears("c", { type: "ping", sequence: 1, news: [] });
      script.hears("c", { type: "pingRequest", sequence: 1, target: "e", news: [] });
    }
    for (const { message } of script.sent) if (message.news.some(({ id }) => id === "d")) carrying.push(message.type);
    assert.equal(carrying.length, timesToTell(5));
    assert.ok(carrying.every((type) => ["ping", "ack", "pingRequest"].includes(type)));
    assert.ok(script.sent.every(({ message }) => message.type !== "spread"));
  });

  it("leaves by itself, too, to three others every spreadIntervalMs, until it has been told often enough", () => {
    const members = ["a", ...named(11)];
    const script = new Script({ members, settings: { ...LOCAL, syncIntervalMs: Number.POSITIVE_INFINITY } });
    script.run(1000);
    script.sent = [];
    const startMs = script.nowMs;
    script.told("a1", news("a2", 1, "failed"));
    script.run(3000);
    const told = script.sent.filter(({ message }) => message.news.some(({ id }) => id === "a2"));
    assert.equal(told.length, timesToTell(11));
    const spread = script.sent.filter(({ message }) => message.type === "spread");
    assert.equal(spread.length % 3, 0);
    assert.ok(spread.every(({ atMs }) => Math.abs(((atMs - startMs) / spreadIntervalMs) % 1) < 1e-6));
    assert.equal(new Set(told.map(({ to }) => to)).size, timesToTell(11), "each time to another");
    assert.ok(!told.some(({ to }) => to === "a2"));
  });

  it("comes to an end among two, too: neither is told that it is alive", () => {
    const script = new Script({ members: ["a", "b"], settings: LOCAL, known: [] });
    script.told("b", news("b", 1));
    script.run(2 * probeIntervalMs);
    script.sent = [];
    script.run(10 * probeIntervalMs);
    assert.ok(script.sent.every(({ message }) => message.type !== "spread"));
    assert.ok(script.sent.length <= 12, `${script.sent.length} messages in ten periods`);
  });

  it("is not sent for nothing: nobody gets a message that there is no news for", () => {
    const script = new Script({ members: ["a", "b", "c"], settings: { ...LOCAL, syncIntervalMs: 1e9 } });
    script.run(1000);
    script.sent = [];
    script.told("c", news("b", 2));
    script.run(2000);
    const spread = script.sent.filter(({ message }) => message.type === "spread");
    assert.ok(spread.length > 0);
    assert.ok(spread.every(({ to, message }) => to === "c" && message.news.length === 1));
  });

  it("takes at most 32 pieces on a probe, and what a message takes where it leaves for its own sake", () => {
    const members = ["a", ...named(200)];
    const script = new Script({ members, settings: LOCAL, known: [] });
    script.answering.clear();
    script.told("a1", ...members.slice(1, 101).map((id) => news(id, 2)));
    script.told("a1", ...members.slice(101).map((id) => news(id, 2)), news("a2", 3, "suspected", { by: "a1" }));
    script.hears("a2", { type: "ping", sequence: 1, news: [] });
    script.run(probeIntervalMs);
    const most = (...types: string[]) =>
      Math.max(...script.sent.filter(({ message }) => types.includes(message.type)).map(({ message }) => message.news.length)); // biome-ignore format: one rule
    assert.deepEqual([most("ping", "ack", "pingRequest"), most("spread")], [32, MAX_NEWS - 1]);
    assert.equal(script.sent.find(({ to, message }) => to === "a2" && message.type === "ack")?.message.news.length, 32);
  });

  it("goes to a suspect for its own sake, too, be it the only other one", () => {
    const script = new Script({ members: ["a", "b"], settings: LOCAL });
    script.run(1000);
    script.answering.clear();
    const { atMs } = script.runToPing("b");
    script.runTo(atMs + probeIntervalMs);
    assert.deepEqual(script.takeHappened(), ["b suspected by a: noAnswer"]);
    script.sent = [];
    script.run(spreadIntervalMs);
    assert.ok(script.takeSent().includes("b: spread b1?"));
  });

  it("tells a suspect first of all that it is one (Lifeguard, §IV-C), as often as there is a message for it", () => {
    const script = new Script();
    script.told("b", news("d", 1, "suspected", { by: "b" }), news("e", 2), news("f", 2));
    script.answering.clear();
    for (let times = 0; times < 10; times++) script.hears("d", { type: "ping", sequence: times, news: [] });
    const told = script.sent.filter(({ to }) => to === "d").map(({ message }) => message.news);
    assert.equal(told.length, 10);
    for (const first of told) assert.deepEqual(first[0], news("d", 1, "suspected", { by: "b" }));
    assert.ok(told.every((all) => all.filter(({ id }) => id === "d").length === 1));
  });

  it("tells a suspect without Lifeguard as it tells anybody: or it never could refute (SWIM, §4.2)", () => {
    const script = new Script({ settings: PAPER });
    script.told("b", news("d", 1, "suspected", { by: "b" }));
    script.hears("d", { type: "ping", sequence: 1, news: [] });
    assert.deepEqual(script.takeSent(), ["d: ack d1?"]);
  });

  it("tells who is held failed that it is", () => {
    for (const settings of [QUIET, PAPER]) {
      const script = new Script({ settings });
      script.told("b", news("d", 1, "failed"));
      for (let times = 0; times < 10; times++) script.hears("d", { type: "ping", sequence: times, news: [] });
      assert.deepEqual(new Set(script.takeSent()), new Set(["d: ack d1x"]));
    }
  });
});

describe("news (SWIM, §4.2)", () => {
  // Of the same counter: the graver. Of a later one: the news, whatever either says. Failed and left are refuted, too: there this differs from the paper.
  const STATES = ["alive", "suspected", "failed", "left"] as const;
  const overrides = (one: MemberState, other: MemberState): boolean => STATES.indexOf(one) > STATES.indexOf(other);

  for (const before of STATES)
    for (const after of STATES)
      it(`${after} on ${before}: of an older counter it is ignored, of the same ${overrides(after, before) ? "believed" : "ignored"}, of a later one believed`, () => {
        for (const [heartbeat, believed] of [
          [4, false],
          [5, overrides(after, before)],
          [6, true],
        ] as const) {
          const script = new Script();
          script.told("b", news("d", 5, before, before === "suspected" ? { by: "b" } : {}));
          script.happened = [];
          script.told("c", news("d", heartbeat, after, after === "suspected" ? { by: "c" } : {}));
          assert.equal(script.seen("d"), believed ? `${after} 1.${heartbeat}` : `${before} 1.5`);
          const tells = believed && (before !== after || after === "left");
          assert.equal(script.happened.length, tells ? 1 : 0, script.happened.join());
        }
      });

  it("is refuted by whom it is about, who rises above it: suspected, failed, left, or in a later life", () => {
    for (const state of ["suspected", "failed", "left"] as const) {
      const script = new Script({ settings: LOCAL });
      script.run(2000);
      script.sent = [];
      script.told("b", news("a", 3, state));
      assert.equal(script.seen("a"), "alive 1.4");
      script.run(spreadIntervalMs);
      const told = script.sent.filter(({ message }) =>
        message.news.some(({ id, heartbeat }) => id === "a" && heartbeat === 4),
      );
      assert.ok(told.length >= 3, `${told.length} are told`);
    }
    const forgetful = new Script();
    forgetful.told("b", news("a", 3, "alive", { incarnation: 7 }));
    assert.equal(forgetful.seen("a"), "alive 7.4");
    const same = new Script();
    same.told("b", news("a", 1), news("a", 0, "failed"), news("a", 9, "failed", { incarnation: 0 }));
    assert.equal(same.seen("a"), "alive 1.1");
  });

  it("is refuted to the face of who holds a member failed that is held failed, too", () => {
    const script = new Script({ settings: PAPER });
    script.told("b", news("d", 1, "failed"));
    script.sent = [];
    script.told("d", news("a", 1, "failed"));
    assert.deepEqual(script.takeSent(), ["d: spread a2"]);
    script.told("b", news("a", 2, "failed"));
    assert.deepEqual(script.takeSent(), [], "others hear of it with all other news");
  });

  it("that claims a counter at its end is not topped, and a goodbye does not go beyond it", () => {
    const script = new Script();
    script.told("b", news("a", MAX_COUNTER - 1, "failed"));
    assert.equal(script.seen("a"), "alive 1.1");
    script.told("b", news("a", MAX_COUNTER - 2, "failed"));
    assert.equal(script.seen("a"), `alive 1.${MAX_COUNTER - 1}`);
    script.sent = [];
    script.core.leave(script.nowMs);
    script.turn();
    const codec = new SwimCodec(script.core.members().map(({ id }) => id));
    for (const { message } of script.sent) {
      const { news: told } = codec.decode(codec.encode(message));
      assert.deepEqual(told, [news("a", MAX_COUNTER - 1, "left")]);
    }
    assert.equal(script.sent.length, 5);
  });

  it("of a member that restarted makes it alive again, and news of its older life is ignored", () => {
    const script = new Script();
    script.told("b", news("c", 90, "failed"));
    script.told("b", news("c", 1, "alive", { incarnation: 2 }));
    script.told("b", news("c", 99, "failed"), news("c", 99, "left"));
    script.told("b", news("c", 1, "alive", { incarnation: 3 }));
    assert.deepEqual(script.takeHappened(), ["c failed by b", "c.2 alive, was failed", "c.3 alive, was alive"]);
    script.told("b", news("c", 1, "suspected", { incarnation: 3, by: "b" }));
    script.told("b", news("c", 1, "alive", { incarnation: 4 }));
    assert.equal(script.core.figures().refuted, 0, "who restarted had stopped");
  });

  it("of the same state with a later counter is told on, and does not change since when that is so", () => {
    for (const state of ["alive", "suspected", "failed", "left"] as const) {
      const script = new Script({ settings: { ...QUIET, suspicionMultiplier: 10 } });
      script.told("b", news("d", 2, state, state === "suspected" ? { by: "b" } : {}));
      const sinceMs = script.since("d");
      script.run(3 * probeIntervalMs);
      for (let times = 0; times < 9; times++) script.hears("c", { type: "ping", sequence: 1, news: [] });
      script.told("b", news("d", 3, state, state === "suspected" ? { by: "b" } : {}));
      assert.equal(script.since("d"), sinceMs);
      script.sent = [];
      script.hears("c", { type: "ping", sequence: 1, news: [] });
      assert.deepEqual(
        script.sent[0]?.message.news.map(({ id, heartbeat }) => id + heartbeat),
        ["d3"],
      );
    }
  });

  it("that is outdated, and not that somebody lives, is answered at once with what is fresher; not without Lifeguard", () => {
    for (const [settings, answer] of [
      [QUIET, ["b: spread c9"]],
      [PAPER, []],
    ] as const) {
      const script = new Script({ settings });
      script.told("d", news("c", 9));
      for (let times = 0; times < 9; times++) script.hears("e", { type: "ping", sequence: 1, news: [] });
      script.sent = [];
      for (const state of ["suspected", "failed", "left"] as const) {
        script.told("b", news("c", 8, state));
        assert.deepEqual(script.takeSent(), answer);
      }
      script.told("b", news("c", 8));
      assert.deepEqual(script.takeSent(), []);
      assert.equal(script.seen("c"), "alive 1.9");
    }
    const self = new Script();
    self.told("b", news("a", 0, "failed"));
    assert.deepEqual(self.takeSent(), ["b: spread a1"]);
  });

  it("of nobody known, or from nobody known, is ignored", () => {
    const script = new Script();
    script.told("b", news("nobody", 5, "failed"));
    script.told("nobody", news("c", 5, "failed"));
    script.told("a", news("c", 5, "failed"));
    script.hears("b", { type: "gossip", news: [news("c", 5, "failed")], hears: [] });
    script.hears("b", { type: "pingRequest", sequence: 1, target: "nobody", news: [] });
    assert.deepEqual([script.sent, script.happened], [[], []]);
  });
});

describe("a comparison", () => {
  it("comes every syncIntervalMs, with one that is there and one that is held failed, of all that is known", () => {
    const script = new Script({ members: ["a", "b", "c", "d", "e"], known: ["b", "c", "d"], settings: LOCAL });
    script.told("b", news("d", 1, "failed"), news("c", 1, "left"));
    script.run(1000);
    script.sent = [];
    script.run(10 * syncIntervalMs);
    const syncs = script.sent.filter(({ message }) => message.type === "sync" && message.asks);
    assert.equal(syncs.filter(({ to }) => to === "d").length, 10);
    assert.equal(syncs.filter(({ to }) => to === "b" || to === "e").length, 10);
    assert.deepEqual(syncs[0]?.message.news, [
      news("a", 1),
      news("b", 1),
      news("c", 1, "left"),
      news("d", 1, "failed"),
    ]);
  });

  it("comes once, however late it is", () => {
    const script = new Script({ settings: LOCAL });
    script.run(1000);
    script.sent = [];
    script.nowMs += 10 * syncIntervalMs;
    for (let ticks = 0; ticks < 5; ticks++) {
      script.core.tick(script.nowMs);
      script.turn();
    }
    assert.equal(script.sent.filter(({ message }) => message.type === "sync").length, 1);
    assert.ok(script.core.deadline() > script.nowMs);
  });

  it("is answered in kind where it asks for it, and otherwise not", () => {
    const script = new Script();
    script.hears("b", { type: "sync", asks: true, news: [] });
    assert.deepEqual(script.takeSent(), ["b: sync a1 b1 c1 d1 e1 f1"]);
    script.hears("b", { type: "sync", asks: false, news: [] });
    assert.deepEqual(script.takeSent(), []);
  });

  it("goes in parts where there is more than a message takes; and so does what is owed to one member", () => {
    const members = ["a", ...named(299)];
    const script = new Script({ members });
    const codec = new SwimCodec(members);
    script.hears("a1", { type: "sync", asks: true, news: [] });
    const parts = script.sent.map(({ message }) => codec.decode(codec.encode(message)));
    assert.equal(parts.length, Math.ceil(300 / MAX_NEWS));
    assert.equal(new Set(parts.flatMap((part) => part.news.map(({ id }) => id))).size, 300);
    assert.equal(script.sent.filter(({ message }) => message.type === "sync" && message.asks).length, 0);

    // Three messages of outdated verdicts in one turn: each is corrected.
    script.sent = [];
    for (let from = 1; from < 300; from += 100)
      script.core.heard(
        "a1",
        { type: "sync", asks: false, news: members.slice(from, from + 100).map((id) => news(id, 0, "failed")) },
        script.nowMs,
      );
    script.turn();
    const owed = script.sent.filter(({ to, message }) => to === "a1" && message.type === "spread");
    for (const { message } of owed) codec.encode(message);
    assert.equal(new Set(owed.flatMap(({ message }) => message.news.map(({ id }) => id))).size, 299);
  });

  it("does not make believe a verdict on who is alive: it is asked itself, told so, and suspected if it does not answer", () =>
    assertVerdictsAreAskedAbout());

  it("makes believe it of who is suspected already, of a later life, and of whoever has not been heard of", () => {
    const script = new Script({ known: ["b", "c", "d"] });
    script.told("b", news("c", 1, "suspected", { by: "b" }));
    script.compared("b", news("c", 1, "failed"), news("d", 1, "failed", { incarnation: 2 }), news("e", 7, "failed"));
    assert.deepEqual(
      ["c", "d", "e"].map((id) => script.seen(id)),
      ["failed 1.1", "failed 2.1", "failed 1.7"],
    );
  });

  it("follows within a period where one is back that was held failed and has not restarted", () => {
    for (const [back, soon] of [
      [news("d", 2), true],
      [news("d", 1, "alive", { incarnation: 2 }), false],
    ] as const) {
      let early = 0;
      for (let seed = 0; seed < 10; seed++) {
        const script = new Script({ settings: { ...LOCAL, syncIntervalMs: 1e9 }, seed: String(seed) });
        script.told("b", news("d", 1, "failed"), news("e", 1, "failed"));
        script.told("b", back);
        script.run(probeIntervalMs);
        const asked = script.sent.filter(({ message }) => message.type === "sync" && message.asks).map(({ to }) => to);
        early += asked.length;
        if (soon) assert.ok(asked.includes("e"), "and one that may be back, too, is asked");
      }
      assert.equal(early, soon ? 20 : 0);
    }
    const never = new Script();
    never.told("b", news("d", 1, "failed"));
    never.told("b", news("d", 2));
    never.run(100_000);
    assert.ok(
      never.sent.every(({ message }) => message.type !== "sync"),
      "never stays never",
    );
  });
});

describe("a goodbye", () => {
  it("is told to all at once, and is not a failure", () => {
    const script = new Script();
    script.told("b", news("c", 1, "failed"));
    script.linkDown("d");
    script.linkDown("e");
    script.linkUp("e");
    script.sent = [];
    script.core.leave(script.nowMs);
    script.turn();
    const told = script.sent.filter(({ message }) =>
      message.news.some(({ id, state }) => id === "a" && state === "left"),
    );
    // Whom no link leads to hears of it from others.
    assert.deepEqual(told.map(({ to }) => to).toSorted(), ["b", "e", "f"]);
    assert.equal(script.core.deadline(), Number.POSITIVE_INFINITY);
    assert.equal(script.seen("a"), "left 1.2");

    const other = new Script();
    other.told("d", news("d", 2, "left"));
    other.linkDown("d");
    other.answering.delete("d");
    other.run(20 * probeIntervalMs);
    assert.deepEqual(other.happened, ["d left"]);
    assert.ok(other.sent.every(({ to }) => to !== "d"));
  });

  it("is final: nothing is refuted, probed or suspected any more, and a ping is still answered", () => {
    const script = new Script({ settings: LOCAL });
    script.core.leave(0);
    script.turn();
    script.core.leave(1);
    script.nowMs = 1;
    script.turn();
    assert.equal(script.seen("a"), "left 1.2");
    script.told("b", news("a", 99, "failed"));
    assert.equal(script.seen("a"), "left 1.2");
    script.sent = [];
    script.linkDown("d");
    script.hears("b", { type: "pingRequest", sequence: 1, target: "c", news: [] });
    script.nowMs = 50_000;
    script.core.tick(script.nowMs);
    assert.deepEqual(
      script.sent.filter(({ message }) => message.type !== "spread"),
      [],
    );
    script.hears("b", { type: "ping", sequence: 8, news: [] });
    assert.ok(script.sent.some(({ to, message }) => to === "b" && message.type === "ack"));
    assert.equal(script.core.deadline(), Number.POSITIVE_INFINITY);
  });

  it("is undone by the next life", () => {
    const script = new Script();
    script.told("d", news("d", 2, "left"));
    script.told("d", news("d", 1, "alive", { incarnation: 2 }));
    assert.deepEqual(script.takeHappened(), ["d left", "d.2 alive, was left"]);
  });
});

describe("a configuration", () => {
  const make = (fields: object, incarnation = 1) =>
    new SwimMembership({ id: "a", members: ["a", "b"], ...LOCAL, ...fields }, incarnation, 0, seededRandom(1));

  it("that makes no sense is refused", () => {
    for (const fields of [
      { id: "z" },
      { members: ["a", "b", "b"] },
      { probeTimeoutMs: 400 },
      { probeTimeoutMs: 0 },
      { probeIntervalMs: Number.NaN },
      { suspicionMultiplier: 0 },
      { spreadIntervalMs: 0 },
      { syncIntervalMs: -1 },
    ])
      assert.throws(() => make(fields), RangeError, JSON.stringify(fields));
    for (const incarnation of [0.5, -1, MAX_COUNTER]) assert.throws(() => make({}, incarnation), RangeError);
  });

  it("without comparisons has none, whatever is drawn", () => {
    const zero = { ...seededRandom(1), float: () => 0, int: (min: number) => min, fork: () => seededRandom(2) };
    const core = new SwimMembership({ id: "a", members: ["a", "b"], ...QUIET }, 1, 0, zero);
    assert.equal(core.deadline(), 0);
    core.tick(0);
    assert.ok(core.deadline() > 0);
  });

  it("does not make time run backwards", () => {
    const core = make({});
    core.tick(10);
    assert.throws(() => core.tick(9), InvariantViolation);
    assert.throws(() => core.heard("b", { type: "spread", news: [] }, Number.NaN), InvariantViolation);
    assert.throws(() => core.linkUp("b", 9), InvariantViolation);
  });
});
