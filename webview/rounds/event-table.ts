/** The diagram in words: the events in sight, or, where they are too many to list, how many of each kind every agent had. */
import { html, type TemplateResult } from "lit";
import { CONSENSUS, CONSENSUS_KINDS, type ConsensusKind, roleTitle } from "../../server/contract/consensus.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import type { TableColumn } from "../elements/data-table.ts";
import "../elements/data-table.ts";
import { capital, compareIds, formatClock, formatNumber, plural } from "../format.ts";
import { eventSample } from "./event-details.ts";
import { describe, groupOf, groupsOf } from "./kinds.ts";
import { firstAt, type PlacedWindow } from "./placed.ts";
import type { TimeSpan } from "./time-axis.ts";

function eventColumns(consensus: ConsensusKind): readonly TableColumn<TimelineEvent>[] {
  const { term } = CONSENSUS[consensus];
  return [
    {
      id: "time",
      title: "Time",
      text: (event) => formatClock(event.hlc.wallMs),
      sort: (event) => event.hlc.wallMs + event.hlc.counter / 1e6,
    },
    { id: "agent", title: "Agent", text: (event) => event.agent, sort: (event) => event.agent },
    {
      id: "event",
      title: "Event",
      text: describe,
      sort: describe,
      content: (event) => html`${eventSample(event)} ${describe(event)}`,
    },
    ...(term === "" ? [] : termColumns(term)),
    { id: "cause", title: "Cause", text: (event) => event.cause ?? "–" },
    { id: "id", title: "Id", text: (event) => event.id },
  ];
}

/** Where nobody leads all have one role, always. */
function termColumns(term: string): readonly TableColumn<TimelineEvent>[] {
  return [
    {
      id: "term",
      title: capital(term),
      numeric: true,
      text: (event) => formatNumber(event.state?.term ?? null),
      sort: (event) => event.state?.term ?? null,
    },
    { id: "role", title: "Role", text: roleOf, sort: (event) => event.state?.role ?? null },
  ];
}

function roleOf({ state }: TimelineEvent): string {
  return state === undefined ? "–" : roleTitle(state.role);
}

/** Made once: a table is sorted anew where its columns are others. */
const EVENT_COLUMNS = eachKind(eventColumns);

function eachKind<T>(of: (consensus: ConsensusKind) => T): Readonly<Record<ConsensusKind, T>> {
  return Object.fromEntries(CONSENSUS_KINDS.map((kind) => [kind, of(kind)])) as Record<ConsensusKind, T>;
}

interface Count {
  readonly agent: string;
  readonly total: number;
  readonly groups: ReadonlyMap<string, number>;
}

function countColumns(consensus: ConsensusKind): readonly TableColumn<Count>[] {
  return [
    { id: "agent", title: "Agent", text: (count) => count.agent, sort: (count) => count.agent },
    {
      id: "total",
      title: "Events",
      numeric: true,
      text: (count) => formatNumber(count.total),
      sort: (count) => count.total,
    },
    ...groupsOf(consensus).map(
      ({ id, name }): TableColumn<Count> => ({
        id,
        title: name,
        numeric: true,
        text: (count) => formatNumber(count.groups.get(id) ?? 0),
        sort: (count) => count.groups.get(id) ?? 0,
      }),
    ),
  ];
}

const COUNT_COLUMNS = eachKind(countColumns);

export function eventTable(
  consensus: ConsensusKind,
  window: PlacedWindow | null,
  span: TimeSpan,
  selected: string,
  choose: (id: string) => void,
  contextOf: (event: TimelineEvent) => string,
): TemplateResult {
  if (window !== null && !window.complete) return countTable(consensus, window, span);
  const events = window === null ? [] : window.events.slice(firstAt(window, span.fromMs), firstAt(window, span.toMs));
  return html`<am-table
    class="events"
    caption=${plural(events.length, "event")}
    .columns=${EVENT_COLUMNS[consensus]}
    .items=${events}
    .keyOf=${idOf}
    .contextOf=${contextOf}
    .selected=${selected}
    emptyText="No event in this stretch of time (or none that the filters let through)."
    @row-select=${(event: CustomEvent<string>) => choose(event.detail)}
  ></am-table>`;
}

function countTable(consensus: ConsensusKind, window: PlacedWindow, span: TimeSpan): TemplateResult {
  const counts = new Map<string, { total: number; groups: Map<string, number> }>();
  for (const bucket of window.buckets) {
    const atMs = window.fromMs + bucket.column * window.bucketMs;
    if (atMs + window.bucketMs < span.fromMs || atMs > span.toMs) continue;
    const count = counts.get(bucket.agent) ?? { total: 0, groups: new Map<string, number>() };
    counts.set(bucket.agent, count);
    count.total += bucket.count;
    for (const [kind, number] of Object.entries(bucket.kinds)) {
      const group = groupOf(kind) ?? "requests";
      count.groups.set(group, (count.groups.get(group) ?? 0) + number);
    }
  }
  const items: Count[] = [...counts].map(([agent, count]) => ({ agent, ...count }));
  items.sort((a, b) => compareIds(a.agent, b.agent));
  const total = items.reduce((sum, count) => sum + count.total, 0);
  return html`<am-table
    class="counts"
    caption="${plural(total, "event")}, counted: zoom in to list them"
    .columns=${COUNT_COLUMNS[consensus]}
    .items=${items}
    .keyOf=${agentOf}
    emptyText="No event in this stretch of time (or none that the filters let through)."
  ></am-table>`;
}

function idOf(event: TimelineEvent): string {
  return event.id;
}

function agentOf(count: Count): string {
  return count.agent;
}
