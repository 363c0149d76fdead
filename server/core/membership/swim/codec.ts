import { ByteReader, ByteWriter, MalformedBytes } from "../../bytes.ts";
import type { AgentId } from "../../consensus.ts";
import { MAX_LEVEL, sizeOf } from "../../reconciliation/checksum-tree.ts";
import {
  MAX_LEAVES,
  readChecksum,
  readLeaf,
  readSplits,
  writeChecksum,
  writeLeaf,
  writeSplits,
} from "../../reconciliation/codec.ts";
import { MAX_COUNTER } from "../freshness.ts";
import type { MembershipCodec } from "../membership.ts";
import { checkNews, MAX_NEWS, MemberPlaces, readNews, writeNews } from "../news.ts";
import type { MembershipMessage, SwimMessage, SwimNews } from "../types.ts";

const TYPES = [
  "ping",
  "ack",
  "nack",
  "pingRequest",
  "spread",
  "sync",
  "syncAsking",
  "checksum",
  "ranges",
  "starts",
] as const;
/** Bits of all the places that a roster has. */
const MAX_STARTS_BYTES = sizeOf(MAX_LEVEL) / 8;
/** Sequence numbers stay below this. */
export const MAX_SEQUENCE = 2 ** 48;

type Unloaded = SwimMessage extends infer Message ? (Message extends unknown ? Omit<Message, "news"> : never) : never;

/**
 * The binary form of probes and of the news they carry: type | sequence, for those that have one | the target's place, of a request | what a comparison says, or who started | count of news | news,
 * each with the place of who suspects, of a suspicion (the suspect's own where nobody knows). A ping without news: 7 bytes, mostly. News of a place beyond the reader's roster is left out.
 */
export class SwimCodec implements MembershipCodec {
  readonly #places: MemberPlaces;
  readonly #writer = new ByteWriter();

  /** @param roster the same at all members, in the same order, as far as each knows it. */
  constructor(roster: readonly AgentId[]) {
    this.#places = new MemberPlaces(roster);
  }

  grow(roster: readonly AgentId[]): void {
    this.#places.grow(roster);
  }

  encode(message: MembershipMessage): Uint8Array {
    if (message.type === "gossip") throw new RangeError("probing members send no heartbeats");
    checkNews(message.news);
    const writer = this.#writer;
    writer.clear();
    writer.byte(TYPES.indexOf(message.type === "sync" && message.asks ? "syncAsking" : message.type));
    if ("sequence" in message) writer.varint(message.sequence);
    if (message.type === "pingRequest") writer.varint(this.#places.of(message.target));
    if (message.type === "checksum") {
      writer.byte(message.level);
      writeChecksum(writer, message.sum);
    }
    if (message.type === "ranges") {
      writeSplits(writer, message.splits);
      writer.varint(message.leaves.length);
      for (const [at, index] of message.leaves.entries()) writeLeaf(writer, index, message.leaves[at - 1] ?? -1);
    }
    if (message.type === "starts") {
      writer.varint(message.life);
      writer.bytes(message.members);
    }
    writer.varint(message.news.length);
    for (const news of message.news) {
      writeNews(writer, news, this.#places);
      if (news.state === "suspected") writer.varint(this.#places.of(news.by ?? news.id));
    }
    return writer.finish();
  }

  decode(bytes: Uint8Array): SwimMessage {
    const reader = new ByteReader(bytes);
    const type = TYPES[reader.byte()];
    if (type === undefined) throw new MalformedBytes("no message among members");
    const body = this.#body(type, reader);
    const news: SwimNews[] = [];
    for (let left = reader.count(MAX_NEWS); left > 0; left--) {
      const { id, ...standing } = readNews(reader, this.#places);
      const by = standing.state === "suspected" ? this.#places.at(reader.varint()) : undefined;
      if (id !== undefined) news.push({ id, ...standing, ...(by === undefined || by === id ? {} : { by }) });
    }
    reader.end();
    return { ...body, news };
  }

  #body(type: (typeof TYPES)[number], reader: ByteReader): Unloaded {
    switch (type) {
      case "spread":
        return { type };
      case "sync":
      case "syncAsking":
        return { type: "sync", asks: type === "syncAsking" };
      case "checksum": {
        const level = reader.byte();
        if (level < 1 || level > MAX_LEVEL) throw new MalformedBytes(`no roster has a range of level ${level}`);
        return { type, level, sum: readChecksum(reader) };
      }
      case "ranges":
        return { type, splits: readSplits(reader), leaves: readLeaves(reader) };
      case "starts":
        return { type, life: reader.count(MAX_COUNTER - 1), members: reader.bytes(MAX_STARTS_BYTES) };
      case "pingRequest": {
        const sequence = reader.count(MAX_SEQUENCE - 1);
        const target = this.#places.at(reader.varint());
        // Of a target that it has not been told of yet, it takes the news and no more.
        return target === undefined ? { type: "spread" } : { type, sequence, target };
      }
      default:
        return { type, sequence: reader.count(MAX_SEQUENCE - 1) };
    }
  }
}

function readLeaves(reader: ByteReader): number[] {
  const leaves: number[] = [];
  for (let left = reader.count(MAX_LEAVES); left > 0; left--) leaves.push(readLeaf(reader, leaves.at(-1) ?? -1));
  return leaves;
}
