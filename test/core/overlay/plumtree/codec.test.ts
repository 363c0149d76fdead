import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../../server/core/bytes.ts";
import { decodePlumtreeMessage, encodePlumtreeMessage } from "../../../../server/core/overlay/plumtree/codec.ts";
import {
  MAX_ANNOUNCED,
  MAX_COUNTER,
  MAX_HOPS,
  MAX_PAYLOAD_BYTES,
} from "../../../../server/core/overlay/plumtree/limits.ts";
import type { PlumtreeMessage } from "../../../../server/core/overlay/plumtree/types.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../../codec-properties.ts";

const counter = fc.integer({ min: 1, max: MAX_COUNTER - 1 });
const hops = fc.integer({ min: 1, max: MAX_HOPS });
const id = fc.record({ origin: fc.string({ maxLength: 20 }), incarnation: counter, number: counter });
const messages: fc.Arbitrary<PlumtreeMessage> = fc.oneof(
  fc.record({ type: fc.constant("broadcast" as const), id, hops, payload: fc.uint8Array({ maxLength: 100 }) }),
  fc.record({
    type: fc.constant("ihave" as const),
    announcements: fc.array(fc.record({ id, hops }), { maxLength: 20 }),
  }),
  fc.record({ type: fc.constant("graft" as const), id }),
  fc.record({ type: fc.constantFrom("graft" as const, "prune" as const) }),
);

describe("the binary form of broadcasts", () => {
  const codec: Codec<PlumtreeMessage> = {
    encode: (message) => {
      const writer = new ByteWriter();
      encodePlumtreeMessage(writer, message);
      return writer.finish();
    },
    decode: (bytes) => {
      const reader = new ByteReader(bytes);
      const message = decodePlumtreeMessage(reader);
      reader.end();
      return message;
    },
  };
  const first = { id: { origin: "a1", incarnation: 1, number: 1 }, hops: 1 };

  it("gives back every message", () => assertRoundTrips(codec, messages));
  it("answers bytes from outside with a message or MalformedBytes", () => assertOnlyMalformed(codec, messages));

  it("takes 7 bytes beside a payload", () => {
    equal(codec.encode({ type: "broadcast", ...first, payload: new Uint8Array(100) }).length, 107);
  });

  it("copies a payload: what it came in need not be kept for it", () => {
    const bytes = codec.encode({ type: "broadcast", ...first, payload: new Uint8Array(100) });
    const read = codec.decode(bytes);
    ok(read.type === "broadcast" && read.payload.buffer !== bytes.buffer && read.payload.buffer.byteLength === 100);
  });

  it("refuses numbers, hops, lists and payloads that there cannot be, unknown types, and what follows a message", () => {
    const prune = codec.encode({ type: "prune" });
    const announced = codec.encode({ type: "ihave", announcements: [first] });
    deepEqual([...announced], [82, 1, 2, 97, 49, 1, 1, 1]);
    const id = [2, 97, 49];
    for (const wrong of [
      [...prune, 0],
      [80],
      [85],
      [],
      [82, 1, ...id, 0, 1, 1],
      [82, 1, ...id, 1, 0, 1],
      [82, 1, ...id, 1, 1, 0],
      [82, 1, ...id, 1, 1, 0x80, 2],
      [82, 0x81, 2],
      [82, 1, 0x80, 2, 97],
      [83, 2],
    ])
      throws(() => codec.decode(Uint8Array.from(wrong)), MalformedBytes, wrong.join(" "));
    const long = new Uint8Array(6 + MAX_PAYLOAD_BYTES + 1);
    long.set([81, ...id, 1, 1, 1]);
    equal(codec.decode(long).type, "broadcast");
    const tooLong = new Uint8Array(long.length + 1);
    tooLong.set(long);
    throws(() => codec.decode(tooLong), MalformedBytes);
  });

  it("refuses to write what no reader would take", () => {
    const announcements = new Array<typeof first>(MAX_ANNOUNCED + 1).fill(first);
    throws(() => codec.encode({ type: "ihave", announcements }), RangeError);
    throws(
      () => codec.encode({ type: "broadcast", ...first, payload: new Uint8Array(MAX_PAYLOAD_BYTES + 1) }),
      RangeError,
    );
  });
});
