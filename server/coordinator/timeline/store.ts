/** All events of a swarm in HLC order, each once, whatever the order of their arrival; cut into chunks. */
import type { AgentStamp, EventId, TimelineEvent } from "../../contract/timeline.ts";
import { CHUNK_EVENTS, Chunk } from "./chunk.ts";
import { compareEvents, parseId } from "./event-order.ts";
import { Lives } from "./lives.ts";
import type { SpillOptions } from "./spill.ts";
import { Spill } from "./spill.ts";

/** A stretch of one chunk: the events from `low` up to, not including, `high`. */
export interface Stretch {
  readonly chunk: Chunk;
  readonly low: number;
  readonly high: number;
}

export interface Place {
  /** Index of the chunk in `chunks`. */
  readonly chunk: number;
  readonly at: number;
}

export class EventStore {
  readonly #spill: Spill;
  readonly #lives = new Lives();
  readonly #agentNumbers = new Map<string, number>();
  readonly #lastStates = new Map<string, AgentStamp>();
  readonly #names = new Map<string, string>();
  readonly #chunks: Chunk[] = [];
  #nextChunk = 0;
  #stored = 0;

  constructor(options: SpillOptions) {
    this.#spill = new Spill(options);
  }

  get stored(): number {
    return this.#stored;
  }

  get firstMs(): number {
    return this.#chunks[0]?.firstMs ?? 0;
  }

  get lastMs(): number {
    return this.#chunks.at(-1)?.lastMs ?? 0;
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  /** All agents that events are of, in the order they came up; an agent's place is its number in the chunks' columns. */
  get agents(): readonly string[] {
    return [...this.#agentNumbers.keys()];
  }

  agentNumber(agent: string): number | undefined {
    return this.#agentNumbers.get(agent);
  }

  /** The event as it is kept; undefined when it was known or has no proper id. */
  add(received: TimelineEvent): TimelineEvent | undefined {
    const id = parseId(received.id);
    if (id === undefined || !this.#lives.add(id.life, id.sequence, received.hlc.wallMs)) return undefined;
    const event = this.#shared(received);
    const cause = this.#lives.reference(event.cause);
    let which = this.#chunks.length - 1;
    while (which > 0 && compareEvents(event, this.#chunks[which]!.first!) < 0) which--;
    let chunk = this.#chunks[which] ?? this.#newChunk(0);
    this.#spill.eventsOf(chunk);
    let at = chunk.position(event);
    if (chunk.full && at === chunk.size && which === this.#chunks.length - 1) {
      chunk = this.#newChunk(this.#chunks.length);
      at = 0;
    } else if (chunk.full) {
      // Late events fall near the end: what lies left of them stays a full chunk.
      const middle = Math.min(Math.max(at, CHUNK_EVENTS / 2), CHUNK_EVENTS - 1);
      const right = chunk.split(middle, this.#nextChunk++);
      this.#chunks.splice(which + 1, 0, right);
      this.#spill.eventsOf(right);
      if (at > middle) {
        chunk = right;
        at -= middle;
      }
    }
    chunk.insert(at, event, this.#numberOf(event.agent), cause);
    this.#stored++;
    return event;
  }

  /** The stretches within [fromMs, toMs), in order. */
  stretches(fromMs: number, toMs: number): Stretch[] {
    const stretches: Stretch[] = [];
    for (let which = this.#firstChunkTo(fromMs); which < this.#chunks.length; which++) {
      const chunk = this.#chunks[which]!;
      if (chunk.firstMs >= toMs) break;
      const low = chunk.lowerBound(fromMs);
      const high = chunk.lastMs < toMs ? chunk.size : chunk.lowerBound(toMs);
      if (low < high) stretches.push({ chunk, low, high });
    }
    return stretches;
  }

  /** Reads from disk what is not in memory. */
  eventsOf(chunk: Chunk): readonly TimelineEvent[] {
    return this.#spill.eventsOf(chunk);
  }

  place(id: EventId): Place | undefined {
    const wallMs = this.#lives.wallMsOf(id);
    if (wallMs === undefined) return undefined;
    for (let chunk = this.#firstChunkTo(wallMs); chunk < this.#chunks.length; chunk++) {
      const candidate = this.#chunks[chunk]!;
      if (candidate.firstMs > wallMs) break;
      const events = this.#spill.eventsOf(candidate);
      for (let at = candidate.lowerBound(wallMs); at < candidate.size && candidate.wallMs[at] === wallMs; at++)
        if (events[at]!.id === id) return { chunk, at };
    }
    return undefined;
  }

  get(id: EventId): TimelineEvent | undefined {
    const place = this.place(id);
    return place && this.#spill.eventsOf(this.#chunks[place.chunk]!)[place.at];
  }

  /** The events that name this one as their cause, in HLC order: all are later than it. */
  effectsOf(id: EventId): TimelineEvent[] {
    const place = this.place(id);
    if (place === undefined) return [];
    const { life, sequence } = this.#lives.reference(id);
    const effects: TimelineEvent[] = [];
    for (let which = place.chunk; which < this.#chunks.length; which++) {
      const chunk = this.#chunks[which]!;
      const { causeLives, causeSequences } = chunk;
      for (let at = which === place.chunk ? place.at + 1 : 0; at < chunk.size; at++) {
        if (causeSequences[at] !== sequence || causeLives[at] !== life) continue;
        effects.push(this.#spill.eventsOf(chunk)[at]!);
      }
    }
    return effects;
  }

  /** Lets the oldest chunks go to disk, in the background. */
  trim(): void {
    this.#spill.trim(this.#chunks.at(-1));
  }

  /** Resolves when nothing is being written to disk. */
  settled(): Promise<void> {
    return this.#spill.settled();
  }

  dispose(): Promise<void> {
    return this.#spill.dispose();
  }

  /** The first chunk that may hold something at or after this time. */
  #firstChunkTo(wallMs: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.lastMs < wallMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #newChunk(at: number): Chunk {
    const chunk = new Chunk(this.#nextChunk++);
    this.#chunks.splice(at, 0, chunk);
    this.#spill.eventsOf(chunk);
    return chunk;
  }

  #numberOf(agent: string): number {
    let number = this.#agentNumbers.get(agent);
    if (number === undefined) {
      number = this.#agentNumbers.size;
      this.#agentNumbers.set(agent, number);
    }
    return number;
  }

  /** Arrived events come with own copies of the same few names and states; kept events share one of each. */
  #shared(event: TimelineEvent): TimelineEvent {
    const agent = this.#name(event.agent);
    const { message } = event;
    return {
      ...event,
      agent,
      ...(message === undefined
        ? {}
        : {
            message: {
              ...message,
              id: message.id === event.id ? event.id : message.id === event.cause ? event.cause : message.id,
              from: this.#name(message.from),
              to: this.#name(message.to),
            },
          }),
      ...(event.state === undefined ? {} : { state: this.#state(agent, event.state) }),
    };
  }

  #name(name: string): string {
    const known = this.#names.get(name);
    if (known === undefined && this.#names.size < 10_000) this.#names.set(name, name);
    return known ?? name;
  }

  #state(agent: string, state: AgentStamp): AgentStamp {
    const last = this.#lastStates.get(agent);
    if (
      last !== undefined &&
      last.role === state.role &&
      last.term === state.term &&
      last.leader === state.leader &&
      last.commit === state.commit &&
      last.lastIndex === state.lastIndex &&
      last.applied === state.applied
    )
      return last;
    const kept = { ...state, leader: this.#name(state.leader) };
    this.#lastStates.set(agent, kept);
    return kept;
  }
}
