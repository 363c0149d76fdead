/** What the shapes of a picture mean, drawn by the same code as the picture. */
import { html, type TemplateResult } from "lit";
import { type AgentLook, type AgentShape, agentGlyph, glyphSvg, lookName } from "../glyphs.ts";

export interface LegendEntry {
  readonly sample: TemplateResult;
  readonly label: string;
}

export function legend(label: string, entries: readonly LegendEntry[]): TemplateResult {
  return html`<ul class="legend" aria-label=${label}>
    ${entries.map((entry) => html`<li>${entry.sample}<span>${entry.label}</span></li>`)}
  </ul>`;
}

const LOOKS: readonly AgentLook[] = [
  { shape: "leader", suspected: false, votesShare: null },
  { shape: "candidate", suspected: false, votesShare: 0.67 },
  { shape: "follower", suspected: false, votesShare: null },
  { shape: "learner", suspected: false, votesShare: null },
  { shape: "paused", suspected: false, votesShare: null },
  { shape: "failed", suspected: false, votesShare: null },
];

const LABELS: Partial<Readonly<Record<AgentShape, string>>> = {
  candidate: "candidate, filled by its votes",
  failed: "crashed",
  learner: "learner, without a vote",
};

/** The shapes of agents. */
export function agentLegend(): readonly LegendEntry[] {
  const suspected: AgentLook = { shape: "follower", suspected: true, votesShare: null };
  return [
    ...LOOKS.map((look) => ({
      sample: glyphSvg(agentGlyph(look)),
      label: LABELS[look.shape] ?? lookName(look),
    })),
    { sample: glyphSvg(agentGlyph(suspected)), label: "suspected or cut off" },
  ];
}
