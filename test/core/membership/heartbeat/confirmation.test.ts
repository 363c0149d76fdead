import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { confirmersAt, isQuorum, NOBODY, placesOf } from "../../../../server/core/membership/heartbeat/confirmers.ts";
import type { HeartbeatMembership } from "../../../../server/core/membership/heartbeat/heartbeat.ts";
import type { MembershipReady } from "../../../../server/core/membership/types.ts";
import { happened, member, news, runTo, suspicion, TIMING, tell, told } from "./scripts.ts";

const FIVE = ["a", "b", "c", "d", "e"];

/** a, which has just heard of all others and has a link with b. */
function among(members: readonly string[]): HeartbeatMembership {
  const core = member(members);
  core.linkUp("b", 0);
  for (const id of members.slice(1)) tell(core, id, 0, news(id, 1));
  core.take(0);
  return core;
}

/** The same, whose link with b closed: it suspects b from then on, and may hold it failed 200 ms later. */
function accusing(members: readonly string[]): HeartbeatMembership {
  const core = among(members);
  core.linkDown("b", 0);
  assert.deepEqual(happened(core.take(0)), ["b suspected by a: linkClosed"]);
  return core;
}

/** What a newly linked neighbour is told of b. */
function toldOfB(core: HeartbeatMembership, nowMs: number, to = "c"): string | undefined {
  core.linkUp(to, nowMs);
  const message = told(core.take(nowMs)).find((one) => one.startsWith(`${to}:`));
  return message?.split(" ").find((one) => one.startsWith("b"));
}

/** Time passes while some are heard every 50 ms. */
function pass(core: HeartbeatMembership, fromMs: number, toMs: number, heard: readonly string[]): string[] {
  const all: string[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += 50) {
    all.push(...runTo(core, atMs));
    for (const id of heard) tell(core, id, atMs, news(id, 10 + atMs));
  }
  return [...all, ...runTo(core, toMs)];
}

describe("confirmations", () => {
  it("are a set: union is commutative, associative and idempotent, and gives back its places", () => {
    const set = fc.uniqueArray(fc.nat(200));
    fc.assert(
      fc.property(set, set, set, (one, other, third) => {
        const [a, b, c] = [one, other, third].map(confirmersAt) as [bigint, bigint, bigint];
        assert.equal(a | b, b | a);
        assert.equal(a | b | c, a | (b | c));
        assert.equal(a | a, a);
        const sorted = [...new Set([...one, ...other])].sort((x, y) => x - y);
        assert.deepEqual(placesOf(a | b), sorted);
      }),
    );
    assert.deepEqual(placesOf(NOBODY), []);
  });

  it("are a quorum when they are more than half, so that no two quorums are strangers", () => {
    for (let members = 1; members <= 40; members++)
      for (let some = 0; some <= members; some++)
        assert.equal(isQuorum(some, members) && isQuorum(members - some, members), false, `${some} of ${members}`);
    const least = [1, 2, 3, 4, 5, 6, 7, 12].map((n) => [n, Array.from({ length: n + 1 }, (_, k) => k).find((k) => isQuorum(k, n))]); // biome-ignore format: a table
    assert.deepEqual(least, [[1, 1], [2, 2], [3, 2], [4, 3], [5, 3], [6, 4], [7, 4], [12, 7]]); // biome-ignore format: a table
  });

  it("fail a suspect when a quorum is there and its allowance is over, exactly at the boundary", () => {
    for (let size = 2; size <= 9; size++) {
      const members = Array.from({ length: size }, (_, at) => String.fromCharCode(97 + at));
      const others = members.slice(2);
      for (let more = 0; more <= others.length; more++) {
        const core = accusing(members);
        for (const id of others.slice(0, more)) tell(core, id, 10, suspicion("b", 1, id));
        core.take(10);
        assert.deepEqual(runTo(core, 199), []);
        const verdict = (1 + more) * 2 > size ? ["b failed by a"] : [];
        assert.deepEqual(runTo(core, 300), verdict, `${1 + more} of ${size}`);
        assert.equal(core.member("b")?.sinceMs, verdict.length > 0 ? 200 : 0);
      }
    }
  });

  it("that come after the allowance fail it as soon as they are enough", () => {
    const core = accusing(FIVE);
    assert.deepEqual(pass(core, 0, 400, ["c", "d", "e"]), []);
    tell(core, "c", 400, suspicion("b", 1, "c"));
    assert.deepEqual(pass(core, 400, 450, ["c", "d", "e"]), []);
    tell(core, "c", 450, suspicion("b", 1, "c"));
    assert.deepEqual(runTo(core, 460), [], "the same one twice is one");
    tell(core, "c", 460, suspicion("b", 1, "d"));
    core.tick(460);
    assert.deepEqual(happened(core.take(460)), ["b failed by a"]);
  });

  it("are united, whoever tells of them", () => {
    const core = among(FIVE);
    tell(core, "c", 0, suspicion("b", 1, "c", "d"));
    tell(core, "d", 0, suspicion("b", 1, "d"), suspicion("b", 1, "e"));
    assert.equal(toldOfB(core, 0), "b1?cde");
  });

  it("are not given by whoever is only told, but by its own silence later", () => {
    const core = among(FIVE);
    runTo(core, 100);
    tell(core, "c", 100, suspicion("b", 1, "c"));
    core.take(100);
    assert.deepEqual(pass(core, 100, 499, ["c", "d", "e"]), []);
    assert.equal(toldOfB(core, 499), "b1?c");
    assert.deepEqual(runTo(core, 500), []);
    assert.equal(toldOfB(core, 500, "d"), "b1?ac");
    assert.equal(core.figures().unanswered, 1);
  });

  it("are given at once by whoever is told of a later counter and has just lost its own link, not by one that has it back", () => {
    for (const back of [false, true]) {
      const core = accusing(FIVE);
      tell(core, "c", 10, news("b", 2));
      if (back) core.linkUp("b", 20);
      tell(core, "c", 30, suspicion("b", 3, "c"));
      core.take(30);
      assert.equal(toldOfB(core, 30, "d"), back ? "b3?c" : "b3?ac");
    }
  });

  it("are dropped by a later counter and by a later life, and do not come back", () => {
    for (const later of [news("b", 2), news("b", 1, "alive", 2)]) {
      const core = accusing(FIVE);
      tell(core, "c", 10, suspicion("b", 1, "c", "d", "e"));
      tell(core, "c", 20, later);
      assert.equal(core.member("b")?.state, "alive");
      tell(core, "d", 30, suspicion("b", 1, "c", "d", "e"));
      assert.equal(core.member("b")?.state, "alive");
      core.take(30);
      tell(core, "e", 600, { ...later, state: "suspected", confirmedBy: ["e"] });
      assert.match(String(toldOfB(core, 600, "d")), /^b\d\?e$/);
    }
  });

  it("of a later counter take the place of those before, a's own among them", () => {
    const core = accusing(FIVE);
    runTo(core, 550);
    tell(core, "c", 550, suspicion("b", 2, "c"));
    core.take(550);
    assert.equal(toldOfB(core, 550, "d"), "b2?c");
  });

  it("count of those who are held alive only, and again when they are", () => {
    const core = accusing(FIVE);
    tell(core, "c", 10, suspicion("b", 1, "c", "d"), suspicion("d", 1, "e"));
    core.take(10);
    assert.deepEqual(pass(core, 10, 250, ["c", "e"]), []);
    tell(core, "c", 260, news("d", 2));
    assert.deepEqual(happened(core.take(260)), ["d.1 alive, was suspected"]);
    core.tick(260);
    assert.deepEqual(happened(core.take(260)), ["b failed by a"]);
  });

  it("need a quorum of those that failed, too, and of those never heard of, but not of those that left", () => {
    const six = [...FIVE, "f"];
    const confirmed = (...some: readonly ReturnType<typeof news>[]) => {
      const core = accusing(six);
      tell(core, "c", 10, suspicion("b", 1, "c", "d"), ...some);
      core.take(10);
      return runTo(core, 250);
    };
    assert.deepEqual(confirmed(), []);
    assert.deepEqual(confirmed(news("f", 1, "failed")), []);
    assert.deepEqual(confirmed(news("f", 1, "left")), ["b failed by a"]);
    const core = accusing(FIVE);
    tell(core, "c", 10, suspicion("b", 1, "c", "d"));
    core.grow(six, 20);
    core.take(20);
    assert.deepEqual(runTo(core, 250), []);
  });

  it("are not needed of a verdict that others reached: it is adopted at once, and told without them", () => {
    const core = accusing(FIVE);
    tell(core, "c", 10, news("b", 1, "failed"));
    assert.deepEqual(happened(core.take(10)), ["b failed by c"]);
    assert.equal(toldOfB(core, 10), "b1x");
    tell(core, "d", 20, suspicion("b", 1, "d"));
    assert.equal(toldOfB(core, 20, "d"), "b1x", "a suspicion is outdated by the verdict");
  });

  it("never come to a quorum among two: each holds the other suspected for as long as it is silent", () => {
    const core = accusing(["a", "b"]);
    assert.deepEqual(runTo(core, 60_000), []);
    assert.equal(core.member("b")?.state, "suspected");
    tell(core, "b", 60_000, news("b", 2));
    core.linkUp("b", 60_000);
    tell(core, "b", 60_001, news("b", 3));
    assert.equal(core.member("b")?.state, "alive");
  });

  it("fail one of three, and not the second: nobody is left to confirm that", () => {
    const core = accusing(["a", "b", "c"]);
    tell(core, "c", 10, suspicion("b", 1, "c"));
    core.take(10);
    assert.deepEqual(runTo(core, 250), ["b failed by a"]);
    assert.deepEqual(runTo(core, 60_000), ["c suspected by a: silence"]);
  });

  it("are told at once, and with every heartbeat to a neighbour that does not show that it knows them", () => {
    const core = among(FIVE);
    core.linkUp("c", 0);
    core.linkUp("d", 0);
    core.take(0);
    core.linkDown("b", 10);
    assert.deepEqual(told(core.take(10)), ["c: b1?a", "d: b1?a"]);
    tell(core, "c", 20, suspicion("b", 1, "a", "c"));
    const ofB = (ready: MembershipReady | undefined) =>
      told(ready).flatMap((one) => (/b1\?\w*/.exec(one) ?? []).map((text) => one.slice(0, 3) + text));
    const said: string[][] = [];
    for (let ticks = 0; ticks < 7; ticks++) {
      const dueMs = core.deadline();
      core.tick(dueMs);
      const some = ofB(core.take(dueMs));
      if (some.length > 0) said.push(some);
    }
    assert.ok(said.length >= 5, "more often than a verdict");
    for (const some of said) assert.deepEqual(some, ["d: b1?ac"], "c has shown that it knows");
  });

  it("are not passed on to whoever hears by itself from those who confirm, but those of its own are", () => {
    const core = among(FIVE);
    for (const peer of ["c", "d", "e"]) core.linkUp(peer, 0);
    const hears = { c: ["a", "d"], d: ["a", "c"], e: ["a"] };
    for (const [id, heard] of Object.entries(hears))
      core.heard(id, { type: "gossip", news: [suspicion("b", 1, "c")], hears: heard }, 1);
    core.take(1);
    core.heard("d", { type: "gossip", news: [suspicion("b", 1, "d")], hears: hears.d }, 2);
    const relayed: string[] = [];
    for (let dueMs = core.deadline(); relayed.length === 0; dueMs = core.deadline()) {
      core.tick(dueMs);
      relayed.push(...told(core.take(dueMs)).filter((one) => one.includes("b1?") && !one.includes("a4")));
      assert.ok(dueMs < TIMING.heartbeatMs);
    }
    assert.deepEqual(relayed, ["b: b1?cd", "e: b1?cd"], "and to b, who can refute it");
    core.linkDown("b", 100);
    const own = told(core.take(100)).filter((one) => one.includes("b1?acd"));
    assert.deepEqual(own.map((one) => one[0]), ["c", "d", "e"]); // biome-ignore format: short
  });
});
