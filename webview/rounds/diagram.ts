/** The diagram's moving part: which stretch of time is in sight, what is fetched for it, and when it is drawn. */
import type {
  EventKind,
  MessageType,
  TimelineEvent,
  TimelineQuery,
  TimelineWindow,
} from "../../server/contract/timeline.ts";
import { prefersReducedMotion, type Theme } from "../theme.ts";
import { AXIS_PX, draw, eventById, type Picture } from "./draw.ts";
import { type Hit, hit } from "./hit.ts";
import { type Lane, lanesHeight } from "./lanes.ts";
import { OVERVIEW_PX, Overview } from "./overview.ts";
import { firstAt, momentOf, type PlacedWindow } from "./placed.ts";
import { TimelineSource } from "./source.ts";
import { msAt, pan, spanMs, type TimeSpan, zoom } from "./time-axis.ts";

/** What the diagram shows, given by the view. */
export interface Frame {
  readonly swarm: string;
  readonly lanes: readonly Lane[];
  readonly hidden: readonly (EventKind | MessageType)[];
  readonly theme: Theme;
  readonly selected: string;
  readonly path: readonly TimelineEvent[];
}

export interface DiagramHooks {
  readonly ask: (query: TimelineQuery) => Promise<TimelineWindow>;
  /** What is in sight, or what is known of it, has changed. At most a few times a second. */
  readonly changed: () => void;
  readonly failed: (message: string) => void;
}

/** Free time right of the newest event while following, as a share of the span. */
const AHEAD = 0.04;
const FOLLOW_FRAME_MS = 30;
const TELL_EVERY_MS = 250;
/** Without news for this long nothing moves, ms. */
const QUIET_MS = 3000;
/** Taken for the width while the table is shown instead. */
const UNSEEN_PX = 1000;

export class Diagram {
  readonly #canvas: HTMLCanvasElement;
  readonly #strip: HTMLCanvasElement;
  readonly #hooks: DiagramHooks;
  readonly #source: TimelineSource;
  readonly #overview: Overview;
  #frame: Frame | null = null;
  #laneOf: ReadonlyMap<string, Lane> = new Map();
  #span: TimeSpan = { fromMs: 0, toMs: 10_000 };
  #following = true;
  #scrollY = 0;
  #hover: Hit = { kind: "none" };
  #firstMs = Number.NaN;
  #lastMs = Number.NaN;
  #stored = 0;
  #grewAt = Number.NEGATIVE_INFINITY;
  #probing = "";
  #scheduled = 0;
  /** What is drawn is not what is. */
  #stale = true;
  #drawnAt = 0;
  #toldAt = 0;
  #tellTimer = 0;
  #drawMs = 0;

  constructor(canvas: HTMLCanvasElement, strip: HTMLCanvasElement, spanMsWanted: number, hooks: DiagramHooks) {
    this.#canvas = canvas;
    this.#strip = strip;
    this.#hooks = hooks;
    this.#span = { fromMs: 0, toMs: spanMsWanted };
    this.#source = new TimelineSource(hooks.ask, () => this.#news(), hooks.failed);
    this.#overview = new Overview(hooks.ask, () => this.invalidate());
  }

  get span(): TimeSpan {
    return this.#span;
  }

  get following(): boolean {
    return this.#following;
  }

  get window(): PlacedWindow | null {
    return this.#source.window;
  }

  get loading(): boolean {
    return this.#source.busy;
  }

  get stored(): number {
    return this.#stored;
  }

  /** How long the last drawing took, ms. */
  get drawMs(): number {
    return this.#drawMs;
  }

  get widthPx(): number {
    return this.#canvas.clientWidth || UNSEEN_PX;
  }

  /** The whole timeline; a second of it at least. */
  get extent(): TimeSpan {
    const fromMs = Number.isFinite(this.#firstMs) ? this.#firstMs : 0;
    return { fromMs, toMs: Math.max(fromMs + 1000, Number.isFinite(this.#lastMs) ? this.#lastMs : 0) };
  }

  uses(canvas: HTMLCanvasElement, strip: HTMLCanvasElement): boolean {
    return this.#canvas === canvas && this.#strip === strip;
  }

  /** Goes on where another diagram was: the page has been rearranged and its canvases are new. */
  takeOver(other: Diagram): void {
    this.#span = other.#span;
    this.#following = other.#following;
    this.#frame = other.#frame;
    this.#firstMs = other.#firstMs;
    this.#lastMs = other.#lastMs;
    this.#stored = other.#stored;
    this.#grewAt = other.#grewAt;
    this.#probing = other.#probing;
  }

  /** The event before or after another on the lanes that are shown; from none, the first in sight. */
  neighbour(id: string, by: number): string | undefined {
    const shown = this.window;
    if (shown === null || !shown.complete) return undefined;
    const from = shown.indexById.get(id);
    let i = from === undefined ? firstAt(shown, this.#span.fromMs) : from + by;
    for (; i >= 0 && i < shown.events.length; i += by) {
      const event = shown.events[i]!;
      if (this.#laneOf.has(event.agent)) return event.id;
    }
    return undefined;
  }

  set frame(frame: Frame) {
    if (frame.swarm !== this.#frame?.swarm) void this.#begin(frame.swarm);
    this.#frame = frame;
    this.#laneOf = new Map(frame.lanes.map((lane) => [lane.agent, lane]));
    this.invalidate();
  }

  set scrollY(scrollY: number) {
    this.#scrollY = scrollY;
    this.invalidate();
  }

  /** Learns where the timeline begins and ends, then shows its newest part. */
  async #begin(swarm: string): Promise<void> {
    this.#probing = swarm;
    this.#source.reset();
    this.#overview.reset();
    this.#firstMs = Number.NaN;
    this.#lastMs = Number.NaN;
    this.#stored = 0;
    this.#following = true;
    try {
      const extent = await this.#hooks.ask({ swarm, fromMs: 0, toMs: 1, maxEvents: 1, buckets: 1 });
      if (this.#probing !== swarm || extent.stored === 0) return;
      this.#firstMs = extent.firstMs;
      this.grew(extent.stored, extent.lastMs);
      this.#settle();
    } catch (error) {
      this.#hooks.failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Learns what happened while the page was hidden and nobody told it. */
  async catchUp(): Promise<void> {
    const swarm = this.#frame?.swarm;
    if (swarm === undefined) return;
    try {
      const extent = await this.#hooks.ask({ swarm, fromMs: 0, toMs: 1, maxEvents: 1, buckets: 1 });
      if (swarm === this.#frame?.swarm && extent.stored > this.#stored) this.grew(extent.stored, extent.lastMs);
    } catch (error) {
      this.#hooks.failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** The timeline has grown. */
  grew(stored: number, lastMs: number): void {
    if (!Number.isFinite(this.#firstMs)) this.#firstMs = lastMs;
    this.#stored = stored;
    this.#lastMs = Number.isFinite(this.#lastMs) ? Math.max(this.#lastMs, lastMs) : lastMs;
    this.#grewAt = performance.now();
    this.#source.grew(stored, lastMs);
    this.invalidate();
  }

  follow(following: boolean): void {
    this.#following = following;
    if (following) this.#settle();
    this.#tell(true);
    this.invalidate();
  }

  /** Shows another stretch of time; following ends. */
  show(span: TimeSpan): void {
    const wasFollowing = this.#following;
    this.#following = false;
    this.#span = span;
    this.#tell(wasFollowing);
    this.invalidate();
  }

  panPx(px: number): void {
    this.show(pan(this.#span, (px / Math.max(1, this.widthPx)) * spanMs(this.#span)));
  }

  /** Zooms around a place on the canvas; while following, around the newest moment, and goes on following. */
  zoomAt(factor: number, x: number): void {
    if (this.#following) {
      this.#span = zoom(this.#span, factor, this.#span.toMs);
      this.#settle();
    } else this.#span = zoom(this.#span, factor, msAt(this.#span, Math.max(1, this.widthPx), x));
    this.#tell(false);
    this.invalidate();
  }

  showAll(): void {
    const { fromMs, toMs } = this.extent;
    const margin = (toMs - fromMs) * 0.02;
    this.show({ fromMs: fromMs - margin, toMs: toMs + margin });
  }

  /** Brings a moment to the middle, close enough that single events can be told apart. */
  centre(event: TimelineEvent): void {
    const ms = momentOf(this.window, event);
    const { fromMs, toMs } = this.#span;
    const inside = ms > fromMs + spanMs(this.#span) * 0.08 && ms < toMs - spanMs(this.#span) * 0.08;
    if (inside && this.window?.complete === true) {
      this.#following = false;
      this.#tell(true);
      return;
    }
    const span = this.window?.complete === false ? Math.min(spanMs(this.#span), 2000) : spanMs(this.#span);
    this.show({ fromMs: ms - span / 2, toMs: ms + span / 2 });
  }

  thingAt(x: number, y: number): Hit {
    const picture = this.#picture();
    return picture === null ? { kind: "none" } : hit(picture, x, y);
  }

  set hover(found: Hit) {
    this.#hover = found;
    this.invalidate();
  }

  eventById(id: string): TimelineEvent | undefined {
    return eventById(this.window, id);
  }

  /** Draws in the next frame. */
  invalidate(): void {
    this.#stale = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled === 0) this.#scheduled = requestAnimationFrame((now) => this.#onFrame(now));
  }

  destroy(): void {
    cancelAnimationFrame(this.#scheduled);
    window.clearTimeout(this.#tellTimer);
    this.#scheduled = -1;
  }

  #onFrame(now: number): void {
    this.#scheduled = 0;
    const moving = this.#following && now - this.#grewAt < QUIET_MS;
    if (moving && now - this.#drawnAt < FOLLOW_FRAME_MS && this.#drawnAt !== 0) {
      this.#schedule();
      return;
    }
    this.#drawnAt = now;
    if (this.#following && this.#advance(now)) this.#stale = true;
    this.#want();
    if (this.#stale) this.#draw();
    this.#stale = false;
    if (moving) {
      this.#tell(false);
      this.#schedule();
    }
  }

  /** Moves the newest moment smoothly towards the right edge, or, where motion is not wanted, now and then. @returns whether it moved */
  #advance(now: number): boolean {
    if (!Number.isFinite(this.#lastMs)) return false;
    const live = this.#lastMs + Math.min(1000, Math.max(0, now - this.#grewAt));
    const target = live + spanMs(this.#span) * AHEAD;
    const behind = target - this.#span.toMs;
    const still = prefersReducedMotion();
    if (still && Math.abs(behind) < Math.max(1000, spanMs(this.#span) * 0.1)) return false;
    const step = still || Math.abs(behind) > spanMs(this.#span) / 2 ? behind : behind * 0.25;
    this.#span = pan(this.#span, step);
    return true;
  }

  #settle(): void {
    if (!Number.isFinite(this.#lastMs)) return;
    const toMs = this.#lastMs + spanMs(this.#span) * AHEAD;
    this.#span = { fromMs: toMs - spanMs(this.#span), toMs };
  }

  #want(): void {
    const frame = this.#frame;
    if (frame === null || this.#stored === 0 || this.widthPx === 0) return;
    this.#source.want({
      swarm: frame.swarm,
      span: this.#span,
      widthPx: this.widthPx,
      lanes: this.#lanesToAsk(frame.lanes),
      hidden: frame.hidden,
      following: this.#following,
    });
    void this.#overview.refresh(frame.swarm, this.extent, this.#stored, this.#strip.clientWidth);
  }

  /** All shown lanes; of very many those in sight and around, in steps, so that scrolling seldom asks anew. */
  #lanesToAsk(lanes: readonly Lane[]): readonly string[] {
    if (lanes.length <= 64) return lanes.map((lane) => lane.agent);
    const height = this.#canvas.clientHeight;
    const step = Math.max(1, height);
    const top = Math.floor(this.#scrollY / step) * step - step;
    return lanes.filter((lane) => lane.top > top && lane.top < top + 4 * step).map((lane) => lane.agent);
  }

  #picture(): Picture | null {
    const frame = this.#frame;
    if (frame === null) return null;
    const hovered = this.#hover;
    return {
      widthPx: this.#canvas.clientWidth,
      heightPx: this.#canvas.clientHeight,
      theme: frame.theme,
      span: this.#span,
      lanes: frame.lanes,
      laneOf: this.#laneOf,
      scrollY: Math.max(0, Math.min(this.#scrollY, lanesHeight(frame.lanes) + AXIS_PX - this.#canvas.clientHeight)),
      window: this.#source.window,
      selected: frame.selected,
      path: frame.path,
      hoveredEvent: hovered.kind === "event" ? hovered.event.id : "",
      hoveredMessage: hovered.kind === "arrow" ? hovered.arrow.message.id : "",
      lastMs: this.#lastMs,
    };
  }

  #draw(): void {
    const picture = this.#picture();
    if (picture === null || picture.widthPx === 0) return;
    const startedAt = performance.now();
    const ctx = sized(this.#canvas, picture.widthPx, picture.heightPx);
    if (ctx !== null) draw(ctx, picture);
    const stripPx = this.#strip.clientWidth;
    const strip = stripPx === 0 ? null : sized(this.#strip, stripPx, OVERVIEW_PX);
    if (strip !== null) this.#overview.draw(strip, stripPx, this.extent, this.#span, picture.theme);
    this.#drawMs = performance.now() - startedAt;
  }

  #news(): void {
    const window = this.#source.window;
    if (window !== null && window.stored > 0) {
      this.#firstMs = window.firstMs;
      this.#lastMs = Math.max(Number.isFinite(this.#lastMs) ? this.#lastMs : window.lastMs, window.lastMs);
      this.#stored = Math.max(this.#stored, window.stored);
    }
    this.#tell(false);
    this.invalidate();
  }

  /** Tells the view, but not in every frame. */
  #tell(atOnce: boolean): void {
    const now = performance.now();
    if (atOnce || now - this.#toldAt > TELL_EVERY_MS) {
      this.#toldAt = now;
      this.#hooks.changed();
    } else if (this.#tellTimer === 0) {
      this.#tellTimer = window.setTimeout(() => {
        this.#tellTimer = 0;
        this.#tell(true);
      }, TELL_EVERY_MS);
    }
  }
}

/** Fits a canvas' pixels to its place on the page. */
function sized(canvas: HTMLCanvasElement, widthPx: number, heightPx: number): CanvasRenderingContext2D | null {
  const width = Math.round(widthPx * devicePixelRatio);
  const height = Math.round(heightPx * devicePixelRatio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return canvas.getContext("2d", { alpha: false });
}
