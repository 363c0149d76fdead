/**
 * A swarm's timeline: the events of all agents merged by their hybrid logical clocks, every one kept until the swarm stops, with answers
 * that are sized for a screen. Memory is bounded: beyond some hundred thousand events only 17 bytes of each stay in memory.
 */
import type {
  EventId,
  TimelineEvent,
  TimelineQuery,
  TimelineSearch,
  TimelineSearchResult,
  TimelineWindow,
} from "../../contract/timeline.ts";
import { codeOf, isLandmark, LANDMARK_CODES, shownCodes } from "./event-codes.ts";
import { compareEvents } from "./event-order.ts";
import { matcherOf } from "./search.ts";
import type { SpillOptions } from "./spill.ts";
import type { Place } from "./store.ts";
import { EventStore } from "./store.ts";
import { Terms } from "./terms.ts";
import type { Filter } from "./window.ts";
import { collect, count, countIntoBuckets } from "./window.ts";

/** Stands for an agent in the events that are the coordinator's own and concern no single agent. */
export const COORDINATOR_LANE = "coordinator";

const MAX_LANDMARKS = 2000;
/** Landmarks held ready; older ones are looked up where they are. */
const LANDMARKS_IN_MEMORY = 20_000;
const MAX_CAUSES = 256;
/** A search lets other work pass after so long. */
const SEARCH_SLICE_MS = 8;

export class Timeline {
  readonly #swarm: string;
  readonly #store: EventStore;
  readonly #terms = new Terms();
  /** The newest ones, in HLC order. */
  #landmarks: TimelineEvent[] = [];
  #landmarksDropped = false;

  constructor(swarm: string, options: SpillOptions) {
    this.#swarm = swarm;
    this.#store = new EventStore(options);
  }

  get stored(): number {
    return this.#store.stored;
  }

  get lastMs(): number {
    return this.#store.lastMs;
  }

  /** How many were new. */
  add(events: readonly TimelineEvent[]): number {
    let added = 0;
    for (const received of events) {
      const event = this.#store.add(received);
      if (event === undefined) continue;
      added++;
      this.#terms.add(event);
      if (isLandmark(event.kind)) this.#addLandmark(event);
    }
    this.#store.trim();
    return added;
  }

  window(query: TimelineQuery): TimelineWindow {
    const { fromMs, toMs } = query;
    const lanes = (query.lanes ?? [...this.#store.agents].sort()).flatMap((agent) => {
      const number = this.#store.agentNumber(agent);
      return number === undefined ? [] : [{ agent, number }];
    });
    const agents = new Uint8Array(this.#store.agents.length);
    for (const { number } of lanes) agents[number] = 1;
    const filter: Filter = { agents, codes: shownCodes(query.hiddenKinds ?? []) };
    const stretches = this.#store.stretches(fromMs, toMs);
    const total = count(stretches, filter);
    const fits = total <= query.maxEvents;
    const window: TimelineWindow = {
      swarm: this.#swarm,
      fromMs,
      toMs,
      total,
      events: fits ? collect(this.#store, stretches, filter) : [],
      buckets: fits ? [] : countIntoBuckets(stretches, filter, lanes, query),
      terms: this.#terms.bars(
        lanes.map(({ agent }) => agent),
        fromMs,
        toMs,
      ),
      landmarks: this.#landmarksIn(query, filter),
      firstMs: this.#store.firstMs,
      lastMs: this.#store.lastMs,
      stored: this.#store.stored,
    };
    this.#store.trim();
    return window;
  }

  /** An event with what led to it, nearest first (at most 256), and what it led to at once. null when there is no such event. */
  event(id: EventId): {
    readonly event: TimelineEvent;
    readonly causes: readonly TimelineEvent[];
    readonly effects: readonly TimelineEvent[];
  } | null {
    const event = this.#store.get(id);
    if (event === undefined) return null;
    const causes: TimelineEvent[] = [];
    for (let next = event.cause; next !== undefined && causes.length < MAX_CAUSES; next = causes.at(-1)?.cause) {
      const cause = this.#store.get(next);
      if (cause === undefined) break;
      causes.push(cause);
    }
    const effects = this.#store.effectsOf(id);
    this.#store.trim();
    return { event, causes, effects };
  }

  /** Newest first, from `before` on, until `limit` were found or nothing is left. Other work passes in between. */
  async search(query: TimelineSearch): Promise<TimelineSearchResult> {
    const matches = matcherOf(query.text);
    const events: TimelineEvent[] = [];
    let looked = 0;
    let sliceEndsAt = performance.now() + SEARCH_SLICE_MS;
    let next = query.before === undefined ? this.#end() : this.#store.place(query.before);
    while (next !== undefined) {
      const chunk = this.#store.chunks[next.chunk]!;
      const stored = this.#store.eventsOf(chunk);
      for (let at = next.at - 1; at >= 0; at--) {
        looked++;
        if (!matches(stored[at]!)) continue;
        events.push(stored[at]!);
        if (events.length === query.limit) return { events, looked, complete: at === 0 && next.chunk === 0 };
      }
      // Chunks may be inserted while others work: what was looked at is found again by its first event.
      const first = chunk.first!.id;
      this.#store.trim();
      if (performance.now() > sliceEndsAt) {
        await new Promise((resolve) => setImmediate(resolve));
        sliceEndsAt = performance.now() + SEARCH_SLICE_MS;
      }
      next = this.#before(this.#store.chunks[next.chunk] === chunk ? next.chunk : this.#store.place(first)?.chunk);
    }
    return { events, looked, complete: true };
  }

  /** Resolves when nothing is being written to disk. */
  settled(): Promise<void> {
    return this.#store.settled();
  }

  /** Ends writing and removes what is on disk. */
  dispose(): Promise<void> {
    return this.#store.dispose();
  }

  #end(): Place | undefined {
    const chunk = this.#store.chunks.length - 1;
    return chunk < 0 ? undefined : { chunk, at: this.#store.chunks[chunk]!.size };
  }

  #before(chunk: number | undefined): Place | undefined {
    return chunk === undefined || chunk === 0
      ? undefined
      : { chunk: chunk - 1, at: this.#store.chunks[chunk - 1]!.size };
  }

  #addLandmark(event: TimelineEvent): void {
    let at = this.#landmarks.length;
    while (at > 0 && compareEvents(this.#landmarks[at - 1]!, event) > 0) at--;
    if (at === 0 && this.#landmarksDropped) return; // older than those that are held
    this.#landmarks.splice(at, 0, event);
    if (this.#landmarks.length <= 2 * LANDMARKS_IN_MEMORY) return;
    this.#landmarks = this.#landmarks.slice(-LANDMARKS_IN_MEMORY);
    this.#landmarksDropped = true;
  }

  #landmarksIn({ fromMs, toMs, lanes }: TimelineQuery, filter: Filter): TimelineEvent[] {
    const { codes } = filter;
    const shown = Uint8Array.from(LANDMARK_CODES, (landmark, code) => landmark & codes[code]!);
    const agents = Uint8Array.from(filter.agents);
    const coordinator = this.#store.agentNumber(COORDINATOR_LANE);
    if (coordinator !== undefined) agents[coordinator] = 1;
    const heldFromMs = this.#landmarksDropped ? this.#landmarks[0]!.hlc.wallMs : Number.NEGATIVE_INFINITY;
    const visible = lanes && new Set([...lanes, COORDINATOR_LANE]);
    const found: TimelineEvent[] = [];
    for (let at = this.#landmarks.length - 1; at >= 0 && found.length < MAX_LANDMARKS; at--) {
      const event = this.#landmarks[at]!;
      if (event.hlc.wallMs < fromMs) break;
      if (event.hlc.wallMs < toMs && shown[codeOf(event)] === 1 && visible?.has(event.agent) !== false)
        found.push(event);
    }
    found.reverse();
    if (found.length === MAX_LANDMARKS || fromMs >= heldFromMs) return found;
    const older = this.#store.stretches(fromMs, Math.min(toMs, heldFromMs));
    const rest = MAX_LANDMARKS - found.length;
    return [...collect(this.#store, older, { agents, codes: shown }).slice(-rest), ...found];
  }
}
