/**
 * Some thousand consecutive events. Its columns (time, agent, kind, cause) always stay in memory, 17 bytes an event, and answer counts;
 * the events themselves may be on disk.
 */
import type { TimelineEvent } from "../../contract/timeline.ts";
import { codeOf } from "./event-codes.ts";
import { compareEvents } from "./event-order.ts";
import type { EventReference } from "./lives.ts";

export const CHUNK_EVENTS = 4096;

export class Chunk {
  readonly number: number;
  readonly wallMs = new Float64Array(CHUNK_EVENTS);
  readonly agents = new Uint16Array(CHUNK_EVENTS);
  readonly codes = new Uint8Array(CHUNK_EVENTS);
  readonly causeLives = new Uint16Array(CHUNK_EVENTS);
  readonly causeSequences = new Uint32Array(CHUNK_EVENTS);
  size = 0;
  /** undefined while they are on disk only. */
  events: TimelineEvent[] | undefined = [];
  /** The first event, in memory even when the others are not: it tells where a late event belongs. */
  first: TimelineEvent | undefined;
  /** Rises with every insertion: tells whether what was written to disk is all. */
  version = 0;
  /** The version that is on disk; -1: none. */
  savedVersion = -1;
  lastUsed = 0;

  constructor(number: number) {
    this.number = number;
  }

  get full(): boolean {
    return this.size === CHUNK_EVENTS;
  }

  get firstMs(): number {
    return this.wallMs[0]!;
  }

  get lastMs(): number {
    return this.wallMs[this.size - 1]!;
  }

  /** Where the event belongs. The events must be in memory. */
  position(event: TimelineEvent): number {
    const events = this.events!;
    let low = 0;
    let high = this.size;
    // Most events are newer than all before them.
    if (high > 0 && compareEvents(events[high - 1]!, event) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareEvents(events[middle]!, event) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  insert(at: number, event: TimelineEvent, agent: number, cause: EventReference): void {
    if (at < this.size) {
      for (const column of this.#columns()) column.copyWithin(at + 1, at, this.size);
      this.events!.splice(at, 0, event);
    } else {
      this.events!.push(event);
    }
    this.wallMs[at] = event.hlc.wallMs;
    this.agents[at] = agent;
    this.codes[at] = codeOf(event);
    this.causeLives[at] = cause.life;
    this.causeSequences[at] = cause.sequence;
    if (at === 0) this.first = event;
    this.size++;
    this.version++;
  }

  /** Moves the events from a position on to a new chunk. */
  split(at: number, number: number): Chunk {
    const right = new Chunk(number);
    const to = right.#columns();
    this.#columns().forEach((column, which) => {
      to[which]!.set(column.subarray(at, this.size));
    });
    right.events = this.events!.splice(at);
    right.first = right.events[0];
    right.size = this.size - at;
    right.version = 1;
    this.size = at;
    this.version++;
    return right;
  }

  /** The first position whose time is at or after this. */
  lowerBound(wallMs: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.wallMs[middle]! < wallMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #columns(): (Float64Array | Uint16Array | Uint8Array | Uint32Array)[] {
    return [this.wallMs, this.agents, this.codes, this.causeLives, this.causeSequences];
  }
}
