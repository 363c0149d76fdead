import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { MembershipCodec } from "../../../server/core/membership/codec.ts";
import { MAX_COUNTER } from "../../../server/core/membership/freshness.ts";
import { MAX_NEWS } from "../../../server/core/membership/membership.ts";
import type { MemberState, MembershipMessage } from "../../../server/core/membership/types.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../codec-properties.ts";

const counter = fc.integer({ min: 0, max: MAX_COUNTER - 1 });

function roster(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `agent-${at + 1}`);
}

function anyMessage(ids: readonly string[]): fc.Arbitrary<MembershipMessage> {
  return fc.record({
    type: fc.constant("gossip" as const),
    news: fc.array(
      fc.record({
        id: fc.constantFrom(...ids),
        incarnation: counter,
        heartbeat: counter,
        state: fc.constantFrom<MemberState>("alive", "suspected", "failed", "left"),
      }),
      { maxLength: 20 },
    ),
    hears: fc.subarray([...ids]),
  });
}

describe("the binary form of membership messages", () => {
  for (const size of [1, 3, 8, 12, 30]) {
    const codec = new MembershipCodec(roster(size));
    it(`gives back every message among ${size}`, () => assertRoundTrips(codec, anyMessage(roster(size))));
    it(`answers bytes from outside with a message or MalformedBytes among ${size}`, () =>
      assertOnlyMalformed(codec, anyMessage(roster(size))));
  }

  it("takes about ten bytes for a heartbeat among 30, after hours", () => {
    const ids = roster(30);
    const heartbeat = { id: "agent-30", incarnation: 3, heartbeat: 1_000_000, state: "alive" as const };
    const bytes = new MembershipCodec(ids).encode({ type: "gossip", news: [heartbeat], hears: ids.slice(0, 29) });
    assert.ok(bytes.length <= 10, `${bytes.length} bytes`);
  });

  it("refuses to read a counter that nobody could top", () => {
    const codec = new MembershipCodec(["a"]);
    const claim = { id: "a", incarnation: 1, heartbeat: MAX_COUNTER, state: "failed" as const };
    assert.throws(() => codec.decode(codec.encode({ type: "gossip", news: [claim], hears: [] })), MalformedBytes);
  });

  it("refuses to write of strangers and too much news", () => {
    const codec = new MembershipCodec(roster(2));
    const stranger = { id: "x", incarnation: 1, heartbeat: 1, state: "alive" as const };
    assert.throws(() => codec.encode({ type: "gossip", news: [stranger], hears: [] }), RangeError);
    assert.throws(() => codec.encode({ type: "gossip", news: [], hears: ["x"] }), RangeError);
    const many = new Array<typeof stranger>(MAX_NEWS + 1).fill({ ...stranger, id: "agent-1" });
    assert.throws(() => codec.encode({ type: "gossip", news: many, hears: [] }), RangeError);
  });

  it("is understood between members of which one knows of more: the rest is left out", () => {
    const [few, many] = [new MembershipCodec(roster(3)), new MembershipCodec(roster(12))];
    const news = ["agent-2", "agent-11"].map((id) => ({ id, incarnation: 1, heartbeat: 7, state: "alive" as const }));
    const hears = ["agent-1", "agent-3", "agent-12"];
    const told = few.decode(many.encode({ type: "gossip", news, hears }));
    assert.deepEqual(told, { type: "gossip", news: news.slice(0, 1), hears: ["agent-1", "agent-3"] });
    const small = { type: "gossip" as const, news: news.slice(0, 1), hears: ["agent-1"] };
    assert.deepEqual(many.decode(few.encode(small)), small);
    few.grow(roster(12));
    assert.deepEqual(few.decode(many.encode({ type: "gossip", news, hears })), { type: "gossip", news, hears });
  });
});
