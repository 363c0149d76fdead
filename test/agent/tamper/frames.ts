import { decodeFrame, encodeFrame, type FrameHead, type Packet } from "../../../server/agent/frame.ts";
import type { Passed } from "../../../server/agent/tamper/tamperer.ts";
import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../../../server/core/raft/codec.ts";
import { makeEntry } from "../../../server/core/raft/log.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";

export const ROSTER = ["a1", "a2", "a3", "a4", "a5"];
export const HEAD: FrameHead = { sentAtMs: 1000, hlc: { wallMs: 1000, counter: 3 }, incarnation: 2 };

export const payloadOf = (message: RaftMessage): Uint8Array => {
  const writer = new ByteWriter();
  encodeRaftMessage(writer, message);
  return writer.finish();
};

export const direct = (message: RaftMessage, sequence = 1): Packet => ({
  kind: "direct",
  sequence,
  payload: payloadOf(message),
});

/** @param origin and destination: places in ROSTER */
export const relayed = (origin: number, destination: number, message: RaftMessage): Packet => ({
  kind: "relayed",
  origin,
  destination,
  hops: 5,
  incarnation: 2,
  sequence: 9,
  payload: payloadOf(message),
});

export const gossip: Packet = { kind: "gossip", payload: Uint8Array.of(1, 2, 3) };

export const frameOf = (...packets: Packet[]): Uint8Array => encodeFrame(HEAD, packets);

export const messageIn = (packet: Packet): RaftMessage => decodeRaftMessage(new ByteReader(packet.payload));

/** What a receiver reads of them all, with the delay in front where there is one. */
export const read = (passed: readonly Passed[]): string[][] =>
  passed.map(({ frame, delayMs }) => [
    ...(delayMs > 0 ? [`${delayMs} ms`] : []),
    ...decodeFrame(frame).packets.map((packet) => (packet.kind === "gossip" ? "gossip" : messageIn(packet).type)),
  ]);

export const messagesIn = (passed: readonly Passed[]): RaftMessage[] =>
  passed.flatMap(({ frame }) =>
    decodeFrame(frame)
      .packets.filter(({ kind }) => kind !== "gossip")
      .map(messageIn),
  );

export const command = (index: number, term = 1) => makeEntry(index, term, 1, 0, Uint8Array.of(1));

export const append = (from: number, count: number, term = 1): RaftMessage => ({
  type: "append",
  term,
  prevIndex: from,
  prevTerm: 0,
  commit: 0,
  entries: Array.from({ length: count }, (_, at) => command(from + at + 1, term)),
});
export const heartbeat = (round = 0): RaftMessage => ({ type: "heartbeat", term: 1, commit: 0, round });
export const voteReply = (granted: boolean, term = 1): RaftMessage => ({ type: "voteReply", term, granted });
