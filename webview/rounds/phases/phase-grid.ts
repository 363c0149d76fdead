/** The three phases as a grid: a row a sequence number, a column an agent, in each cell how far that agent came; and a row for each view change between them. */
import { html, nothing, svg, type TemplateResult } from "lit";
import type { TableColumn } from "../../elements/data-table.ts";
import "../../elements/data-table.ts";
import { plural } from "../../format.ts";
import { type Glyph, glyphSvg } from "../../glyphs.ts";
import { INK_CSS } from "../../theme.ts";
import { troubleGlyph } from "../../troubles.ts";
import { markOfKind } from "../marks.ts";
import {
  againWords,
  cellTitle,
  divergenceWords,
  lieWords,
  quorumTitle,
  quorumWords,
  requestsWords,
  shortDigest,
  viewChangeWords,
} from "./phase-words.ts";
import { keyEvent, PHASES, type PhaseRow, type Place, type ViewChangeRow } from "./places.ts";
import { phasesOf, summaryOf, viewChangeOf } from "./summary.ts";

export interface PhaseGridOptions {
  /** Newest first. */
  readonly rows: readonly PhaseRow[];
  /** Whether there are older ones that were not fetched, and whether there is no room for them. */
  readonly older: boolean;
  readonly full: boolean;
  /** The columns: the shown lanes, in their order. */
  readonly agents: readonly string[];
  readonly quorum: number;
  /** The row of the selected event; "" for none. */
  readonly selected: string;
  readonly choose: (event: string) => void;
  /** The person comes to the oldest row. */
  readonly more: () => void;
}

export function phaseGrid(options: PhaseGridOptions): TemplateResult {
  const { rows, older, full, agents, quorum, selected } = options;
  const places = rows.reduce((count, { kind }) => (kind === "place" ? count + 1 : count), 0);
  const count = plural(places, "sequence number");
  const rest = full ? "; older ones are left out" : older ? "; scroll for older ones" : "";
  const choose = (key: string): void => {
    const row = rows.find((one) => one.key === key);
    const event = row === undefined ? undefined : keyEvent(row);
    if (event !== undefined) options.choose(event);
  };
  return html`<section class="phases" aria-label="Phases">
    ${SYMBOLS}
    <am-table
      caption="Phases: ${count}, newest first${rest}"
      grid
      anchored
      .columns=${columnsFor(agents, quorum)}
      .items=${rows}
      .keyOf=${keyOf}
      .classOf=${classOf}
      .selected=${selected}
      emptyText="Nothing has been proposed yet in this stretch of time."
      @row-select=${(event: CustomEvent<string>) => choose(event.detail)}
      @near-end=${options.more}
    ></am-table>
  </section>`;
}

function keyOf(row: PhaseRow): string {
  return row.key;
}

function classOf(row: PhaseRow): string {
  if (row.kind === "view") return "view-change";
  const { lies, decided } = summaryOf(row);
  return lies.length > 0 || decided.length > 1 ? "lie" : "";
}

function columnsFor(agents: readonly string[], quorum: number): readonly TableColumn<PhaseRow>[] {
  return [
    column(
      "seq",
      "Sequence",
      (place) => String(place.seq),
      () => "view change",
    ),
    column(
      "view",
      "View",
      (place) => String(summaryOf(place).view),
      (row) => String(row.view),
    ),
    ...agents.map(
      (agent): TableColumn<PhaseRow> => ({
        id: `agent-${agent}`,
        title: agent,
        text: (row) => cellTitle(row, agent),
        content: (row) => cell(row, agent),
      }),
    ),
    {
      ...column(
        "quorum",
        `Quorum of ${quorum}`,
        (place) => quorumWords(summaryOf(place), quorum),
        (row) => viewChangeWords(viewChangeOf(row)),
      ),
      content: (row) => (row.kind === "place" ? quorumCell(row, quorum) : html`${viewChangeWords(viewChangeOf(row))}`),
    },
    {
      ...column(
        "digest",
        "Batch",
        (place) => summaryOf(place).digest,
        () => "",
      ),
      content: (row) => (row.kind === "place" ? digestCell(summaryOf(row).digest) : html``),
    },
    {
      ...column(
        "requests",
        "Requests",
        (place) => requestsWords(summaryOf(place).requests),
        () => "",
      ),
      numeric: true,
    },
    {
      ...column(
        "notes",
        "Notes",
        (place) => notesOf(place).join("; "),
        () => "",
      ),
      content: (row) => (row.kind === "place" ? notesCell(row) : html``),
    },
  ];
}

function column(
  id: string,
  title: string,
  ofPlace: (place: Place) => string,
  ofView: (row: ViewChangeRow) => string,
): TableColumn<PhaseRow> {
  return { id, title, text: (row) => (row.kind === "place" ? ofPlace(row) : ofView(row)) };
}

function quorumCell(place: Place, quorum: number): TemplateResult {
  const summary = summaryOf(place);
  return html`<span title=${quorumTitle(summary, quorum)}>${quorumWords(summary, quorum)}</span>`;
}

function digestCell(digest: string): TemplateResult {
  return html`<code title="The first bytes of the batch's digest: ${digest}">${shortDigest(digest)}</code>`;
}

function notesOf(place: Place): readonly string[] {
  const summary = summaryOf(place);
  const lies = summary.lies.map(lieWords);
  return [divergenceWords(summary.decided), ...lies, againWords(summary)].filter((note) => note !== "");
}

function notesCell(place: Place): TemplateResult {
  const { lies, decided } = summaryOf(place);
  const mask = lies.length > 0 || decided.length > 1 ? glyphSvg(troubleGlyph("liar"), 14) : nothing;
  const notes = notesOf(place).join("; ");
  return html`<span title=${notes}>${mask} ${notes}</span>`;
}

function cell(row: PhaseRow, agent: string): TemplateResult {
  const liar = row.kind === "place" && summaryOf(row).lies.some(({ culprit }) => culprit === agent);
  return html`<span class="came" title=${cellTitle(row, agent)}>
    ${track(row.kind === "place" ? placeTrack(row, agent) : viewTrack(row, agent))}
    ${liar ? glyphSvg(troubleGlyph("liar"), 14) : nothing}
    <span class="sr-only">${cellTitle(row, agent)}</span>
  </span>`;
}

const SLOTS = [...PHASES, "viewChangeStarted", "viewEntered"] as const;
type Slot = (typeof SLOTS)[number];

type Track = readonly { readonly slot: Slot; readonly reached: boolean }[];

function placeTrack(place: Place, agent: string): Track {
  const reached = phasesOf(place, agent);
  return PHASES.map((slot) => ({ slot, reached: reached.has(slot) }));
}

function viewTrack({ gaveUp, entered }: ViewChangeRow, agent: string): Track {
  const isOfAgent = (told: { readonly agent: string }): boolean => told.agent === agent;
  return [
    { slot: "viewChangeStarted", reached: gaveUp.some(isOfAgent) },
    { slot: "viewEntered", reached: entered.some(isOfAgent) },
  ];
}

const SLOT_PX = 18;
const MARK_PX = 16;

/** The marks that the diagram draws, side by side; a dot where the agent did not come. */
function track(slots: Track): TemplateResult {
  const width = SLOT_PX * slots.length;
  return html`<svg class="glyph track" width=${width} height=${MARK_PX} aria-hidden="true" focusable="false">
    ${slots.map(({ slot, reached }, i) => svg`<use href=${reached ? `#phase-${slot}` : "#phase-none"} x=${i * SLOT_PX} y="0" width=${MARK_PX} height=${MARK_PX}></use>`)}
  </svg>`;
}

/** Each mark is described once in the page: a grid shows hundreds of them. */
const SYMBOLS = html`<svg width="0" height="0" aria-hidden="true" focusable="false">
  ${SLOTS.map((slot) => symbol(slot, markOfKind(slot)?.glyph ?? []))}
  ${symbol("none", [{ d: "M-0.16 0A0.16 0.16 0 1 1 0.16 0A0.16 0.16 0 1 1 -0.16 0Z", fill: "muted" }])}
</svg>`;

function symbol(name: string, glyph: Glyph): TemplateResult {
  return svg`<symbol id="phase-${name}" viewBox="-1.35 -1.35 2.7 2.7">
    ${glyph.map(
      (part) => svg`<path d=${part.d} fill=${part.fill === undefined ? "none" : INK_CSS[part.fill]}
        stroke=${part.stroke === undefined ? "none" : INK_CSS[part.stroke]} stroke-width=${part.width ?? 0.15} stroke-linejoin="round"></path>`,
    )}
  </symbol>`;
}
