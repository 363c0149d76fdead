/** What the marks and lines of the picture mean. */
import { html, type TemplateResult } from "lit";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { LegendEntry } from "../elements/legend.ts";
import { type Glyph, glyphSvg } from "../glyphs.ts";
import { INK_CSS } from "../theme.ts";
import { TROUBLE_NAMES, TROUBLES, troubleGlyph } from "../troubles.ts";
import type { LayoutName } from "./arrange.ts";
import { RULE_GLYPH, WAY_GLYPH } from "./link-marks.ts";
import { groupGlyph, HEARD_GLYPH } from "./paint.ts";

/** @param broadcasts some links are of a tree, and some are not */
export function pictureLegend(
  consensus: ConsensusKind,
  layout: LayoutName,
  grouped: boolean,
  broadcasts: boolean,
): readonly LegendEntry[] {
  return [
    ...(grouped ? GROUPS : []),
    ...MARKS,
    ...(broadcasts ? BROADCASTS : []),
    ...(consensus === "gossip" ? SPREAD : []),
    ...(layout === "ring" ? RING : []),
  ];
}

function linkSample(width: number, dash: string, ink: string): TemplateResult {
  return html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
    <path d="M1 6H25" stroke=${ink} stroke-width=${width} stroke-dasharray=${dash}></path>
  </svg>`;
}

const GROUPS: readonly LegendEntry[] = [
  { sample: glyphSvg(groupGlyph("well")), label: "group with its number of agents: Enter or a click opens it" },
  { sample: glyphSvg(groupGlyph("suspected")), label: "one of it is suspected" },
  { sample: glyphSvg(groupGlyph("failed")), label: "one of it has failed" },
];

const MARKS: readonly LegendEntry[] = [
  ...TROUBLES.map((trouble) => ({ sample: glyphSvg(troubleGlyph(trouble)), label: TROUBLE_NAMES[trouble] })),
  { sample: linkSample(4, "none", INK_CSS.muted), label: "wide: much traffic" },
  { sample: linkSample(2, "none", INK_CSS.orange), label: "slow, or with faults" },
  { sample: linkSample(2, "6 4", INK_CSS.orange), label: "gaps: frames lost" },
  { sample: linkSample(2, "6 4", INK_CSS.red), label: "30 % lost or more" },
  { sample: linkSample(1.2, "2 4", INK_CSS.muted), label: "down" },
  { sample: glyphSvg(WAY_GLYPH), label: "fault on what is sent this way" },
  { sample: glyphSvg(RULE_GLYPH), label: "message rule" },
  {
    sample: html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
      <path d="M1 6H9M9 2V10M25 6H17M17 2V10" fill="none" stroke=${INK_CSS.red} stroke-width="2"></path>
    </svg>`,
    label: "cut",
  },
];

const BROADCASTS: readonly LegendEntry[] = [
  {
    sample: html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
      <path d="M1 3H25" stroke=${INK_CSS.muted} stroke-width="1.5"></path>
      <path d="M1 9H25" stroke=${INK_CSS.muted} stroke-width="1.5" opacity="0.45"></path>
    </svg>`,
    label: "faint: broadcasts are only announced; they go along the others",
  },
];

const HEARD_SAMPLE: Glyph = [...HEARD_GLYPH, { d: "M-0.28 -0.25L0.08 -0.55V0.6", stroke: "foreground", width: 0.24 }];

const SPREAD: readonly LegendEntry[] = [
  { sample: glyphSvg(HEARD_SAMPLE), label: "has heard of the newest write; the number says as which" },
  {
    sample: html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
      <path d="M1 6H25" stroke=${INK_CSS.purple} stroke-width="2.5"></path>
      <path d="M17 6L10 2V10Z" fill=${INK_CSS.purple}></path>
    </svg>`,
    label: "the way its rumour went",
  },
];

const RING: readonly LegendEntry[] = [
  {
    sample: html`<svg class="glyph" width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">
      <circle r="6" fill="none" stroke=${INK_CSS.muted} stroke-width="1.5"></circle>
      <circle cx="4.2" cy="-4.2" r="2.4" fill=${INK_CSS.blue}></circle>
    </svg>`,
    label: "ring: clockwise from the top by the hash of the id, which the small dots show; nothing is stored by it",
  },
];
