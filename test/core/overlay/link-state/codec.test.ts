import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../../server/core/bytes.ts";
import { LinkStateCodec } from "../../../../server/core/overlay/link-state/codec.ts";
import { MAX_ADVERTS, MAX_COUNT, MAX_PEERS } from "../../../../server/core/overlay/link-state/limits.ts";
import type { LinkAdvert } from "../../../../server/core/overlay/link-state/types.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../../codec-properties.ts";

const roster = Array.from({ length: 300 }, (_, at) => `a${at + 1}`);
const id = fc.constantFrom(...roster);
const count = fc.integer({ min: 0, max: MAX_COUNT - 1 });
const advert = fc.record({ origin: id, life: count, number: count, peers: fc.array(id, { maxLength: MAX_PEERS }) });
const adverts: fc.Arbitrary<LinkAdvert[]> = fc.array(advert, { maxLength: 20 });

describe("the binary form of who agents have links with", () => {
  const codec = new LinkStateCodec(roster);
  const whole = codec as Codec<LinkAdvert[]>;
  const one = { origin: "a1", life: 1, number: 1, peers: ["a2"] };

  it("gives back every message", () => assertRoundTrips(whole, adverts));
  it("answers bytes from outside with a message or MalformedBytes", () => assertOnlyMalformed(whole, adverts));

  it("takes few bytes: 8 for an agent with four links", () => {
    equal(codec.encode([{ origin: "a9", life: 1, number: 40, peers: ["a1", "a2", "a3", "a4"] }]).length - 1, 8);
  });

  it("leaves out who is beyond the reader's roster, until that has grown", () => {
    const younger = new LinkStateCodec(roster.slice(0, 2));
    const bytes = codec.encode([
      { ...one, peers: ["a2", "a9"] },
      { ...one, origin: "a9" },
    ]);
    deepEqual(younger.decode(bytes), [one]);
    younger.grow(roster);
    deepEqual(younger.decode(bytes), [
      { ...one, peers: ["a2", "a9"] },
      { ...one, origin: "a9" },
    ]);
  });

  it("refuses more adverts, more peers, larger counts, and what follows a message", () => {
    const bytes = codec.encode([one]);
    for (const wrong of [[...bytes, 0], [], [1], [0xff, 0x7f], [1, 0, 1, 1, MAX_PEERS + 1], [...bytes.slice(0, -1)]])
      throws(() => codec.decode(Uint8Array.from(wrong)), MalformedBytes, wrong.join());
  });

  it("refuses to write of strangers, and what no reader would take", () => {
    throws(() => codec.encode([{ ...one, origin: "stranger" }]), RangeError);
    throws(() => codec.encode([{ ...one, life: MAX_COUNT }]), RangeError);
    throws(() => codec.encode([{ ...one, peers: new Array<string>(MAX_PEERS + 1).fill("a2") }]), RangeError);
    throws(() => codec.encode(new Array<LinkAdvert>(MAX_ADVERTS + 1).fill(one)), RangeError);
  });
});
