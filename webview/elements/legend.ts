/** What the shapes of a picture mean, drawn by the same code as the picture. */
import { html, type TemplateResult } from "lit";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import { type AgentLook, type AgentShape, agentGlyph, glyphSvg, SHAPE_NAMES } from "../glyphs.ts";

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

type Labels = Partial<Readonly<Record<AgentShape, string>>>;

const LABELS: Readonly<Record<ConsensusKind, Labels>> = {
  raft: { candidate: "candidate, filled by its votes", failed: "crashed", learner: "learner, without a vote" },
  pbft: {
    leader: "primary",
    candidate: "view change, filled by those that change too",
    follower: "backup",
    failed: "crashed",
  },
  gossip: { follower: "peer", learner: "peer that joins", failed: "crashed" },
};

/** What such a swarm's agents cannot be: PBFT's all have a vote, and by gossip nobody leads. */
const ABSENT: Readonly<Record<ConsensusKind, readonly AgentShape[]>> = {
  raft: [],
  pbft: ["learner"],
  gossip: ["leader", "candidate"],
};

/** The shapes of agents. */
export function agentLegend(consensus: ConsensusKind): readonly LegendEntry[] {
  const suspected: AgentLook = { shape: "follower", suspected: true, votesShare: null };
  const readOnly: AgentLook = { shape: "follower", suspected: false, votesShare: null, readOnly: true };
  const looks = LOOKS.filter(({ shape }) => !ABSENT[consensus].includes(shape));
  return [
    ...looks.map((look) => ({
      sample: glyphSvg(agentGlyph(look)),
      label: LABELS[consensus][look.shape] ?? SHAPE_NAMES[look.shape],
    })),
    { sample: glyphSvg(agentGlyph(suspected)), label: "suspected or cut off" },
    ...(consensus === "gossip"
      ? []
      : [{ sample: glyphSvg(agentGlyph(readOnly)), label: "read-only: no quorum answers it" }]),
  ];
}
