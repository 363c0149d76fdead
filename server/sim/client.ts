import type { ClientReply } from "../agent/world.ts";
import { type ClientOperation, type ClientRequest, type ClientResult, WRITES } from "../contract/client.ts";
import type { Random } from "../core/random.ts";
import type { Schedule } from "./schedule.ts";
import type { SimWorld } from "./world.ts";

const WRITING: ReadonlySet<ClientOperation["op"]> = new Set(WRITES);

/** How often a client goes to another agent although it is served. */
const WANDERING = 0.05;

interface Attempt {
  readonly requestId: number;
  readonly connection: number;
  readonly agent: number;
}

interface Running {
  readonly operation: ClientOperation;
  readonly deadlineUs: number;
  /** Of a write: the same in every attempt. */
  readonly write: { readonly session: string; readonly sequence: number } | undefined;
  readonly done: (result: ClientResult | undefined) => void;
  attempt: Attempt | undefined;
}

/**
 * One client: one operation at a time, at one agent until that fails it, then at another, with the same session and sequence, until it is answered or
 * patience ends.
 */
export class SimClient {
  readonly name: string;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #worlds: readonly SimWorld[];
  readonly #attemptMs: number;
  readonly #waiting: { operation: ClientOperation; patienceMs: number; done: Running["done"] }[] = [];
  #running: Running | undefined;
  #agent: number;
  /** Of the agent's life it was opened in. */
  #connection: { readonly number: number; readonly incarnation: number } | undefined;
  #sessions = 1;
  #sequence = 0;
  #requests = 0;

  constructor(schedule: Schedule, random: Random, worlds: readonly SimWorld[], name: string, attemptMs: number) {
    this.name = name;
    this.#schedule = schedule;
    this.#random = random;
    this.#worlds = worlds;
    this.#attemptMs = attemptMs;
    this.#agent = random.int(0, worlds.length - 1);
  }

  /** Tries this agent first from now on. */
  prefer(agent: number): void {
    if (agent === this.#agent) return;
    this.#hangUp();
    this.#agent = agent;
  }

  /** @param done with undefined when patience ended: a write's outcome is then unknown. Operations queue. */
  perform(operation: ClientOperation, patienceMs: number, done: (result: ClientResult | undefined) => void): void {
    if (this.#running) {
      this.#waiting.push({ operation, patienceMs, done });
      return;
    }
    // Who is served would stay for ever, and never meet an agent that the others have left behind.
    if (this.#random.chance(WANDERING)) this.prefer(this.#random.int(0, this.#worlds.length - 1));
    const write = WRITING.has(operation.op)
      ? { session: `${this.name}.${this.#sessions}`, sequence: ++this.#sequence }
      : undefined;
    const deadlineUs = this.#schedule.nowUs + Math.round(patienceMs * 1000);
    this.#running = { operation, deadlineUs, write, done, attempt: undefined };
    this.#try(this.#running);
  }

  /** @returns whether the reply was for this client. */
  replied(agent: number, { connection, id, result }: ClientReply): boolean {
    const running = this.#running;
    const attempt = running?.attempt;
    if (!running || attempt?.connection !== connection || attempt.agent !== agent) return false;
    // The answer takes its time too.
    this.#schedule.afterMs(this.#latencyMs(), () => {
      if (this.#running !== running || running.attempt !== attempt || attempt.requestId !== id) return;
      this.#answered(running, result);
    });
    return true;
  }

  agentCrashed(agent: number): void {
    if (agent !== this.#agent) return;
    this.#connection = undefined;
    const running = this.#running;
    const attempt = running?.attempt;
    if (running && attempt?.agent === agent)
      this.#schedule.afterMs(this.#latencyMs(), () => {
        if (this.#running === running && running.attempt === attempt) this.#elsewhere(running);
      });
  }

  #try(running: Running): void {
    if (this.#schedule.nowUs >= running.deadlineUs) {
      this.#finish(running, undefined);
      return;
    }
    const world = this.#worlds[this.#agent] as SimWorld;
    if (!world.exists) {
      running.attempt = undefined;
      this.#elsewhere(running);
      return;
    }
    this.#connection ??= { number: world.openConnection(), incarnation: world.incarnation };
    const { number: connection, incarnation } = this.#connection;
    const attempt: Attempt = { requestId: ++this.#requests, connection, agent: this.#agent };
    running.attempt = attempt;
    const request: ClientRequest = {
      ...running.operation,
      id: attempt.requestId,
      timeoutMs: this.#attemptMs,
      ...(running.write && { ...running.write, firstUnanswered: running.write.sequence }),
    };
    this.#schedule.afterMs(this.#latencyMs(), () => {
      if (world.exists && world.incarnation === incarnation) world.clientRequests(connection, [request]);
    });
    // A little longer than the agent is given: usually it is the agent that says so.
    this.#schedule.afterMs(this.#attemptMs * 1.2, () => {
      if (this.#running === running && running.attempt === attempt) this.#elsewhere(running);
    });
  }

  #answered(running: Running, result: ClientResult): void {
    if (result.ok || result.code === "invalid" || result.code === "refused") {
      this.#finish(running, result);
      return;
    }
    if (result.code === "sessionExpired") {
      this.#sessions++;
      this.#sequence = 0;
      this.#finish(running, result);
      return;
    }
    this.#elsewhere(running);
  }

  /** The next attempt, after a pause, mostly at another agent. */
  #elsewhere(running: Running): void {
    running.attempt = undefined;
    if (this.#worlds.length > 1 && this.#random.chance(0.8)) {
      this.#hangUp();
      this.#agent = this.#random.int(0, this.#worlds.length - 1);
    }
    const pauseMs = this.#attemptMs * 0.05 * (1 + this.#random.float());
    this.#schedule.afterMs(pauseMs, () => {
      if (this.#running === running && running.attempt === undefined) this.#try(running);
    });
  }

  #hangUp(): void {
    const connection = this.#connection;
    const world = this.#worlds[this.#agent] as SimWorld;
    this.#connection = undefined;
    if (!connection) return;
    this.#schedule.afterMs(this.#latencyMs() * 4, () => {
      if (world.exists && world.incarnation === connection.incarnation) world.clientGone(connection.number);
    });
  }

  #finish(running: Running, result: ClientResult | undefined): void {
    this.#running = undefined;
    running.done(result);
    if (this.#running !== undefined) return;
    const next = this.#waiting.shift();
    if (next) this.perform(next.operation, next.patienceMs, next.done);
  }

  #latencyMs(): number {
    return 0.05 + 0.4 * this.#random.float();
  }
}
