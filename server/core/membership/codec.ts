import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { MAX_COUNTER } from "./freshness.ts";
import { MAX_NEWS } from "./membership.ts";
import type { MemberNews, MemberState, MembershipMessage } from "./types.ts";

const STATES: readonly MemberState[] = ["alive", "suspected", "failed", "left"];

/** Members whose bit is read; far more than any roster has. */
const MAX_HEARS_BYTES = 4096;

/**
 * The binary form of gossip among members that share a roster: they are named by their place in it. News takes 4 to 6 bytes (place and state in one
 * varint, incarnation, heartbeat), whom the sender hears one bit a member: 30 members, steady state, full mesh: 10 to 11 bytes a message.
 *
 * A roster only grows, and some members learn of it later than others: news of a place beyond the reader's roster is left out, and so is its bit; a
 * place beyond the sender's is not heard by it.
 */
export class MembershipCodec {
  #roster: readonly AgentId[];
  #places: ReadonlyMap<AgentId, number>;
  readonly #writer = new ByteWriter();
  /** What was encoded last, and how. */
  #hears: readonly AgentId[] | undefined;
  #bits: Uint8Array = new Uint8Array(0);

  /** @param roster the same at all members, in the same order, as far as each knows it. */
  constructor(roster: readonly AgentId[]) {
    this.#roster = roster;
    this.#places = placesOf(roster);
  }

  /** @param roster what was known before, and more. */
  grow(roster: readonly AgentId[]): void {
    this.#roster = roster;
    this.#places = placesOf(roster);
    this.#hears = undefined;
  }

  /** @throws RangeError for a member that is not in the roster, and for more than MAX_NEWS news. */
  encode(message: MembershipMessage): Uint8Array {
    const { news, hears } = message;
    if (news.length > MAX_NEWS) throw new RangeError(`${news.length} news in one message; at most ${MAX_NEWS}`);
    const writer = this.#writer;
    writer.clear();
    writer.varint(news.length);
    for (const { id, state, incarnation, heartbeat } of news) {
      writer.varint(this.#placeOf(id) * STATES.length + STATES.indexOf(state));
      writer.varint(incarnation);
      writer.varint(heartbeat);
    }
    // A heartbeat tells all neighbours of the same.
    if (hears !== this.#hears) this.#bits = this.#bitsOf(hears);
    this.#hears = hears;
    writer.raw(this.#bits);
    return writer.finish();
  }

  #bitsOf(hears: readonly AgentId[]): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.#roster.length / 8));
    for (const id of hears) {
      const place = this.#placeOf(id);
      bits[place >> 3] = (bits[place >> 3] as number) | (1 << (place & 7));
    }
    return bits;
  }

  /** @throws MalformedBytes */
  decode(bytes: Uint8Array): MembershipMessage {
    const reader = new ByteReader(bytes);
    const news: MemberNews[] = [];
    for (let left = reader.count(MAX_NEWS); left > 0; left--) {
      const placeAndState = reader.varint();
      const id = this.#roster[Math.floor(placeAndState / STATES.length)];
      const state = STATES[placeAndState % STATES.length] as MemberState;
      const incarnation = reader.count(MAX_COUNTER - 1);
      const heartbeat = reader.count(MAX_COUNTER - 1);
      if (id !== undefined) news.push({ id, incarnation, heartbeat, state });
    }
    if (reader.remaining > MAX_HEARS_BYTES) throw new MalformedBytes("hears more members than any roster has");
    const bits = reader.rawOrCopy(reader.remaining);
    const hears: AgentId[] = [];
    for (let place = 0; place < this.#roster.length; place++)
      if ((((bits[place >> 3] ?? 0) >> (place & 7)) & 1) === 1) hears.push(this.#roster[place] as AgentId);
    return { type: "gossip", news, hears };
  }

  #placeOf(id: AgentId): number {
    const place = this.#places.get(id);
    if (place === undefined) throw new RangeError(`${id} is not in the roster`);
    return place;
  }
}

function placesOf(roster: readonly AgentId[]): ReadonlyMap<AgentId, number> {
  return new Map(roster.map((id, place) => [id, place]));
}
