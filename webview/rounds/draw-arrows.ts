/** Messages: one path a type, so that a thousand arrows cost a dozen strokes. */
import type { MessageType } from "../../server/contract/timeline.ts";
import type { Theme } from "../theme.ts";
import type { Picture } from "./draw.ts";
import type { Lane } from "./lanes.ts";
import { addHead, isFilled, isRefusal, MESSAGE_ORDER, type MessageStyle, messageStyle, STALE_RUMOUR } from "./marks.ts";
import { type Arrow, momentOf, type PlacedWindow } from "./placed.ts";
import { xOf } from "./time-axis.ts";

/** So many arrows of one type in a window are a texture, not lines. */
const CROWDED_FROM = 500;

/** An arrow on the page, from its send to where it ends. */
export interface ArrowLine {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly cut: boolean;
}

/** Where an arrow runs; null when one of its lanes is hidden, or when it is out of sight. */
export function arrowLine(picture: Picture, arrow: Arrow): ArrowLine | null {
  const from = picture.laneOf.get(arrow.message.from);
  const to = picture.laneOf.get(arrow.message.to);
  if (from === undefined || to === undefined || from === to) return null;
  const { span, widthPx, scrollY, heightPx } = picture;
  const x1 = xOf(span, widthPx, arrow.fromMs);
  const arrives = arrow.toMs === null ? null : xOf(span, widthPx, arrow.toMs);
  if (x1 > widthPx || (arrives ?? x1 + 40) < 0) return null;
  const top = Math.min(from.lineY, to.lineY);
  const bottom = Math.max(from.lineY, to.lineY);
  if (bottom < scrollY || top > scrollY + heightPx) return null;
  const full = line(from, to, x1, arrives ?? x1 + Math.min(28, Math.abs(to.lineY - from.lineY) * 0.2));
  if (arrives !== null) return { ...full, cut: false };
  // It did not arrive as far as is known: it ends on the way, between its sender's lane and the next, not on the lane of an agent that has nothing to do with it.
  const share = Math.min(0.5, (0.5 * Math.min(from.height, to.height)) / Math.max(1, bottom - top));
  return {
    ...full,
    x2: full.x1 + (full.x2 - full.x1) * share,
    y2: full.y1 + (full.y2 - full.y1) * share,
    cut: arrow.fate === "lost",
  };
}

function line(from: Lane, to: Lane, x1: number, x2: number): Omit<ArrowLine, "cut"> {
  return { x1, y1: from.lineY, x2, y2: to.lineY };
}

export function drawArrows(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  const byType = new Map<MessageType, { readonly arrow: Arrow; readonly at: ArrowLine }[]>();
  for (const arrow of window.arrows) {
    const at = arrowLine(picture, arrow);
    if (at === null) continue;
    const list = byType.get(arrow.message.type);
    if (list === undefined) byType.set(arrow.message.type, [{ arrow, at }]);
    else list.push({ arrow, at });
  }
  // Votes last: they are few, and what people look for. Of rumours those that were news, over those that were not.
  for (const type of [...MESSAGE_ORDER].reverse()) {
    const list = byType.get(type);
    if (list === undefined) continue;
    const stale = list.filter(({ arrow }) => arrow.stale);
    if (stale.length > 0) drawType(ctx, picture.theme, STALE_RUMOUR, stale);
    drawType(
      ctx,
      picture.theme,
      messageStyle(type),
      stale.length === 0 ? list : list.filter(({ arrow }) => !arrow.stale),
    );
  }
}

function drawType(
  ctx: CanvasRenderingContext2D,
  theme: Theme,
  style: MessageStyle,
  list: readonly { readonly arrow: Arrow; readonly at: ArrowLine }[],
): void {
  const lines = new Path2D();
  const heads = new Path2D();
  const bars = new Path2D();
  const crosses = new Path2D();
  for (const { arrow, at } of list) {
    lines.moveTo(at.x1, at.y1);
    lines.lineTo(at.x2, at.y2);
    const length = Math.hypot(at.x2 - at.x1, at.y2 - at.y1);
    if (length < 1) continue;
    const ux = (at.x2 - at.x1) / length;
    const uy = (at.y2 - at.y1) / length;
    if (at.cut) addCross(crosses, at.x2, at.y2);
    else if (arrow.fate !== "received") continue;
    else if (isRefusal(arrow.message)) addBar(bars, at.x2 - ux * 4, at.y2 - uy * 4, ux, uy);
    else addHead(heads, style.head, at.x2, at.y2, ux, uy);
  }
  ctx.strokeStyle = theme[style.ink];
  // Crowded lines are drawn thinner and lighter, and whole: their dashes could not be told apart, and cost most of a frame.
  const crowded = list.length > CROWDED_FROM;
  ctx.lineWidth = crowded ? Math.min(1, style.width) : style.width;
  ctx.setLineDash(crowded ? [] : [...style.dash]);
  ctx.globalAlpha = crowded ? (style.dash.length > 0 ? 0.35 : 0.6) : 1;
  ctx.stroke(lines);
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1.2;
  if (style.head !== "chevron") {
    ctx.fillStyle = isFilled(style.head) ? theme[style.ink] : theme.background;
    ctx.fill(heads);
  }
  ctx.stroke(heads);
  ctx.lineWidth = 2.2;
  ctx.stroke(bars);
  ctx.strokeStyle = theme.red;
  ctx.lineWidth = 1.8;
  ctx.stroke(crosses);
}

function addCross(path: Path2D, x: number, y: number): void {
  path.moveTo(x - 4, y - 4);
  path.lineTo(x + 4, y + 4);
  path.moveTo(x + 4, y - 4);
  path.lineTo(x - 4, y + 4);
}

/** The flat end of a refusal, across its line. */
function addBar(path: Path2D, x: number, y: number, ux: number, uy: number): void {
  path.moveTo(x - uy * 5, y + ux * 5);
  path.lineTo(x + uy * 5, y - ux * 5);
}

/** The causal path of the chosen event: from each cause to its effect, over everything. */
export function drawPath(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  const { theme, span, widthPx, laneOf, path } = picture;
  const byId = new Map(path.map((event) => [event.id, event]));
  const lines = new Path2D();
  for (const event of path) {
    const cause = event.cause === undefined ? undefined : byId.get(event.cause);
    const from = cause === undefined ? undefined : laneOf.get(cause.agent);
    const to = laneOf.get(event.agent);
    if (cause === undefined || from === undefined || to === undefined) continue;
    lines.moveTo(xOf(span, widthPx, momentOf(window, cause)), from.lineY);
    lines.lineTo(xOf(span, widthPx, momentOf(window, event)), to.lineY);
  }
  ctx.lineCap = "round";
  ctx.strokeStyle = theme.background;
  ctx.lineWidth = 7;
  ctx.globalAlpha = 0.5;
  ctx.stroke(lines);
  ctx.globalAlpha = 0.95;
  ctx.strokeStyle = theme.focus;
  ctx.lineWidth = 3;
  ctx.stroke(lines);
  ctx.lineCap = "butt";
  ctx.globalAlpha = 1;
  if (picture.hoveredMessage === "") return;
  const arrow = window.arrows.find((other) => other.message.id === picture.hoveredMessage);
  const at = arrow === undefined ? null : arrowLine(picture, arrow);
  if (at === null) return;
  ctx.strokeStyle = theme.focus;
  ctx.lineWidth = 2.5;
  ctx.beginPath();
  ctx.moveTo(at.x1, at.y1);
  ctx.lineTo(at.x2, at.y2);
  ctx.stroke();
}
