import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MembershipNetwork, type NetworkOptions } from "../../../../bench/membership-network.ts";
import { MAX_NEWS } from "../../../../server/core/membership/news.ts";
import { fanoutAmong } from "../../../../server/core/membership/swim/dissemination.ts";
import { placesOfBits } from "../../../../server/core/membership/swim/starts.ts";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import type { MembershipMessage, SwimMessage } from "../../../../server/core/membership/types.ts";
import { news, Script } from "./script.ts";
import { LOCAL, named, QUIET } from "./settings.ts";

const MANY = 300;
const MEMBERS = ["a", ...named(MANY - 1)];
/** Nothing but news leaves. */
const SPREADING = { ...LOCAL, syncIntervalMs: Number.POSITIVE_INFINITY };

function bits(...places: number[]): Uint8Array {
  const all = new Uint8Array(Math.ceil(MANY / 8));
  for (const place of places) all[place >>> 3] = (all[place >>> 3] as number) | (1 << (place & 7));
  return all;
}

function startsIn(script: Script): Extract<SwimMessage, { readonly type: "starts" }>[] {
  return script.sent.flatMap(({ message }) => (message.type === "starts" ? [message] : []));
}

/** Believes nothing of it. */
class Deaf extends SwimMembership {
  override heard(from: string, message: MembershipMessage, now: number): void {
    if (message.type !== "starts") super.heard(from, message, now);
  }
}

/** Of a swarm that starts: how many of the others each has heard of at the least, and the most that one has sent, by then. */
function started(
  incarnation: number,
  make?: NetworkOptions["make"],
): { readonly heard: number; readonly sent: number } {
  const ids = named(MANY);
  const lives: NetworkOptions["make"] = (config, life, ...rest) =>
    make?.(config, life, ...rest) ?? new SwimMembership(config, life + incarnation - 1, ...rest);
  const network = new MembershipNetwork({ ids, seed: "starts", settings: SPREADING, make: lives });
  network.startAll(SPREADING.probeTimeoutMs);
  network.runUntil(4 * SPREADING.probeIntervalMs);
  const heardBy = (id: string) =>
    network
      .core(id)
      ?.members()
      .filter((member) => member.incarnation === incarnation);
  return {
    heard: Math.min(...ids.map((id) => heardBy(id)?.length ?? 0)),
    sent: Math.max(...ids.map((id) => network.load(id).sent)),
  };
}

describe("starts of many", () => {
  it("are known to all within four periods, whichever life it is; not where what tells of many is not heard", () => {
    for (const incarnation of [1, 3]) {
      const { heard, sent } = started(incarnation);
      assert.equal(heard, MANY);
      // Four messages five times a period, and the probes.
      assert.ok(sent <= 4 * (5 * fanoutAmong(MANY) + 4), `${sent} messages`);
    }
    assert.ok(started(1, (...given) => new Deaf(...given)).heard < MANY);
  });

  it("leave in one message, and each so often; few of them as any news does", () => {
    const script = new Script({ members: MEMBERS, settings: SPREADING, known: [] });
    script.hears("a1", { type: "starts", life: 1, members: bits(...MEMBERS.keys()), news: [] });
    const sent = startsIn(script);
    assert.equal(sent.length, fanoutAmong(MANY));
    for (const { life, members, news: beside } of sent)
      assert.deepEqual([life, placesOfBits(members).length, beside], [1, MANY, []]);
    script.run(3000);
    assert.equal(startsIn(script).length, 12, "4 ceil(log10(n + 1))");

    const calm = new Script({ members: MEMBERS, settings: SPREADING, known: [] });
    calm.run(3000);
    calm.sent = [];
    calm.told("a1", ...MEMBERS.slice(1, 40).map((id) => news(id, 1)));
    calm.run(3000);
    assert.equal(startsIn(calm).length, 0);
    const told = calm.sent.filter(({ message }) => message.news.some(({ id }) => id === "a20"));
    assert.equal(told.length, 12);
    assert.ok(told.every(({ message }) => message.news.length <= MAX_NEWS));
  });

  it("are observed, and change nothing of whom something fresher is known", () => {
    const script = new Script({ members: MEMBERS, settings: SPREADING, known: [] });
    script.told("a1", news("a2", 5), news("a3", 1, "failed"), news("a4", 1, "alive", { incarnation: 3 }));
    script.happened = [];
    script.hears("a1", { type: "starts", life: 2, members: bits(0, 3, 4, 5), news: [news("a6", 1, "left")] });
    assert.deepEqual(
      ["a2", "a3", "a4", "a5", "a6"].map((id) => script.seen(id)),
      ["alive 1.5", "alive 2.1", "alive 3.1", "alive 2.1", "left 1.1"],
    );
    assert.deepEqual(script.happened, ["a6 left", "a3.2 alive, was failed", "a5.2 alive, was unknown"]);
    assert.equal(script.seen("a"), "alive 2.2", "it tops what is said of itself");
  });

  it("are not told any more of whom something fresher is known", () => {
    const script = new Script({ members: MEMBERS, settings: SPREADING, known: [] });
    script.hears("a1", { type: "starts", life: 1, members: bits(...MEMBERS.keys()), news: [] });
    script.sent = [];
    script.told("a1", news("a9", 1, "suspected", { by: "a1" }), news("a8", 1, "alive", { incarnation: 2 }));
    script.run(LOCAL.spreadIntervalMs);
    const sent = startsIn(script);
    assert.equal(sent.length, fanoutAmong(MANY));
    for (const { members, news: beside } of sent) {
      assert.ok(!placesOfBits(members).some((place) => place === 8 || place === 9));
      assert.deepEqual(beside.map(({ id }) => id).toSorted(), ["a8", "a9"]);
    }
  });

  it("are news like any other where none leaves for its own sake, and among as many as fit a message", () => {
    for (const [members, settings] of [
      [MEMBERS, QUIET],
      [["a", ...named(MAX_NEWS - 1)], SPREADING],
    ] as const) {
      const script = new Script({ members, settings, known: [] });
      script.told("a1", ...members.slice(1, 100).map((id) => news(id, 1)));
      script.hears("a1", { type: "ping", sequence: 1, news: [] });
      script.run(3000);
      assert.equal(startsIn(script).length, 0);
      const ack = script.sent.find(({ message }) => message.type === "ack");
      assert.equal(ack?.message.news.length, 31, "as many as a probe takes");
    }
  });

  it("are told to ceil(log10(n + 1)) + 1 at once, and at least three", () => {
    assert.deepEqual([2, 10, 99, 100, 999, 1000, 9999].map(fanoutAmong), [3, 3, 3, 4, 4, 5, 5]);
  });
});
