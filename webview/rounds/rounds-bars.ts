/** The bars around the diagram: its tools, its filters and search, its legend. */
import { html, nothing, type TemplateResult } from "lit";
import { CONSENSUS, type ConsensusKind } from "../../server/contract/consensus.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { EventKind, MessageType } from "../../server/contract/timeline.ts";
import { type LegendEntry, legend } from "../elements/legend.ts";
import { toolButton, toolGap } from "../elements/toolbar.ts";
import { plural } from "../format.ts";
import { type Glyph, glyphSvg } from "../glyphs.ts";
import { INK_CSS } from "../theme.ts";
import type { Diagram } from "./diagram.ts";
import { DENSITY_LAYERS } from "./draw-density.ts";
import { GOSSIP_LEGEND } from "./gossip-marks.ts";
import { groupsOf, kindName } from "./kinds.ts";
import { markOfKind, messageSample, STALE_RUMOUR, styleSample } from "./marks.ts";
import { PROPOSAL_LEGEND } from "./proposal-marks.ts";
import type { RoundsSettings } from "./rounds-view.ts";

type SetSettings = (change: Partial<RoundsSettings>) => void;

export function roundsTools(
  consensus: ConsensusKind,
  settings: RoundsSettings,
  diagram: Diagram | undefined,
  set: SetSettings,
): TemplateResult {
  const following = diagram?.following ?? true;
  const middle = (diagram?.widthPx ?? 0) / 2;
  return html`<div class="tools" role="toolbar" aria-label="Rounds">
    ${toolButton({
      icon: following ? "debug-pause" : "play",
      label: following ? "Pause: stop following the newest events" : "Follow the newest events",
      text: following ? "Live" : "Paused",
      run: () => diagram?.follow(!following),
    })}
    ${toolGap} ${toolButton({ icon: "zoom-out", label: "Zoom out in time", run: () => diagram?.zoomAt(1.6, middle) })}
    ${toolButton({ icon: "zoom-in", label: "Zoom in in time", run: () => diagram?.zoomAt(0.625, middle) })}
    ${toolButton({ icon: "screen-full", label: "Show the whole timeline", run: () => diagram?.showAll() })} ${toolGap}
    ${toolButton({
      icon: "filter",
      label: "Filters and Search",
      on: settings.filters,
      run: () => set({ filters: !settings.filters }),
    })}
    ${toolButton({ icon: "table", label: "Table", on: settings.table, run: () => set({ table: !settings.table }) })}
    ${
      consensus === "pbft"
        ? toolButton({
            icon: "layers",
            label: "Phases: who pre-prepared, prepared and committed what",
            on: settings.phases,
            run: () => set({ phases: !settings.phases }),
          })
        : nothing
    }
    ${toolButton({ icon: "question", label: "Legend", on: settings.legend, run: () => set({ legend: !settings.legend }) })}
  </div>`;
}

export interface FilterActions {
  readonly set: SetSettings;
  /** Finds the text: older (the first, then the next), or newer than the last found. */
  readonly find: (text: string, newer: boolean) => void;
}

export function filterBar(
  consensus: ConsensusKind,
  settings: RoundsSettings,
  status: string,
  actions: FilterActions,
): TemplateResult {
  return html`<div class="bar filters">
    ${searchBox(consensus, status, actions)}
    <div class="chips" role="group" aria-label="Events to show">
      ${groupsOf(consensus).map(({ id, name }) => {
        const on = !settings.off.includes(id);
        const off = on ? [...settings.off, id] : settings.off.filter((other) => other !== id);
        return html`<button class="chip" aria-pressed=${on} title="${on ? "Hide" : "Show"} ${name}" @click=${() => actions.set({ off })}>
          <span class="codicon codicon-${on ? "check" : "circle-large-outline"}" aria-hidden="true"></span>${name}
        </button>`;
      })}
    </div>
    ${hiddenLanes(settings, actions.set)}
  </div>`;
}

/** What one may search for. */
const EXAMPLES: Readonly<Record<ConsensusKind, string>> = { raft: "vote", pbft: "prepare", gossip: "rumour" };

function searchBox(consensus: ConsensusKind, status: string, actions: FilterActions): TemplateResult {
  const text = (event: Event): string => {
    const box = (event.currentTarget as HTMLElement).closest(".search")?.querySelector("vscode-textfield");
    return (box?.value ?? "").trim();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter") actions.find(text(event), event.shiftKey);
  };
  const { term } = CONSENSUS[consensus];
  const example = EXAMPLES[consensus];
  const places = [...(term === "" ? [] : [`${term}:3`]), "agent:a2"].join(", ");
  return html`<div class="search" role="search">
    <vscode-textfield
      placeholder="Search events: ${example} a3${term === "" ? "" : ` ${term}:4`}"
      label="Search events"
      title="Words that must all occur; ${places} and kind:${example} match that field. Enter goes to the next older one, Shift+Enter to the newer one."
      @keydown=${onKey}
    ></vscode-textfield>
    <span class="muted status" role="status">${status}</span>
    <button class="icon" title="Next older" aria-label="Next older" @click=${(event: Event) => actions.find(text(event), false)}>
      <span class="codicon codicon-arrow-left" aria-hidden="true"></span>
    </button>
    <button class="icon" title="Next newer" aria-label="Next newer" @click=${(event: Event) => actions.find(text(event), true)}>
      <span class="codicon codicon-arrow-right" aria-hidden="true"></span>
    </button>
  </div>`;
}

function hiddenLanes(settings: RoundsSettings, set: SetSettings): TemplateResult | typeof nothing {
  if (settings.hidden.length === 0) return nothing;
  return html`<div class="chips" role="group" aria-label="Hidden lanes">
    <span class="muted">${plural(settings.hidden.length, "hidden lane")}:</span>
    ${settings.hidden.map(
      (agent) => html`<button
        class="chip"
        title="Show ${agent}"
        @click=${() => set({ hidden: settings.hidden.filter((other) => other !== agent) })}
      >
        <span class="codicon codicon-eye" aria-hidden="true"></span>${agent}
      </button>`,
    )}
  </div>`;
}

interface LegendWords {
  /** null: there are no terms. */
  readonly bars: readonly [leads: string, seeks: string] | null;
  readonly messages: readonly MessageType[];
  readonly kinds: readonly EventKind[];
}

const OF_ALL: readonly EventKind[] = [
  "memberFailed",
  "partitioned",
  "healed",
  "recovered",
  "faultInjected",
  "faultHealed",
  "processEnded",
];

const LEGEND: Readonly<Record<ConsensusKind, LegendWords>> = {
  raft: {
    bars: ["leads", "candidate"],
    messages: [
      "preVote",
      "vote",
      "voteReply",
      "append",
      "appendReply",
      "heartbeat",
      "forward",
      "installSnapshot",
      "timeoutNow",
    ],
    kinds: [
      "electionTimedOut",
      "becameCandidate",
      "becameLeader",
      "steppedDown",
      "votedFor",
      "voteRefused",
      "appended",
      "committed",
      "configurationChanged",
      "snapshotSending",
      "snapshotInstalled",
      "leadershipTransferStarted",
      ...OF_ALL,
    ],
  },
  pbft: {
    bars: ["primary", "view change"],
    messages: [
      "request",
      "prePrepare",
      "prepare",
      "commit",
      "checkpoint",
      "viewChange",
      "newView",
      "status",
      "stateChunk",
    ],
    kinds: [
      "prePrepared",
      "prepared",
      "committed",
      "viewChangeStarted",
      "viewChangeReceived",
      "viewEntered",
      "checkpointTaken",
      "checkpointStable",
      "stateTransferStarted",
      "stateInstalled",
      "disbelieved",
      "equivocation",
      ...OF_ALL,
    ],
  },
  // Its marks have words of their own: GOSSIP_LEGEND.
  gossip: {
    bars: null,
    messages: ["rumour", "broadcast", "digest", "checksum", "ranges", "delta", "state", "stateReply"],
    kinds: ["committed", "snapshotSending", "snapshotInstalled", ...OF_ALL],
  },
};

function barSample(fill: string, hatched: boolean): TemplateResult {
  return html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
    <path d="M0.5 1.5H25.5V10.5H0.5Z" fill=${hatched ? "none" : fill} stroke=${fill}></path>
    <path d=${hatched ? "M0 10L9 1M7 10L16 1M14 10L23 1M21 10L26 5" : ""} fill="none" stroke=${fill} stroke-width="1.6"></path>
  </svg>`;
}

function entries({ consensus, proposals = [] }: LegendSubject, counted: boolean): readonly LegendEntry[] {
  const { bars, messages, kinds } = LEGEND[consensus];
  const cross = html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
    <path d="M1 6H16" stroke=${INK_CSS.muted}></path>
    <path d="M12 2L20 10M20 2L12 10" stroke=${INK_CSS.red} stroke-width="1.8"></path>
  </svg>`;
  const refusal = html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
    <path d="M1 6H21M21 1V11" fill="none" stroke=${INK_CSS.purple} stroke-width="1.8"></path>
  </svg>`;
  const column = (ink: string): TemplateResult =>
    html`<svg class="glyph" width="10" height="12" viewBox="0 0 10 12" aria-hidden="true"><path d="M1 1H9V11H1Z" fill=${ink}></path></svg>`;
  return [
    ...(bars === null
      ? []
      : [
          { sample: barSample(INK_CSS.yellow, false), label: bars[0] },
          { sample: barSample(INK_CSS.purple, true), label: bars[1] },
        ]),
    ...messages.map((type) => ({ sample: messageSample(type), label: kindName(type) })),
    ...(consensus === "gossip" ? [{ sample: styleSample(STALE_RUMOUR), label: "rumour heard before" }] : []),
    ...(consensus === "raft" ? [{ sample: refusal, label: "refusal" }] : []),
    { sample: cross, label: "lost" },
    ...(consensus === "gossip" ? GOSSIP_LEGEND : []).map(glyphEntry),
    ...kinds.map((kind) => ({ sample: glyphSvg(markOfKind(kind)?.glyph ?? []), label: kindName(kind) })),
    ...(proposals.length === 0 ? [] : PROPOSAL_LEGEND).map(glyphEntry),
    ...(counted ? DENSITY_LAYERS : []).map((layer) => ({
      sample: column(INK_CSS[layer.ink]),
      label: layer.name[consensus],
    })),
  ];
}

function glyphEntry({ glyph, label }: { readonly glyph: Glyph; readonly label: string }): LegendEntry {
  return { sample: glyphSvg(glyph), label };
}

type LegendSubject = Pick<SwarmView, "consensus" | "proposals">;

/** Of what this swarm does: only one that votes on proposals has their marks. `counted`: events are drawn as columns, not one by one. */
export function roundsLegend(swarm: LegendSubject, counted: boolean): TemplateResult {
  return legend("Legend", entries(swarm, counted));
}
