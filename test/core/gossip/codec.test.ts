import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import {
  decodeGossipMessage,
  encodeGossipMessage,
  isGossipMessage,
  isGossipTag,
  readOperation,
  writeOperation,
} from "../../../server/core/gossip/codec.ts";
import { decodeState, encodeState, entryOf, journalEntryOf, operationIn } from "../../../server/core/gossip/journal.ts";
import { MAX_COMMAND_BYTES, MAX_MEMBERS, OPERATION_OVERHEAD_BYTES } from "../../../server/core/gossip/limits.ts";
import type { GossipMessage, Operation } from "../../../server/core/gossip/types.ts";
import { decodePbftMessage, encodePbftMessage, isPbftTag } from "../../../server/core/pbft/codec.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../../../server/core/raft/codec.ts";
import { MAX_COMMAND_BYTES as MAX_ENTRY_BYTES } from "../../../server/core/raft/limits.ts";
import { assertOnlyMalformed, assertRoundTrips, type Codec } from "../codec-properties.ts";
import * as pbft from "../pbft/arbitraries.ts";
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

const messageCodec = codecOf(encodeGossipMessage, decodeGossipMessage);

describe("the binary form of gossip", () => {
  for (const [type, arbitrary] of Object.entries(some.messages)) {
    it(`gives back every ${type} as it was, and answers a damaged one with nothing worse than MalformedBytes`, () => {
      assertRoundTrips<GossipMessage>(messageCodec, arbitrary, 300);
      assertOnlyMalformed<GossipMessage>(messageCodec, arbitrary, 500);
    });
  }

  it("does the same for operations and states", () => {
    const operations = codecOf(writeOperation, readOperation);
    assertRoundTrips(operations, some.operation);
    assertOnlyMalformed(operations, some.operation);
    const states = { encode: encodeState, decode: decodeState };
    assertRoundTrips(states, some.state, 200);
    assertOnlyMalformed(states, some.state, 500);
  });

  it("refuses every prefix of a message", () => {
    fc.assert(
      fc.property(fc.oneof(...Object.values<fc.Arbitrary<GossipMessage>>(some.messages)), (given) => {
        const bytes = messageCodec.encode(given);
        for (let length = 0; length < bytes.length; length++)
          assert.throws(() => messageCodec.decode(bytes.subarray(0, length)), MalformedBytes);
      }),
      { numRuns: 100 },
    );
  });

  it("takes no other kind's message for one of its own, and none of its own for another's", () => {
    assert.throws(() => messageCodec.decode(Uint8Array.of(64, 0)), /no gossip message has the tag 64/);
    const raftCodec = codecOf(encodeRaftMessage, decodeRaftMessage);
    const pbftCodec = codecOf(encodePbftMessage, decodePbftMessage);
    const ours = fc.oneof(...Object.values<fc.Arbitrary<GossipMessage>>(some.messages));
    fc.assert(
      fc.property(ours, arbitraryMessages(fc.nat(300)).message, pbft.message, (mine, rafts, pbfts) => {
        const bytes = messageCodec.encode(mine);
        assert.ok(isGossipTag(bytes[0]) && isGossipMessage(mine) && !isPbftTag(bytes[0]));
        assert.throws(() => raftCodec.decode(bytes), MalformedBytes);
        assert.throws(() => pbftCodec.decode(bytes), MalformedBytes);
        for (const [theirs, encoded] of [
          [rafts, raftCodec.encode(rafts)],
          [pbfts, pbftCodec.encode(pbfts)],
        ] as const) {
          assert.ok(!isGossipTag(encoded[0]) && !isGossipMessage(theirs));
          assert.throws(() => messageCodec.decode(encoded), MalformedBytes);
        }
      }),
    );
  });

  it("refuses operations that say what cannot be", () => {
    const refused = (change: Partial<Operation>): void => {
      const one: Operation = { origin: 1, seq: 1, stamp: 1, deps: [], data: new Uint8Array(0), ...change };
      const operations = codecOf(writeOperation, readOperation);
      assert.throws(() => operations.decode(operations.encode(one)), MalformedBytes);
    };
    refused({ seq: 0 });
    refused({ stamp: 0 });
    refused({ origin: MAX_MEMBERS });
    refused({ deps: [{ member: 1, seq: 1 }] });
    refused({ deps: [{ member: 2, seq: 0 }] });
    refused({ deps: [{ member: MAX_MEMBERS, seq: 1 }] });
    refused({ data: new Uint8Array(MAX_COMMAND_BYTES + 1) });
  });

  it("has room for the largest operation in an entry of the log", () => {
    const deps = Array.from({ length: MAX_MEMBERS - 1 }, (_, member) => ({ member, seq: Number.MAX_SAFE_INTEGER }));
    const [seq, stamp] = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
    const largest = { origin: MAX_MEMBERS - 1, seq, stamp, deps, data: new Uint8Array(MAX_COMMAND_BYTES) };
    const { data } = journalEntryOf(largest, 1);
    assert.ok(data.length <= MAX_COMMAND_BYTES + OPERATION_OVERHEAD_BYTES && data.length <= MAX_ENTRY_BYTES);
  });

  it("logs an operation in an entry with the place, term and time of the one that is given out", () => {
    fc.assert(
      fc.property(some.operation, fc.integer({ min: 1, max: 1e9 }), (one, index) => {
        const [logged, given] = [journalEntryOf(one, index), entryOf(one, index)];
        assert.deepEqual({ ...logged, data: given.data, kind: given.kind }, given);
        assert.deepEqual([logged.kind, given.kind], [1, one.changes ? 2 : 1]);
        assert.equal(given.data, one.data);
        assert.equal(given.timeMs, Math.floor(one.stamp / 1000));
        assert.deepEqual(codecOf(writeOperation, readOperation).encode(operationIn(logged)), logged.data);
        assert.throws(() => operationIn({ ...logged, term: logged.term - 1 }), MalformedBytes);
        assert.throws(() => operationIn({ ...logged, kind: 0 }), MalformedBytes);
      }),
      { numRuns: 100 },
    );
  });

  it("refuses a state that keeps more than it has, or less than it says", () => {
    fc.assert(
      fc.property(some.state, (state) => {
        const [first, ...rest] = state.retained;
        fc.pre(first !== undefined);
        assert.throws(() => decodeState(encodeState({ ...state, retained: rest })), MalformedBytes);
        const less = state.have.map((seq, origin) => (origin === first?.origin ? seq - 1 : seq));
        assert.throws(() => decodeState(encodeState({ ...state, have: less, dropped: state.dropped })), MalformedBytes);
      }),
      { numRuns: 100 },
    );
  });
});
