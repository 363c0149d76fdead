/** What the picture shows, and what is drawn below vis-network's nodes besides links: the sides of a partition, the room of open groups. */
import type { AgentView, SwarmView } from "../../server/contract/swarm.ts";
import { type AgentLook, lookOf } from "../glyphs.ts";
import { isHighContrast, type Theme } from "../theme.ts";
import type { Region } from "./arrange.ts";
import type { RingDrawing } from "./hash-ring.ts";
import type { Position } from "./layout.ts";
import type { Shown } from "./shown.ts";
import type { Island } from "./sides.ts";
import type { Thing } from "./thing.ts";
import type { Spread } from "./wave.ts";

export interface Scene {
  readonly swarm: SwarmView | null;
  readonly theme: Theme;
  readonly selected: Thing | null;
  readonly hovered: Thing | null;
  readonly islands: readonly Island[];
  /** The room of open groups, where others are closed. */
  readonly regions: readonly (Region & { readonly name: string })[];
  /** The circle that agents stand on by their hashes; null in other layouts. */
  readonly ring: RingDrawing | null;
  readonly shown: Shown;
  /** The median latency of the swarm's links, ms. */
  readonly usualMs: number | null;
  /** What spreads by gossip, as far as it is to be seen; null for nothing. */
  readonly spread: Spread | null;
}

export interface View {
  /** CSS pixels a picture unit. */
  readonly scale: number;
  readonly toPage: (at: Position) => Position;
  readonly positions: Readonly<Record<string, Position>>;
  /** The picture's size, CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** The radius of an agent's glyph, CSS pixels. */
export function glyphRadiusPx(scale: number): number {
  return Math.max(2.2, Math.min(23, 16 * scale ** 0.8));
}

/** The radius of a closed group, CSS pixels: a little larger the more it holds, and never so large that two touch. */
export function groupRadiusPx(scale: number, count: number): number {
  return Math.max(5, Math.min(30, 58 * scale, Math.max(11, glyphRadiusPx(scale) + 3 * Math.log10(1 + count))));
}

export function sceneLook(scene: Scene, agent: AgentView): AgentLook {
  return lookOf(agent, scene.swarm?.health.quorum ?? 0);
}

/** Under the links: a region for each side of a partition, hatched where no majority stands; a round for each open group. */
export function drawBelow(ctx: CanvasRenderingContext2D, scene: Scene, view: View): void {
  const { theme, islands } = scene;
  for (const region of scene.regions) drawRegion(ctx, region, scene, view.scale);
  if (scene.ring !== null) drawRing(ctx, scene.ring, theme, view.scale);
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

function drawRegion(ctx: CanvasRenderingContext2D, region: Region, { theme, selected }: Scene, scale: number): void {
  const chosen = selected?.kind === "group" && selected.group === region.group;
  ctx.save();
  ctx.beginPath();
  ctx.arc(region.centre.x, region.centre.y, region.radius, 0, 2 * Math.PI);
  ctx.fillStyle = theme.muted;
  ctx.globalAlpha = isHighContrast(theme) ? 0 : 0.07;
  ctx.fill();
  ctx.globalAlpha = chosen || isHighContrast(theme) ? 1 : 0.6;
  ctx.lineWidth = (chosen ? 2 : 1) / scale;
  ctx.strokeStyle = chosen ? theme.focus : theme.muted;
  ctx.stroke();
  ctx.restore();
}

/** So many exact places can be told apart. */
const TICKS_MAX = 200;

/** The circle, and a dot on it where a hash is exactly, tied to who stands beside it. */
function drawRing(ctx: CanvasRenderingContext2D, { radius, ticks }: RingDrawing, theme: Theme, scale: number): void {
  ctx.save();
  ctx.strokeStyle = theme.muted;
  ctx.fillStyle = theme.foreground;
  ctx.globalAlpha = isHighContrast(theme) ? 1 : 0.7;
  ctx.lineWidth = 1.5 / scale;
  ctx.beginPath();
  ctx.arc(0, 0, radius, 0, 2 * Math.PI);
  ctx.stroke();
  if (ticks.length <= TICKS_MAX) {
    for (const { exact, placed } of ticks) {
      ctx.beginPath();
      ctx.moveTo(exact.x, exact.y);
      ctx.lineTo(placed.x, placed.y);
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(exact.x, exact.y, 2.5 / scale, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.restore();
}
