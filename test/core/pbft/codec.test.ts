import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import {
  decodeBatch,
  decodeCheckpointCertificate,
  decodeCommitCertificate,
  decodePbftMessage,
  decodePreparedCertificate,
  decodeRequest,
  decodeViewChange,
  encodeBatch,
  encodeCheckpointCertificate,
  encodeCommitCertificate,
  encodePbftMessage,
  encodePreparedCertificate,
  encodeRequest,
  encodeViewChange,
} from "../../../server/core/pbft/codec.ts";
import type { PbftMessage } from "../../../server/core/pbft/types.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../../../server/core/raft/codec.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../codec-properties.ts";
import { arbitraryMessages } from "../raft/arbitraries.ts";
import * as some from "./arbitraries.ts";

function codecOf<Value>(
  encode: (writer: ByteWriter, value: Value) => void,
  decode: (reader: ByteReader) => Value,
): Codec<Value> {
  return {
    encode(value) {
      const writer = new ByteWriter(8);
      encode(writer, value);
      return writer.finish();
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      const value = decode(reader);
      reader.end();
      return value;
    },
  };
}

const messageCodec = codecOf(encodePbftMessage, decodePbftMessage);
const prepare: PbftMessage = {
  type: "prepare",
  view: 1,
  seq: 2,
  digest: new Uint8Array(32),
  signature: new Uint8Array(64),
  prePrepare: new Uint8Array(64),
};

describe("the binary form of PBFT", () => {
  for (const [type, arbitrary] of Object.entries(some.messages)) {
    it(`gives back every ${type} as it was, and answers a damaged one with nothing worse than MalformedBytes`, () => {
      assertRoundTrips<PbftMessage>(messageCodec, arbitrary, 200);
      assertOnlyMalformed<PbftMessage>(messageCodec, arbitrary, 300);
    });
  }

  it("does the same for what messages are made of", () => {
    const check = <Value>(
      encode: (writer: ByteWriter, value: Value) => void,
      decode: (reader: ByteReader) => Value,
      values: fc.Arbitrary<Value>,
    ): void => {
      assertRoundTrips(codecOf(encode, decode), values, 200);
      assertOnlyMalformed(codecOf(encode, decode), values, 300);
    };
    check(encodeRequest, (reader) => decodeRequest(reader), some.request);
    check(encodeBatch, decodeBatch, some.batch);
    check(encodeViewChange, decodeViewChange, some.viewChange);
    check(encodePreparedCertificate, decodePreparedCertificate, some.preparedCertificate);
    check(encodeCommitCertificate, decodeCommitCertificate, some.commitCertificate);
    check(encodeCheckpointCertificate, decodeCheckpointCertificate, some.checkpointCertificate);
  });

  it("refuses every prefix of a message", () => {
    fc.assert(
      fc.property(some.message, (given) => {
        const bytes = messageCodec.encode(given);
        for (let length = 0; length < bytes.length; length++)
          assert.throws(() => messageCodec.decode(bytes.subarray(0, length)), MalformedBytes);
      }),
      { numRuns: 100 },
    );
  });

  it("refuses a tag that no message has, and what is Raft's; and Raft refuses what is PBFT's", () => {
    assert.throws(() => decodePbftMessage(new ByteReader(Uint8Array.of(0))), /no PBFT message has the tag 0/);
    assert.throws(() => decodePbftMessage(new ByteReader(Uint8Array.of(49))), /no PBFT message has the tag 49/);
    const raftCodec = codecOf(encodeRaftMessage, decodeRaftMessage);
    const raftMessage = arbitraryMessages(fc.nat(300)).message;
    fc.assert(
      fc.property(some.message, raftMessage, (ours, theirs) => {
        assert.throws(() => messageCodec.decode(raftCodec.encode(theirs)), /no PBFT message has the tag/);
        assert.throws(() => raftCodec.decode(messageCodec.encode(ours)), MalformedBytes);
      }),
    );
  });

  it("writes no digest that is not 32 bytes long, and no signature of more than 64", () => {
    assert.throws(() => messageCodec.encode({ ...prepare, digest: new Uint8Array(31) }), InvariantViolation);
    assert.throws(() => messageCodec.encode({ ...prepare, signature: new Uint8Array(65) }), InvariantViolation);
    assert.throws(() => messageCodec.encode({ ...prepare, prePrepare: new Uint8Array(65) }), InvariantViolation);
  });

  it("decodes commands as views, and digests and signatures as copies", () => {
    const command = Uint8Array.of(1, 2, 3);
    const request = { origin: "a1", life: 1, number: 1, floor: 1, commands: [command], signature: new Uint8Array(64) };
    const batch = { view: 1, timeMs: 5, requests: [request] };
    const bytes = messageCodec.encode({ ...prepare, type: "prePrepare", batch });
    const decoded = messageCodec.decode(bytes);
    assert.ok(decoded.type === "prePrepare");
    assert.equal(decoded.batch.requests[0]?.commands[0]?.buffer, bytes.buffer);
    for (const copy of [decoded.digest, decoded.signature, decoded.batch.requests[0]?.signature])
      assert.notEqual(copy?.buffer, bytes.buffer);
  });
});
