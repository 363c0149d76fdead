import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../../server/core/bytes.ts";
import { HyParViewCodec } from "../../../../server/core/overlay/hyparview/codec.ts";
import { MAX_NUMBER, MAX_SHUFFLED, MAX_WALK } from "../../../../server/core/overlay/hyparview/limits.ts";
import type { HyParViewMessage } from "../../../../server/core/overlay/hyparview/types.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../../codec-properties.ts";
import { viewMessages } from "./messages.ts";

const roster = Array.from({ length: 300 }, (_, at) => `a${at + 1}`);
const messages = viewMessages(fc.constantFrom(...roster), MAX_NUMBER - 1);

describe("the binary form of what agents tell each other about their views", () => {
  const codec = new HyParViewCodec(roster);
  const whole = codec as Codec<HyParViewMessage | undefined>;

  it("gives back every message", () => assertRoundTrips(whole, messages));
  it("answers bytes from outside with a message or MalformedBytes", () => assertOnlyMalformed(whole, messages));

  it("takes few bytes: a request 4, a shuffle of 8 ids among 300 about 20", () => {
    equal(codec.encode({ type: "neighbour", number: 20_000, priority: "low" }).length, 4);
    const shuffle = { type: "shuffle", origin: "a200", number: 20_000, ttl: 5, ids: roster.slice(200, 208) } as const;
    equal(codec.encode(shuffle).length, 24);
  });

  it("leaves out who is beyond the reader's roster, and what is about nobody else", () => {
    const younger = new HyParViewCodec(roster.slice(0, 2));
    const read = (message: HyParViewMessage) => younger.decode(codec.encode(message));
    deepEqual(read({ type: "shuffleReply", number: 1, ids: ["a1", "a9", "a2"] }), {
      type: "shuffleReply",
      number: 1,
      ids: ["a1", "a2"],
    });
    equal(read({ type: "forwardJoin", newcomer: "a3", ttl: 6 }), undefined);
    equal(read({ type: "shuffle", origin: "a3", number: 1, ttl: 6, ids: [] }), undefined);
    younger.grow(roster);
    deepEqual(read({ type: "forwardJoin", newcomer: "a3", ttl: 6 }), { type: "forwardJoin", newcomer: "a3", ttl: 6 });
  });

  it("refuses longer walks, longer lists, numbers beyond all, unknown types, and what follows a message", () => {
    const bytes = codec.encode({ type: "forwardJoin", newcomer: "a1", ttl: MAX_WALK });
    for (const wrong of [
      [...bytes.slice(0, -1), MAX_WALK + 1],
      [...bytes, 0],
      [99],
      [],
      [...codec.encode({ type: "shuffleReply", number: 1, ids: [] }).slice(0, -1), MAX_SHUFFLED + 1],
      [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ])
      throws(() => codec.decode(Uint8Array.from(wrong)), MalformedBytes);
  });

  it("refuses to write of strangers, and what no reader would take", () => {
    throws(() => codec.encode({ type: "forwardJoin", newcomer: "stranger", ttl: 1 }), RangeError);
    throws(() => codec.encode({ type: "forwardJoin", newcomer: "a1", ttl: MAX_WALK + 1 }), RangeError);
    throws(() => codec.encode({ type: "join", number: MAX_NUMBER }), RangeError);
    const ids = new Array<string>(MAX_SHUFFLED + 1).fill("a1");
    throws(() => codec.encode({ type: "shuffleReply", number: 1, ids }), RangeError);
  });
});
