import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter } from "../../server/core/bytes.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "./codec-properties.ts";

const numbers: Codec<number> = {
  encode(value) {
    const writer = new ByteWriter();
    writer.varint(value);
    return writer.finish();
  },
  decode: (bytes) => new ByteReader(bytes).varint(),
};

describe("the checks of codecs", () => {
  it("pass a codec that keeps its promises", () => {
    assertRoundTrips(numbers, fc.maxSafeNat());
    assertOnlyMalformed(numbers, fc.maxSafeNat());
  });

  it("notice a value that comes back changed", () => {
    const lossy: Codec<number> = { ...numbers, decode: (bytes) => numbers.decode(bytes) % 128 };
    assert.throws(() => assertRoundTrips(lossy, fc.maxSafeNat()));
  });

  it("notice another error than MalformedBytes", () => {
    const careless: Codec<number> = { ...numbers, decode: (bytes) => new DataView(bytes.buffer).getUint16(0) };
    assert.throws(() => assertOnlyMalformed(careless, fc.maxSafeNat()));
  });
});
