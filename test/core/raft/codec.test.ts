import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import {
  decodeEntry,
  decodeHardState,
  decodeRaftMessage,
  encodeEntry,
  encodeHardState,
  encodeRaftMessage,
} from "../../../server/core/raft/codec.ts";
import { MAX_COMMAND_BYTES, MAX_READ_REQUESTS } from "../../../server/core/raft/limits.ts";
import type { HardState } from "../../../server/core/raft/types.ts";
import { arbitraryMessages, of } from "./arbitraries.ts";

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
const { entry, message } = arbitraryMessages(number);

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(8);
  write(writer);
  return writer.finish();
}

function readWhole<Value>(bytes: Uint8Array, read: (reader: ByteReader) => Value): Value {
  const reader = new ByteReader(bytes);
  const value = read(reader);
  reader.end();
  return value;
}

describe("the binary form of Raft", () => {
  it("gives back every message as it was", () => {
    fc.assert(
      fc.property(message, (given) => {
        assert.deepEqual(
          readWhole(
            written((writer) => encodeRaftMessage(writer, given)),
            decodeRaftMessage,
          ),
          given,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("gives back every entry and hard state as it was", () => {
    const hardState: fc.Arbitrary<HardState> = of({
      term: number,
      votedFor: fc.string({ maxLength: 60, unit: "grapheme" }),
      commit: number,
    });
    fc.assert(
      fc.property(entry, hardState, (givenEntry, givenState) => {
        assert.deepEqual(
          readWhole(
            written((writer) => encodeEntry(writer, givenEntry)),
            decodeEntry,
          ),
          givenEntry,
        );
        assert.deepEqual(
          readWhole(
            written((writer) => encodeHardState(writer, givenState)),
            decodeHardState,
          ),
          givenState,
        );
      }),
    );
  });

  it("answers random bytes with nothing worse than MalformedBytes", () => {
    const only = (bytes: Uint8Array, decode: (reader: ByteReader) => unknown): void => {
      try {
        decode(new ByteReader(bytes));
      } catch (error) {
        assert.ok(error instanceof MalformedBytes, String(error));
      }
    };
    const tagged = fc
      .tuple(fc.integer({ min: 0, max: 13 }), fc.uint8Array({ maxLength: 80 }))
      .map(([tag, rest]) => Uint8Array.of(tag, ...rest));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), tagged), (bytes) => {
        for (const decode of [decodeRaftMessage, decodeEntry, decodeHardState]) only(bytes, decode);
      }),
      { numRuns: 5000 },
    );
  });

  it("refuses a message that was cut short, wherever", () => {
    fc.assert(
      fc.property(message, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (given, part) => {
        const bytes = written((writer) => encodeRaftMessage(writer, given));
        const cut = bytes.subarray(0, Math.floor(bytes.length * part));
        assert.throws(() => readWhole(cut, decodeRaftMessage), MalformedBytes);
      }),
    );
  });

  it("refuses unknown tags and kinds, and more than its limits, before it makes anything of that size", () => {
    const refuse = (write: (writer: ByteWriter) => void, expected: RegExp): void => {
      assert.throws(
        () => decodeRaftMessage(new ByteReader(written(write))),
        (error) => error instanceof MalformedBytes && expected.test(error.message),
      );
    };
    const numbers = (writer: ByteWriter, ...values: readonly number[]): void => {
      for (const value of values) writer.varint(value);
    };
    refuse((writer) => numbers(writer, 15, 1), /tag 15/);
    refuse((writer) => numbers(writer, 5, 1, 0, 0, 0, 1, 1, 1, 7, 0, 0), /kind 7/);
    refuse((writer) => numbers(writer, 5, 1, 0, 0, 0, 1_000_000, 0), /at most \d are/);
    refuse((writer) => numbers(writer, 9, 1, 1, MAX_COMMAND_BYTES + 1), /at most/);
    refuse((writer) => numbers(writer, 10, 1, MAX_READ_REQUESTS + 1, ...new Array(2000).fill(0)), /at most 1024/);
  });

  it("decodes much data as a view, without a copy, and little as a copy, which keeps nothing else alive", () => {
    const decoded = (length: number): [Uint8Array, Uint8Array] => {
      const data = new Uint8Array(length).fill(7);
      const bytes = written((writer) => encodeEntry(writer, { index: 1, term: 1, kind: 1, timeMs: 0, data }));
      const entry = decodeEntry(new ByteReader(bytes));
      assert.deepEqual(entry.data, data);
      return [entry.data, bytes];
    };
    const [much, source] = decoded(1000);
    assert.equal(much.buffer, source.buffer);
    const [little] = decoded(2);
    assert.equal(little.buffer.byteLength, 2);
  });
});
