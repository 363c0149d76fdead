import type { ByteReader, ByteWriter } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { placesIn } from "../places.ts";
import { MAX_COUNTER } from "./freshness.ts";
import { MEMBER_STATES, type MemberNews, type MemberState } from "./types.ts";

/** News in one message; the rest follows in the next. */
export const MAX_NEWS = 128;

/**
 * Members by their place in the roster, which all agents know and which only grows: some members learn of it later than others, so that a place beyond
 * the reader's roster is nobody it knows.
 */
export class MemberPlaces {
  #roster: readonly AgentId[] = [];
  #places: ReadonlyMap<AgentId, number> = new Map();

  constructor(roster: readonly AgentId[]) {
    this.grow(roster);
  }

  /** @param roster what was known before, and more. */
  grow(roster: readonly AgentId[]): void {
    this.#roster = roster;
    this.#places = placesIn(roster);
  }

  get size(): number {
    return this.#roster.length;
  }

  at(place: number): AgentId | undefined {
    return this.#roster[place];
  }

  /** @throws RangeError for a member that is not in the roster */
  of(id: AgentId): number {
    const place = this.#places.get(id);
    if (place === undefined) throw new RangeError(`${id} is not in the roster`);
    return place;
  }
}

/** 4 to 6 bytes, mostly: place and state in one varint, incarnation, heartbeat. */
export function writeNews(writer: ByteWriter, { id, state, incarnation, heartbeat }: MemberNews, places: MemberPlaces) {
  writer.varint(places.of(id) * MEMBER_STATES.length + MEMBER_STATES.indexOf(state));
  writer.varint(incarnation);
  writer.varint(heartbeat);
}

/** @returns without an id where the reader knows nobody at that place. @throws MalformedBytes */
export function readNews(
  reader: ByteReader,
  places: MemberPlaces,
): Omit<MemberNews, "id"> & { readonly id: AgentId | undefined } {
  const placeAndState = reader.varint();
  const id = places.at(Math.floor(placeAndState / MEMBER_STATES.length));
  const state = MEMBER_STATES[placeAndState % MEMBER_STATES.length] as MemberState;
  const incarnation = reader.count(MAX_COUNTER - 1);
  const heartbeat = reader.count(MAX_COUNTER - 1);
  return { id, incarnation, heartbeat, state };
}

/** @throws RangeError for more than MAX_NEWS news */
export function checkNews(news: readonly MemberNews[]): void {
  if (news.length > MAX_NEWS) throw new RangeError(`${news.length} news in one message; at most ${MAX_NEWS}`);
}
