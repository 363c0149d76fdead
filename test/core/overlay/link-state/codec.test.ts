import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../../server/core/bytes.ts";
import { MAX_SIGNATURE_BYTES } from "../../../../server/core/crypto.ts";
import { LinkStateCodec } from "../../../../server/core/overlay/link-state/codec.ts";
import { MAX_ADVERTS, MAX_COUNT, MAX_KNOWN, MAX_PEERS } from "../../../../server/core/overlay/link-state/limits.ts";
import type { LinkAdvert, LinkStateMessage } from "../../../../server/core/overlay/link-state/types.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../../codec-properties.ts";

const roster = Array.from({ length: 300 }, (_, at) => `a${at + 1}`);
const id = fc.constantFrom(...roster);
const count = fc.integer({ min: 0, max: MAX_COUNT - 1 });
const number = { origin: id, life: count, number: count };
const signature = fc.uint8Array({ maxLength: MAX_SIGNATURE_BYTES });
const advert = fc.record({ ...number, peers: fc.array(count, { maxLength: MAX_PEERS }), signature });
const messages: fc.Arbitrary<LinkStateMessage> = fc.oneof(
  fc.record({ type: fc.constant("adverts" as const), adverts: fc.array(advert, { maxLength: 20 }) }),
  fc.record({ type: fc.constant("known" as const), known: fc.array(fc.record(number), { maxLength: 50 }) }),
);

describe("the binary form of who agents have links with", () => {
  const codec = new LinkStateCodec(roster);
  const whole = codec as Codec<LinkStateMessage>;
  const one: LinkAdvert = { origin: "a1", life: 1, number: 1, peers: [1], signature: new Uint8Array(64).fill(7) };
  const adverts = (...told: readonly LinkAdvert[]): LinkStateMessage => ({ type: "adverts", adverts: told });
  const known = (...told: readonly LinkAdvert[]): LinkStateMessage => ({
    type: "known",
    known: told.map(({ origin, life, number: of }) => ({ origin, life, number: of })),
  });

  it("gives back every message", () => assertRoundTrips(whole, messages));
  it("answers bytes from outside with a message or MalformedBytes", () => assertOnlyMalformed(whole, messages));

  it("gives back adverts alone, as a broadcast has them", () => {
    deepEqual(codec.decodeAdverts(codec.encodeAdverts([one])), [one]);
    throws(() => codec.decodeAdverts(Uint8Array.of(1)), MalformedBytes);
    throws(() => codec.decodeAdverts(Uint8Array.of(...codec.encodeAdverts([one]), 0)), MalformedBytes);
  });

  it("takes few bytes: 73 for an agent with four links, 3 for what its advert's number is", () => {
    const some = { ...one, origin: "a9", number: 40, peers: [0, 1, 2, 3] };
    equal(codec.encode(adverts(some)).length - 2, 73);
    equal(codec.encode(known(some)).length - 2, 3);
  });

  it("leaves out whose origin is beyond the reader's roster, until that has grown, and keeps places that it does not know yet, which are signed", () => {
    const younger = new LinkStateCodec(roster.slice(0, 2));
    const [far, strange] = [
      { ...one, peers: [1, 8] },
      { ...one, origin: "a9" },
    ];
    for (const message of [adverts, known]) {
      const bytes = codec.encode(message(far, strange));
      deepEqual(younger.decode(bytes), message(far));
    }
    younger.grow(roster);
    deepEqual(younger.decode(codec.encode(adverts(far, strange))), adverts(far, strange));
  });

  it("refuses more adverts, more peers, larger counts, longer signatures, other kinds, and what follows a message", () => {
    const bytes = codec.encode(adverts(one));
    for (const wrong of [
      [...bytes, 0],
      [],
      [1],
      [0, 0],
      [3, 0],
      [1, 1],
      [1, 0xff, 0x7f],
      [1, 1, 0, 1, 1, MAX_PEERS + 1],
      [1, 1, 0, 1, 1, 0, MAX_SIGNATURE_BYTES + 1],
      [2, 0xff, 0xff, 0x7f],
      [...bytes.slice(0, -1)],
    ])
      throws(() => codec.decode(Uint8Array.from(wrong)), MalformedBytes, wrong.join());
  });

  it("refuses to write of strangers, and what no reader would take", () => {
    throws(() => codec.encode(adverts({ ...one, origin: "stranger" })), RangeError);
    throws(() => codec.encode(adverts({ ...one, life: MAX_COUNT })), RangeError);
    throws(() => codec.encode(adverts({ ...one, peers: new Array<number>(MAX_PEERS + 1).fill(1) })), RangeError);
    throws(() => codec.encode(adverts({ ...one, signature: new Uint8Array(MAX_SIGNATURE_BYTES + 1) })), RangeError);
    throws(() => codec.encode(adverts(...new Array<LinkAdvert>(MAX_ADVERTS + 1).fill(one))), RangeError);
    throws(() => codec.encode(known(...new Array<LinkAdvert>(MAX_KNOWN + 1).fill(one))), RangeError);
  });
});
