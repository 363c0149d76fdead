import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { described, news, Script } from "./script.ts";
import { LOCAL, named, PAPER, QUIET } from "./settings.ts";

const { probeIntervalMs, probeTimeoutMs } = LOCAL;

/** Whom it asked to ping that one. */
function asked(script: Script, about: string): string[] {
  return script.sent.flatMap(({ to, message }) =>
    message.type === "pingRequest" && message.target === about ? [to] : [],
  );
}

describe("a probing member", () => {
  it("pings one other a period, everybody once in each round, in an order drawn anew (SWIM, §4.3)", () => {
    const script = new Script();
    script.runTo(probeIntervalMs * 101);
    const pings = script.sent.filter(({ message }) => message.type === "ping");
    assert.equal(pings.length, 101);
    for (const [at, { atMs }] of pings.entries())
      if (at > 0) assert.equal(Math.round(atMs - (pings[at - 1]?.atMs as number)), probeIntervalMs);
    const rounds = new Set<string>();
    for (let from = 0; from + 5 <= pings.length; from += 5) {
      const round = pings.slice(from, from + 5).map(({ to }) => to);
      assert.deepEqual(round.toSorted(), ["b", "c", "d", "e", "f"]);
      rounds.add(round.join(""));
    }
    assert.ok(rounds.size > 10, `${rounds.size} orders in 20 rounds`);
  });

  it("comes to everybody within 2n - 1 periods, n of them others (SWIM, §4.3)", () => {
    for (const size of [3, 6, 12, 30]) {
      const members = ["a", ...named(size - 1)];
      let longest = 0;
      for (let seed = 0; seed < 10; seed++) {
        const script = new Script({ members, seed: String(seed) });
        script.runTo(probeIntervalMs * size * 20);
        const last = new Map<string, number>();
        for (const { atMs, to, message } of script.sent) {
          if (message.type !== "ping") continue;
          const before = last.get(to);
          if (before !== undefined) longest = Math.max(longest, Math.round((atMs - before) / probeIntervalMs));
          last.set(to, atMs);
        }
        assert.equal(last.size, size - 1);
      }
      assert.ok(longest <= 2 * (size - 1) - 1, `${longest} periods among ${size}`);
      assert.ok(longest > size - 1, `the order of ${size} never changes`);
    }
  });

  it("asks three others to ping who does not answer in time, and suspects when the period ends (SWIM, §3.1)", () => {
    const script = new Script();
    script.answering.delete("d");
    const { atMs } = script.runToPing("d");
    script.runTo(atMs + probeTimeoutMs - 1);
    assert.deepEqual(asked(script, "d"), []);
    script.runTo(atMs + probeTimeoutMs);
    const helpers = asked(script, "d");
    assert.equal(new Set(helpers).size, 3);
    assert.ok(!helpers.includes("d") && !helpers.includes("a"));
    script.runTo(atMs + probeIntervalMs - 1);
    assert.deepEqual(script.happened, []);
    script.runTo(atMs + probeIntervalMs);
    assert.deepEqual(script.takeHappened(), ["d suspected by a: noAnswer"]);
  });

  it("asks helpers drawn by chance, all in time, and none that is not alive", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const script = new Script({ seed: String(seed) });
      script.told("b", news("e", 1, "suspected", { by: "b" }), news("f", 1, "left"));
      script.answering.delete("d");
      script.runToPing("d");
      script.run(probeTimeoutMs);
      for (const helper of asked(script, "d")) seen.add(helper);
    }
    assert.deepEqual([...seen].toSorted(), ["b", "c"]);
    const all = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const script = new Script({ seed: String(seed) });
      script.answering.delete("d");
      script.runToPing("d");
      script.run(probeTimeoutMs);
      for (const helper of asked(script, "d")) all.add(helper);
    }
    assert.deepEqual([...all].toSorted(), ["b", "c", "e", "f"]);
  });

  it("rather asks those that it trusts, and the others, too", () => {
    const times = new Map(["b", "c", "d", "e", "f"].map((id) => [id, 0]));
    for (let seed = 0; seed < 60; seed++) {
      const trust = (id: string) => (id < "d" ? 1 : 0);
      const script = new Script({ members: ["a", ...times.keys(), "z"], seed: String(seed), trust });
      script.answering.delete("z");
      script.runToPing("z");
      script.run(probeTimeoutMs);
      for (const helper of asked(script, "z")) times.set(helper, (times.get(helper) as number) + 1);
    }
    const [b, c, ...rest] = [...times.values()];
    // 180 requests among five: 36 each, if it trusted all the same.
    for (const trusted of [b, c]) assert.ok((trusted as number) > 45, [...times.values()].join());
    for (const other of rest) assert.ok(other > 10 && other < 35, [...times.values()].join());
  });

  for (const [from, what] of [
    ["d", "the member's own late answer"],
    ["b", "one that a helper passes on"],
  ] as const)
    it(`is content with ${what}`, () => {
      const script = new Script();
      script.answering.delete("d");
      const { atMs, message } = script.runToPing("d");
      script.runTo(atMs + probeIntervalMs - 1);
      script.hears(from, { type: "ack", sequence: message.sequence, news: [] });
      script.answering.add("d");
      script.run(5000);
      assert.deepEqual(script.happened, []);
    });

  it("does not take an answer to a ping of its earlier life, or to one that is over, for another's", () => {
    const before = new Script({ seed: "a.1" }).runToPing("d").message.sequence;
    const script = new Script({ seed: "a.2", incarnation: 2 });
    script.answering.delete("d");
    const { atMs } = script.runToPing("d");
    script.hears("d", { type: "ack", sequence: before, news: [] });
    script.runTo(atMs + probeIntervalMs);
    assert.deepEqual(script.takeHappened(), ["d suspected by a: noAnswer"]);
    const figures = script.core.figures();
    script.hears("d", { type: "ack", sequence: before, news: [] });
    script.hears("b", { type: "nack", sequence: before, news: [] });
    assert.deepEqual(script.core.figures(), figures);
  });

  it("answers a ping, and one that it is asked for about itself", () => {
    const script = new Script();
    script.hears("b", { type: "ping", sequence: 77, news: [] });
    script.hears("c", { type: "pingRequest", sequence: 78, target: "a", news: [] });
    assert.deepEqual(
      script.sent.map(({ to, message }) => [to, message]),
      [
        ["b", { type: "ack", sequence: 77, news: [] }],
        ["c", { type: "ack", sequence: 78, news: [] }],
      ],
    );
  });

  it("pings for another, and passes the answer on under the number that was asked with (SWIM, §3.1)", () => {
    const script = new Script();
    script.hears("b", { type: "pingRequest", sequence: 9, target: "d", news: [] });
    assert.deepEqual(
      script.sent.map(({ to, message }) => `${to} ${described(message)}`),
      ["d ping", "b ack"],
    );
    const [ping, ack] = script.sent.map(({ message }) => message);
    assert.ok(ping?.type === "ping" && ping.sequence !== 9);
    assert.ok(ack?.type === "ack" && ack.sequence === 9);
  });

  it("says at 80 % of the timeout that it got no answer, and passes on one that comes later (Lifeguard, §IV-A)", () => {
    const script = new Script();
    script.answering.clear();
    const startMs = script.nowMs;
    script.hears("b", { type: "pingRequest", sequence: 9, target: "d", news: [] });
    const ping = script.sent[0]?.message;
    script.sent = [];
    script.runTo(startMs + 0.8 * probeTimeoutMs - 1);
    assert.ok(!script.takeSent().includes("b: nack"));
    script.runTo(startMs + 0.8 * probeTimeoutMs);
    const nack = script.sent.find(({ to }) => to === "b")?.message;
    assert.deepEqual(nack, { type: "nack", sequence: 9, news: [] });
    script.sent = [];
    script.hears("d", { type: "ack", sequence: ping?.type === "ping" ? ping.sequence : -1, news: [] });
    assert.deepEqual(script.takeSent(), ["b: ack"]);
    script.hears("d", { type: "ack", sequence: ping?.type === "ping" ? ping.sequence : -1, news: [] });
    assert.deepEqual(script.takeSent(), [], "once");
  });

  it("says nothing where it got no answer, without Lifeguard", () => {
    const script = new Script({ settings: PAPER });
    script.answering.clear();
    script.hears("b", { type: "pingRequest", sequence: 9, target: "d", news: [] });
    script.run(probeTimeoutMs);
    assert.ok(script.sent.every(({ message }) => message.type !== "nack"));
  });

  it("does not suspect members never heard of in the first five periods: others may still be starting", () => {
    const script = new Script({ members: ["a", "b", "c"], known: [] });
    script.answering.clear();
    script.runTo(5 * probeIntervalMs - 1);
    assert.deepEqual(script.takeHappened(), []);
    assert.ok(script.sent.length > 5, "they are pinged all the same");
    script.runTo(60_000);
    assert.deepEqual(script.happened.map((line) => line.slice(0, 11)).toSorted(), [
      "b failed by",
      "b suspected",
      "c failed by",
      "c suspected",
    ]);
    script.told("b", news("b", 1));
    assert.deepEqual(script.happened.slice(4), ["b.1 alive, was unknown"]);
  });

  it("does not hold a ping that left before a member started, or restarted, against its new life", () => {
    const early = new Script({ members: ["a", "b"], known: [] });
    early.answering.clear();
    early.run(6 * probeIntervalMs);
    const first = early.runToPing("b");
    early.run(10);
    early.told("b", news("b", 1));
    early.happened = [];
    early.answering.add("b");
    early.runTo(first.atMs + 3 * probeIntervalMs);
    assert.deepEqual(early.happened, []);

    const script = new Script();
    script.answering.delete("d");
    script.runToPing("d");
    script.told("d", news("d", 1, "alive", { incarnation: 2 }));
    script.answering.add("d");
    script.run(6 * probeIntervalMs);
    assert.deepEqual(script.happened, ["d.2 alive, was alive"]);
  });

  it("suspects members never heard of with the first probe that ends after those five periods", () => {
    const script = new Script({ members: ["a", "b", "c"], known: [], settings: PAPER });
    script.answering.clear();
    script.runTo(5 * probeIntervalMs - 0.001);
    assert.deepEqual(script.takeHappened(), []);
    script.run(probeIntervalMs);
    assert.match(script.takeHappened().join(), /^[bc] suspected by a: noAnswer$/);
  });

  it("takes in others while it runs: pings them in this very round, and gives them as long as at a start", () => {
    const script = new Script({ members: ["a", "b", "c"] });
    script.runTo(10_000);
    script.core.grow(["a", "b", "c", "d", "e"], script.nowMs);
    script.answering.add("e");
    script.sent = [];
    script.run(7 * probeIntervalMs);
    const pinged = script.sent.filter(({ message }) => message.type === "ping").map(({ to }) => to);
    assert.ok(pinged.includes("d") && pinged.includes("e"), pinged.join());
    script.told("e", news("e", 3));
    assert.deepEqual(
      script.happened.filter((line) => line.startsWith("e")),
      ["e.1 alive, was unknown"],
    );
    script.runTo(10_000 + 5 * probeIntervalMs + 20_000);
    assert.ok(script.happened.includes("d suspected by a: noAnswer"));
    assert.ok(script.since("d") >= 10_000 + 5 * probeIntervalMs);
    for (const members of [
      ["a", "c", "b", "d", "e"],
      ["a", "b"],
      ["a", "b", "c", "d", "e", "e"],
    ])
      assert.throws(() => script.core.grow(members, script.nowMs), RangeError);
    assert.equal(script.core.members().length, 5);
  });
});

describe("a closed link", () => {
  it("is a hint: the member is pinged at once, and others are asked at once", () => {
    const script = new Script();
    script.answering.delete("d");
    script.linkDown("d");
    assert.deepEqual(
      script.sent.filter(({ to }) => to === "d").map(({ message }) => message.type),
      ["ping"],
    );
    assert.equal(asked(script, "d").length, 3);
    script.run(2 * probeTimeoutMs - 1);
    assert.deepEqual(script.happened, []);
    script.run(1);
    assert.deepEqual(script.happened, ["d suspected by a: linkClosed"]);
    assert.equal(script.seen("d"), "suspected 1.1");
  });

  it("is never a verdict: who answers through others is not even suspected", () => {
    const script = new Script();
    script.answering.delete("d");
    script.linkDown("d");
    const request = script.sent.find(({ message }) => message.type === "pingRequest");
    assert.ok(request?.message.type === "pingRequest");
    script.run(150);
    script.hears(request.to, { type: "ack", sequence: request.message.sequence, news: [] });
    script.answering.add("d");
    script.run(10 * probeIntervalMs);
    assert.deepEqual(script.happened, []);
    assert.equal(script.seen("d"), "alive 1.1");
  });

  it("makes a probe that is under way ask others at once, and not begin again", () => {
    const script = new Script();
    script.answering.delete("d");
    const { atMs } = script.runToPing("d");
    script.sent = [];
    script.linkDown("d");
    assert.equal(asked(script, "d").length, 3);
    script.linkDown("d");
    assert.equal(script.sent.length, 3, "once");
    script.runTo(atMs + probeIntervalMs);
    assert.deepEqual(script.takeHappened(), ["d suspected by a: noAnswer"]);
  });

  it("means nothing where the member failed or left", () => {
    const script = new Script();
    script.told("b", news("d", 1, "failed"), news("e", 1, "left"));
    script.sent = [];
    for (const gone of ["d", "e", "a", "nobody"]) script.linkDown(gone);
    assert.deepEqual(script.sent, []);
  });
});

describe("a link that opens", () => {
  it("is greeted with all that is known, not asking for as much", () => {
    const script = new Script({ known: ["b", "c"] });
    script.told("b", news("c", 4, "failed"));
    script.sent = [];
    script.linkUp("d");
    assert.deepEqual(script.takeSent(), ["d: sync a1 b1 c4x"]);
  });

  it("gets pings under way again, under the same numbers: to others there may have been no way either", () => {
    const script = new Script();
    script.answering.clear();
    const { message } = script.runToPing("d");
    const again = () => script.sent.filter((sent) => sent.message.type === "ping");
    for (const peer of ["d", "b"]) {
      script.sent = [];
      script.linkUp(peer);
      assert.deepEqual(
        again().map((sent) => [sent.to, sent.message.type === "ping" && sent.message.sequence]),
        [["d", message.sequence]],
      );
    }
    // What a closed link began is only sent again to the very member: there may be as many of those as members.
    script.linkDown("c");
    script.sent = [];
    script.linkUp("b");
    assert.deepEqual(
      again().map((sent) => sent.to),
      ["d"],
    );
    script.linkUp("c");
    assert.deepEqual(
      again().map((sent) => sent.to),
      ["d", "d", "c"],
    );
  });
});

describe("a detector that nobody else is there for", () => {
  it("never has anything that stays due, and says nothing", () => {
    for (const settings of [LOCAL, QUIET, PAPER, { ...LOCAL, lifeguard: false }]) {
      const alone = new Script({ members: ["a"], settings, known: [] });
      alone.runTo(10_000);
      assert.deepEqual(alone.sent, []);

      const bereft = new Script({ settings });
      bereft.told("b", ...["b", "c", "d", "e", "f"].map((id) => news(id, 1, "failed")));
      bereft.runTo(10_000);
      bereft.takeSent();
      bereft.runTo(11_000);
      // With whom it holds failed it compares what it knows, now and then.
      assert.ok(bereft.sent.every(({ message }) => message.type === "sync"));
      assert.equal(Number.isFinite(bereft.core.deadline()), true);
      assert.ok(bereft.core.deadline() > bereft.nowMs);
    }
  });

  it("is not woken for news that nobody is there to be told", () => {
    const alone = new Script({ members: ["a"], settings: LOCAL, known: [] });
    let ticks = 0;
    for (let dueMs = alone.core.deadline(); dueMs < 40_000; dueMs = alone.core.deadline()) {
      alone.runTo(dueMs);
      ticks++;
    }
    // A hundred periods and ten comparisons.
    assert.ok(ticks <= 112, `${ticks} ticks`);
  });
});
