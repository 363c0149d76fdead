import type { AgentId } from "../core/consensus.ts";
import type { Link } from "../core/overlay/types.ts";
import { placesIn } from "../core/places.ts";

/**
 * All agents that the swarm ever had, in the order that every agent knows. It only grows, so that a place in it means the same agent for ever; an agent
 * may learn later than others that it has grown, and then meets places beyond the end of its own.
 */
export class Roster {
  #ids: readonly AgentId[] = [];
  #places: ReadonlyMap<AgentId, number> = new Map();

  /** @throws RangeError when two have the same id. */
  constructor(ids: readonly AgentId[]) {
    this.grow(ids, []);
  }

  get ids(): readonly AgentId[] {
    return this.#ids;
  }

  get size(): number {
    return this.#ids.length;
  }

  /** undefined beyond the end. */
  at(place: number): AgentId | undefined {
    return this.#ids[place];
  }

  /** undefined for a stranger. */
  placeOf(id: AgentId): number | undefined {
    return this.#places.get(id);
  }

  /** @throws RangeError unless `ids` begins with what is known, when two have the same id, and for a link that ends elsewhere; nothing has changed then. */
  grow(ids: readonly AgentId[], links: readonly Link[]): void {
    const known = placesIn(ids);
    for (const { a, b } of links)
      if (!known.has(a) || !known.has(b)) throw new RangeError(`the link ${a} - ${b} ends outside of the roster`);
    if (known.size !== ids.length) throw new RangeError("two agents of the roster have the same id");
    if (this.#ids.some((id, place) => ids[place] !== id))
      throw new RangeError(`the roster ${ids.join(", ")} does not begin with ${this.#ids.join(", ")}`);
    this.#ids = ids;
    this.#places = known;
  }
}
