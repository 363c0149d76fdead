/**
 * The visual language, once: each state of an agent is a shape (colour comes second), described as paths in a unit circle. Canvas
 * and SVG draw the same description, so that a legend shows exactly what the picture uses.
 */
import { html, svg, type TemplateResult } from "lit";
import { roleTitle } from "../server/contract/consensus.ts";
import type { AgentView, RoleName } from "../server/contract/swarm.ts";
import { INK_CSS, type Ink, type Theme } from "./theme.ts";

/** One path of a glyph. Coordinates: x and y in -1..1 around the centre; widths and dashes in the same unit. */
export interface GlyphPart {
  readonly d: string;
  readonly fill?: Ink;
  readonly stroke?: Ink;
  readonly width?: number;
  readonly dash?: readonly number[];
}

export type Glyph = readonly GlyphPart[];

export type AgentShape =
  | "leader"
  | "candidate"
  | "preCandidate"
  | "follower"
  | "learner"
  | "paused"
  | "failed"
  | "stopped"
  | "starting"
  | "unknown";

/**
 * How an agent looks: its shape, whether the others doubt it (suspect it, or hold it for failed although its process runs: it is cut off), and how much of a majority a
 * candidate holds (0..1, null: not known).
 */
export interface AgentLook {
  readonly shape: AgentShape;
  readonly suspected: boolean;
  readonly votesShare: number | null;
  /** It says of itself that it is on a side that cannot decide. */
  readonly readOnly?: boolean;
}

/** A look in words, for labels, tables and legends. */
export const SHAPE_NAMES: Readonly<Record<AgentShape, string>> = {
  leader: "leader",
  candidate: "candidate",
  preCandidate: "pre-candidate",
  follower: "follower",
  learner: "learner",
  paused: "paused",
  failed: "failed",
  stopped: "stopped",
  starting: "starting",
  unknown: "role not known",
};

/** A PBFT swarm looks like a Raft one: who leads, who follows, and who calls for another leader. By gossip all look like those that follow. */
const SHAPE_OF_ROLE: Readonly<Record<RoleName, AgentShape>> = {
  leader: "leader",
  candidate: "candidate",
  preCandidate: "preCandidate",
  follower: "follower",
  primary: "leader",
  backup: "follower",
  viewChange: "candidate",
  peer: "follower",
};

/** The look of an agent of which `quorum` votes make a leader. What the process does outranks the role it last told, and what the others hold of it. */
export function lookOf(agent: AgentView, quorum: number): AgentLook {
  const runs = agent.process === "running" || agent.process === "paused" || agent.process === "unreachable";
  const suspected = runs && (agent.health === "suspected" || agent.health === "failed");
  const votes = agent.votes ?? null;
  const votesShare = votes === null || quorum < 1 ? null : Math.min(1, votes / quorum);
  const readOnly = agent.process === "running" && agent.partition?.state === "readOnly";
  return { shape: shapeOf(agent), suspected, votesShare, ...(readOnly && { readOnly }) };
}

function shapeOf(agent: AgentView): AgentShape {
  if (agent.process === "crashed") return "failed";
  if (agent.process === "stopped") return "stopped";
  if (agent.process === "paused") return "paused";
  if (agent.process === "starting") return "starting";
  // Whoever has no vote (yet) is not one of those that others follow or elect, or compare themselves with.
  if (
    (agent.role === "follower" || agent.role === "peer") &&
    (agent.member === "learner" || agent.member === "joining")
  )
    return "learner";
  return agent.role === null ? "unknown" : SHAPE_OF_ROLE[agent.role];
}

/** An agent's state in words: "crashed" when its process is gone, "unreachable" when it joined by itself and does not answer, "leader, held for failed" when it runs and most others do not hear it. */
export function stateName(agent: AgentView, look: AgentLook): string {
  if (agent.process === "crashed" || agent.process === "unreachable") return agent.process;
  const moves = agent.member === "joining" || agent.member === "leaving" ? `, ${agent.member}` : "";
  // Where nobody only learns, a small disc is a peer that comes.
  const joins = agent.role === "peer" && look.shape === "learner";
  const isOfRole = agent.role !== null && (joins || look.shape === SHAPE_OF_ROLE[agent.role]);
  const name = isOfRole ? roleTitle(agent.role) : SHAPE_NAMES[look.shape];
  const doubt = look.suspected ? (agent.health === "failed" ? ", held for failed" : ", suspected") : "";
  return name + doubt + moves;
}

const CIRCLE = circle(1);

/** A circle of radius r as a path. */
export function circle(r: number): string {
  return `M${-r} 0A${r} ${r} 0 1 1 ${r} 0A${r} ${r} 0 1 1 ${-r} 0Z`;
}

/** A star with `points` points. */
export function star(points: number, outer: number, inner: number): string {
  const corners: string[] = [];
  for (let i = 0; i < points * 2; i++) {
    const r = i % 2 === 0 ? outer : inner;
    const angle = (Math.PI * i) / points - Math.PI / 2;
    corners.push(`${round(r * Math.cos(angle))} ${round(r * Math.sin(angle))}`);
  }
  return `M${corners.join("L")}Z`;
}

/** A slice of a disc from twelve o'clock, clockwise. */
function slice(r: number, share: number): string {
  if (share >= 1) return circle(r);
  const angle = share * 2 * Math.PI - Math.PI / 2;
  const large = share > 0.5 ? 1 : 0;
  return `M0 0L0 ${-r}A${r} ${r} 0 ${large} 1 ${round(r * Math.cos(angle))} ${round(r * Math.sin(angle))}Z`;
}

/** An upright cross with arms of half-width `w`, turned by 45 degrees. */
export function saltire(r: number, w: number): string {
  const corners: readonly (readonly [number, number])[] = [
    [w, -w],
    [w, -r],
    [-w, -r],
    [-w, -w],
    [-r, -w],
    [-r, w],
    [-w, w],
    [-w, r],
    [w, r],
    [w, w],
    [r, w],
    [r, -w],
  ];
  const turned = corners.map(([x, y]) => `${round((x - y) * Math.SQRT1_2)} ${round((x + y) * Math.SQRT1_2)}`);
  return `M${turned.join("L")}Z`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Behind the shape, as behind a whole side. */
const HATCHING: Glyph = [
  { d: "M-1.4 0.2L0.2 -1.4M-1.4 1L1 -1.4M-1 1.4L1.4 -1M-0.2 1.4L1.4 -0.2", stroke: "muted", width: 0.14 },
];

/** The glyph of a look. */
export function agentGlyph(look: AgentLook): Glyph {
  const shape = shapeGlyph(look);
  const parts = look.readOnly === true ? [...HATCHING, ...shape] : shape;
  if (!look.suspected) return parts;
  return [...parts, { d: circle(1.28), stroke: "orange", width: 0.2, dash: [0.4, 0.27] }];
}

function shapeGlyph(look: AgentLook): Glyph {
  switch (look.shape) {
    case "leader":
      return [{ d: star(5, 1.2, 0.54), fill: "yellow", stroke: "background", width: 0.08 }];
    case "candidate":
      return candidateGlyph(look.votesShare, undefined);
    case "preCandidate":
      return candidateGlyph(look.votesShare, [0.5, 0.25]);
    case "follower":
      return [{ d: circle(0.82), fill: "blue", stroke: "background", width: 0.08 }];
    case "learner":
      return [{ d: circle(0.48), fill: "blue", stroke: "background", width: 0.08 }];
    case "paused":
      return [
        { d: CIRCLE, fill: "background", stroke: "foreground", width: 0.14 },
        { d: "M-0.48 -0.5H-0.14V0.5H-0.48ZM0.14 -0.5H0.48V0.5H0.14Z", fill: "foreground" },
      ];
    case "failed":
      return [{ d: saltire(1.12, 0.3), fill: "background", stroke: "red", width: 0.2 }];
    case "stopped":
      return [{ d: "M-0.75 -0.75H0.75V0.75H-0.75Z", fill: "background", stroke: "muted", width: 0.18 }];
    case "starting":
      return [
        { d: circle(0.86), fill: "background", stroke: "muted", width: 0.16, dash: [0.16, 0.2] },
        { d: circle(0.22), fill: "muted" },
      ];
    case "unknown":
      return [
        { d: circle(0.86), fill: "background", stroke: "muted", width: 0.16 },
        { d: "M-0.3 -0.22A0.31 0.31 0 1 1 0.08 0.08L0 0.2M0 0.44V0.52", stroke: "muted", width: 0.17 },
      ];
  }
}

/** A ring that fills like a clock with the share of the votes it needs. */
function candidateGlyph(votesShare: number | null, dash: readonly number[] | undefined): Glyph {
  const ring: GlyphPart = { d: circle(0.9), fill: "background", stroke: "purple", width: 0.24, ...(dash && { dash }) };
  if (votesShare === null || votesShare <= 0) return [ring];
  return [ring, { d: slice(0.66, votesShare), fill: "purple" }];
}

const paths = new Map<string, Path2D>();

function pathOf(d: string): Path2D {
  let path = paths.get(d);
  if (path === undefined) {
    path = new Path2D(d);
    paths.set(d, path);
  }
  return path;
}

/** Draws a glyph on a canvas, its centre at x, y. */
export function drawGlyph(
  ctx: CanvasRenderingContext2D,
  glyph: Glyph,
  x: number,
  y: number,
  radius: number,
  theme: Theme,
): void {
  ctx.save();
  ctx.translate(x, y);
  ctx.scale(radius, radius);
  ctx.lineJoin = "round";
  for (const part of glyph) {
    const path = pathOf(part.d);
    if (part.fill !== undefined) {
      ctx.fillStyle = theme[part.fill];
      ctx.fill(path);
    }
    if (part.stroke !== undefined) {
      ctx.strokeStyle = theme[part.stroke];
      ctx.lineWidth = part.width ?? 0.15;
      ctx.setLineDash(part.dash === undefined ? [] : [...part.dash]);
      ctx.stroke(path);
    }
  }
  ctx.restore();
}

/** The same glyph as an SVG element of `size` CSS pixels, for legends, tables and lists. Silent to screen readers: words stand beside it. */
export function glyphSvg(glyph: Glyph, size = 16): TemplateResult {
  return html`<svg class="glyph" width=${size} height=${size} viewBox="-1.5 -1.5 3 3" aria-hidden="true" focusable="false">
    ${glyph.map(
      (part) => svg`<path d=${part.d} fill=${part.fill === undefined ? "none" : INK_CSS[part.fill]}
        stroke=${part.stroke === undefined ? "none" : INK_CSS[part.stroke]} stroke-width=${part.width ?? 0.15}
        stroke-dasharray=${part.dash === undefined ? "none" : part.dash.join(" ")} stroke-linejoin="round"></path>`,
    )}
  </svg>`;
}
