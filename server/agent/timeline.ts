import type { AgentStamp, EventId, EventKind, Fields, Hlc, TimelineEvent } from "../contract/timeline.ts";
import type { AgentId } from "../core/consensus.ts";
import type { HybridClock } from "./clock.ts";
import { type AgentMessage, messageFields } from "./consensus/messages.ts";
import type { World } from "./world.ts";

/** An event that another follows from: by its number where it is one of the same life, as most ids are never asked for; else by its id. */
export type Cause = EventId | number;

/** What events bear instead of ids where nobody asks which is which. */
const ANY: EventId = "";

/** A consensus message of which a timeline speaks. */
interface Travelling {
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

  /** @returns the event's number, to be the cause of what follows from it. */
  record(kind: EventKind, now: number, from: Cause | undefined, fields: Fields): number {
    const sequence = ++this.#sequence;
    if (!this.#watched("others")) {
      this.#clock.pass(now);
      return sequence;
    }
    const hlc = this.#clock.tick(now);
    const agent = this.#agent;
    const state = this.#stamp();
    if (!this.#watched("identities")) {
      this.#world.observe({ id: ANY, agent, hlc, kind, fields, state });
      return sequence;
    }
    const id = this.#life + sequence;
    const cause = this.#idOf(from);
    this.#world.observe(
      cause === undefined ? { id, agent, hlc, kind, fields, state } : { id, agent, hlc, kind, fields, state, cause },
    );
    return sequence;
  }

  /** @param bytes of the message, encoded. @returns the sequence number of the event, to travel with the message. */
  sent(to: AgentId, message: AgentMessage, bytes: number, now: number, cause: Cause | undefined): number {
    const sequence = ++this.#sequence;
    if (!this.#watched("messages")) {
      this.#clock.pass(now);
      return sequence;
    }
    const id = this.#life + sequence;
    const travelling = { from: this.#agent, to, message, bytes };
    this.#message("send", id, id, travelling, this.#clock.tick(now), this.#idOf(cause));
    return sequence;
  }

  /** @param incarnation of the agent that the message is from. @param sent the number of its `send` event there. @returns the number of the receipt. */
  received(
    from: AgentId,
    message: AgentMessage,
    bytes: number,
    incarnation: number,
    sent: number,
    now: number,
  ): number {
    const sequence = ++this.#sequence;
    if (!this.#watched("messages")) {
      this.#clock.pass(now);
      return sequence;
    }
    const sendId = `${from}.${incarnation}:${sent}`;
    const travelling = { from, to: this.#agent, message, bytes };
    this.#message("receive", this.#life + sequence, sendId, travelling, this.#clock.tick(now), sendId);
    return sequence;
  }

  #idOf(cause: Cause | undefined): EventId | undefined {
    return typeof cause === "number" ? this.#life + cause : cause;
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

  #watched(sort: Parameters<NonNullable<World["observing"]>>[0]): boolean {
    return this.#world.observing === undefined || this.#world.observing(sort);
  }
}
