import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../../server/core/invariant.ts";
import { MAX_COUNTER } from "../../../../server/core/membership/freshness.ts";
import { HeartbeatMembership } from "../../../../server/core/membership/heartbeat/heartbeat.ts";
import { MAX_NEWS } from "../../../../server/core/membership/news.ts";
import type { HeartbeatNews, MemberState } from "../../../../server/core/membership/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { happened, MEMBERS, member, news, runTo, suspicion, TIMING, tell, told } from "./scripts.ts";

describe("a member", () => {
  it("takes in others while it runs: silent ones are suspected as at a start, those that speak are heard of", () => {
    const core = member(["a", "b"]);
    core.linkUp("b", 0);
    tell(core, "b", 0, news("b", 1));
    runTo(core, 1000);
    core.grow(["a", "b", "c", "d"], 1000);
    core.linkUp("d", 1010);
    tell(core, "d", 1020, news("d", 3));
    assert.deepEqual(happened(core.take(1020)).slice(-1), ["d.1 alive, was unknown"]);
    const since = runTo(core, 3100);
    assert.ok(since.includes("c suspected by a: silence"), since.join("; "));
    assert.deepEqual(
      core.members().map(({ id }) => id),
      ["a", "b", "c", "d"],
    );
    assert.throws(() => core.grow(["a", "c", "b", "d"], 3100), RangeError);
    assert.throws(() => core.grow(["a", "b", "c"], 3100), RangeError);
    assert.throws(() => core.grow(["a", "b", "c", "d", "d"], 3100), RangeError);
  });

  it("greets a new link with itself and all it knows", () => {
    const core = member();
    tell(core, "b", 0, news("b", 4), news("c", 7));
    core.take(0);
    core.linkUp("d", 0);
    assert.deepEqual(told(core.take(0)), ["d: a2 b4 c7"]);
  });

  it("raises its counter with every heartbeat and tells each neighbour", () => {
    const core = member();
    core.linkUp("b", 0);
    core.linkUp("c", 0);
    core.take(0);
    const firstMs = core.deadline();
    assert.ok(firstMs < TIMING.heartbeatMs);
    core.tick(firstMs);
    assert.deepEqual(told(core.take(firstMs)), ["b: a4", "c: a4"]);
    assert.equal(core.deadline(), firstMs + TIMING.heartbeatMs);
    assert.equal(core.take(firstMs), undefined);
  });

  it("passes on a heartbeat only to neighbours that do not hear that member themselves", () => {
    const core = member();
    for (const peer of ["b", "c", "d"]) core.linkUp(peer, 0);
    core.heard("b", { type: "gossip", news: [news("b", 1)], hears: ["a", "c"] }, 0);
    core.heard("c", { type: "gossip", news: [news("c", 1)], hears: ["a", "b"] }, 0);
    core.take(0);
    runTo(core, 150);
    tell(core, "b", 150, news("b", 2));
    core.heard("b", { type: "gossip", news: [], hears: ["a", "c"] }, 150);
    core.take(150);
    const relayMs = core.deadline();
    assert.ok(relayMs <= 150 + TIMING.heartbeatMs / 2);
    core.tick(relayMs);
    assert.deepEqual(told(core.take(relayMs)), ["d: b2"]);
  });

  it("takes a link that was given up for nothing but that: no hint, and others are to pass on what it no longer hears", () => {
    const hears = (core: HeartbeatMembership, nowMs: number): readonly string[] => {
      for (const { message } of core.take(nowMs)?.messages ?? []) if (message.type === "gossip") return message.hears;
      return [];
    };
    for (const [ended, after] of [
      ["linkGivenUp", []],
      ["linkDown", ["b suspected by a: linkClosed"]],
    ] as const) {
      const core = member();
      for (const peer of ["b", "c"]) core.linkUp(peer, 0);
      for (const peer of ["b", "c"]) tell(core, peer, 1, news(peer, 1));
      assert.deepEqual(hears(core, 1), ["b", "c"]);
      core[ended]("b", 20);
      assert.deepEqual(happened(core.take(20)), after);
      core.linkUp("d", 30);
      assert.deepEqual(hears(core, 30), ["c"]);
      // What others say of it is life, as before.
      runTo(core, 399);
      tell(core, "c", 400, news("b", 5));
      core.take(400);
      assert.equal(core.member("b")?.state, "alive");
      assert.ok(runTo(core, 1000).includes("b suspected by a: silence"));
    }
  });

  it("refutes at once that it is suspected, failed, or in a later life", () => {
    for (const state of ["suspected", "failed", "left"] as const) {
      const core = member();
      core.linkUp("b", 0);
      core.linkUp("c", 0);
      core.take(0);
      tell(core, "b", 1, news("a", 3, state));
      assert.deepEqual(told(core.take(1)), ["b: a4", "c: a4"]);
    }
    const forgetful = member();
    tell(forgetful, "b", 1, news("a", 3, "alive", 7));
    assert.deepEqual(
      [forgetful.member("a")?.incarnation, forgetful.member("a")?.heartbeat, forgetful.member("a")?.state],
      [7, 4, "alive"],
    );
  });

  it("does not try to top a counter at its end", () => {
    const core = member();
    tell(core, "b", 1, news("a", MAX_COUNTER - 1, "failed"));
    assert.equal(core.member("a")?.heartbeat, 1);
  });

  it("answers an outdated verdict at once with what is fresher", () => {
    const core = member();
    core.linkUp("b", 0);
    tell(core, "b", 0, news("c", 9));
    core.take(0);
    tell(core, "b", 1, news("c", 8, "failed"));
    const ready = core.take(1);
    assert.deepEqual(told(ready), ["b: c9"]);
    assert.deepEqual(happened(ready), []);
  });

  it("suspects after silence, fails when the suspicion runs out and is confirmed, and tells both at once", () => {
    const core = member(["a", "b", "c"]);
    core.linkUp("b", 0);
    tell(core, "b", 0, news("b", 1), news("c", 1));
    core.take(0);
    const keepB = (nowMs: number) => tell(core, "b", nowMs, news("b", 1 + nowMs));
    for (let nowMs = 50; nowMs < 500; nowMs += 50) {
      assert.deepEqual(runTo(core, nowMs), []);
      keepB(nowMs);
    }
    core.tick(500);
    const suspected = core.take(500);
    assert.deepEqual(happened(suspected), ["c suspected by a: silence"]);
    assert.match(told(suspected).join(), /c1\?a/);
    tell(core, "b", 500, suspicion("c", 1, "b"));
    assert.equal(core.member("c")?.sinceMs, 500);
    for (let nowMs = 550; nowMs < 800; nowMs += 50) {
      assert.deepEqual(runTo(core, nowMs), []);
      keepB(nowMs);
    }
    core.tick(800);
    const verdict = core.take(800);
    assert.deepEqual(happened(verdict), ["c failed by a"]);
    assert.match(told(verdict).join(), /c1x/);
  });

  it("takes a closed link for a hint: suspects at once, fails sooner", () => {
    const core = member(["a", "b", "c"]);
    core.linkUp("b", 0);
    tell(core, "b", 0, news("b", 1));
    tell(core, "c", 0, news("c", 1));
    core.take(0);
    core.linkDown("b", 10);
    assert.deepEqual(happened(core.take(10)), ["b suspected by a: linkClosed"]);
    tell(core, "c", 20, suspicion("b", 1, "c"));
    assert.deepEqual(runTo(core, 209), []);
    assert.deepEqual(runTo(core, 210), ["b failed by a"]);
  });

  it("drops a suspicion when the counter rises through others, or the link comes back and speaks", () => {
    for (const [from, back] of [
      ["c", false],
      ["b", true],
    ] as const) {
      const core = member(["a", "b", "c"]);
      core.linkUp("b", 0);
      core.linkUp("c", 0);
      tell(core, "b", 0, news("b", 1));
      core.take(0);
      core.linkDown("b", 10);
      core.take(10);
      if (back) core.linkUp("b", 20);
      tell(core, from, 30, news("b", 2));
      assert.deepEqual(happened(core.take(30)), ["b.1 alive, was suspected"]);
    }
  });

  it("gives members it has never heard of four times as long", () => {
    const core = member(["a", "b"]);
    assert.deepEqual(runTo(core, 1999), []);
    assert.deepEqual(runTo(core, 2000), ["b suspected by a: silence"]);
    assert.deepEqual(runTo(core, 2300), []);
    tell(core, "b", 2301, news("b", 1));
    assert.deepEqual(happened(core.take(2301)), ["b.1 alive, was unknown"]);
  });

  it("sees a member that restarted alive again at once, and ignores news of its older life", () => {
    const core = member(["a", "b", "c"]);
    tell(core, "b", 0, news("c", 90, "failed", 1));
    assert.deepEqual(happened(core.take(0)), ["c failed by b"]);
    tell(core, "b", 1, news("c", 1, "alive", 2));
    assert.deepEqual(happened(core.take(1)), ["c.2 alive, was failed"]);
    tell(core, "b", 2, news("c", 99, "failed", 1));
    assert.deepEqual(happened(core.take(2)), []);
    tell(core, "b", 3, news("c", 1, "alive", 3));
    assert.deepEqual(happened(core.take(3)), ["c.3 alive, was alive"], "a restart nobody had noticed");
  });

  it("says goodbye, and holds nobody failed that did", () => {
    const core = member(["a", "b"]);
    core.linkUp("b", 0);
    tell(core, "b", 0, news("b", 5));
    core.take(0);
    tell(core, "b", 1, news("b", 6, "left"));
    assert.deepEqual(happened(core.take(1)), ["b left"]);
    core.linkDown("b", 2);
    assert.deepEqual(runTo(core, 5000), []);
    core.linkUp("b", 5000);
    core.leave(5000);
    assert.match(told(core.take(5000)).join(), /b: a\d+-/);
    tell(core, "b", 5001, news("a", 999, "failed"));
    assert.equal(core.member("a")?.state, "left");
  });

  it("does not take time in which it did not run for silence of the others", () => {
    const core = member(["a", "b", "c"]);
    tell(core, "b", 0, news("b", 1), news("c", 1));
    core.take(0);
    core.linkDown("c", 1);
    core.take(1);
    // Stopped for ten seconds; its timer fires before it reads anything.
    core.tick(10_000);
    assert.deepEqual(happened(core.take(10_000)), []);
    tell(core, "b", 10_001, news("b", 2), news("c", 2));
    assert.deepEqual(happened(core.take(10_001)), ["c.1 alive, was suspected"]);
    assert.deepEqual(runTo(core, 10_400), []);
    assert.deepEqual(runTo(core, 10_501).sort(), ["b suspected by a: silence", "c suspected by a: silence"]);
  });

  it("tells a verdict three times to a neighbour that does not answer, then no more", () => {
    const core = member();
    core.linkUp("b", 0);
    core.take(0);
    tell(core, "c", 1, news("d", 5, "failed"));
    const said: string[] = told(core.take(1));
    for (let beats = 0; beats < 5; beats++) {
      const dueMs = core.deadline();
      core.tick(dueMs);
      said.push(...told(core.take(dueMs)));
    }
    assert.equal(said.filter((message) => message.includes("d5x")).length, 3);
  });

  it("sends a large table in parts", () => {
    const many = Array.from({ length: 300 }, (_, at) => (at === 0 ? "a" : `m${at}`));
    const core = member(many);
    core.linkUp("m1", 0);
    core.take(0);
    for (let at = 2; at < 300; at += 100)
      tell(core, "m2", 0, ...many.slice(at, at + 100).map((id) => news(id, 3, "failed")));
    const heard = new Set<string>();
    for (let rounds = 0; rounds < 4; rounds++) {
      for (const { message } of core.take(0)?.messages ?? []) {
        assert.ok(message.news.length <= MAX_NEWS);
        for (const { id } of message.news) heard.add(id);
      }
      core.tick(0);
    }
    assert.equal(heard.size, 298);
  });

  it("comes to the same view, and tells the same, whatever the order in which news arrives, and however often", () => {
    const point = {
      id: fc.constantFrom("b", "c", "d"),
      incarnation: fc.integer({ min: 1, max: 3 }),
      heartbeat: fc.integer({ min: 1, max: 4 }),
    };
    const someNews: fc.Arbitrary<HeartbeatNews> = fc.oneof(
      fc.record({ ...point, state: fc.constantFrom<MemberState>("alive", "failed", "left") }),
      fc.record({ ...point, state: fc.constant("suspected" as const), confirmedBy: fc.subarray([...MEMBERS]) }),
    );
    const lists = fc.array(someNews, { maxLength: 20 }).chain((list) => {
      const shuffled = fc.shuffledSubarray([...list, ...list.slice(0, 5)], {
        minLength: Math.min(list.length + 5, list.length * 2),
      });
      return fc.tuple(fc.constant(list), shuffled);
    });
    fc.assert(
      fc.property(lists, ([one, other]) => {
        const [first, second] = [one, other].map((list) => {
          const core = member();
          for (const some of list) tell(core, "b", 0, some);
          core.linkUp("b", 0);
          return { members: core.members(), told: told(core.take(0)).map((message) => message.replace(/a\d+ /, "")) };
        });
        assert.deepEqual(first, second);
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses a configuration that makes no sense, and time that runs backwards", () => {
    const make = (fields: object) =>
      new HeartbeatMembership({ id: "a", members: MEMBERS, ...TIMING, ...fields }, 1, 0, seededRandom(1));
    assert.throws(() => make({ id: "z" }), RangeError);
    assert.throws(() => make({ members: ["a", "b", "b"] }), RangeError);
    assert.throws(() => make({ heartbeatMs: 500 }), RangeError);
    assert.throws(() => member(MEMBERS, 0.5), RangeError);
    const core = make({});
    core.tick(10);
    assert.throws(() => core.tick(9), InvariantViolation);
  });
});
