import type { AgentInputs } from "../../agent/types.ts";
import type {
  ClientReply,
  Dialler,
  DurableLog,
  Executor,
  Judge,
  Measurement,
  Network,
  World,
} from "../../agent/world.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import type { Crypto } from "../../core/crypto.ts";
import type { AgentLogs } from "./agent-logs.ts";

/** Node's timers hold 31 bits of ms; one that fires early is set again. */
const LONGEST_TIMER_MS = 2 ** 30;

export interface LiveWorldParts {
  readonly network: Network;
  readonly dialler: Dialler;
  readonly logs: Pick<AgentLogs, "log" | "memoryLog" | "flush">;
  readonly executor: Executor;
  readonly judge: Judge;
  readonly crypto: Crypto;
  readonly now: () => number;
  /** Ms of the machine's time until `now` shows a time, as things stand. */
  readonly msUntil: (atMs: number) => number;
  readonly observe: (event: TimelineEvent) => void;
  readonly taskOutput: World["taskOutput"];
  /** What the process uses now. */
  readonly measurement: () => Measurement;
  readonly reply: (replies: readonly ClientReply[]) => void;
  /** Is told after each turn when it began (performance.now(), ms): a fault may make it last longer. */
  readonly turned?: (sinceMs: number) => void;
}

/**
 * The world of a real process. A turn runs once an iteration of the event loop, in its check phase: after everything that its sockets had to read, so
 * that all of it is one turn's input. After the turn the log is flushed: frames and replies of the turn have left by then.
 */
export class LiveWorld implements World {
  readonly network: Network;
  readonly dialler: Dialler;
  readonly log: DurableLog;
  readonly memoryLog?: DurableLog;
  readonly executor: Executor;
  readonly judge: Judge;
  readonly crypto: Crypto;
  readonly #parts: LiveWorldParts;
  #agent: AgentInputs | undefined;
  #turnRequested = false;
  /** The log is being flushed: a turn that is requested now follows at once. */
  #flushing = false;
  #alarmMs = Number.POSITIVE_INFINITY;
  /** When the timer fires that is set; Infinity: none is. */
  #timerMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(parts: LiveWorldParts) {
    this.#parts = parts;
    this.network = parts.network;
    this.dialler = parts.dialler;
    this.log = parts.logs.log;
    if (parts.logs.memoryLog !== undefined) this.memoryLog = parts.logs.memoryLog;
    this.executor = parts.executor;
    this.judge = parts.judge;
    this.crypto = parts.crypto;
  }

  /** Begins to run an agent that was made with this world. */
  run(agent: AgentInputs): void {
    this.#agent = agent;
    agent.start(this.#parts.now());
    this.requestTurn();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  requestTurn(): void {
    if (this.#turnRequested) return;
    this.#turnRequested = true;
    if (!this.#flushing) this.#planTurn();
  }

  setAlarm(atMs: number): void {
    this.#alarmMs = atMs;
    // A timer that fires too early costs less than one that is set anew at every turn.
    if (atMs < this.#timerMs) this.#setTimer();
  }

  /** A fault has put the clock forward, or lets it run at another pace: the alarm rings when it shows the alarm's time. */
  clockChanged(): void {
    if (this.#alarmMs !== Number.POSITIVE_INFINITY) this.#setTimer();
  }

  observe(event: TimelineEvent): void {
    this.#parts.observe(event);
  }

  taskOutput(taskId: string, token: number, stream: "stdout" | "stderr", text: string): void {
    this.#parts.taskOutput(taskId, token, stream, text);
  }

  measure(): void {
    // Not from within the agent's own turn.
    setImmediate(() => {
      if (!this.#ended) this.#agent?.measured(this.#parts.measurement(), this.#parts.now());
    });
  }

  reply(replies: readonly ClientReply[]): void {
    this.#parts.reply(replies);
  }

  #planTurn(): void {
    setImmediate(() => {
      // What a sync in place has made durable is answered at once: another iteration of the loop costs about as much as a turn.
      if (this.#turn() && this.#turn()) this.#planTurn();
    });
  }

  /** True when flushing the log led to a request for a turn that is not planned yet. */
  #turn(): boolean {
    this.#turnRequested = false;
    if (this.#ended || this.#agent === undefined) return false;
    const { turned } = this.#parts;
    const began = turned === undefined ? 0 : performance.now();
    this.#agent.turn(this.#parts.now());
    turned?.(began);
    const planned = this.#turnRequested;
    this.#flushing = true;
    this.#parts.logs.flush();
    this.#flushing = false;
    return !planned && this.#turnRequested;
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    this.#timerMs = this.#alarmMs;
    if (this.#alarmMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(this.#parts.msUntil(this.#alarmMs), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#fired(), waitMs);
  }

  #fired(): void {
    this.#timerMs = Number.POSITIVE_INFINITY;
    if (this.#ended || this.#agent === undefined) return;
    const now = this.#parts.now();
    if (now < this.#alarmMs) {
      this.#setTimer();
      return;
    }
    this.#alarmMs = Number.POSITIVE_INFINITY;
    this.#agent.alarm(now);
    this.requestTurn();
  }
}
