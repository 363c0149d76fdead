import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  decodeFrame,
  encodeFrame,
  FRAME_LIMIT_BYTES,
  MAX_HOPS,
  MAX_PLACES,
  PAYLOAD_LIMIT_BYTES,
  type Packet,
} from "../../server/agent/frame.ts";
import { ByteReader, ByteWriter } from "../../server/core/bytes.ts";
import { EntryKind } from "../../server/core/consensus.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../../server/core/raft/codec.ts";
import { MAX_CHUNK_BYTES, MAX_COMMAND_BYTES, MAX_ID_BYTES, MAX_MEMBERS } from "../../server/core/raft/limits.ts";
import type { RaftMessage } from "../../server/core/raft/types.ts";

/** Numbers that take the most bytes. */
const MOST = Number.MAX_SAFE_INTEGER;
const command = new Uint8Array(MAX_COMMAND_BYTES).fill(0xa5);
const entry = { index: MOST, term: MOST, timeMs: MOST, kind: EntryKind.command, data: command };
const encoded = (message: RaftMessage): Uint8Array => {
  const writer = new ByteWriter(1024);
  encodeRaftMessage(writer, message);
  return writer.finish();
};

describe("the largest that may be proposed", () => {
  const append = {
    type: "append",
    term: MOST,
    prevIndex: MOST - 1,
    prevTerm: MOST,
    commit: MOST,
    entries: [entry],
  } as const;
  for (const [name, message] of [
    ["in an append", append],
    ["on its way to the leader", { type: "forward", term: MOST, commands: [command] }],
  ] as const satisfies readonly (readonly [string, RaftMessage])[])
    it(`fits a payload with its framing, ${name}`, () => {
      const bytes = encoded(message).length;
      assert.ok(bytes > MAX_COMMAND_BYTES && bytes <= PAYLOAD_LIMIT_BYTES, `${bytes} of ${PAYLOAD_LIMIT_BYTES} bytes`);
    });

  it("travels in a frame within the limit, also through others, and arrives as it was", () => {
    const payload = encoded(append);
    const place = MAX_PLACES - 1;
    const route = { origin: place, destination: place, hops: MAX_HOPS, incarnation: MOST };
    for (const packet of [
      { kind: "direct", sequence: MOST, payload },
      { kind: "relayed", ...route, sequence: MOST, payload },
    ] as const satisfies readonly Packet[]) {
      const head = { sentAtMs: 1e14, hlc: { wallMs: 1e14, counter: MOST }, incarnation: MOST };
      const frame = encodeFrame(head, [packet]);
      assert.ok(frame.length <= FRAME_LIMIT_BYTES, `${frame.length}`);
      const [arrived] = decodeFrame(frame).packets;
      assert.ok(arrived);
      const message = decodeRaftMessage(new ByteReader(arrived.payload));
      assert.ok(message.type === "append");
      assert.ok(Buffer.from(message.entries[0]?.data ?? []).equals(command));
    }
  });

  it("is not far below what would fit, and one byte beyond a payload is never sent", () => {
    assert.ok(encoded(append).length > PAYLOAD_LIMIT_BYTES - 8192);
    const tooLarge: Packet = { kind: "direct", sequence: 1, payload: new Uint8Array(PAYLOAD_LIMIT_BYTES + 4096) };
    assert.throws(() => encodeFrame({ sentAtMs: 0, hlc: { wallMs: 0, counter: 0 }, incarnation: 1 }, [tooLarge]));
  });
});

describe("the largest part of a snapshot", () => {
  it("fits a payload, with the longest names of the most members", () => {
    const ids = Array.from({ length: MAX_MEMBERS }, (_, at) => String(at).padStart(MAX_ID_BYTES, "x"));
    const configuration = { voters: ids, outgoing: ids, learners: ids, learnersNext: [], autoLeave: true };
    const bytes = encoded({
      type: "installSnapshot",
      term: MOST,
      snapshotIndex: MOST,
      snapshotTerm: MOST,
      configuration,
      totalBytes: MOST,
      offset: MOST,
      data: new Uint8Array(MAX_CHUNK_BYTES),
    }).length;
    assert.ok(bytes <= PAYLOAD_LIMIT_BYTES, `${bytes} of ${PAYLOAD_LIMIT_BYTES} bytes`);
  });
});
