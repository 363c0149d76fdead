import { termTitle } from "../../../contract/consensus.ts";
import type { AgentStamp, TimelineEvent } from "../../../contract/timeline.ts";
import type { RecordedEvents } from "../events.ts";
import { eventWords } from "./wording.ts";

/**
 * The JSON object format of Chrome's trace viewer, read by chrome://tracing and https://ui.perfetto.dev ("Trace Event Format", Google). An agent is a process with
 * three lanes: its role as spans, its messages as short slices that arrows (flow events) join, and all else as instants. Times are microseconds since the
 * recording's start.
 */
const Lane = { role: 1, messages: 2, events: 3 } as const;
const LANE_NAMES: readonly (readonly [lane: number, name: string])[] = [
  [Lane.role, "role"],
  [Lane.messages, "messages"],
  [Lane.events, "events"],
];
/** Arrows end at slices; a message takes no time of its own. */
const MESSAGE_US = 1;

export interface TraceEvent {
  readonly name: string;
  /** M: metadata, X: span, i: instant, s and f: start and end of an arrow. */
  readonly ph: "M" | "X" | "i" | "s" | "f";
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly cat?: string;
  readonly dur?: number;
  readonly id?: string;
  /** An arrow ends at the slice around its time. */
  readonly bp?: "e";
  /** An instant is marked in its lane alone. */
  readonly s?: "t";
  readonly args?: Readonly<Record<string, unknown>>;
}

interface RoleSpan {
  readonly role: AgentStamp["role"];
  readonly term: number;
  readonly fromUs: number;
}

/** The document, piece by piece. */
export function* chromeTracePieces(recorded: RecordedEvents): IterableIterator<string> {
  yield `{"displayTimeUnit":"ms","otherData":${JSON.stringify({ program: "agent-mesh", startMs: recorded.startMs })},"traceEvents":[`;
  let separator = "\n";
  for (const event of traceEvents(recorded)) {
    yield separator + JSON.stringify(event);
    separator = ",\n";
  }
  yield "\n]}\n";
}

export function* traceEvents({ events, agents, startMs }: RecordedEvents): IterableIterator<TraceEvent> {
  const pids = new Map(agents.map((agent, place) => [agent, place + 1]));
  for (const [agent, pid] of pids) yield* namesOf(agent, pid);
  const received = new Set(events.flatMap(({ kind, message }) => (kind === "receive" && message ? [message.id] : [])));
  const sent = new Set(events.flatMap(({ kind, id }) => (kind === "send" ? [id] : [])));
  const roles = new Map<string, RoleSpan>();
  let lastUs = 0;
  for (const event of events) {
    const pid = pids.get(event.agent) as number;
    const ts = Math.max(0, (event.hlc.wallMs - startMs) * 1000);
    lastUs = Math.max(lastUs, ts);
    yield* roleSpans(roles, event, pid, ts);
    const arrow = event.kind === "send" ? received.has(event.id) : sent.has(event.message?.id ?? "");
    yield* event.message === undefined ? [instant(event, pid, ts)] : messageSlice(event, pid, ts, arrow);
  }
  for (const [agent, span] of roles) yield spanOf(span, pids.get(agent) as number, lastUs);
}

function* namesOf(agent: string, pid: number): IterableIterator<TraceEvent> {
  yield { name: "process_name", ph: "M", pid, tid: 0, ts: 0, args: { name: agent } };
  yield { name: "process_sort_index", ph: "M", pid, tid: 0, ts: 0, args: { sort_index: pid } };
  for (const [tid, name] of LANE_NAMES) {
    yield { name: "thread_name", ph: "M", pid, tid, ts: 0, args: { name } };
    yield { name: "thread_sort_index", ph: "M", pid, tid, ts: 0, args: { sort_index: tid } };
  }
}

/** A span ends when the role or the term changes, and when the agent starts anew. */
function* roleSpans(
  roles: Map<string, RoleSpan>,
  { agent, state, kind }: TimelineEvent,
  pid: number,
  ts: number,
): IterableIterator<TraceEvent> {
  if (state === undefined) return;
  const span = roles.get(agent);
  if (span !== undefined && span.role === state.role && span.term === state.term && kind !== "started") return;
  if (span !== undefined) yield spanOf(span, pid, ts);
  roles.set(agent, { role: state.role, term: state.term, fromUs: ts });
}

function spanOf({ role, term, fromUs }: RoleSpan, pid: number, toUs: number): TraceEvent {
  const dur = Math.max(0, toUs - fromUs);
  const title = termTitle(role, term);
  return {
    name: title === "" ? role : `${role}, ${title}`,
    ph: "X",
    cat: "role",
    pid,
    tid: Lane.role,
    ts: fromUs,
    dur,
    args: title === "" ? { role } : { role, term },
  };
}

function instant(event: TimelineEvent, pid: number, ts: number): TraceEvent {
  const args = { ...event.fields, id: event.id, ...(event.cause && { cause: event.cause }) };
  return { name: event.kind, ph: "i", s: "t", cat: "event", pid, tid: Lane.events, ts, args };
}

function* messageSlice(event: TimelineEvent, pid: number, ts: number, arrow: boolean): IterableIterator<TraceEvent> {
  const { message, kind, id } = event;
  if (message === undefined) return;
  const place = { pid, tid: Lane.messages, ts };
  const args = { ...message.fields, from: message.from, to: message.to, bytes: message.bytes, id };
  yield {
    name: eventWords({ ...event, message: { ...message, fields: {} } }),
    ph: "X",
    cat: "message",
    dur: MESSAGE_US,
    ...place,
    args,
  };
  if (!arrow) return;
  if (kind === "send") yield { name: message.type, ph: "s", cat: "message", id: message.id, ...place };
  else yield { name: message.type, ph: "f", bp: "e", cat: "message", id: message.id, ...place };
}
