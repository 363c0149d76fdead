import { ByteReader, ByteWriter, MalformedBytes } from "../../bytes.ts";
import type { AgentId } from "../../consensus.ts";
import type { MembershipCodec } from "../membership.ts";
import { checkNews, MAX_NEWS, MemberPlaces, readNews, writeNews } from "../news.ts";
import type { MembershipMessage, SwimMessage, SwimNews } from "../types.ts";

const TYPES = ["ping", "ack", "nack", "pingRequest", "spread", "sync", "syncAsking"] as const;
/** Sequence numbers stay below this. */
export const MAX_SEQUENCE = 2 ** 48;

/**
 * The binary form of probes and of the news they carry: type | sequence, for those that have one | the target's place, of a request | count of news | news,
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
    if (message.type !== "spread" && message.type !== "sync") writer.varint(message.sequence);
    if (message.type === "pingRequest") writer.varint(this.#places.of(message.target));
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
    const sequence = type === "spread" || type === "sync" || type === "syncAsking" ? 0 : reader.count(MAX_SEQUENCE - 1);
    const target = type === "pingRequest" ? this.#places.at(reader.varint()) : undefined;
    const news: SwimNews[] = [];
    for (let left = reader.count(MAX_NEWS); left > 0; left--) {
      const { id, ...standing } = readNews(reader, this.#places);
      const by = standing.state === "suspected" ? this.#places.at(reader.varint()) : undefined;
      if (id !== undefined) news.push({ id, ...standing, ...(by === undefined || by === id ? {} : { by }) });
    }
    reader.end();
    switch (type) {
      case "sync":
      case "syncAsking":
        return { type: "sync", asks: type === "syncAsking", news };
      case "pingRequest":
        // Of a target that it has not been told of yet, it takes the news and no more.
        return target === undefined ? { type: "spread", news } : { type, sequence, target, news };
      case "spread":
        return { type, news };
      default:
        return { type, sequence, news };
    }
  }
}
