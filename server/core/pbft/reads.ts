import type { AgentId } from "../consensus.ts";
import type { RequestPool } from "./requests.ts";
import { readReplyBytes } from "./signed.ts";
import type { PbftState } from "./state.ts";
import type { PbftMessage } from "./types.ts";

/** One question, for all reads that were begun in a turn. */
interface Question {
  readonly readIds: readonly number[];
  readonly replies: Map<AgentId, number>;
  /** The place up to which all is to be executed, once a quorum has answered. */
  upTo: number | undefined;
  /** When the question is put again, ms. */
  againMs: number;
  /** When it is given up and the read ordered as a request, ms. */
  readonly orderMs: number;
}

/**
 * Reads without an order (OSDI '99, §4.6: the read-only optimisation), in the form that the agents need: not the answer comes from 2f+1 replicas, but the place up to which this one must have
 * executed. Each of a quorum says what was prepared with it when it was asked. Whatever was decided before was prepared by a quorum, and one honest replica is in both: the highest of what
 * they say is far enough. A liar can say too much, and the place does not come: then the read is ordered like a write, which is the fallback of the paper.
 */
export class Reads {
  readonly #state: PbftState;
  readonly #requests: RequestPool;
  readonly #questions = new Map<number, Question>();
  #fresh: number[] = [];
  #next = 1;

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
      const { config, id } = this.#state;
      const replies = new Map([[id, this.#prepared]]);
      const [againMs, orderMs] = [now + 2 * config.heartbeatMs, now + config.viewTimeoutMs / 2];
      const number = this.#next++;
      this.#questions.set(number, { readIds: this.#fresh, replies, upTo: undefined, againMs, orderMs });
      this.#ask(number);
      this.#fresh = [];
    }
    for (const [number, { upTo, readIds }] of this.#questions) {
      if (upTo === undefined || upTo > this.#state.executed) continue;
      this.#questions.delete(number);
      this.#answer(readIds);
    }
  }

  /** Another replica asks. */
  asked(from: AgentId, { life, number }: PbftMessage & { readonly type: "read" }): void {
    const { effects, crypto } = this.#state;
    const prepared = this.#prepared;
    const signature = crypto.sign(readReplyBytes(from, life, number, prepared));
    effects.send(from, { type: "readReply", life, number, prepared, signature });
  }

  replied(from: AgentId, { life, number, prepared, signature }: PbftMessage & { readonly type: "readReply" }): void {
    const { id, config, crypto, replicas } = this.#state;
    const question = this.#questions.get(number);
    if (question === undefined || life !== config.incarnation) return;
    if (question.upTo !== undefined || question.replies.has(from)) return;
    // A message may have come by way of another agent: that it is from whom it names is not known otherwise.
    if (!crypto.verify(from, readReplyBytes(id, life, number, prepared), signature)) {
      this.#state.disbelieve(from, "readReply", "badSignature");
      return;
    }
    question.replies.set(from, prepared);
    if (question.replies.size >= replicas.quorum) question.upTo = Math.max(...question.replies.values());
  }

  tick(now: number): void {
    for (const [number, question] of this.#questions) {
      if (now >= question.orderMs) {
        this.#questions.delete(number);
        this.#requests.proposeBarrier(() => this.#answer(question.readIds), now);
      } else if (now >= question.againMs) {
        question.againMs = now + 2 * this.#state.config.heartbeatMs;
        if (question.upTo === undefined) this.#ask(number);
      }
    }
  }

  deadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { againMs, orderMs } of this.#questions.values()) earliest = Math.min(earliest, againMs, orderMs);
    return earliest;
  }

  #ask(number: number): void {
    this.#state.broadcast({ type: "read", life: this.#state.config.incarnation, number });
  }

  #answer(readIds: readonly number[]): void {
    for (const readId of readIds) this.#state.effects.readReady(readId, this.#state.lastIndex);
  }

  /** The highest place where something was prepared here. */
  get #prepared(): number {
    return Math.max(this.#state.prepared, this.#state.executed, this.#state.stable.seq);
  }
}
