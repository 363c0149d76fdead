/** A window of the timeline, made ready to draw: every event has its moment, every message its arrow. */
import type {
  EventId,
  Hlc,
  MessageInfo,
  TermBar,
  TimelineBucket,
  TimelineEvent,
  TimelineWindow,
} from "../../server/contract/timeline.ts";
import { compareIds } from "../format.ts";

/**
 * How a message ended, as far as the timeline tells: received; lost (its receipt should have been recorded by now and is not);
 * open (on its way, or its receipt is out of sight).
 */
export type Fate = "received" | "lost" | "open";

export interface Arrow {
  readonly message: MessageInfo;
  readonly fromMs: number;
  /** When it arrived; null unless received. */
  readonly toMs: number | null;
  readonly fate: Fate;
  /** It told its receiver nothing that it had not heard before: a rumour that came too late. */
  readonly stale: boolean;
}

export interface PlacedWindow {
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether `events` holds every event of the window; otherwise `buckets` counts them. */
  readonly complete: boolean;
  readonly total: number;
  readonly events: readonly TimelineEvent[];
  /** Moment of each event: its wall time, moved within its millisecond by the clock's counter so that causes stand before effects. */
  readonly atMs: Float64Array;
  readonly indexById: ReadonlyMap<EventId, number>;
  readonly arrows: readonly Arrow[];
  readonly buckets: readonly TimelineBucket[];
  readonly bucketMs: number;
  readonly terms: readonly TermBar[];
  readonly landmarks: readonly TimelineEvent[];
  /** The timeline's extent when this was answered. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly stored: number;
}

/** A message without a receipt is called lost when the timeline goes on this long after it was sent, ms. */
export const LOST_AFTER_MS = 3000;

/** `columns`: into how many the query asked to count. */
export function placeWindow(window: TimelineWindow, columns: number): PlacedWindow {
  const complete = window.events.length > 0 || window.total === 0;
  const events = [...window.events].sort(compareEvents);
  const atMs = momentsOf(events);
  const indexById = new Map(events.map((event, i) => [event.id, i]));
  return {
    fromMs: window.fromMs,
    toMs: window.toMs,
    complete,
    total: window.total,
    events,
    atMs,
    indexById,
    arrows: arrowsOf(events, atMs, window),
    buckets: window.buckets,
    bucketMs: (window.toMs - window.fromMs) / columns,
    terms: window.terms,
    landmarks: window.landmarks,
    firstMs: window.firstMs,
    lastMs: window.lastMs,
    stored: window.stored,
  };
}

/** HLC order, ties by agent: the order in which the timeline tells them. */
export function compareEvents(a: TimelineEvent, b: TimelineEvent): number {
  return compareHlc(a.hlc, b.hlc) || compareIds(a.agent, b.agent) || compareIds(a.id, b.id);
}

function compareHlc(a: Hlc, b: Hlc): number {
  return a.wallMs - b.wallMs || a.counter - b.counter;
}

/**
 * Within one wall time events are spread by their counters over the time until the next one, at most a millisecond, so that
 * what happened in one millisecond can be told apart and an effect never stands before its cause.
 */
function momentsOf(events: readonly TimelineEvent[]): Float64Array {
  const at = new Float64Array(events.length);
  let start = 0;
  while (start < events.length) {
    const wallMs = events[start]!.hlc.wallMs;
    let end = start;
    while (end < events.length && events[end]!.hlc.wallMs === wallMs) end++;
    const next = events[end]?.hlc.wallMs ?? wallMs + 1;
    const room = Math.min(1, next - wallMs);
    const counters = events[end - 1]!.hlc.counter - events[start]!.hlc.counter + 1;
    for (let i = start; i < end; i++) {
      at[i] = wallMs + (room * (events[i]!.hlc.counter - events[start]!.hlc.counter)) / counters;
    }
    start = end;
  }
  return at;
}

function arrowsOf(events: readonly TimelineEvent[], atMs: Float64Array, window: TimelineWindow): readonly Arrow[] {
  const sends = new Map<EventId, number>();
  const receives = new Map<EventId, number>();
  events.forEach((event, i) => {
    if (event.message === undefined) return;
    if (event.kind === "send") sends.set(event.message.id, i);
    else if (event.kind === "receive") receives.set(event.message.id, i);
  });
  const knownUntilMs = Math.min(window.toMs, window.lastMs);
  const agents = new Set([...window.terms, ...events].map(({ agent }) => agent));
  const news = newsOf(events);
  const arrows: Arrow[] = [];
  for (const [id, i] of sends) {
    const message = events[i]!.message!;
    const receipt = receives.get(id);
    const overdue = knownUntilMs - atMs[i]! > LOST_AFTER_MS && agents.has(message.to);
    const fate = receipt !== undefined ? "received" : overdue ? "lost" : "open";
    const stale = bringsNews(message) && receipt !== undefined && !news.has(id);
    arrows.push({ message, fromMs: atMs[i]!, toMs: receipt === undefined ? null : atMs[receipt]!, fate, stale });
  }
  return arrows;
}

/** What a receiver tells of having heard a rumour by: one, or a broadcast of writes. */
function bringsNews({ type, fields }: MessageInfo): boolean {
  return type === "rumour" || (type === "broadcast" && fields.about === "writes");
}

/**
 * Rumours of which their receiver heard something for the first time. An agent tells of it after it took in all that came in one moment, and names whom it has it from: it was that one's last
 * rumour before.
 */
function newsOf(events: readonly TimelineEvent[]): ReadonlySet<EventId> {
  const last = new Map<string, EventId>();
  const news = new Set<EventId>();
  for (const { kind, agent, message, fields } of events) {
    if (kind === "receive" && message !== undefined && bringsNews(message))
      last.set(`${agent} ${message.from}`, message.id);
    if (kind !== "rumourHeard") continue;
    const told = last.get(`${agent} ${fields.from}`);
    if (told !== undefined) news.add(told);
  }
  return news;
}

/** The index of the first event at or after a moment. */
export function firstAt(window: PlacedWindow, ms: number): number {
  let low = 0;
  let high = window.atMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (window.atMs[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where an event stands in time: spread where the window holds it, else its wall time. */
export function momentOf(window: PlacedWindow | null, event: TimelineEvent): number {
  const index = window?.indexById.get(event.id);
  return index === undefined ? event.hlc.wallMs : window!.atMs[index]!;
}

/** Replaces what a window says from `tail.fromMs` on by a newer answer. Both must be complete. */
export function mergeTail(window: PlacedWindow, tail: TimelineWindow, keepFromMs: number): TimelineWindow {
  const kept = window.events.filter((event) => event.hlc.wallMs >= keepFromMs && event.hlc.wallMs < tail.fromMs);
  const events = [...kept, ...tail.events];
  const newLandmarks = new Set(tail.landmarks.map((event) => event.id));
  return {
    ...tail,
    fromMs: Math.max(window.fromMs, keepFromMs),
    total: events.length,
    events,
    buckets: [],
    terms: mergeBars(
      window.terms.filter((bar) => bar.toMs === null || bar.toMs > keepFromMs),
      tail,
    ),
    landmarks: [
      ...window.landmarks.filter((event) => event.hlc.wallMs < tail.fromMs && !newLandmarks.has(event.id)),
      ...tail.landmarks,
    ],
  };
}

/** Joins bars that go on across the seam; whatever the tail says of the time after it holds. */
function mergeBars(old: readonly TermBar[], tail: TimelineWindow): readonly TermBar[] {
  const kept: TermBar[] = [];
  const fresh = [...tail.terms];
  for (const bar of old) {
    const ended = bar.toMs !== null && bar.toMs < tail.fromMs;
    const at = ended ? -1 : fresh.findIndex((other) => isSameBar(bar, other) && other.fromMs <= tail.fromMs + 1);
    if (at >= 0) fresh[at] = { ...fresh[at]!, fromMs: Math.min(bar.fromMs, fresh[at]!.fromMs) };
    else if (bar.fromMs < tail.fromMs) kept.push(ended ? bar : { ...bar, toMs: tail.fromMs });
  }
  return [...kept, ...fresh];
}

function isSameBar(a: TermBar, b: TermBar): boolean {
  return a.agent === b.agent && a.term === b.term && a.role === b.role;
}
