import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteWriter, MalformedBytes } from "../../../../server/core/bytes.ts";
import { MAX_COUNTER } from "../../../../server/core/membership/freshness.ts";
import { HeartbeatCodec, MAX_MEMBER_BYTES } from "../../../../server/core/membership/heartbeat/codec.ts";
import { MAX_NEWS } from "../../../../server/core/membership/news.ts";
import type {
  HeartbeatMessage,
  HeartbeatNews,
  MemberState,
  MembershipMessage,
} from "../../../../server/core/membership/types.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../../codec-properties.ts";

const counter = fc.integer({ min: 0, max: MAX_COUNTER - 1 });

function roster(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `agent-${at + 1}`);
}

function anyMessage(ids: readonly string[]): fc.Arbitrary<MembershipMessage> {
  const point = { id: fc.constantFrom(...ids), incarnation: counter, heartbeat: counter };
  const news: fc.Arbitrary<HeartbeatNews> = fc.oneof(
    fc.record({ ...point, state: fc.constantFrom<MemberState>("alive", "failed", "left") }),
    fc.record({ ...point, state: fc.constant("suspected" as const), confirmedBy: fc.subarray([...ids]) }),
  );
  return fc.record({
    type: fc.constant("gossip" as const),
    news: fc.array(news, { maxLength: 20 }),
    hears: fc.subarray([...ids]),
  });
}

/** News of the first of the roster, suspected at 1.1, by hand. */
function suspicionOf(confirmers: Uint8Array, announced = confirmers.length): Uint8Array {
  const writer = new ByteWriter();
  for (const value of [1, 1, 1, 1, announced]) writer.varint(value);
  writer.raw(confirmers);
  return writer.finish();
}

describe("the binary form of membership messages", () => {
  for (const size of [1, 3, 8, 12, 30]) {
    const codec = new HeartbeatCodec(roster(size));
    it(`gives back every message among ${size}`, () => assertRoundTrips(codec, anyMessage(roster(size))));
    it(`answers bytes from outside with a message or MalformedBytes among ${size}`, () =>
      assertOnlyMalformed(codec, anyMessage(roster(size))));
  }

  it("takes about ten bytes for a heartbeat among 30, after hours", () => {
    const ids = roster(30);
    const heartbeat = { id: "agent-30", incarnation: 3, heartbeat: 1_000_000, state: "alive" as const };
    const bytes = new HeartbeatCodec(ids).encode({ type: "gossip", news: [heartbeat], hears: ids.slice(0, 29) });
    assert.ok(bytes.length <= 10, `${bytes.length} bytes`);
  });

  it("takes one bit a member more for a suspicion, and nothing for who confirmed a verdict", () => {
    const ids = roster(30);
    const codec = new HeartbeatCodec(ids);
    const lengthOf = (state: MemberState, confirmedBy?: string[]) =>
      codec.encode({
        type: "gossip",
        news: [{ id: "agent-30", incarnation: 3, heartbeat: 1_000_000, state, ...(confirmedBy && { confirmedBy }) }],
        hears: [],
      }).length;
    assert.equal(lengthOf("suspected", ids) - lengthOf("alive"), 5, "four bytes behind their number");
    assert.equal(lengthOf("failed", ids), lengthOf("alive"));
  });

  it("refuses to read more confirmers than any roster has, and fewer than announced", () => {
    const codec = new HeartbeatCodec(["a", "b"]);
    const read = codec.decode(suspicionOf(new Uint8Array(MAX_MEMBER_BYTES).fill(0xff))) as HeartbeatMessage;
    assert.deepEqual(read.news, [
      { id: "a", incarnation: 1, heartbeat: 1, state: "suspected", confirmedBy: ["a", "b"] },
    ]);
    assert.throws(() => codec.decode(suspicionOf(new Uint8Array(MAX_MEMBER_BYTES + 1))), MalformedBytes);
    assert.throws(() => codec.decode(suspicionOf(new Uint8Array(2), 3)), MalformedBytes);
    assert.throws(() => codec.decode(suspicionOf(new Uint8Array(0), Number.MAX_SAFE_INTEGER)), MalformedBytes);
    const hears = new Uint8Array(1 + MAX_MEMBER_BYTES + 1);
    assert.throws(() => codec.decode(hears), MalformedBytes);
  });

  it("refuses to read a counter that nobody could top", () => {
    const codec = new HeartbeatCodec(["a"]);
    const claim = { id: "a", incarnation: 1, heartbeat: MAX_COUNTER, state: "failed" as const };
    assert.throws(() => codec.decode(codec.encode({ type: "gossip", news: [claim], hears: [] })), MalformedBytes);
  });

  it("refuses to write of strangers and too much news", () => {
    const codec = new HeartbeatCodec(roster(2));
    const stranger = { id: "x", incarnation: 1, heartbeat: 1, state: "alive" as const };
    assert.throws(() => codec.encode({ type: "gossip", news: [stranger], hears: [] }), RangeError);
    assert.throws(() => codec.encode({ type: "gossip", news: [], hears: ["x"] }), RangeError);
    const doubted = { ...stranger, id: "agent-1", state: "suspected" as const, confirmedBy: ["x"] };
    assert.throws(() => codec.encode({ type: "gossip", news: [doubted], hears: [] }), RangeError);
    const many = new Array<typeof stranger>(MAX_NEWS + 1).fill({ ...stranger, id: "agent-1" });
    assert.throws(() => codec.encode({ type: "gossip", news: many, hears: [] }), RangeError);
  });

  it("is understood between members of which one knows of more: the rest is left out", () => {
    const [few, many] = [new HeartbeatCodec(roster(3)), new HeartbeatCodec(roster(12))];
    const news = ["agent-2", "agent-11"].map((id) => ({ id, incarnation: 1, heartbeat: 7, state: "alive" as const }));
    const suspicions = ["agent-12", "agent-3"].map((id) => ({
      ...{ id, incarnation: 1, heartbeat: 8, state: "suspected" as const },
      confirmedBy: ["agent-1", "agent-11"],
    }));
    const hears = ["agent-1", "agent-3", "agent-12"];
    const all = { type: "gossip" as const, news: [...suspicions, ...news], hears };
    const told = few.decode(many.encode(all));
    const known = { ...suspicions[1], confirmedBy: ["agent-1"] };
    assert.deepEqual(told, { type: "gossip", news: [known, news[0]], hears: ["agent-1", "agent-3"] });
    const small = { type: "gossip" as const, news: news.slice(0, 1), hears: ["agent-1"] };
    assert.deepEqual(many.decode(few.encode(small)), small);
    few.grow(roster(12));
    assert.deepEqual(few.decode(many.encode(all)), all);
  });
});
