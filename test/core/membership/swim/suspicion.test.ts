import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Suspicion, suspicionTimes } from "../../../../server/core/membership/swim/suspicion.ts";
import type { SwimConfig } from "../../../../server/core/membership/types.ts";
import { assertEachConfirmsOnce } from "./checks.ts";
import { news, Script } from "./script.ts";
import { LOCAL, named, PAPER, QUIET } from "./settings.ts";

const { probeIntervalMs, probeTimeoutMs } = LOCAL;
const config: SwimConfig = { id: "a", members: ["a"], ...LOCAL };

/** Nobody answers, and nobody says that there is no answer. */
function unheardScript(members?: readonly string[], settings = QUIET): Script {
  const script = new Script({ settings, ...(members && { members }) });
  script.nacking = false;
  return script;
}

describe("a suspicion", () => {
  it("lasts log10 n periods at least, six times that at most, and counts three confirmations (Lifeguard, §IV-B)", () => {
    const times = (present: number, fields: Partial<SwimConfig> = {}) => {
      const { minMs, maxMs, wanted } = suspicionTimes(present, { ...config, ...fields });
      return [Math.round(minMs), Math.round(maxMs), wanted];
    };
    assert.deepEqual(times(1), [400, 400, 0]);
    assert.deepEqual(times(2), [400, 400, 0], "nobody else could confirm");
    assert.deepEqual(times(3), [400, 2400, 1]);
    assert.deepEqual(times(4), [400, 2400, 2]);
    assert.deepEqual(times(5), [400, 2400, 3]);
    assert.deepEqual(times(10), [400, 2400, 3]);
    assert.deepEqual(times(100), [800, 4800, 3]);
    assert.deepEqual(times(100, { suspicionMultiplier: 5 }), [4000, 24_000, 3]);
    assert.deepEqual(times(100, { lifeguard: false }), [800, 800, 3]);
  });

  it("becomes shorter with each confirmation: max - (max - min) log(c + 1) / log(K + 1) (Lifeguard, §IV-B)", () => {
    for (const [wanted, lengths] of [
      [0, [400]],
      [1, [2400, 400]],
      [2, [2400, 2400 - (2000 * Math.log(2)) / Math.log(3), 400]],
      [3, [2400, 1400, 2400 - (2000 * Math.log(3)) / Math.log(4), 400]],
    ] as const) {
      const suspicion = new Suspicion({ minMs: 400, maxMs: 2400, wanted }, 9, 1000);
      for (const [confirmations, length] of lengths.entries()) {
        if (confirmations > 0) assert.equal(suspicion.confirm(confirmations), true);
        assert.equal(Math.round(suspicion.untilMs), 1000 + Math.round(length), `${confirmations} of ${wanted}`);
      }
      assert.equal(suspicion.confirm(50), false, "one too many");
      assert.ok(suspicion.untilMs >= 1400, "never shorter than the shortest");
    }
  });

  it("is confirmed once by each, and not by who began it", () => {
    const suspicion = new Suspicion({ minMs: 400, maxMs: 2400, wanted: 3 }, 9, 0);
    assert.equal(suspicion.confirm(9), false);
    assert.equal(suspicion.confirm(1), true);
    assert.equal(suspicion.confirm(1), false);
    assert.equal(suspicion.lastBy, 1);
    assert.equal(Math.round(suspicion.untilMs), 1400);
  });

  /** When d is failed after b began to suspect it, and others confirmed at once. */
  function failedAfter(confirmedBy: readonly string[], settings = QUIET): number {
    const script = unheardScript(undefined, settings);
    const startMs = script.nowMs;
    script.told("b", news("d", 1, "suspected", { by: "b" }));
    for (const by of confirmedBy) script.told("c", news("d", 1, "suspected", { by }));
    // It answers, so that this member does not come to suspect it, too; and does not refute.
    while (script.core.member("d")?.state === "suspected") script.runTo(script.core.deadline());
    assert.deepEqual(script.takeHappened(), ["d suspected by b: told", "d failed by a"]);
    return Math.round(script.nowMs - startMs);
  }

  it("is confirmed by others that say so, through whomever", () => {
    assert.deepEqual(
      [[], ["c"], ["c", "e"], ["c", "e", "f"]].map((by) => failedAfter(by)),
      [2400, 1400, 2400 - Math.round((2000 * Math.log(3)) / Math.log(4)), 400],
    );
  });

  it("is not confirmed by telling again what one member has said", () => {
    assert.equal(failedAfter(["b", "b", "b"]), 2400);
    assertEachConfirmsOnce();
    assert.equal(failedAfter(["c", "c", "c"]), 1400);
  });

  it("is not confirmed where nobody known is said to suspect", () => {
    const script = unheardScript();
    script.told("b", news("d", 1, "suspected", { by: "b" }));
    for (const from of ["c", "e", "f"]) script.told(from, news("d", 1, "suspected"));
    script.run(2399);
    assert.equal(script.seen("d"), "suspected 1.1");
  });

  it("lasts a fixed time without Lifeguard, whoever confirms it", () => {
    assert.equal(failedAfter([], PAPER), 400);
    assert.equal(failedAfter(["c", "e", "f"], PAPER), 400);
  });

  it("is not told again for a confirmation, without Lifeguard", () => {
    for (const settings of [QUIET, PAPER]) {
      const script = new Script({ settings });
      script.told("b", news("d", 1, "suspected", { by: "b" }));
      for (let times = 0; times < 9; times++) script.hears("c", { type: "ping", sequence: 1, news: [] });
      script.told("c", news("d", 1, "suspected", { by: "c" }));
      script.sent = [];
      script.hears("c", { type: "ping", sequence: 1, news: [] });
      assert.deepEqual(script.takeSent(), [settings.lifeguard ? "c: ack d1?" : "c: ack"]);
    }
  });

  it("is confirmed by this member's own probe, and the confirmation is told", () => {
    const script = new Script();
    script.answering.delete("d");
    const { atMs } = script.runToPing("d");
    script.told("b", news("d", 1, "suspected", { by: "b" }));
    script.runTo(atMs + probeIntervalMs);
    script.answering.add("d");
    script.sent = [];
    script.hears("c", { type: "ping", sequence: 1, news: [] });
    assert.deepEqual(script.sent[0]?.message.news, [news("d", 1, "suspected", { by: "a" })]);
    // b's, and then a's own.
    script.runTo(atMs + 1399);
    assert.equal(script.seen("d"), "suspected 1.1");
    script.runTo(atMs + 1401);
    assert.equal(script.seen("d"), "failed 1.1");
  });

  it("begins anew with news of a later counter, and ends with a refutation", () => {
    const script = unheardScript();
    script.told("b", news("d", 1, "suspected", { by: "b" }));
    script.run(2000);
    script.told("b", news("d", 2, "suspected", { by: "b" }));
    script.run(2399);
    assert.equal(script.seen("d"), "suspected 1.2");
    script.told("b", news("d", 3));
    script.run(10_000);
    assert.deepEqual(script.takeHappened(), ["d suspected by b: told", "d.1 alive, was suspected"]);
    assert.equal(script.core.figures().refuted, 1);
  });
});

describe("local health (Lifeguard, §IV-A)", () => {
  const health = (script: Script) => script.core.figures().localHealth;

  /** One probe of d that d does not answer, up to the moment in which it ends. */
  function unanswered(script: Script, whileAsking?: (sequence: number) => void): void {
    script.answering.delete("d");
    const { atMs, message } = script.runToPing("d");
    script.run(probeTimeoutMs);
    whileAsking?.(message.sequence);
    script.runTo(atMs + probeIntervalMs - 0.001);
    script.nowMs = atMs + probeIntervalMs;
    script.core.tick(script.nowMs);
  }

  it("suffers from helpers that say nothing at all, not from those that got no answer", () => {
    const silent = unheardScript();
    unanswered(silent);
    assert.equal(health(silent), 3);
    const nacked = new Script();
    unanswered(nacked);
    assert.equal(health(nacked), 0);
    const some = unheardScript();
    unanswered(some, (sequence) => {
      for (const helper of ["b", "c"]) some.hears(helper, { type: "nack", sequence, news: [] });
    });
    assert.equal(health(some), 1);
    const several = unheardScript();
    unanswered(several, (sequence) => {
      for (let nacks = 0; nacks < 9; nacks++) several.hears("b", { type: "nack", sequence, news: [] });
    });
    assert.equal(health(several), 0, "more answers than were asked for do no good");
  });

  it("suffers by one where there is nobody to help", () => {
    const script = new Script({ members: ["a", "d"] });
    unanswered(script);
    assert.equal(health(script), 1);
  });

  it("suffers by one from having to refute", () => {
    const script = new Script();
    script.told("b", news("a", 1, "suspected", { by: "b" }));
    assert.equal(health(script), 1);
    script.told("c", news("a", 1, "suspected", { by: "c" }));
    assert.equal(health(script), 1, "that is refuted already");
  });

  it("recovers by one with each answer, and ends at 0 and at 8", () => {
    const script = unheardScript();
    for (let heartbeat = 1; heartbeat <= 12; heartbeat++)
      script.told("b", news("a", heartbeat, "suspected", { by: "b" }));
    assert.equal(health(script), 8);
    const seen: number[] = [];
    for (let pings = 0; pings < 10; pings++) {
      script.runTo(script.core.deadline());
      seen.push(health(script));
    }
    assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1, 0, 0, 0]);
  });

  it("lengthens both period and timeout, by as many of them as it counts", () => {
    for (const score of [0, 1, 3, 8]) {
      const script = unheardScript();
      script.answering.clear();
      for (let heartbeat = 1; heartbeat <= score; heartbeat++)
        script.told("b", news("a", heartbeat, "suspected", { by: "b" }));
      script.runTo(script.core.deadline());
      const ping = script.sent.find(({ message }) => message.type === "ping");
      const startMs = ping?.atMs as number;
      script.sent = [];
      script.runTo(startMs + probeTimeoutMs * (score + 1) - 1);
      assert.deepEqual(script.takeSent(), []);
      script.run(1.5);
      assert.equal(script.sent.filter(({ message }) => message.type === "pingRequest").length, 3);
      script.sent = [];
      script.runTo(startMs + probeIntervalMs * (score + 1) - 1);
      assert.deepEqual([script.sent, script.happened], [[], []]);
      script.run(1.5);
      assert.deepEqual(script.takeHappened(), [`${ping?.to} suspected by a: noAnswer`]);
      assert.ok(
        script.sent.some(({ message }) => message.type === "ping"),
        "and the next is pinged",
      );
    }
  });

  it("lengthens what a closed link begins, too", () => {
    const script = new Script();
    script.told("b", news("a", 1, "suspected", { by: "b" }));
    script.answering.delete("d");
    script.linkDown("d");
    script.run(4 * probeTimeoutMs - 1);
    // The periodic pings of others were answered meanwhile: it is well again, and goes by what was when it began.
    assert.deepEqual(script.happened, []);
    script.run(1);
    assert.deepEqual(script.happened, ["d suspected by a: linkClosed"]);
  });

  it("is always well without Lifeguard", () => {
    const script = unheardScript(undefined, PAPER);
    unanswered(script);
    script.told("b", news("a", 1, "suspected", { by: "b" }));
    assert.equal(health(script), 0);
  });
});

describe("a member that did not run", () => {
  it("accuses nobody for it: what others had no time for is postponed", () => {
    for (const first of ["timer", "message"]) {
      const script = new Script();
      script.answering.delete("d");
      const { atMs, message } = script.runToPing("d");
      script.told("b", news("e", 1, "suspected", { by: "b" }));
      // Stopped for ten seconds; its timer fires before it reads anything, or after.
      script.nowMs = atMs + 10_000;
      if (first === "message") script.told("c", news("e", 1, "suspected", { by: "b" }));
      script.core.tick(script.nowMs);
      script.turn();
      script.hears("d", { type: "ack", sequence: message.sequence, news: [] });
      script.told("b", news("e", 2));
      assert.deepEqual(script.takeHappened(), ["e suspected by b: told", "e.1 alive, was suspected"]);
    }
  });

  it("goes on where it was: the rest of the time is still to run", () => {
    const script = new Script();
    script.answering.delete("d");
    const { atMs } = script.runToPing("d");
    const dueMs = script.core.deadline();
    assert.equal(dueMs, atMs + probeTimeoutMs);
    script.nowMs = dueMs + 5000;
    script.runTo(dueMs + 5000 + probeIntervalMs - probeTimeoutMs - 1);
    assert.ok(!script.happened.includes("d suspected by a: noAnswer"));
    script.run(1.5);
    assert.ok(script.happened.includes("d suspected by a: noAnswer"));
  });

  it("counts what is more than a quarter of a period late as time in which it did not run", () => {
    const script = new Script();
    script.answering.delete("d");
    const { atMs } = script.runToPing("d");
    script.run(probeTimeoutMs);
    script.nowMs = atMs + probeIntervalMs + 0.3 * probeIntervalMs;
    script.core.tick(script.nowMs);
    script.turn();
    // What d said meanwhile may be read now.
    assert.deepEqual(script.takeHappened(), []);
    assert.ok(script.core.deadline() <= script.nowMs, "it wants to be called again");
    script.core.tick(script.nowMs);
    script.turn();
    assert.deepEqual(script.takeHappened(), ["d suspected by a: noAnswer"]);
  });

  it("still comes to verdicts where its timer is always late", () => {
    const script = new Script();
    script.answering.delete("d");
    while (script.nowMs < 60 * probeIntervalMs) {
      script.nowMs = Math.max(script.nowMs, script.core.deadline()) + 0.4 * probeIntervalMs;
      script.core.tick(script.nowMs);
      script.turn();
    }
    assert.deepEqual(script.takeHappened(), ["d suspected by a: noAnswer", "d failed by a"]);
  });

  it("makes no allowance for a timer that is a little late, nor without Lifeguard", () => {
    for (const [lateMs, settings] of [
      [probeIntervalMs / 4, QUIET],
      [10_000, PAPER],
    ] as const) {
      const script = new Script({ settings });
      script.answering.delete("d");
      const { atMs } = script.runToPing("d");
      script.run(probeTimeoutMs);
      script.nowMs = atMs + probeIntervalMs + lateMs;
      script.core.tick(script.nowMs);
      script.turn();
      assert.deepEqual(script.happened, ["d suspected by a: noAnswer"]);
    }
  });

  it("suspects, of many, nobody after a stop of any length at any moment", () => {
    const members = ["a", ...named(11)];
    for (let seed = 0; seed < 20; seed++) {
      const script = new Script({ members, seed: String(seed) });
      script.run(seed * 97);
      script.answering.clear();
      script.run(20 + 19 * seed);
      if (seed % 3 === 0) script.linkDown("a1");
      const waiting = script.sent.slice();
      script.nowMs += 150 * (seed + 4);
      script.core.tick(script.nowMs);
      script.turn();
      // All that it has asked is answered now.
      script.answering = new Set(members);
      for (const { to, message } of [...waiting, ...script.sent])
        if (message.type === "ping") script.hears(to, { type: "ack", sequence: message.sequence, news: [] });
      script.run(5000);
      assert.deepEqual(script.takeHappened(), [], `seed ${seed}`);
    }
  });
});
