/** An event's kind, and for messages its type, as one byte: what filters and counts go by without touching the event. */
import type { EventKind, MessageType, TimelineEvent } from "../../contract/timeline.ts";
import { EVENT_KINDS, MESSAGE_TYPES } from "../../contract/timeline.ts";

const SENT = 128;
const RECEIVED = 192;
export const CODES = 256;

const KIND_CODES = new Map<string, number>(EVENT_KINDS.map((kind, at) => [kind, at]));
const TYPE_CODES = new Map<string, number>(MESSAGE_TYPES.map((type, at) => [type, at]));

export function codeOf(event: TimelineEvent): number {
  if (event.message !== undefined) {
    const type = TYPE_CODES.get(event.message.type) ?? 0;
    if (event.kind === "send") return SENT + type;
    if (event.kind === "receive") return RECEIVED + type;
  }
  return KIND_CODES.get(event.kind) ?? 0;
}

/** The name an event is counted under: a message's type, else the kind. */
export function countName(code: number): string {
  if (code >= RECEIVED) return MESSAGE_TYPES[code - RECEIVED] ?? "receive";
  if (code >= SENT) return MESSAGE_TYPES[code - SENT] ?? "send";
  return EVENT_KINDS[code] ?? "";
}

/** Per code 1 when events of it are shown. */
export function shownCodes(hidden: readonly (EventKind | MessageType)[]): Uint8Array {
  const shown = new Uint8Array(CODES).fill(1);
  for (const name of hidden) {
    const kind = KIND_CODES.get(name);
    if (kind !== undefined) shown[kind] = 0;
    if (name === "send") shown.fill(0, SENT, RECEIVED);
    if (name === "receive") shown.fill(0, RECEIVED);
    const type = TYPE_CODES.get(name);
    if (type !== undefined) {
      shown[SENT + type] = 0;
      shown[RECEIVED + type] = 0;
    }
  }
  return shown;
}

/** Elections, changes of leader and view, proofs of lies, decided proposals, clocks that are not believed, sides of partitions, faults, processes and plans for other links: what a wide view must show one by one. Convergence comes with every write. */
const LANDMARK_KINDS: ReadonlySet<EventKind> = new Set<EventKind>([
  "becameCandidate",
  "becameLeader",
  "steppedDown",
  "configurationChanged",
  "viewChangeStarted",
  "viewEntered",
  "equivocation",
  "proposalDecided",
  "stateInstalled",
  "heldBack",
  "memberFailed",
  "partitioned",
  "healed",
  "recovered",
  "faultInjected",
  "faultHealed",
  "processStarted",
  "processEnded",
  "rewired",
  "promiseBroken",
]);

export function isLandmark(kind: EventKind): boolean {
  return LANDMARK_KINDS.has(kind);
}

export const LANDMARK_CODES = EVENT_KINDS.reduce((codes, kind, at) => {
  if (LANDMARK_KINDS.has(kind)) codes[at] = 1;
  return codes;
}, new Uint8Array(CODES));
