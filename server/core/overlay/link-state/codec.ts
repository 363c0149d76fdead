import { ByteReader, ByteWriter } from "../../bytes.ts";
import type { AgentId } from "../../consensus.ts";
import { MemberPlaces } from "../../membership/news.ts";
import { MAX_ADVERTS, MAX_COUNT, MAX_PEERS } from "./limits.ts";
import type { LinkAdvert } from "./types.ts";

/**
 * The binary form of adverts: count, then of each: origin's place | life | number | count of peers and their places. Some 8 bytes for an agent with four links. Agents that the reader has not been told of
 * yet are left out.
 */
export class LinkStateCodec {
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
  encode(adverts: readonly LinkAdvert[]): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    writer.varint(below(adverts.length, MAX_ADVERTS));
    for (const { origin, life, number, peers } of adverts) {
      writer.varint(this.#places.of(origin));
      writer.varint(below(life, MAX_COUNT - 1));
      writer.varint(below(number, MAX_COUNT - 1));
      writer.varint(below(peers.length, MAX_PEERS));
      for (const peer of peers) writer.varint(this.#places.of(peer));
    }
    return writer.finish();
  }

  /** @throws MalformedBytes */
  decode(bytes: Uint8Array): LinkAdvert[] {
    const reader = new ByteReader(bytes);
    const adverts: LinkAdvert[] = [];
    for (let left = reader.count(MAX_ADVERTS); left > 0; left--) {
      const origin = this.#places.at(reader.varint());
      const life = reader.count(MAX_COUNT - 1);
      const number = reader.count(MAX_COUNT - 1);
      const peers: AgentId[] = [];
      for (let more = reader.count(MAX_PEERS); more > 0; more--) {
        const peer = this.#places.at(reader.varint());
        if (peer !== undefined) peers.push(peer);
      }
      if (origin !== undefined) adverts.push({ origin, life, number, peers });
    }
    reader.end();
    return adverts;
  }
}

function below(value: number, most: number): number {
  if (value > most) throw new RangeError(`${value} where at most ${most} can be told`);
  return value;
}
