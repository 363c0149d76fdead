/**
 * Windows of the timeline for what is in sight: asks with a margin, one request at a time, keeps what it got, and while the
 * view follows fetches only the newest part. Whatever is missing for a moment is drawn from what there is.
 */
import type { EventKind, MessageType, TimelineQuery, TimelineWindow } from "../../server/contract/timeline.ts";
import { LOST_AFTER_MS, mergeTail, type PlacedWindow, placeWindow } from "./placed.ts";
import { spanMs, type TimeSpan } from "./time-axis.ts";

export type Ask = (query: TimelineQuery) => Promise<TimelineWindow>;

export interface Wanted {
  readonly swarm: string;
  readonly span: TimeSpan;
  readonly widthPx: number;
  readonly lanes: readonly string[];
  readonly hidden: readonly (EventKind | MessageType)[];
  /** Whether the span follows the newest events. */
  readonly following: boolean;
}

/** Drawn one by one up to this many in a window (which is three times as wide as the page); counted beyond. */
const EVENTS_MAX = 6000;
const COLUMN_PX = 4;
/** Events of different agents reach the timeline in batches: so much of its end may still be filled in, ms. */
const UNSETTLED_MS = 2000;
/** Least time between two requests, ms: for events, and for counts of a timeline that grows. */
const EVERY_MS = 120;
const COUNTED_EVERY_MS = 500;
/** After a refusal. */
const RETRY_AFTER_MS = 3000;
const KEPT_WINDOWS = 10;

export class TimelineSource {
  readonly #ask: Ask;
  readonly #changed: () => void;
  readonly #failed: (message: string) => void;
  #kept: PlacedWindow[] = [];
  #key = "";
  #current: PlacedWindow | null = null;
  #wanted: Wanted | null = null;
  #busy = false;
  #timer = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #stored = 0;

  constructor(ask: Ask, changed: () => void, failed: (message: string) => void) {
    this.#ask = ask;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** The best window there is; null before the first. */
  get window(): PlacedWindow | null {
    return this.#current;
  }

  /** Whether a request is under way. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Tells what is in sight. Cheap: may be called in every frame. */
  want(wanted: Wanted): void {
    const key = JSON.stringify([wanted.swarm, wanted.lanes, wanted.hidden]);
    if (key !== this.#key) {
      this.#key = key;
      this.#kept = [];
    }
    this.#wanted = wanted;
    const fitting = this.#kept.find((window) => this.#serves(window, wanted));
    if (fitting !== undefined && fitting !== this.#current) {
      this.#current = fitting;
      this.#changed();
    }
    this.#pump();
  }

  /** The timeline has grown. */
  grew(stored: number, lastMs: number): void {
    this.#stored = stored;
    this.#lastMs = Math.max(this.#lastMs, lastMs);
    this.#pump();
  }

  /** Forgets everything: another swarm. */
  reset(): void {
    this.#kept = [];
    this.#current = null;
    this.#lastMs = Number.NEGATIVE_INFINITY;
    this.#stored = 0;
    this.#key = "";
  }

  #pump(): void {
    const wanted = this.#wanted;
    if (wanted === null || this.#busy || this.#timer !== 0) return;
    if (this.#kept.some((window) => this.#serves(window, wanted))) return;
    const everyMs = wanted.following && this.#current?.complete === false ? COUNTED_EVERY_MS : EVERY_MS;
    const waitMs = this.#askedAt + everyMs - performance.now();
    if (waitMs > 0) {
      this.#timer = window.setTimeout(() => {
        this.#timer = 0;
        this.#pump();
      }, waitMs);
      return;
    }
    void this.#fetch(wanted);
  }

  async #fetch(wanted: Wanted): Promise<void> {
    this.#busy = true;
    this.#askedAt = performance.now();
    const key = this.#key;
    const columns = Math.max(60, Math.min(4000, Math.round((3 * wanted.widthPx) / COLUMN_PX)));
    try {
      const placed = (await this.#fetchTail(wanted, columns)) ?? (await this.#fetchAll(wanted, columns));
      if (key === this.#key) this.#keep(placed);
    } catch (error) {
      this.#askedAt = performance.now() + RETRY_AFTER_MS;
      this.#failed(error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy = false;
    }
    this.#changed();
    this.#pump();
  }

  #keep(placed: PlacedWindow): void {
    this.#lastMs = Math.max(this.#lastMs, placed.lastMs);
    this.#stored = Math.max(this.#stored, placed.stored);
    this.#current = placed;
    this.#kept = [placed, ...this.#kept.filter((window) => !isInside(window, placed))].slice(0, KEPT_WINDOWS);
  }

  async #fetchAll(wanted: Wanted, columns: number): Promise<PlacedWindow> {
    const { span } = wanted;
    const margin = this.#margin(span) * spanMs(span);
    const query = { ...queryOf(wanted, columns), fromMs: span.fromMs - margin, toMs: span.toMs + margin };
    const aheadMs = this.#lookaheadMs(span, margin);
    if (aheadMs > margin) {
      const further = placeWindow(await this.#ask({ ...query, toMs: span.toMs + aheadMs }), columns);
      if (further.complete) return further;
    }
    return placeWindow(await this.#ask(query), columns);
  }

  /** How far beyond its end to look for receipts, so that a message without one is known to be lost; 0 where that would be too much to list. */
  #lookaheadMs(span: TimeSpan, margin: number): number {
    const now = this.#current;
    if (now === null) return 0;
    const aheadMs = LOST_AFTER_MS + spanMs(span);
    const expected = now.total * ((margin + spanMs(span) + aheadMs) / (now.toMs - now.fromMs));
    return expected < EVENTS_MAX * 0.5 ? aheadMs : 0;
  }

  /** While following, the new end of a complete window; null where all must be asked for. */
  async #fetchTail(wanted: Wanted, columns: number): Promise<PlacedWindow | null> {
    const now = this.#current;
    if (now === null || !wanted.following || !now.complete || !this.#kept.includes(now)) return null;
    const fromMs = Math.min(now.lastMs, now.toMs) - UNSETTLED_MS;
    if (now.fromMs > wanted.span.fromMs || fromMs <= now.fromMs || fromMs > wanted.span.toMs) return null;
    const tail = await this.#ask({
      ...queryOf(wanted, columns),
      fromMs,
      toMs: wanted.span.toMs + spanMs(wanted.span),
    });
    const tailComplete = tail.events.length > 0 || tail.total === 0;
    if (!tailComplete) return null;
    const merged = mergeTail(now, tail, wanted.span.fromMs - spanMs(wanted.span) / 2);
    return merged.total > EVENTS_MAX ? null : placeWindow(merged, columns);
  }

  /** How much more to ask for on each side, in spans: one, unless only with less can the events be listed. */
  #margin(span: TimeSpan): number {
    const now = this.#current;
    if (now === null) return 1;
    const expected = now.total * (spanMs(span) / (now.toMs - now.fromMs));
    const room = (EVENTS_MAX * 0.9) / Math.max(1, expected);
    return room < 1.1 ? 1 : Math.min(1, (room - 1) / 2);
  }

  #serves(window: PlacedWindow, wanted: Wanted): boolean {
    const { span } = wanted;
    const settledMs = window.lastMs - UNSETTLED_MS;
    const grown = this.#stored > window.stored;
    const end = Math.min(span.toMs, grown ? Number.POSITIVE_INFINITY : Math.max(this.#lastMs, window.lastMs));
    if (window.fromMs > Math.max(span.fromMs, window.firstMs) || window.toMs < end) return false;
    // What was the newest part then may have been filled in since.
    if (grown && end > settledMs) return false;
    // What was still under way then, and got lost, is known to be lost once the timeline has gone on for so long.
    const judgedMs = span.toMs + LOST_AFTER_MS;
    if (grown && window.lastMs < judgedMs && this.#lastMs >= judgedMs) return false;
    if (window.complete) return true;
    // Counted: fine enough for this zoom, and still too much to list.
    const columnPx = (window.bucketMs / spanMs(span)) * wanted.widthPx;
    const expected = window.total * (spanMs(span) / (window.toMs - window.fromMs));
    const couldList = expected < EVENTS_MAX * 0.5 && window.toMs - window.fromMs > spanMs(span) * 1.3;
    return columnPx < COLUMN_PX * 2.2 && columnPx > COLUMN_PX * 0.2 && !couldList;
  }
}

function queryOf(wanted: Wanted, columns: number): TimelineQuery {
  return {
    swarm: wanted.swarm,
    fromMs: wanted.span.fromMs,
    toMs: wanted.span.toMs,
    lanes: wanted.lanes,
    hiddenKinds: wanted.hidden,
    maxEvents: EVENTS_MAX,
    buckets: columns,
  };
}

/** A complete window makes those inside it superfluous. */
function isInside(window: PlacedWindow, other: PlacedWindow): boolean {
  return other.complete && window.fromMs >= other.fromMs && window.toMs <= other.toMs;
}
