import { ByteReader, ByteWriter, MalformedBytes } from "../../bytes.ts";
import type { AgentId } from "../../consensus.ts";
import { MemberPlaces } from "../../membership/news.ts";
import { MAX_ANNOUNCED, MAX_COUNTER, MAX_HOPS, MAX_PAYLOAD_BYTES } from "./limits.ts";
import type { Announcement, BroadcastId, PlumtreeMessage } from "./types.ts";

const TYPES = ["gossip", "ihave", "graftMissing", "graft", "prune"] as const;

/**
 * The binary form of a broadcast and of what mends its tree: type | count, of announcements | the origin's place, incarnation and number, and the hops, of each broadcast but one that is asked for | payload, to
 * the end. Beside the payload 5 bytes, mostly; so does an announcement take. Broadcasts of origins beyond the reader's roster are left out.
 */
export class PlumtreeCodec {
  readonly #places: MemberPlaces;
  readonly #writer = new ByteWriter();

  /** @param roster the same at all agents, in the same order, as far as each knows it. */
  constructor(roster: readonly AgentId[]) {
    this.#places = new MemberPlaces(roster);
  }

  grow(roster: readonly AgentId[]): void {
    this.#places.grow(roster);
  }

  /** @throws RangeError for what the reader would refuse, and for agents that are not in the roster. */
  encode(message: PlumtreeMessage): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    switch (message.type) {
      case "gossip":
        if (message.payload.length > MAX_PAYLOAD_BYTES)
          throw new RangeError(`a broadcast of ${message.payload.length} bytes`);
        writer.byte(TYPES.indexOf("gossip"));
        this.#writeAnnouncement(message);
        writer.raw(message.payload);
        break;
      case "ihave":
        if (message.announcements.length > MAX_ANNOUNCED)
          throw new RangeError(
            `${message.announcements.length} announcements in one message; at most ${MAX_ANNOUNCED}`,
          );
        writer.byte(TYPES.indexOf("ihave"));
        writer.varint(message.announcements.length);
        for (const announcement of message.announcements) this.#writeAnnouncement(announcement);
        break;
      case "graft":
        writer.byte(TYPES.indexOf(message.id === undefined ? "graft" : "graftMissing"));
        if (message.id !== undefined) this.#writeId(message.id);
        break;
      case "prune":
        writer.byte(TYPES.indexOf("prune"));
        break;
    }
    return writer.finish();
  }

  /** undefined: it is about an agent that this reader has not been told of yet. @throws MalformedBytes */
  decode(bytes: Uint8Array): PlumtreeMessage | undefined {
    const reader = new ByteReader(bytes);
    const message = this.#read(reader);
    reader.end();
    return message;
  }

  #read(reader: ByteReader): PlumtreeMessage | undefined {
    const type = TYPES[reader.byte()];
    switch (type) {
      case "gossip": {
        const announcement = this.#readAnnouncement(reader);
        if (reader.remaining > MAX_PAYLOAD_BYTES) throw new MalformedBytes(`a broadcast of ${reader.remaining} bytes`);
        const payload = reader.raw(reader.remaining);
        return announcement && { type, ...announcement, payload };
      }
      case "ihave": {
        const announcements: Announcement[] = [];
        for (let left = reader.count(MAX_ANNOUNCED); left > 0; left--) {
          const announcement = this.#readAnnouncement(reader);
          if (announcement !== undefined) announcements.push(announcement);
        }
        return { type, announcements };
      }
      case "graftMissing": {
        const id = this.#readId(reader);
        return id && { type: "graft", id };
      }
      case "graft":
      case "prune":
        return { type };
      default:
        throw new MalformedBytes("no message of a broadcast");
    }
  }

  #writeId({ origin, incarnation, number }: BroadcastId): void {
    this.#writer.varint(this.#places.of(origin));
    this.#writer.varint(incarnation);
    this.#writer.varint(number);
  }

  #writeAnnouncement({ id, hops }: Announcement): void {
    this.#writeId(id);
    this.#writer.varint(hops);
  }

  #readId(reader: ByteReader): BroadcastId | undefined {
    const origin = this.#places.at(reader.varint());
    const [incarnation, number] = [reader.count(MAX_COUNTER - 1), reader.count(MAX_COUNTER - 1)];
    if (incarnation === 0 || number === 0) throw new MalformedBytes("no broadcast has that number");
    return origin === undefined ? undefined : { origin, incarnation, number };
  }

  #readAnnouncement(reader: ByteReader): Announcement | undefined {
    const id = this.#readId(reader);
    const hops = reader.count(MAX_HOPS);
    if (hops === 0) throw new MalformedBytes("a broadcast that crossed no link");
    return id && { id, hops };
  }
}
