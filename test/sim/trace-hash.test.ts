import { equal, match, notEqual } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { TraceHash } from "../../server/sim/trace-hash.ts";

const hashOf = (parts: readonly Uint8Array[]): string => {
  const hash = new TraceHash();
  for (const part of parts) hash.bytes(part);
  return hash.hex();
};

describe("trace hash", () => {
  it("is the same for the same sequence", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array()), (parts) => equal(hashOf(parts), hashOf(parts))));
  });

  it("differs when one bit differs", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), fc.nat(7), (bytes, at, bit) => {
        const other = bytes.slice();
        const place = at % other.length;
        other[place] = (other[place] as number) ^ (1 << bit);
        notEqual(hashOf([bytes]), hashOf([other]));
      }),
    );
  });

  it("tells order and boundaries apart", () => {
    const a = Uint8Array.of(1, 2);
    const b = Uint8Array.of(3);
    notEqual(hashOf([a, b]), hashOf([b, a]));
    notEqual(hashOf([a, b]), hashOf([Uint8Array.of(1), Uint8Array.of(2, 3)]));
    notEqual(hashOf([]), hashOf([new Uint8Array()]));
    notEqual(hashOf([new Uint8Array(1)]), hashOf([new Uint8Array(2)]));
  });

  it("spreads: 200,000 small numbers give as many hashes, of 16 digits", () => {
    const seen = new Set<string>();
    for (let number = 0; number < 200_000; number++) {
      const hash = new TraceHash();
      hash.integer(number);
      const hex = hash.hex();
      seen.add(hex);
    }
    equal(seen.size, 200_000);
    match([...seen][0] as string, /^[0-9a-f]{16}$/);
  });
});
