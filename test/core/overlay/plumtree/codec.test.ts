import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../../server/core/bytes.ts";
import { PlumtreeCodec } from "../../../../server/core/overlay/plumtree/codec.ts";
import {
  MAX_ANNOUNCED,
  MAX_COUNTER,
  MAX_HOPS,
  MAX_PAYLOAD_BYTES,
} from "../../../../server/core/overlay/plumtree/limits.ts";
import type { PlumtreeMessage } from "../../../../server/core/overlay/plumtree/types.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../../codec-properties.ts";

const roster = Array.from({ length: 300 }, (_, at) => `a${at + 1}`);
const counter = fc.integer({ min: 1, max: MAX_COUNTER - 1 });
const hops = fc.integer({ min: 1, max: MAX_HOPS });
const id = fc.record({ origin: fc.constantFrom(...roster), incarnation: counter, number: counter });
const messages: fc.Arbitrary<PlumtreeMessage> = fc.oneof(
  fc.record({ type: fc.constant("gossip" as const), id, hops, payload: fc.uint8Array({ maxLength: 100 }) }),
  fc.record({
    type: fc.constant("ihave" as const),
    announcements: fc.array(fc.record({ id, hops }), { maxLength: 20 }),
  }),
  fc.record({ type: fc.constant("graft" as const), id }),
  fc.record({ type: fc.constantFrom("graft" as const, "prune" as const) }),
);

describe("the binary form of broadcasts", () => {
  const codec = new PlumtreeCodec(roster);
  const whole = codec as Codec<PlumtreeMessage | undefined>;
  const first = { id: { origin: "a1", incarnation: 1, number: 1 }, hops: 1 };

  it("gives back every message", () => assertRoundTrips(whole, messages));
  it("answers bytes from outside with a message or MalformedBytes", () => assertOnlyMalformed(whole, messages));

  it("takes 5 bytes beside a payload", () => {
    equal(codec.encode({ type: "gossip", ...first, payload: new Uint8Array(100) }).length, 105);
  });

  it("leaves out broadcasts of whom the reader does not know yet", () => {
    const younger = new PlumtreeCodec(roster.slice(0, 1));
    const strange = { id: { origin: "a2", incarnation: 1, number: 1 }, hops: 1 };
    const read = (message: PlumtreeMessage) => younger.decode(codec.encode(message));
    equal(read({ type: "gossip", ...strange, payload: new Uint8Array(3) }), undefined);
    equal(read({ type: "graft", id: strange.id }), undefined);
    deepEqual(read({ type: "ihave", announcements: [strange, first] }), { type: "ihave", announcements: [first] });
  });

  it("refuses numbers, hops, lists and payloads that there cannot be, unknown types, and what follows a message", () => {
    const prune = codec.encode({ type: "prune" });
    const announced = codec.encode({ type: "ihave", announcements: [first] });
    deepEqual([...announced], [1, 1, 0, 1, 1, 1]);
    for (const wrong of [
      [...prune, 0],
      [9],
      [],
      [1, 1, 0, 0, 1, 1],
      [1, 1, 0, 1, 0, 1],
      [1, 1, 0, 1, 1, 0],
      [1, 1, 0, 1, 1, 0x80, 2],
      [1, 0x81, 2],
      [0, 0, 1, 1, 1, ...new Array<number>(MAX_PAYLOAD_BYTES + 1).fill(0)],
    ])
      throws(() => codec.decode(Uint8Array.from(wrong)), MalformedBytes);
  });

  it("refuses to write what no reader would take", () => {
    const announcements = new Array<typeof first>(MAX_ANNOUNCED + 1).fill(first);
    throws(() => codec.encode({ type: "ihave", announcements }), RangeError);
    throws(
      () => codec.encode({ type: "gossip", ...first, payload: new Uint8Array(MAX_PAYLOAD_BYTES + 1) }),
      RangeError,
    );
    throws(() => codec.encode({ type: "graft", id: { ...first.id, origin: "stranger" } }), RangeError);
  });
});
