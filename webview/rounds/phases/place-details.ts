/** All that was told of the row that an event belongs to, for the details beside the diagram. */
import { html, type TemplateResult } from "lit";
import { formatDuration } from "../../format.ts";
import { glyphSvg } from "../../glyphs.ts";
import { markOfKind } from "../marks.ts";
import { toldWords } from "./phase-words.ts";
import { type PhaseRow, toldOf } from "./places.ts";

export function placeDetails(row: PhaseRow, selected: string, jump: (event: string) => void): TemplateResult {
  const told = toldOf(row);
  const firstMs = told[0]?.atMs ?? 0;
  const title = row.kind === "place" ? `Sequence ${row.seq}` : `Change to view ${row.view}`;
  return html`<h3>${title}, all agents</h3>
    <ol class="chain place">
      ${told.map(
        (one) => html`<li aria-current=${one.id === selected}>
          <button class="plain" title=${one.id} @click=${() => jump(one.id)}>
            ${glyphSvg(markOfKind(one.kind)?.glyph ?? [], 16)}<span>${one.agent}: ${toldWords(row, one)}</span>
          </button>
          <span class="muted">+${formatDuration(one.atMs - firstMs)}</span>
        </li>`,
      )}
    </ol>`;
}
