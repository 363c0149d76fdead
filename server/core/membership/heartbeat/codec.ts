import { ByteReader, ByteWriter, MalformedBytes } from "../../bytes.ts";
import type { AgentId } from "../../consensus.ts";
import type { MembershipCodec } from "../membership.ts";
import { checkNews, MAX_NEWS, MemberPlaces, readNews, writeNews } from "../news.ts";
import type { HeartbeatMessage, HeartbeatNews, MembershipMessage } from "../types.ts";

/** Of one bit a member; far more than any roster has. */
export const MAX_MEMBER_BYTES = 4096;

/**
 * The binary form of heartbeats. News takes 4 to 6 bytes (place and state in one varint, incarnation, heartbeat); of a suspicion, who confirms it
 * follows, one bit a member behind their number of bytes. Whom the sender hears takes one bit a member: 30 members, steady state, full mesh: 10 to 11
 * bytes a message. News of a place beyond the reader's roster is left out, and so is its bit; a place beyond the sender's is not heard by it.
 */
export class HeartbeatCodec implements MembershipCodec {
  readonly #places: MemberPlaces;
  readonly #writer = new ByteWriter();
  /** What was encoded last, and how. */
  #hears: readonly AgentId[] | undefined;
  #bits: Uint8Array = new Uint8Array(0);

  /** @param roster the same at all members, in the same order, as far as each knows it. */
  constructor(roster: readonly AgentId[]) {
    this.#places = new MemberPlaces(roster);
  }

  grow(roster: readonly AgentId[]): void {
    this.#places.grow(roster);
    this.#hears = undefined;
  }

  encode(message: MembershipMessage): Uint8Array {
    if (message.type !== "gossip") throw new RangeError(`heartbeats know no ${message.type}`);
    const { news, hears } = message;
    checkNews(news);
    const writer = this.#writer;
    writer.clear();
    writer.varint(news.length);
    for (const one of news) {
      writeNews(writer, one, this.#places);
      if (one.state === "suspected") writer.bytes(this.#bitsOf(one.confirmedBy ?? []));
    }
    // A heartbeat tells all neighbours of the same.
    if (hears !== this.#hears) this.#bits = this.#bitsOf(hears);
    this.#hears = hears;
    writer.raw(this.#bits);
    return writer.finish();
  }

  #bitsOf(hears: readonly AgentId[]): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.#places.size / 8));
    for (const id of hears) {
      const place = this.#places.of(id);
      bits[place >> 3] = (bits[place >> 3] as number) | (1 << (place & 7));
    }
    return bits;
  }

  decode(bytes: Uint8Array): HeartbeatMessage {
    const reader = new ByteReader(bytes);
    const news: HeartbeatNews[] = [];
    for (let left = reader.count(MAX_NEWS); left > 0; left--) {
      const { id, ...standing } = readNews(reader, this.#places);
      const confirmers = standing.state === "suspected" ? reader.bytesOrCopy(MAX_MEMBER_BYTES) : undefined;
      if (id === undefined) continue;
      news.push(confirmers ? { id, ...standing, confirmedBy: this.#idsOf(confirmers) } : { id, ...standing });
    }
    if (reader.remaining > MAX_MEMBER_BYTES) throw new MalformedBytes("hears more members than any roster has");
    return { type: "gossip", news, hears: this.#idsOf(reader.rawOrCopy(reader.remaining)) };
  }

  #idsOf(bits: Uint8Array): AgentId[] {
    const ids: AgentId[] = [];
    for (let place = 0; place < this.#places.size; place++)
      if ((((bits[place >> 3] ?? 0) >> (place & 7)) & 1) === 1) ids.push(this.#places.at(place) as AgentId);
    return ids;
  }
}
