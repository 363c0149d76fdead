import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, fromUtf8, MalformedBytes, utf8 } from "../../server/core/bytes.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.finish();
}

const malformed = (read: () => unknown): void => assert.throws(read, MalformedBytes);

describe("bytes", () => {
  const varints: readonly [number, number[]][] = [
    [0, [0]],
    [1, [1]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [300, [0xac, 2]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 7]],
    [2 ** 31, [0x80, 0x80, 0x80, 0x80, 8]],
    [2 ** 53 - 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ];
  for (const [value, expected] of varints) {
    it(`writes ${value} as LEB128 and reads it back`, () => {
      const bytes = written((writer) => writer.varint(value));
      assert.deepEqual([...bytes], expected);
      assert.equal(new ByteReader(bytes).varint(), value);
    });
  }

  it("writes only integers in [0, 2^53) as varints", () => {
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => new ByteWriter().varint(value), RangeError);
  });

  it("refuses varints beyond 2^53 - 1, longer than 8 bytes, or cut off", () => {
    malformed(() => new ByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10)).varint());
    malformed(() => new ByteReader(new Uint8Array(9).fill(0x80)).varint());
    malformed(() => new ByteReader(Uint8Array.of(0x80)).varint());
    malformed(() => new ByteReader(new Uint8Array(0)).byte());
  });

  it("reads each text as it was written, whichever were read before it", () => {
    // More than are kept in mind, of the same lengths, some beyond ASCII, some too long to be kept.
    const texts = Array.from({ length: 5000 }, (_, at) => `${at % 7 === 0 ? "é" : "k"}${at}${"-".repeat(at % 60)}`);
    const bytes = written((writer) => {
      for (const text of [...texts, ...texts.toReversed(), ""]) writer.text(text);
    });
    const reader = new ByteReader(bytes);
    for (const text of [...texts, ...texts.toReversed(), ""]) assert.equal(reader.text(100), text);
    reader.end();
    malformed(() => new ByteReader(Uint8Array.of(2, 97)).text(10));
    malformed(() => new ByteReader(Uint8Array.of(2, 97, 98)).text(1));
    malformed(() => new ByteReader(Uint8Array.of(2, 97, 0xe9)).text(10));
  });

  it("gives back whatever was written, in order, through a buffer that grows", () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.double(),
        fc.boolean(),
        fc.uint8Array({ maxLength: 600 }),
        fc.string({ unit: "grapheme", maxLength: 100 }),
        (integer, real, boolean, bytes, text) => {
          const out = written((writer) => {
            writer.varint(integer);
            writer.double(real);
            writer.boolean(boolean);
            writer.bytes(bytes);
            writer.text(text);
            writer.raw(bytes);
          });
          const reader = new ByteReader(out);
          assert.equal(reader.varint(), integer);
          assert.ok(Object.is(reader.double(), real));
          assert.equal(reader.boolean(), boolean);
          assert.deepEqual([...reader.bytes(600)], [...bytes]);
          assert.equal(reader.text(10_000), text);
          assert.deepEqual([...reader.raw(bytes.length)], [...bytes]);
          reader.end();
        },
      ),
    );
  });

  it("are read within the given bounds only", () => {
    const reader = new ByteReader(Uint8Array.of(9, 1, 2, 9), 1, 3);
    assert.deepEqual([reader.byte(), reader.remaining, reader.position], [1, 1, 2]);
    malformed(() => reader.double());
    malformed(() => reader.end());
    assert.equal(reader.byte(), 2);
    reader.end();
    malformed(() => reader.byte());
  });

  it("that announce more than there is, or than the limit, are refused", () => {
    malformed(() => new ByteReader(Uint8Array.of(5, 1)).bytes(100));
    malformed(() => new ByteReader(Uint8Array.of(2, 1, 1)).bytes(1));
    malformed(() => new ByteReader(Uint8Array.of(2, 65, 65)).text(1));
    malformed(() => new ByteReader(Uint8Array.of(3)).count(2));
    malformed(() => new ByteReader(Uint8Array.of(2)).boolean());
  });

  it("are copied by finish, not by view; clear starts over", () => {
    const writer = new ByteWriter(16);
    writer.byte(1);
    const copy = writer.finish();
    const view = writer.view();
    writer.clear();
    writer.byte(2);
    assert.deepEqual([copy[0], view[0], writer.length], [1, 2, 1]);
  });
});

describe("UTF-8", () => {
  it("is what the platform's encoder makes, lone surrogates becoming U+FFFD", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.deepEqual(utf8(text), new TextEncoder().encode(text));
      }),
    );
    assert.deepEqual(utf8("a\ud800b"), new TextEncoder().encode("a\ufffdb"));
    assert.equal(fromUtf8(utf8("é € 😀")), "é € 😀");
  });

  it("is read, or refused, just as the platform's strict decoder does", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const high = fc.uint8Array({ min: 0x78, max: 0xff, maxLength: 6 });
    fc.assert(
      fc.property(fc.oneof(high, fc.uint8Array({ maxLength: 8 })), (bytes) => {
        let expected: string | undefined;
        try {
          expected = strict.decode(bytes);
        } catch {
          malformed(() => fromUtf8(bytes));
          return;
        }
        assert.equal(fromUtf8(bytes), expected);
      }),
      { numRuns: 5000 },
    );
  });

  it("gives short-lived copies that no later one, and no later write, changes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 1500 }), { maxLength: 40 }), (parts) => {
        const writer = new ByteWriter();
        const copies = parts.map((part) => {
          writer.clear();
          writer.raw(part);
          return writer.finishShortLived();
        });
        assert.deepEqual(
          copies.map((copy) => [...copy]),
          parts.map((part) => [...part]),
        );
      }),
    );
  });

  it("reads few bytes as a copy and many as a view, and announces neither more than there are", () => {
    for (const length of [0, 1, 64, 65, 300]) {
      const part = Uint8Array.from({ length }, (_, at) => at % 251);
      const bytes = written((writer) => {
        writer.bytes(part);
        writer.byte(7);
      });
      const reader = new ByteReader(bytes);
      assert.deepEqual([...reader.bytesOrCopy(300)], [...part]);
      assert.equal(reader.byte(), 7);
      reader.end();
      if (length > 0) malformed(() => new ByteReader(bytes).bytesOrCopy(length - 1));
      malformed(() => new ByteReader(bytes, 0, 0).bytesOrCopy(300));
      if (length > 0) malformed(() => new ByteReader(bytes, 0, bytes.length - 2).bytesOrCopy(300));
    }
  });

  const refused: readonly [string, number[]][] = [
    ["a continuation without a start", [0x80]],
    ["an overlong form of two bytes", [0xc0, 0xaf]],
    ["an overlong form of three bytes", [0xe0, 0x80, 0xaf]],
    ["an overlong form of four bytes", [0xf0, 0x80, 0x80, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["what is beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["what ends too early", [0xe2, 0x82]],
  ];
  for (const [name, bytes] of refused) it(`refuses ${name}`, () => malformed(() => fromUtf8(Uint8Array.from(bytes))));
});
