/** A stretch of the timeline, sized for a screen: every event where they fit, counts per column where they do not. */
import type { TimelineBucket, TimelineEvent, TimelineQuery } from "../../contract/timeline.ts";
import { CODES, countName } from "./event-codes.ts";
import type { EventStore, Stretch } from "./store.ts";

/** Which events a query lets through, by the numbers in the chunks' columns. */
export interface Filter {
  /** Per agent number. */
  readonly agents: Uint8Array;
  /** Per code. */
  readonly codes: Uint8Array;
}

export function count(stretches: readonly Stretch[], filter: Filter): number {
  let total = 0;
  for (const { chunk, low, high } of stretches)
    for (let at = low; at < high; at++) total += filter.agents[chunk.agents[at]!]! & filter.codes[chunk.codes[at]!]!;
  return total;
}

export function collect(store: EventStore, stretches: readonly Stretch[], filter: Filter): TimelineEvent[] {
  const collected: TimelineEvent[] = [];
  for (const { chunk, low, high } of stretches) {
    let events: readonly TimelineEvent[] | undefined;
    for (let at = low; at < high; at++) {
      if (filter.agents[chunk.agents[at]!] !== 1 || filter.codes[chunk.codes[at]!] !== 1) continue;
      // Only now: a chunk of which nothing is wanted need not be read.
      events ??= store.eventsOf(chunk);
      collected.push(events[at]!);
    }
  }
  return collected;
}

/** By lane, then by column; columns without events are left out. */
export function countIntoBuckets(
  stretches: readonly Stretch[],
  filter: Filter,
  lanes: readonly { readonly agent: string; readonly number: number }[],
  query: Pick<TimelineQuery, "fromMs" | "toMs" | "buckets">,
): TimelineBucket[] {
  const counters: (LaneCounter | undefined)[] = [];
  for (const { agent, number } of lanes) counters[number] = new LaneCounter(agent);
  const { fromMs, buckets } = query;
  const spanMs = query.toMs - fromMs;
  for (const { chunk, low, high } of stretches) {
    for (let at = low; at < high; at++) {
      const code = chunk.codes[at]!;
      const agent = chunk.agents[at]!;
      if (filter.agents[agent] !== 1 || filter.codes[code] !== 1) continue;
      const column = Math.min(buckets - 1, Math.floor(((chunk.wallMs[at]! - fromMs) * buckets) / spanMs));
      counters[agent]!.add(column, code);
    }
  }
  return lanes.flatMap(({ number }) => counters[number]!.finish());
}

/** Events come in the order of time, so one open column per lane is enough. */
class LaneCounter {
  readonly #agent: string;
  readonly #buckets: TimelineBucket[] = [];
  readonly #counts = new Uint32Array(CODES);
  readonly #touched: number[] = [];
  #column = -1;
  #count = 0;

  constructor(agent: string) {
    this.#agent = agent;
  }

  add(column: number, code: number): void {
    if (column !== this.#column) {
      this.#close();
      this.#column = column;
    }
    if (this.#counts[code]!++ === 0) this.#touched.push(code);
    this.#count++;
  }

  finish(): TimelineBucket[] {
    this.#close();
    return this.#buckets;
  }

  #close(): void {
    if (this.#count === 0) return;
    const kinds: Record<string, number> = {};
    for (const code of this.#touched) {
      const name = countName(code);
      kinds[name] = (kinds[name] ?? 0) + this.#counts[code]!;
      this.#counts[code] = 0;
    }
    this.#buckets.push({ agent: this.#agent, column: this.#column, count: this.#count, kinds });
    this.#touched.length = 0;
    this.#count = 0;
  }
}
