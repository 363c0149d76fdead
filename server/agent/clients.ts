import type { ClientRequest, ClientResult } from "../contract/client.ts";
import type { DroppedProposal, ReadReady } from "../core/consensus.ts";
import { DeadlineQueue } from "../core/deadlines.ts";
import { answerBytes, failure, queryAnswer, writeAnswer } from "./answers.ts";
import type { AppliedWrite, Machine } from "./machine.ts";
import { type PendingOutcome, PendingOutcomes } from "./outcomes.ts";
import { type PendingRead, PendingReads } from "./reads.ts";
import {
  type BadRequest,
  type Members,
  type OutcomeRequest,
  type Query,
  type ReadRequest,
  readRequest,
  type WriteRequest,
} from "./requests.ts";
import type { MachineResult } from "./results.ts";
import type { ClientReply } from "./world.ts";
import { type PendingWrite, PendingWrites } from "./writes.ts";

/** Requests waiting at a time; more are refused with "overloaded". */
export const MAX_WAITING = 16_384;
/** Bytes of writes waiting at a time. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Answers of one turn; reads beyond it are refused with "overloaded", so that one frame of requests cannot build gigabytes. */
export const MAX_ANSWER_BYTES_A_TURN = 32 * 1024 * 1024;

/** Of a sentence about a bad request: a frame may bring thousands of them. */
const MAX_PROBLEM_CHARACTERS = 2048;

export interface ClientsConfig {
  /** `<agent>.<incarnation>`. */
  readonly name: string;
  /** A proposal without an outcome is repeated after this long, ms. */
  readonly writeRetryMs: number;
  /** The consensus goes on with what it was given, whoever leads: nothing is repeated because of another leader. */
  readonly keepsProposals: boolean;
  /** There is one order for all; otherwise what needs that is refused, and reads are answered with what is here. */
  readonly ordered: boolean;
  /** These are of a memory that has none, beside a consensus that has one. */
  readonly beside?: boolean;
  /** A barrier or proposal that was refused is asked for again after this long, ms. */
  readonly refusedRetryMs: number;
  readonly members: () => Members;
  /** Why nothing can be decided here; undefined: it can. */
  readonly refusal: () => string | undefined;
  /** Writes are taken here: this agent is a member that may. */
  readonly counts: () => boolean;
}

const NO_MEMBER = "this agent is no member of the swarm, not yet or not any more, and takes no writes; ask another one";

/**
 * What clients asked of this agent and have not been told yet. Requests come in, commands and barriers go out, what was applied comes in, replies
 * go out. Writes are answered when they are applied here, whoever leads.
 */
export class Clients {
  readonly #machine: Machine;
  readonly #config: ClientsConfig;
  readonly #writes: PendingWrites;
  readonly #reads: PendingReads;
  readonly #outcomes = new PendingOutcomes();
  readonly #deadlines = new DeadlineQueue<PendingWrite | PendingRead | PendingOutcome>();
  #replies: ClientReply[] = [];
  /** Of the replies. */
  #replyBytes = 0;
  #order = 0;
  #stopping = false;

  constructor(machine: Machine, config: ClientsConfig) {
    this.#machine = machine;
    this.#config = config;
    this.#writes = new PendingWrites(config.name, config.writeRetryMs);
    this.#reads = new PendingReads(config.refusedRetryMs);
  }

  request(connection: number, request: ClientRequest, now: number): void {
    const { id } = request;
    if (this.#stopping) {
      this.#reply(connection, id, failure("stopping", "the agent is stopping; ask another one"));
      return;
    }
    const asked = readRequest(request, this.#config.members(), this.#config);
    if (asked.type === "bad") this.#reply(connection, id, badAnswer(asked));
    else if (asked.type === "read" && !asked.linearizable) this.#answerLocally(connection, id, asked, now);
    else if (this.#waiting >= MAX_WAITING || this.#writes.bytes > MAX_WAITING_BYTES)
      this.#reply(connection, id, failure("overloaded", `${this.#waiting} requests wait here; try again later`));
    else if (asked.type === "read") this.#awaitRead(connection, id, asked, now);
    else if (asked.type === "outcome") this.#awaitOutcome(connection, id, asked, now);
    else this.#awaitWrite(connection, id, asked, now);
  }

  /** Nobody waits for answers on this connection any more. */
  gone(connection: number): void {
    for (const read of [...this.#reads.all()]) if (read.connection === connection) this.#finishRead(read);
    for (const write of this.#writes.gone(connection)) this.#finishWrite(write);
    for (const outcome of [...this.#outcomes.all()])
      if (outcome.connection === connection) this.#finishOutcome(outcome);
  }

  /** Everybody who waits is told so, and whoever asks later. */
  stop(): void {
    this.#stopping = true;
    const message = "the agent stopped before the outcome was known; ask another one";
    for (const read of [...this.#reads.all()]) {
      this.#reply(read.connection, read.id, failure("stopping", message));
      this.#finishRead(read);
    }
    for (const write of [...this.#writes.all()]) this.#answerWrite(write, failure("stopping", message));
    for (const outcome of [...this.#outcomes.all()]) this.#answerOutcome(outcome, failure("stopping", message));
  }

  /** Nothing can be decided here any more: what waits is told so at once. A write that was proposed may be on its way, and waits on. */
  cutOff(refusal: string): void {
    const answer = failure("readOnly", refusal);
    for (const read of [...this.#reads.all()]) {
      this.#reply(read.connection, read.id, answer);
      this.#finishRead(read);
    }
    for (const write of [...this.#writes.all()]) if (!write.proposed) this.#answerWrite(write, answer);
  }

  /** Commands to propose now. Only to be called when a leader is known. */
  takeCommands(now: number): Uint8Array[] {
    return this.#writes.take(now);
  }

  /** A read barrier to ask for now. Only to be called when a leader is known. */
  takeBarrier(now: number): number | undefined {
    return this.#reads.take(now);
  }

  leaderChanged(now: number): void {
    if (!this.#config.keepsProposals) this.#writes.leaderChanged();
    this.#reads.leaderChanged(now);
  }

  /** The consensus did not take these: what can never be taken is refused, the rest is asked for again a little later. */
  dropped(proposals: readonly DroppedProposal[], now: number): void {
    this.#writes.dropped(proposals, now + this.#config.refusedRetryMs);
    for (const { command, reason } of proposals) {
      if (reason !== "tooLarge" && reason !== "notMember") continue;
      const write = this.#writes.of(command);
      if (write === undefined) continue;
      if (reason === "notMember") {
        this.#answerWrite(write, failure("unavailable", NO_MEMBER));
        continue;
      }
      const message = `the write takes ${command.length} bytes in the log, more than an entry may; make it smaller`;
      this.#answerWrite(write, failure("invalid", message));
    }
  }

  applied({ session, sequence, result }: AppliedWrite): void {
    this.#writes.ownOutcome(session, result.type === "sessionExpired");
    const write = this.#writes.find(session, sequence);
    if (write !== undefined) this.#answerWrite(write, writeAnswer(result, write));
    this.#tellOutcome(session, sequence, result);
  }

  /** The machine was restored from another agent's snapshot: what it has applied without having been seen here is answered; the rest is asked for again. */
  restored(): void {
    for (const write of [...this.#writes.all()]) {
      const known = this.#machine.answerOf(write.session, write.sequence);
      if (known === undefined) continue;
      this.#writes.ownOutcome(write.session, false);
      this.#answerWrite(write, writeAnswer(known, write));
    }
    for (const outcome of [...this.#outcomes.all()]) {
      const { session, sequence } = outcome.request;
      const known = this.#machine.outcomeOf(session, sequence);
      if (known !== undefined) this.#answerOutcome(outcome, writeAnswer(known, outcome.request));
    }
  }

  barriers(ready: readonly ReadReady[], failed: readonly number[], now: number): void {
    for (const { readId, index } of ready) this.#reads.confirmed(readId, index);
    for (const readId of failed) this.#reads.failed(readId, now);
  }

  /** Answers the reads whose barrier has been applied. */
  serveReads(): void {
    for (const read of this.#reads.takeServable(this.#machine.index)) {
      // The machine's own time: two readers with clocks of their own could see an item vanish and come back.
      this.#answerQuery(read.connection, read.id, read.query, this.#machine.timeMs);
      this.#finishRead(read);
    }
  }

  /** Gives up what has waited long enough. */
  expire(now: number, leaderKnown: boolean): void {
    for (let due = this.#deadlines.takeDue(now); due !== undefined; due = this.#deadlines.takeDue(now)) {
      if (due.type === "read") {
        const message = "no majority confirmed the read in time; a local read shows what this agent has";
        this.#reply(due.connection, due.id, failure("unavailable", message));
        this.#finishRead(due);
      } else if (due.type === "outcome") {
        const message = "the write was not applied here in time; whether it will be is unknown: ask again";
        this.#answerOutcome(due, failure("timeout", message));
      } else if (due.proposed && leaderKnown) {
        const message =
          "no outcome in time; whether it was applied is unknown: retry with the same session and sequence";
        this.#answerWrite(due, failure("timeout", message));
      } else if (due.proposed) {
        const message = "no leader is known any more; whether it was applied is unknown: retry with the same session";
        this.#answerWrite(due, failure("unavailable", message));
      } else {
        const message = leaderKnown
          ? "a leader became known too late for it, so that it was not proposed; try again"
          : "no leader is known, so that nothing can be decided; try again";
        this.#answerWrite(due, failure("unavailable", message));
      }
    }
  }

  /** When something is to be given up, ms. */
  expiryMs(): number {
    return this.#deadlines.earliestMs();
  }

  /** When something is to be asked for again, ms. Only of interest while a leader is known. */
  retryMs(): number {
    return Math.min(this.#writes.deadline(), this.#reads.deadline());
  }

  takeReplies(): ClientReply[] {
    const replies = this.#replies;
    if (replies.length > 0) this.#replies = [];
    this.#replyBytes = 0;
    return replies;
  }

  /** Requests without an answer; several may wait for one write. */
  get #waiting(): number {
    return this.#deadlines.size - this.#writes.size + this.#writes.waiters;
  }

  #answerLocally(connection: number, id: number, { query }: ReadRequest, now: number): void {
    const timeMs = Math.max(this.#machine.timeMs, Math.floor(now));
    this.#answerQuery(connection, id, query, timeMs);
  }

  #answerQuery(connection: number, id: number, query: Query, timeMs: number): void {
    if (this.#replyBytes < MAX_ANSWER_BYTES_A_TURN)
      this.#reply(connection, id, queryAnswer(query, this.#machine, timeMs));
    else
      this.#reply(connection, id, failure("overloaded", "too much was asked for at once; ask for less, or try again"));
  }

  #awaitRead(connection: number, id: number, { query, timeoutMs }: ReadRequest, now: number): void {
    const refusal = this.#config.refusal();
    if (refusal !== undefined) {
      this.#reply(connection, id, failure("readOnly", refusal));
      return;
    }
    const order = this.#order++;
    const read: PendingRead = { type: "read", connection, id, query, deadlineMs: now + timeoutMs, order, done: false };
    this.#reads.add(read);
    this.#deadlines.set(read, read.deadlineMs, order);
  }

  #awaitWrite(connection: number, id: number, request: WriteRequest, now: number): void {
    const { session, sequence, timeoutMs } = request;
    const deadlineMs = now + timeoutMs;
    if (session !== "") {
      const known = this.#machine.answerOf(session, sequence);
      if (known !== undefined) {
        this.#reply(connection, id, writeAnswer(known, request));
        return;
      }
      const pending = this.#writes.find(session, sequence);
      if (pending !== undefined) {
        this.#writes.join(pending, { connection, id }, deadlineMs);
        this.#deadlines.set(pending, pending.deadlineMs, pending.order);
        return;
      }
    }
    const refusal = this.#config.refusal();
    if (refusal !== undefined) {
      this.#reply(connection, id, failure("readOnly", refusal));
      return;
    }
    if (!this.#config.counts()) {
      this.#reply(connection, id, failure("unavailable", NO_MEMBER));
      return;
    }
    const command = this.#machine.prepare(request.command, now);
    if ("problem" in command) {
      this.#reply(connection, id, failure("refused", command.problem));
      return;
    }
    const write = this.#writes.add({ ...request, command }, { connection, id }, deadlineMs, this.#order++);
    this.#deadlines.set(write, deadlineMs, write.order);
  }

  #awaitOutcome(connection: number, id: number, request: OutcomeRequest, now: number): void {
    const known = this.#machine.outcomeOf(request.session, request.sequence);
    if (known !== undefined) {
      this.#reply(connection, id, writeAnswer(known, request));
      return;
    }
    const outcome: PendingOutcome = { type: "outcome", connection, id, request, order: this.#order++ };
    this.#outcomes.add(outcome);
    this.#deadlines.set(outcome, now + request.timeoutMs, outcome.order);
  }

  #tellOutcome(session: string, sequence: number, result: MachineResult): void {
    for (const outcome of this.#outcomes.about(session, sequence))
      this.#answerOutcome(outcome, writeAnswer(result, outcome.request));
  }

  #answerOutcome(outcome: PendingOutcome, result: ClientResult): void {
    this.#reply(outcome.connection, outcome.id, result);
    this.#finishOutcome(outcome);
  }

  #finishOutcome(outcome: PendingOutcome): void {
    this.#outcomes.delete(outcome);
    this.#deadlines.delete(outcome);
  }

  #answerWrite(write: PendingWrite, result: ClientResult): void {
    for (const { connection, id } of write.waiters) this.#reply(connection, id, result);
    this.#finishWrite(write);
  }

  #finishWrite(write: PendingWrite): void {
    this.#writes.delete(write);
    this.#deadlines.delete(write);
  }

  #finishRead(read: PendingRead): void {
    this.#reads.finish(read);
    this.#deadlines.delete(read);
  }

  #reply(connection: number, id: number, result: ClientResult): void {
    this.#replies.push({ connection, id, result });
    this.#replyBytes += answerBytes(result);
  }
}

function badAnswer({ problem, elsewhere = false }: BadRequest): ClientResult {
  if (elsewhere) return failure("unavailable", `${problem}; ask another one`);
  return failure("invalid", problem.slice(0, MAX_PROBLEM_CHARACTERS));
}
