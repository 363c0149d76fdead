import type { EventKind, Fields, TimelineEvent } from "../contract/timeline.ts";
import { COORDINATOR_LANE } from "./timeline/timeline.ts";

/** The coordinator's own events: what a person or a plan did, and what it saw of processes. Numbered anew in every life of a coordinator. */
export class OwnEvents {
  readonly #life = `${COORDINATOR_LANE}.${Date.now()}`;
  #sequence = 0;
  #lastMs = 0;

  /** @param agent the one it concerns; the coordinator's own lane when it concerns several */
  make(kind: EventKind, agent: string, fields: Fields): TimelineEvent {
    this.#sequence++;
    this.#lastMs = Math.max(this.#lastMs, Date.now());
    const hlc = { wallMs: this.#lastMs, counter: this.#sequence };
    return { id: `${this.#life}:${this.#sequence}`, agent, hlc, kind, fields };
  }
}
