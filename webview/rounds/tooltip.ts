/** What is under the pointer, in a few words beside it. */
import { html, nothing, type TemplateResult } from "lit";
import { formatBytes, formatClock } from "../format.ts";
import { eventSample, roleAndTerm } from "./event-details.ts";
import type { Hit } from "./hit.ts";
import { describe, fieldText, kindName } from "./kinds.ts";
import { messageSample, STALE_RUMOUR, styleSample } from "./marks.ts";
import { arrowEnd } from "./passage.ts";
import type { Arrow } from "./placed.ts";

const WIDTH_PX = 260;
const HEIGHT_PX = 92;

/** x and y: the pointer in the plot, whose size is `room`. The tooltip stays inside. */
export function tooltip(
  found: Hit,
  x: number,
  y: number,
  room: { readonly width: number; readonly height: number },
): TemplateResult | typeof nothing {
  if (found.kind === "none") return nothing;
  const width = Math.min(WIDTH_PX, room.width - 8);
  const left = Math.max(4, Math.min(x + 14, room.width - width - 4));
  const top = y + 18 + HEIGHT_PX > room.height ? Math.max(4, y - HEIGHT_PX - 8) : y + 18;
  return html`<div class="card tooltip" role="tooltip" .style=${`left:${left}px;top:${top}px;max-width:${width}px`}>
    ${found.kind === "event" ? eventWords(found) : arrowWords(found.arrow)}
  </div>`;
}

function eventWords({ event }: Extract<Hit, { kind: "event" }>): TemplateResult {
  const state = event.state === undefined ? "" : `${roleAndTerm(event.state)}, commit ${event.state.commit}`;
  return html`<b>${eventSample(event)} ${event.agent}: ${describe(event)}</b>
    <div class="muted">${formatClock(event.hlc.wallMs)}${state === "" ? "" : `, then ${state}`}</div>`;
}

function arrowWords(arrow: Arrow): TemplateResult {
  const { message, fromMs } = arrow;
  const fields = Object.entries(message.fields).map(([name, value]) => `${name} ${fieldText(value)}`);
  const sample = arrow.stale ? styleSample(STALE_RUMOUR) : messageSample(message.type);
  return html`<b>${sample} ${kindName(message.type)} ${message.from} → ${message.to}</b>
    <div class="muted">${formatClock(fromMs)}, ${arrowEnd(arrow)}${arrow.stale ? ", heard before" : ""}, ${formatBytes(message.bytes)}</div>
    ${fields.length === 0 ? nothing : html`<div>${fields.join(", ")}</div>`}`;
}
