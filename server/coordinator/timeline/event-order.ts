/** Event ids taken apart, and the one order of all events: by hybrid logical clock, which never contradicts causality. */
import type { EventId, TimelineEvent } from "../../contract/timeline.ts";

export interface ParsedId {
  /** `<agent>.<incarnation>`: one life of an agent. */
  readonly life: string;
  readonly sequence: number;
}

const MAX_SEQUENCE = 2 ** 32 - 1;

/** undefined when it is not the id of an event. */
export function parseId(id: EventId): ParsedId | undefined {
  const colon = id.lastIndexOf(":");
  const dot = id.lastIndexOf(".", colon);
  if (dot < 1 || colon < dot + 2) return undefined;
  const sequence = Number(id.slice(colon + 1));
  if (!Number.isInteger(sequence) || sequence < 0 || sequence > MAX_SEQUENCE || colon + 1 === id.length)
    return undefined;
  return { life: id.slice(0, colon), sequence };
}

/** Total: events of equal stamps are ordered by their ids. */
export function compareEvents(a: TimelineEvent, b: TimelineEvent): number {
  return a.hlc.wallMs - b.hlc.wallMs || a.hlc.counter - b.hlc.counter || compareIds(a.id, b.id);
}

function compareIds(a: EventId, b: EventId): number {
  if (a === b) return 0;
  const left = parseId(a);
  const right = parseId(b);
  if (left !== undefined && right !== undefined && left.life === right.life) return left.sequence - right.sequence;
  return a < b ? -1 : 1;
}
