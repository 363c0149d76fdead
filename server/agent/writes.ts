import type { DroppedProposal } from "../core/consensus.ts";
import { CommandEncoder, sessionKeyOf } from "./command.ts";
import type { WriteKind, WriteRequest } from "./requests.ts";
import { MAX_ANSWERS_A_SESSION } from "./sessions.ts";

const MAX_OWN_UNANSWERED = MAX_ANSWERS_A_SESSION / 2;

/** Whom to answer: the client's connection to this agent, and its request there. */
export interface Waiter {
  readonly connection: number;
  readonly id: number;
}

/** A client's write that has not been answered. */
export interface PendingWrite {
  readonly type: "write";
  readonly session: string;
  readonly sequence: number;
  readonly kind: WriteKind;
  /** The task or proposal it is about; empty for memory. */
  readonly about: string;
  /** What is proposed. */
  readonly data: Uint8Array;
  /** More than one when the client asked again. */
  waiters: Waiter[];
  deadlineMs: number;
  /** Unique and rising: breaks ties between deadlines. */
  readonly order: number;
  /** When it is proposed again, ms; Infinity while it waits to be proposed. */
  retryAtMs: number;
  proposed: boolean;
}

/**
 * Writes on their way through the log. They are proposed again when the leader changes or after a while without an outcome: a proposal may be lost
 * anywhere, and sessions make a repetition harmless.
 *
 * Writes without a session of their client's get one of the agent's: its retries must be recognised too.
 */
export class PendingWrites {
  readonly #retryMs: number;
  readonly #ownName: string;
  readonly #encoder = new CommandEncoder();
  readonly #bySession = new Map<string, Map<number, PendingWrite>>();
  /** In this order. What is answered or given up leaves it: without a leader it is not read for as long as that lasts. */
  readonly #toPropose = new Set<PendingWrite>();
  #nextRetryMs = Number.POSITIVE_INFINITY;
  #size = 0;
  #waiters = 0;
  #bytes = 0;
  #ownSession = "";
  #ownSequence = 0;
  /** Whether a write of the own session was applied: it then exists, until it is forgotten. */
  #ownExists = false;
  #ownGeneration = 0;

  /** @param ownName unique in the swarm's life. @param retryMs after which a proposal without an outcome is repeated. */
  constructor(ownName: string, retryMs: number) {
    this.#ownName = ownName;
    this.#retryMs = retryMs;
    this.#renewOwnSession();
  }

  get size(): number {
    return this.#size;
  }

  /** Who waits for all of them. */
  get waiters(): number {
    return this.#waiters;
  }

  /** Of all that waits. */
  get bytes(): number {
    return this.#bytes;
  }

  find(session: string, sequence: number): PendingWrite | undefined {
    return this.#bySession.get(session)?.get(sequence);
  }

  /** Whose proposal this is. */
  of(command: Uint8Array): PendingWrite | undefined {
    const key = sessionKeyOf(command);
    return key === undefined ? undefined : this.find(key.session, key.sequence);
  }

  add(request: WriteRequest, waiter: Waiter, deadlineMs: number, order: number): PendingWrite {
    const own = request.session === "";
    // A session's answers are bounded, and with them what it may have under way.
    if (own && (this.#bySession.get(this.#ownSession)?.size ?? 0) >= MAX_OWN_UNANSWERED) this.#renewOwnSession();
    const session = own ? this.#ownSession : request.session;
    const sequence = own ? ++this.#ownSequence : request.sequence;
    const firstUnanswered = own ? this.#ownFirstUnanswered() : request.firstUnanswered;
    const { kind, about, command } = request;
    const write: PendingWrite = {
      type: "write",
      session,
      sequence,
      kind,
      about,
      data: this.#encoder.encode({ session, sequence, firstUnanswered, command }),
      waiters: [waiter],
      deadlineMs,
      order,
      retryAtMs: Number.POSITIVE_INFINITY,
      proposed: false,
    };
    let writes = this.#bySession.get(session);
    if (writes === undefined) {
      writes = new Map();
      this.#bySession.set(session, writes);
    }
    writes.set(sequence, write);
    this.#toPropose.add(write);
    this.#size++;
    this.#waiters++;
    this.#bytes += write.data.length;
    return write;
  }

  /** The client asked for the same write again. */
  join(write: PendingWrite, waiter: Waiter, deadlineMs: number): void {
    write.waiters.push(waiter);
    write.deadlineMs = Math.max(write.deadlineMs, deadlineMs);
    this.#waiters++;
  }

  /** Nobody waits on this connection any more. Returns the writes that nobody waits for now. */
  gone(connection: number): PendingWrite[] {
    const unwanted: PendingWrite[] = [];
    for (const write of this.all()) {
      const before = write.waiters.length;
      write.waiters = write.waiters.filter((waiter) => waiter.connection !== connection);
      this.#waiters -= before - write.waiters.length;
      if (write.waiters.length === 0) unwanted.push(write);
    }
    return unwanted;
  }

  /** It is answered or given up. */
  delete(write: PendingWrite): void {
    const writes = this.#bySession.get(write.session);
    if (writes?.get(write.sequence) !== write) return;
    writes.delete(write.sequence);
    if (writes.size === 0) this.#bySession.delete(write.session);
    this.#toPropose.delete(write);
    this.#size--;
    this.#waiters -= write.waiters.length;
    this.#bytes -= write.data.length;
  }

  /** The own session is known to exist, or to be forgotten. */
  ownOutcome(session: string, expired: boolean): void {
    if (session !== this.#ownSession) return;
    if (expired) this.#renewOwnSession();
    else this.#ownExists = true;
  }

  /** What is to be proposed now. Only to be called when a leader is known. */
  take(now: number): Uint8Array[] {
    if (now >= this.#nextRetryMs) this.#collectRetries(now);
    if (this.#toPropose.size === 0) return [];
    const commands: Uint8Array[] = [];
    const retryAtMs = now + this.#retryMs;
    for (const write of this.#toPropose) {
      write.retryAtMs = retryAtMs;
      write.proposed = true;
      commands.push(write.data);
    }
    this.#nextRetryMs = Math.min(this.#nextRetryMs, retryAtMs);
    this.#toPropose.clear();
    return commands;
  }

  /** When something is to be proposed, ms. */
  deadline(): number {
    return this.#toPropose.size > 0 ? Number.NEGATIVE_INFINITY : this.#nextRetryMs;
  }

  /** The consensus did not take these. They are proposed again at `againAtMs`. */
  dropped(proposals: readonly DroppedProposal[], againAtMs: number): void {
    for (const { command } of proposals) {
      const write = this.of(command);
      if (write === undefined || write.retryAtMs === Number.POSITIVE_INFINITY) continue;
      write.retryAtMs = againAtMs;
      this.#nextRetryMs = Math.min(this.#nextRetryMs, againAtMs);
    }
  }

  /** What the old leader had may be lost. */
  leaderChanged(): void {
    this.#nextRetryMs = Number.POSITIVE_INFINITY;
    for (const write of this.all()) if (write.retryAtMs !== Number.POSITIVE_INFINITY) this.#again(write);
  }

  *all(): IterableIterator<PendingWrite> {
    for (const writes of this.#bySession.values()) yield* writes.values();
  }

  #collectRetries(now: number): void {
    this.#nextRetryMs = Number.POSITIVE_INFINITY;
    for (const write of this.all()) {
      if (write.retryAtMs <= now) this.#again(write);
      else this.#nextRetryMs = Math.min(this.#nextRetryMs, write.retryAtMs);
    }
  }

  #again(write: PendingWrite): void {
    write.retryAtMs = Number.POSITIVE_INFINITY;
    this.#toPropose.add(write);
  }

  #ownFirstUnanswered(): number {
    if (!this.#ownExists) return 1;
    const [lowest] = this.#bySession.get(this.#ownSession)?.keys() ?? [];
    return lowest ?? this.#ownSequence;
  }

  #renewOwnSession(): void {
    this.#ownGeneration++;
    this.#ownSession = `\0${this.#ownName}/${this.#ownGeneration}`;
    this.#ownSequence = 0;
    this.#ownExists = false;
  }
}
