/** Too many events to draw one by one: how many there were, column by column, stacked by what they were. */
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { TimelineBucket } from "../../server/contract/timeline.ts";
import type { Ink } from "../theme.ts";
import type { Picture } from "./draw.ts";
import { groupOf } from "./kinds.ts";
import type { PlacedWindow } from "./placed.ts";
import { xOf } from "./time-axis.ts";

/** From the lane's line upward. Votes and elections, or rumours, are on top, where they are seen. */
export const DENSITY_LAYERS: readonly {
  readonly name: Readonly<Record<ConsensusKind, string>>;
  readonly ink: Ink;
  readonly groups: readonly string[];
}[] = [
  {
    name: {
      raft: "heartbeats and others",
      pbft: "heartbeats and others",
      gossip: "digests and others",
    },
    ink: "muted",
    groups: ["heartbeats", "broadcasts", "members", "requests", "tasks", "proposals", "aggregates", "faults"],
  },
  {
    name: {
      raft: "appends and commits",
      pbft: "batches, state and what is decided",
      gossip: "anti-entropy, state and commits",
    },
    ink: "blue",
    groups: ["appends", "commits", "antiEntropy"],
  },
  {
    name: {
      raft: "votes and elections",
      pbft: "prepares, commits and view changes",
      gossip: "rumours and convergence",
    },
    ink: "purple",
    groups: ["votes", "elections", "rumours", "convergence"],
  },
];

/** Counts of a bucket in the order of the layers. */
export function layerCounts(bucket: TimelineBucket): readonly number[] {
  const counts = DENSITY_LAYERS.map(() => 0);
  for (const [kind, count] of Object.entries(bucket.kinds)) {
    const group = groupOf(kind);
    const layer = DENSITY_LAYERS.findIndex((candidate) => group !== undefined && candidate.groups.includes(group));
    counts[Math.max(0, layer)]! += count;
  }
  return counts;
}

export function drawDensity(ctx: CanvasRenderingContext2D, picture: Picture, window: PlacedWindow): void {
  const { theme, span, widthPx, laneOf } = picture;
  const columnPx = (window.bucketMs / (span.toMs - span.fromMs)) * widthPx;
  const most = window.buckets.reduce((max, bucket) => Math.max(max, bucket.count), 1);
  // Whole pixels: edges that need no blending are drawn several times faster.
  const width = Math.max(1, Math.round(columnPx) - (columnPx >= 3 ? 1 : 0));
  for (const bucket of window.buckets) {
    const lane = laneOf.get(bucket.agent);
    const x = Math.round(xOf(span, widthPx, window.fromMs + bucket.column * window.bucketMs));
    if (lane === undefined || x + width < 0 || x > widthPx) continue;
    const room = Math.max(5, lane.lineY - lane.top - 3);
    // Logarithmic: one event must be seen beside a thousand.
    const height = Math.max(2, (room * Math.log1p(bucket.count)) / Math.log1p(most));
    let bottom = lane.lineY;
    let counted = 0;
    layerCounts(bucket).forEach((count, layer) => {
      if (count === 0) return;
      counted += count;
      const top = lane.lineY - Math.max(1, Math.round((height * counted) / bucket.count));
      ctx.fillStyle = theme[DENSITY_LAYERS[layer]!.ink];
      ctx.fillRect(x, top, width, bottom - top);
      bottom = top;
    });
  }
}
