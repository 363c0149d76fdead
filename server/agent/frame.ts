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

/**
 * Most frames have some dozen bytes. They are written in one place and copied out at their real size: engines keep what has at most 64 bytes in their
 * own heap, which is many times cheaper than a buffer outside.
 */
const SMALL_BYTES = 1024;
const SMALL = new ByteWriter(SMALL_BYTES);
/** Of what is gathered, to begin with, in the engine's own heap as above. More than a small frame is not kept for the next one. */
const FIRST_BYTES = 64;

/** Packets that are gathered, on their way into as few frames as hold them, in order. As bytes from the first: objects that live until a turn ends cost more than to write them. */
export class Frames {
  #body = new ByteWriter(FIRST_BYTES);
  #packets = 0;
  /** Those that one more packet did not fit into. */
  #full: { readonly body: ByteWriter; readonly packets: number }[] = [];

  get empty(): boolean {
    return this.#packets === 0;
  }

  /** @throws InvariantViolation on a payload that fits no frame; then nothing is added. */
  add(packet: Packet): void {
    const bytes = HEAD_BYTES + PACKET_BYTES + packet.payload.length;
    invariant(bytes <= FRAME_LIMIT_BYTES, "a message fits into a frame");
    if (bytes + this.#body.length > FRAME_LIMIT_BYTES || this.#packets === MAX_PACKETS) {
      this.#full.push({ body: this.#body, packets: this.#packets });
      this.#body = new ByteWriter(FIRST_BYTES);
      this.#packets = 0;
    }
    writePacket(this.#body, packet);
    this.#packets++;
  }

  /** All that was added; then nothing is left. */
  take(head: FrameHead): readonly Uint8Array[] {
    const frames = this.#full.map(({ body, packets }) => frameOf(head, body, packets));
    frames.push(frameOf(head, this.#body, this.#packets));
    if (this.#full.length > 0) this.#full = [];
    if (this.#body.room().length > SMALL_BYTES) this.#body = new ByteWriter(FIRST_BYTES);
    else this.#body.clear();
    this.#packets = 0;
    return frames;
  }
}

/** @throws InvariantViolation on a payload that fits no frame. */
export function encodeFrames(head: FrameHead, packets: readonly Packet[]): readonly Uint8Array[] {
  const frames = new Frames();
  for (const packet of packets) frames.add(packet);
  return frames.take(head);
}

/** The same of packets that one frame holds. */
export function encodeFrame(head: FrameHead, packets: readonly Packet[]): Uint8Array {
  const [frame, ...more] = encodeFrames(head, packets);
  invariant(more.length === 0, "they fit into one frame");
  return frame as Uint8Array;
}

function frameOf(head: FrameHead, body: ByteWriter, packets: number): Uint8Array {
  const bytes = HEAD_BYTES + body.length;
  const small = bytes <= SMALL_BYTES;
  const writer = small ? SMALL : new ByteWriter(bytes);
  writer.clear();
  writer.byte(FRAME_VERSION);
  writer.double(head.sentAtMs);
  writer.double(head.hlc.wallMs);
  writer.varint(head.hlc.counter);
  writer.varint(head.incarnation);
  writer.varint(packets);
  writer.allOf(body);
  const checksum = xxh32(writer.room(), writer.length);
  for (let shift = 0; shift < 32; shift += 8) writer.byte((checksum >>> shift) & 0xff);
  invariant(writer.length <= FRAME_LIMIT_BYTES, "a frame stays within its limit");
  return small ? writer.finishShortLived() : writer.view();
}

function writePacket(writer: ByteWriter, packet: Packet): void {
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
