/** What is drawn below and above vis-network's nodes and links: the sides of a partition, cut links, labels. */
import { CONSENSUS } from "../../server/contract/consensus.ts";
import { agreementText } from "../../server/contract/gossip.ts";
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import { Placement } from "../elements/placement.ts";
import { formatDuration, formatShare } from "../format.ts";
import { type AgentLook, drawGlyph, lookOf } from "../glyphs.ts";
import { isHighContrast, type Theme } from "../theme.ts";
import { conditionName, troubleGlyph, troublesOf } from "../troubles.ts";
import type { Thing } from "./graph.ts";
import type { Position } from "./layout.ts";
import { drawLinkMarks } from "./link-marks.ts";
import { isTroubled, linkStyle } from "./link-style.ts";
import type { Island } from "./sides.ts";

export interface Scene {
  readonly swarm: SwarmView | null;
  readonly theme: Theme;
  readonly selected: Thing | null;
  readonly hovered: Thing | null;
  readonly islands: readonly Island[];
  readonly agents: ReadonlyMap<string, AgentView>;
  readonly links: ReadonlyMap<string, LinkView>;
}

export interface View {
  /** CSS pixels a picture unit. */
  readonly scale: number;
  readonly toPage: (at: Position) => Position;
  readonly positions: Readonly<Record<string, Position>>;
}

/** Below this width the roles and terms of neighbours would touch. */
const NARROW_PX = 420;

/** The radius of an agent's glyph, CSS pixels. */
export function glyphRadiusPx(scale: number): number {
  return Math.max(2.2, Math.min(23, 16 * scale ** 0.8));
}

export function sceneLook(scene: Scene, agent: AgentView): AgentLook {
  return lookOf(agent, scene.swarm?.health.quorum ?? 0);
}

/** Under the links: a region for each side of a partition, hatched where no majority stands. */
export function drawBelow(ctx: CanvasRenderingContext2D, scene: Scene, view: View): void {
  const { theme, islands } = scene;
  if (islands.length < 2) return;
  for (const island of islands) {
    ctx.save();
    ctx.beginPath();
    ctx.arc(island.centre.x, island.centre.y, island.radius, 0, 2 * Math.PI);
    ctx.fillStyle = island.quorum ? theme.blue : theme.muted;
    ctx.globalAlpha = isHighContrast(theme) ? 0 : 0.1;
    ctx.fill();
    ctx.globalAlpha = 0.9;
    ctx.lineWidth = 1.5 / view.scale;
    ctx.strokeStyle = island.quorum ? theme.blue : theme.muted;
    ctx.setLineDash(island.quorum ? [] : [6 / view.scale, 4 / view.scale]);
    ctx.stroke();
    if (!island.quorum) hatch(ctx, island, theme, view.scale);
    ctx.restore();
  }
}

function hatch(ctx: CanvasRenderingContext2D, island: Island, theme: Theme, scale: number): void {
  ctx.clip();
  ctx.beginPath();
  const { x, y } = island.centre;
  const r = island.radius;
  for (let at = -2 * r; at < 2 * r; at += 12 / scale) {
    ctx.moveTo(x + at, y + r);
    ctx.lineTo(x + at + 2 * r, y - r);
  }
  ctx.globalAlpha = isHighContrast(theme) ? 0.5 : 0.22;
  ctx.lineWidth = 1 / scale;
  ctx.setLineDash([]);
  ctx.stroke();
}

/** Over everything: cut links as two stumps, then labels in order of what matters, each only where there is room. */
export function drawAbove(ctx: CanvasRenderingContext2D, scene: Scene, view: View): void {
  ctx.save();
  const ratio = ctx.canvas.width / Math.max(1, ctx.canvas.clientWidth);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  const points = new Map<string, Position>();
  for (const id of scene.agents.keys()) {
    const at = view.positions[id];
    if (at !== undefined) points.set(id, view.toPage(at));
  }
  drawCuts(ctx, scene, points, view.scale);
  const radius = glyphRadiusPx(view.scale);
  const marks = drawLinkMarks(ctx, scene, points, radius);
  drawTroubles(ctx, scene, points, radius);
  drawSelection(ctx, scene, points, view.scale);
  const placement = new Placement();
  const urgentPlacement = new Placement();
  for (const box of marks) placement.block(box);
  for (const { x, y } of points.values()) {
    placement.block({ x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius });
  }
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  drawAgentLabels(ctx, scene, points, radius, placement, urgentPlacement);
  drawIslandLabels(ctx, scene, view, placement);
  drawLinkLabels(ctx, scene, points, placement);
  ctx.restore();
}

function drawCuts(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  points: ReadonlyMap<string, Position>,
  scale: number,
): void {
  const { theme, links } = scene;
  ctx.strokeStyle = theme.red;
  ctx.lineCap = "butt";
  for (const link of links.values()) {
    const a = points.get(link.a);
    const b = points.get(link.b);
    if (link.state !== "cut" || a === undefined || b === undefined) continue;
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    const radius = glyphRadiusPx(scale) * 1.35;
    if (length < 2 * radius + 10) continue;
    const ux = (b.x - a.x) / length;
    const uy = (b.y - a.y) / length;
    // In a dense cut only the ends are drawn: the gap between the sides should be seen as one.
    const stump = Math.min(links.size > 120 ? 14 : 24, glyphRadiusPx(scale) * 1.1, (length - 2 * radius) * 0.36);
    const bar = Math.min(5, glyphRadiusPx(scale) * 0.4);
    ctx.beginPath();
    for (const [end, sign] of [
      [a, 1],
      [b, -1],
    ] as const) {
      const x = end.x + sign * ux * (radius + stump);
      const y = end.y + sign * uy * (radius + stump);
      ctx.moveTo(end.x + sign * ux * radius, end.y + sign * uy * radius);
      ctx.lineTo(x, y);
      ctx.moveTo(x - uy * bar, y + ux * bar);
      ctx.lineTo(x + uy * bar, y - ux * bar);
    }
    ctx.lineWidth = linkStyle(link, false, links.size).width;
    ctx.globalAlpha = links.size > 120 ? 0.6 : 0.9;
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

/** Round the upper right of the agent's shape, one after the other. */
function drawTroubles(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  points: ReadonlyMap<string, Position>,
  radius: number,
): void {
  const faults = scene.swarm?.faults ?? [];
  // Legible down to where agents are dots.
  const size = radius > 5 ? Math.max(6, radius * 0.48) : 2.5;
  for (const agent of scene.agents.values()) {
    const at = points.get(agent.id);
    if (at === undefined) continue;
    troublesOf(agent, faults).forEach((trouble, i) => {
      const angle = -0.25 * Math.PI + i * 0.34 * Math.PI;
      const [x, y] = [at.x + radius * 1.15 * Math.cos(angle), at.y + radius * 1.15 * Math.sin(angle)];
      drawGlyph(ctx, troubleGlyph(trouble), x, y, size, scene.theme);
    });
  }
}

function drawSelection(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  points: ReadonlyMap<string, Position>,
  scale: number,
): void {
  for (const [thing, width] of [
    [scene.hovered, 1],
    [scene.selected, 2],
  ] as const) {
    const at = thing?.kind === "agent" ? points.get(thing.agent) : undefined;
    if (at === undefined) continue;
    ctx.beginPath();
    ctx.arc(at.x, at.y, glyphRadiusPx(scale) * 1.3 + 5, 0, 2 * Math.PI);
    ctx.strokeStyle = scene.theme.focus;
    ctx.lineWidth = width;
    ctx.setLineDash([]);
    ctx.stroke();
  }
}

function drawAgentLabels(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  points: ReadonlyMap<string, Position>,
  radius: number,
  placement: Placement,
  urgent: Placement,
): void {
  const { theme } = scene;
  const size = Math.max(11, theme.fontSize - 1);
  const ordered = [...scene.agents.values()].sort((a, b) => urgency(scene, b) - urgency(scene, a));
  const second: { readonly agent: AgentView; readonly x: number; readonly y: number }[] = [];
  for (const agent of ordered) {
    const at = points.get(agent.id);
    if (at === undefined) continue;
    // What matters is named even where others stand; only another name can be in its way.
    const y = at.y + radius * 1.25 + size * 0.8;
    const room = urgency(scene, agent) > 1 ? urgent : placement;
    if (!write(ctx, scene, agent.id, at.x, y, size, "600", theme.foreground, room)) continue;
    if (room === urgent) placement.block({ x: at.x - size, y: y - size / 2, width: 2 * size, height: size });
    second.push({ agent, x: at.x, y: y + size * 1.4 });
  }
  if (radius < 10) return;
  const narrow = ctx.canvas.clientWidth < NARROW_PX;
  for (const { agent, x, y } of second) {
    // A narrow picture has room for what is out of the ordinary only.
    const troubled = troublesOf(agent, scene.swarm?.faults ?? []).length > 0;
    if (narrow && !troubled && isOrdinary(sceneLook(scene, agent))) continue;
    write(ctx, scene, subtitle(scene, agent, narrow), x, y, size - 1, "400", theme.muted, placement);
  }
}

function subtitle(scene: Scene, agent: AgentView, short: boolean): string {
  const look = sceneLook(scene, agent);
  const state = conditionName(agent, look, scene.swarm?.faults ?? []);
  if (look.shape === "failed" || look.shape === "stopped") return state;
  // What is not the same everywhere has room even where little has.
  if (agent.gossip !== undefined)
    return short && agent.gossip.agreement === 1
      ? state
      : `${state} · agreement ${agreementText(agent.gossip.agreement)}`;
  const term = scene.swarm === null ? "" : CONSENSUS[scene.swarm.consensus].term;
  return short || term === "" || agent.term === null ? state : `${state} · ${term} ${agent.term}`;
}

function isOrdinary({ shape, suspected }: AgentLook): boolean {
  return !suspected && (shape === "leader" || shape === "follower");
}

function urgency(scene: Scene, agent: AgentView): number {
  const chosen = [scene.selected, scene.hovered].some((thing) => thing?.kind === "agent" && thing.agent === agent.id);
  if (chosen) return 4;
  const { shape, suspected } = sceneLook(scene, agent);
  if (shape === "leader") return 3;
  return shape === "follower" && !suspected && agent.faults.length === 0 ? 0 : 2;
}

function drawIslandLabels(ctx: CanvasRenderingContext2D, scene: Scene, view: View, placement: Placement): void {
  if (scene.islands.length < 2) return;
  for (const island of scene.islands) {
    const at = view.toPage({ x: island.centre.x, y: island.centre.y - island.radius });
    const text = `${island.agents.length} of ${scene.agents.size}, ${sideName(scene, island)}`;
    write(ctx, scene, text, at.x, at.y - 11, scene.theme.fontSize - 1, "600", scene.theme.foreground, placement);
  }
}

/** What a side of a partition can do. */
function sideName({ swarm }: Scene, { quorum }: Island): string {
  if (swarm !== null && !CONSENSUS[swarm.consensus].ordered) return "takes writes";
  return quorum ? "quorum" : "no quorum";
}

function drawLinkLabels(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  points: ReadonlyMap<string, Position>,
  placement: Placement,
): void {
  const size = Math.max(10, scene.theme.fontSize - 3);
  const interest = (link: LinkView): number => (isChosen(scene, link) ? 4 : 0) + (isTroubled(link) ? 2 : 0);
  const labelled = [...scene.links.values()].filter((link) => link.state === "up" && linkLabel(link) !== "");
  labelled.sort((a, b) => interest(b) - interest(a));
  const many = labelled.length > 40 || ctx.canvas.clientWidth < NARROW_PX;
  for (const link of labelled) {
    if (many && interest(link) === 0) break;
    const a = points.get(link.a);
    const b = points.get(link.b);
    if (a === undefined || b === undefined || Math.hypot(a.x - b.x, a.y - b.y) < 90) continue;
    const ink = interest(link) > 0 ? scene.theme.foreground : scene.theme.muted;
    for (const share of [0.5, 0.36, 0.64]) {
      const x = a.x + (b.x - a.x) * share;
      const y = a.y + (b.y - a.y) * share;
      if (write(ctx, scene, linkLabel(link), x, y, size, "400", ink, placement, true)) break;
    }
  }
}

function isChosen(scene: Scene, link: LinkView): boolean {
  return [scene.selected, scene.hovered].some((thing) =>
    thing?.kind === "agent"
      ? thing.agent === link.a || thing.agent === link.b
      : thing?.link !== undefined && scene.links.get(thing.link) === link,
  );
}

/** "0.4 ms", "120 ms, 30 % lost, 1 % damaged"; "" when nothing was measured. */
export function linkLabel(link: LinkView): string {
  const latency = link.latencyP50Ms === null ? "" : formatDuration(Math.round(link.latencyP50Ms * 100) / 100);
  const loss = link.loss > 0 ? `${formatShare(link.loss)} lost` : "";
  const damage = link.corrupted > 0 ? `${formatShare(link.corrupted)} damaged` : "";
  return [latency, loss, damage].filter((part) => part !== "").join(", ");
}

/** Writes a line of text, if there is room: on a plate of the background, or with a rim of it around its letters. */
function write(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  text: string,
  x: number,
  y: number,
  size: number,
  weight: string,
  ink: string,
  placement: Placement,
  plate = false,
): boolean {
  ctx.font = `${weight} ${size}px ${scene.theme.fontFamily}`;
  const width = ctx.measureText(text).width + 6;
  const height = size + 3;
  const box = { x: x - width / 2, y: y - height / 2, width, height };
  const page = ctx.canvas;
  if (box.x < 0 || box.y < 0 || box.x + width > page.clientWidth || box.y + height > page.clientHeight) return false;
  if (!placement.take(box)) return false;
  ctx.lineWidth = 4;
  ctx.lineJoin = "round";
  ctx.setLineDash([]);
  ctx.strokeStyle = scene.theme.background;
  ctx.fillStyle = scene.theme.background;
  if (plate) {
    ctx.beginPath();
    ctx.roundRect(box.x, box.y, width, height, 3);
    ctx.fill();
  } else ctx.strokeText(text, x, y);
  ctx.fillStyle = ink;
  ctx.fillText(text, x, y);
  return true;
}
