/** The whole timeline in one strip: how much happened when, who led, what was broken; and the part in sight. */
import { leads } from "../../server/contract/consensus.ts";
import type { TimelineQuery, TimelineWindow } from "../../server/contract/timeline.ts";
import { drawGlyph, type Glyph } from "../glyphs.ts";
import type { Theme } from "../theme.ts";
import { markOf } from "./marks.ts";
import { type TimeSpan, xOf } from "./time-axis.ts";

export const OVERVIEW_PX = 46;
const LEADER_PX = 10;
const COLUMN_PX = 3;
/** Marks of one look are drawn no closer. */
const APART_PX = 6;
const REFRESH_EVERY_MS = 2000;

export class Overview {
  readonly #ask: (query: TimelineQuery) => Promise<TimelineWindow>;
  readonly #changed: () => void;
  #answer: TimelineWindow | null = null;
  #columns = 1;
  #busy = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #askedWidth = 0;
  #askedFromMs = Number.NaN;

  constructor(ask: (query: TimelineQuery) => Promise<TimelineWindow>, changed: () => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  reset(): void {
    this.#answer = null;
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  /** Asks anew when the timeline has grown, at most every two seconds; at once when it turns out to begin elsewhere, or the strip has another width. */
  async refresh(swarm: string, extent: TimeSpan, stored: number, widthPx: number): Promise<void> {
    const same = this.#askedWidth === widthPx && this.#askedFromMs === extent.fromMs;
    const current = same && this.#answer?.stored === stored;
    const early = same && performance.now() - this.#askedAt < REFRESH_EVERY_MS;
    if (this.#busy || current || early || widthPx < 20) return;
    this.#busy = true;
    this.#askedAt = performance.now();
    this.#askedWidth = widthPx;
    this.#askedFromMs = extent.fromMs;
    this.#columns = Math.max(10, Math.floor(widthPx / COLUMN_PX));
    try {
      this.#answer = await this.#ask({
        swarm,
        fromMs: extent.fromMs,
        toMs: extent.toMs + 1,
        maxEvents: 1,
        buckets: this.#columns,
      });
      this.#changed();
    } catch {
      // The diagram's own request tells the person what is wrong; the strip keeps what it had.
    } finally {
      this.#busy = false;
    }
  }

  draw(ctx: CanvasRenderingContext2D, widthPx: number, extent: TimeSpan, span: TimeSpan, theme: Theme): void {
    const ratio = ctx.canvas.width / Math.max(1, widthPx);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = theme.background;
    ctx.fillRect(0, 0, widthPx, OVERVIEW_PX);
    if (this.#answer !== null) this.#drawAnswer(ctx, widthPx, extent, theme, this.#answer);
    drawFrame(ctx, widthPx, extent, span, theme);
  }

  #drawAnswer(
    ctx: CanvasRenderingContext2D,
    width: number,
    extent: TimeSpan,
    theme: Theme,
    answer: TimelineWindow,
  ): void {
    const counts = new Float64Array(this.#columns);
    for (const bucket of answer.buckets) if (bucket.column < counts.length) counts[bucket.column]! += bucket.count;
    const columnMs = (answer.toMs - answer.fromMs) / this.#columns;
    for (const event of answer.events) counts[Math.floor((event.hlc.wallMs - answer.fromMs) / columnMs)]! += 1;
    const most = counts.reduce((max, count) => Math.max(max, count), 1);
    const columnPx = (columnMs / (extent.toMs - extent.fromMs)) * width;
    const room = OVERVIEW_PX - LEADER_PX - 6;
    ctx.fillStyle = theme.muted;
    ctx.globalAlpha = 0.6;
    counts.forEach((count, i) => {
      if (count === 0) return;
      const height = Math.max(1, (room * Math.log1p(count)) / Math.log1p(most));
      const x = xOf(extent, width, answer.fromMs + i * columnMs);
      ctx.fillRect(x, 3 + room - height, Math.max(1, columnPx - 0.5), height);
    });
    ctx.globalAlpha = 1;
    drawLeaders(ctx, width, extent, theme, answer);
    const drawnAt = new Map<Glyph, number>();
    for (const event of answer.landmarks) {
      const mark = markOf(event);
      const x = xOf(extent, width, event.hlc.wallMs);
      if (mark === undefined || mark.rank < 9) continue;
      // What every agent tells is one thing from afar.
      if (Math.abs(x - (drawnAt.get(mark.glyph) ?? Number.NEGATIVE_INFINITY)) < APART_PX) continue;
      drawnAt.set(mark.glyph, x);
      drawGlyph(ctx, mark.glyph, x, event.kind.startsWith("fault") ? 9 : OVERVIEW_PX - LEADER_PX / 2 - 1, 5.5, theme);
    }
  }
}

/** Who led when: a bar a leadership, with the leader's name where there is room. */
function drawLeaders(
  ctx: CanvasRenderingContext2D,
  width: number,
  extent: TimeSpan,
  theme: Theme,
  answer: TimelineWindow,
): void {
  ctx.font = `600 9px ${theme.fontFamily}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const top = OVERVIEW_PX - LEADER_PX - 1;
  for (const bar of answer.terms) {
    if (!leads(bar.role)) continue;
    const left = xOf(extent, width, bar.fromMs);
    const right = xOf(extent, width, bar.toMs ?? extent.toMs);
    ctx.fillStyle = theme.yellow;
    ctx.fillRect(left, top, Math.max(1, right - left - 1), LEADER_PX);
    ctx.fillStyle = theme.background;
    if (ctx.measureText(bar.agent).width + 18 < right - left)
      ctx.fillText(bar.agent, left + 10, top + LEADER_PX / 2 + 0.5);
  }
}

function drawFrame(ctx: CanvasRenderingContext2D, width: number, extent: TimeSpan, span: TimeSpan, theme: Theme): void {
  const left = Math.max(0, xOf(extent, width, span.fromMs));
  const right = Math.min(width, Math.max(left + 3, xOf(extent, width, span.toMs)));
  ctx.fillStyle = theme.background;
  ctx.globalAlpha = 0.55;
  ctx.fillRect(0, 0, left, OVERVIEW_PX);
  ctx.fillRect(right, 0, width - right, OVERVIEW_PX);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = theme.focus;
  ctx.lineWidth = 1.5;
  ctx.strokeRect(left + 0.75, 0.75, Math.max(2, right - left - 1.5), OVERVIEW_PX - 1.5);
}
