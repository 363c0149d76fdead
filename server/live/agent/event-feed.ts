import { Encoder } from "@msgpack/msgpack";
import type { TimelineEvent } from "../../contract/timeline.ts";

/** What is kept while nobody reads, for an observer that comes later (a coordinator that was restarted, say). */
const KEPT_EVENTS = 50_000;
const KEPT_BYTES = 12 * 1024 * 1024;
/** What is kept although all readers have read it. */
const RECENT_EVENTS = 2_000;
/**
 * Events are encoded once they are this many, or when somebody reads them: few, as a request that waits must not wait for many, and as objects that outlive
 * a collection of the young generation are what makes it slow.
 */
const STEP_EVENTS = 16;
const BLOCK_EVENTS = 256;
const FIRST_SCRATCH_BYTES = 64 * 1024;

/** Events end to end in MessagePack; `starts` holds where each begins. */
interface Block {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
}

/** Encoded events, and how many were dropped before them. */
export interface Reading {
  readonly parts: readonly { readonly events: number; readonly bytes: Uint8Array }[];
  readonly lost: number;
}

export interface EventFeedLimits {
  readonly events: number;
  readonly bytes: number;
  readonly recent: number;
}

/**
 * The agent's latest events. They are kept encoded, which takes a fraction of the memory that the objects take, and go to any number of readers without
 * being encoded again. The oldest are dropped when there are too many.
 */
export class EventFeed {
  readonly #limits: EventFeedLimits;
  readonly #encoder = new Encoder({ ignoreUndefined: true });
  #scratch = new Uint8Array(FIRST_SCRATCH_BYTES);
  readonly #starts = new Uint32Array(BLOCK_EVENTS);
  /** Not encoded yet. */
  readonly #fresh: TimelineEvent[] = [];
  /** Encoded in `scratch`, in no block yet: how many events, and their bytes. */
  #open = 0;
  #length = 0;
  #blocks: Block[] = [];
  /** Events are numbered from 0 in the order they came: of the first one kept, and of the first one in no block yet. */
  #first = 0;
  #sealed = 0;
  #bytes = 0;

  constructor(limits: EventFeedLimits = { events: KEPT_EVENTS, bytes: KEPT_BYTES, recent: RECENT_EVENTS }) {
    this.#limits = limits;
  }

  add(event: TimelineEvent): void {
    this.#fresh.push(event);
    if (this.#fresh.length >= STEP_EVENTS) this.#encode();
  }

  /** The number that the next event will have: the place for who wants only what comes. */
  get next(): number {
    return this.#sealed + this.#open + this.#fresh.length;
  }

  /** The place `recent` events back, or as far back as events are kept. */
  placeOf(recent: number): number {
    return Math.max(this.#first, this.next - recent);
  }

  /** All events from a place on. */
  readFrom(place: number): Reading {
    this.#encode();
    this.#seal();
    const from = Math.max(place, this.#first);
    const parts: { events: number; bytes: Uint8Array }[] = [];
    let at = this.#first;
    for (const { bytes, starts } of this.#blocks) {
      const skip = Math.max(0, from - at);
      if (skip < starts.length)
        parts.push({ events: starts.length - skip, bytes: skip === 0 ? bytes : bytes.subarray(starts[skip]) });
      at += starts.length;
    }
    return { parts, lost: from - place };
  }

  /** All readers have read up to here: of what is older, little is kept. */
  readUpTo(place: number): void {
    const keepFrom = Math.min(place, this.next - this.#limits.recent);
    this.#dropWhile((oldest) => this.#first + oldest.starts.length <= keepFrom);
  }

  #encode(): void {
    for (const event of this.#fresh) {
      const encoded = this.#encoder.encodeSharedRef(event);
      this.#reserve(this.#length, encoded.length);
      this.#scratch.set(encoded, this.#length);
      this.#starts[this.#open++] = this.#length;
      this.#length += encoded.length;
      if (this.#open === BLOCK_EVENTS) this.#seal();
    }
    this.#fresh.length = 0;
  }

  /** What is encoded becomes a block. */
  #seal(): void {
    if (this.#open === 0) return;
    this.#blocks.push({ bytes: this.#scratch.slice(0, this.#length), starts: this.#starts.slice(0, this.#open) });
    this.#sealed += this.#open;
    this.#bytes += this.#length;
    this.#open = 0;
    this.#length = 0;
    const { events, bytes } = this.#limits;
    this.#dropWhile(() => this.#sealed - this.#first > events || this.#bytes > bytes);
  }

  #reserve(length: number, more: number): void {
    if (length + more <= this.#scratch.length) return;
    const grown = new Uint8Array(Math.max(length + more, 2 * this.#scratch.length));
    grown.set(this.#scratch);
    this.#scratch = grown;
  }

  #dropWhile(tooMuch: (oldest: Block) => boolean): void {
    let dropped = 0;
    for (const oldest of this.#blocks) {
      if (!tooMuch(oldest)) break;
      dropped++;
      this.#first += oldest.starts.length;
      this.#bytes -= oldest.bytes.length;
    }
    if (dropped > 0) this.#blocks = this.#blocks.slice(dropped);
  }
}
