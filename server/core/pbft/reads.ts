import type { AgentId } from "../consensus.ts";
import { MAX_READ_REQUESTS } from "./limits.ts";
import type { RequestPool } from "./requests.ts";
import type { PbftState } from "./state.ts";
import type { PbftMessage } from "./types.ts";

interface Asked {
  readonly replies: Map<AgentId, number>;
  /** The place up to which all is to be executed, once a quorum has answered. */
  upTo: number | undefined;
  /** When the question is put again, ms. */
  againMs: number;
  /** When it is given up and the read ordered as a request, ms. */
  orderMs: number;
}

/**
 * Reads without an order (OSDI '99, §4.6: the read-only optimisation), in the form that the agents need: not the answer comes from 2f+1 replicas, but the place up to which this one must have
 * executed. Each of a quorum says what was prepared with it when it was asked. Whatever was decided before was prepared by a quorum, and one honest replica is in both: the highest of what
 * they say is far enough. A liar can say too much, and the place does not come: then the read is ordered like a write, which is the fallback of the paper.
 */
export class Reads {
  readonly #state: PbftState;
  readonly #requests: RequestPool;
  readonly #asked = new Map<number, Asked>();
  #fresh: number[] = [];

  constructor(state: PbftState, requests: RequestPool) {
    this.#state = state;
    this.#requests = requests;
  }

  read(readId: number): void {
    this.#fresh.push(readId);
  }

  /** Asks for all that were begun in this turn, and answers those that are far enough. */
  step(now: number): void {
    if (this.#fresh.length > 0) {
      const { viewTimeoutMs, heartbeatMs } = this.#state.config;
      for (const readId of this.#fresh) {
        const replies = new Map([[this.#state.id, this.#prepared]]);
        const [againMs, orderMs] = [now + 2 * heartbeatMs, now + viewTimeoutMs / 2];
        this.#asked.set(readId, { replies, upTo: undefined, againMs, orderMs });
      }
      this.#ask(this.#fresh);
      this.#fresh = [];
    }
    for (const [readId, { upTo }] of this.#asked) {
      if (upTo === undefined || upTo > this.#state.executed) continue;
      this.#asked.delete(readId);
      this.#state.effects.readReady(readId, this.#state.lastIndex);
    }
  }

  /** Another replica asks. */
  asked(from: AgentId, readIds: readonly number[]): void {
    this.#state.effects.send(from, { type: "readReply", readIds, prepared: this.#prepared });
  }

  replied(from: AgentId, { readIds, prepared }: PbftMessage & { readonly type: "readReply" }): void {
    for (const readId of readIds) {
      const asked = this.#asked.get(readId);
      if (asked === undefined || asked.upTo !== undefined || asked.replies.has(from)) continue;
      asked.replies.set(from, prepared);
      if (asked.replies.size >= this.#state.replicas.quorum) asked.upTo = Math.max(...asked.replies.values());
    }
  }

  tick(now: number): void {
    if (now < this.deadline()) return;
    const again: number[] = [];
    for (const [readId, asked] of this.#asked) {
      if (now >= asked.orderMs) {
        this.#asked.delete(readId);
        this.#requests.proposeBarrier(() => this.#state.effects.readReady(readId, this.#state.lastIndex), now);
      } else if (now >= asked.againMs) {
        asked.againMs = now + 2 * this.#state.config.heartbeatMs;
        if (asked.upTo === undefined) again.push(readId);
      }
    }
    if (again.length > 0) this.#ask(again);
  }

  deadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { againMs, orderMs } of this.#asked.values()) earliest = Math.min(earliest, againMs, orderMs);
    return earliest;
  }

  #ask(readIds: readonly number[]): void {
    for (let at = 0; at < readIds.length; at += MAX_READ_REQUESTS)
      this.#state.broadcast({ type: "read", readIds: readIds.slice(at, at + MAX_READ_REQUESTS) });
  }

  /** The highest place where something was prepared here. */
  get #prepared(): number {
    return Math.max(this.#state.prepared, this.#state.executed, this.#state.stable.seq);
  }
}
