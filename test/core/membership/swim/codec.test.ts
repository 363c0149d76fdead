import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../../server/core/bytes.ts";
import { MAX_COUNTER } from "../../../../server/core/membership/freshness.ts";
import { MAX_NEWS } from "../../../../server/core/membership/news.ts";
import { MAX_SEQUENCE, SwimCodec } from "../../../../server/core/membership/swim/codec.ts";
import type { MemberState, SwimMessage, SwimNews } from "../../../../server/core/membership/types.ts";
import { MAX_LEVEL } from "../../../../server/core/reconciliation/checksum-tree.ts";
import { MAX_LEAVES } from "../../../../server/core/reconciliation/codec.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../../codec-properties.ts";
import { checksum, splits } from "../../reconciliation/arbitraries.ts";
import { news } from "./script.ts";
import { named } from "./settings.ts";

const counter = fc.integer({ min: 0, max: MAX_COUNTER - 1 });
const sequence = fc.integer({ min: 0, max: MAX_SEQUENCE - 1 });

function anyNews(ids: readonly string[]): fc.Arbitrary<SwimNews> {
  const about = fc.record({ id: fc.constantFrom(...ids), incarnation: counter, heartbeat: counter });
  const state = fc.constantFrom<MemberState>("alive", "suspected", "failed", "left");
  return fc.tuple(about, state, fc.option(fc.constantFrom(...ids))).map(([standing, is, by]) => ({
    ...standing,
    state: is,
    // Nobody suspects itself: that stands for nobody known.
    ...(is === "suspected" && by !== null && by !== standing.id ? { by } : {}),
  }));
}

const leaves = fc
  .uniqueArray(fc.nat(MAX_LEAVES - 1), { maxLength: 5 })
  .map((indexes) => indexes.toSorted((a, b) => a - b));

function anyMessage(ids: readonly string[]): fc.Arbitrary<SwimMessage> {
  const some = fc.array(anyNews(ids), { maxLength: 20 });
  return fc.oneof(
    fc.record({ type: fc.constantFrom("ping" as const, "ack" as const, "nack" as const), sequence, news: some }),
    fc.record({ type: fc.constant("pingRequest" as const), sequence, target: fc.constantFrom(...ids), news: some }),
    fc.record({ type: fc.constant("spread" as const), news: some }),
    fc.record({ type: fc.constant("sync" as const), asks: fc.boolean(), news: some }),
    fc.record({
      type: fc.constant("checksum" as const),
      level: fc.integer({ min: 1, max: MAX_LEVEL }),
      sum: checksum,
      news: some,
    }),
    fc.record({
      type: fc.constant("starts" as const),
      life: counter,
      members: fc.uint8Array({ maxLength: Math.ceil(ids.length / 8) }),
      news: some,
    }),
    fc.record({ type: fc.constant("ranges" as const), splits, leaves, news: some }),
  );
}

describe("the binary form of probes and their news", () => {
  for (const size of [1, 3, 12, 300]) {
    const codec = new SwimCodec(named(size));
    it(`gives back every message among ${size}`, () => assertRoundTrips(codec, anyMessage(named(size))));
    it(`answers bytes from outside with a message or MalformedBytes among ${size}`, () =>
      assertOnlyMalformed(codec, anyMessage(named(size))));
  }

  it("takes seven bytes for a ping, and about as many for a piece of news, after hours", () => {
    const codec = new SwimCodec(named(300));
    const ping = { type: "ping" as const, sequence: 2 ** 30 + 20_000 };
    assert.equal(codec.encode({ ...ping, news: [] }).length, 7);
    const suspicion = news("a300", 4, "suspected", { incarnation: 3, by: "a299" });
    assert.equal(codec.encode({ ...ping, news: [suspicion] }).length, 13);
  });

  it("refuses to read a counter that nobody could top, a number beyond all, and more news than a message takes", () => {
    const codec = new SwimCodec(["a"]);
    for (const claim of [news("a", MAX_COUNTER, "failed"), news("a", 1, "failed", { incarnation: MAX_COUNTER })])
      assert.throws(() => codec.decode(codec.encode({ type: "spread", news: [claim] })), MalformedBytes);
    assert.throws(() => codec.decode(codec.encode({ type: "ping", sequence: MAX_SEQUENCE, news: [] })), MalformedBytes);
    const most = codec.encode({ type: "spread", news: new Array<SwimNews>(MAX_NEWS).fill(news("a", 1)) });
    assert.equal(codec.decode(most).news.length, MAX_NEWS);
    // The count is what follows the type: 128, in two bytes.
    assert.deepEqual([...most.subarray(1, 3)], [0x80, 1]);
    assert.throws(
      () => codec.decode(Uint8Array.of(most[0] as number, 0x81, 1, ...most.subarray(3), 0, 1, 1)),
      MalformedBytes,
    );
    assert.throws(() => codec.decode(Uint8Array.of(99, 0)), MalformedBytes);
    const sum = { high: 1, low: 2 };
    for (const level of [0, MAX_LEVEL + 1])
      assert.throws(() => codec.decode(codec.encode({ type: "checksum", level, sum, news: [] })), MalformedBytes);
    const starts = (life: number, bytes: number) =>
      codec.decode(codec.encode({ type: "starts", life, members: new Uint8Array(bytes), news: [] }));
    assert.equal(starts(1, 8192).type, "starts");
    assert.throws(() => starts(1, 8193), MalformedBytes, "more than any roster has");
    assert.throws(() => starts(MAX_COUNTER, 1), MalformedBytes);
    assert.throws(() => codec.decode(new Uint8Array()), MalformedBytes);
  });

  it("refuses to write of strangers, too much news, and heartbeats", () => {
    const codec = new SwimCodec(["a", "b"]);
    const spread = (...some: SwimNews[]) => codec.encode({ type: "spread", news: some });
    assert.throws(() => spread(news("x", 1)), RangeError);
    assert.throws(() => spread(news("a", 1, "suspected", { by: "x" })), RangeError);
    assert.throws(() => codec.encode({ type: "pingRequest", sequence: 1, target: "x", news: [] }), RangeError);
    assert.throws(() => spread(...new Array<SwimNews>(MAX_NEWS + 1).fill(news("a", 1))), RangeError);
    assert.throws(() => codec.encode({ type: "gossip", news: [], hears: [] }), RangeError);
  });

  it("is understood between members of which one knows of more: the rest is left out", () => {
    const [few, many] = [new SwimCodec(named(3)), new SwimCodec(named(12))];
    const all = [
      news("a2", 7),
      news("a11", 7),
      news("a3", 7, "suspected", { by: "a12" }),
      news("a12", 7, "suspected", { by: "a1" }),
      news("a1", 7, "suspected", { by: "a3" }),
    ];
    const known = [news("a2", 7), news("a3", 7, "suspected"), news("a1", 7, "suspected", { by: "a3" })];
    const sync = { type: "sync" as const, asks: true };
    assert.deepEqual(few.decode(many.encode({ ...sync, news: all })), { ...sync, news: known });
    const request = { type: "pingRequest" as const, sequence: 4 };
    const beyond = many.encode({ ...request, target: "a4", news: all });
    assert.deepEqual(few.decode(beyond), { type: "spread", news: known }, "a target that it has not been told of yet");
    const within = few.encode({ ...request, target: "a3", news: known });
    assert.deepEqual(many.decode(within), { ...request, target: "a3", news: known });
    few.grow(named(12));
    assert.deepEqual(few.decode(many.encode({ ...sync, news: all })), { ...sync, news: all });
    assert.deepEqual(few.decode(beyond), { ...request, target: "a4", news: all });
  });
});
