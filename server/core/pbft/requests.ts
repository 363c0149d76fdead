import { sameBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import { MAX_COMMAND_BYTES, MAX_COMMANDS, MAX_REQUESTS } from "./limits.ts";
import { requestBytes } from "./signed.ts";

import type { PbftState } from "./state.ts";
import type { Request } from "./types.ts";

/** Requests of one origin, and their bytes, that a replica holds for it, at most: an origin that floods fills its own share. One always may be held. */
const MAX_HELD_EACH = 1024;
const MAX_HELD_BYTES_EACH = 16 * 1024 * 1024;
/** What a request takes in a batch besides its commands, about. */
const REQUEST_BYTES = 160;

interface Waiting {
  readonly request: Request;
  readonly bytes: number;
  /** From when on this replica waits for it to be executed in the present view, ms. For its own: when it has told all others of it, so that they wait too. */
  sinceMs: number;
  /** It is in the primary's queue, or in a batch of this view. */
  taken: boolean;
}

interface OwnRequest extends Waiting {
  /** When it is said again, to all, ms. */
  againMs: number;
  readonly done: (() => void) | undefined;
}

/**
 * Requests that were not executed yet: this agent's own, which it says again until they are; and all that this replica knows of. A replica that waits too long for one gives up
 * on the view (OSDI '99, §4.4); for that every replica must know of it: whoever's request is not executed in time sends it to all (§4.1).
 */
export class RequestPool {
  readonly #state: PbftState;
  /** By number, in order. */
  readonly #own = new Map<number, OwnRequest>();
  /** Others', by origin, life and number; in the order they became known. */
  readonly #known = new Map<string, Waiting>();
  readonly #held = new Map<AgentId, { requests: number; bytes: number }>();
  /** The latest life of each origin of which anything was executed. */
  readonly #lives = new Map<AgentId, number>();
  #queue: Waiting[] = [];
  #next = 1;
  #ownBytes = 0;

  constructor(state: PbftState) {
    this.#state = state;
  }

  /** Commands of this agent's: as few requests as they fit into. */
  propose(commands: readonly Uint8Array[], now: number): void {
    const { config, effects } = this.#state;
    let load: Uint8Array[] = [];
    let bytes = 0;
    for (const command of commands) {
      if (command.length > MAX_COMMAND_BYTES) {
        effects.drop(command, "tooLarge");
        continue;
      }
      if (this.#ownBytes + bytes + command.length > config.maxPendingBytes) {
        effects.drop(command, "tooManyUncommitted");
        continue;
      }
      if (load.length > 0 && (bytes + command.length > config.maxBatchBytes || load.length === MAX_COMMANDS)) {
        this.#add(load, bytes, undefined, now);
        load = [];
        bytes = 0;
      }
      load.push(command);
      bytes += command.length;
    }
    if (load.length > 0) this.#add(load, bytes, undefined, now);
  }

  /** A request without commands: when it is executed, so is all that was ordered before. @param done called then. */
  proposeBarrier(done: () => void, now: number): void {
    this.#add([], 0, done, now);
  }

  /** Another agent's request, from it or passed on. @param direct it came from its origin itself. @returns false when it is not to be believed. */
  received(request: Request, direct: boolean, now: number): boolean {
    const { table, id } = this.#state;
    if (request.origin === id) return true;
    if (table.executed(request) || this.#find(request) !== undefined) return true;
    const held = this.#held.get(request.origin);
    if (held !== undefined && (held.requests >= MAX_HELD_EACH || held.bytes >= MAX_HELD_BYTES_EACH)) return true;
    if (!this.verify(request)) return false;
    const waiting = this.#learn(request, now);
    if (waiting !== undefined && this.#state.leads) this.#enqueue(waiting);
    // The primary may not have it: sent to all because it was not executed in time.
    else if (direct && this.#state.active) this.#state.effects.send(this.#state.primary, { type: "request", request });
    return true;
  }

  /** Whether its origin signed it. */
  verify(request: Request): boolean {
    const known = this.#find(request);
    if (
      known !== undefined &&
      sameBytes(known.request.signature, request.signature) &&
      sameCommands(known.request, request)
    )
      return true;
    if (!this.#state.replicas.has(request.origin)) return false;
    return this.#state.crypto.verify(request.origin, requestBytes(request), request.signature);
  }

  /** It is in a batch of this view: to be waited for, and not to be proposed again. It has been verified. */
  proposed(request: Request, now: number): void {
    if (this.#state.table.executed(request)) return;
    const waiting = this.#learn(request, now);
    if (waiting !== undefined) waiting.taken = true;
  }

  /** It was in a batch that was executed. */
  executed(request: Request): void {
    this.#forget(request);
    this.#forgetEarlierLives(request);
    if (request.origin !== this.#state.id || request.life !== this.#state.config.incarnation) return;
    const own = this.#own.get(request.number);
    if (own === undefined) return;
    this.#own.delete(request.number);
    this.#ownBytes -= own.bytes;
    own.done?.();
  }

  /** The state was replaced: what it has executed without having been seen here need not be waited for. */
  installed(): void {
    for (const waiting of [...this.#known.values(), ...this.#own.values()])
      if (this.#state.table.executed(waiting.request)) this.executed(waiting.request);
  }

  /** A view began: everything that waits is waited for anew, and goes to its primary, which may not know of it: an origin that crashed does not say it again. */
  viewEntered(now: number): void {
    const { leads, primary, effects } = this.#state;
    this.#queue = [];
    for (const waiting of this.#known.values()) {
      waiting.sinceMs = now;
      waiting.taken = false;
      if (!leads && waiting.request.origin !== primary)
        effects.send(primary, { type: "request", request: waiting.request });
    }
    for (const own of this.#own.values()) {
      own.taken = false;
      this.#restart(own, now);
    }
  }

  /** After those of the view's first batches have been told as `proposed`: the primary takes up the rest. */
  takeUp(): void {
    if (!this.#state.leads) return;
    for (const waiting of this.#own.values()) this.#enqueue(waiting);
    for (const waiting of this.#known.values()) this.#enqueue(waiting);
  }

  get queued(): boolean {
    return this.#queue.length > 0;
  }

  /** The next batch's requests: at least one, and no more than maxBatchBytes unless one is larger. */
  takeBatch(): Request[] {
    const requests: Request[] = [];
    let bytes = 0;
    let commands = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      if (requests.length > 0 && bytes + waiting.bytes > this.#state.config.maxBatchBytes) break;
      if (requests.length === MAX_REQUESTS || commands + waiting.request.commands.length > MAX_COMMANDS) break;
      taken++;
      if (this.#state.table.executed(waiting.request)) continue;
      requests.push(waiting.request);
      bytes += waiting.bytes;
      commands += waiting.request.commands.length;
    }
    this.#queue = this.#queue.slice(taken);
    return requests;
  }

  /** Says its own again that were not executed in time, to all. */
  tick(now: number): void {
    if (now < this.deadline()) return;
    for (const own of this.#own.values()) {
      if (now < own.againMs) continue;
      own.againMs = now + this.#retryMs;
      this.#state.broadcast({ type: "request", request: own.request });
      if (this.#state.leads) this.#enqueue(own);
    }
  }

  /** When `tick` has something to say again, ms. */
  deadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { againMs } of this.#own.values()) earliest = Math.min(earliest, againMs);
    return earliest;
  }

  /** Since when the longest waits, ms; Infinity without any. */
  oldestMs(): number {
    const [own] = this.#own.values();
    const [known] = this.#known.values();
    return Math.min(own?.sinceMs ?? Number.POSITIVE_INFINITY, known?.sinceMs ?? Number.POSITIVE_INFINITY);
  }

  get #retryMs(): number {
    return this.#state.config.viewTimeoutMs / 2;
  }

  #add(commands: readonly Uint8Array[], bytes: number, done: (() => void) | undefined, now: number): void {
    const { id, config, crypto } = this.#state;
    const number = this.#next++;
    const [oldest] = this.#own.keys();
    const floor = oldest ?? number;
    const unsigned = { origin: id, life: config.incarnation, number, floor, commands };
    const request: Request = { ...unsigned, signature: crypto.sign(requestBytes(unsigned)) };
    const taken = false;
    const own: OwnRequest = { request, bytes: bytes + REQUEST_BYTES, sinceMs: now, againMs: now, taken, done };
    this.#own.set(number, own);
    this.#ownBytes += own.bytes;
    this.#restart(own, now);
    if (this.#state.leads) this.#enqueue(own);
  }

  /** To the primary, if it is another. */
  #restart(own: OwnRequest, now: number): void {
    const { leads, active, primary, effects } = this.#state;
    own.againMs = now + this.#retryMs;
    own.sinceMs = own.againMs;
    if (!leads && active) effects.send(primary, { type: "request", request: own.request });
  }

  #enqueue(waiting: Waiting): void {
    if (waiting.taken) return;
    waiting.taken = true;
    this.#queue.push(waiting);
  }

  #find(request: Request): Waiting | undefined {
    const { id, config } = this.#state;
    const own = request.origin === id && request.life === config.incarnation;
    return own ? this.#own.get(request.number) : this.#known.get(keyOf(request));
  }

  /** @returns undefined for one of its own that it does not wait for. */
  #learn(request: Request, now: number): Waiting | undefined {
    const found = this.#find(request);
    const { id, config } = this.#state;
    if (found !== undefined || (request.origin === id && request.life === config.incarnation)) return found;
    let bytes = REQUEST_BYTES;
    for (const { length } of request.commands) bytes += length;
    const waiting = { request, bytes, sinceMs: now, taken: false };
    this.#known.set(keyOf(request), waiting);
    const held = this.#held.get(request.origin) ?? { requests: 0, bytes: 0 };
    held.requests++;
    held.bytes += bytes;
    this.#held.set(request.origin, held);
    return waiting;
  }

  /** What an origin asked for in an earlier life is not executed any more, and so not waited for. */
  #forgetEarlierLives({ origin, life }: Request): void {
    if (life <= (this.#lives.get(origin) ?? 0)) return;
    this.#lives.set(origin, life);
    for (const { request } of [...this.#known.values()])
      if (request.origin === origin && request.life < life) this.#forget(request);
  }

  #forget(request: Request): void {
    const waiting = this.#known.get(keyOf(request));
    const held = this.#held.get(request.origin);
    if (waiting === undefined || held === undefined) return;
    this.#known.delete(keyOf(request));
    held.requests--;
    held.bytes -= waiting.bytes;
    invariant(held.requests >= 0 && held.bytes >= 0, "no more requests are forgotten than were learned");
  }
}

function keyOf({ origin, life, number }: Request): string {
  return `${origin}/${life}/${number}`;
}

function sameCommands(a: Request, b: Request): boolean {
  if (a === b) return true;
  if (a.floor !== b.floor || a.commands.length !== b.commands.length) return false;
  return a.commands.every((command, at) => sameBytes(command, b.commands[at] as Uint8Array));
}
