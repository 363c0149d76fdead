/** What is under the pointer in the diagram. */
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { AXIS_PX, MARK_PX, type Picture } from "./draw.ts";
import { arrowLine } from "./draw-arrows.ts";
import { markOf } from "./marks.ts";
import { type Arrow, firstAt } from "./placed.ts";
import { xOf } from "./time-axis.ts";

export type Hit =
  | { readonly kind: "event"; readonly event: TimelineEvent }
  | { readonly kind: "arrow"; readonly arrow: Arrow }
  | { readonly kind: "none" };

const REACH_PX = 9;
const ARROW_REACH_PX = 5;
const NONE: Hit = { kind: "none" };

/** x and y: CSS pixels from the canvas' corner. */
export function hit(picture: Picture, x: number, y: number): Hit {
  if (picture.window === null || y < AXIS_PX) return NONE;
  const laneY = y - AXIS_PX + picture.scrollY;
  return hitMark(picture, x, laneY) ?? hitArrow(picture, x, laneY) ?? NONE;
}

function hitMark(picture: Picture, x: number, laneY: number): Hit | null {
  const { window, span, widthPx, laneOf } = picture;
  if (window === null) return null;
  let best: TimelineEvent | null = null;
  let bestCost = Number.POSITIVE_INFINITY;
  const consider = (event: TimelineEvent, ms: number): void => {
    const lane = laneOf.get(event.agent);
    const mark = markOf(event);
    if (lane === undefined || mark === undefined) return;
    const distance = Math.hypot(xOf(span, widthPx, ms) - x, lane.lineY + (mark.aside ?? 0) * MARK_PX - laneY);
    // A weightier mark is drawn over the lighter ones around it, so it is the one that is meant.
    const cost = distance - mark.rank * REACH_PX;
    if (distance < REACH_PX && cost < bestCost) [best, bestCost] = [event, cost];
  };
  if (window.complete) {
    const reachMs = ((span.toMs - span.fromMs) / widthPx) * (REACH_PX + 4);
    const ms = span.fromMs + (x / widthPx) * (span.toMs - span.fromMs);
    for (let i = firstAt(window, ms - reachMs); i < window.events.length && window.atMs[i]! <= ms + reachMs; i++) {
      consider(window.events[i]!, window.atMs[i]!);
    }
  } else for (const event of window.landmarks) consider(event, event.hlc.wallMs);
  return best === null ? null : { kind: "event", event: best };
}

function hitArrow(picture: Picture, x: number, laneY: number): Hit | null {
  const { window } = picture;
  if (window === null || !window.complete) return null;
  let best: Arrow | null = null;
  let bestDistance = ARROW_REACH_PX;
  for (const arrow of window.arrows) {
    const at = arrowLine(picture, arrow);
    if (at === null) continue;
    const distance = distanceToSegment(x, laneY, at.x1, at.y1, at.x2, at.y2);
    if (distance < bestDistance) [best, bestDistance] = [arrow, distance];
  }
  return best === null ? null : { kind: "arrow", arrow: best };
}

function distanceToSegment(x: number, y: number, x1: number, y1: number, x2: number, y2: number): number {
  const dx = x2 - x1;
  const dy = y2 - y1;
  const squared = dx * dx + dy * dy;
  const share = squared === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / squared));
  return Math.hypot(x - (x1 + share * dx), y - (y1 + share * dy));
}
