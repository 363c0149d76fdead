import type { AgentId } from "../consensus.ts";
import { placesIn } from "../places.ts";
import { MAX_COUNTER, type Standing } from "./freshness.ts";
import type { DetectorConfig, Member, MemberState } from "./types.ts";

/** How one member is seen, by any detector. */
export interface MemberView extends Standing {
  readonly id: AgentId;
  /** In the roster. */
  readonly place: number;
  incarnation: number;
  heartbeat: number;
  state: MemberState;
  sinceMs: number;
  /** Nothing has been heard of it. */
  unheard: boolean;
}

/** One that is new: alive as far as anybody knows. */
export function newcomer(id: AgentId, place: number, now: number): MemberView {
  return { id, place, incarnation: 0, heartbeat: 0, state: "alive", sinceMs: now, unheard: true };
}

function memberOf({ id, state, incarnation, heartbeat, sinceMs }: MemberView): Member {
  return { id, state, incarnation, heartbeat, sinceMs };
}

/** All members, by their place in the roster, which only grows. */
export class Roll<View extends MemberView> {
  readonly #make: (id: AgentId, place: number, now: number) => View;
  readonly #views: View[] = [];
  #places: ReadonlyMap<AgentId, number> = new Map();

  constructor(make: (id: AgentId, place: number, now: number) => View) {
    this.#make = make;
  }

  get all(): readonly View[] {
    return this.#views;
  }

  /**
   * @param members what was known before, in the same order, and more. @returns those that are new.
   * @throws RangeError when it is anything else.
   */
  admit(members: readonly AgentId[], now: number): View[] {
    if (this.#views.some(({ id }, place) => members[place] !== id))
      throw new RangeError("members are only added, behind those that are known");
    const places = placesIn(members);
    if (places.size !== members.length) throw new RangeError("two members have the same id");
    const admitted: View[] = [];
    for (let place = this.#views.length; place < members.length; place++) {
      const view = this.#make(members[place] as AgentId, place, now);
      this.#views.push(view);
      admitted.push(view);
    }
    this.#places = places;
    return admitted;
  }

  /** What is told of each, in the order of the roster. */
  members(): Member[] {
    return this.all.map(memberOf);
  }

  member(id: AgentId): Member | undefined {
    const view = this.of(id);
    return view === undefined ? undefined : memberOf(view);
  }

  of(id: AgentId): View | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#views[place];
  }

  at(place: number): View {
    return this.#views[place] as View;
  }

  idOf(place: number): AgentId {
    return this.at(place).id;
  }

  /** Of those that are known, in the order given. */
  placesOf(ids: readonly AgentId[]): number[] {
    const places: number[] = [];
    for (const id of ids) {
      const place = this.#places.get(id);
      if (place !== undefined) places.push(place);
    }
    return places;
  }
}

/** @throws RangeError when a member is named twice, oneself is none of them, or the incarnation makes no sense. */
export function checkMembers({ id, members }: DetectorConfig, incarnation: number): void {
  const places = placesIn(members);
  if (places.size !== members.length) throw new RangeError("two members have the same id");
  if (!places.has(id)) throw new RangeError(`${id} is not one of the members`);
  if (!(Number.isInteger(incarnation) && incarnation >= 0 && incarnation < MAX_COUNTER))
    throw new RangeError(`the incarnation ${incarnation} is no whole number below 2^48`);
}
