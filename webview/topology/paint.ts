/** Paints a planned frame, or the parts of it that changed. */
import type { AgentView } from "../../server/contract/swarm.ts";
import type { Box } from "../elements/placement.ts";
import { agentGlyph, circle, drawGlyph, type Glyph } from "../glyphs.ts";
import type { Ink } from "../theme.ts";
import { troubleGlyph, troublesOf } from "../troubles.ts";
import { type DrawnLink, type Frame, linkBox, wider } from "./frame.ts";
import { paintLabel } from "./labels.ts";
import { drawLinkMark, markBox } from "./link-marks.ts";
import { drawBelow, groupRadiusPx, sceneLook } from "./scene.ts";
import type { Condition, GroupFigures } from "./shown.ts";

/** How much was painted. */
export interface Painted {
  readonly links: number;
  readonly agents: number;
}

/** @param parts only these parts of the canvas, CSS pixels; null: all of it, cleared before */
export function paint(ctx: CanvasRenderingContext2D, frame: Frame, parts: readonly Box[] | null): Painted {
  const { view } = frame;
  const ratio = ctx.canvas.width / Math.max(1, view.width);
  ctx.save();
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  const within = parts === null ? null : parts.map((part) => wholePixels(part, ratio));
  if (within !== null) {
    ctx.beginPath();
    for (const { x, y, width, height } of within) ctx.rect(x, y, width, height);
    ctx.clip();
    for (const { x, y, width, height } of within) ctx.clearRect(x, y, width, height);
  }
  const isIn = (box: Box): boolean => within === null || within.some((part) => overlap(part, box));
  ctx.save();
  const origin = view.toPage({ x: 0, y: 0 });
  ctx.translate(origin.x, origin.y);
  ctx.scale(view.scale, view.scale);
  drawBelow(ctx, frame.scene, view);
  ctx.restore();
  const links = drawLinks(ctx, frame, isIn);
  drawWays(ctx, frame, isIn);
  const agents = drawAgents(ctx, frame, isIn) + drawGroups(ctx, frame, isIn);
  drawCuts(ctx, frame, isIn);
  for (const mark of frame.marks) if (isIn(markBox(mark))) drawLinkMark(ctx, mark, frame.scene.theme);
  drawSelection(ctx, frame);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const label of frame.labels) if (isIn(wider(label.box, 3))) paintLabel(ctx, label, frame.scene.theme);
  ctx.restore();
  return { links, agents };
}

type IsIn = (box: Box) => boolean;

function wholePixels({ x, y, width, height }: Box, ratio: number): Box {
  const [left, top] = [Math.floor(x * ratio) / ratio, Math.floor(y * ratio) / ratio];
  const [right, bottom] = [Math.ceil((x + width) * ratio) / ratio, Math.ceil((y + height) * ratio) / ratio];
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function round(at: { readonly x: number; readonly y: number }, r: number): Box {
  return { x: at.x - r, y: at.y - r, width: 2 * r, height: 2 * r };
}

function drawLinks(ctx: CanvasRenderingContext2D, { links, scene }: Frame, isIn: IsIn): number {
  ctx.lineCap = "butt";
  let drawn = 0;
  // Told to the canvas only when it changes: most links look like the one before.
  let look = "";
  for (const { from, to, state, style, width } of links) {
    if (state === "cut" || !isIn(linkBox(from, to, width))) continue;
    const next = `${style.ink} ${style.opacity} ${width} ${style.dashes}`;
    if (next !== look) {
      look = next;
      ctx.strokeStyle = scene.theme[style.ink];
      ctx.globalAlpha = style.opacity;
      ctx.lineWidth = width;
      ctx.setLineDash(style.dashes === false ? [] : [...style.dashes]);
    }
    ctx.beginPath();
    ctx.moveTo(from.x, from.y);
    ctx.lineTo(to.x, to.y);
    ctx.stroke();
    drawn++;
  }
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  return drawn;
}

/** Cut links as two stumps. */
function drawCuts(ctx: CanvasRenderingContext2D, { links, radius, scene }: Frame, isIn: IsIn): void {
  ctx.strokeStyle = scene.theme.red;
  ctx.lineCap = "butt";
  ctx.setLineDash([]);
  // In a dense cut only the ends are drawn: the gap between the sides should be seen as one.
  const dense = links.length > 120;
  for (const { from, to, state, width } of links) {
    if (state === "cut" && isIn(linkBox(from, to, width))) drawCut(ctx, { from, to, width }, radius, dense);
  }
  ctx.globalAlpha = 1;
}

function drawCut(
  ctx: CanvasRenderingContext2D,
  { from, to, width }: Pick<DrawnLink, "from" | "to" | "width">,
  agentRadius: number,
  dense: boolean,
): void {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const radius = agentRadius * 1.35;
  if (length < 2 * radius + 10) return;
  const ux = (to.x - from.x) / length;
  const uy = (to.y - from.y) / length;
  const stump = Math.min(dense ? 14 : 24, agentRadius * 1.1, (length - 2 * radius) * 0.36);
  const bar = Math.min(5, agentRadius * 0.4);
  ctx.beginPath();
  for (const [end, sign] of [
    [from, 1],
    [to, -1],
  ] as const) {
    const x = end.x + sign * ux * (radius + stump);
    const y = end.y + sign * uy * (radius + stump);
    ctx.moveTo(end.x + sign * ux * radius, end.y + sign * uy * radius);
    ctx.lineTo(x, y);
    ctx.moveTo(x - uy * bar, y + ux * bar);
    ctx.lineTo(x + uy * bar, y - ux * bar);
  }
  ctx.lineWidth = Math.max(2, width);
  ctx.globalAlpha = dense ? 0.6 : 0.9;
  ctx.stroke();
}

/** The way that a rumour went, with an arrow in its middle. */
function drawWays(ctx: CanvasRenderingContext2D, { scene, points, radius }: Frame, isIn: IsIn): void {
  ctx.strokeStyle = scene.theme.purple;
  ctx.fillStyle = scene.theme.purple;
  const ways = scene.spread?.ways ?? [];
  const many = ways.length > 40;
  ctx.lineWidth = many ? 1.2 : 2.5;
  ctx.globalAlpha = many ? 0.7 : 1;
  for (const { from, to } of ways) {
    const [a, b] = [points.get(from), points.get(to)];
    if (a === undefined || b === undefined || !isIn(linkBox(a, b, 8))) continue;
    ctx.beginPath();
    ctx.moveTo(a.x, a.y);
    ctx.lineTo(b.x, b.y);
    ctx.stroke();
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    const size = Math.min(7, radius * 0.7);
    if (length < 4 * size + 2 * radius) continue;
    const [ux, uy] = [(b.x - a.x) / length, (b.y - a.y) / length];
    const tip = { x: (a.x + b.x) / 2 + ux * size, y: (a.y + b.y) / 2 + uy * size };
    ctx.beginPath();
    ctx.moveTo(tip.x, tip.y);
    ctx.lineTo(tip.x - 2 * size * ux - size * uy, tip.y - 2 * size * uy + size * ux);
    ctx.lineTo(tip.x - 2 * size * ux + size * uy, tip.y - 2 * size * uy - size * ux);
    ctx.closePath();
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}

/** Whoever is not like most is drawn so large at least, CSS pixels: a cross is a cross among a thousand dots. */
const MARKED_RADIUS_PX = 5.5;

function drawAgents(ctx: CanvasRenderingContext2D, frame: Frame, isIn: IsIn): number {
  const { scene, points, radius } = frame;
  const marked: (() => void)[] = [];
  const faults = scene.swarm?.faults ?? [];
  const dots: { readonly x: number; readonly y: number }[] = [];
  let drawn = 0;
  for (const agent of scene.shown.agents.values()) {
    const at = points.get(agent.id);
    if (at === undefined || !isIn(round(at, radius * 2 + 14))) continue;
    drawn++;
    const look = sceneLook(scene, agent);
    const isPlain = look.shape === "follower" && !look.suspected;
    const isDot = isPlain && radius <= DOT_RADIUS_PX && !scene.spread?.order.has(agent.id);
    if (isDot && troublesOf(agent, faults).length === 0) dots.push(at);
    else if (isPlain) drawAgent(ctx, frame, agent, at, radius);
    // Over the others, where they touch.
    else marked.push(() => drawAgent(ctx, frame, agent, at, Math.max(radius, MARKED_RADIUS_PX)));
  }
  drawDots(ctx, frame, dots);
  for (const draw of marked) draw();
  return drawn;
}

/** Up to this radius plain agents are dots: nothing more of them could be seen. */
const DOT_RADIUS_PX = 5;

function drawDots(
  ctx: CanvasRenderingContext2D,
  { scene, radius }: Frame,
  dots: readonly { readonly x: number; readonly y: number }[],
): void {
  ctx.fillStyle = scene.theme.blue;
  // As large as the disc of a follower.
  const r = radius * 0.82;
  for (const { x, y } of dots) {
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function drawAgent(
  ctx: CanvasRenderingContext2D,
  frame: Frame,
  agent: AgentView,
  at: { readonly x: number; readonly y: number },
  radius: number,
): void {
  const { scene } = frame;
  const order = scene.spread?.order.get(agent.id);
  if (radius > 5) {
    ctx.fillStyle = scene.theme.background;
    ctx.beginPath();
    ctx.arc(at.x, at.y, radius * (scene.islands.length > 1 ? 1 : 1.25), 0, 2 * Math.PI);
    ctx.fill();
  }
  if (order !== undefined) drawGlyph(ctx, HEARD_GLYPH, at.x, at.y, radius, scene.theme);
  drawGlyph(ctx, agentGlyph(sceneLook(scene, agent)), at.x, at.y, radius, scene.theme);
  // Legible down to where agents are dots.
  const troubleSize = frame.radius > 5 ? Math.max(6, radius * 0.48) : 2.5;
  troublesOf(agent, scene.swarm?.faults ?? []).forEach((trouble, i) => {
    const angle = -0.25 * Math.PI + i * 0.34 * Math.PI;
    const [x, y] = [at.x + radius * 1.15 * Math.cos(angle), at.y + radius * 1.15 * Math.sin(angle)];
    drawGlyph(ctx, troubleGlyph(trouble), x, y, troubleSize, scene.theme);
  });
  if (order !== undefined && frame.radius >= 8) drawOrder(ctx, frame, at, order);
}

/** Round an agent that has heard of what spreads. */
export const HEARD_GLYPH: Glyph = [{ d: circle(1.32), fill: "background", stroke: "purple", width: 0.26 }];

/** Which it was to hear of it, at its upper left. */
function drawOrder(
  ctx: CanvasRenderingContext2D,
  { scene, radius }: Frame,
  at: { readonly x: number; readonly y: number },
  order: number,
): void {
  const { theme } = scene;
  const text = String(order);
  const half = 8 + 3 * (text.length - 1);
  const [x, y] = [at.x - radius * 1.05 - half / 2, at.y - radius * 1.05];
  ctx.beginPath();
  ctx.roundRect(x - half, y - 8, 2 * half, 16, 8);
  ctx.fillStyle = theme.background;
  ctx.fill();
  ctx.strokeStyle = theme.purple;
  ctx.lineWidth = 1.5;
  ctx.stroke();
  ctx.font = `600 11px ${theme.fontFamily}`;
  ctx.fillStyle = theme.foreground;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, x, y + 0.5);
}

const RIM: Readonly<Record<Condition, Ink>> = { well: "blue", troubled: "orange", suspected: "orange", failed: "red" };

/** A closed group: two rims, the outer one dashed where somebody is suspected. Its count stands inside. */
export function groupGlyph(worst: Condition): Glyph {
  const ink = RIM[worst];
  const dash = worst === "suspected" ? { dash: [0.34, 0.2] } : {};
  return [
    { d: circle(1.08), fill: "background", stroke: ink, width: 0.14, ...dash },
    { d: circle(0.84), stroke: ink, width: 0.07 },
  ];
}

const FAILED_GLYPH = agentGlyph({ shape: "failed", suspected: false, votesShare: null });
const LEADER_GLYPH = agentGlyph({ shape: "leader", suspected: false, votesShare: null });

function drawGroups(ctx: CanvasRenderingContext2D, frame: Frame, isIn: IsIn): number {
  let drawn = 0;
  for (const figures of frame.scene.shown.groups.values()) {
    const at = frame.points.get(figures.group.id);
    const radius = groupRadiusPx(frame.view.scale, figures.group.agents.length);
    if (at === undefined || !isIn(round(at, radius * 1.6 + 10))) continue;
    drawGroup(ctx, frame, figures, at, radius);
    drawn++;
  }
  return drawn;
}

function drawGroup(
  ctx: CanvasRenderingContext2D,
  { scene }: Frame,
  { group, worst, leader }: GroupFigures,
  at: { readonly x: number; readonly y: number },
  radius: number,
): void {
  const { theme } = scene;
  drawGlyph(ctx, groupGlyph(worst), at.x, at.y, radius, theme);
  const heard = group.agents.filter((agent) => scene.spread?.order.has(agent)).length;
  if (heard > 0) {
    // As much of a rim as have heard of what spreads.
    ctx.beginPath();
    ctx.arc(at.x, at.y, radius * 1.3, -Math.PI / 2, -Math.PI / 2 + (2 * Math.PI * heard) / group.agents.length);
    ctx.strokeStyle = theme.purple;
    ctx.lineWidth = 3;
    ctx.stroke();
  }
  const badge = Math.max(5.5, radius * 0.34);
  // Clear of the number, however small the group is.
  const off = radius * 0.72 + badge * 0.55;
  const plate = (x: number): void => {
    ctx.beginPath();
    ctx.arc(x, at.y - off, badge * 1.25, 0, 2 * Math.PI);
    ctx.fillStyle = theme.background;
    ctx.fill();
  };
  if (worst === "failed") {
    plate(at.x + off);
    drawGlyph(ctx, FAILED_GLYPH, at.x + off, at.y - off, badge, theme);
  }
  if (leader !== "") {
    plate(at.x - off);
    drawGlyph(ctx, LEADER_GLYPH, at.x - off, at.y - off, badge, theme);
  }
  if (radius < 8) return;
  ctx.font = `600 ${radius < 14 ? 10 : Math.max(11, Math.min(15, Math.round(radius * 0.7)))}px ${theme.fontFamily}`;
  ctx.fillStyle = theme.foreground;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(String(group.agents.length), at.x, at.y + 0.5);
}

function drawSelection(ctx: CanvasRenderingContext2D, { scene, points, radius, view }: Frame): void {
  for (const [thing, width] of [
    [scene.hovered, 1],
    [scene.selected, 2],
  ] as const) {
    const id = thing?.kind === "agent" ? thing.agent : thing?.kind === "group" ? thing.group : "";
    const at = points.get(id);
    if (at === undefined) continue;
    const group = scene.shown.groups.get(id);
    const r = group === undefined ? radius * 1.3 : groupRadiusPx(view.scale, group.group.agents.length) * 1.15;
    ctx.beginPath();
    ctx.arc(at.x, at.y, r + 5, 0, 2 * Math.PI);
    ctx.strokeStyle = scene.theme.focus;
    ctx.lineWidth = width;
    ctx.setLineDash([]);
    ctx.stroke();
  }
}
