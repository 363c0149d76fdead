import { type ByteReader, type ByteWriter, MalformedBytes } from "../../bytes.ts";
import { unreachable } from "../../invariant.ts";
import { MAX_ANNOUNCED, MAX_COUNTER, MAX_HOPS, MAX_ID_BYTES, MAX_PAYLOAD_BYTES } from "./limits.ts";
import type { Announcement, BroadcastId, PlumtreeMessage } from "./types.ts";

/** The binary form: a tag, then the fields; of a broadcast the payload is last, without a length. Some 7 bytes beside it. Everything read is checked; bytes from outside lead at worst to a MalformedBytes. */

/** Above those of the consensus: no message is ever taken for one of theirs. */
const TAGS = { broadcast: 81, ihave: 82, graft: 83, prune: 84 } as const satisfies Record<
  PlumtreeMessage["type"],
  number
>;
const FIRST_TAG = TAGS.broadcast;
const LAST_TAG = TAGS.prune;

/** Whether a message that begins with this byte is one of a broadcast. */
export function isPlumtreeTag(tag: number | undefined): boolean {
  return tag !== undefined && tag >= FIRST_TAG && tag <= LAST_TAG;
}

export function isPlumtreeMessage(message: { readonly type: string }): message is PlumtreeMessage {
  return message.type in TAGS;
}

/** @throws RangeError for what the reader would refuse */
export function encodePlumtreeMessage(writer: ByteWriter, message: PlumtreeMessage): void {
  writer.byte(TAGS[message.type]);
  switch (message.type) {
    case "broadcast":
      if (message.payload.length > MAX_PAYLOAD_BYTES)
        throw new RangeError(`a broadcast of ${message.payload.length} bytes`);
      writeAnnouncement(writer, message);
      writer.raw(message.payload);
      break;
    case "ihave":
      if (message.announcements.length > MAX_ANNOUNCED)
        throw new RangeError(`${message.announcements.length} announcements in one message; at most ${MAX_ANNOUNCED}`);
      writer.varint(message.announcements.length);
      for (const announcement of message.announcements) writeAnnouncement(writer, announcement);
      break;
    case "graft":
      writer.boolean(message.id !== undefined);
      if (message.id !== undefined) writeId(writer, message.id);
      break;
    case "prune":
      break;
    default:
      unreachable(message, "message");
  }
}

/** A payload is a copy: it is kept for whoever lacks it, and the rest of what was read is not. @throws MalformedBytes */
export function decodePlumtreeMessage(reader: ByteReader): PlumtreeMessage {
  const tag = reader.byte();
  switch (tag) {
    case TAGS.broadcast: {
      const announcement = readAnnouncement(reader);
      if (reader.remaining > MAX_PAYLOAD_BYTES) throw new MalformedBytes(`a broadcast of ${reader.remaining} bytes`);
      return { type: "broadcast", ...announcement, payload: reader.raw(reader.remaining).slice() };
    }
    case TAGS.ihave: {
      const announcements: Announcement[] = [];
      for (let left = reader.count(MAX_ANNOUNCED); left > 0; left--) announcements.push(readAnnouncement(reader));
      return { type: "ihave", announcements };
    }
    case TAGS.graft:
      return reader.boolean() ? { type: "graft", id: readId(reader) } : { type: "graft" };
    case TAGS.prune:
      return { type: "prune" };
    default:
      throw new MalformedBytes(`no message of a broadcast has the tag ${tag}`);
  }
}

function writeId(writer: ByteWriter, { origin, incarnation, number }: BroadcastId): void {
  writer.text(origin);
  writer.varint(incarnation);
  writer.varint(number);
}

function writeAnnouncement(writer: ByteWriter, { id, hops }: Announcement): void {
  writeId(writer, id);
  writer.varint(hops);
}

function readId(reader: ByteReader): BroadcastId {
  const origin = reader.text(MAX_ID_BYTES);
  const [incarnation, number] = [reader.count(MAX_COUNTER - 1), reader.count(MAX_COUNTER - 1)];
  if (incarnation === 0 || number === 0) throw new MalformedBytes("no broadcast has that number");
  return { origin, incarnation, number };
}

function readAnnouncement(reader: ByteReader): Announcement {
  const id = readId(reader);
  const hops = reader.count(MAX_HOPS);
  if (hops === 0) throw new MalformedBytes("a broadcast that crossed no link");
  return { id, hops };
}
