/** Faults on a link, way by way: a triangle on the half of the agent that sends, pointing where it sends to, and an envelope where a message rule is among them. */
import type { ActiveFault } from "../../server/contract/faults.ts";
import type { Box } from "../elements/placement.ts";
import { drawGlyph, type Glyph } from "../glyphs.ts";
import type { Position } from "./layout.ts";
import type { Scene } from "./scene.ts";

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

/** Returns where something was drawn, so that no label is put there. */
export function drawLinkMarks(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  points: ReadonlyMap<string, Position>,
  radius: number,
): readonly Box[] {
  const rules = rulesOf(scene.swarm?.faults ?? []);
  const boxes: Box[] = [];
  for (const [id, link] of scene.links) {
    if (link.faults.length === 0 || link.state === "cut") continue;
    if (scene.links.size > MARKED_MAX && !isMarked(scene, id)) continue;
    const a = points.get(link.a);
    const b = points.get(link.b);
    if (a === undefined || b === undefined) continue;
    for (const [from, to, faults] of [
      [a, b, link.faultsOut],
      [b, a, link.faultsIn],
    ] as const) {
      if (faults.length > 0)
        boxes.push(
          ...drawWay(
            ctx,
            scene,
            from,
            to,
            radius,
            faults.some((one) => rules.has(one)),
          ),
        );
    }
  }
  return boxes;
}

function drawWay(
  ctx: CanvasRenderingContext2D,
  { theme }: Scene,
  from: Position,
  to: Position,
  radius: number,
  hasRule: boolean,
): readonly Box[] {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const size = markPx(radius);
  // Beyond the agent's name, which stands below it.
  const first = Math.max(radius * 1.35 + size + 3, length * 0.24);
  // The other way's marks need as much room on the other half.
  if (length < 2 * (first + size)) return [];
  const glyphs = hasRule && length >= 2 * (first + (STEP + 1) * size) ? [WAY_GLYPH, RULE_GLYPH] : [WAY_GLYPH];
  return glyphs.map((glyph, i) => {
    const along = (first + i * STEP * size) / length;
    const [x, y] = [from.x + (to.x - from.x) * along, from.y + (to.y - from.y) * along];
    ctx.save();
    ctx.translate(x, y);
    if (glyph === WAY_GLYPH) ctx.rotate(Math.atan2(to.y - from.y, to.x - from.x));
    drawGlyph(ctx, glyph, 0, 0, size, theme);
    ctx.restore();
    return { x: x - size, y: y - size, width: 2 * size, height: 2 * size };
  });
}

function rulesOf(faults: readonly ActiveFault[]): ReadonlySet<string> {
  return new Set(faults.filter(({ spec }) => spec.kind === "message").map(({ id }) => id));
}

function isMarked({ selected, hovered, links }: Scene, id: string): boolean {
  const link = links.get(id);
  return [selected, hovered].some((thing) =>
    thing?.kind === "agent" ? thing.agent === link?.a || thing.agent === link?.b : thing?.link === id,
  );
}
