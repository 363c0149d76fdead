import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedBytes } from "../../server/core/bytes.ts";

export interface Codec<Value> {
  encode(value: Value): Uint8Array;
  decode(bytes: Uint8Array): Value;
}

/** What is encoded decodes to the same. @throws AssertionError otherwise */
export function assertRoundTrips<Value>(codec: Codec<Value>, values: fc.Arbitrary<Value>, numRuns = 500): void {
  fc.assert(
    fc.property(values, (value) => {
      assert.deepStrictEqual(plain(codec.decode(codec.encode(value))), plain(value));
    }),
    { numRuns },
  );
}

/**
 * Bytes from outside lead to a value or to a MalformedBytes, nothing else: random ones, and valid ones that were cut, lengthened or had bytes changed.
 * @throws AssertionError otherwise
 */
export function assertOnlyMalformed<Value>(codec: Codec<Value>, values: fc.Arbitrary<Value>, numRuns = 1000): void {
  const decodes = (bytes: Uint8Array) => {
    try {
      codec.decode(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedBytes, `${error}, not a MalformedBytes`);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodes), { numRuns });
  const damage = fc.record({
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    cut: fc.option(fc.nat()),
    tail: fc.uint8Array({ maxLength: 4 }),
  });
  fc.assert(
    fc.property(values, damage, (value, { changes, cut, tail }) => {
      const bytes = [...codec.encode(value), ...tail];
      for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
      decodes(Uint8Array.from(cut === null ? bytes : bytes.slice(0, cut % (bytes.length + 1))));
    }),
    { numRuns },
  );
}

/** Values decoded are views into a buffer: compared by content. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}

/** Text that UTF-8 can carry. */
export function textOf(maxLength: number, minLength = 0): fc.Arbitrary<string> {
  return fc.string({ unit: "grapheme-composite", minLength, maxLength });
}
