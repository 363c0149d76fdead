import type { TimelineEvent } from "../contract/timeline.ts";
import { parseId } from "./timeline/event-order.ts";

/** Of one agent: what was issued later than so many others that still wait is not measured. */
const MAX_WAITING = 4096;

/**
 * How long it takes until everybody has what an agent took, and that agent knows it: from `issued` to the next `converged` of the same agent, by its own clock. While more is
 * always under way nobody knows that, and the time grows.
 */
export class ConvergenceTimes {
  /** By agent, when its operations were issued that are not known to be everywhere; oldest first. */
  readonly #waiting = new Map<string, number[]>();
  /** By life, the last of its events: those that come again, after a connection was lost, are passed over. */
  readonly #seen = new Map<string, number>();
  #timesMs: number[] = [];

  /** An agent's events come in their order. */
  happened({ id, kind, agent, hlc }: Pick<TimelineEvent, "id" | "kind" | "agent" | "hlc">): void {
    if (kind !== "issued" && kind !== "converged" && kind !== "started") return;
    const place = parseId(id);
    if (place === undefined || place.sequence <= (this.#seen.get(place.life) ?? -1)) return;
    this.#seen.set(place.life, place.sequence);
    if (kind === "issued") {
      const waiting = this.#waiting.get(agent) ?? [];
      if (waiting.length < MAX_WAITING) waiting.push(hlc.wallMs);
      this.#waiting.set(agent, waiting);
    } else if (kind === "converged") {
      const waiting = this.#waiting.get(agent) ?? [];
      this.#timesMs.push(...waiting.map((issuedMs) => Math.max(0, hlc.wallMs - issuedMs)));
      this.#waiting.delete(agent);
    } else {
      // What it took in its last life is not told any more when it spreads.
      this.#waiting.delete(agent);
    }
  }

  /** Those that ended since the last call. */
  take(): number[] {
    const taken = this.#timesMs;
    this.#timesMs = [];
    return taken;
  }
}
