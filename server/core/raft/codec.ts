import { type ByteReader, type ByteWriter, MalformedBytes } from "../bytes.ts";
import { type Entry, EntryKind } from "../consensus.ts";
import { unreachable } from "../invariant.ts";
import { decodeConfiguration, readConfiguration, writeConfiguration } from "./configuration.ts";
import {
  MAX_CHUNK_BYTES,
  MAX_COMMAND_BYTES,
  MAX_ID_BYTES,
  MAX_ITEMS,
  MAX_READ_REQUESTS,
  MAX_SNAPSHOT_BYTES,
} from "./limits.ts";
import { makeEntry } from "./log.ts";
import type { HardState, RaftMessage } from "./types.ts";

/**
 * The binary form of Raft's messages, entries and hard state. Everything read is checked; bytes from outside lead at worst to a
 * MalformedBytes. Decoded entry data and commands may be views into what was read: whoever decodes keeps those bytes alive and unchanged.
 */

const TAGS = {
  preVote: 1,
  preVoteReply: 2,
  vote: 3,
  voteReply: 4,
  append: 5,
  appendReply: 6,
  heartbeat: 7,
  heartbeatReply: 8,
  forward: 9,
  readIndex: 10,
  readIndexReply: 11,
  installSnapshot: 12,
  installSnapshotReply: 13,
  timeoutNow: 14,
} as const satisfies Record<RaftMessage["type"], number>;

export function encodeRaftMessage(writer: ByteWriter, message: RaftMessage): void {
  writer.byte(TAGS[message.type]);
  writer.varint(message.term);
  switch (message.type) {
    case "preVote":
      writer.varint(message.lastIndex);
      writer.varint(message.lastTerm);
      break;
    case "vote":
      writer.varint(message.lastIndex);
      writer.varint(message.lastTerm);
      writer.boolean(message.transfer);
      break;
    case "preVoteReply":
    case "voteReply":
      writer.boolean(message.granted);
      break;
    case "append":
      writer.varint(message.prevIndex);
      writer.varint(message.prevTerm);
      writer.varint(message.commit);
      writer.varint(message.entries.length);
      for (const entry of message.entries) encodeEntry(writer, entry);
      break;
    case "appendReply":
      writer.boolean(message.accepted);
      writer.varint(message.index);
      writer.varint(message.hintTerm);
      break;
    case "heartbeat":
      writer.varint(message.commit);
      writer.varint(message.round);
      break;
    case "heartbeatReply":
      writer.varint(message.round);
      break;
    case "forward":
      writer.varint(message.commands.length);
      for (const command of message.commands) writer.bytes(command);
      break;
    case "readIndex":
      encodeReadIds(writer, message.readIds);
      break;
    case "readIndexReply":
      encodeReadIds(writer, message.readIds);
      writer.varint(message.index);
      break;
    case "installSnapshot":
      writer.varint(message.snapshotIndex);
      writer.varint(message.snapshotTerm);
      writeConfiguration(writer, message.configuration);
      writer.varint(message.totalBytes);
      writer.varint(message.offset);
      writer.bytes(message.data);
      break;
    case "installSnapshotReply":
      writer.varint(message.snapshotIndex);
      writer.varint(message.offset);
      writer.boolean(message.done);
      break;
    case "timeoutNow":
      break;
    default:
      unreachable(message, "message");
  }
}

/** @throws MalformedBytes */
export function decodeRaftMessage(reader: ByteReader): RaftMessage {
  const tag = reader.byte();
  const term = reader.varint();
  switch (tag) {
    case TAGS.preVote:
      return { type: "preVote", term, lastIndex: reader.varint(), lastTerm: reader.varint() };
    case TAGS.preVoteReply:
      return { type: "preVoteReply", term, granted: reader.boolean() };
    case TAGS.vote:
      return {
        type: "vote",
        term,
        lastIndex: reader.varint(),
        lastTerm: reader.varint(),
        transfer: reader.boolean(),
      };
    case TAGS.voteReply:
      return { type: "voteReply", term, granted: reader.boolean() };
    case TAGS.append:
      return {
        type: "append",
        term,
        prevIndex: reader.varint(),
        prevTerm: reader.varint(),
        commit: reader.varint(),
        entries: decodeMany(reader, decodeEntry),
      };
    case TAGS.appendReply:
      return {
        type: "appendReply",
        term,
        accepted: reader.boolean(),
        index: reader.varint(),
        hintTerm: reader.varint(),
      };
    case TAGS.heartbeat:
      return { type: "heartbeat", term, commit: reader.varint(), round: reader.varint() };
    case TAGS.heartbeatReply:
      return { type: "heartbeatReply", term, round: reader.varint() };
    case TAGS.forward:
      return { type: "forward", term, commands: decodeMany(reader, decodeCommand) };
    case TAGS.readIndex:
      return { type: "readIndex", term, readIds: decodeReadIds(reader) };
    case TAGS.readIndexReply:
      return { type: "readIndexReply", term, readIds: decodeReadIds(reader), index: reader.varint() };
    case TAGS.installSnapshot:
      return {
        type: "installSnapshot",
        term,
        snapshotIndex: reader.varint(),
        snapshotTerm: reader.varint(),
        configuration: readConfiguration(reader),
        totalBytes: reader.count(MAX_SNAPSHOT_BYTES),
        offset: reader.count(MAX_SNAPSHOT_BYTES),
        data: reader.bytes(MAX_CHUNK_BYTES),
      };
    case TAGS.installSnapshotReply:
      return {
        type: "installSnapshotReply",
        term,
        snapshotIndex: reader.varint(),
        offset: reader.varint(),
        done: reader.boolean(),
      };
    case TAGS.timeoutNow:
      return { type: "timeoutNow", term };
    default:
      throw new MalformedBytes(`no Raft message has the tag ${tag}`);
  }
}

export function encodeEntry(writer: ByteWriter, entry: Entry): void {
  writer.varint(entry.index);
  writer.varint(entry.term);
  writer.byte(entry.kind);
  writer.varint(entry.timeMs);
  writer.bytes(entry.data);
}

/** The entry's data may be a view into the reader's bytes. @throws MalformedBytes */
export function decodeEntry(reader: ByteReader): Entry {
  const index = reader.varint();
  const term = reader.varint();
  const kind = reader.byte();
  if (kind !== EntryKind.noop && kind !== EntryKind.command && kind !== EntryKind.configuration)
    throw new MalformedBytes(`no entry is of kind ${kind}`);
  const timeMs = reader.varint();
  const data = reader.bytesOrCopy(MAX_COMMAND_BYTES);
  // A log holds only configurations that can be read.
  if (kind === EntryKind.configuration) decodeConfiguration(data);
  return makeEntry(index, term, kind, timeMs, data);
}

export function encodeHardState(writer: ByteWriter, hardState: HardState): void {
  writer.varint(hardState.term);
  writer.text(hardState.votedFor);
  writer.varint(hardState.commit);
}

/** @throws MalformedBytes */
export function decodeHardState(reader: ByteReader): HardState {
  return { term: reader.varint(), votedFor: reader.text(MAX_ID_BYTES), commit: reader.varint() };
}

function decodeCommand(reader: ByteReader): Uint8Array {
  return reader.bytesOrCopy(MAX_COMMAND_BYTES);
}

function encodeReadIds(writer: ByteWriter, readIds: readonly number[]): void {
  writer.varint(readIds.length);
  for (const readId of readIds) writer.varint(readId);
}

function decodeReadIds(reader: ByteReader): readonly number[] {
  const count = reader.count(Math.min(MAX_READ_REQUESTS, reader.remaining));
  const readIds: number[] = [];
  for (let at = 0; at < count; at++) readIds.push(reader.varint());
  return readIds;
}

/** Every item takes a byte at least, so that a count beyond what is there is refused before anything is made. */
function decodeMany<Item>(reader: ByteReader, decode: (reader: ByteReader) => Item): readonly Item[] {
  const count = reader.count(Math.min(MAX_ITEMS, reader.remaining));
  if (count === 0) return [];
  // Mostly there is one, for which room for more would be made by adding it.
  const items = [decode(reader)];
  while (items.length < count) items.push(decode(reader));
  return items;
}
