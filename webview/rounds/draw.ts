/** Draws the space-time diagram: time to the right, a lane an agent, an arrow a message, a bar a term where there are terms. */
import { CONSENSUS, follows, kindOfRole, leads, roleTitle, termTitle } from "../../server/contract/consensus.ts";
import type { TermBar, TimelineEvent } from "../../server/contract/timeline.ts";
import { drawGlyph } from "../glyphs.ts";
import { isHighContrast, type Theme } from "../theme.ts";
import { drawArrows, drawPath } from "./draw-arrows.ts";
import { drawDensity } from "./draw-density.ts";
import type { Lane } from "./lanes.ts";
import { markOf } from "./marks.ts";
import { firstAt, momentOf, type PlacedWindow } from "./placed.ts";
import { type TimeSpan, tickLabel, ticks, xOf } from "./time-axis.ts";

export const AXIS_PX = 24;
export const MARK_PX = 6.5;
const FOLDED_MARK_PX = 4;

/** All that a drawing depends on. */
export interface Picture {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly theme: Theme;
  readonly span: TimeSpan;
  readonly lanes: readonly Lane[];
  readonly laneOf: ReadonlyMap<string, Lane>;
  /** How far the lanes are scrolled down, CSS pixels. */
  readonly scrollY: number;
  readonly window: PlacedWindow | null;
  readonly selected: string;
  /** The chosen event's causes, itself and its effects, in the order of causes. */
  readonly path: readonly TimelineEvent[];
  readonly hoveredEvent: string;
  readonly hoveredMessage: string;
  /** The newest moment there is; nothing has happened to the right of it. */
  readonly lastMs: number;
}

export function draw(ctx: CanvasRenderingContext2D, picture: Picture): void {
  const { widthPx, heightPx, theme } = picture;
  const ratio = ctx.canvas.width / Math.max(1, widthPx);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  ctx.fillStyle = theme.background;
  ctx.fillRect(0, 0, widthPx, heightPx);
  drawAxis(ctx, picture);
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, AXIS_PX, widthPx, heightPx - AXIS_PX);
  ctx.clip();
  ctx.translate(0, AXIS_PX - picture.scrollY);
  drawLaneLines(ctx, picture);
  if (picture.window !== null) drawWindow(ctx, picture, picture.window);
  ctx.restore();
  drawFuture(ctx, picture);
}

function drawWindow(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  drawBars(ctx, picture, window);
  drawFaultLines(ctx, picture, window);
  if (window.complete) drawArrows(ctx, picture, window);
  else drawDensity(ctx, picture, window);
  drawBarLabels(ctx, picture, window);
  drawPath(ctx, picture, window);
  drawMarks(ctx, picture, window);
}

function drawAxis(ctx: CanvasRenderingContext2D, picture: Picture): void {
  const { theme, span, widthPx, heightPx } = picture;
  const { stepMs, atMs } = ticks(span, widthPx, stepMs100(span, widthPx));
  ctx.font = `${Math.max(10, theme.fontSize - 2)}px ${theme.fontFamily}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.strokeStyle = theme.grid;
  ctx.fillStyle = theme.muted;
  ctx.lineWidth = 1;
  ctx.globalAlpha = isHighContrast(theme) ? 0.28 : 0.55;
  ctx.beginPath();
  for (const ms of atMs) {
    const x = Math.round(xOf(span, widthPx, ms)) + 0.5;
    ctx.moveTo(x, AXIS_PX - 6);
    ctx.lineTo(x, heightPx);
  }
  ctx.moveTo(0, AXIS_PX + 0.5);
  ctx.lineTo(widthPx, AXIS_PX + 0.5);
  ctx.stroke();
  ctx.globalAlpha = 1;
  for (const ms of atMs) {
    const label = tickLabel(ms, stepMs);
    const x = xOf(span, widthPx, ms);
    const half = ctx.measureText(label).width / 2;
    if (x - half >= 2 && x + half <= widthPx - 2) ctx.fillText(label, x - half, AXIS_PX / 2 - 1);
  }
}

/** Labels get longer as the step gets finer. */
function stepMs100(span: TimeSpan, widthPx: number): number {
  return (span.toMs - span.fromMs) / Math.max(1, widthPx) < 0.01 ? 120 : 100;
}

function drawLaneLines(ctx: CanvasRenderingContext2D, picture: Picture): void {
  const { theme, widthPx, lanes } = picture;
  ctx.lineWidth = 1;
  ctx.strokeStyle = theme.grid;
  ctx.globalAlpha = isHighContrast(theme) ? 0.35 : 0.5;
  ctx.beginPath();
  for (const lane of visibleLanes(picture, lanes)) {
    ctx.moveTo(0, lane.top + lane.height - 0.5);
    ctx.lineTo(widthPx, lane.top + lane.height - 0.5);
  }
  ctx.stroke();
  ctx.globalAlpha = 0.6;
  ctx.strokeStyle = theme.muted;
  ctx.setLineDash([1, 4]);
  ctx.beginPath();
  for (const lane of visibleLanes(picture, lanes)) {
    ctx.moveTo(0, lane.lineY + 0.5);
    ctx.lineTo(widthPx, lane.lineY + 0.5);
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

export function visibleLanes(picture: Picture, lanes: readonly Lane[]): readonly Lane[] {
  const bottom = picture.scrollY + picture.heightPx;
  return lanes.filter((lane) => lane.top + lane.height >= picture.scrollY && lane.top <= bottom);
}

interface PlacedBar {
  readonly bar: TermBar;
  readonly lane: Lane;
  readonly x: number;
  readonly width: number;
}

function* barsInSight(picture: Picture, window: PlacedWindow): Iterable<PlacedBar> {
  const { span, widthPx, laneOf } = picture;
  for (const bar of window.terms) {
    const lane = laneOf.get(bar.agent);
    if (lane === undefined || !isVisible(picture, lane)) continue;
    const x = Math.max(-2, xOf(span, widthPx, bar.fromMs));
    const right = Math.min(widthPx + 2, xOf(span, widthPx, bar.toMs ?? picture.lastMs));
    if (right >= 0 && x <= widthPx) yield { bar, lane, x, width: Math.max(1.5, right - x) };
  }
}

/** A bar a term (or view) and role: the leader's solid, a candidate's (or a view change's) hatched, a follower's an outline. Where it lives, its line is solid. */
function drawBars(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  const { theme } = picture;
  for (const placed of barsInSight(picture, window)) {
    const { bar, lane, x, width } = placed;
    ctx.strokeStyle = theme.muted;
    ctx.lineWidth = leads(bar.role) ? 2 : 1;
    ctx.beginPath();
    ctx.moveTo(x, lane.lineY + 0.5);
    ctx.lineTo(x + width, lane.lineY + 0.5);
    ctx.stroke();
    if (hasTerms(bar)) drawBar(ctx, theme, placed);
  }
}

function hasTerms({ role }: TermBar): boolean {
  return CONSENSUS[kindOfRole(role)].term !== "";
}

function barInk(theme: Theme, role: TermBar["role"]): string {
  if (leads(role)) return theme.yellow;
  return follows(role) ? theme.muted : theme.purple;
}

function drawBar(ctx: CanvasRenderingContext2D, theme: Theme, { bar, lane, x, width }: PlacedBar): void {
  const { barTop: y, barHeight: height } = lane;
  const gap = width > 4 ? 1 : 0;
  ctx.fillStyle = barInk(theme, bar.role);
  ctx.strokeStyle = ctx.fillStyle;
  ctx.lineWidth = 1;
  if (leads(bar.role)) {
    ctx.fillRect(x + gap / 2, y, width - gap, height);
  } else if (!follows(bar.role)) {
    hatch(ctx, x, y, width - gap, height);
  } else {
    ctx.globalAlpha = bar.term % 2 === 0 ? 0.28 : 0.14;
    ctx.fillRect(x + gap / 2, y, width - gap, height);
    ctx.globalAlpha = 0.75;
    if (width > 6 && height > 6) ctx.strokeRect(x + 0.5, Math.round(y) + 0.5, width - 1.5, height - 1);
    ctx.globalAlpha = 1;
  }
}

/** Over the arrows, which would strike the words through. */
function drawBarLabels(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  const { theme } = picture;
  ctx.font = `600 ${Math.max(9, theme.fontSize - 3)}px ${theme.fontFamily}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.lineJoin = "round";
  ctx.lineWidth = 4;
  for (const { bar, lane, x, width } of barsInSight(picture, window)) {
    if (lane.folded || !hasTerms(bar)) continue;
    const at = Math.max(2, x) + 7;
    const room = x + width - at - 4;
    const term = termTitle(bar.role, bar.term);
    const label = [`${roleTitle(bar.role)} · ${term}`, term, String(bar.term)].find(
      (text) => ctx.measureText(text).width <= room,
    );
    if (label === undefined) continue;
    const y = lane.barTop + lane.barHeight / 2 + 0.5;
    ctx.strokeStyle = leads(bar.role) ? theme.yellow : theme.background;
    ctx.strokeText(label, at, y);
    ctx.fillStyle = leads(bar.role) ? theme.background : theme.foreground;
    ctx.fillText(label, at, y);
  }
}

function hatch(ctx: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
  ctx.beginPath();
  for (let at = x - height; at < x + width; at += 5) {
    ctx.moveTo(at, y + height);
    ctx.lineTo(at + height, y);
  }
  ctx.lineWidth = 1.6;
  ctx.stroke();
  ctx.restore();
  if (width > 3) ctx.strokeRect(x + 0.5, Math.round(y) + 0.5, width - 1, height - 1);
}

/** What was done to the mesh concerns every lane: a line through all of them. */
function drawFaultLines(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  const { theme, span, widthPx, lanes, laneOf } = picture;
  const bottom = lanes.at(-1);
  if (bottom === undefined) return;
  for (const event of window.landmarks) {
    if (event.kind !== "faultInjected" && event.kind !== "faultHealed") continue;
    const x = Math.round(xOf(span, widthPx, momentOf(window, event))) + 0.5;
    if (x < -20 || x > widthPx + 20) continue;
    const injected = event.kind === "faultInjected";
    ctx.strokeStyle = injected ? theme.red : theme.green;
    ctx.lineWidth = 1;
    ctx.setLineDash(injected ? [6, 3] : [2, 3]);
    ctx.beginPath();
    ctx.moveTo(x, picture.scrollY);
    ctx.lineTo(x, bottom.top + bottom.height);
    ctx.stroke();
    ctx.setLineDash([]);
    const mark = markOf(event);
    if (mark !== undefined && !laneOf.has(event.agent)) drawGlyph(ctx, mark.glyph, x, picture.scrollY + 9, 7, theme);
  }
}

/** The marks on the lanes; where they crowd only the weightiest is drawn. */
function drawMarks(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  const { theme, span, widthPx, laneOf } = picture;
  const taken = new Map<string, Uint8Array>();
  for (const { event, x, lane } of marksInSight(picture, window, span, widthPx)) {
    const mark = markOf(event);
    if (mark === undefined) continue;
    const size = lane.folded ? FOLDED_MARK_PX : MARK_PX;
    const chosen = event.id === picture.selected || event.id === picture.hoveredEvent;
    const { aside = 0, across } = mark;
    if (!chosen && !takePlace(taken, `${lane.agent} ${aside}`, x, size * (aside === 0 ? 0.9 : 0.4), widthPx)) continue;
    if (across !== undefined) drawAcross(ctx, theme[across], lane, x);
    drawGlyph(ctx, mark.glyph, x, lane.lineY + aside * size, size * (mark.rank >= 10 ? 1.35 : 1), theme);
  }
  for (const [id, width] of [
    [picture.hoveredEvent, 1],
    [picture.selected, 2],
  ] as const) {
    const event = picture.path.find((other) => other.id === id) ?? eventById(window, id);
    const lane = event === undefined ? undefined : laneOf.get(event.agent);
    if (event === undefined || lane === undefined) continue;
    const y = lane.lineY + (markOf(event)?.aside ?? 0) * (lane.folded ? FOLDED_MARK_PX : MARK_PX);
    ctx.beginPath();
    ctx.arc(xOf(span, widthPx, momentOf(window, event)), y, 11, 0, 2 * Math.PI);
    ctx.strokeStyle = theme.focus;
    ctx.lineWidth = width;
    ctx.stroke();
  }
}

/** From the top of a lane to its bottom. */
function drawAcross(ctx: CanvasRenderingContext2D, ink: string, lane: Lane, x: number): void {
  ctx.strokeStyle = ink;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(x, lane.top + 1);
  ctx.lineTo(x, lane.top + lane.height - 2);
  ctx.stroke();
}

export function eventById(window: PlacedWindow | null, id: string): TimelineEvent | undefined {
  const index = window?.indexById.get(id);
  return index === undefined ? window?.landmarks.find((event) => event.id === id) : window?.events[index];
}

interface PlacedMark {
  readonly event: TimelineEvent;
  readonly x: number;
  readonly lane: Lane;
}

function marksInSight(picture: Picture, window: PlacedWindow, span: TimeSpan, widthPx: number): readonly PlacedMark[] {
  const found: PlacedMark[] = [];
  const add = (event: TimelineEvent, ms: number): void => {
    const lane = picture.laneOf.get(event.agent);
    if (lane === undefined || !isVisible(picture, lane) || markOf(event) === undefined) return;
    found.push({ event, x: xOf(span, widthPx, ms), lane });
  };
  if (window.complete) {
    const edgeMs = ((span.toMs - span.fromMs) / widthPx) * 12;
    for (let i = firstAt(window, span.fromMs - edgeMs); i < window.events.length; i++) {
      if (window.atMs[i]! > span.toMs + edgeMs) break;
      add(window.events[i]!, window.atMs[i]!);
    }
  } else for (const event of window.landmarks) add(event, event.hlc.wallMs);
  return found.sort((a, b) => (markOf(b.event)?.rank ?? 0) - (markOf(a.event)?.rank ?? 0));
}

function takePlace(taken: Map<string, Uint8Array>, line: string, x: number, reach: number, widthPx: number): boolean {
  let places = taken.get(line);
  if (places === undefined) {
    places = new Uint8Array(Math.ceil(widthPx) + 32);
    taken.set(line, places);
  }
  const from = Math.max(0, Math.round(x - reach));
  const to = Math.min(places.length, Math.round(x + reach));
  if (to <= from) return false; // out of sight
  for (let i = from; i < to; i++) if (places[i] === 1) return false;
  places.fill(1, from, to);
  return true;
}

function isVisible(picture: Picture, lane: Lane): boolean {
  return lane.top + lane.height >= picture.scrollY && lane.top <= picture.scrollY + picture.heightPx;
}

/** Right of the newest event nothing is known yet. */
function drawFuture(ctx: CanvasRenderingContext2D, picture: Picture): void {
  const { theme, span, widthPx, heightPx, lastMs } = picture;
  const x = xOf(span, widthPx, lastMs);
  if (!Number.isFinite(x) || x >= widthPx) return;
  const left = Math.max(0, x);
  ctx.fillStyle = theme.foreground;
  ctx.globalAlpha = 0.05;
  ctx.fillRect(left, AXIS_PX, widthPx - left, heightPx - AXIS_PX);
  ctx.globalAlpha = 0.7;
  ctx.strokeStyle = theme.foreground;
  ctx.lineWidth = 1;
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(left + 0.5, AXIS_PX);
  ctx.lineTo(left + 0.5, heightPx);
  ctx.stroke();
  ctx.globalAlpha = 1;
}
