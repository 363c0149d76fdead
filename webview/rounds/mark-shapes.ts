/** What marks are made of: ways to draw a shape, and shapes that several marks share. */
import { circle, type Glyph } from "../glyphs.ts";
import type { Ink } from "../theme.ts";

export interface Mark {
  readonly glyph: Glyph;
  /** Where marks crowd, the higher rank is drawn. */
  readonly rank: number;
  /** How far from the lane's line it is drawn, in radii of a mark; above is negative. There it crowds only its likes. Absent: on the line. */
  readonly aside?: number;
  /** The colour of a line behind it, through its whole lane. Absent: none. */
  readonly across?: Ink;
}

export const RING = circle(0.8);
export const TICK = "M-0.42 0.02L-0.1 0.36L0.46 -0.34";
export const CROSS = "M-0.35 -0.35L0.35 0.35M0.35 -0.35L-0.35 0.35";

export function filled(d: string, ink: Ink): Glyph {
  return [{ d, fill: ink, stroke: "background", width: 0.12 }];
}

export function outlined(d: string, ink: Ink, dash?: readonly number[]): Glyph {
  return [{ d, fill: "background", stroke: ink, width: 0.26, ...(dash && { dash }) }];
}

export function crossed(base: Glyph, d: string, ink: Ink): Glyph {
  return [...base, { d, stroke: ink, width: 0.26 }];
}
