import type { Membership } from "../core/membership/membership.ts";
import type { Aggregating } from "./aggregating.ts";
import type { Clients } from "./clients.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Linker } from "./linker.ts";
import type { Mail } from "./mail.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Side } from "./side.ts";
import type { Cause, Timeline } from "./timeline.ts";

export interface NewsParts {
  readonly membership: Membership;
  readonly side: Side;
  readonly timeline: Timeline;
  readonly neighbours: Neighbours;
  readonly mail: Mail;
  readonly clients: Clients;
  readonly dispatcher: Dispatcher;
  readonly aggregating: Aggregating;
  readonly linker: Linker | undefined;
  /** It leads, and knows all that earlier leaders decided. */
  readonly leads: () => boolean;
}

/** Who is there and who is not, as membership and the side of a partition find out: all that acts upon it is told. */
export class News {
  readonly #parts: NewsParts;

  constructor(parts: NewsParts) {
    this.#parts = parts;
  }

  /** @returns whether that leaves the agent something to do */
  turn(cause: Cause | undefined, now: number): boolean {
    const leaves = this.#ofMembers(cause, now);
    this.#ofSides(cause, now);
    return leaves;
  }

  #ofMembers(cause: Cause | undefined, now: number): boolean {
    const { membership, timeline, neighbours, side, aggregating, dispatcher, linker, leads, mail } = this.#parts;
    const ready = membership.take(now);
    if (ready === undefined) return false;
    let leaves = false;
    for (const observation of ready.observations) {
      const { type, ...fields } = observation;
      timeline.record(type, now, cause, fields);
      neighbours.observed(observation, now);
      side.noticed(observation);
      aggregating.noticed(observation);
      // Tasks of whoever is gone are given out again, and to whoever is new.
      dispatcher.changed();
      if (linker?.noticed(observation, now) || leads()) leaves = true;
    }
    for (const { to, message } of ready.messages) mail.gossip(to, message);
    return leaves;
  }

  /** Who is cut off tells whoever waits, and the timeline. */
  #ofSides(cause: Cause | undefined, now: number): void {
    const { side, timeline, clients } = this.#parts;
    for (const { type, ...fields } of side.look(now)) {
      timeline.record(type, now, cause, fields);
      const refusal = side.refusal();
      if (refusal !== undefined) clients.cutOff(refusal);
    }
  }
}
