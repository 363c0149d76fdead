import type { ClientRequest } from "../contract/client.ts";
import { type Aggregating, isAggregateRequest } from "./aggregating.ts";
import type { Clients } from "./clients.ts";
import { isMemberRequest, type MemberOperations } from "./members.ts";
import { isMemoryRequest } from "./memory-replica.ts";
import type { Side } from "./side.ts";
import type { World } from "./world.ts";

export interface DesksParts {
  readonly clients: Clients;
  /** Where the memory does not go through the consensus. */
  readonly memory: Clients | undefined;
  readonly members: MemberOperations;
  readonly aggregating: Aggregating;
}

/** Whom clients ask, in the order in which they answer. */
export class Desks {
  readonly #parts: DesksParts;
  readonly #all: readonly (Clients | MemberOperations | Aggregating)[];

  constructor(parts: DesksParts) {
    const { clients, memory, members, aggregating } = parts;
    this.#parts = parts;
    this.#all = memory === undefined ? [clients, members, aggregating] : [clients, memory, members, aggregating];
  }

  request(connection: number, request: ClientRequest, now: number): void {
    const { clients, memory, members, aggregating } = this.#parts;
    if (isMemberRequest(request)) members.request(connection, request, now);
    else if (isAggregateRequest(request)) aggregating.request(connection, request, now);
    else if (memory !== undefined && isMemoryRequest(request)) memory.request(connection, request, now);
    else clients.request(connection, request, now);
  }

  gone(connection: number): void {
    for (const desk of this.#all) desk.gone(connection);
  }

  stop(): void {
    for (const desk of this.#all) desk.stop();
  }

  /** Each one's, where it has any, marked by the side that the agent is on. */
  giveReplies(world: Pick<World, "reply">, side: Pick<Side, "marked">): void {
    for (const desk of this.#all) {
      const replies = desk.takeReplies();
      if (replies.length > 0) world.reply(side.marked(replies));
    }
  }
}
