/** The stretch of time in sight: where a moment is on the page, and how it is panned and zoomed. */

/** The shortest and longest stretch that can be in sight, ms. */
export const SPAN_MIN_MS = 1;
export const SPAN_MAX_MS = 48 * 3_600_000;

export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export function spanMs(span: TimeSpan): number {
  return span.toMs - span.fromMs;
}

/** Page x of a moment, CSS pixels from the axis' left end. */
export function xOf(span: TimeSpan, widthPx: number, ms: number): number {
  return ((ms - span.fromMs) / (span.toMs - span.fromMs)) * widthPx;
}

export function msAt(span: TimeSpan, widthPx: number, x: number): number {
  return span.fromMs + (x / widthPx) * (span.toMs - span.fromMs);
}

export function pan(span: TimeSpan, byMs: number): TimeSpan {
  return { fromMs: span.fromMs + byMs, toMs: span.toMs + byMs };
}

/** Zooms so that `anchorMs` stays where it is; factor below 1 shows less time. */
export function zoom(span: TimeSpan, factor: number, anchorMs: number): TimeSpan {
  const now = spanMs(span);
  const next = Math.max(SPAN_MIN_MS, Math.min(SPAN_MAX_MS, now * factor));
  const share = (anchorMs - span.fromMs) / now;
  const fromMs = anchorMs - share * next;
  return { fromMs, toMs: fromMs + next };
}

/** Round steps of time: 1, 2 and 5 of each power of ten below a second, then what clocks use. */
const STEPS_MS: readonly number[] = [
  ...[0.01, 0.1, 1, 10, 100].flatMap((power) => [power, 2 * power, 5 * power]),
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * 3_600_000),
];

export interface Ticks {
  readonly stepMs: number;
  readonly atMs: readonly number[];
}

/** Moments to label, at least `minPx` apart. */
export function ticks(span: TimeSpan, widthPx: number, minPx: number): Ticks {
  const wanted = (spanMs(span) * minPx) / Math.max(1, widthPx);
  const stepMs = STEPS_MS.find((step) => step >= wanted) ?? 24 * 3_600_000;
  const atMs: number[] = [];
  const first = Math.ceil(span.fromMs / stepMs);
  for (let i = first; i * stepMs < span.toMs; i++) atMs.push(i * stepMs);
  return { stepMs, atMs };
}

/** A tick's label: the clock, as fine as the step. */
export function tickLabel(ms: number, stepMs: number): string {
  const digits = stepMs >= 1000 ? 0 : stepMs >= 1 ? 3 : stepMs >= 0.1 ? 4 : 5;
  // Wall times are large numbers: a tick is a round number only up to their last bits.
  const unit = 10 ** (3 - digits);
  const rounded = Math.round(ms / unit) * unit + unit / 4;
  const date = new Date(Math.floor(rounded));
  const two = (n: number): string => String(n).padStart(2, "0");
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (digits === 0) return clock;
  const units = Math.floor((rounded - Math.floor(rounded / 1000) * 1000) / unit);
  return `${clock}.${String(units).padStart(digits, "0")}`;
}
