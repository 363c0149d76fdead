/**
 * Fetches what the rows are made of, and nothing else of the timeline: an unbroken stretch of it that ends where the diagram ends, first its newest part, further back as far as
 * the person scrolls.
 */
import {
  EVENT_KINDS,
  type EventKind,
  MESSAGE_TYPES,
  type MessageType,
  type TimelineWindow,
} from "../../../server/contract/timeline.ts";
import type { Ask } from "../source.ts";
import { spanMs, type TimeSpan } from "../time-axis.ts";
import { type PhaseRow, PLACE_KINDS, Places } from "./places.ts";

/** Messages are left out by their type. */
const LEFT_OUT: readonly (EventKind | MessageType)[] = [
  ...EVENT_KINDS.filter((kind) => !PLACE_KINDS.includes(kind) && kind !== "send" && kind !== "receive"),
  ...MESSAGE_TYPES,
];

export interface WantedPlaces {
  readonly swarm: string;
  /** What the diagram shows. */
  readonly span: TimeSpan;
  readonly following: boolean;
  /** Of the whole timeline: when its newest event was, and how many there are. */
  readonly lastMs: number;
  readonly stored: number;
  /** When the selected event was; null: none is. */
  readonly selectedMs: number | null;
}

/** Events of one answer, at most: where a stretch has more, a shorter one is asked for. */
const PAGE_EVENTS = 6000;
/** Of a stretch that cannot be shorter. */
const MOMENT_EVENTS = 20_000;
const PAGE_MS = { least: 1, first: 4000, most: 3_600_000 };
/** As many rows are there before anybody scrolls. */
const ROWS_MIN = 200;
const ROWS_MAX = 100_000;
/** Of a swarm that is watched for hours so many are kept, unless the person scrolled further: older ones can be fetched again. */
const ROWS_KEPT = 20_000;
/** Events of different agents reach the timeline in batches: so much of its end may still be filled in, ms. */
const UNSETTLED_MS = 2000;
/** At the old end of what is known, some agents' steps are missing: rows that began so shortly after it wait, ms. */
const RAGGED_MS = 1000;
/** A stretch further away than this is not joined to the one at hand, but takes its place, ms. */
const GAP_MS = 60_000;
/** Least time between two requests, ms. */
const EVERY_MS = { few: 200, many: 1000 };
const RETRY_AFTER_MS = 3000;

/** The stretch that is known. */
interface Known extends TimeSpan {
  /** Up to there nothing can come any more. */
  readonly settledMs: number;
  /** The timeline's length when its end was last looked at. */
  readonly stored: number;
}

export class PlacesSource {
  readonly #ask: Ask;
  readonly #changed: () => void;
  readonly #failed: (message: string) => void;
  #places = new Places();
  #shown: readonly PhaseRow[] = [];
  #wanted: WantedPlaces | null = null;
  #known: Known | null = null;
  /** Where the diagram ended, and the timeline, when it stopped following. */
  #paused: { readonly edgeMs: number; readonly lastMs: number } | null = null;
  #firstMs = Number.NEGATIVE_INFINITY;
  #pageMs = PAGE_MS.first;
  #rowsWanted = ROWS_MIN;
  #full = false;
  #busy = false;
  #timer = 0;
  #dueAt = 0;
  #generation = 0;

  constructor(ask: Ask, changed: () => void, failed: (message: string) => void) {
    this.#ask = ask;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** Newest first. The same list until there is something new. */
  get rows(): readonly PhaseRow[] {
    return this.#shown;
  }

  /** Whether there are so many rows that older ones were forgotten. */
  get full(): boolean {
    return this.#full;
  }

  /** Whether older rows may exist: not fetched (yet), or too many. */
  get older(): boolean {
    return this.#known !== null && this.#known.fromMs > this.#firstMs;
  }

  rowOf(event: string): PhaseRow | undefined {
    return this.#places.rowOf(event);
  }

  /** Tells what is looked at. Cheap: may be called in every frame. */
  want(wanted: WantedPlaces): void {
    if (wanted.swarm !== this.#wanted?.swarm) this.reset();
    if (wanted.following) this.#paused = null;
    else if (this.#wanted?.following) this.#paused = { edgeMs: wanted.span.toMs, lastMs: this.#wanted.lastMs };
    this.#wanted = wanted;
    this.#pump();
  }

  /** Older rows than those that are known. */
  more(): void {
    this.#rowsWanted = Math.max(this.#rowsWanted, this.#shown.length + ROWS_MIN);
    this.#pump();
  }

  /** Forgets everything: another swarm, or nobody looks. */
  reset(): void {
    this.#wanted = null;
    this.#paused = null;
    this.#forget();
    this.#firstMs = Number.NEGATIVE_INFINITY;
    window.clearTimeout(this.#timer);
    this.#timer = 0;
  }

  #forget(): void {
    this.#generation++;
    this.#places = new Places();
    this.#shown = [];
    this.#known = null;
    this.#pageMs = PAGE_MS.first;
    this.#rowsWanted = ROWS_MIN;
    this.#full = false;
  }

  #pump(): void {
    if (this.#busy || this.#timer !== 0 || this.#wanted === null) return;
    const stretch = this.#next(this.#wanted);
    if (stretch === null) return;
    const waitMs = this.#dueAt - performance.now();
    if (waitMs > 0) {
      this.#timer = window.setTimeout(() => {
        this.#timer = 0;
        this.#pump();
      }, waitMs);
    } else void this.#fetch(this.#wanted.swarm, stretch);
  }

  /** The stretch that is missing most; null when all is known that is wanted. */
  #next(wanted: WantedPlaces): TimeSpan | null {
    const { lastMs, span, selectedMs } = wanted;
    if (!Number.isFinite(lastMs)) return null;
    const endMs = this.#endMs(wanted);
    const gapMs = Math.max(GAP_MS, spanMs(span));
    const now = this.#known;
    if (now !== null && (endMs < now.fromMs || endMs > now.toMs + gapMs)) this.#forget();
    const known = this.#known;
    if (known === null) return { fromMs: Math.max(0, endMs - this.#pageMs), toMs: Math.max(1, endMs) };
    const againMs = known.settledMs + this.#pageMs;
    if (endMs > known.toMs && againMs <= known.toMs)
      return { fromMs: known.toMs, toMs: Math.min(endMs, known.toMs + this.#pageMs) };
    if (endMs > known.settledMs && (endMs > known.toMs || wanted.stored > known.stored))
      return { fromMs: known.settledMs, toMs: Math.min(endMs, againMs) };
    const selectedOlder = selectedMs !== null && selectedMs < known.fromMs + RAGGED_MS && selectedMs >= span.fromMs;
    const wantsOlder = this.#shown.length < this.#rowsWanted || selectedOlder;
    if (!wantsOlder || this.#full || known.fromMs <= this.#firstMs) return null;
    return { fromMs: Math.max(0, known.fromMs - this.#pageMs), toMs: known.fromMs };
  }

  /** Where the rows are to end: with the timeline, or where a diagram that stands still ends. What comes into its free room then is not for now. */
  #endMs({ lastMs, span, following, selectedMs }: WantedPlaces): number {
    if (following) return lastMs + 1;
    const paused = this.#paused;
    const heldMs = paused !== null && span.toMs <= paused.edgeMs ? paused.lastMs : lastMs;
    return Math.max(Math.min(span.toMs, heldMs + 1), selectedMs === null ? 0 : Math.min(span.toMs, selectedMs + 1));
  }

  async #fetch(swarm: string, stretch: TimeSpan): Promise<void> {
    this.#busy = true;
    const generation = this.#generation;
    const maxEvents = isMoment(stretch) ? MOMENT_EVENTS : PAGE_EVENTS;
    const query = { ...stretch, swarm, hiddenKinds: LEFT_OUT, maxEvents, buckets: 1 };
    try {
      const answer = await this.#ask(query);
      if (generation === this.#generation) this.#take(stretch, answer);
    } catch (error) {
      this.#dueAt = performance.now() + RETRY_AFTER_MS;
      this.#failed(error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy = false;
    }
    this.#pump();
  }

  #take(stretch: TimeSpan, answer: TimelineWindow): void {
    this.#firstMs = answer.firstMs;
    const complete = answer.total === 0 || answer.events.length > 0;
    if (!complete && !isMoment(stretch)) {
      this.#pageMs = Math.max(PAGE_MS.least, spanMs(stretch) / Math.max(2, (1.5 * answer.total) / PAGE_EVENTS));
      return;
    }
    if (!complete) this.#failed(`${answer.total} events at one moment are too many: their rows are left out.`);
    if (answer.total < PAGE_EVENTS / 4) this.#pageMs = Math.min(PAGE_MS.most, this.#pageMs * 2);
    this.#known = joined(this.#known, stretch, answer);
    this.#places.add(answer.events);
    const isNewest = stretch.toMs >= this.#known.toMs;
    const most = isNewest ? Math.min(ROWS_MAX, Math.max(ROWS_KEPT, 2 * this.#rowsWanted)) : ROWS_MAX;
    const trimmed = this.#places.trim(most);
    if (trimmed !== null) {
      this.#full = most === ROWS_MAX;
      this.#known = { ...this.#known, fromMs: Math.max(this.#known.fromMs, trimmed) };
    }
    // The newest part is asked for again and again, what is older but once.
    if (isNewest) this.#dueAt = performance.now() + (answer.total > PAGE_EVENTS / 3 ? EVERY_MS.many : EVERY_MS.few);
    this.#show();
    this.#changed();
  }

  /** Leaves out the rows at the old end of which some steps may not have been fetched. */
  #show(): void {
    const mayMiss = this.older && !this.#full;
    this.#shown = mayMiss ? this.#places.wholeRows(this.#known!.fromMs + RAGGED_MS) : this.#places.rows;
  }
}

/** Whether it is not worth while to ask for a shorter one. Not exactly the least: times since the epoch are not that fine. */
function isMoment(stretch: TimeSpan): boolean {
  return spanMs(stretch) < 2 * PAGE_MS.least;
}

function joined(known: Known | null, stretch: TimeSpan, { lastMs, stored }: TimelineWindow): Known {
  const settledMs = Math.max(stretch.fromMs, Math.min(stretch.toMs, lastMs - UNSETTLED_MS));
  if (known === null) return { ...stretch, settledMs, stored };
  const looksAgain = stretch.fromMs === known.settledMs;
  return {
    fromMs: Math.min(known.fromMs, stretch.fromMs),
    toMs: Math.max(known.toMs, stretch.toMs),
    settledMs: looksAgain ? settledMs : known.settledMs,
    stored: looksAgain && stretch.toMs >= known.toMs ? stored : known.stored,
  };
}
