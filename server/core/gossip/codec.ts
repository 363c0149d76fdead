import { type ByteReader, type ByteWriter, MalformedBytes } from "../bytes.ts";
import { unreachable } from "../invariant.ts";
import { FANOUT } from "../reconciliation/checksum-tree.ts";
import {
  MAX_LEAVES,
  readChecksum,
  readLeaf,
  readSplits,
  writeChecksum,
  writeLeaf,
  writeSplits,
} from "../reconciliation/codec.ts";
import {
  MAX_CHUNK_BYTES,
  MAX_COMMAND_BYTES,
  MAX_HOPS,
  MAX_MEMBERS,
  MAX_OPERATIONS,
  MAX_RECENT,
  MAX_STATE_BYTES,
} from "./limits.ts";
import { decodeChange } from "./roll.ts";
import type { Count, Dependency, GossipMessage, Leaf, Operation, Recent, Rumour, Vector } from "./types.ts";

/**
 * The binary form of gossip's messages and of operations. Everything read is checked as far as its form goes; bytes from outside lead at worst to a MalformedBytes. Longer commands
 * are views into what was read: whoever decodes keeps those bytes alive and unchanged.
 */

/** Other kinds' end far below: no message is ever taken for one of theirs. */
const TAGS = {
  rumour: 65,
  digest: 66,
  delta: 67,
  state: 68,
  stateReply: 69,
  checksum: 70,
  ranges: 71,
} as const satisfies Record<GossipMessage["type"], number>;
const FIRST_TAG = TAGS.rumour;
const LAST_TAG = TAGS.ranges;
const HASH_LIMIT = 0xffff_ffff;
/** Bits of the byte with which digests, checksums and ranges begin. */
const ANSWER = 1;
const VIEW = 2;
/** Added to the origin of an operation that changes who counts: so commands take no more room for that there are such. */
const CHANGES = MAX_MEMBERS;

/** Whether a message that begins with this byte is one of gossip. */
export function isGossipTag(tag: number | undefined): boolean {
  return tag !== undefined && tag >= FIRST_TAG && tag <= LAST_TAG;
}

export function isGossipMessage(message: { readonly type: string }): message is GossipMessage {
  return message.type in TAGS;
}

export function encodeGossipMessage(writer: ByteWriter, message: GossipMessage): void {
  writer.byte(TAGS[message.type]);
  writer.varint(message.roster);
  switch (message.type) {
    case "rumour":
      writer.varint(message.rumours.length);
      for (const { operation, hops } of message.rumours) {
        writer.varint(hops);
        writeOperation(writer, operation);
      }
      break;
    case "digest":
      writeStance(writer, message);
      writeVector(writer, message.have);
      writeShortfall(writer, message.have, message.everywhere);
      writeMembers(writer, message.have.length, message.complete);
      break;
    case "delta":
      writer.varint(message.operations.length);
      for (const operation of message.operations) writeOperation(writer, operation);
      break;
    case "state":
      writer.varint(message.index);
      writer.varint(message.totalBytes);
      writer.varint(message.offset);
      writer.bytes(message.data);
      break;
    case "stateReply":
      writer.varint(message.index);
      writer.varint(message.offset);
      break;
    case "checksum":
      writeStance(writer, message);
      writeChecksum(writer, message.sum);
      writer.varint(message.recent.length);
      for (const { member, ...count } of message.recent) {
        writer.varint(member);
        writeCount(writer, count);
      }
      writer.boolean(message.complete === "all");
      if (message.complete !== "all") {
        const members = Math.max(-1, ...message.complete) + 1;
        writer.varint(members);
        writeMembers(writer, members, message.complete);
      }
      break;
    case "ranges": {
      writeStance(writer, message);
      writeSplits(writer, message.splits);
      writer.varint(message.leaves.length);
      let last = -1;
      for (const { index, counts } of message.leaves) {
        writeLeaf(writer, index, last);
        writer.varint(counts.length);
        for (const count of counts) writeCount(writer, count);
        last = index;
      }
      break;
    }
    default:
      unreachable(message, "message");
  }
}

/** @throws MalformedBytes */
export function decodeGossipMessage(reader: ByteReader): GossipMessage {
  const tag = reader.byte();
  const roster = reader.count(HASH_LIMIT);
  switch (tag) {
    case TAGS.rumour:
      return { type: "rumour", roster, rumours: readMany(reader, readRumour) };
    case TAGS.digest: {
      const stance = readStance(reader);
      const have = readVector(reader);
      const everywhere = have.map((seq) => seq - reader.count(seq));
      return { type: "digest", roster, ...stance, have, everywhere, complete: readMembers(reader, have.length) };
    }
    case TAGS.delta:
      return { type: "delta", roster, operations: readMany(reader, readOperation) };
    case TAGS.state:
      return {
        type: "state",
        roster,
        index: reader.varint(),
        totalBytes: reader.count(MAX_STATE_BYTES),
        offset: reader.count(MAX_STATE_BYTES),
        data: reader.bytes(MAX_CHUNK_BYTES),
      };
    case TAGS.stateReply:
      return { type: "stateReply", roster, index: reader.varint(), offset: reader.count(MAX_STATE_BYTES) };
    case TAGS.checksum: {
      const stance = readStance(reader);
      const sum = readChecksum(reader);
      const recent: Recent[] = [];
      for (let left = reader.count(MAX_RECENT); left > 0; left--)
        recent.push({ member: reader.count(MAX_MEMBERS - 1), ...readCount(reader) });
      const complete = reader.boolean() ? "all" : readMembers(reader, reader.count(MAX_MEMBERS));
      return { type: "checksum", roster, ...stance, sum, recent, complete };
    }
    case TAGS.ranges:
      return {
        type: "ranges",
        roster,
        ...readStance(reader),
        splits: readSplits(reader),
        leaves: readLeaves(reader),
      };
    default:
      throw new MalformedBytes(`no gossip message has the tag ${tag}`);
  }
}

export function writeOperation(writer: ByteWriter, { origin, seq, stamp, deps, data, changes }: Operation): void {
  writer.varint(changes ? origin + CHANGES : origin);
  writer.varint(seq);
  writer.varint(stamp);
  writer.varint(deps.length);
  // Rising, so that the steps between are small.
  let last = -1;
  for (const dependency of deps) {
    writer.varint(dependency.member - last - 1);
    writer.varint(dependency.seq);
    last = dependency.member;
  }
  writer.bytes(data);
}

/** Its data may be a view into the reader's bytes. @throws MalformedBytes */
export function readOperation(reader: ByteReader): Operation {
  const marked = reader.count(CHANGES + MAX_MEMBERS - 1);
  const origin = marked % CHANGES;
  const seq = reader.varint();
  const stamp = reader.varint();
  if (seq === 0 || stamp === 0) throw new MalformedBytes("an operation is numbered and stamped from 1");
  const deps: Dependency[] = [];
  let member = -1;
  for (let left = reader.count(MAX_MEMBERS); left > 0; left--) {
    member += reader.count(MAX_MEMBERS) + 1;
    const needed = reader.varint();
    if (member >= MAX_MEMBERS || member === origin || needed === 0)
      throw new MalformedBytes("an operation depends on operations of other members");
    deps.push({ member, seq: needed });
  }
  const data = reader.bytesOrCopy(MAX_COMMAND_BYTES);
  if (marked === origin) return { origin, seq, stamp, deps, data };
  decodeChange(data);
  return { origin, seq, stamp, deps, data, changes: true };
}

export function writeVector(writer: ByteWriter, vector: Vector): void {
  writer.varint(vector.length);
  for (const seq of vector) writer.varint(seq);
}

/** @throws MalformedBytes */
export function readVector(reader: ByteReader): number[] {
  const vector: number[] = [];
  for (let left = reader.count(Math.min(MAX_MEMBERS, reader.remaining)); left > 0; left--) vector.push(reader.varint());
  return vector;
}

/** How much less of each: mostly nothing, or little. */
export function writeShortfall(writer: ByteWriter, vector: Vector, less: Vector): void {
  for (let at = 0; at < vector.length; at++) writer.varint((vector[at] as number) - (less[at] ?? 0));
}

/** Whether it is an answer, and what its sender knows of who came and went. */
type Stance = Pick<Extract<GossipMessage, { readonly type: "digest" }>, "answer" | "view">;

function writeStance(writer: ByteWriter, { answer, view }: Stance): void {
  writer.byte((answer ? ANSWER : 0) | (view === undefined ? 0 : VIEW));
  if (view !== undefined) writer.varint(view);
}

function readStance(reader: ByteReader): Stance {
  const bits = reader.byte();
  if (bits > (ANSWER | VIEW)) throw new MalformedBytes(`not the beginning of a comparison: ${bits}`);
  const answer = (bits & ANSWER) !== 0;
  return (bits & VIEW) === 0 ? { answer } : { answer, view: reader.count(HASH_LIMIT) };
}

function writeCount(writer: ByteWriter, { have, everywhere }: Count): void {
  writer.varint(have);
  writer.varint(have - everywhere);
}

function readCount(reader: ByteReader): Count {
  const have = reader.varint();
  return { have, everywhere: have - reader.count(have) };
}

function readLeaves(reader: ByteReader): Leaf[] {
  const leaves: Leaf[] = [];
  let last = -1;
  for (let left = reader.count(MAX_LEAVES); left > 0; left--) {
    last = readLeaf(reader, last);
    const counts: Count[] = [];
    for (let count = reader.count(FANOUT); count > 0; count--) counts.push(readCount(reader));
    leaves.push({ index: last, counts });
  }
  return leaves;
}

/** A bit for each member. */
function writeMembers(writer: ByteWriter, members: number, chosen: readonly number[]): void {
  const bits = new Uint8Array(Math.ceil(members / 8));
  for (const member of chosen) bits[member >> 3] = (bits[member >> 3] as number) | (1 << (member & 7));
  writer.raw(bits);
}

function readMembers(reader: ByteReader, members: number): number[] {
  const bits = reader.raw(Math.ceil(members / 8));
  const chosen: number[] = [];
  for (let member = 0; member < bits.length * 8; member++) {
    if (((bits[member >> 3] as number) & (1 << (member & 7))) === 0) continue;
    if (member >= members) throw new MalformedBytes("more members than the vector has");
    chosen.push(member);
  }
  return chosen;
}

function readRumour(reader: ByteReader): Rumour {
  const hops = reader.count(MAX_HOPS);
  if (hops === 0) throw new MalformedBytes("a rumour went through one message at least");
  return { hops, operation: readOperation(reader) };
}

/** Every item takes a byte at least, so that a count beyond what is there is refused before anything is made. */
function readMany<Item>(reader: ByteReader, read: (reader: ByteReader) => Item): readonly Item[] {
  const count = reader.count(Math.min(MAX_OPERATIONS, reader.remaining));
  const items: Item[] = [];
  for (let at = 0; at < count; at++) items.push(read(reader));
  return items;
}
