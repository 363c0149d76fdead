/**
 * How a rumour and what comes of it are drawn: a bull's eye where a command is issued, a dot with an arc for each message that it has gone through where it is heard of for the first time (three for
 * more), two arrows past each other where one had what the other lacked, a halted ring where an operation has to wait, and a seal across the whole lane where everybody has the same.
 */
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { circle, type Glyph } from "../glyphs.ts";
import type { GossipEventKind } from "./gossip-words.ts";
import { crossed, filled, type Mark, outlined, RING } from "./mark-shapes.ts";

/** Of each the radius around the dot, and its ends: 50 degrees up and down. */
const ARCS = [
  "M0 -0.65A0.85 0.85 0 0 1 0 0.65",
  "M0.29 -1A1.3 1.3 0 0 1 0.29 1",
  "M0.57 -1.34A1.75 1.75 0 0 1 0.57 1.34",
];
const EAR = "M-1 0A0.45 0.45 0 1 1 -0.1 0A0.45 0.45 0 1 1 -1 0Z";
const MOST_ARCS = ARCS.length;

const HEARD: readonly Mark[] = ARCS.map((_, at) => ({ glyph: heardGlyph(at + 1), rank: 5 }));

/** The dot is the hearer's ear, on its lane; the arcs open to the right, the way the rumour goes on. */
function heardGlyph(arcs: number): Glyph {
  return [
    ...ARCS.slice(0, arcs).map((d) => ({ d, stroke: "purple" as const, width: 0.24 })),
    { d: EAR, fill: "purple", stroke: "background", width: 0.12 },
  ];
}

export const GOSSIP_MARKS: Readonly<Record<GossipEventKind, Mark>> = {
  issued: {
    glyph: [...outlined(circle(1.05), "purple"), { d: circle(0.52), fill: "purple" }],
    rank: 7,
  },
  rumourHeard: HEARD[0] as Mark,
  antiEntropy: {
    glyph: [
      {
        d: "M-0.9 -0.35H0.8M0.35 -0.8L0.85 -0.35L0.35 0.1M0.9 0.45H-0.8M-0.35 0L-0.85 0.45L-0.35 0.9",
        stroke: "orange",
        width: 0.24,
      },
    ],
    rank: 6,
  },
  heldBack: { glyph: crossed(outlined(RING, "red"), "M-0.22 -0.38V0.38M0.22 -0.38V0.38", "red"), rank: 8 },
  converged: {
    glyph: crossed(filled(circle(1.15), "green"), "M-0.5 -0.24H0.5M-0.5 0.24H0.5", "background"),
    rank: 9,
    across: "green",
  },
};

/** Of an event whose fields decide how it looks. */
export function gossipMarkByFields({ kind, fields }: Pick<TimelineEvent, "kind" | "fields">): Mark | undefined {
  if (kind !== "rumourHeard") return undefined;
  const hops = Number(fields.hops);
  return hops > 1 ? HEARD[Math.min(hops, MOST_ARCS) - 1] : undefined;
}

/** For the legend. */
export const GOSSIP_LEGEND: readonly { readonly glyph: Glyph; readonly label: string }[] = [
  { glyph: GOSSIP_MARKS.issued.glyph, label: "issued: a write begins to spread" },
  { glyph: heardGlyph(1), label: "heard for the first time, after 1 hop" },
  { glyph: heardGlyph(2), label: "after 2" },
  { glyph: heardGlyph(MOST_ARCS), label: `after ${MOST_ARCS} or more` },
  { glyph: GOSSIP_MARKS.antiEntropy.glyph, label: "anti-entropy found a difference" },
  { glyph: GOSSIP_MARKS.heldBack.glyph, label: "held back: its clock is ahead" },
  { glyph: GOSSIP_MARKS.converged.glyph, label: "converged: everybody has the same" },
];
