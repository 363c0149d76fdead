/**
 * Gets each request answered once: sends it to the agent the router chose, and again, with the same session and sequence, to another
 * one when a connection closes or an agent cannot serve, until it is answered or its time is over.
 */
import {
  type ClientErrorCode,
  type ClientOperation,
  type ClientResult,
  type ClientValue,
  WRITES,
  type WriteOperation,
} from "../contract/client.ts";
import type { SideNote } from "../contract/partition.ts";
import type { AgentConnection, RequestExtras } from "./connection.ts";
import type { Outcome } from "./errors.ts";
import { MeshError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { RouterOptions } from "./router.ts";
import { Router } from "./router.ts";
import { Session } from "./session.ts";
import type { Verdict } from "./tally.ts";
import { type Ask, VouchedWrite } from "./vouched-write.ts";
import { Witnesses } from "./witnesses.ts";

export interface DispatcherOptions extends Omit<RouterOptions, "onReady"> {
  /** Requests under way at once; more wait here. */
  readonly maxInFlight: number;
  /** Requests that wait here; more are refused as `overloaded`. */
  readonly maxWaiting: number;
  /** How long one agent may try before the next one is asked. */
  readonly attemptTimeoutMs: number;
}

export interface Answer {
  readonly value: ClientValue;
  /** The agents that gave this answer, where more than one had to; else empty. */
  readonly vouchedBy: readonly string[];
  /** The agent whose answer it is, where one agent's was enough. */
  readonly from?: string;
  /** On which side of a partition that agent is. Absent: on none. */
  readonly side?: SideNote;
}

interface PendingRequest {
  readonly operation: ClientOperation;
  /** For a write: f + 1 agents must say the same, where f may lie. */
  readonly vouch: boolean;
  /** Absent where one agent's word is enough. */
  vouching: VouchedWrite | undefined;
  /** Absent for reads. */
  readonly session: Session | undefined;
  readonly sequence: number;
  readonly deadlineAt: number;
  readonly timeoutMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: MeshError) => void;
  deadline: NodeJS.Timeout | undefined;
  /** While it waits to be sent again. */
  retry: NodeJS.Timeout | undefined;
  attempts: number;
  /** Agents that said they are on a side that cannot decide. */
  readonly readOnlyAt: Set<string>;
  /** A write that was sent and not definitely refused: the swarm may have applied it. */
  mayBeApplied: boolean;
  lastProblem: string;
  settled: boolean;
}

type Write = Extract<ClientOperation, { readonly op: WriteOperation }>;

const WRITING: ReadonlySet<ClientOperation["op"]> = new Set(WRITES);
/** Answers after which another agent may serve. The others are final. */
const ELSEWHERE: ReadonlySet<ClientErrorCode> = new Set(["unavailable", "readOnly", "timeout", "stopping"]);
/** Answers after which nothing can have come of this attempt. */
const NOT_PROPOSED: ReadonlySet<ClientErrorCode> = new Set(["overloaded", "readOnly"]);
const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 320;
/** Over the time an agent is given, so that its own answer (`timeout`) is there first. */
const PATIENCE_SLACK_MS = 250;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #router: Router;
  readonly #witnesses: Witnesses;
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
    this.#witnesses = new Witnesses(this.#router);
  }

  setAgents(agents: RouterOptions["agents"]): void {
    this.#router.setAgents(agents);
  }

  /** @param vouch whether a write takes the word of f + 1 agents, where f may lie. @throws MeshError (as rejection) */
  ask(operation: ClientOperation, timeoutMs: number, vouch: boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const refuse = (code: "closed" | "overloaded", message: string): void =>
        reject(new MeshError(code, "notApplied", message));
      if (this.#closed) return refuse("closed", "This client was closed.");
      if (this.#unsettled.size >= this.#options.maxInFlight + this.#options.maxWaiting)
        return refuse("overloaded", `${this.#unsettled.size} requests wait for an answer already; send fewer at once.`);
      const session = WRITING.has(operation.op) ? this.#liveSession() : undefined;
      const request: PendingRequest = {
        operation,
        vouch,
        vouching: undefined,
        session,
        sequence: session?.take() ?? 0,
        deadlineAt: performance.now() + timeoutMs,
        timeoutMs,
        resolve,
        reject,
        deadline: undefined,
        retry: undefined,
        attempts: 0,
        readOnlyAt: new Set(),
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
    const { session, mayBeApplied } = request;
    request.vouching ??= this.#vouchingFor(request);
    let ask: Ask | undefined;
    let underWay = true;
    const finished = (): void => {
      if (underWay) this.#inFlight--;
      underWay = false;
    };
    try {
      connection.send(request.operation, this.#extrasOf(request), (answer) => {
        if (answer?.ok === false && NOT_PROPOSED.has(answer.code)) request.mayBeApplied = mayBeApplied;
        finished();
        this.#answered(request, connection, answer, ask);
      });
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      this.#fail(request, error.code, error.outcome, error.message);
      return;
    }
    request.mayBeApplied = session !== undefined;
    request.attempts++;
    this.#inFlight++;
    ask = request.vouching?.sentTo(connection.agent.id, () => {
      finished();
      this.#router.leave(connection, `agent ${connection.agent.id} gave no answer in time`);
      this.#drain();
    });
  }

  #extrasOf({ operation, deadlineAt, session, sequence }: PendingRequest): RequestExtras {
    const leftMs = Math.max(1, Math.ceil(deadlineAt - performance.now()));
    return {
      // Another agent would have to begin an aggregate anew.
      timeoutMs: operation.op === "aggregate" ? leftMs : Math.min(leftMs, this.#options.attemptTimeoutMs),
      ...(session === undefined ? {} : { session: session.id, sequence, firstUnanswered: session.firstUnanswered }),
    };
  }

  #vouchingFor(request: PendingRequest): VouchedWrite | undefined {
    const { faultsTolerated } = this.#router;
    if (!request.vouch || request.session === undefined || faultsTolerated === 0) return undefined;
    const needed = faultsTolerated + 1;
    return new VouchedWrite({
      needed,
      patienceMs: this.#options.attemptTimeoutMs + PATIENCE_SLACK_MS,
      witnesses: this.#witnesses,
      write: request.operation,
      outcome: outcomeRequest(request.operation as Write),
      extras: () => this.#extrasOf(request),
      decided: (verdict) => this.#decided(request, verdict),
      hopeless: (sentence) => {
        this.#fail(request, "unvouched", "unknown", unvouched(request, needed, sentence, this.#witnesses));
        this.#drain();
      },
    });
  }

  #decided(request: PendingRequest, { result, by }: Verdict): void {
    this.#conclude(request, result, by);
    this.#drain();
  }

  #answered(
    request: PendingRequest,
    connection: AgentConnection,
    answer: ClientResult | null,
    ask: Ask | undefined,
  ): void {
    if (ask !== undefined) request.vouching?.answered(ask, answer);
    if (!request.settled) this.#judge(request, connection, answer);
    if (this.#closed) return;
    this.#router.drained(connection);
    this.#drain();
  }

  #judge(request: PendingRequest, connection: AgentConnection, answer: ClientResult | null): void {
    if (answer === null) {
      request.lastProblem = `the connection to agent ${connection.agent.id} closed`;
      this.#again.push(request);
    } else if (!answer.ok && (ELSEWHERE.has(answer.code) || answer.code === "overloaded")) {
      request.lastProblem = `agent ${connection.agent.id} answered ${answer.code}: ${answer.message}`;
      if (answer.code !== "overloaded") this.#router.leave(connection, request.lastProblem);
      if (answer.code === "readOnly" && this.#nobodyDecides(request, connection.agent.id))
        this.#fail(request, answer.code, outcomeOf(request), `Agent ${connection.agent.id}: ${answer.message}.`);
      else this.#retryLater(request);
    } else if (request.vouching === undefined) {
      this.#conclude(request, answer, [], connection.agent.id);
    }
  }

  /**
   * Whether there is nobody left to ask: the agent said before that its side cannot decide, and all others were gone round since and said the same, or could not be reached; or all that
   * there are have said so.
   */
  #nobodyDecides({ readOnlyAt }: PendingRequest, agent: string): boolean {
    const again = readOnlyAt.has(agent);
    readOnlyAt.add(agent);
    return again || this.#router.agents.every(({ id }) => readOnlyAt.has(id));
  }

  /** What became of the request: one agent's word, or that of so many that it must be true. */
  #conclude(request: PendingRequest, answer: ClientResult, vouchedBy: readonly string[], from?: string): void {
    if (answer.ok) {
      request.session?.confirm();
      this.#settle(request);
      const { value, side } = answer;
      request.resolve({ value, vouchedBy, ...(from !== undefined && { from }), ...(side && { side }) });
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
    const said = request.vouching?.sentence ?? "";
    if (said !== "")
      this.#fail(
        request,
        "unvouched",
        outcome,
        unvouched(request, this.#router.faultsTolerated + 1, said, this.#witnesses),
      );
    else if (request.attempts === 0)
      this.#fail(request, "unavailable", outcome, `No agent could be asked: ${what}.${why}`);
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
    request.vouching?.end();
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

/** Asks what a write came to, without asking for it. */
function outcomeRequest(write: Write): ClientOperation {
  return { op: "outcome", of: write.op, ...subjectOf(write) };
}

function subjectOf(write: Write): { readonly taskId?: string; readonly proposalId?: string } {
  switch (write.op) {
    case "submitTask":
      return write.task.id === undefined ? {} : { taskId: write.task.id };
    case "cancelTask":
      return { taskId: write.taskId };
    case "propose":
      return write.proposal.id === undefined ? {} : { proposalId: write.proposal.id };
    default:
      return {};
  }
}

function unvouched({ operation }: PendingRequest, needed: number, sentence: string, { all }: Witnesses): string {
  const why =
    all.length < needed
      ? ` This client knows only ${all.length}: give it all agents of the swarm, or do not vouch.`
      : "";
  return `${needed} agents must say the same of what the ${operation.op} came to, and no ${needed} do: ${sentence}.${why}`;
}
