/** One event, whole: what happened, when, why (its causes), what came of it, its message (and what can be done to such messages), and the agent's state after it. */
import "@vscode-elements/elements/dist/vscode-button/index.js";
import { html, nothing, type TemplateResult } from "lit";
import { CONSENSUS, kindOfRole, roleTitle, termTitle } from "../../server/contract/consensus.ts";
import type { MessageAction } from "../../server/contract/faults.ts";
import type { AgentStamp, Fields, MessageInfo, TimelineEvent } from "../../server/contract/timeline.ts";
import { toolButton } from "../elements/toolbar.ts";
import { capital, formatBytes, formatClock, formatDuration } from "../format.ts";
import { glyphSvg } from "../glyphs.ts";
import { describe, fieldText, kindName } from "./kinds.ts";
import { markOf, messageSample } from "./marks.ts";
import type { Passage } from "./passage.ts";

export interface EventStory {
  readonly event: TimelineEvent;
  /** Oldest first, the direct cause last. */
  readonly causes: readonly TimelineEvent[];
  readonly effects: readonly TimelineEvent[];
}

export interface EventActions {
  readonly jump: (event: TimelineEvent) => void;
  /** Something shall befall such messages; action absent: the person is asked what. */
  readonly inject: (message: MessageInfo, action?: MessageAction["action"]) => void;
  readonly close: () => void;
}

/**
 * @param passage null where the event neither sends nor receives
 * @param place what else was told of its place in the order, if that is shown
 * @param context for VS Code's context menu
 */
export function eventDetails(
  story: EventStory,
  passage: Passage | null,
  place: TemplateResult | typeof nothing,
  context: string,
  actions: EventActions,
): TemplateResult {
  const { event, causes, effects } = story;
  return html`<aside class="card event-details" aria-label="Event ${event.id}" data-vscode-context=${context}>
    <header>
      ${eventSample(event)}<h2>${event.agent}: ${describe(event)}</h2>
      ${toolButton({ icon: "close", label: "Close the details", run: actions.close })}
    </header>
    <dl class="facts">
      <dt>When</dt><dd>${formatClock(event.hlc.wallMs)}</dd>
      <dt>Clock (HLC)</dt><dd>${Number(event.hlc.wallMs.toFixed(3))} ms, count ${event.hlc.counter}</dd>
      <dt>Event</dt><dd>${event.id}</dd>
      ${fieldFacts(fieldsOf(event))}
    </dl>
    ${messageFacts(event, passage, actions)} ${place} ${stateFacts(event.state)}
    ${eventList("Because of", causes, "Nothing caused it: a timer, or a person.", event, actions)}
    ${eventList("Led to", effects, "Nothing is recorded that it led to.", event, actions)}
  </aside>`;
}

/** The mark or the line of an event, as the diagram draws it. */
export function eventSample(event: TimelineEvent): TemplateResult | typeof nothing {
  if (event.message !== undefined) return messageSample(event.message.type);
  const mark = markOf(event);
  return mark === undefined ? nothing : glyphSvg(mark.glyph, 16);
}

/** Of a kind of consensus without terms the field is not told: it is 0, and says nothing. */
function fieldsOf({ fields, state }: TimelineEvent): Fields {
  if (state === undefined || CONSENSUS[kindOfRole(state.role)].term !== "") return fields;
  const { term: _, ...told } = fields;
  return told;
}

function fieldFacts(fields: Fields): readonly TemplateResult[] {
  return Object.entries(fields).map(([name, value]) =>
    name === "untilMs"
      ? html`<dt>until</dt><dd>${formatClock(Number(value))}</dd>`
      : html`<dt>${name}</dt><dd>${value === "" ? html`<span class="muted">none</span>` : fieldText(value)}</dd>`,
  );
}

const ACTIONS: readonly (readonly [action: MessageAction["action"], name: string])[] = [
  ["drop", "Drop"],
  ["delay", "Delay"],
  ["corrupt", "Corrupt"],
  ["duplicate", "Duplicate"],
];

function messageFacts(
  { message }: TimelineEvent,
  passage: Passage | null,
  actions: EventActions,
): TemplateResult | typeof nothing {
  if (message === undefined) return nothing;
  return html`<h3>Message</h3>
    <dl class="facts">
      <dt>Type</dt><dd>${kindName(message.type)}</dd>
      <dt>Way</dt><dd>${message.from} → ${message.to}</dd>
      <dt>Size</dt><dd>${formatBytes(message.bytes)}</dd>
      ${passage === null ? nothing : html`<dt>Passage</dt><dd>${passage.end}</dd>`}
      ${(passage?.faults ?? []).map((title) => html`<dt>Fault then</dt><dd>${title}</dd>`)}
      ${fieldFacts(message.fields)}
    </dl>
    <div class="actions" role="group" aria-label="Such messages: ${kindName(message.type)}, ${message.from} → ${message.to}">
      ${ACTIONS.map(
        ([action, name]) =>
          html`<vscode-button secondary title="${name} such messages" @click=${() => actions.inject(message, action)}>${name}…</vscode-button>`,
      )}
      <vscode-button secondary @click=${() => actions.inject(message)}>Inject Failure…</vscode-button>
    </div>`;
}

/** "leader, term 3"; "peer" where there are no terms. */
export function roleAndTerm({ role, term }: AgentStamp): string {
  return [roleTitle(role), termTitle(role, term)].filter((part) => part !== "").join(", ");
}

function stateFacts(state: AgentStamp | undefined): TemplateResult | typeof nothing {
  if (state === undefined) return nothing;
  const { leader } = CONSENSUS[kindOfRole(state.role)];
  return html`<h3>Its state after that</h3>
    <dl class="facts">
      <dt>Role</dt><dd>${roleAndTerm(state)}</dd>
      ${leader === "" ? nothing : html`<dt>${capital(leader)}</dt><dd>${state.leader === "" ? "none known" : state.leader}</dd>`}
      <dt>Log</dt><dd>last ${state.lastIndex}, commit ${state.commit}, applied ${state.applied}</dd>
    </dl>`;
}

function eventList(
  title: string,
  events: readonly TimelineEvent[],
  none: string,
  origin: TimelineEvent,
  actions: EventActions,
): TemplateResult {
  if (events.length === 0) return html`<h3>${title}</h3><p class="muted">${none}</p>`;
  const link = (event: TimelineEvent): TemplateResult => {
    const difference = event.hlc.wallMs - origin.hlc.wallMs;
    const when = difference === 0 ? "same ms" : `${difference > 0 ? "+" : "−"}${formatDuration(Math.abs(difference))}`;
    return html`<li>
      <button class="plain" title=${event.id} @click=${() => actions.jump(event)}>
        ${eventSample(event)}<span>${event.agent}: ${describe(event)}</span>
      </button>
      <span class="muted">${when}</span>
    </li>`;
  };
  return html`<h3>${title}</h3><ol class="chain">${events.map(link)}</ol>`;
}
