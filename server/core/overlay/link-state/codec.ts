import { ByteReader, ByteWriter, MalformedBytes } from "../../bytes.ts";
import type { AgentId } from "../../consensus.ts";
import { MAX_SIGNATURE_BYTES } from "../../crypto.ts";
import { MemberPlaces } from "../../membership/news.ts";
import { MAX_ADVERTS, MAX_COUNT, MAX_KNOWN, MAX_PEERS } from "./limits.ts";
import type { AdvertNumber, LinkAdvert, LinkStateMessage } from "./types.ts";

const ADVERTS = 1;
const KNOWN = 2;

/**
 * The binary form of link state. A message: what it is, then adverts or numbers. Adverts: count, then of each: origin's place | life | number | count of peers and their places | signature. Numbers: count, then of
 * each: origin's place | life | number. Some 73 bytes for an advert of an agent with four links, some 3 for its number. Origins that the reader has not been told of yet are left out.
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

  /** @throws RangeError for what the reader would refuse, and for origins that are not in the roster. */
  encode(message: LinkStateMessage): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    if (message.type === "adverts") {
      writer.byte(ADVERTS);
      this.#writeAdverts(message.adverts);
    } else {
      writer.byte(KNOWN);
      writer.varint(below(message.known.length, MAX_KNOWN));
      for (const known of message.known) this.#writeNumber(known);
    }
    return writer.finish();
  }

  /** @throws MalformedBytes */
  decode(bytes: Uint8Array): LinkStateMessage {
    const reader = new ByteReader(bytes);
    const kind = reader.byte();
    if (kind !== ADVERTS && kind !== KNOWN) throw new MalformedBytes(`link state of kind ${kind}`);
    const message: LinkStateMessage =
      kind === ADVERTS
        ? { type: "adverts", adverts: this.#readAdverts(reader) }
        : { type: "known", known: this.#readKnown(reader) };
    reader.end();
    return message;
  }

  /** Adverts alone. @throws RangeError as `encode` does */
  encodeAdverts(adverts: readonly LinkAdvert[]): Uint8Array {
    this.#writer.clear();
    this.#writeAdverts(adverts);
    return this.#writer.finish();
  }

  /** @throws MalformedBytes */
  decodeAdverts(bytes: Uint8Array): LinkAdvert[] {
    const reader = new ByteReader(bytes);
    const adverts = this.#readAdverts(reader);
    reader.end();
    return adverts;
  }

  #writeAdverts(adverts: readonly LinkAdvert[]): void {
    const writer = this.#writer;
    writer.varint(below(adverts.length, MAX_ADVERTS));
    for (const advert of adverts) {
      this.#writeNumber(advert);
      writer.varint(below(advert.peers.length, MAX_PEERS));
      for (const peer of advert.peers) writer.varint(below(peer, MAX_COUNT - 1));
      below(advert.signature.length, MAX_SIGNATURE_BYTES);
      writer.bytes(advert.signature);
    }
  }

  #readAdverts(reader: ByteReader): LinkAdvert[] {
    const adverts: LinkAdvert[] = [];
    for (let left = reader.count(MAX_ADVERTS); left > 0; left--) {
      const number = this.#readNumber(reader);
      const peers: number[] = [];
      for (let more = reader.count(MAX_PEERS); more > 0; more--) peers.push(reader.count(MAX_COUNT - 1));
      const signature = reader.bytes(MAX_SIGNATURE_BYTES).slice();
      if (number !== undefined) adverts.push({ ...number, peers, signature });
    }
    return adverts;
  }

  #readKnown(reader: ByteReader): AdvertNumber[] {
    const known: AdvertNumber[] = [];
    for (let left = reader.count(MAX_KNOWN); left > 0; left--) {
      const number = this.#readNumber(reader);
      if (number !== undefined) known.push(number);
    }
    return known;
  }

  #writeNumber({ origin, life, number }: AdvertNumber): void {
    this.#writer.varint(this.#places.of(origin));
    this.#writer.varint(below(life, MAX_COUNT - 1));
    this.#writer.varint(below(number, MAX_COUNT - 1));
  }

  #readNumber(reader: ByteReader): AdvertNumber | undefined {
    const origin = this.#places.at(reader.varint());
    const life = reader.count(MAX_COUNT - 1);
    const number = reader.count(MAX_COUNT - 1);
    return origin === undefined ? undefined : { origin, life, number };
  }
}

function below(value: number, most: number): number {
  if (value > most) throw new RangeError(`${value} where at most ${most} can be told`);
  return value;
}
