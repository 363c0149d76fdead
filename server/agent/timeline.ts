import type { AgentStamp, EventId, EventKind, Fields, Hlc, TimelineEvent } from "../contract/timeline.ts";
import type { AgentId } from "../core/consensus.ts";
import type { HybridClock } from "./clock.ts";
import { type AgentMessage, messageFields } from "./consensus/messages.ts";
import type { World } from "./world.ts";

/** A consensus message of which a timeline speaks. */
export interface Travelling {
  readonly from: AgentId;
  readonly to: AgentId;
  readonly message: AgentMessage;
  readonly bytes: number;
}

/**
 * Tells the world what happens, event by event. Numbers and stamps go on whether or not anybody watches, so that what an agent sends does not
 * depend on it; the events themselves are only made for someone.
 */
export class Timeline {
  readonly #world: World;
  readonly #clock: HybridClock;
  readonly #agent: AgentId;
  readonly #life: string;
  readonly #stamp: () => AgentStamp;
  #sequence = 0;

  /** @param stamp what the agent is at present. */
  constructor(world: World, agent: AgentId, incarnation: number, clock: HybridClock, stamp: () => AgentStamp) {
    this.#world = world;
    this.#clock = clock;
    this.#agent = agent;
    this.#life = `${agent}.${incarnation}:`;
    this.#stamp = stamp;
  }

  /** @returns the event's id, to be the cause of what follows from it. */
  record(kind: EventKind, now: number, cause: EventId | undefined, fields: Fields): EventId {
    const id = this.#life + ++this.#sequence;
    const hlc = this.#clock.tick(now);
    if (this.#watched("others")) {
      const agent = this.#agent;
      const state = this.#stamp();
      this.#world.observe(
        cause === undefined ? { id, agent, hlc, kind, fields, state } : { id, agent, hlc, kind, fields, state, cause },
      );
    }
    return id;
  }

  /** @returns the sequence number of the event, to travel with the message. */
  sent(travelling: Travelling, now: number, cause: EventId | undefined): number {
    const sequence = ++this.#sequence;
    const hlc = this.#clock.tick(now);
    if (this.#watched("messages")) {
      const id = this.#life + sequence;
      this.#message("send", id, id, travelling, hlc, cause);
    }
    return sequence;
  }

  /** @param incarnation of the agent that the message is from. @param sequence of its `send` event there. */
  received(travelling: Travelling, incarnation: number, sequence: number, now: number): EventId {
    const id = this.#life + ++this.#sequence;
    const hlc = this.#clock.tick(now);
    if (!this.#watched("messages")) return id;
    const sendId = `${travelling.from}.${incarnation}:${sequence}`;
    this.#message("receive", id, sendId, travelling, hlc, sendId);
    return id;
  }

  #message(
    kind: "send" | "receive",
    id: EventId,
    messageId: EventId,
    { from, to, message, bytes }: Travelling,
    hlc: Hlc,
    cause: EventId | undefined,
  ): void {
    const info = { id: messageId, type: message.type, from, to, bytes, fields: messageFields(message) };
    const event: TimelineEvent = {
      id,
      agent: this.#agent,
      hlc,
      kind,
      message: info,
      fields: {},
      state: this.#stamp(),
    };
    this.#world.observe(cause === undefined ? event : { ...event, cause });
  }

  #watched(sort: "messages" | "others"): boolean {
    return this.#world.observing === undefined || this.#world.observing(sort);
  }
}
