import type { Hlc } from "../contract/timeline.ts";
import { ByteReader, ByteWriter, MalformedBytes } from "../core/bytes.ts";
import { invariant } from "../core/invariant.ts";
import { xxh32 } from "./checksum.ts";

/**
 * What agents say to each other over one link: a head, then packets, then a checksum.
 *
 *   version byte | sentAtMs double | HLC double, varint | incarnation varint | packets varint | packet … | XXH32, 4 bytes, little endian
 *   direct:   1 | sequence | payload
 *   relayed:  2 | origin | destination | hops | incarnation | sequence | payload
 *   gossip:   3 | payload
 *   routed:   4 | origin | destination | hops | payload
 *   aggregate: 5 | origin | destination | hops | payload
 *   views:    6 | payload
 *   links:    7 | payload
 *
 * Numbers are varints, payloads length-prefixed; origin and destination are places in the roster, which may have grown further at the sender than at
 * the receiver. The checksum is there because a flipped bit in
 * an entry would otherwise be replicated faithfully.
 */
export const FRAME_VERSION = 1;
export const FRAME_LIMIT_BYTES = 4 * 1024 * 1024;
export const MAX_PACKETS = 16_384;
/** A roster has fewer agents. */
export const MAX_PLACES = 65_536;
/** Far more than any path is long. */
export const MAX_HOPS = 255;

const Kind = { direct: 1, relayed: 2, gossip: 3, routed: 4, aggregate: 5, views: 6, links: 7 } as const;
const CHECKSUM_BYTES = 4;
/** An upper bound of what a frame has besides its packets, and of what a packet has besides its payload. */
const HEAD_BYTES = 64;
const PACKET_BYTES = 48;

/** The most bytes a payload may have to fit into a frame. */
export const PAYLOAD_LIMIT_BYTES = FRAME_LIMIT_BYTES - HEAD_BYTES - PACKET_BYTES;

export interface FrameHead {
  /** The sender's `now`, ms since the epoch. */
  readonly sentAtMs: number;
  readonly hlc: Hlc;
  readonly incarnation: number;
}

/** A consensus message from the sender of the frame to its receiver. `sequence`: of the sender's `send` event. */
export interface DirectPacket {
  readonly kind: "direct";
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** The same on its way between two agents without a link. */
export interface RelayedPacket {
  readonly kind: "relayed";
  /** Place in the roster. */
  readonly origin: number;
  /** Place in the roster. */
  readonly destination: number;
  /** Links it may still cross after this one. */
  readonly hops: number;
  /** Of the origin. */
  readonly incarnation: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** A message of membership from neighbour to neighbour. */
export interface GossipPacket {
  readonly kind: "gossip";
  readonly payload: Uint8Array;
}

/** The same on its way between two agents without a link. */
export interface RoutedPacket {
  readonly kind: "routed";
  /** Place in the roster. */
  readonly origin: number;
  /** Place in the roster. */
  readonly destination: number;
  /** Links it may still cross after this one. */
  readonly hops: number;
  readonly payload: Uint8Array;
}

/** A message of an aggregate, with a link or without: who takes part is drawn of all. */
export interface AggregatePacket extends Omit<RoutedPacket, "kind"> {
  readonly kind: "aggregate";
}

/** What agents that look for their links themselves say about their views (HyParView), to whoever they have a connection with. */
export interface ViewsPacket {
  readonly kind: "views";
  readonly payload: Uint8Array;
}

/** Which links there are, from neighbour to neighbour. */
export interface LinksPacket {
  readonly kind: "links";
  readonly payload: Uint8Array;
}

export type Packet =
  | DirectPacket
  | RelayedPacket
  | GossipPacket
  | RoutedPacket
  | AggregatePacket
  | ViewsPacket
  | LinksPacket;

export interface Frame {
  readonly head: FrameHead;
  readonly packets: readonly Packet[];
}

/** Packets in order, in as few groups as fit a frame each. @throws InvariantViolation on a payload that fits none. */
export function frameLoads(packets: readonly Packet[]): readonly (readonly Packet[])[] {
  const loads: (readonly Packet[])[] = [];
  let from = 0;
  let bytes = HEAD_BYTES;
  for (let at = 0; at < packets.length; at++) {
    const size = (packets[at] as Packet).payload.length + PACKET_BYTES;
    invariant(size + HEAD_BYTES <= FRAME_LIMIT_BYTES, "a message fits into a frame");
    if (bytes + size > FRAME_LIMIT_BYTES || at - from === MAX_PACKETS) {
      loads.push(packets.slice(from, at));
      from = at;
      bytes = HEAD_BYTES;
    }
    bytes += size;
  }
  loads.push(from === 0 ? packets : packets.slice(from));
  return loads;
}

/**
 * Most frames have some dozen bytes. They are written in one place and copied out at their real size: engines keep what has at most 64 bytes in their
 * own heap, which is many times cheaper than a buffer outside.
 */
const SMALL_BYTES = 1024;
const SMALL = new ByteWriter(SMALL_BYTES);

export function encodeFrame(head: FrameHead, packets: readonly Packet[]): Uint8Array {
  let bytes = HEAD_BYTES;
  for (const { payload } of packets) bytes += payload.length + PACKET_BYTES;
  const small = bytes <= SMALL_BYTES;
  const writer = small ? SMALL : new ByteWriter(bytes);
  writer.clear();
  writer.byte(FRAME_VERSION);
  writer.double(head.sentAtMs);
  writer.double(head.hlc.wallMs);
  writer.varint(head.hlc.counter);
  writer.varint(head.incarnation);
  writer.varint(packets.length);
  for (const packet of packets) {
    writer.byte(Kind[packet.kind]);
    if (packet.kind === "relayed" || packet.kind === "routed" || packet.kind === "aggregate") {
      writer.varint(packet.origin);
      writer.varint(packet.destination);
      writer.varint(packet.hops);
    }
    if (packet.kind === "relayed") writer.varint(packet.incarnation);
    if (packet.kind === "relayed" || packet.kind === "direct") writer.varint(packet.sequence);
    writer.bytes(packet.payload);
  }
  const checksum = xxh32(writer.room(), writer.length);
  for (let shift = 0; shift < 32; shift += 8) writer.byte((checksum >>> shift) & 0xff);
  invariant(writer.length <= FRAME_LIMIT_BYTES, "a frame stays within its limit");
  return small ? writer.finishShortLived() : writer.view();
}

/** Payloads are views into `bytes`, or copies where those are cheaper. @throws MalformedBytes */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length > FRAME_LIMIT_BYTES) throw new MalformedBytes(`a frame of ${bytes.length} bytes`);
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 1) throw new MalformedBytes("ends too early");
  if (bytes[0] !== FRAME_VERSION) throw new MalformedBytes(`frame version ${bytes[0]}, not ${FRAME_VERSION}`);
  let checksum = 0;
  for (let at = 3; at >= 0; at--) checksum = ((checksum << 8) | (bytes[end + at] as number)) >>> 0;
  if (xxh32(bytes, end) !== checksum) throw new MalformedBytes("the checksum does not match");
  const reader = new ByteReader(bytes, 1, end);
  const sentAtMs = time(reader);
  const hlc = { wallMs: time(reader), counter: reader.varint() };
  const head = { sentAtMs, hlc, incarnation: reader.varint() };
  const count = reader.count(MAX_PACKETS);
  // Mostly there is one, for which room for more would be made by adding it.
  const packets = count === 0 ? [] : [readPacket(reader)];
  while (packets.length < count) packets.push(readPacket(reader));
  reader.end();
  return { head, packets };
}

function readPacket(reader: ByteReader): Packet {
  const kind = reader.byte();
  switch (kind) {
    case Kind.direct:
      return { kind: "direct", sequence: reader.varint(), payload: reader.bytesOrCopy(PAYLOAD_LIMIT_BYTES) };
    case Kind.relayed: {
      const origin = reader.count(MAX_PLACES - 1);
      const destination = reader.count(MAX_PLACES - 1);
      const hops = reader.count(MAX_HOPS);
      const incarnation = reader.varint();
      const sequence = reader.varint();
      const payload = reader.bytesOrCopy(PAYLOAD_LIMIT_BYTES);
      return { kind: "relayed", origin, destination, hops, incarnation, sequence, payload };
    }
    case Kind.routed:
    case Kind.aggregate: {
      const origin = reader.count(MAX_PLACES - 1);
      const destination = reader.count(MAX_PLACES - 1);
      const hops = reader.count(MAX_HOPS);
      const payload = reader.bytesOrCopy(PAYLOAD_LIMIT_BYTES);
      return { kind: kind === Kind.routed ? "routed" : "aggregate", origin, destination, hops, payload };
    }
    case Kind.gossip:
      return { kind: "gossip", payload: reader.bytesOrCopy(PAYLOAD_LIMIT_BYTES) };
    case Kind.views:
      return { kind: "views", payload: reader.bytesOrCopy(PAYLOAD_LIMIT_BYTES) };
    case Kind.links:
      return { kind: "links", payload: reader.bytesOrCopy(PAYLOAD_LIMIT_BYTES) };
    default:
      throw new MalformedBytes(`unknown packet ${kind}`);
  }
}

/** Ms since the epoch, up to the year 10000. */
function time(reader: ByteReader): number {
  const ms = reader.double();
  if (!(ms >= 0 && ms <= 253_402_300_800_000)) throw new MalformedBytes(`not a time: ${ms}`);
  return ms;
}
