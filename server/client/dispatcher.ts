/**
 * Gets each request answered once: sends it to the agent the router chose, and again, with the same session and sequence, to another
 * one when a connection closes or an agent cannot serve, until it is answered or its time is over.
 */
import type { ClientErrorCode, ClientOperation, ClientResult, ClientValue } from "../contract/client.ts";
import type { AgentConnection } from "./connection.ts";
import type { Outcome } from "./errors.ts";
import { MeshError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { RouterOptions } from "./router.ts";
import { Router } from "./router.ts";
import { Session } from "./session.ts";

export interface DispatcherOptions extends Omit<RouterOptions, "onReady"> {
  /** Requests under way at once; more wait here. */
  readonly maxInFlight: number;
  /** Requests that wait here; more are refused as `overloaded`. */
  readonly maxWaiting: number;
  /** How long one agent may try before the next one is asked. */
  readonly attemptTimeoutMs: number;
}

interface PendingRequest {
  readonly operation: ClientOperation;
  /** Absent for reads. */
  readonly session: Session | undefined;
  readonly sequence: number;
  readonly deadlineAt: number;
  readonly timeoutMs: number;
  readonly resolve: (value: ClientValue) => void;
  readonly reject: (error: MeshError) => void;
  deadline: NodeJS.Timeout | undefined;
  /** While it waits to be sent again. */
  retry: NodeJS.Timeout | undefined;
  attempts: number;
  /** A write that was sent and not definitely refused: the swarm may have applied it. */
  mayBeApplied: boolean;
  lastProblem: string;
  settled: boolean;
}

const WRITES: ReadonlySet<ClientOperation["op"]> = new Set([
  "put",
  "delete",
  "compareAndSet",
  "submitTask",
  "cancelTask",
]);
/** Answers after which another agent may serve. The others are final. */
const ELSEWHERE: ReadonlySet<ClientErrorCode> = new Set(["unavailable", "timeout", "stopping"]);
const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 320;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #router: Router;
  /** Sent before and to be sent again: ahead of those that were never sent. First in, first out; what is settled leaves both at once. */
  readonly #again = new Fifo<PendingRequest>();
  readonly #fresh = new Fifo<PendingRequest>();
  readonly #unsettled = new Set<PendingRequest>();
  #session = new Session();
  #inFlight = 0;
  #closed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#router = new Router({ ...options, onReady: () => this.#drain() });
  }

  setAgents(agents: RouterOptions["agents"]): void {
    this.#router.setAgents(agents);
  }

  /** @throws MeshError (as rejection) */
  ask(operation: ClientOperation, timeoutMs: number): Promise<ClientValue> {
    return new Promise((resolve, reject) => {
      const refuse = (code: "closed" | "overloaded", message: string): void =>
        reject(new MeshError(code, "notApplied", message));
      if (this.#closed) return refuse("closed", "This client was closed.");
      if (this.#unsettled.size >= this.#options.maxInFlight + this.#options.maxWaiting)
        return refuse("overloaded", `${this.#unsettled.size} requests wait for an answer already; send fewer at once.`);
      const session = WRITES.has(operation.op) ? this.#liveSession() : undefined;
      const request: PendingRequest = {
        operation,
        session,
        sequence: session?.take() ?? 0,
        deadlineAt: performance.now() + timeoutMs,
        timeoutMs,
        resolve,
        reject,
        deadline: undefined,
        retry: undefined,
        attempts: 0,
        mayBeApplied: false,
        lastProblem: "",
        settled: false,
      };
      request.deadline = setTimeout(() => this.#tooLate(request), timeoutMs);
      this.#unsettled.add(request);
      this.#fresh.push(request);
      this.#drain();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const request of [...this.#unsettled])
      this.#fail(request, "closed", outcomeOf(request), "The client was closed before the answer came.");
    this.#router.close();
  }

  #liveSession(): Session {
    if (this.#session.expired) this.#session = new Session();
    return this.#session;
  }

  #drain(): void {
    if (this.#closed) return;
    while (this.#again.size + this.#fresh.size > 0 && this.#inFlight < this.#options.maxInFlight) {
      this.#router.want();
      const connection = this.#router.current;
      if (connection === undefined) return;
      const from = this.#again.size > 0 ? this.#again : this.#fresh;
      const request = from.head;
      if (request === undefined || (from === this.#fresh && mustWait(request))) return;
      from.delete(request);
      this.#send(request, connection);
    }
  }

  #send(request: PendingRequest, connection: AgentConnection): void {
    const leftMs = Math.max(1, Math.ceil(request.deadlineAt - performance.now()));
    const { session, sequence } = request;
    const extras = {
      timeoutMs: Math.min(leftMs, this.#options.attemptTimeoutMs),
      ...(session === undefined ? {} : { session: session.id, sequence, firstUnanswered: session.firstUnanswered }),
    };
    const { mayBeApplied } = request;
    try {
      connection.send(request.operation, extras, (answer) => {
        if (answer?.ok === false && answer.code === "overloaded") request.mayBeApplied = mayBeApplied;
        this.#answered(request, connection, answer);
      });
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      this.#fail(request, error.code, error.outcome, error.message);
      return;
    }
    request.mayBeApplied = session !== undefined;
    request.attempts++;
    this.#inFlight++;
  }

  #answered(request: PendingRequest, connection: AgentConnection, answer: ClientResult | null): void {
    this.#inFlight--;
    if (!request.settled) this.#judge(request, connection, answer);
    if (this.#closed) return;
    this.#router.drained(connection);
    this.#drain();
  }

  #judge(request: PendingRequest, connection: AgentConnection, answer: ClientResult | null): void {
    if (answer === null) {
      request.lastProblem = `the connection to agent ${connection.agent.id} closed`;
      this.#again.push(request);
    } else if (answer.ok) {
      request.session?.confirm();
      this.#settle(request);
      request.resolve(answer.value);
    } else if (ELSEWHERE.has(answer.code) || answer.code === "overloaded") {
      request.lastProblem = `agent ${connection.agent.id} answered ${answer.code}: ${answer.message}`;
      if (answer.code !== "overloaded") this.#router.leave(connection, request.lastProblem);
      this.#retryLater(request);
    } else if (answer.code === "sessionExpired") {
      if (request.session !== undefined) request.session.expired = true;
      this.#fail(request, answer.code, "unknown", answer.message);
    } else {
      if (answer.code === "refused") request.session?.confirm();
      // Refused by the state machine or by a limit: the answer to this very write, whichever attempt brought it.
      this.#fail(request, answer.code, "notApplied", answer.message);
    }
  }

  #retryLater(request: PendingRequest): void {
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(request.attempts - 1, 10), LONGEST_RETRY_MS);
    request.retry = setTimeout(() => {
      this.#again.push(request);
      this.#drain();
    }, pauseMs);
  }

  #tooLate(request: PendingRequest): void {
    const problem = request.lastProblem === "" ? this.#router.lastProblem : request.lastProblem;
    const why = problem === "" ? "" : ` The last problem: ${problem}.`;
    const outcome = outcomeOf(request);
    const what = `${request.operation.op} had no answer in ${request.timeoutMs} ms`;
    if (request.attempts === 0) this.#fail(request, "unavailable", outcome, `No agent could be asked: ${what}.${why}`);
    else if (outcome === "unknown")
      this.#fail(request, "timeout", outcome, `${what}; whether it was applied is not known.${why}`);
    else this.#fail(request, "timeout", outcome, `${what}.${why}`);
    this.#drain();
  }

  #fail(request: PendingRequest, code: MeshError["code"], outcome: Outcome, message: string): void {
    if (request.settled) return;
    this.#settle(request);
    request.reject(new MeshError(code, outcome, message));
  }

  #settle(request: PendingRequest): void {
    request.settled = true;
    clearTimeout(request.deadline);
    clearTimeout(request.retry);
    this.#unsettled.delete(request);
    this.#fresh.delete(request);
    this.#again.delete(request);
    request.session?.answered(request.sequence);
  }
}

/** An answer to an earlier write, or its deadline, drains anew. */
function mustWait({ session, sequence }: PendingRequest): boolean {
  return session?.mayBeSent(sequence) === false;
}

function outcomeOf(request: PendingRequest): Outcome {
  return request.mayBeApplied ? "unknown" : "notApplied";
}
