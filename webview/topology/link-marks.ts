/** Faults on a link, way by way: a triangle on the half of the agent that sends, pointing where it sends to, and an envelope where a message rule is among them. */
import type { ActiveFault } from "../../server/contract/faults.ts";
import type { Box } from "../elements/placement.ts";
import { drawGlyph, type Glyph } from "../glyphs.ts";
import type { Theme } from "../theme.ts";
import type { Position } from "./layout.ts";
import type { Scene } from "./scene.ts";
import { touches } from "./thing.ts";

/** Points to the right. */
export const WAY_GLYPH: Glyph = [
  { d: "M-0.85 -0.95L1 0L-0.85 0.95Z", fill: "background", stroke: "orange", width: 0.3 },
];
export const RULE_GLYPH: Glyph = [
  { d: "M-1.1 -0.75H1.1V0.75H-1.1Z", fill: "background", stroke: "orange", width: 0.22 },
  { d: "M-1.05 -0.65L0 0.2L1.05 -0.65", stroke: "orange", width: 0.22 },
];

/** Half a mark's width, by the radius of agents, CSS pixels. */
const markPx = (radius: number): number => Math.max(5, Math.min(7.5, radius * 0.45));
/** From one mark to the next, in their half widths. */
const STEP = 2.5;
/** Beyond this many links only those of what is chosen are marked. */
const MARKED_MAX = 120;

/** A mark in its place, CSS pixels; turned by `angle`. */
export interface PlacedMark {
  readonly link: string;
  readonly glyph: Glyph;
  readonly at: Position;
  readonly angle: number;
  readonly size: number;
}

export function markBox({ at, size }: PlacedMark): Box {
  return { x: at.x - size, y: at.y - size, width: 2 * size, height: 2 * size };
}

export function placeLinkMarks(
  scene: Scene,
  points: ReadonlyMap<string, Position>,
  radius: number,
): readonly PlacedMark[] {
  const rules = rulesOf(scene.swarm?.faults ?? []);
  const marks: PlacedMark[] = [];
  for (const [id, link] of scene.shown.links) {
    if (link.faults.length === 0 || link.state === "cut") continue;
    if (scene.shown.links.size > MARKED_MAX && !isMarked(scene, id)) continue;
    const a = points.get(link.a);
    const b = points.get(link.b);
    if (a === undefined || b === undefined) continue;
    for (const [from, to, faults] of [
      [a, b, link.faultsOut],
      [b, a, link.faultsIn],
    ] as const) {
      const hasRule = faults.some((one) => rules.has(one));
      if (faults.length > 0) marks.push(...placeWay(id, from, to, radius, hasRule));
    }
  }
  return marks;
}

export function drawLinkMark(
  ctx: CanvasRenderingContext2D,
  { glyph, at, angle, size }: PlacedMark,
  theme: Theme,
): void {
  ctx.save();
  ctx.translate(at.x, at.y);
  ctx.rotate(angle);
  drawGlyph(ctx, glyph, 0, 0, size, theme);
  ctx.restore();
}

function placeWay(link: string, from: Position, to: Position, radius: number, hasRule: boolean): readonly PlacedMark[] {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const size = markPx(radius);
  // Beyond the agent's name, which stands below it.
  const first = Math.max(radius * 1.35 + size + 3, length * 0.24);
  // The other way's marks need as much room on the other half.
  if (length < 2 * (first + size)) return [];
  const glyphs = hasRule && length >= 2 * (first + (STEP + 1) * size) ? [WAY_GLYPH, RULE_GLYPH] : [WAY_GLYPH];
  return glyphs.map((glyph, i) => {
    const along = (first + i * STEP * size) / length;
    const at = { x: from.x + (to.x - from.x) * along, y: from.y + (to.y - from.y) * along };
    const angle = glyph === WAY_GLYPH ? Math.atan2(to.y - from.y, to.x - from.x) : 0;
    return { link, glyph, at, angle, size };
  });
}

function rulesOf(faults: readonly ActiveFault[]): ReadonlySet<string> {
  return new Set(faults.filter(({ spec }) => spec.kind === "message").map(({ id }) => id));
}

function isMarked({ selected, hovered, shown }: Scene, id: string): boolean {
  const link = shown.links.get(id);
  return link !== undefined && [selected, hovered].some((thing) => touches(thing, id, link));
}
