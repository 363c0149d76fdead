/** A chunk's events as bytes: tuples with tables for what repeats (agents' states above all), as JSON, deflated. About 25 bytes an event. */
import { promisify } from "node:util";
import { deflateRaw, inflateRawSync } from "node:zlib";
import type { AgentStamp, Fields, MessageInfo, TimelineEvent } from "../../contract/timeline.ts";
import { EVENT_KINDS, MESSAGE_TYPES } from "../../contract/timeline.ts";

/** type, bytes, fields, from, to, id (null: the event's own; 0: the cause). */
type MessageTuple = readonly [number, number, Fields, number, number, string | null | 0];
/** id, agent, wallMs, counter, kind, cause or null, fields, state or -1, message. */
type EventTuple = readonly [string, number, number, number, number, string | null, Fields, number, MessageTuple | null];

interface Stored {
  readonly agents: readonly string[];
  readonly states: readonly AgentStamp[];
  readonly events: readonly EventTuple[];
}

const KINDS = new Map<string, number>(EVENT_KINDS.map((kind, at) => [kind, at]));
const TYPES = new Map<string, number>(MESSAGE_TYPES.map((type, at) => [type, at]));
const deflate = promisify(deflateRaw);

export async function encodeChunk(events: readonly TimelineEvent[]): Promise<Buffer> {
  return deflate(JSON.stringify(stored(events)), { level: 1 });
}

/** @throws when the bytes are not what encodeChunk made */
export function decodeChunk(bytes: Uint8Array): TimelineEvent[] {
  const { agents, states, events } = JSON.parse(inflateRawSync(bytes).toString("utf8")) as Stored;
  return events.map(([id, agent, wallMs, counter, kind, cause, fields, state, message]) => ({
    id,
    agent: agents[agent]!,
    hlc: { wallMs, counter },
    kind: EVENT_KINDS[kind]!,
    ...(cause === null ? {} : { cause }),
    ...(message === null ? {} : { message: messageOf(message, id, cause, agents) }),
    fields,
    ...(state === -1 ? {} : { state: states[state]! }),
  }));
}

function messageOf(
  [type, bytes, fields, from, to, own]: MessageTuple,
  id: string,
  cause: string | null,
  agents: readonly string[],
): MessageInfo {
  const messageId = own === null ? id : own === 0 ? cause! : own;
  return { id: messageId, type: MESSAGE_TYPES[type]!, from: agents[from]!, to: agents[to]!, bytes, fields };
}

function stored(events: readonly TimelineEvent[]): Stored {
  const agents = new Table<string, string>((agent) => agent);
  const states = new Table<AgentStamp, AgentStamp | string>((state) => JSON.stringify(state));
  return {
    events: events.map((event): EventTuple => {
      const { message, cause = null } = event;
      const own = message === undefined || message.id === event.id ? null : message.id === cause ? 0 : message.id;
      return [
        event.id,
        agents.place(event.agent),
        event.hlc.wallMs,
        event.hlc.counter,
        KINDS.get(event.kind)!,
        cause,
        event.fields,
        event.state === undefined ? -1 : states.place(event.state),
        message === undefined
          ? null
          : [
              TYPES.get(message.type)!,
              message.bytes,
              message.fields,
              agents.place(message.from),
              agents.place(message.to),
              own,
            ],
      ];
    }),
    agents: agents.items,
    states: states.items,
  };
}

class Table<T, K> {
  readonly items: T[] = [];
  readonly #places = new Map<K, number>();
  readonly #keyOf: (item: T) => K;

  constructor(keyOf: (item: T) => K) {
    this.#keyOf = keyOf;
  }

  place(item: T): number {
    const key = this.#keyOf(item);
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.items.push(item) - 1;
      this.#places.set(key, place);
    }
    return place;
  }
}
